import numpy as np
import pytest

from core.analysis.metrics import accuracy, log_loss, wilson_interval

LABELS = np.array([0, 1, 1, 2], dtype=np.int32)
PROBABILITIES = np.array(
    [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.5, 0.25, 0.25], [0.5, 0.0, 0.5]], dtype=np.float32
)


def test_accuracy_counts_the_first_of_equals():
    assert accuracy(LABELS, PROBABILITIES) == 0.5


def test_log_loss_is_the_mean_in_nats():
    expected = np.log(2) * 3 + np.log(4)
    assert log_loss(LABELS, PROBABILITIES) == pytest.approx(expected / 4, abs=1e-6)


def test_a_flat_zero_costs_sixteen_nats_and_not_infinity():
    loss = log_loss(np.array([1]), np.array([[1.0, 0.0]]))
    assert loss == pytest.approx(16.118, abs=0.001)


def test_probabilities_are_normalised_before_they_are_scored():
    assert log_loss(np.array([0]), np.array([[2.0, 2.0]])) == pytest.approx(np.log(2))


@pytest.mark.parametrize("measure", [accuracy, log_loss])
def test_no_images_is_an_error(measure):
    with pytest.raises(ValueError, match="no images"):
        measure(np.array([], dtype=int), np.zeros((0, 2)))


@pytest.mark.parametrize("measure", [accuracy, log_loss])
def test_labels_and_probabilities_must_fit(measure):
    with pytest.raises(ValueError, match="4 labels do not fit"):
        measure(LABELS, PROBABILITIES[:3])


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"),
    [(100, 100, 0.9630, 1.0), (0, 100, 0.0, 0.0370), (75, 100, 0.6570, 0.8245)],
)
def test_wilson_interval_as_published(correct, images, low, high):
    interval = wilson_interval(correct, images)
    assert interval == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_interval_of_no_images_is_an_error():
    with pytest.raises(ValueError, match="n must be"):
        wilson_interval(0, 0)
