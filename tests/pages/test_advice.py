"""The page Advice: asked, at work, cancelled, there; and the form that it fills."""

from unittest.mock import Mock
from urllib.parse import parse_qs

import numpy as np
import pytest

from core.analysis.advice import facts as facts_module
from core.analysis.advice import gathered
from core.analysis.advice.facts import IMAGE_SIZE, backbones_here, facts_path, write_facts
from core.datasets.add import add_pixels
from core.datasets.dataset import Dataset
from core.datasets.storage import open_dataset
from core.experiments.accuracy_forecasts import keep_forecasts
from core.experiments.planning import plan_experiment
from core.jobs import cached
from core.ui.frame import access
from core.ui.frame.access import Role, Visitor
from tests.analysis.advice.made_forecasts import forecast, trained
from tests.analysis.advice.test_grades import finished, on_datasets
from tests.made_facts import blocks, difference, facts
from tests.pages.compared import store_compared
from tests.pages.conftest import button, everything, is_whole, links, open_cold, words


@pytest.fixture(autouse=True)
def here(empty_home, monkeypatch):  # noqa: ARG001 - sets the home
    """VGG16 alone has its weights here, and no worker is started."""
    monkeypatch.setattr(facts_module, "is_available", lambda weights: weights.backbone == "vgg16")
    monkeypatch.setattr(cached, "ensure_worker", Mock(return_value=False))


def keep(dataset: Dataset, **changes: object) -> None:
    found = facts(dataset, **changes)
    write_facts(found, facts_path(dataset, IMAGE_SIZE, backbones_here()))


def test_it_is_measured_when_somebody_asks_and_can_be_cancelled(arrows, store):
    app = is_whole(open_cold("advice"))
    assert app.query_params["dataset"] == arrows.folder.name
    assert "before anything is trained" in words(app)
    assert store.jobs() == []
    button(app, "Measure").click().run()
    (job,) = store.jobs()
    assert (job.kind, job.state) == ("advice", "queued")
    assert "Next in the queue" in app.get("progress")[0].proto.text
    button(app, "Cancel").click().run()
    assert store.job(job.id).state == "cancelled"
    app.run()
    assert "It was cancelled" in words(app).replace("\\", "")
    button(app, "Try again").click().run()
    assert store.job(job.id).state == "queued"


def test_a_failure_says_why(arrows, store):
    app = open_cold("advice")
    button(app, "Measure").click().run()
    job = store.claim_next("worker")
    store.fail(job.id, "The dataset was removed, so nothing was measured.", job.attempts)
    app.run()
    assert app.error[0].value.replace("\\", "").startswith("The dataset was removed")
    assert arrows.folder.exists()


def test_the_answer_comes_first_then_what_it_rests_on_and_most_is_folded(arrows, store):
    keep(arrows)
    store_compared(store, arrows)
    app = is_whole(open_cold("advice"))
    assert [header.value for header in app.header] == [
        "Run first\\: EfficientNet\\-Lite0 probe",
        "What to expect",
        "Find out more by a race",
        "Your images",
        "How good was earlier advice?",
    ]
    assert [fold.label for fold in app.expander if fold.label != "The numbers"] == [
        "When is a strategy dropped?",
        "Which pre-trained network fits best?",
        "Like ImageNet's photographs? How much to train?",
        "Would more images help?",
        "Your datasets, and what was best on them",
        "How this was measured",
    ]
    text = everything(app).replace("\\", "")
    assert "notices in your images was enough to get 72.0 % of them right" in text
    assert "Run already: the best on these images is CNN, three blocks" in text
    assert "These images are like ImageNet's photographs" in text
    assert "The rule of thumb names the best strategy" in text
    assert "for 0 of 1 dataset" in text
    assert len(app.get("plotly_chart")) == 5
    # The tables of five charts, and that of what was found.
    assert len(app.dataframe) == 6
    assert app.dataframe[-1].value["best strategy"].tolist() == ["CNN, three blocks"]
    assert "no validation or test image was used" in text


def test_forecasts_and_their_grades_are_shown(arrows, store):
    keep(arrows)
    spec = plan_experiment("arrows", ["majority"], image_size=IMAGE_SIZE)
    kept = {"dataset_id": arrows.id, "split_fingerprint": spec.split_fingerprint}
    keep_forecasts(store.database, [forecast(made_at="2026-01-01", **kept)])
    text = everything(is_whole(open_cold("advice"))).replace("\\", "")
    assert "VGG16 probe: 70.0 % (in 8 of 10 cases 64.0 to 76.0 %, in 19 of 20 60.0 to 80.0" in text
    assert "No forecast of this installation has been checked yet" in text
    finished(store, 0.9)
    app = is_whole(open_cold("advice"))
    text = everything(app).replace("\\", "")
    assert "The one forecast that came out lay in no range: what came out was +20.0 points" in text
    assert "That is too little experience: it takes 20." in text
    graded = next(one.value for one in app.dataframe if "grade" in one.value)
    assert graded["grade"].tolist() == ["miss"]
    assert graded["error (points)"].tolist() == pytest.approx([20.0])
    assert "No advice has been checked by an experiment yet." in text


def test_verdicts_say_why_and_regret_stands_beside_fixed_rules(arrows, store):
    keep(arrows)
    spec = plan_experiment("arrows", ["majority"], image_size=IMAGE_SIZE)
    about = {
        "dataset_id": arrows.id,
        "split_fingerprint": spec.split_fingerprint,
        "made_at": "2026-01-01",
    }
    made = [
        trained("vgg16_probe", 0.8, verdict="worth", **about),
        trained("mlp", 0.6, verdict="cannot_win", **about),
    ]
    keep_forecasts(store.database, made)
    app = is_whole(open_cold("advice"))
    text = everything(app).replace("\\", "")
    assert app.header[0].value == "Run first\\: VGG16 probe"
    assert "Confidence: it will be 76.0 to 84.0 % in 8 of 10 cases, judged by 40 earlier" in text
    assert "VGG16 probe: worth running. It has the highest forecast." in text
    assert "more than both forecasts are likely to be off together (11.3 points)" in text
    _, query_string = links(app)["Fill the Benchmark form with these"]
    assert parse_qs(query_string)["strategies"] == ["majority,mlp,vgg16_probe"]
    finished(store, 0.82)
    app = is_whole(open_cold("advice"))
    text = everything(app).replace("\\", "")
    assert "ended 0.0 points below the best that was run, on the one dataset" in text
    regret = [one.value for one in app.dataframe if "what is run" in one.value]
    assert [one["what is run"].tolist()[0] for one in regret][-1] == "this advice"


def test_forecasts_that_missed_too_often_are_not_shown(arrows, store, monkeypatch):
    keep(arrows)
    keep_forecasts(store.database, [forecast(dataset_id=arrows.id)])
    assert "70.0 % (in 8 of 10" in everything(open_cold("advice")).replace("\\", "")
    monkeypatch.setattr(gathered, "graded_forecasts", lambda _store: on_datasets(2, 0.3))
    text = everything(is_whole(open_cold("advice"))).replace("\\", "")
    assert text.count("No forecast is shown: too many of those that were checked here") == 1
    assert "70.0 % (in 8 of 10" not in text
    monkeypatch.setattr(gathered, "graded_forecasts", lambda _store: on_datasets(20, 0.3))
    app = is_whole(open_cold("advice"))
    assert "fewer than luck allows, each dataset counted once" in app.warning[0].value
    assert "70.0 % (in 8 of 10" in everything(app).replace("\\", "")


def test_the_link_fills_the_form_of_the_benchmark(arrows):
    keep(arrows, blocks=blocks(difference(-5), 30, 20, None, 5, 9))
    page, query_string = links(open_cold("advice"))["Fill the Benchmark form with these"]
    assert page == "benchmark"
    query = {name: value for name, (value,) in parse_qs(query_string).items()}
    assert query == {
        "dataset": arrows.folder.name,
        "strategies": "majority,cnn,efficientnet_lite0_probe,vgg16_freeze",
        "set": "vgg16_freeze.k=11",
    }
    form = is_whole(open_cold("benchmark", **query))
    state = form.session_state
    assert [state[f"{preset}.vgg16_freeze.k"] for preset in ("quick", "article", "best")] == [
        11
    ] * 3
    assert form.selectbox[0].value == arrows.id
    assert state["choose.majority"]
    assert state["choose.cnn"]
    assert not state["choose.mlp"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("vgg16_freeze.k=99", "it must be a whole number from 0 to 19"),
        ("vgg16_freeze.no=1", "no setting of vgg16_freeze named"),
        ("nothing", "no strategy named"),
        ("mlp.epochs=", "it must be a whole number from"),
    ],
)
def test_a_link_with_a_setting_that_cannot_be_is_a_warning(text, sentence):
    form = is_whole(open_cold("benchmark", set=text))
    (warning,) = form.warning
    assert warning.value.startswith("The link names a setting: ")
    assert sentence in warning.value.replace("\\", "")
    assert not form.run().warning  # said once


def test_facts_without_any_backbone_still_say_how_large_the_dataset_is(arrows):
    keep(arrows, backbones=(), blocks=None)
    app = is_whole(open_cold("advice"))
    assert "113 training images in 3 classes" in everything(app).replace("\\", "")
    assert app.header[0].value == "What to run first cannot be told"
    assert len(app.get("plotly_chart")) == 1  # how good advice was on the recorded series


def test_with_another_network_it_can_be_measured_again(arrows, monkeypatch):
    keep(arrows)
    monkeypatch.setattr(facts_module, "is_available", lambda _weights: True)
    app = is_whole(open_cold("advice"))
    assert "What follows was measured with other networks" in words(app)
    assert app.header[0].value == "Run first\\: EfficientNet\\-Lite0 probe"
    assert button(app, "Measure")


def test_a_dataset_that_cannot_be_split_leads_to_clean_up():
    pixels = np.random.default_rng(0).integers(0, 255, (22, 8, 8)).astype(np.uint8)
    small = add_pixels(pixels, np.array([0] * 20 + [1] * 2), ["cat", "dog"], "small", "a test")
    app = open_cold("advice", dataset=small.folder.name)
    button(app, "Measure").click().run()
    assert "Class 'dog' has 2 images" in app.error[0].value.replace("\\", "")
    assert any("Clean up" in label for label in links(app))


def test_without_weights_it_says_how_to_get_some(monkeypatch):
    monkeypatch.setattr(facts_module, "is_available", lambda _weights: False)
    app = open_cold("advice")
    button(app, "Measure").click().run()
    assert "python -m core backbones fetch vgg16" in app.error[0].value.replace("\\", "")


def test_a_viewer_reads_and_does_not_measure(store, monkeypatch):
    monkeypatch.setattr(access, "visitor", lambda: Visitor(Role.VIEWER, email="v@example.org"))
    app = open_cold("advice")
    pressed = button(app, "Measure")
    assert pressed.disabled
    assert "only an editor can have a dataset measured" in words(app)
    pressed.proto.disabled = False  # as a session made by hand can
    pressed.click().run()
    assert store.jobs() == []


def test_a_stale_dataset_in_the_address_is_said():
    app = open_cold("advice", dataset="gone")
    assert "which is not here" in app.warning[0].value
    assert app.query_params["dataset"] == open_dataset("arrows").folder.name


def test_a_dataset_is_found_by_its_name_and_by_the_beginning_of_its_id(arrows):
    for named in ("arrows", arrows.id[:12]):
        app = is_whole(open_cold("advice", dataset=named))
        assert not app.warning
        assert app.query_params["dataset"] == arrows.folder.name
