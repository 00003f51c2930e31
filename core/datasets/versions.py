"""A new version of a dataset: what is left of it after some changes. The old one stays as it is.

Nothing is decoded or copied: both share ``source.bin`` by a hard link, and either can be removed
without harm to the other.
"""

import errno
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.datasets.add import content_id
from core.datasets.dataset import SOURCE_FILE, SUBSETS, Dataset
from core.datasets.groups import (
    equal_rows,
    in_multiple_classes,
    near_conflict_groups,
    renumbered,
    within_classes,
)
from core.datasets.health_report import health_of_arrays
from core.datasets.reading.raw_files import LONGEST_NAME as LONGEST_CLASS_NAME
from core.datasets.reading.reader import FEWEST_CLASSES
from core.datasets.reading.subset_names import settle_subsets
from core.datasets.split import leaks_of
from core.datasets.storage import (
    LONGEST_DATASET_NAME,
    check_room,
    checked_name,
    incoming_folder,
    list_datasets,
    publish,
)
from core.errors import BadInput, HeadstartError, UnknownName
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

    drop_exact_duplicates: bool = False
    drop_near_duplicates: bool = False
    drop_conflicts: bool = False
    drop_leaks: bool = False
    drop_classes: tuple[str, ...] = ()
    merge_classes: tuple[tuple[str, str], ...] = ()
    drop_images: tuple[int, ...] = ()
    drop_near_conflicts: bool = False
    drop_one_colour: bool = False


@dataclass(frozen=True, eq=False)
class Outcome:
    """What is left of a dataset.

    kept: sorted int64 positions ``(n,)``. class_names: the class of each of these images.
    predefined_subsets: int8 ``(n,)`` or None, as in ``Dataset``.
    sentences: what was done, for people.
    """

    kept: np.ndarray
    class_names: list[str]
    predefined_subsets: np.ndarray | None
    sentences: tuple[str, ...]


def outcome_of(dataset: Dataset, changes: Changes) -> Outcome:
    """What is left of a dataset. Raises ``BadInput`` for a class or image that does not exist."""
    draft = _Draft(dataset)
    draft.drop_images(changes.drop_images)
    for name in dict.fromkeys(changes.drop_classes):
        draft.drop_class(name)
    for source, target in changes.merge_classes:
        draft.merge(source, target)
    for wanted, drop in (
        (changes.drop_one_colour, draft.drop_one_colour),
        (changes.drop_conflicts, draft.drop_conflicts),
        (changes.drop_near_conflicts, draft.drop_near_conflicts),
        (changes.drop_leaks and dataset.predefined_subsets is not None, draft.drop_leaks),
        (changes.drop_exact_duplicates, draft.drop_exact_duplicates),
        (changes.drop_near_duplicates, draft.drop_near_duplicates),
    ):
        if wanted:
            drop()
    return draft.outcome()


class _Draft:
    """A dataset from which images are removed step by step."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._kept = np.ones(dataset.image_count, bool)
        self._names = list(dataset.classes)
        self._labels = dataset.labels.astype(np.int64)
        self._equal = equal_rows(dataset.digests)
        self._sentences: list[str] = []

    def outcome(self) -> Outcome:
        kept = np.flatnonzero(self._kept)
        subsets = self._dataset.predefined_subsets
        if subsets is not None:
            subsets, about_subsets = settle_subsets([SUBSETS[subset] for subset in subsets[kept]])
            if about_subsets and self._sentences:
                self._sentences.append(about_subsets)
        class_names = [self._names[label] for label in self._labels[kept]]
        return Outcome(kept, class_names, subsets, tuple(self._sentences))

    def drop_images(self, positions: tuple[int, ...]) -> None:
        count = self._dataset.image_count
        wrong = [position for position in positions if not 0 <= position < count]
        if wrong:
            raise BadInput(
                f"There is no image {wrong[0]}: the images of {self._dataset.name!r} are"
                f" numbered from 0 to {count - 1}.",
                "drop_images",
            )
        chosen = np.zeros(count, bool)
        chosen[list(positions)] = True
        self._drop(
            lambda left: chosen[left], "image chosen by hand is", "images chosen by hand are"
        )

    def drop_class(self, name: str) -> None:
        number = self._number_of(name)
        count = self._count_of(number)
        self._kept[self._labels == number] = False
        self._sentences.append(
            f"Class {shorten(name)!r} is left out: {count_text(count, 'image')}."
        )

    def merge(self, source: str, target: str) -> None:
        target = _checked_class_name(target)
        number = self._number_of(source)
        if source == target:
            return
        if target not in self._names:
            self._names.append(target)
        self._sentences.append(
            f"Class {shorten(source)!r} becomes part of {shorten(target)!r}:"
            f" {count_text(self._count_of(number), 'image')}."
        )
        self._labels[self._labels == number] = self._names.index(target)

    def drop_one_colour(self) -> None:
        one_colour = self._dataset.one_colour
        self._drop(
            lambda left: one_colour[left], "image of one colour is", "images of one colour are"
        )

    def drop_conflicts(self) -> None:
        def judge(left: np.ndarray) -> np.ndarray:
            equal = self._equal[left]
            return in_multiple_classes(equal, self._labels[left])[equal]

        self._drop(judge, "image in several classes is", "images in several classes are")

    def drop_near_conflicts(self) -> None:
        def judge(left: np.ndarray) -> np.ndarray:
            groups = self._dataset.groups[left]
            return near_conflict_groups(groups, self._labels[left], self._equal[left])[groups]

        self._drop(
            judge,
            "image that looks like one of another class is",
            "images that look like some of another class are",
        )

    def drop_leaks(self) -> None:
        def judge(left: np.ndarray) -> np.ndarray:
            subsets = self._dataset.predefined_subsets[left]  # type: ignore[index]
            return np.isin(np.arange(len(left)), leaks_of(self._dataset.groups[left], subsets))

        self._drop(
            judge,
            "image that is also in a later subset of the split is",
            "images that are also in a later subset of the split are",
        )

    def drop_exact_duplicates(self) -> None:
        self._drop_copies(self._equal, "exact copy is", "exact copies are")

    def drop_near_duplicates(self) -> None:
        self._drop_copies(self._dataset.groups, "near duplicate is", "near duplicates are")

    def _drop_copies(self, numbers: np.ndarray, one: str, many: str) -> None:
        def judge(left: np.ndarray) -> np.ndarray:
            sets = within_classes(numbers[left], self._labels[left])
            subsets = self._dataset.predefined_subsets
            last_subset_first = np.zeros(len(left)) if subsets is None else -subsets[left]
            order = np.lexsort((left, last_subset_first, sets))
            spare = np.ones(len(left), bool)
            spare[order[np.unique(sets[order], return_index=True)[1]]] = False
            return spare

        self._drop(judge, one, many)

    def _drop(self, judge: Callable[[np.ndarray], np.ndarray], one: str, many: str) -> None:
        """Remove those of the remaining positions for which ``judge`` gives True."""
        left = np.flatnonzero(self._kept)
        gone = left[judge(left)] if len(left) else left
        self._kept[gone] = False
        if len(gone):
            self._sentences.append(f"{count_text(len(gone), one, many)} left out.")

    def _number_of(self, name: str) -> int:
        """The number of a class that still has images. Raises ``UnknownName``."""
        present = {self._names[number] for number in np.unique(self._labels[self._kept])}
        if name not in present:
            raise UnknownName("class", name, present)
        return self._names.index(name)

    def _count_of(self, number: int) -> int:
        return int((self._labels[self._kept] == number).sum())


def _checked_class_name(name: str) -> str:
    if name.strip() and len(name) <= LONGEST_CLASS_NAME and name.isprintable():
        return name
    raise BadInput(
        f"{shorten(name)!r} cannot be the name of a class: give 1 to {LONGEST_CLASS_NAME}"
        " printable characters.",
        "merge_classes",
    )


@dataclass(frozen=True)
class ChangePreview:
    """What a version would contain.

    class_counts: number of images of each class, sorted by name. sentences: what would be done.
    problem: why it cannot be made, or None.
    """

    images_kept: int
    images_dropped: int
    class_counts: dict[str, int]
    sentences: tuple[str, ...]
    problem: str | None


def preview(dataset: Dataset, changes: Changes) -> ChangePreview:
    """What ``make_version`` would do; nothing is written. Raises ``BadInput``, ``UnknownName``."""
    outcome = outcome_of(dataset, changes)
    counts = Counter(outcome.class_names)
    return ChangePreview(
        images_kept=len(outcome.kept),
        images_dropped=dataset.image_count - len(outcome.kept),
        class_counts={name: counts[name] for name in sorted(counts)},
        sentences=outcome.sentences,
        problem=_problem(sorted(counts)),
    )


def make_version(dataset: Dataset, changes: Changes, name: str | None = None) -> Dataset:
    """Store what is left of a dataset after ``changes`` as a new dataset.

    Without a name it is called "NAME, version 2", or 3, 4 ... If the content is already stored, as
    with no change at all, that dataset is returned. Raises ``BadInput`` where fewer than two
    classes are left, the name is taken, or a class or image does not exist.
    """
    outcome = outcome_of(dataset, changes)
    classes = sorted(set(outcome.class_names))
    problem = _problem(classes)
    if problem:
        raise BadInput(problem, "changes")
    asked_name = _next_name(dataset) if name is None else checked_name(name)
    index = _index(dataset, outcome, classes)
    file_names = [dataset.file_names[position] for position in outcome.kept]
    manifest = {
        "id": content_id(classes, index),
        "name": asked_name,
        "name_is_default": name is None,
        "provenance": dataset.provenance,
        "read_as": dataset.read_as,
        "version_of": dataset.id,
        "changes": [*dataset.changes, *outcome.sentences],
        "encoding": dataset.encoding,
        "classes": classes,
        "file_names": file_names,
        "channels": 1 if index["grey"].all() else 3,
        # What was noticed while reading stays with the dataset that was read.
        "health": health_of_arrays(classes, file_names, index).to_json(),
    }
    with incoming_folder(0) as incoming:
        _link_images(dataset, incoming)
        return publish(incoming, manifest, index)


def _problem(classes: list[str]) -> str | None:
    if len(classes) >= FEWEST_CLASSES:
        return None
    left = f"Only the class {shorten(classes[0])!r}" if classes else "No image"
    return f"{left} would be left; at least {FEWEST_CLASSES} classes are needed."


def _index(dataset: Dataset, outcome: Outcome, classes: list[str]) -> dict[str, np.ndarray]:
    """The arrays of ``index.npz`` for the images that are kept."""
    number = {name: position for position, name in enumerate(classes)}
    kept = outcome.kept
    index = {
        "labels": np.array([number[name] for name in outcome.class_names], np.int32),
        "groups": renumbered(dataset.groups[kept]),
    }
    for name in (
        "look_alikes", "grey", "one_colour", "heights", "widths", "offsets", "sizes", "digests",
    ):  # fmt: skip
        index[name] = getattr(dataset, name)[kept]
    if outcome.predefined_subsets is not None:
        index["predefined_subsets"] = outcome.predefined_subsets
    return index


def _link_images(dataset: Dataset, incoming: Path) -> None:
    """Put the images of ``dataset`` into ``incoming``: a hard link, or a copy without links."""
    source, target = dataset.folder / SOURCE_FILE, incoming / SOURCE_FILE
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
