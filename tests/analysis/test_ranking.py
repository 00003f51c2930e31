"""ROC AUC, its interval and its paired test, average precision and curves; scikit-learn beside."""

from itertools import product
from math import sqrt

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from core.analysis import ranking
from core.analysis.ranking import Area, area, area_test, class_area, class_curves, class_scores
from tests.made_evidence import evidence_with


def made(seed: int, images: int = 200, classes: int = 6, digits: int = 7):
    """Labels and float32 probabilities that know a little; few ``digits`` make many equal."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, images).astype(np.int32)
    strength = np.full((images, classes), 1.0)
    strength[np.arange(images), labels] = 2.0
    probabilities = random.gamma(strength)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return labels, probabilities.round(digits).astype(np.float32)


def once(images: int) -> np.ndarray:
    return np.ones((images, 1))


@pytest.mark.parametrize("seed", range(3))
def test_roc_auc_is_that_of_scikit_learn(seed):
    labels, probabilities = made(seed)
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    expected = sklearn_metrics.roc_auc_score(labels, exact, multi_class="ovr", average="macro")
    (found,) = ranking.roc_auc(labels, exact[np.newaxis], once(200))
    assert found[0] == pytest.approx(expected, rel=1e-13)
    assert area(evidence_with(labels, exact[np.newaxis]), "cnn").mean == pytest.approx(
        expected, rel=1e-13
    )


@pytest.mark.parametrize("digits", [0, 1, 2])
def test_equal_probabilities_count_by_half_as_in_scikit_learn(digits):
    labels, probabilities = made(4, digits=digits)
    expected = [
        sklearn_metrics.roc_auc_score(labels == label, probabilities[:, label])
        for label in range(6)
    ]
    (found,) = ranking.roc_auc(labels, probabilities[np.newaxis], once(200))
    assert found[0] == pytest.approx(np.mean(expected), rel=1e-13)
    for label in range(6):
        row = class_scores(probabilities, label)[np.newaxis]
        assert class_area(labels == label, row).mean == pytest.approx(expected[label], rel=1e-13)


def test_images_drawn_several_times_count_as_often():
    labels, probabilities = made(5, images=40, digits=1)
    random = np.random.default_rng(0)
    counts = random.multinomial(40, np.full(40, 1 / 40), size=5).T.astype(np.float64)
    (found,) = ranking.roc_auc(labels, probabilities[np.newaxis], counts)
    for sample, value in zip(counts.T.astype(int), found, strict=True):
        again = np.repeat(np.arange(40), sample)
        drawn, known = labels[again], np.unique(labels[again])
        expected = [
            sklearn_metrics.roc_auc_score(drawn == label, probabilities[again, label])
            for label in known
        ]
        assert value == pytest.approx(np.mean(expected), rel=1e-12)


def test_two_classes_have_one_curve():
    labels, probabilities = made(6, classes=2)
    expected = sklearn_metrics.roc_auc_score(labels, probabilities[:, 1])
    (found,) = ranking.roc_auc(labels, probabilities[np.newaxis], once(200))
    assert found[0] == pytest.approx(expected, rel=1e-6)
    evidence = evidence_with(labels, probabilities[np.newaxis])
    first, second = (class_curves(evidence, ["cnn"], label)[0] for label in (0, 1))
    assert first.auc == pytest.approx(second.auc, rel=1e-13)


def test_near_1_a_probability_is_told_by_its_counterpart():
    # In float32 the first three of these are 1; what is left for the other class tells them apart.
    rest = np.array([1e-12, 1e-10, 1e-9, 0.2], np.float32)
    probabilities = np.stack([1 - rest, rest], axis=1)
    assert probabilities[:3, 0].tolist() == [1, 1, 1]
    labels = np.array([0, 0, 1, 1], np.int32)
    (found,) = ranking.roc_auc(labels, probabilities[np.newaxis], once(4))
    assert found[0] == 1.0


def test_a_class_without_test_images_is_left_out():
    labels, probabilities = made(7)
    labels[labels == 2] = 3
    expected = [
        sklearn_metrics.roc_auc_score(labels == label, probabilities[:, label])
        for label in (0, 1, 3, 4, 5)
    ]
    evidence = evidence_with(labels, probabilities[np.newaxis])
    assert area(evidence, "cnn").mean == pytest.approx(np.mean(expected), rel=1e-13)
    assert area(evidence, "cnn", 2) is None
    assert class_curves(evidence, ["cnn"], 2) == ()
    alone = evidence_with(np.zeros(200, np.int32), probabilities[np.newaxis])
    assert area(alone, "cnn") is None
    assert not ranking.can_rank(alone)


# Intervals and tests ---------------------------------------------------------------------------


def delong(of_class: np.ndarray, rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Areas and covariance of several scores, pair by pair as DeLong et al. 1988 write it."""
    ahead = np.array(
        [
            [
                [1.0 if x > y else 0.5 if x == y else 0.0 for y in row[~of_class]]
                for x in row[of_class]
            ]
            for row in rows
        ]
    )
    inside, outside = ahead.mean(axis=2), ahead.mean(axis=1)
    return ahead.mean(axis=(1, 2)), (
        np.cov(inside) / inside.shape[1] + np.cov(outside) / outside.shape[1]
    )


def test_error_and_paired_test_are_those_of_delong():
    labels, first = made(8, images=90, classes=3, digits=2)
    _, second = made(8, images=90, classes=3, digits=1)
    of_class = labels == 1
    rows = [table[:, 1].astype(np.float64) for table in (first, second)]
    areas, covariance = delong(of_class, rows)
    found = [class_area(of_class, row[np.newaxis]) for row in rows]
    for one, value, variance in zip(found, areas, np.diag(covariance), strict=True):
        assert one.mean == pytest.approx(value, rel=1e-13)
        assert (one.influence**2).sum() == pytest.approx(variance, rel=1e-12)
        assert one.influence.sum() == pytest.approx(0, abs=1e-12)
    test = area_test(*found)
    error = sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert test.difference == pytest.approx(areas[1] - areas[0], rel=1e-12)
    assert test.high - test.difference == pytest.approx(1.959964 * error, rel=1e-6)
    assert 0 < test.p_value < 1
    # Seen from the other strategy everything changes its sign alone.
    turned = area_test(*found[::-1])
    assert (turned.difference, turned.p_value) == (-test.difference, test.p_value)


def test_the_interval_of_the_mean_over_classes_is_that_of_a_bootstrap():
    labels, probabilities = made(9, images=400)
    evidence = evidence_with(labels, probabilities[np.newaxis])
    random = np.random.default_rng(0)
    counts = random.multinomial(400, np.full(400, 1 / 400), size=400).T.astype(np.float64)
    (drawn,) = ranking.roc_auc(labels, probabilities[np.newaxis], counts)
    found = area(evidence, "cnn")
    assert sqrt((found.influence**2).sum()) == pytest.approx(drawn.std(), rel=0.1)
    low, high = found.interval
    assert (low, high) == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.006)
    assert found.mean - low > high - found.mean > 0  # wider on the side away from 1


def test_seeds_are_scored_on_the_same_images():
    labels, probabilities = made(10)
    _, other = made(11)
    one = area(evidence_with(labels, probabilities[np.newaxis]), "cnn")
    twice = area(evidence_with(labels, np.stack([probabilities, probabilities])), "cnn")
    assert twice.interval == pytest.approx(one.interval, rel=1e-12)
    assert twice.values.tolist() == [one.mean, one.mean]
    both = area(evidence_with(labels, np.stack([probabilities, other])), "cnn")
    assert both.mean == pytest.approx(both.values.sum() / 2)


def test_where_nothing_is_ranked_wrongly_the_images_cannot_tell():
    labels = np.array([0, 0, 1, 1], np.int32)
    perfect = np.eye(2, dtype=np.float32)[labels][np.newaxis]
    found = area(evidence_with(labels, perfect), "cnn")
    assert (found.mean, found.interval) == (1.0, (None, None))
    assert area_test(found, found) is None


def test_a_class_of_one_image_has_the_largest_variance_it_can_have():
    of_class = np.array([True, False, False, False, False])
    found = class_area(of_class, np.array([[0.5, 0.1, 0.2, 0.3, 0.9]]))
    assert found.mean == 3 / 4
    assert found.unknown == 3 / 16
    low, high = found.interval
    assert 0 < low < 0.2
    assert 0.95 < high < 1
    perfect = Area(np.array([1.0]), np.zeros(5))
    # 3/16, and 1/16 for the other four: half a standard error from 1.
    assert area_test(found, perfect).p_value == pytest.approx(0.617, abs=0.001)


# Curves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "digits"), [*product(range(2), (1, 7))])
def test_curves_and_average_precision_are_those_of_scikit_learn(seed, digits):
    labels, probabilities = made(20 + seed, digits=digits)
    evidence = evidence_with(labels, probabilities[np.newaxis])
    for label in range(6):
        (curve,) = class_curves(evidence, ["cnn"], label)
        of_class, scores = labels == label, probabilities[:, label]
        false_alarms, sensitivity, thresholds = sklearn_metrics.roc_curve(
            of_class, scores, drop_intermediate=False
        )
        assert curve.false_alarm_rate == pytest.approx(false_alarms)
        assert curve.sensitivity == pytest.approx(sensitivity)
        assert curve.thresholds.tolist() == thresholds.tolist()
        assert curve.auc == pytest.approx(sklearn_metrics.roc_auc_score(of_class, scores))
        precision, recall, _ = sklearn_metrics.precision_recall_curve(of_class, scores)
        assert curve.precision == pytest.approx(precision[::-1])
        assert curve.sensitivity == pytest.approx(recall[::-1])
        expected = sklearn_metrics.average_precision_score(of_class, scores)
        assert curve.average_precision == pytest.approx(expected)
        row = class_scores(probabilities, label)
        assert ranking.average_precision(of_class, row) == pytest.approx(expected)
        own = probabilities.argmax(axis=1) == label
        assert curve.own_found == (own & of_class).sum()
        assert curve.own_false_alarms == (own & ~of_class).sum()
