"""Sets of images as numbers: which images are in the set with that number.

Sets are numbered from 0 upwards in the order in which their first images appear.
"""

import numpy as np


def equal_rows(digests: np.ndarray) -> np.ndarray:
    """Number the sets of equal rows of uint8 ``(N, 32)``: int64 ``(N,)``, as they appear."""
    whole = np.ascontiguousarray(digests).view("V32").ravel()
    return renumbered(np.unique(whole, return_inverse=True)[1])


def renumbered(groups: np.ndarray) -> np.ndarray:
    """The same groups, int64, numbered from 0 upwards in order of appearance."""
    order = first_of_each(groups)
    return np.unique(order, return_inverse=True)[1].astype(np.int64)


def first_of_each(groups: np.ndarray) -> np.ndarray:
    """For each entry, the position of the first entry of its group."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return first[inverse]


def distinct_per_class(labels: np.ndarray, groups: np.ndarray, classes: int) -> np.ndarray:
    """For each of so many ``classes``, how many of its images are no near duplicates, int64."""
    pairs = np.unique(labels.astype(np.int64) * (groups.max(initial=0) + 1) + groups)
    return np.bincount(pairs // (groups.max(initial=0) + 1), minlength=classes)


def in_multiple_classes(numbers: np.ndarray, kinds: np.ndarray) -> np.ndarray:
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


def within_classes(numbers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The same sets, int64 ``(N,)``, each divided by class: a copy under another class is no copy
    to be left out, because nobody knows which of the two labels is right."""
    return renumbered(numbers * (int(labels.max()) + 1) + labels)


def near_conflict_groups(groups: np.ndarray, labels: np.ndarray, equal: np.ndarray) -> np.ndarray:
    """Which groups stand under several classes, bool by number of the group.

    Without those that do only because of pictures that are equal and so said already.
    """
    in_exact_conflict = in_multiple_classes(equal, labels)[equal]
    others = np.zeros(groups.max() + 1, bool)
    others[groups[~in_exact_conflict]] = True
    return in_multiple_classes(groups, labels) & others
