"""A part of the training images for a learning curve: nested, and stratified by class."""

import math

import numpy as np

# 0.07 * 100 is a hair above 7 in binary fractions; that hair must not cost an eighth image.
_ROUNDING = 1e-9


def nested_subset(train: np.ndarray, labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """The ``fraction`` (above 0, at most 1) of the image positions ``train``, int64, sorted.

    Each class is shuffled once by ``seed`` and gives its first ``ceil(fraction × n)`` images, so at
    least one. What a smaller share holds is therefore inside every larger one, and all of
    ``train`` comes back for a share of 1. ``labels`` are those of the whole dataset.
    """
    kept = []
    for label in np.unique(labels[train]):
        members = train[labels[train] == label]
        shuffled = np.random.default_rng([seed, int(label)]).permutation(members)
        kept.append(shuffled[: math.ceil(fraction * len(members) - _ROUNDING)])
    return np.sort(np.concatenate(kept)).astype(np.int64)
