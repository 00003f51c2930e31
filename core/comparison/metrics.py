"""Accuracy, log loss and the interval that says how sure an accuracy is."""

import numpy as np
from scipy.stats import binomtest

SMALLEST_PROBABILITY = 1e-7


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


def _refuse_mismatch(labels: np.ndarray, probabilities: np.ndarray) -> None:
    if len(labels) == 0:
        raise ValueError("there are no images to score")
    if probabilities.ndim != 2 or len(labels) != len(probabilities):
        raise ValueError(
            f"{len(labels)} labels do not fit probabilities of shape {probabilities.shape}"
        )
