"""The few held-out pictures that are watched: what a network calls them after each epoch.

They are chosen from the validation images alone, so that all strategies and seeds of an experiment
are watched on the same pictures, and none of them was ever trained on.
"""

import numpy as np

from core.training.events import TrackedImage

TRACKED_IMAGES = 12
PROBABILITY_DIGITS = 4


def tracked_rows(validation_labels: np.ndarray, most: int = TRACKED_IMAGES) -> np.ndarray:
    """Which validation images are watched: rows of ``validation_labels``, int64, ``most`` or fewer.

    The first of every class, the commonest classes first, then the second of every class, and so
    on until there are ``most``; in the order of the classes, so that they stand still on a page.
    """
    labels = np.asarray(validation_labels)
    counts = np.bincount(labels)
    # How many of its own class stand before each image: the round in which its turn comes.
    rounds = np.zeros(len(labels), np.int64)
    for label in np.flatnonzero(counts):
        rounds[labels == label] = np.arange(counts[label])
    turn = np.lexsort((labels, -counts[labels], rounds))[:most]
    return turn[np.lexsort((turn, labels[turn]))]


def tracked_predictions(
    validation: np.ndarray, validation_labels: np.ndarray, probabilities: np.ndarray
) -> tuple[TrackedImage, ...]:
    """What ``probabilities`` ``(n, classes)`` say about the watched ones of ``validation``.

    ``validation`` ``(n,)`` are positions in the dataset, in the order of the other two.
    """
    answers = []
    for row in tracked_rows(validation_labels):
        predicted = int(probabilities[row].argmax())
        probability = round(float(probabilities[row, predicted]), PROBABILITY_DIGITS)
        answers.append(TrackedImage(int(validation[row]), predicted, probability))
    return tuple(answers)
