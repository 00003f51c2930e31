"""How well some features fit some images: cheap classifiers on them, by cross-validation.

Each image is predicted once, by a classifier that was fitted on the images of the other folds. Near
duplicates are in one fold, so that none is predicted from a copy of itself. Arrays alone: which
images these are is decided in ``measure``.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.analysis.advice.facts import Difference, Estimate
from core.analysis.significance import RESAMPLES, drawn_counts, mean_interval, percentile_interval
from core.errors import BadInput
from core.training.spec import nested_subset

FOLDS = 5
NEIGHBOURS = 5
# Of the images that a fold is predicted from; each subset is part of the next.
FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
FEWEST_A_CLASS = 10
# Of the ridge penalty, as a multiple of the spread of the features: see ``linear_probe``.
STRENGTH = 0.3
SEED = 0

Classify = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""``(features, labels, others)``: the predicted labels of the features ``others``."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Images by their ``labels`` and ``groups`` of near duplicates, int ``(n,)``, and the fold in
    which each is predicted, int64 ``(n,)``."""

    labels: np.ndarray
    groups: np.ndarray
    folds: np.ndarray

    @property
    def distinct(self) -> int:
        """Images, near duplicates counted once."""
        return len(np.unique(self.groups))

    @property
    def majority_accuracy(self) -> float:
        """The fraction of the commonest class, 0 to 1."""
        return float(np.bincount(self.labels).max() / len(self.labels))


def sample_of(labels: np.ndarray, groups: np.ndarray) -> Sample:
    """Divide images into ``FOLDS``, fewer where there are too few; classes in proportion, near
    duplicates together.

    Raises ``BadInput`` where no class has two distinct images.
    """
    # Imported here: the web process reads this room and fits nothing.
    from sklearn.model_selection import StratifiedGroupKFold

    largest = max(len(np.unique(groups[labels == label])) for label in np.unique(labels))
    count = min(FOLDS, largest)
    if count < 2:
        raise BadInput(
            "No class has two distinct training images, so nothing can be measured before "
            "training. Add images.",
            "dataset",
        )
    folds = np.empty(len(labels), np.int64)
    divide = StratifiedGroupKFold(count, shuffle=True, random_state=SEED)
    with warnings.catch_warnings():
        # A small class is not in every fold; nothing is wrong with that.
        warnings.filterwarnings("ignore", "The least populated class in y", UserWarning)
        for number, (_, held_out) in enumerate(divide.split(labels, labels, groups)):
            folds[held_out] = number
    return Sample(labels, groups, folds)


def nearest_neighbours(features: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """A vote of the ``NEIGHBOURS`` most similar images, by the cosine; nearer ones count more."""
    from sklearn.neighbors import KNeighborsClassifier

    count = min(NEIGHBOURS, len(labels))
    vote = KNeighborsClassifier(count, metric="cosine", weights="distance")
    return vote.fit(features, labels).predict(others)


def linear_probe(features: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """A ridge classifier (Hoerl and Kennard 1970), which is fitted in one step.

    The penalty grows with the variance of the features, so that one strength fits the features of
    any layer of any backbone.
    """
    from sklearn.linear_model import RidgeClassifier

    if len(np.unique(labels)) == 1:
        return np.full(len(others), labels[0])
    spread = float(features.var(axis=0).sum())
    # Features that are all alike predict the commonest class, whatever the penalty.
    ridge = RidgeClassifier(alpha=STRENGTH * spread or 1.0)
    return ridge.fit(features, labels).predict(others)


def correct_by(
    classify: Classify, features: np.ndarray, sample: Sample, fraction: float = 1.0
) -> tuple[np.ndarray, int]:
    """Which images are predicted correctly, bool ``(n,)``, and from how many (mean over folds).

    ``features`` float32 ``(n, width)``. Of the images of the other folds the nested, stratified
    ``fraction`` is used, at least ``FEWEST_A_CLASS`` of each class or all that it has.
    """
    predicted = np.empty_like(sample.labels)
    counts = []
    for fold in np.unique(sample.folds):
        held_out = sample.folds == fold
        used = np.flatnonzero(~held_out)
        if fraction < 1:
            used = nested_subset(used, sample.labels, fraction, SEED, FEWEST_A_CLASS)
        predicted[held_out] = classify(features[used], sample.labels[used], features[held_out])
        counts.append(len(used))
    return predicted == sample.labels, round(float(np.mean(counts)))


def estimate(correct: np.ndarray, sample: Sample) -> Estimate:
    """The accuracy of ``correct_by`` with its interval."""
    accuracy = float(correct.mean())
    return Estimate(accuracy, *mean_interval([accuracy], sample.distinct))


def difference(first: np.ndarray, second: np.ndarray, sample: Sample) -> Difference:
    """The accuracy of ``second`` minus that of ``first``, both bool ``(n,)``, with its interval.

    Sets of near duplicates are drawn whole, because their images are right and wrong together.
    """
    _, places = np.unique(sample.groups, return_inverse=True)
    sizes = np.bincount(places).astype(np.float64)
    ahead = np.bincount(places, weights=second.astype(np.float64) - first)
    random = np.random.default_rng(SEED)
    drawn = np.concatenate(
        [
            counts @ ahead / (counts @ sizes)
            for counts in drawn_counts(len(sizes), RESAMPLES, random)
        ]
    )
    return Difference(float(second.mean() - first.mean()), *percentile_interval(drawn))
