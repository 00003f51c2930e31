"""Thresholds between two classes and their cost, worked out by hand."""

import numpy as np
import pytest

from core.analysis.significance import wilson_interval
from core.analysis.threshold import THRESHOLDS, at_threshold, place_of, threshold_costs
from core.errors import UnknownName
from tests.made_evidence import evidence_with

# Class 1 is looked for. Probabilities of it: four images of class 0, then four of class 1.
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int32)
SCORES = np.array([0.125, 0.25, 0.375, 0.75, 0.25, 0.5, 0.875, 1.0])
BETTER = np.array([0.125, 0.25, 0.375, 0.375, 0.25, 0.5, 0.875, 1.0])


def two_classes(*rows: np.ndarray):
    return evidence_with(
        LABELS, np.stack([np.stack([1 - row, row], 1) for row in rows]).astype("f4")
    )


def test_counts_and_rates_at_a_threshold_as_worked_out_by_hand():
    evidence = two_classes(SCORES)
    found = at_threshold(evidence, "cnn", None, 1, 0.25)
    # At least the threshold counts: all of class 1, and three of class 0.
    assert (found.found.count, found.missed.count) == (4, 0)
    assert (found.false_alarms.count, found.left_alone.count) == (3, 1)
    assert (found.found.low, found.found.high) == wilson_interval(4, 4)
    assert (found.false_alarms.low, found.false_alarms.high) == wilson_interval(3, 4)
    assert (found.correct_alarms.count, found.correct_alarms.total) == (4, 7)
    assert found.correct_alarms.fraction == 4 / 7
    half = at_threshold(evidence, "cnn", None, 1, 0.5)
    assert (half.found.count, half.false_alarms.count) == (3, 1)
    # The other class looked for: the same mistakes the other way round, but for equal ones.
    other = at_threshold(evidence, "cnn", None, 0, 0.51)
    assert (other.found.count, other.false_alarms.count) == (3, 1)


def test_nothing_is_called_above_the_highest():
    found = at_threshold(two_classes(SCORES * 0.9), "cnn", None, 1, 1.0)
    assert (found.found.count, found.correct_alarms.total) == (0, 0)
    assert found.correct_alarms.fraction is None
    assert found.correct_alarms.low is None


def test_several_seeds_are_averaged_or_one_is_chosen():
    evidence = two_classes(SCORES, BETTER)
    assert at_threshold(evidence, "cnn", None, 1, 0.5).false_alarms.count == 0.5
    assert at_threshold(evidence, "cnn", 1, 1, 0.5).false_alarms.count == 0
    with pytest.raises(UnknownName, match="no seed named '7'"):
        at_threshold(evidence, "cnn", 7, 1, 0.5)


def test_mistakes_and_costs_at_every_threshold():
    evidence = two_classes(SCORES)
    costs = threshold_costs(evidence, "cnn", None, 1, 1.0, 5.0)
    assert len(costs.total) == len(THRESHOLDS) == 1001
    for threshold in (0.0, 0.25, 0.251, 0.5, 0.75, 1.0):
        found = at_threshold(evidence, "cnn", None, 1, threshold)
        place = place_of(threshold)
        assert costs.false_alarms[place] == found.false_alarms.count
        assert costs.misses[place] == found.missed.count
        assert costs.cost_at(threshold) == found.false_alarms.count + 5 * found.missed.count
    # All is found at 25 % and below, for three false alarms; the nearest to one half is taken.
    assert THRESHOLDS[costs.best] == 0.25
    assert costs.cost_at(0.25) == 3
    assert (costs.never_cost, costs.always_cost) == (20, 4)
    # The commonest training class is class 0: never an alarm.
    assert costs.majority_cost == 20
    assert threshold_costs(evidence, "cnn", None, 0, 1.0, 5.0).majority_cost == 4


def test_of_equal_costs_the_nearest_to_one_half_is_best():
    costs = threshold_costs(two_classes(BETTER), "cnn", None, 1, 1.0, 1.0)
    # One miss from 37.6 to 50 %.
    assert (THRESHOLDS[costs.best], costs.cost_at(0.5)) == (0.5, 1)
    free = threshold_costs(two_classes(SCORES), "cnn", None, 1, 0.0, 0.0)
    assert THRESHOLDS[free.best] == 0.5


def test_a_threshold_that_was_chosen_on_other_images_costs_more():
    random = np.random.default_rng(0)
    labels = (np.arange(60) % 2).astype(np.int32)
    gains = []
    for _ in range(20):
        # Nothing is known: whatever threshold looks good here is luck.
        row = random.random(60)
        evidence = evidence_with(labels, np.stack([1 - row, row], 1)[np.newaxis].astype("f4"))
        costs = threshold_costs(evidence, "cnn", None, 1, 1.0, 1.0)
        assert costs.careful_cost >= costs.total[costs.best]
        gains.append((costs.total[costs.best], costs.careful_cost))
    best, careful = np.mean(gains, axis=0)
    assert best < 27
    assert careful == pytest.approx(30, abs=2)  # what a coin costs
    again = threshold_costs(evidence, "cnn", None, 1, 1.0, 1.0)
    assert again.careful_cost == costs.careful_cost
