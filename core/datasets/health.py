"""What is said about a dataset on the way in: duplicates, conflicts, classes too small."""

from typing import Any

import numpy as np

from core.datasets.ingest import TakenIn

FEWEST_GROUPS_PER_CLASS = 3
MOST_CONFLICTS_LISTED = 200


def health_report(taken: TakenIn, index: dict[str, np.ndarray]) -> dict[str, Any]:
    """The part of ``Dataset.health`` that is computed from the pictures; fit for JSON."""
    labels, groups = index["labels"], index["groups"]
    classes = sorted(set(taken.class_names))
    group_sizes = np.bincount(groups)
    in_several = group_sizes[group_sizes > 1]
    unique_pixels = len({entry.digest for entry in taken.examined})
    return {
        "quarantined": taken.quarantined,
        "exact_duplicates": len(taken.examined) - unique_pixels,
        "near_duplicate_groups": len(in_several),
        "images_in_groups": int(in_several.sum()),
        "largest_group": int(group_sizes.max()),
        "label_conflicts": _label_conflicts(taken, labels),
        "look_alike_classes": [
            name
            for number, name in enumerate(classes)
            if index["look_alikes"][labels == number].any()
        ],
        "small_classes": [
            name
            for number, name in enumerate(classes)
            if len(np.unique(groups[labels == number])) < FEWEST_GROUPS_PER_CLASS
        ],
    }


def _label_conflicts(taken: TakenIn, labels: np.ndarray) -> list[list[str]]:
    """File names of equal pictures that lie under different classes."""
    same: dict[bytes, list[int]] = {}
    for position, entry in enumerate(taken.examined):
        same.setdefault(entry.digest, []).append(position)
    conflicts = [
        [taken.file_names[position] for position in positions]
        for positions in same.values()
        if len({int(labels[position]) for position in positions}) > 1
    ]
    return conflicts[:MOST_CONFLICTS_LISTED]
