"""What can be changed about a dataset, and which of its images stay then; nothing is written."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.datasets.groups import equal_rows, under_several
from core.datasets.health.finding_copies import near_conflict_groups, within_classes
from core.datasets.model import SIDES, Dataset
from core.datasets.reading.raw_files import LONGEST_NAME
from core.datasets.reading.sides import settle_sides
from core.datasets.split import leaks_of
from core.errors import BadInput, UnknownName
from core.text import count_text, shorten


@dataclass(frozen=True)
class Changes:
    """What a new version leaves out or joins. Fields that are left alone change nothing.

    ``drop_images`` are positions; ``merge_classes`` are pairs (from, into), done one after
    another, and ``into`` may be a new name. Single pictures and classes go first, then classes are
    merged; all else is judged by what is left then. ``drop_one_colour``: pictures with nothing on
    them. ``drop_conflicts``: all pictures that stand, pixel for pixel, under several classes;
    ``drop_near_conflicts``: all near duplicates that do. ``drop_leaks``: what
    ``split.leaking_images`` names. Of exact or near duplicates under one class the first stays, or
    the first of those that a given split has in test.
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
    """``kept``: sorted int64 positions ``(n,)`` of the images that stay; ``class_names``: the
    class of each of them; ``given_sides``: int8 ``(n,)`` or None, as in ``Dataset``;
    ``sentences``: what was done, for people."""

    kept: np.ndarray
    class_names: list[str]
    given_sides: np.ndarray | None
    sentences: tuple[str, ...]


def outcome_of(dataset: Dataset, changes: Changes) -> Outcome:
    """What stays of a dataset. Raises ``BadInput`` where a class or a picture is not there."""
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
        (changes.drop_leaks and dataset.given_sides is not None, draft.drop_leaks),
        (changes.drop_exact_duplicates, draft.drop_exact_duplicates),
        (changes.drop_near_duplicates, draft.drop_near_duplicates),
    ):
        if wanted:
            drop()
    return draft.outcome()


class _Draft:
    """A dataset from which images are taken away step by step."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._kept = np.ones(dataset.image_count, bool)
        self._names = list(dataset.classes)
        self._labels = dataset.labels.astype(np.int64)
        self._equal = equal_rows(dataset.digests)
        self._sentences: list[str] = []

    def outcome(self) -> Outcome:
        kept = np.flatnonzero(self._kept)
        sides = self._dataset.given_sides
        if sides is not None:
            sides, about_sides = settle_sides([SIDES[side] for side in sides[kept]])
            if about_sides and self._sentences:
                self._sentences.append(about_sides)
        class_names = [self._names[label] for label in self._labels[kept]]
        return Outcome(kept, class_names, sides, tuple(self._sentences))

    def drop_images(self, positions: tuple[int, ...]) -> None:
        count = self._dataset.image_count
        wrong = [position for position in positions if not 0 <= position < count]
        if wrong:
            raise BadInput(
                f"There is no picture {wrong[0]}: the pictures of {self._dataset.name!r} are"
                f" numbered from 0 to {count - 1}.",
                "drop_images",
            )
        chosen = np.zeros(count, bool)
        chosen[list(positions)] = True
        self._drop(
            lambda left: chosen[left], "picture chosen by hand is", "pictures chosen by hand are"
        )

    def drop_class(self, name: str) -> None:
        number = self._number_of(name)
        count = self._count_of(number)
        self._kept[self._labels == number] = False
        self._sentences.append(
            f"Class {shorten(name)!r} is left out: {count_text(count, 'picture')}."
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
            f" {count_text(self._count_of(number), 'picture')}."
        )
        self._labels[self._labels == number] = self._names.index(target)

    def drop_one_colour(self) -> None:
        plain = self._dataset.plain
        self._drop(
            lambda left: plain[left], "picture of one colour is", "pictures of one colour are"
        )

    def drop_conflicts(self) -> None:
        def judge(left: np.ndarray) -> np.ndarray:
            equal = self._equal[left]
            return under_several(equal, self._labels[left])[equal]

        self._drop(judge, "picture under several classes is", "pictures under several classes are")

    def drop_near_conflicts(self) -> None:
        def judge(left: np.ndarray) -> np.ndarray:
            groups = self._dataset.groups[left]
            return near_conflict_groups(groups, self._labels[left], self._equal[left])[groups]

        self._drop(
            judge,
            "picture that looks like one of another class is",
            "pictures that look like some of another class are",
        )

    def drop_leaks(self) -> None:
        def judge(left: np.ndarray) -> np.ndarray:
            sides = self._dataset.given_sides[left]  # type: ignore[index]
            return np.isin(np.arange(len(left)), leaks_of(self._dataset.groups[left], sides))

        self._drop(
            judge,
            "picture that is also on a later side of the split is",
            "pictures that are also on a later side of the split are",
        )

    def drop_exact_duplicates(self) -> None:
        self._drop_copies(self._equal, "exact copy is", "exact copies are")

    def drop_near_duplicates(self) -> None:
        self._drop_copies(self._dataset.groups, "near duplicate is", "near duplicates are")

    def _drop_copies(self, numbers: np.ndarray, one: str, many: str) -> None:
        def judge(left: np.ndarray) -> np.ndarray:
            sets = within_classes(numbers[left], self._labels[left])
            sides = self._dataset.given_sides
            last_side_first = np.zeros(len(left)) if sides is None else -sides[left]
            order = np.lexsort((left, last_side_first, sets))
            spare = np.ones(len(left), bool)
            spare[order[np.unique(sets[order], return_index=True)[1]]] = False
            return spare

        self._drop(judge, one, many)

    def _drop(self, judge: Callable[[np.ndarray], np.ndarray], one: str, many: str) -> None:
        """Take away what ``judge`` says (bool) of the positions that are left."""
        left = np.flatnonzero(self._kept)
        gone = left[judge(left)] if len(left) else left
        self._kept[gone] = False
        if len(gone):
            self._sentences.append(f"{count_text(len(gone), one, many)} left out.")

    def _number_of(self, name: str) -> int:
        """The number of a class that still has pictures. Raises ``UnknownName``."""
        present = {self._names[number] for number in np.unique(self._labels[self._kept])}
        if name not in present:
            raise UnknownName("class", name, present)
        return self._names.index(name)

    def _count_of(self, number: int) -> int:
        return int((self._labels[self._kept] == number).sum())


def _checked_class_name(name: str) -> str:
    if name.strip() and len(name) <= LONGEST_NAME and name.isprintable():
        return name
    raise BadInput(
        f"{shorten(name)!r} cannot be the name of a class: give 1 to {LONGEST_NAME} printable"
        " characters.",
        "merge_classes",
    )
