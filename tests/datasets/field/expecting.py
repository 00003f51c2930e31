"""What a case must come to: read so, asked about, or refused with words that help."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.datasets.add import add_dataset
from core.datasets.choices import SUBSETS
from core.datasets.dataset import Dataset
from core.datasets.reading.question import Question, ReadingUnclear
from core.datasets.reading_choice import Choice
from core.errors import BadInput

Counts = Mapping[str, int]
ANY = {"any": 0}  # instead of subsets: whether a split came with it is not asked
_WIDE = 200  # of 255 levels


@dataclass(frozen=True)
class Read:
    """It becomes a dataset.

    classes: images by class, or only the names of the classes.
    subsets: images by subset; None where no split came with it, ``ANY`` where both is right.
    says, never: regular expressions that the notes and what was left out match, or must not match.
    left_out: how many files and lines could not be used; None for any number.
    corner: the images use the whole range, and the corner, which is the same in all, stays so.
    """

    classes: Counts | frozenset[str]
    subsets: Counts | None = None
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    left_out: int | None = 0
    corner: bool = False

    def why_not(self, outcome: Dataset | BadInput, _given: Path) -> str | None:
        if isinstance(outcome, BadInput):
            return f"not read, but {_described(outcome)}"
        counts, subsets = outcome.class_counts, subset_counts(outcome)
        classes = counts if isinstance(self.classes, Mapping) else frozenset(counts)
        if classes != self.classes:
            return f"classes {counts}, expected {self.classes}; notes: {outcome.health.notes}"
        if self.subsets is not ANY and subsets != self.subsets:
            return f"subsets {subsets}, expected {self.subsets}; notes: {outcome.health.notes}"
        left_out = outcome.health.quarantined
        if self.left_out not in (None, len(left_out)):
            return f"left out: {left_out}"
        if self.corner and (problem := _corner_problem(outcome)):
            return problem
        told = [*outcome.health.notes, *(f"{entry.file}: {entry.reason}" for entry in left_out)]
        return _words_problem("\n".join(told), self.says, self.never)


@dataclass(frozen=True)
class Told:
    """It is refused, with words that say what was found and what to do."""

    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def why_not(self, outcome: Dataset | BadInput, _given: Path) -> str | None:
        if isinstance(outcome, Dataset):
            return f"read as {outcome.class_counts}; notes: {outcome.health.notes}"
        if isinstance(outcome, ReadingUnclear):
            return f"asked instead of told: {outcome}"
        return _words_problem(str(outcome), self.says, self.never)


@dataclass(frozen=True)
class Asks:
    """The import waits and asks.

    says, never: about the message and all that is told of the readings.
    offers: the classes of one of the readings; whoever chooses it gets a dataset with these.
    """

    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    offers: frozenset[str] = frozenset()

    def why_not(self, outcome: Dataset | BadInput, given: Path) -> str | None:
        if isinstance(outcome, Dataset):
            return f"read as {outcome.class_counts}; notes: {outcome.health.notes}"
        if not isinstance(outcome, ReadingUnclear):
            return f"not asked, but {_described(outcome)}"
        question = outcome.question
        told = [question.message]
        for entry in question.offers:
            told += [entry.title, entry.doubt or "", *entry.left_out, *entry.sources]
        for table in question.tables:
            told += [table.name, *table.columns]
        return _words_problem("\n".join(told), self.says, self.never) or (
            _offer_problem(question, self.offers, given) if self.offers else None
        )


Expected = Read | Told | Asks
Given = Path | list[Path]


@dataclass(frozen=True)
class Case:
    """What is given, as ``build`` makes it below a folder, and what may come of it.

    Several expectations: any of them is right. ``chosen``: fields of the ``Choice``.
    """

    build: Callable[[Path], Given]
    expected: tuple[Expected, ...]
    chosen: dict[str, str] = field(default_factory=dict)


def case(build: Callable[[Path], Given], *expected: Expected, **chosen: str) -> Case:
    return Case(build, expected, chosen)


def outcome_of(path: Path, chosen: Mapping[str, str]) -> Dataset | BadInput:
    """What adding gave. Errors of any other kind are defects and stay errors."""
    try:
        return add_dataset(path, choice=Choice(**chosen))
    except BadInput as error:
        return error


def problem_with(found: Case, outcome: Dataset | BadInput, given: Path) -> str | None:
    """None where one of the expectations is met, else what is wrong about each."""
    problems = [expected.why_not(outcome, given) for expected in found.expected]
    return None if None in problems else "\n".join(map(str, problems))


def subset_counts(dataset: Dataset) -> dict[str, int] | None:
    if dataset.predefined_subsets is None:
        return None
    counts = np.bincount(dataset.predefined_subsets, minlength=len(SUBSETS)).tolist()
    return {subset: count for subset, count in zip(SUBSETS, counts, strict=True) if count}


def word_for(outcome: Dataset | BadInput) -> str:
    if isinstance(outcome, Dataset):
        return "read"
    return "asked" if isinstance(outcome, ReadingUnclear) else "refused"


def _described(outcome: BadInput) -> str:
    return f"{word_for(outcome)}: {outcome}"


def _offer_problem(question: Question, classes: frozenset[str], given: Path) -> str | None:
    offered = [frozenset(shown.name for shown in entry.classes) for entry in question.offers]
    if classes not in offered:
        return f"offered: {offered}, expected {set(classes)}; {question.message}"
    chosen = add_dataset(given, choice=question.offers[offered.index(classes)].choice)
    return None if classes == set(chosen.classes) else f"chosen, but read as {chosen.classes}"


def _words_problem(text: str, says: tuple[str, ...], never: tuple[str, ...]) -> str | None:
    flags = re.IGNORECASE | re.DOTALL
    missing = [pattern for pattern in says if not re.search(pattern, text, flags)]
    wrong = [pattern for pattern in never if re.search(pattern, text, flags)]
    return f"missing {missing}, wrong {wrong} in: {text}" if missing or wrong else None


def _corner_problem(dataset: Dataset) -> str | None:
    arrays = [np.asarray(dataset.image(at)).astype(int) for at in range(dataset.image_count)]
    lowest = min(array.min() for array in arrays)
    highest = max(array.max() for array in arrays)
    corners = {int(array[2, 2, 0]) for array in arrays}
    if highest - lowest < _WIDE:
        return f"levels {lowest} to {highest} of 255"
    return f"not one scale: {sorted(corners)}" if max(corners) - min(corners) > 1 else None
