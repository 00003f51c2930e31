"""Scores of probabilities: exact values."""

import numpy as np
import pytest

from core.training.events import SplitScore
from core.training.scoring import log_losses, score

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
