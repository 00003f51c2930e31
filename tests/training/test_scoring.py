"""Scores of probabilities, exact values; which validation images are tracked."""

import numpy as np
import pytest

from core.training.events import SplitScore, TrackedImage
from core.training.scoring import log_losses, score, tracked_predictions, tracked_rows

LABELS = np.array([0, 1, 1, 2], dtype=np.int32)
PROBABILITIES = np.array(
    [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.5, 0.25, 0.25], [0.5, 0.0, 0.5]], dtype=np.float32
)


def test_of_equal_probabilities_the_first_is_predicted_and_log_loss_is_the_mean_in_nats():
    expected = (3 * np.log(2) + np.log(4)) / 4
    assert score(PROBABILITIES, LABELS) == SplitScore(4, 0.5, pytest.approx(expected, rel=1e-12))


def test_a_flat_zero_costs_sixteen_nats_and_not_infinity():
    losses = log_losses(np.array([0.0, 1e-9, 1.0], np.float32))
    assert losses.dtype == np.float64
    assert losses[:2].tolist() == [-np.log(1e-7)] * 2 == pytest.approx([16.118] * 2, abs=0.001)
    assert losses[2] == 0.0


def test_every_class_has_its_turn_the_commonest_first():
    labels = np.array([2, 0, 0, 1, 0, 1, 0])
    assert tracked_rows(labels, 1).tolist() == [1]
    assert tracked_rows(labels, 2).tolist() == [1, 3]
    assert tracked_rows(labels, 3).tolist() == [1, 3, 0]
    # the second round: another of class 0, then of class 1; class 2 has no more
    assert tracked_rows(labels, 5).tolist() == [1, 2, 3, 5, 0]
    assert tracked_rows(labels, 12).tolist() == [1, 2, 4, 6, 3, 5, 0]


def test_with_more_classes_than_places_the_commonest_are_tracked():
    labels = np.repeat(np.arange(16), [3] + [2] * 3 + [1] * 4 + [5] * 8)
    assert np.unique(labels[tracked_rows(labels)]).tolist() == [0, 1, 2, 3, *range(8, 16)]
    assert len(tracked_rows(labels)) == 12


def test_the_answer_is_the_likeliest_class_with_its_rounded_probability():
    validation = np.array([40, 7])
    labels = np.array([1, 0])
    probabilities = np.array([[0.123456, 0.876544], [0.1, 0.9]], np.float32)
    assert tracked_predictions(validation, labels, probabilities) == (
        TrackedImage(7, 1, 0.9),
        TrackedImage(40, 1, 0.8765),
    )
