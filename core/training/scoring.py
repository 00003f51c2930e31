"""Class probabilities for every image of a split, each exactly once, and the scores of them.

A few validation images are tracked: their predictions are kept after each epoch. The validation
images alone choose them, so that all strategies and seeds of an experiment track the same images,
none of which was ever trained on.
"""

from collections.abc import Callable
from contextlib import closing

import numpy as np

from core.ahead import read_ahead
from core.backbones.feature_set import FeatureSet
from core.datasets.prepare import PreparedImages
from core.strategies.network import Stage
from core.training.events import SplitScore, TrackedImage

SCORING_BATCH = 64
SMALLEST_PROBABILITY = 1e-7
TRACKED_IMAGES = 12
PROBABILITY_DIGITS = 4
Inputs = PreparedImages | FeatureSet


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
    turn = inputs.gathered(indices)
    parts = [indices[turn[start : start + size]] for start in range(0, len(indices), size)]
    found = []
    with closing(read_ahead(inputs.take, parts)) as batches:
        for batch in batches:
            check()
            found.append(np.asarray(stage.model.predict_on_batch(batch), dtype=np.float32))
    probabilities = np.concatenate(found)
    probabilities[turn] = probabilities.copy()
    return probabilities


def tracked_rows(validation_labels: np.ndarray, most: int = TRACKED_IMAGES) -> np.ndarray:
    """Which validation images are tracked: rows of ``validation_labels``, int64, ``most`` or fewer.

    The first of every class, the commonest classes first, then the second of every class, and so
    on until there are ``most``; sorted by class, so that their order on a page never changes.
    """
    labels = np.asarray(validation_labels)
    counts = np.bincount(labels)
    # How many of its own class come before each image: the round in which it is chosen.
    rounds = np.zeros(len(labels), np.int64)
    for label in np.flatnonzero(counts):
        rounds[labels == label] = np.arange(counts[label])
    turn = np.lexsort((labels, -counts[labels], rounds))[:most]
    return turn[np.lexsort((turn, labels[turn]))]


def tracked_predictions(
    validation: np.ndarray, validation_labels: np.ndarray, probabilities: np.ndarray
) -> tuple[TrackedImage, ...]:
    """The predictions of the tracked images of ``validation``.

    ``validation`` ``(n,)`` are positions in the dataset, in the order of ``validation_labels``
    ``(n,)`` and ``probabilities`` ``(n, classes)``.
    """
    found = []
    for row in tracked_rows(validation_labels):
        predicted = int(probabilities[row].argmax())
        probability = round(float(probabilities[row, predicted]), PROBABILITY_DIGITS)
        found.append(TrackedImage(int(validation[row]), predicted, probability))
    return tuple(found)
