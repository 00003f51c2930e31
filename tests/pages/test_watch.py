"""Watch it learn: live, waiting, failed, played again, and without anything to watch."""

from dataclasses import replace

import pytest

from core.experiments.planning import plan_experiment
from core.experiments.store import open_store
from core.jobs.progress import Progress
from core.training.events import SplitScore, TrackedImage
from core.training.scoring import tracked_rows
from core.ui.frame import reads
from tests import made_up
from tests.pages.conftest import RECORDED_ID, open_cold, open_routed, words


@pytest.fixture
def store(empty_home):  # noqa: ARG001 - sets the home
    return open_store()


@pytest.fixture
def experiment_id(store):
    """A waiting experiment of three strategies on the arrows, whose network is an MLP."""
    spec = plan_experiment("arrows", ["majority", "mlp"], image_size=8)
    return store.create_experiment(spec)


def tracked(experiment_id, answers):
    """Records of the tracked images: right ones as their label, wrong ones as the next class."""
    spec = open_store().experiment(experiment_id).spec
    dataset = reads.dataset("arrows")
    validation = spec.split.of(dataset).validation
    rows = tracked_rows(dataset.labels[validation])
    images = [int(image) for image in validation[rows]]
    return tuple(
        TrackedImage(image, int((dataset.labels[image] + (place >= answers)) % 3), 0.5)
        for place, image in enumerate(images)
    )


def at_work(store, experiment_id):
    """The majority run is finished, the MLP has done one epoch of four."""
    store.announce_worker("worker")
    scores = replace(made_up.result().scores, validation=SplitScore(8, 1 / 3, 1.0))
    store.finish_run(
        store.claim_next("worker", experiment_id).id, made_up.result(scores=scores, epochs=0)
    )
    run_id = store.claim_next("worker", experiment_id).id
    store.add_epoch(
        run_id,
        made_up.epoch(
            1, epochs=4, validation_accuracy=0.5, tracked=tracked(experiment_id, answers=2)
        ),
    )
    store.set_progress(run_id, Progress("Training, epoch 2 of 4", 30, 60, epoch=2, epochs=4))
    return run_id


def finished(store, experiment_id):
    run_id = at_work(store, experiment_id)
    for number, right in ((2, 3), (3, 5), (4, 6)):
        record = made_up.epoch(number, epochs=4, tracked=tracked(experiment_id, answers=right))
        store.add_epoch(run_id, record)
    store.finish_run(run_id, made_up.result(0.81))


def numbers(app):
    return [(metric.label, metric.value, metric.delta) for metric in app.metric]


def test_a_waiting_experiment_shows_its_place_and_its_pictures(experiment_id):
    app = open_cold("watch")
    assert app.query_params["experiment"] == experiment_id
    assert [bar.proto.text for bar in app.get("progress")] == [
        "0 of 2 runs done · Next in the queue"
    ]
    assert numbers(app) == [("MLP", "—", "waiting")]
    assert "no answer yet" in words(app)
    assert "no answers yet" in words(app)


def test_while_it_trains_it_shows_numbers_answers_and_the_majority_line(store, experiment_id):
    at_work(store, experiment_id)
    app = open_cold("watch")
    assert numbers(app) == [("MLP", "50.0 %", "+16.7 points")]
    text = words(app)
    assert "epoch 1 of 4: **2 of 8 correct**" in text
    assert text.count(":material/check:") == 2
    assert text.count(":material/close:") == 6
    assert "held out, never trained on" in text
    (bar,) = app.get("progress")
    assert bar.proto.text == (
        "1 of 2 runs done · **MLP**: Training, epoch 2 of 4 · 30 of 60 images"
    )
    assert bar.proto.value == 37
    table = app.table[0].value
    assert list(table.columns) == ["picture", "Majority class 33.3\xa0%", "MLP 50.0\xa0%"]
    assert len(table) == 8
    assert "Play" not in [button.label for button in app.button]


def moment(app, experiment_id):
    return app.segmented_control(key=f"watch.at.{experiment_id}")


def press(app, label):
    return next(button for button in app.button if button.label == label).click().run()


def test_when_the_last_run_ends_the_page_offers_to_play_it_again(store, experiment_id):
    run_id = at_work(store, experiment_id)
    app = open_routed("watch", experiment=experiment_id)
    assert "Play" not in [button.label for button in app.button]
    store.finish_run(run_id, made_up.result(0.81))
    app.run()
    assert "Play" in [button.label for button in app.button]
    assert moment(app, experiment_id).value == "100"
    assert not app.get("progress")


def test_a_finished_experiment_is_played_again(store, experiment_id):
    finished(store, experiment_id)
    app = open_cold("watch", experiment=experiment_id, at="50")
    assert moment(app, experiment_id).value == "50"
    assert "epoch 2 of 4: **3 of 8 correct**" in words(app)
    # the third picture was wrong an epoch before
    assert words(app).count(":material/autorenew:\xa0correct") == 1
    moment(app, experiment_id).set_value("80").run()
    assert app.query_params["at"] == "80"
    assert "epoch 3 of 4: **5 of 8 correct**" in words(app)
    moment(app, experiment_id).set_value("0").run()
    assert "before its first epoch" in words(app)
    assert numbers(app) == [("MLP", "—", "before its first epoch")]


def test_play_begins_at_the_beginning_and_stop_keeps_the_moment(store, experiment_id):
    finished(store, experiment_id)
    app = press(open_routed("watch", experiment=experiment_id), "Play")
    begun = int(moment(app, experiment_id).value)
    assert begun < 40
    app.run()
    assert moment(app, experiment_id).value == str(begun + 10)
    app = press(app, "Stop")
    assert app.query_params["at"] == str(begun + 10)
    app.run()
    assert moment(app, experiment_id).value == str(begun + 10)
    assert "Play" in [button.label for button in app.button]


def test_playing_ends_at_the_end(store, experiment_id):
    finished(store, experiment_id)
    app = press(open_routed("watch", experiment=experiment_id, at="90"), "Play")
    app.run()
    assert moment(app, experiment_id).value == "100"
    assert app.query_params["at"] == "100"
    assert "Play" in [button.label for button in app.button]


def test_a_run_that_failed_is_said_with_its_reason(store, experiment_id):
    run_id = at_work(store, experiment_id)
    store.fail(run_id, "Its loss became *nan*.")
    text = words(open_cold("watch", experiment=experiment_id))
    assert ":material/error: MLP, seed 0: failed. Its loss became \\*nan\\*\\." in text


@pytest.mark.usefixtures("results_store")
def test_recorded_results_show_their_curves_and_say_why_there_are_no_pictures():
    app = open_cold("watch", experiment=RECORDED_ID, seed="1")
    assert not app.exception
    assert "The dataset of this experiment was removed" in words(app)
    assert [label for label, _, _ in numbers(app)] == ["CNN, three blocks", "VGG16 probe"]
    assert app.get("plotly_chart")


def test_epochs_without_tracked_images_say_why(store, experiment_id):
    store.finish_run(store.claim_next("worker", experiment_id).id, made_up.result(epochs=0))
    run_id = store.claim_next("worker", experiment_id).id
    store.add_epoch(run_id, made_up.epoch(1))
    store.finish_run(run_id, made_up.result())
    text = words(open_cold("watch", experiment=experiment_id))
    assert "This experiment has no predictions for single epochs" in text
    assert "no answer yet" not in text


def test_an_experiment_without_a_finished_epoch_says_so(store, experiment_id):
    store.finish_run(store.claim_next("worker", experiment_id).id, made_up.result(epochs=0))
    store.fail(store.claim_next("worker", experiment_id).id, "It fell.")
    text = words(open_cold("watch", experiment=experiment_id))
    assert "No epoch was finished in this experiment" in text
    assert "was not noted" not in text


@pytest.mark.usefixtures("results_store")
def test_stale_parts_of_a_link_are_said():
    app = open_cold("watch", experiment="gone", at="7")
    predicted = [warning.value for warning in app.warning]
    assert "names the experiment gone" in predicted[0]
    assert "names the moment of the training 7" in predicted[1]


def test_benchmark_leads_here_while_it_runs(experiment_id):
    app = open_routed("benchmark", experiment=experiment_id)
    assert "Watch it learn" in [link.label for link in app.get("page_link")]
