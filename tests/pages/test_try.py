"""Try it: a picture that every strategy answers, and the guessing game; links that are stale."""

import io
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from core.analysis.evidence import load_evidence
from core.analysis.guessing import guessing_round, players
from core.datasets.storage import open_dataset, remove_dataset
from core.experiments.store import open_store
from core.live import client
from core.live.client import Candidate, LiveAnswer, LiveState
from core.text import escape_markdown
from core.ui.try_it import answers, guess, training
from tests import made_up, stored_home
from tests.pages.compared import EXPERIMENT, HOSTILE, add_hostile, store_compared
from tests.pages.conftest import open_cold, open_routed, words

OTHER_RUN = "cccc3333-cnn-0"


@pytest.fixture
def compared(empty_home):  # noqa: ARG001 - sets the home
    store = open_store()
    store_compared(store, open_dataset("arrows"))
    return store


@pytest.fixture
def live(compared, monkeypatch):
    """Majority and CNN answer at once; MLP kept no weights; the probe needs what is not there."""
    del compared
    offered = (
        Candidate("majority", f"{EXPERIMENT}-majority-0", 0, None),
        Candidate("mlp", f"{EXPERIMENT}-mlp-0", 0, "Its weights were not kept."),
        Candidate("cnn", OTHER_RUN, 0, None),
    )
    asked = Mock(
        return_value=(
            predicted("majority", [0.5, 0.3, 0.2], 0.0),
            predicted("cnn", [0.125, 0.75, 0.125], 0.0213),
        )
    )
    maps = Mock(return_value={"cnn": np.array([[0.0, 1.0], [0.0, 0.0]], np.float32)})
    monkeypatch.setattr(answers, "candidates", Mock(return_value=offered))
    monkeypatch.setattr(answers, "wake", Mock(return_value=LiveState("ready")))
    monkeypatch.setattr(answers, "answer", asked)
    monkeypatch.setattr(answers, "where_it_looked", maps)
    monkeypatch.setattr(answers, "offer_training", Mock())
    return asked


def predicted(strategy, probabilities, seconds):
    return LiveAnswer(
        strategy, f"{EXPERIMENT}-{strategy}-0", 0, np.array(probabilities, np.float32), seconds
    )


def is_whole(app):
    assert not app.exception
    assert [element.value for element in app.error] == []
    return app


def a_test_image(label):
    dataset = open_dataset("arrows")
    test = open_store().experiment(EXPERIMENT).spec.split.of(dataset).test
    return int(next(place for place in test if dataset.labels[place] == label))


def expanders(app):
    return [element.label for element in app.expander]


# A picture ------------------------------------------------------------------------------------


def test_every_strategy_that_can_answers_at_once(live):
    image = a_test_image(label=1)
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT, image=str(image)))
    text = words(app)
    assert "It is labelled **left**, and 1 of 2 strategies predict it." in text
    assert ":red-badge[:material/close: down: wrong]" in text
    assert ":green-badge[:material/check: left: correct]" in text
    assert "left 75\\.0 %" in text
    assert "took 21 ms" in text
    assert "has no network" in text
    assert "No layer that keeps positions, so no heat map\\: Majority class\\." in text
    # With three classes the third says nothing that the others do not.
    assert "up 12" not in text
    assert expanders(app) == ["1 strategy cannot answer here"]
    assert "**MLP**: Its weights were not kept\\." in text
    assert live.call_args.args[1] == EXPERIMENT
    assert (live.call_args.args[2].shape, live.call_args.args[2].dtype) == ((8, 8, 1), np.uint8)


def test_a_picture_is_asked_about_once(live):
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT))
    is_whole(app.run())
    assert live.call_count == 1


@pytest.mark.usefixtures("live")
def test_only_held_out_pictures_are_offered_and_more_of_them_on_demand():
    app = is_whole(open_routed("try_it", experiment=EXPERIMENT))
    keys = [button.key for button in app.button if button.key and "try.choose." in button.key]
    dataset = open_dataset("arrows")
    test = open_store().experiment(EXPERIMENT).spec.split.of(dataset).test
    offered = [int(key.removeprefix("try.choose.")) for key in keys]
    assert len(offered) == 12
    assert set(offered) <= set(test.tolist())
    (more,) = [button for button in app.button if button.label == "Another twelve"]
    app = is_whole(more.click().run())
    assert app.query_params["page"] == "2"
    assert not {button.key for button in app.button} & set(keys)


@pytest.mark.usefixtures("live")
def test_choosing_a_picture_goes_into_the_address():
    app = is_whole(open_routed("try_it", experiment=EXPERIMENT))
    (button, *_) = [entry for entry in app.button if "try.choose." in (entry.key or "")][3:]
    app = is_whole(button.click().run())
    assert app.query_params["image"] == button.key.removeprefix("try.choose.")


@pytest.mark.usefixtures("live")
def test_a_link_to_a_training_picture_is_refused_in_a_sentence():
    dataset = open_dataset("arrows")
    train = open_store().experiment(EXPERIMENT).spec.split.of(dataset).train
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT, image=str(train[0])))
    assert app.warning[0].value == (
        f"The link names the picture {train[0]}, which is not among the test images: networks may "
        "have learned from it. Shown instead: one that was held out."
    )
    assert "image" not in app.query_params


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("stale", [{"image": "9999"}, {"source": "<b>"}, {"view": "x"}])
def test_stale_links_say_so(stale):
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT, **stale))
    assert app.warning[0].value.startswith("The link names the")
    assert "It is labelled" in words(app)


def a_png(shade):
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), (shade, shade, shade)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.usefixtures("live")
def test_an_upload_is_answered_and_not_kept(home):
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT, source="upload"))
    assert "Headstart reads your picture in memory and forgets it" in words(app)
    files = sorted(path for path in home.rglob("*") if path.is_file())
    app = is_whole(app.file_uploader[0].set_value(("mine.png", a_png(9), "image/png")).run())
    text = words(app)
    assert "mine\\.png, 20 × 10 pixels" in text
    assert "Its label is not known here. 1 of 2 strategies predict **down**." in text
    assert "correct" not in text.split("Its label")[1].split("Bright places")[0]
    assert sorted(path for path in home.rglob("*") if path.is_file()) == files


@pytest.mark.usefixtures("live")
def test_an_uploaded_training_picture_is_told(home):  # noqa: ARG001
    dataset = open_dataset("arrows")
    train = open_store().experiment(EXPERIMENT).spec.split.of(dataset).train
    buffer = io.BytesIO()
    dataset.image(int(train[3])).save(buffer, "PNG")
    app = open_cold("try_it", experiment=EXPERIMENT, source="upload")
    app.file_uploader[0].set_value(("again.png", buffer.getvalue(), "image/png")).run()
    name = escape_markdown(dataset.file_names[train[3]])
    label = dataset.classes[dataset.labels[train[3]]]
    assert app.warning[0].value == (
        f"This picture is {name} of the dataset (labelled {label}). It is one of the training "
        "images: every network has seen it together with its label, so a correct prediction proves "
        "nothing."
    )
    assert f"It is labelled **{label}**" in words(app)


@pytest.mark.usefixtures("live")
def test_what_is_no_picture_is_refused_in_plain_words():
    app = open_cold("try_it", experiment=EXPERIMENT, source="upload")
    app.file_uploader[0].set_value(("page.png", b"<html></html>", "image/png")).run()
    assert not app.exception
    (box,) = app.error
    assert box.value.startswith("This picture cannot be used\\: a web")


@pytest.mark.usefixtures("live")
def test_while_networks_load_the_cards_are_there(monkeypatch):
    loading = LiveState("loading", "Putting CNN together", 1, 7)
    monkeypatch.setattr(answers, "wake", Mock(return_value=loading))
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT))
    text = words(app)
    assert "Putting CNN together · 1 of 7" in text
    assert "**CNN, three blocks**" in text
    assert "It is labelled" not in text


def test_a_network_answers_while_others_load(live, monkeypatch):
    loading = LiveState("loading", "Putting CNN together", 1, 2)
    state = Mock(return_value=loading)
    monkeypatch.setattr(answers, "wake", state)
    both = live.return_value
    live.side_effect = lambda *asked: tuple(one for one in both if one.strategy in asked[3])
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT))
    # The majority class has nothing to load, and only it was asked.
    assert live.call_args.args[3] == ["majority"]
    state.return_value = replace(loading, loaded=("cnn",))
    text = words(is_whole(app.run()))
    assert live.call_args.args[3] == ["cnn"]
    assert "took 21 ms" in text
    assert "Putting CNN together · 1 of 2" in text
    state.return_value = LiveState("ready", loaded=("cnn",))
    is_whole(app.run())
    assert live.call_count == 2
    assert [found.strategy for found in state.call_args.args[2]] == ["majority", "mlp", "cnn"]


@pytest.mark.usefixtures("live")
def test_a_server_that_failed_says_why(monkeypatch):
    failed = LiveState("failed", error="There was no memory for *it*.")
    monkeypatch.setattr(answers, "wake", Mock(return_value=failed))
    app = open_cold("try_it", experiment=EXPERIMENT)
    assert [element.value for element in app.error] == ["There was no memory for \\*it\\*\\."]


@pytest.mark.usefixtures("live")
def test_a_network_that_could_not_be_put_together_is_named(monkeypatch):
    ready = LiveState("ready", unable={"cnn": "Its weights are torn."}, note="A timed run works.")
    monkeypatch.setattr(answers, "wake", Mock(return_value=ready))
    monkeypatch.setattr(
        answers, "answer", Mock(return_value=(predicted("majority", [0.5, 0.3, 0.2], 0.0),))
    )
    monkeypatch.setattr(answers, "where_it_looked", Mock(return_value={}))
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT))
    assert expanders(app) == ["2 strategies cannot answer here"]
    assert "**CNN, three blocks**: Its weights are torn\\." in words(app)
    assert "A timed run works\\." in words(app)


@pytest.mark.usefixtures("compared")
def test_without_the_dataset_the_page_says_so():
    remove_dataset("arrows")
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT))
    assert "The dataset arrows is no longer here" in words(app)


# The way out ----------------------------------------------------------------------------------


@pytest.fixture
def recorded(empty_home):  # noqa: ARG001 - sets the home
    """Recorded elsewhere without weights: only the majority class can answer."""
    store = open_store()
    spec = stored_home.long_spec(epochs=2)
    spec = spec.model_copy(update={"strategies": (("majority", {}), *spec.strategies)})
    store.add_recorded(EXPERIMENT, spec, "2026-11-20T10:00:00+00:00", made_up.origin(), [])
    return store


def test_one_button_trains_the_quick_strategies_with_the_same_settings(recorded):
    app = is_whole(open_routed("try_it", experiment=EXPERIMENT))
    assert "**Train the quick ones here** and they answer too" in words(app)
    assert "with the same settings: Majority class · MLP." in words(app)
    assert "Time: not known yet" in words(app)
    (button,) = [entry for entry in app.button if entry.label == "Train them here"]
    app = is_whole(button.click().run())
    (made,) = [entry for entry in recorded.experiments() if not entry.recorded]
    assert [name for name, _ in made.spec.strategies] == ["majority", "mlp"]
    assert dict(made.spec.strategies)["mlp"]["hidden_width"] == 8
    assert dict(made.spec.strategies)["mlp"]["epochs"] == 2
    assert made.spec.image_size == 8
    assert "The quick strategies are being trained here at this moment." in words(app)


def test_runs_that_were_cancelled_are_no_way_out(recorded):
    other = recorded.create_experiment(recorded.experiment(EXPERIMENT).spec)
    for run in recorded.runs(other):
        recorded.request_cancel(run.id)
    app = is_whole(open_routed("try_it", experiment=EXPERIMENT))
    assert [entry.label for entry in app.button if "Train" in entry.label] == ["Train them here"]


def test_those_that_were_trained_already_are_asked(recorded, monkeypatch):
    other = recorded.create_experiment(recorded.experiment(EXPERIMENT).spec)
    for run in recorded.runs(other):
        recorded.claim_next("worker")
        recorded.finish_run(run.id, made_up.result())
    able = tuple(Candidate(name, f"{other}-{name}-0", 0, None) for name in ("majority", "mlp"))
    monkeypatch.setattr(training, "candidates", Mock(return_value=able))
    app = is_whole(open_routed("try_it", experiment=EXPERIMENT))
    assert "The quick strategies were trained here too" in words(app)
    app.button(key=f"try.other.{other}").click().run()
    assert app.query_params["experiment"] == other


# Guess ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("compared")
def test_a_whole_round_is_played_and_scored():
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT, view="guess", round="2"))
    evidence = load_evidence(open_store(), EXPERIMENT)
    dealt = guessing_round(evidence, 2)
    assert app.get("progress")[0].proto.text == "Round 2 · picture 1 of 10"
    for place, label in enumerate(dealt.labels):
        assert [entry.value for entry in app.header] == ["What does it show?"]
        guess = label if place < 7 else (label + 1) % 3
        app = is_whole(app.button(key=f"guess.2.{place}.{guess}").click().run())
        right = sum(player.correct[dealt.rows[place]] for player in players(evidence))
        assert f"{right} of 4 strategies are correct." in words(app)
        truth = evidence.classes[label]
        if place < 7:
            assert app.success[0].value == f"Right: it is **{truth}**."
        else:
            assert f"It is **{truth}**, not {evidence.classes[guess]}." in app.warning[0].value
        app = app.button(key=f"guess.next.2.{place}").click().run()
    assert [entry.value for entry in app.header] == ["You: 7 of 10 right"]
    assert "7 of 10 right means that on very many such pictures" in words(app)
    assert app.dataframe[0].value["correct"].tolist()[0] == 7
    (again,) = [entry for entry in app.button if entry.label == "Another ten"]
    app = is_whole(again.click().run())
    assert app.query_params["round"] == "3"
    assert app.get("progress")[0].proto.text == "Round 3 · picture 1 of 10"


@pytest.mark.usefixtures("compared")
@pytest.mark.parametrize("number", ["0", "4", "-1", "x", "9" * 5000])
def test_a_round_that_there_is_not_says_so(number):
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT, view="guess", round=number))
    assert app.warning[0].value.startswith("The link names the round ")
    assert app.warning[0].value.endswith("Shown instead: round 1.")
    assert app.get("progress")[0].proto.text == "Round 1 · picture 1 of 10"
    assert "round" not in app.query_params


@pytest.mark.usefixtures("compared")
def test_many_classes_are_chosen_from_a_list(monkeypatch):
    monkeypatch.setattr(guess, "MOST_BUTTONS", 2)
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT, view="guess"))
    assert app.button(key="guess.done.1.0").disabled
    app = is_whole(app.selectbox(key="guess.list.1.0").set_value(1).run())
    app = app.button(key="guess.done.1.0").click().run()
    assert "of 4 strategies are correct" in words(app)


def test_names_of_classes_are_shown_literally(empty_home):  # noqa: ARG001
    store_compared(open_store(), add_hostile())
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT, view="guess"))
    labels = [entry.label for entry in app.button if (entry.key or "").startswith("guess.1.0.")]
    assert labels == [escape_markdown(name) for name in open_dataset("*hostile*").classes]
    assert set(open_dataset("*hostile*").classes) == set(HOSTILE)


def test_an_experiment_without_results_says_so(empty_home):  # noqa: ARG001
    store = open_store()
    found = store.create_experiment(stored_home.majority_spec())
    app = is_whole(open_cold("try_it", experiment=found, view="guess"))
    assert "No run of this experiment has finished yet" in words(app)


# The experiment -------------------------------------------------------------------------------


def test_without_a_link_the_newest_that_can_answer_is_chosen(compared, monkeypatch):
    newest = compared.create_experiment(stored_home.majority_spec())
    monkeypatch.setattr(answers, "offer_training", Mock())
    app = is_whole(open_cold("try_it", view="guess"))
    # Nobody can answer: the newest that has results.
    assert app.query_params["experiment"] == EXPERIMENT
    assert newest != EXPERIMENT


def test_one_whose_networks_can_answer_goes_before_newer_ones(compared, monkeypatch):
    store_compared(compared, open_dataset("arrows"), experiment_id="dddd4444")
    able = Candidate("cnn", OTHER_RUN, 0, None)
    monkeypatch.setattr(
        client,
        "candidates",
        lambda _store, experiment_id: (able,) if experiment_id == EXPERIMENT else (),
    )
    app = is_whole(open_cold("try_it", view="guess"))
    assert app.query_params["experiment"] == EXPERIMENT


@pytest.mark.usefixtures("compared")
def test_the_view_keep_opens_from_its_link():
    app = is_whole(open_cold("try_it", experiment=EXPERIMENT, view="keep"))
    assert app.segmented_control(key="address.view").value == "keep"
