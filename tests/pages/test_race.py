"""The section Race of the page Advice: the form, a race at work, its result, and who may start."""

from unittest.mock import Mock
from urllib.parse import parse_qs

import pytest

from core.analysis.advice import facts as facts_module
from core.analysis.advice.race import request
from core.analysis.advice.race.request import latest_race, plan_race
from core.datasets.dataset import Dataset
from core.experiments.forecast import Forecast
from core.experiments.race_points import keep_point
from core.experiments.store import Store
from core.ui.frame import access
from core.ui.frame.access import Role, Visitor
from tests.made_race import CURVES, at, share
from tests.pages.conftest import button, everything, is_whole, links, open_cold, words


@pytest.fixture(autouse=True)
def here(empty_home, monkeypatch):  # noqa: ARG001 - sets the home
    """VGG16 alone has its weights here; two images of each class are enough, and no worker."""
    for module in ("core.strategies.selection", "core.experiments.planning"):
        monkeypatch.setattr(f"{module}.is_available", lambda weights: weights.backbone == "vgg16")
    monkeypatch.setattr(facts_module, "is_available", lambda weights: weights.backbone == "vgg16")
    monkeypatch.setattr(request, "FEWEST_A_CLASS", 2)
    monkeypatch.setattr(request, "ensure_worker", Mock(return_value=False))


def keep_points(store: Store, arrows: Dataset) -> None:
    """As many validation images as the rule needs to drop somebody, whatever the arrows have."""
    images, spec = 500, plan_race(store, arrows, 10).spec
    for place, size in enumerate(spec.sizes):
        for name, curve in CURVES.items():
            if place < len(curve) and name in spec.names:
                made = at(
                    name, size, share(round(images * curve[place]), images),
                    dataset_id=arrows.id, split_fingerprint=spec.split_fingerprint,
                    settings=dict(spec.strategies)[name], weights=spec.weights[name],
                )  # fmt: skip
                keep_point(store.database, made)


def test_it_is_started_with_minutes_and_strategies_and_can_be_cancelled(arrows, store):
    app = is_whole(open_cold("advice"))
    names = plan_race(store, arrows, 10).spec.names
    (chosen,) = app.multiselect
    assert chosen.value == list(names)
    assert {"majority", "mlp", "cnn", "vgg16_probe", "vgg16_finetune"} <= set(names)
    assert store.jobs() == []
    chosen.set_value(["majority", "mlp"])
    app.number_input(key="race.minutes").set_value(3)
    app.run()
    button(app, "Start the race").click().run()
    (job,) = store.jobs()
    race = latest_race(store, arrows)
    assert (job.kind, job.state) == ("race", "queued")
    assert (race.spec.minutes, race.spec.names) == (3, ("majority", "mlp"))
    assert "Next in the queue" in app.get("progress")[0].proto.text
    assert not any(entry.label == "Start the race" for entry in app.button)
    button(app, "Cancel").click().run()
    assert store.job(job.id).state == "cancelled"
    app.run()
    assert "The race was cancelled; what was trained until then counts" in words(app)
    assert button(app, "Start the race")


def test_its_result_is_there_in_words_as_a_chart_and_fills_the_form(arrows, store):
    keep_points(store, arrows)
    request.request_race(store, plan_race(store, arrows, 10))
    job = store.claim_next("worker")
    result = {"ended": "time", "failed": {"vgg16_scratch": "Its loss became nan."}, "seconds": 600}
    store.finish(job.id, result, job.attempts)
    app = is_whole(open_cold("advice"))
    text = everything(app).replace("\\", "")
    assert "The budget of 10 min was used up before every training was done." in text
    assert "VGG16 probe leads: trained on 21 of 76 training images" in text
    assert "Cannot win here any more: MLP" in text
    assert "VGG16 from random weights was not trained: Its loss became nan." in text
    (chart,) = app.get("plotly_chart")
    assert "VGG16 probe 80.0 % after 6, 82.0 % after 12, 84.0 % after 21, leads" in chart.proto.alt
    verdicts = app.dataframe[-1].value
    assert "leads" in verdicts["verdict"].tolist()
    assert any(text.startswith("cannot win here: at best") for text in verdicts["verdict"])
    race = latest_race(store, arrows)
    label = f"Benchmark the {len(race.remaining)} that remain"
    page, query_string = links(app)[label]
    query = {name: value for name, (value,) in parse_qs(query_string).items()}
    assert page == "benchmark"
    assert query == {"dataset": arrows.folder.name, "strategies": ",".join(race.remaining)}
    assert "mlp" not in race.remaining
    form = is_whole(open_cold("benchmark", **query))
    assert form.session_state["choose.vgg16_probe"]
    assert not form.session_state["choose.mlp"]


def test_a_race_at_work_shows_what_is_known_so_far(arrows, store):
    keep_points(store, arrows)
    request.request_race(store, plan_race(store, arrows, 10))
    store.claim_next("worker")
    text = everything(is_whole(open_cold("advice"))).replace("\\", "")
    assert "The race is not over yet; it ends after 10 min at the latest." in text
    assert "VGG16 probe leads" in text


def test_where_everything_takes_minutes_it_says_just_run_it(monkeypatch):
    forecast = Forecast(240.0, 0.0, (), "")
    monkeypatch.setattr(request, "forecast_experiment", lambda *_arguments: forecast)
    app = is_whole(open_cold("advice"))
    assert app.info[0].value.startswith("Just run it")
    page, query_string = links(app)["Fill the Benchmark form with all of them"]
    assert page == "benchmark"
    assert "vgg16_finetune" in query_string
    assert not button(app, "Start the race").disabled


def test_one_that_ended_the_process_is_left_out_until_somebody_chooses_it(arrows, store):
    request.request_race(store, plan_race(store, arrows, 10))
    job = store.claim_next("worker")
    with store.database.writing() as connection:
        noted = job.arguments | {"at_work": {"vgg16_finetune": 12}}
        store.change_running(connection, job.id, job.attempts, arguments=noted)
    store.fail(job.id, "The process of this race was killed by signal 9 (SIGKILL).", job.attempts)
    app = is_whole(open_cold("advice"))
    text = words(app).replace("\\", "")
    title = "VGG16, everything fine-tuned,"
    assert f"{title} is left out. Its training on 12 training images ended the process" in text
    assert f"{title} was not trained: Its training on 12 training images ended the" in text
    (chosen,) = app.multiselect
    assert "vgg16_finetune" not in chosen.value
    chosen.set_value(["majority", "vgg16_finetune"]).run()
    button(app, "Start the race").click().run()
    assert latest_race(store, arrows).spec.names == ("majority", "vgg16_finetune")
    assert latest_race(store, arrows).failed == {}


def test_without_strategies_nothing_can_be_started(store):
    app = open_cold("advice")
    app.multiselect[0].set_value([]).run()
    assert app.warning[0].value.replace("\\", "") == "Choose at least one strategy."
    assert button(app, "Start the race").disabled
    assert store.jobs() == []


def test_a_dataset_that_is_too_small_is_told_before_anybody_asks(monkeypatch):
    monkeypatch.setattr(request, "FEWEST_A_CLASS", 10)
    app = is_whole(open_cold("advice"))
    assert "arrows is too small for a race" in app.info[0].value
    assert not app.multiselect
    assert "Set up a benchmark" in links(app)


def test_a_viewer_reads_and_starts_none(store, monkeypatch):
    monkeypatch.setattr(access, "visitor", lambda: Visitor(Role.VIEWER, email="v@example.org"))
    app = open_cold("advice")
    pressed = button(app, "Start the race")
    assert pressed.disabled
    assert "only an editor can start a race" in words(app)
    pressed.proto.disabled = False  # as a session made by hand can
    pressed.click().run()
    assert store.jobs() == []
