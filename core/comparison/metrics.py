"""What is measured on the test images, and the interval that says how sure a share is.

The functions that take ``counts`` measure many bootstrap samples at once: float64 ``(N, R)``, how
often each of N images is in each of R samples. ``predicted`` is ``(S, N)``, one row a seed, and
they return ``(S, R)``. A column of ones is the plain measure.
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import binomtest

SMALLEST_PROBABILITY = 1e-7
RELIABILITY_BINS = 15


def accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Share (0 to 1) of images whose most probable class is the label.

    ``labels``: integers ``(N,)``; ``probabilities``: floats ``(N, classes)``. Of two classes that
    are equally probable the first counts as the prediction.
    """
    _refuse_mismatch(labels, probabilities)
    return float(np.mean(np.argmax(probabilities, axis=1) == labels))


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of ``-log`` of the probability given to the right class, in nats.

    Rows are normalised and probabilities kept at or above 1e-7, so that one image predicted with
    a flat zero costs 16.1 nats and not infinity. Shapes as in ``accuracy``.
    """
    _refuse_mismatch(labels, probabilities)
    clipped = np.clip(probabilities.astype(np.float64), SMALLEST_PROBABILITY, None)
    normalised = clipped / clipped.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(normalised[np.arange(len(labels)), labels])))


def wilson_interval(correct: int, images: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of an accuracy: ``(low, high)``, fractions 0 to 1.

    ``correct`` of ``images`` independent test images were right. Raises ``ValueError`` where
    there are no images or the counts make no sense.
    """
    interval = binomtest(correct, images).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def image_log_losses(true_class_probability: np.ndarray) -> np.ndarray:
    """float64, same shape: ``-log`` of the probability of the right class, at most 16.1 nats."""
    return -np.log(np.clip(true_class_probability.astype(np.float64), SMALLEST_PROBABILITY, 1.0))


def balanced_accuracy(
    labels: np.ndarray, predicted: np.ndarray, classes: int, counts: np.ndarray
) -> np.ndarray:
    """Mean over classes of the share of their images that were named right.

    Classes without an image in a sample are left out of its mean, as in scikit-learn.
    """
    images = _sums(labels, classes, np.ones(len(labels)), counts)
    return np.stack(
        [_mean_where(_sums(labels, classes, labels == row, counts), images) for row in predicted]
    )


def macro_f1(
    labels: np.ndarray, predicted: np.ndarray, classes: int, counts: np.ndarray
) -> np.ndarray:
    """Mean over classes of the F1 score: twice the right ones over images plus times named.

    Classes that a sample neither has nor names are left out of its mean, as in scikit-learn.
    """
    every = np.ones(len(labels))
    images = _sums(labels, classes, every, counts)
    found = []
    for row in predicted:
        named = _sums(row, classes, every, counts)
        right = _sums(labels, classes, labels == row, counts)
        found.append(_mean_where(2 * right, images + named))
    return np.stack(found)


def calibration_error(confidence: np.ndarray, right: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Expected calibration error in 15 bins of equal width (Guo et al. 2017), 0 to 1.

    ``confidence`` and ``right`` are ``(S, N)``. How far the probability of the answers lies from
    the share of them that is right, averaged over the bins by their number of images.
    """
    images = counts.sum(axis=0)
    found = []
    for sure, was_right in zip(confidence.astype(np.float64), right, strict=True):
        bins = reliability_bin(sure)
        gaps = _sums(bins, RELIABILITY_BINS, sure - was_right, counts)
        found.append(np.abs(gaps).sum(axis=0) / images)
    return np.stack(found)


def reliability_bin(confidence: np.ndarray) -> np.ndarray:
    """Which bin a probability falls into, 0 to 14; bin i holds those over i/15 up to (i+1)/15."""
    edges = np.arange(1, RELIABILITY_BINS) / RELIABILITY_BINS
    return np.digitize(confidence.astype(np.float64), edges, right=True)


def _sums(groups: np.ndarray, size: int, values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Sum of ``values`` of the images of each group in each sample: ``(size, R)``."""
    used = np.flatnonzero(values)
    table = csr_array(
        (values[used].astype(np.float64), (groups[used], used)), shape=(size, len(groups))
    )
    return table @ counts


def _mean_where(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Mean over rows of ``above / below``, rows with nothing below left out: ``(R,)``."""
    known = below > 0
    ratios = np.divide(above, below, out=np.zeros_like(above), where=known)
    return ratios.sum(axis=0) / known.sum(axis=0)


def _refuse_mismatch(labels: np.ndarray, probabilities: np.ndarray) -> None:
    if len(labels) == 0:
        raise ValueError("there are no images to score")
    if probabilities.ndim != 2 or len(labels) != len(probabilities):
        raise ValueError(
            f"{len(labels)} labels do not fit probabilities of shape {probabilities.shape}"
        )
