"""Class probabilities for every image of a split, each exactly once, and the scores of them."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from core.strategies.network import Stage
from core.training.events import SplitScore

SCORING_BATCH = 64
SMALLEST_PROBABILITY = 1e-7


class Inputs(Protocol):
    """Pictures or features of a whole dataset, by index."""

    def take(self, indices: np.ndarray) -> np.ndarray: ...


def score(probabilities: np.ndarray, labels: np.ndarray) -> SplitScore:
    """``probabilities`` ``(n, classes)``, ``labels`` ``(n,)``. Of two classes that are equally
    probable the first is the prediction; the log loss is the mean of ``log_losses``."""
    return SplitScore(
        images=len(labels),
        accuracy=float(np.mean(probabilities.argmax(axis=1) == labels)),
        log_loss=float(np.mean(log_losses(probabilities[np.arange(len(labels)), labels]))),
    )


def log_losses(label_probability: np.ndarray) -> np.ndarray:
    """float64, same shape: ``-log`` of the probability given to the label, in nats.

    Probabilities below 1e-7 count as that, 16.1 nats: one certain mistake must not make the mean
    infinite.
    """
    return -np.log(np.clip(label_probability.astype(np.float64), SMALLEST_PROBABILITY, 1.0))


def predict(
    stage: Stage, inputs: Inputs, indices: np.ndarray, check: Callable[[], None]
) -> np.ndarray:
    """Probabilities ``(n, classes)`` float32 of ``indices`` in their order, none left out;
    ``check`` is called between batches and may raise to stop.

    ``predict_on_batch`` and not ``predict``: the latter costs about 120 ms a call. A batch is
    never larger than one of training, which is known to fit into memory.
    """
    size = min(SCORING_BATCH, stage.options.batch_size)
    found = []
    for start in range(0, len(indices), size):
        check()
        batch = inputs.take(indices[start : start + size])
        found.append(np.asarray(stage.model.predict_on_batch(batch), dtype=np.float32))
    return np.concatenate(found)
