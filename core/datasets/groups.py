"""Sets of images, such as near duplicates, as arrays: the number of the set of each image.

Sets are numbered from 0 in the order in which their first images appear. The part of the health
report that counts them is computed here too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.datasets.dataset import HealthReport

FEWEST_GROUPS_PER_CLASS = 3
# A set of more than this fraction of the images would leave too little for the other subsets.
LARGEST_SET = 0.5
MOST_CONFLICTS_LISTED = 200


def equal_rows(digests: np.ndarray) -> np.ndarray:
    """The sets of equal rows of uint8 ``(N, 32)``, as int64 ``(N,)``."""
    whole = np.ascontiguousarray(digests).view("V32").ravel()
    return renumbered(np.unique(whole, return_inverse=True)[1])


def renumbered(groups: np.ndarray) -> np.ndarray:
    """The same sets, int64, numbered from 0 in order of appearance."""
    order = first_of_each(groups)
    return np.unique(order, return_inverse=True)[1].astype(np.int64)


def origin_arrays(origins: np.ndarray | None, images: Sequence[int] | np.ndarray) -> dict[str, Any]:
    """What ``index.npz`` keeps of the origins of these images: nothing where no two share one."""
    if origins is None:
        return {}
    found = renumbered(origins[images])
    return {"origins": found} if len(np.unique(found)) < len(found) else {}


def joined(groups: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The smallest sets, int64 ``(N,)``, that divide no set of either kind, both int ``(N,)``."""
    # Imported here: pages that only show datasets do not need it.
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    first = int(groups.max(initial=-1)) + 1
    count = first + int(others.max(initial=-1)) + 1
    links = coo_matrix((np.ones(len(groups)), (groups, first + others)), (count, count))
    _, sets = connected_components(links, directed=False)
    return renumbered(sets[groups])


def first_of_each(groups: np.ndarray) -> np.ndarray:
    """For each image, the position of the first image of its set."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return first[inverse]


def distinct_per_class(labels: np.ndarray, groups: np.ndarray, classes: int) -> np.ndarray:
    """Number of distinct images (near duplicates counted once) in each of ``classes``, int64."""
    pairs = np.unique(labels.astype(np.int64) * (groups.max(initial=0) + 1) + groups)
    return np.bincount(pairs // (groups.max(initial=0) + 1), minlength=classes)


def in_multiple_classes(numbers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which sets have images of more than one class, bool by number of the set.

    ``numbers`` int64 ``(N,)``: the set of each image; ``labels`` int ``(N,)``: its class, or
    anything else that is numbered from 0, such as its digest.
    """
    lowest = np.full(numbers.max(initial=-1) + 1, np.iinfo(np.int64).max)
    highest = np.full(len(lowest), -1)
    np.minimum.at(lowest, numbers, labels)
    np.maximum.at(highest, numbers, labels)
    return highest > lowest


def members_of(
    numbers: np.ndarray, wanted: np.ndarray, most: int | None = None
) -> list[np.ndarray]:
    """The positions of the images of each wanted set, of the first ``most`` sets only.

    ``numbers`` int64 ``(N,)``: the set of each image; ``wanted`` bool by number of the set.
    """
    chosen = np.zeros(len(wanted), bool)
    chosen[np.flatnonzero(wanted)[:most]] = True
    positions = np.flatnonzero(chosen[numbers])
    if not len(positions):
        return []
    order = positions[np.argsort(numbers[positions], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)


def within_classes(numbers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The same sets, int64 ``(N,)``, divided by class.

    A copy in another class must not be left out: nobody knows which of the two labels is right.
    """
    return renumbered(numbers * (int(labels.max(initial=0)) + 1) + labels)


def near_conflict_groups(groups: np.ndarray, labels: np.ndarray, equal: np.ndarray) -> np.ndarray:
    """Which groups of near duplicates are in multiple classes, bool by number of the group.

    Without groups where only equal images are, which are conflicts of their own.
    """
    in_exact_conflict = in_multiple_classes(equal, labels)[equal]
    others = np.zeros(groups.max(initial=-1) + 1, bool)
    others[groups[~in_exact_conflict]] = True
    return in_multiple_classes(groups, labels) & others


def health_of_arrays(
    classes: Sequence[str], file_names: Sequence[str], index: Mapping[str, np.ndarray]
) -> HealthReport:
    """The part of the report that follows from the arrays of ``index.npz``.

    Reads ``labels``, ``groups``, ``digests`` and ``look_alikes``.
    """
    labels, groups = index["labels"], index["groups"]
    equal = equal_rows(index["digests"])
    group_sizes = np.bincount(groups)
    duplicated = group_sizes[group_sizes > 1]
    distinct = distinct_per_class(labels, groups, len(classes))
    alike = np.bincount(labels[index["look_alikes"]], minlength=len(classes))
    conflicts = members_of(equal, in_multiple_classes(equal, labels), MOST_CONFLICTS_LISTED)
    return HealthReport(
        exact_duplicates=len(labels) - len(np.unique(equal)),
        near_duplicate_groups=len(duplicated),
        images_in_groups=int(duplicated.sum()),
        largest_group=int(group_sizes.max()),
        label_conflicts=tuple(tuple(file_names[at] for at in images) for images in conflicts),
        look_alike_classes=tuple(classes[int(number)] for number in np.flatnonzero(alike)),
        small_classes=tuple(
            classes[int(number)] for number in np.flatnonzero(distinct < FEWEST_GROUPS_PER_CLASS)
        ),
    )
