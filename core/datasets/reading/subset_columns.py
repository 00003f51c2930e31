"""The column of a table that says which subset an image is in: in words, numbers, or yes and no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.datasets.reading.column_values import ColumnValues
from core.datasets.reading.columns import (
    NO_SUBSET,
    SPLIT_NAMES,
    bare_name,
    chosen_position,
    split_position,
    why_no_subset,
)
from core.datasets.reading.raw_files import shown_name
from core.datasets.reading.subset_names import name_words, subset_of
from core.datasets.reading_choice import Choice

_NUMBERS = {"0": "train", "1": "validation", "2": "test"}
_TWO_NUMBERS = {"0": "train", "1": "test"}
# Folds of a cross-validation are numbered too; they are no subsets.
_NUMBERED_NAMES = SPLIT_NAMES - {"fold", "dataset"}
# Words in the names of tables whose numbers are subsets.
_NUMBERED_TABLES = frozenset(("partition", "partitions", "split", "splits"))
_YES = dict.fromkeys(("1", "1.0", "true", "yes", "y", "t"), True)
_NO = dict.fromkeys(("0", "0.0", "false", "no", "n", "f"), False)
_ANSWERS = _YES | _NO
_YES_NO_NAMES = {
    **dict.fromkeys(("istrain", "istraining", "istrainingimage", "intrain"), ("train", "test")),
    **dict.fromkeys(("isvalid", "isval", "isvalidation", "isdev"), ("validation", "train")),
    **dict.fromkeys(("istest", "istesting", "isholdout"), ("test", "train")),
}
FEWEST_ROWS = 10


@dataclass(frozen=True)
class SubsetColumn:
    """Column ``at``; ``meaning`` is the subset of each cell, None where cells are words."""

    at: int
    meaning: Mapping[str, str] | None = None

    def subset(self, cell: str) -> str | None:
        if self.meaning is None:
            return subset_of(cell)
        return self.meaning.get(cell.strip().lower())

    def why_not(self, cell: str) -> str | None:
        """Why a cell cannot be used, or None; it may be blank."""
        if self.meaning is None or cell.strip().lower() in NO_SUBSET | {""}:
            return why_no_subset(cell)
        if self.subset(cell) is None:
            return f"{shown_name(cell.strip())!r} does not say in which subset the image is"
        return None


def is_subset_name(name: str) -> bool:
    """Whether a column of that name is about subsets, and so never the class by itself."""
    return bare_name(name) in SPLIT_NAMES or bare_name(name) in _YES_NO_NAMES


def subset_column(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    values: Sequence[ColumnValues],
    has_header: bool,
    choice: Choice,
    table: str,
) -> SubsetColumn | None:
    """The column of subsets: the one that was chosen, else one by its name and its cells.

    names, rows: of the table, and some of its rows. values: of its columns, over all rows.
    """
    if choice.split_column is not None:
        at = chosen_position(choice.split_column, names, table)
        return SubsetColumn(
            at, _meaning(names[at], values[at], table) if at < len(values) else None
        )
    at_words = split_position(names, rows, choice, table)
    if at_words is not None and any(subset_of(value) for value in values[at_words].counts):
        return SubsetColumn(at_words)
    for at, column in enumerate(values):
        meaning = _meaning(names[at], column, table)
        if meaning is not None:
            return SubsetColumn(at, meaning)
    return next(
        (
            SubsetColumn(at)
            for at, column in enumerate(values)
            if _are_subsets(column) and (not has_header or column.rows >= FEWEST_ROWS)
        ),
        None,
    )


def _meaning(name: str, column: ColumnValues, table: str) -> dict[str, str] | None:
    """What the cells mean where they are numbers, or yes and no; None where they are words."""
    values = {value.lower() for value in column.counts}
    subsets = _YES_NO_NAMES.get(bare_name(name))
    if subsets is not None and values and values <= _ANSWERS.keys():
        return {cell: subsets[0] if yes else subsets[1] for cell, yes in _ANSWERS.items()}
    called = bare_name(name) in _NUMBERED_NAMES or not _NUMBERED_TABLES.isdisjoint(
        name_words(table.rpartition("/")[2])
    )
    if called and len(values) > 1 and values <= _NUMBERS.keys():
        return dict(_TWO_NUMBERS if values <= _TWO_NUMBERS.keys() else _NUMBERS)
    return None


def _are_subsets(column: ColumnValues) -> bool:
    """Whether all cells are words for subsets, train among them, or say that there is none."""
    words = {value for value in column.counts if value.lower() not in NO_SUBSET}
    found = {subset_of(value) for value in words}
    if not words:
        return bool(column.counts) and "unassigned" in {value.lower() for value in column.counts}
    return None not in found and "train" in found and len(found) > 1
