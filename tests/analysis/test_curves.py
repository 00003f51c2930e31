"""Where each strategy stands at a moment of its training, from made-up epochs."""

from types import SimpleNamespace

import numpy as np
import pytest

from core.analysis.curves import (
    Curve,
    TrackedPrediction,
    curves_of,
    epochs_up_to,
    finished_fraction,
    has_tracked_images,
    majority_fraction,
    snapshots,
    tracked_images,
)
from core.charts.curves import watch_chart
from core.training.events import TrackedImage
from tests import made_up


def answers(*predicted):
    """Pictures 7 and 40."""
    return tuple(map(TrackedImage, (7, 40), predicted, (0.75, 0.75)))


HEAD = made_up.epoch(1, "head", epochs=1, tracked=answers(1, 1))
FIRST = made_up.epoch(1, epochs=3, tracked=answers(0, 1))
SECOND = made_up.epoch(2, epochs=3, tracked=answers(0, 0))
CURVE = Curve("cnn", "CNN", 0, (HEAD, FIRST, SECOND))
PLAIN = Curve("mlp", "MLP", 0, (made_up.epoch(1), made_up.epoch(2)))


@pytest.fixture
def dataset():
    """Picture 7 is round, picture 40 square; three of five validation images are round."""
    labels = np.zeros(50, np.int32)
    labels[[40, 41]] = 1
    return SimpleNamespace(labels=labels, classes=("round", "square"))


@pytest.fixture
def spec():
    split = SimpleNamespace(validation=np.array([3, 40, 7, 41, 9]))
    return SimpleNamespace(majority_class="round", split=SimpleNamespace(of=lambda _: split))


@pytest.mark.parametrize(
    ("moment", "epochs"), [(0.0, 1), (0.33, 1), (1 / 3, 2), (0.66, 2), (2 / 3, 3), (1.0, 3)]
)
def test_a_moment_is_a_fraction_of_a_runs_own_epochs(moment, epochs):
    assert len(epochs_up_to(CURVE, moment).epochs) == epochs


def test_a_head_that_is_fitted_first_comes_before_everything():
    assert [finished_fraction(epoch) for epoch in CURVE.epochs] == [0, 1 / 3, 2 / 3]


@pytest.mark.parametrize(("state", "planned"), [("finished", 2), ("cancelled", 3), ("running", 3)])
def test_of_a_finished_run_that_stopped_early_the_last_epoch_is_the_end(state, planned):
    run = made_up.run("cnn", state=state)
    (curve,) = curves_of(SimpleNamespace(epochs=lambda _id: [HEAD, FIRST, SECOND]), [run])
    assert [epoch.epochs for epoch in curve.epochs] == [1, planned, planned]
    (snapshot,) = snapshots([run], [curve], None)
    assert (snapshot.epoch, snapshot.epochs) == (2, planned)
    assert finished_fraction(curve.epochs[-1]) == 2 / planned


def test_answers_are_judged_and_compared_with_the_epoch_before(dataset):
    (snapshot,) = snapshots([made_up.run()], [CURVE], dataset)
    assert (snapshot.stage, snapshot.epoch, snapshot.epochs) == ("main", 2, 3)
    assert snapshot.accuracy == SECOND.validation_accuracy
    assert snapshot.answers == {
        7: TrackedPrediction(0, 0.75, True, False),
        40: TrackedPrediction(0, 0.75, False, True),
    }
    assert snapshot.correct == 1


def test_the_first_epoch_has_nothing_to_be_new_against(dataset):
    (snapshot,) = snapshots([made_up.run()], [epochs_up_to(CURVE, 0.0)], dataset)
    assert (snapshot.stage, snapshot.correct) == ("head", 1)
    assert [answer.changed for answer in snapshot.answers.values()] == [False, False]


def test_without_tracked_images_or_dataset_there_are_numbers_and_no_answers(dataset):
    (mlp,) = snapshots([made_up.run("mlp")], [PLAIN], dataset)
    assert (mlp.accuracy, mlp.answers) == (PLAIN.epochs[-1].validation_accuracy, {})
    (cnn,) = snapshots([made_up.run()], [CURVE], None)
    assert (cnn.accuracy, cnn.answers) == (SECOND.validation_accuracy, {})
    assert (has_tracked_images([PLAIN]), has_tracked_images([PLAIN, CURVE])) == (False, True)


def test_the_run_at_work_stands_for_its_strategy_else_the_last_that_began(dataset):
    first, second, third = (made_up.run(seed=seed, state="finished") for seed in range(3))
    running = made_up.run(seed=1, state="running", result=None)
    waiting = made_up.run(seed=2, state="queued", result=None)
    assert [found.seed for found in snapshots([first, running, waiting], [], dataset)] == [1]
    assert [found.seed for found in snapshots([first, second, waiting], [], dataset)] == [1]
    assert [found.seed for found in snapshots([first, second, third], [], dataset, 0)] == [0]
    majority = made_up.run("majority")
    assert [found.strategy for found in snapshots([majority, waiting], [], dataset)] == ["cnn"]


def test_tracked_images_are_those_of_the_epochs_else_those_of_the_rule(dataset, spec):
    assert tracked_images([PLAIN, CURVE], spec, dataset) == (7, 40)
    # the rule: in the order of the classes, then of the split
    assert tracked_images([PLAIN], spec, dataset) == (3, 7, 9, 40, 41)


def test_the_majority_line_is_of_the_validation_images(dataset, spec):
    assert majority_fraction([], spec, dataset) == 3 / 5
    assert majority_fraction([made_up.run("majority")], spec, None) == 0.8
    assert majority_fraction([], spec, None) is None


def test_the_chart_lays_epochs_over_the_fraction_of_the_training():
    figure = watch_chart([CURVE, PLAIN], 0.6, 300).figure
    cnn, mlp = figure.data
    assert list(cnn.x) == pytest.approx([100 / 3, 200 / 3])
    assert list(cnn.y) == pytest.approx([50, 60])
    assert [list(point) for point in cnn.customdata] == [[1, 3], [2, 3]]
    assert mlp.name == "MLP"
    assert figure.layout.shapes[0].y0 == 60
    assert figure.layout.annotations[0].text == "majority class: 60.0 %"
    assert tuple(figure.layout.xaxis.range) == tuple(figure.layout.yaxis.range) == (0, 102)


@pytest.mark.parametrize(("majority", "hangs_from"), [(0.6, "top"), (0.02, "bottom")])
def test_the_words_of_the_majority_line_stand_where_no_curve_comes(majority, hangs_from):
    assert watch_chart([], majority, 300).figure.layout.annotations[0].yanchor == hangs_from


def test_the_chart_in_words():
    assert watch_chart([CURVE], 0.6, 300).words == (
        "Accuracy on the validation images. CNN, seed 0: 60.0 % after epoch 2 of 3. "
        "Majority class: 60.0 %."
    )
    assert watch_chart([], None, 300).words == "Accuracy on the validation images. No epoch yet."
