"""The health report of a dataset: what was noticed while it was read, kept in its manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from core.datasets.groups import distinct_per_class, equal_rows, in_multiple_classes, members_of

FEWEST_GROUPS_PER_CLASS = 3
MOST_CONFLICTS_LISTED = 200


class LeftOut(NamedTuple):
    """A file, or a line of a table, that could not be used, and the reason in plain words."""

    file: str
    reason: str


@dataclass(frozen=True)
class HealthReport:
    """What was noticed about a dataset when it was added; empty where there was nothing.

    quarantined: files and lines that could not be used.
    lost_classes: classes of which no image could be read.
    ignored_files: number of files passed over, such as hidden files.
    exact_duplicates: number of images whose pixels equal those of an earlier image.
    near_duplicate_groups, images_in_groups, largest_group: number of groups of near duplicates,
        of images in them, and of images in the largest group of all (1 without near duplicates).
    label_conflicts: file names of equal images in more than one class, at most 200 sets.
    look_alike_classes: classes so uniform that only equal pixels count as duplicates.
    small_classes: classes with fewer than three distinct images.
    notes: what was decided while reading, in sentences.
    """

    quarantined: tuple[LeftOut, ...] = ()
    lost_classes: tuple[str, ...] = ()
    ignored_files: int = 0
    exact_duplicates: int = 0
    near_duplicate_groups: int = 0
    images_in_groups: int = 0
    largest_group: int = 0
    label_conflicts: tuple[tuple[str, ...], ...] = ()
    look_alike_classes: tuple[str, ...] = ()
    small_classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest and in ``datasets show --json``."""
        return asdict(self) | {"quarantined": [entry._asdict() for entry in self.quarantined]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "HealthReport":
        """Read what ``to_json`` wrote; older manifests lack some fields.

        Raises ``TypeError`` where it is damaged.
        """
        given = {
            field.name: _tuples(document[field.name])
            for field in fields(cls)
            if field.name in document
        }
        left_out = tuple(LeftOut(**entry) for entry in given.get("quarantined", ()))
        return cls(**given | {"quarantined": left_out})


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
            name
            for name, count in zip(classes, distinct, strict=True)
            if count < FEWEST_GROUPS_PER_CLASS
        ),
    )


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value
