"""A new version of a dataset: what is left of it after some changes. The old one stays as it is.

Nothing is decoded or copied: both share ``source.bin`` by a hard link, and either can be removed
without harm to the other.
"""

import errno
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.datasets.choices import SUBSETS
from core.datasets.dataset import SOURCE_FILE, Dataset, content_id
from core.datasets.groups import (
    equal_rows,
    health_of_arrays,
    in_multiple_classes,
    near_conflict_groups,
    origin_arrays,
    renumbered,
    within_classes,
)
from core.datasets.metadata import SharedOrigin, to_arrays, to_json
from core.datasets.reading.raw_files import LONGEST_NAME as LONGEST_CLASS_NAME
from core.datasets.reading.reader import FEWEST_CLASSES
from core.datasets.reading.subset_names import settle_subsets
from core.datasets.split import leaks_of
from core.datasets.storage import (
    LONGEST_DATASET_NAME,
    checked_name,
    incoming_folder,
    list_datasets,
    publish,
)
from core.errors import BadInput, HeadstartError, UnknownName
from core.files import check_room
from core.text import count_text, shorten

_VERSION = re.compile(r", version (\d+)$")
# Errors of file systems without hard links, or without links between these two places.
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)


@dataclass(frozen=True)
class Changes:
    """What a new version leaves out or merges; the defaults change nothing.

    They are applied in this order, each to what the earlier ones left:

    drop_images: positions. drop_classes: names.
    merge_classes: pairs (from, into), one after another; ``into`` may be a new name.
    drop_one_colour: images of a single colour.
    drop_conflicts: all images whose pixels are in more than one class.
    drop_near_conflicts: all near duplicates that are in more than one class.
    drop_leaks: images that ``split.leaking_images`` names.
    drop_exact_duplicates, drop_near_duplicates: all but one of each set within a class; an image
        in the predefined test subset is kept before others, then the first.
    """

    drop_images: tuple[int, ...] = ()
    drop_classes: tuple[str, ...] = ()
    merge_classes: tuple[tuple[str, str], ...] = ()
    drop_one_colour: bool = False
    drop_conflicts: bool = False
    drop_near_conflicts: bool = False
    drop_leaks: bool = False
    drop_exact_duplicates: bool = False
    drop_near_duplicates: bool = False


@dataclass(frozen=True, eq=False)
class ChangePreview:
    """What a version would contain.

    kept: sorted int64 positions ``(n,)`` in the dataset. images_dropped: number of the others.
    classes: names, sorted. labels: int32 ``(n,)``, positions in ``classes``.
    predefined_subsets: int8 ``(n,)`` or None, as in ``Dataset``.
    sentences: what would be done, for people.
    """

    kept: np.ndarray
    images_dropped: int
    classes: tuple[str, ...]
    labels: np.ndarray
    predefined_subsets: np.ndarray | None
    sentences: tuple[str, ...]

    @property
    def images_kept(self) -> int:
        return len(self.kept)

    @property
    def class_counts(self) -> dict[str, int]:
        """Number of images of each class, sorted by name."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    @property
    def problem(self) -> str | None:
        """Why the version cannot be made, or None."""
        if len(self.classes) >= FEWEST_CLASSES:
            return None
        left = f"Only the class {shorten(self.classes[0])!r}" if self.classes else "No image"
        return f"{left} would be left; at least {FEWEST_CLASSES} classes are needed."


def preview(dataset: Dataset, changes: Changes) -> ChangePreview:
    """What ``make_version`` would do; nothing is written. Raises ``BadInput``, ``UnknownName``."""
    count = dataset.image_count
    wrong = [position for position in changes.drop_images if not 0 <= position < count]
    if wrong:
        raise BadInput(
            f"There is no image {wrong[0]}: the images of {dataset.name!r} are"
            f" numbered from 0 to {count - 1}.",
            "drop_images",
        )
    draft = _Draft(dataset)
    by_hand = np.isin(np.arange(count), changes.drop_images)
    draft.drop(by_hand, "image chosen by hand", "images chosen by hand")
    for name in dict.fromkeys(changes.drop_classes):
        draft.drop_class(name)
    for source, target in changes.merge_classes:
        draft.merge(source, target)
    for field, (rule, one, many) in _RULES.items():
        if getattr(changes, field):
            draft.drop(rule(draft.left), one, many)
    return draft.finished(dataset)


class _Left(NamedTuple):
    """The images that are left, arrays ``(n,)``.

    ``equal`` and ``groups`` number the sets of equal images and of near duplicates; ``subsets`` are
    zeros without a predefined split.
    """

    positions: np.ndarray
    labels: np.ndarray
    equal: np.ndarray
    groups: np.ndarray
    subsets: np.ndarray
    one_colour: np.ndarray


class _Draft:
    """A dataset that is changed step by step."""

    def __init__(self, dataset: Dataset) -> None:
        positions, subsets = np.arange(dataset.image_count), dataset.predefined_subsets
        self.left = _Left(
            positions,
            dataset.labels.astype(np.int64),
            equal_rows(dataset.digests),
            dataset.groups,
            np.zeros(len(positions), np.int8) if subsets is None else subsets,
            dataset.one_colour,
        )
        self._names = list(dataset.classes)
        self._sentences: list[str] = []

    def drop(self, gone: np.ndarray, one: str, many: str) -> None:
        """Remove the images marked in ``gone``, bool ``(n,)``."""
        count = self._remove(gone)
        if count:
            verb = "is" if count == 1 else "are"
            self._sentences.append(f"{count_text(count, one, many)} {verb} left out.")

    def drop_class(self, name: str) -> None:
        count = self._remove(self.left.labels == self._number_of(name))
        self._sentences.append(
            f"Class {shorten(name)!r} is left out: {count_text(count, 'image')}."
        )

    def merge(self, source: str, target: str) -> None:
        target = _checked_class_name(target)
        merged = self.left.labels == self._number_of(source)
        if source == target:
            return
        if target not in self._names:
            self._names.append(target)
        self._sentences.append(
            f"Class {shorten(source)!r} becomes part of {shorten(target)!r}:"
            f" {count_text(int(merged.sum()), 'image')}."
        )
        self.left.labels[merged] = self._names.index(target)

    def finished(self, dataset: Dataset) -> ChangePreview:
        subsets, about_subsets = None, None
        if dataset.predefined_subsets is not None:
            subsets, about_subsets = settle_subsets([SUBSETS[at] for at in self.left.subsets])
        if about_subsets and self._sentences:
            self._sentences.append(about_subsets)
        present = sorted(np.unique(self.left.labels), key=self._names.__getitem__)
        new_numbers = np.zeros(len(self._names), np.int32)
        new_numbers[present] = np.arange(len(present))
        return ChangePreview(
            kept=self.left.positions,
            images_dropped=dataset.image_count - len(self.left.positions),
            classes=tuple(self._names[number] for number in present),
            labels=new_numbers[self.left.labels],
            predefined_subsets=subsets,
            sentences=tuple(self._sentences),
        )

    def _remove(self, gone: np.ndarray) -> int:
        self.left = _Left(*(array[~gone] for array in self.left))
        return int(gone.sum())

    def _number_of(self, name: str) -> int:
        """The number of a class that still has images. Raises ``UnknownName``."""
        present = {self._names[number] for number in np.unique(self.left.labels)}
        if name not in present:
            raise UnknownName("class", name, present)
        return self._names.index(name)


def _all_but_one(left: _Left, numbers: np.ndarray) -> np.ndarray:
    """Marks all images but one of each set within a class; an image of the last subset stays."""
    sets = within_classes(numbers, left.labels)
    order = np.lexsort((-left.subsets, sets))  # stable: else the first in order stays
    spare = np.ones(len(order), bool)
    spare[order[np.unique(sets[order], return_index=True)[1]]] = False
    return spare


# By field of ``Changes``, in the order in which they are applied: which images go, bool ``(n,)``,
# and what one and many of them are called.
_RULES: dict[str, tuple[Callable[[_Left], np.ndarray], str, str]] = {
    "drop_one_colour": (
        lambda left: left.one_colour,
        "image of one colour",
        "images of one colour",
    ),
    "drop_conflicts": (
        lambda left: in_multiple_classes(left.equal, left.labels)[left.equal],
        "image in several classes",
        "images in several classes",
    ),
    "drop_near_conflicts": (
        lambda left: near_conflict_groups(left.groups, left.labels, left.equal)[left.groups],
        "image that looks like one of another class",
        "images that look like some of another class",
    ),
    "drop_leaks": (
        lambda left: leaks_of(left.groups, left.subsets),
        "image that is also in a later subset of the split",
        "images that are also in a later subset of the split",
    ),
    "drop_exact_duplicates": (
        lambda left: _all_but_one(left, left.equal),
        "exact copy",
        "exact copies",
    ),
    "drop_near_duplicates": (
        lambda left: _all_but_one(left, left.groups),
        "near duplicate",
        "near duplicates",
    ),
}


def _checked_class_name(name: str) -> str:
    if name.strip() and len(name) <= LONGEST_CLASS_NAME and name.isprintable():
        return name
    raise BadInput(
        f"{shorten(name)!r} cannot be the name of a class: give 1 to {LONGEST_CLASS_NAME}"
        " printable characters.",
        "merge_classes",
    )


def make_version(dataset: Dataset, changes: Changes, name: str | None = None) -> Dataset:
    """Store what is left of a dataset after ``changes`` as a new dataset.

    Without a name it is called "NAME, version 2", or 3, 4 ... If the content is already stored, as
    with no change at all, that dataset is returned. Raises ``BadInput`` where fewer than two
    classes are left, the name is taken, or a class or image does not exist.
    """
    planned = preview(dataset, changes)
    if planned.problem:
        raise BadInput(planned.problem, "changes")
    index = _index(dataset, planned)
    file_names = [dataset.file_names[position] for position in planned.kept]
    manifest = {
        "id": content_id(planned.classes, index),
        "name": _next_name(dataset) if name is None else checked_name(name),
        "name_is_default": name is None,
        "provenance": dataset.provenance,
        "read_as": dataset.read_as,
        "version_of": dataset.id,
        "changes": [*dataset.changes, *planned.sentences],
        "encoding": dataset.encoding,
        "levels": dataset.levels.to_json(),
        "classes": planned.classes,
        "file_names": file_names,
        "channels": 1 if index["grey"].all() else 3,
        "metadata": to_json(dataset.metadata),
        # What else was noticed while reading stays with the dataset that was read.
        "health": replace(
            health_of_arrays(planned.classes, file_names, index),
            levels=dataset.health.levels,
            shared_origins=_shared_origins(dataset, index),
        ).to_json(),
    }
    with incoming_folder(0) as incoming:
        _link_images(dataset, incoming)
        return publish(incoming, manifest, index)


def _index(dataset: Dataset, planned: ChangePreview) -> dict[str, np.ndarray]:
    """The arrays of ``index.npz`` for the images that are kept."""
    index = {"labels": planned.labels, "groups": renumbered(dataset.groups[planned.kept])}
    for name in (
        "look_alikes", "grey", "one_colour", "heights", "widths", "offsets", "sizes", "digests",
    ):  # fmt: skip
        index[name] = getattr(dataset, name)[planned.kept]
    if planned.predefined_subsets is not None:
        index["predefined_subsets"] = planned.predefined_subsets
    index |= origin_arrays(dataset.origins, planned.kept)
    return index | to_arrays([column.only(planned.kept) for column in dataset.metadata])


def _shared_origins(dataset: Dataset, index: dict[str, np.ndarray]) -> tuple[SharedOrigin, ...]:
    """The columns that still say which images belong together; values and images are counted as
    they were read."""
    if "origins" not in index:
        return ()
    origins, subsets = dataset.health.shared_origins, index.get("predefined_subsets")
    if subsets is not None and in_multiple_classes(index["origins"], subsets).any():
        return origins
    several = None if subsets is None else 0
    return tuple(one._replace(in_several_subsets=several) for one in origins)


def _link_images(dataset: Dataset, incoming: Path) -> None:
    """Put the images of ``dataset`` into ``incoming``: a hard link, or a copy without links."""
    source, target = dataset.source_path, incoming / SOURCE_FILE
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise HeadstartError(
            f"The dataset {dataset.name!r} is no longer there; it was removed meanwhile."
        ) from None
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        check_room(incoming, source.stat().st_size, "this version")
        shutil.copyfile(source, target)


def _next_name(dataset: Dataset) -> str:
    """The first free name "NAME, version N" with N above the version of ``dataset``."""
    base, number = dataset.name, 1
    found = _VERSION.search(base)
    if found and dataset.version_of is not None:
        base, number = base[: found.start()], int(found.group(1))
    taken = {entry.name for entry in list_datasets()}
    while True:
        number += 1
        ending = f", version {number}"
        name = base[: LONGEST_DATASET_NAME - len(ending)] + ending
        if name not in taken:
            return name
