"""What is kept about a dataset's health: duplicates, conflicts, classes too small; as JSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.datasets.groups import distinct_per_class, equal_rows, in_multiple_classes, members_of

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
    in_groups = group_sizes[group_sizes > 1]
    distinct = distinct_per_class(labels, groups, len(classes))
    alike = np.bincount(labels[index["look_alikes"]], minlength=len(classes))
    return {
        "exact_duplicates": len(labels) - len(np.unique(equal)),
        "near_duplicate_groups": len(in_groups),
        "images_in_groups": int(in_groups.sum()),
        "largest_group": int(group_sizes.max()),
        "label_conflicts": [
            [file_names[position] for position in positions]
            for positions in members_of(
                equal, in_multiple_classes(equal, labels), MOST_CONFLICTS_LISTED
            )
        ],
        "look_alike_classes": [name for name, count in zip(classes, alike, strict=True) if count],
        "small_classes": [
            name
            for name, count in zip(classes, distinct, strict=True)
            if count < FEWEST_GROUPS_PER_CLASS
        ],
    }
