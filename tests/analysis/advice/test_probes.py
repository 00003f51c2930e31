"""Cheap classifiers by cross-validation, against the same written out by hand."""

from itertools import pairwise

import numpy as np
import pytest

from core.analysis.advice import probes
from core.analysis.advice.probes import (
    FEWEST_A_CLASS,
    FRACTIONS,
    NEIGHBOURS,
    STRENGTH,
    Sample,
    correct_by,
    difference,
    estimate,
    linear_probe,
    nearest_neighbours,
    sample_of,
)
from core.analysis.significance import wilson_interval
from core.errors import BadInput


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(4)


def clouds(random: np.random.Generator, counts: list[int]) -> tuple:
    """float32 features around one middle for each class, overlapping, and the labels."""
    labels = np.repeat(np.arange(len(counts)), counts)
    middles = random.normal(0, 1, (len(counts), 12))
    features = np.abs(middles[labels] + random.normal(0, 1.2, (len(labels), 12)))
    return features.astype(np.float32), labels


def sample(labels: np.ndarray, groups: np.ndarray | None = None) -> Sample:
    return sample_of(labels, np.arange(len(labels)) if groups is None else groups)


# Folds --------------------------------------------------------------------------------------------


def test_each_fold_has_every_class_in_proportion():
    labels = np.repeat([0, 1, 2], [100, 50, 25])
    folds = sample(labels).folds
    for fold in range(5):
        assert np.bincount(labels[folds == fold]).tolist() == [20, 10, 5]


def test_near_duplicates_are_in_one_fold(random):
    labels = np.repeat([0, 1, 2], 40)
    groups = random.permutation(np.arange(120) // 3)
    found = sample(labels, groups)
    assert all(len(np.unique(found.folds[groups == group])) == 1 for group in range(40))
    assert found.distinct == 40


def test_no_image_is_predicted_from_its_near_duplicate(random):
    """Labels are drawn by the coin, each image is there four times: only copies would help."""
    features = np.repeat(random.random((60, 8), np.float32), 4, axis=0)
    labels = np.repeat(random.integers(0, 2, 60), 4)
    together = sample(labels, np.arange(240) // 4)
    apart = sample(labels)
    honest, _ = correct_by(nearest_neighbours, features, together)
    leaking, _ = correct_by(nearest_neighbours, features, apart)
    assert leaking.mean() > 0.95
    assert honest.mean() < 0.65


def test_a_small_class_makes_no_noise_and_is_predicted_too():
    labels = np.array([0] * 20 + [1] * 2 + [2])
    found = sample(labels)
    assert len(np.unique(found.folds)) == 5
    correct, _ = correct_by(linear_probe, np.eye(23, dtype=np.float32), found)
    assert correct.shape == (23,)
    assert not correct[22]  # nobody can learn a class from the fold that it is left out of


def test_few_images_have_fewer_folds():
    assert len(np.unique(sample(np.array([0, 0, 0, 1, 1])).folds)) == 3
    with pytest.raises(BadInput, match="No class has two distinct training images") as refused:
        sample(np.array([0, 0, 1]), np.array([7, 7, 8]))
    assert refused.value.field == "dataset"


# Classifiers --------------------------------------------------------------------------------------


def ridge_by_hand(features: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """One weighing for each class by the normal equations, targets of 1 and -1, in float64."""
    features, others = features.astype(np.float64), others.astype(np.float64)
    middle = features.mean(axis=0)
    targets = np.where(labels[:, None] == np.unique(labels), 1.0, -1.0)
    centred = features - middle
    penalty = STRENGTH * (centred**2).mean(axis=0).sum() * np.eye(features.shape[1])
    weights = np.linalg.solve(
        centred.T @ centred + penalty, centred.T @ (targets - targets.mean(axis=0))
    )
    scores = (others - middle) @ weights + targets.mean(axis=0)
    return np.unique(labels)[scores.argmax(axis=1)]


def neighbours_by_hand(features: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    def unit(rows: np.ndarray) -> np.ndarray:
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    distances = 1 - unit(others.astype(np.float64)) @ unit(features.astype(np.float64)).T
    predicted = []
    for row in distances:
        nearest = np.argsort(row)[:NEIGHBOURS]
        votes = np.bincount(labels[nearest], weights=1 / row[nearest])
        predicted.append(votes.argmax())
    return np.array(predicted)


@pytest.mark.parametrize(
    ("classify", "by_hand"),
    [(linear_probe, ridge_by_hand), (nearest_neighbours, neighbours_by_hand)],
)
def test_a_classifier_predicts_as_it_does_written_out(random, classify, by_hand):
    features, labels = clouds(random, [60, 50, 40, 30])
    found = sample(labels)
    correct, images = correct_by(classify, features, found)
    expected = np.empty(len(labels), bool)
    for fold in range(5):
        held_out = found.folds == fold
        predicted = by_hand(features[~held_out], labels[~held_out], features[held_out])
        expected[held_out] = predicted == labels[held_out]
    assert correct.tolist() == expected.tolist()
    assert images == 144
    assert 0.5 < correct.mean() < 1


def test_features_that_are_all_alike_give_the_commonest_class():
    labels = np.repeat([0, 1, 2], [10, 30, 20])
    correct, _ = correct_by(linear_probe, np.ones((60, 4), np.float32), sample(labels))
    assert correct.tolist() == (labels == 1).tolist()


def test_the_penalty_follows_the_size_of_the_features(random):
    features, labels = clouds(random, [40, 40])
    found = sample(labels)
    small, _ = correct_by(linear_probe, features, found)
    large, _ = correct_by(linear_probe, 1000 * features, found)
    assert small.tolist() == large.tolist()


def test_a_fold_that_leaves_one_class_predicts_it():
    labels = np.array([0, 0, 0, 1])
    found = Sample(labels, np.arange(4), np.array([0, 0, 0, 1]))
    correct, _ = correct_by(linear_probe, np.eye(4, dtype=np.float32), found)
    assert correct.tolist() == [False, False, False, False]


# The learning curve -------------------------------------------------------------------------------


def test_subsets_are_nested_and_have_ten_of_each_class():
    seen: list[list[np.ndarray]] = []

    def keep(features: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
        seen[-1].append(features[:, 0])
        return np.zeros(len(others), labels.dtype)

    labels = np.repeat([0, 1], [160, 40])
    numbers = np.arange(200, dtype=np.float32)[:, None]
    found = sample(labels)
    counts = []
    for fraction in (*FRACTIONS, 1.0):
        seen.append([])
        counts.append(correct_by(keep, numbers, found, fraction)[1])
    # A fold leaves 128 and 32: at least ten of each.
    assert counts == [20, 26, 42, 80, 160]
    for smaller, larger in pairwise(seen):
        for some, more in zip(smaller, larger, strict=True):
            assert set(some) < set(more)
    for used in seen[0]:
        assert np.bincount(labels[used.astype(int)]).tolist() == [FEWEST_A_CLASS, FEWEST_A_CLASS]


# Intervals ----------------------------------------------------------------------------------------


def test_the_interval_counts_near_duplicates_once():
    labels = np.zeros(40, np.int64)
    labels[::2] = 1
    correct = np.repeat([True, True, True, False], 10)
    alone = Sample(labels, np.arange(40), labels)
    in_pairs = Sample(labels, np.arange(40) // 2, labels)
    found = estimate(correct, alone)
    assert (found.accuracy, found.low, found.high) == (0.75, *wilson_interval(30, 40))
    assert estimate(correct, in_pairs).low == wilson_interval(15, 20)[0] < found.low


def test_a_difference_without_doubt_has_no_width():
    found = Sample(np.zeros(30, int), np.arange(30), np.zeros(30, int))
    right, wrong = np.ones(30, bool), np.zeros(30, bool)
    assert difference(right, right, found) == difference(wrong, wrong, found)
    assert difference(right, right, found).high == 0
    sure = difference(wrong, right, found)
    assert (sure.difference, sure.low, sure.high) == (1, 1, 1)


def test_the_interval_of_a_difference_is_that_of_its_standard_error(random):
    count = 2000
    first, second = random.random(count) < 0.6, random.random(count) < 0.7
    found = difference(first, second, Sample(first, np.arange(count), first))
    error = np.std(second.astype(float) - first, ddof=1) / np.sqrt(count)
    assert found.difference == pytest.approx(second.mean() - first.mean())
    assert found.low == pytest.approx(found.difference - 1.96 * error, abs=0.003)
    assert found.high == pytest.approx(found.difference + 1.96 * error, abs=0.003)


def test_near_duplicates_widen_the_interval_of_a_difference(random):
    first, second = random.random(100) < 0.5, random.random(100) < 0.6
    alone = difference(first, second, Sample(first, np.arange(100), first))
    copies = [np.repeat(each, 4) for each in (first, second)]
    groups = np.repeat(np.arange(100), 4)
    together = difference(*copies, Sample(copies[0], groups, copies[0]))
    assert together == alone
    apart = difference(*copies, Sample(copies[0], np.arange(400), copies[0]))
    assert apart.high - apart.low < 0.6 * (alone.high - alone.low)


def test_the_same_images_give_the_same_numbers(random):
    features, labels = clouds(random, [30, 30, 30])
    one, other = (correct_by(linear_probe, features, sample(labels))[0] for _ in range(2))
    assert one.tolist() == other.tolist()
    assert probes.SEED == 0
