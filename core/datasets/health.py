"""What is kept about a dataset's health: duplicates, conflicts, classes too small; as JSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.datasets.duplicates import equal_rows

FEWEST_GROUPS_PER_CLASS = 3
MOST_CONFLICTS_LISTED = 200


def health_report(
    classes: Sequence[str], file_names: Sequence[str], index: dict[str, np.ndarray]
) -> dict[str, Any]:
    """The part of ``Dataset.health`` that follows from the arrays of ``index.npz``; fit for JSON.

    Of ``index`` it reads ``labels``, ``groups``, ``digests`` and ``look_alikes``.
    """
    labels, groups = index["labels"], index["groups"]
    equal = equal_rows(index["digests"])
    group_sizes = np.bincount(groups)
    in_several = group_sizes[group_sizes > 1]
    distinct = distinct_per_class(labels, groups, len(classes))
    alike = np.bincount(labels[index["look_alikes"]], minlength=len(classes))
    return {
        "exact_duplicates": len(labels) - len(np.unique(equal)),
        "near_duplicate_groups": len(in_several),
        "images_in_groups": int(in_several.sum()),
        "largest_group": int(group_sizes.max()),
        "label_conflicts": [
            [file_names[position] for position in positions]
            for positions in members_of(equal, under_several(equal, labels), MOST_CONFLICTS_LISTED)
        ],
        "look_alike_classes": [name for name, count in zip(classes, alike, strict=True) if count],
        "small_classes": [
            name
            for name, count in zip(classes, distinct, strict=True)
            if count < FEWEST_GROUPS_PER_CLASS
        ],
    }


def distinct_per_class(labels: np.ndarray, groups: np.ndarray, classes: int) -> np.ndarray:
    """For each of so many ``classes``, how many of its images are no near duplicates, int64."""
    pairs = np.unique(labels.astype(np.int64) * (groups.max(initial=0) + 1) + groups)
    return np.bincount(pairs // (groups.max(initial=0) + 1), minlength=classes)


def under_several(numbers: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Which sets hold more than one kind, bool by number of the set.

    ``numbers`` int64 ``(N,)`` say to which set an image belongs, 0 upwards; ``kinds`` its label,
    side or the like.
    """
    lowest = np.full(numbers.max(initial=-1) + 1, np.iinfo(np.int64).max)
    highest = np.full(len(lowest), -1)
    np.minimum.at(lowest, numbers, kinds)
    np.maximum.at(highest, numbers, kinds)
    return highest > lowest


def members_of(
    numbers: np.ndarray, wanted: np.ndarray, most: int | None = None
) -> list[np.ndarray]:
    """The positions of the images of each wanted set; of the first ``most`` sets only.

    ``numbers`` int64 ``(N,)``: the set of each image, numbered in order of appearance; ``wanted``
    bool by number of the set.
    """
    chosen = np.zeros(len(wanted), bool)
    chosen[np.flatnonzero(wanted)[:most]] = True
    positions = np.flatnonzero(chosen[numbers])
    if not len(positions):
        return []
    order = positions[np.argsort(numbers[positions], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
