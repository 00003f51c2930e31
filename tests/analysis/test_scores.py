"""Every number is worked out by hand from ``tests.made_evidence``; the sums are in the comments."""

from fractions import Fraction
from math import log, sqrt

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from core.analysis import metrics
from core.analysis.evidence import ExperimentPredictions, load_evidence
from core.analysis.metrics import METRICS, defined_metrics, find_metric
from core.analysis.scores import per_class_table, reliability, score_table
from core.analysis.significance import wilson_interval
from core.errors import UnknownName
from core.experiments.records import RecordedRun
from core.experiments.run_files import write_predictions
from core.experiments.store import open_store
from core.training.events import Predictions
from core.training.scoring import log_losses
from tests import made_up
from tests.made_evidence import EXPERIMENT, MOMENT, evidence_of, store_experiment

RIGHT, WRONG = log(2), log(8 / 3)  # nats of a probability of 1/2 and of 3/8

# By hand, for seeds 0 and 1. Labels: ant ant ant bee bee bee cat cat.
BY_HAND = {
    # cnn: 5 and 4 of 8 right; probe: 7 and 7.
    "accuracy": ([5 / 8, 4 / 8], [7 / 8, 7 / 8]),
    # cnn 0: ant 2/3, bee 2/3, cat 1/2. cnn 1: 1/3, 1/3, 1. probe: (1, 2/3, 1) and (2/3, 1, 1).
    "balanced_accuracy": ([11 / 18, 5 / 9], [8 / 9, 8 / 9]),
    # F1 is twice right / (images + named). cnn 0: 4/7, 4/6, 2/3. cnn 1: 2/6, 2/6, 4/4.
    # probe 0: 6/6, 4/5, 4/5. probe 1: 4/5, 6/7, 4/4.
    "macro_f1": ([40 / 63, 5 / 9], [13 / 15, 31 / 35]),
    # ROC AUC of ant, bee, cat. cnn 0: 7/10, 8/10, 11/12. cnn 1: 8/15, 9/15, 1.
    # probe 0: 1, 9/10, 11/12. probe 1: 14/15, 9/10, 1. Equal probabilities count by half.
    "roc_auc": ([29 / 36, 32 / 45], [169 / 180, 17 / 18]),
    "log_loss": (
        [(5 * RIGHT + 3 * WRONG) / 8, (4 * RIGHT + 4 * WRONG) / 8],
        [(7 * RIGHT + WRONG) / 8, (7 * RIGHT + WRONG) / 8],
    ),
    # There are only three classes.
    "top_3_accuracy": ([1.0, 1.0], [1.0, 1.0]),
    # All answers are 1/2 sure, so that it is how far the accuracy lies from 1/2.
    "calibration_error": ([1 / 8, 0.0], [3 / 8, 3 / 8]),
}
MAJORITY = {
    "accuracy": 3 / 8,
    "balanced_accuracy": 1 / 3,
    # Only ant is ever named: 6 / (3 + 8), over three classes.
    "macro_f1": 2 / 11,
    "roc_auc": 1 / 2,
    "log_loss": None,
    "top_3_accuracy": None,
    "calibration_error": None,
}


@pytest.fixture
def evidence(home) -> ExperimentPredictions:  # noqa: ARG001 - sets the home
    store = open_store()
    store_experiment(store)
    return load_evidence(store, EXPERIMENT)


def test_every_measure_is_worked_out_here():
    assert list(METRICS) == list(BY_HAND) == list(MAJORITY)


@pytest.mark.parametrize("score", METRICS)
def test_every_measure_as_worked_out_by_hand(evidence, score):
    cnn, probe = score_table(evidence, score)
    assert (cnn.strategy, cnn.title, cnn.seeds) == ("cnn", "CNN, three blocks", (0, 1))
    assert probe.strategy == "vgg16_probe"
    for found, expected in zip((cnn, probe), BY_HAND[score], strict=True):
        assert found.values == pytest.approx(expected, rel=1e-14, abs=1e-15)
        assert found.mean == pytest.approx(sum(expected) / 2, rel=1e-14, abs=1e-15)
        # The sample standard deviation of two numbers.
        spread = abs(expected[0] - expected[1]) / sqrt(2)
        assert found.deviation == pytest.approx(spread, rel=1e-12, abs=1e-15)
        if MAJORITY[score] is None:
            assert found.majority is None
        else:
            assert found.majority == pytest.approx(MAJORITY[score], rel=1e-14)


def test_fractions_have_the_wilson_interval_of_the_rounded_mean_count(evidence):
    cnn, probe = score_table(evidence)
    assert (cnn.low, cnn.high) == wilson_interval(4, 8)  # 4.5 of 8, rounded to even
    assert (probe.low, probe.high) == wilson_interval(7, 8)
    top, _ = score_table(evidence, "top_3_accuracy")
    assert (top.low, top.high) == wilson_interval(8, 8)


def test_other_measures_have_a_bootstrap_interval_around_their_mean(evidence):
    cnn, _ = score_table(evidence, "log_loss")
    # Of each image the mean loss of both seeds is right, half or wrong; the bootstrap's standard
    # error of their mean is sqrt(variance / 8).
    losses = np.array([RIGHT, 0, WRONG, RIGHT, 0, WRONG, RIGHT, 0])
    losses[losses == 0] = (RIGHT + WRONG) / 2
    reach = 1.96 * losses.std() / sqrt(8)
    assert cnn.low == pytest.approx(cnn.mean - reach, abs=0.1 * reach)
    assert cnn.high == pytest.approx(cnn.mean + reach, abs=0.1 * reach)
    assert score_table(evidence, "log_loss")[0] == cnn


@pytest.mark.parametrize("score", METRICS)
def test_intervals_stay_in_range_and_hold_the_mean(evidence, score):
    for found in score_table(evidence, score):
        if found.low is not None and found.high is not None:
            assert 0 <= found.low <= found.mean <= found.high


def test_no_interval_where_all_samples_are_alike():
    evidence = evidence_of({"cnn": [[True] * 6]})
    (cnn,) = score_table(evidence, "log_loss")
    assert (cnn.low, cnn.high) == (None, None)
    assert cnn.mean == pytest.approx(RIGHT, rel=1e-14)


def test_intervals_can_be_left_out(evidence):
    assert [found.low for found in score_table(evidence, "macro_f1", with_intervals=False)] == [
        None,
        None,
    ]


def test_one_seed_says_so():
    (cnn,) = score_table(evidence_of({"cnn": [[True, False]]}))
    assert cnn.deviation is None


def test_several_seeds_know_how_far_they_lie_apart(evidence):
    cnn, _ = score_table(evidence)
    assert cnn.deviation == pytest.approx(0.125 / sqrt(2))
    cnn, _ = score_table(evidence, "log_loss")
    assert cnn.deviation == pytest.approx((WRONG - RIGHT) / 8 / sqrt(2), rel=1e-6)


def test_an_unknown_measure_is_an_error_that_lists_those_there_are():
    with pytest.raises(UnknownName, match=r"no metric named 'auc'.*balanced_accuracy"):
        find_metric("auc")


def test_no_answers_give_no_scores(evidence):
    empty = ExperimentPredictions(
        "x", "y", "z", ("a", "b"), evidence.labels[:0], evidence.labels[:0], 0, (), {}
    )
    assert [score_table(empty, score) for score in METRICS] == [()] * len(METRICS)


def test_a_metric_that_the_test_images_do_not_have_gives_no_score():
    evidence = evidence_of({"cnn": [[True, False]]})  # bees alone
    assert score_table(evidence, "roc_auc") == ()
    assert list(defined_metrics(evidence)) == [name for name in METRICS if name != "roc_auc"]


@pytest.mark.parametrize(
    ("score", "value", "text"),
    [
        ("accuracy", 0.6634, "66.3 %"),
        ("log_loss", 1.178, "1.18 nats"),
        ("calibration_error", 0.0424, "4.2 points"),
        ("accuracy", None, "—"),
    ],
)
def test_values_are_shown_in_their_unit(score, value, text):
    assert METRICS[score].text(value) == text


# Average precision of ant: 1/2 is the probability of two ants and two others, 3/8 of the third ant
# and one other; for seed 1 of one ant and two others, then of two ants and two others.
_ANT_0 = 2 / 3 * 2 / 4 + 1 / 3 * 3 / 6
_ANT_1 = 1 / 3 * 1 / 3 + 2 / 3 * 3 / 7

# Classes ---------------------------------------------------------------------------------------


def test_classes_as_worked_out_by_hand(evidence):
    ant, bee, cat = per_class_table(evidence, "cnn")
    assert (ant.name, ant.images, ant.named) == ("ant", 3, 3.5)
    assert ant.precision == pytest.approx((2 / 4 + 1 / 3) / 2, rel=1e-14)
    assert ant.recall == pytest.approx(1 / 2, rel=1e-14)
    assert (ant.recall_low, ant.recall_high) == wilson_interval(2, 3)  # 1.5, to even
    assert ant.f1 == pytest.approx((4 / 7 + 2 / 6) / 2, rel=1e-14)
    # Of five others two, and two, were predicted as ant; ant was predicted 4 and 3 times.
    assert ant.specificity == pytest.approx(3 / 5, rel=1e-14)
    assert (ant.specificity_low, ant.specificity_high) == wilson_interval(3, 5)
    assert (ant.precision_low, ant.precision_high) == wilson_interval(2, 4)  # 5/12 of 3.5, rounded
    assert ant.roc_auc == pytest.approx((7 / 10 + 8 / 15) / 2, rel=1e-14)
    assert ant.average_precision == pytest.approx((_ANT_0 + _ANT_1) / 2, rel=1e-14)
    assert (bee.named, bee.precision) == (3.0, pytest.approx((2 / 3 + 1 / 3) / 2))
    assert (cat.images, cat.named, cat.precision, cat.recall) == (2, 1.5, 1.0, 0.75)


def test_classes_of_always_saying_the_commonest(evidence):
    ant, bee, _ = per_class_table(evidence, None)
    assert (ant.named, ant.precision, ant.recall) == (8.0, 3 / 8, 1.0)
    assert ant.f1 == pytest.approx(6 / 11, rel=1e-14)
    assert (bee.named, bee.precision, bee.recall, bee.f1) == (0.0, None, 0.0, 0.0)
    assert (ant.specificity, bee.specificity) == (0.0, 1.0)
    assert (ant.roc_auc, bee.roc_auc, bee.roc_auc_low) == (0.5, 0.5, None)
    assert (ant.average_precision, bee.average_precision) == (3 / 8, 3 / 8)


def test_a_class_without_test_images_has_no_recall():
    ant, bee, cat = per_class_table(evidence_of({"cnn": [[True, False]]}), "cnn")
    assert (ant.images, ant.recall, ant.recall_low, ant.f1) == (0, None, None, None)
    assert (ant.specificity, ant.roc_auc, ant.average_precision) == (1.0, None, None)
    assert (bee.specificity, bee.roc_auc) == (None, None)  # all images are bees
    assert (bee.recall, bee.precision) == (0.5, 1.0)
    assert (cat.images, cat.named, cat.precision, cat.f1) == (0, 1.0, 0.0, 0.0)


# Reliability -----------------------------------------------------------------------------------


def test_all_answers_of_one_half_fall_into_the_middle_bin(evidence):
    bins = reliability(evidence, "cnn")
    assert [entry.count for entry in bins] == [0] * 7 + [16] + [0] * 7
    middle = bins[7]
    assert (middle.low, middle.high) == (7 / 15, 8 / 15)
    assert (middle.confidence, middle.accuracy) == (0.5, 9 / 16)
    assert (middle.accuracy_low, middle.accuracy_high) == wilson_interval(4, 8)
    assert bins[0].accuracy is None


@pytest.mark.parametrize(
    ("confidence", "number"),
    [(0.0, 0), (1 / 15, 0), (0.067, 1), (0.5, 7), (0.6, 8), (0.61, 9), (14 / 15, 13), (1.0, 14)],
)
def test_a_bin_holds_what_is_over_its_lower_edge_up_to_its_upper(confidence, number):
    assert metrics.reliability_bin(np.array([confidence])).tolist() == [number]


def test_calibration_error_as_worked_out_by_hand():
    confidence = np.array([[0.9, 0.9, 0.9, 0.9, 0.5, 0.5]])
    right = np.array([[True, True, True, False, False, False]])
    # Four images 0.9 sure and 3/4 right; two images 0.5 sure and never right.
    expected = (4 * Fraction(15, 100) + 2 * Fraction(1, 2)) / 6
    found = metrics.calibration_error(confidence, right, np.ones((6, 1)))
    assert found[0].tolist() == [pytest.approx(float(expected), rel=1e-14)]
    # Without the last two images only the first gap is left.
    found = metrics.calibration_error(confidence, right, np.array([[1.0], [1], [1], [1], [0], [0]]))
    assert found[0].tolist() == [pytest.approx(0.15, rel=1e-14)]


# scikit-learn as an oracle ---------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_measures_agree_with_scikit_learn(seed):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(6, 2.0), 200).astype(np.float32)
    labels = random.integers(0, 6, 200).astype(np.int32)
    predicted = probabilities.argmax(axis=1)
    counts = np.ones((200, 1))
    given = probabilities[np.arange(200), labels]
    assert metrics.balanced_accuracy(labels, predicted[np.newaxis], 6, counts)[
        0, 0
    ] == pytest.approx(sklearn_metrics.balanced_accuracy_score(labels, predicted), rel=1e-13)
    assert metrics.macro_f1(labels, predicted[np.newaxis], 6, counts)[0, 0] == pytest.approx(
        sklearn_metrics.f1_score(labels, predicted, average="macro"), rel=1e-13
    )
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    assert log_losses(given).mean() == pytest.approx(
        sklearn_metrics.log_loss(labels, exact, labels=range(6)), rel=1e-5
    )


def test_top_3_agrees_with_scikit_learn(home):  # noqa: ARG001 - sets the home
    random = np.random.default_rng(5)
    probabilities = random.dirichlet(np.ones(6), 100).astype(np.float32)
    labels = random.integers(0, 6, 100).astype(np.int32)
    names = tuple(f"class {number}" for number in range(6))
    spec = made_up.spec(strategies=(("cnn", {}),), classes=names, majority_class=names[0])
    run = RecordedRun("cnn", 0, {}, made_up.result(), (), MOMENT, MOMENT, MOMENT)
    store = open_store()
    store.add_recorded("six", spec, MOMENT, made_up.origin(), [run])
    write_predictions("six-cnn-0", Predictions(np.arange(100), labels, probabilities))
    (cnn,) = score_table(load_evidence(store, "six"), "top_3_accuracy")
    assert cnn.mean == sklearn_metrics.top_k_accuracy_score(labels, probabilities, k=3)


def test_classes_missing_from_a_sample_are_left_out_as_scikit_learn_does():
    labels, predicted = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    counts = np.array([[1.0], [2], [1], [0]])
    repeated = np.repeat(np.arange(4), [1, 2, 1, 0])
    assert metrics.balanced_accuracy(labels, predicted[np.newaxis], 3, counts)[
        0, 0
    ] == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(labels[repeated], predicted[repeated])
    )
    assert metrics.macro_f1(labels, predicted[np.newaxis], 3, counts)[0, 0] == pytest.approx(
        sklearn_metrics.f1_score(labels[repeated], predicted[repeated], average="macro")
    )
