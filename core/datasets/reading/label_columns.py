"""Which column of a table, beside that of the pictures, holds their labels."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets.reading.column_names import (
    INDEX_NAMES,
    LABEL_NAMES,
    PROPERTY_NAMES,
    asked_position,
    bare_name,
    split_position,
    unique_names,
)
from core.datasets.reading.picture_files import has_picture_suffix
from core.datasets.reading.picture_names import PictureNames
from core.datasets.reading.pixel_columns import is_number
from core.datasets.reading.tables import Columns, TextTable
from core.errors import ColumnsUnclear

ROWS_SHOWN = 5
FEWEST_ROWS_TO_JUDGE = 10
SHARE_WITH_ONE_MARK = 0.95
_MARKED = frozenset(("1", "1.0"))
_UNMARKED = frozenset(("0", "0.0"))


@dataclass(frozen=True)
class LabelColumns:
    """Positions of columns. ``one_hot`` has several, one for each class, where ``label`` is None.

    ``label_is_named`` where its name says that it is the label, or the user did.
    """

    names: tuple[str, ...]
    has_header: bool
    file: int
    label: int | None
    one_hot: tuple[int, ...]
    split: int | None
    label_is_named: bool

    @property
    def label_name(self) -> str:
        return "" if self.label is None else self.names[self.label]


def label_columns(
    table: TextTable, file: int, pictures: PictureNames, columns: Columns
) -> LabelColumns:
    """What the other columns of a table are for, whose column ``file`` names pictures.

    Raises ``ColumnsUnclear`` where the user must say which column is the label, and ``BadInput``
    where the user named a column that is not there.
    """
    has_header = not _names_a_picture(table, pictures)
    names = unique_names(table.first_rows[0] if has_header else None, table.width)
    rows = [row for row in table.first_rows[has_header:] if len(row) == table.width]
    if columns.file is not None:
        file = asked_position(columns.file, names, table.name)
    split = split_position(names, rows, columns, table.name)
    found = LabelColumns(names, has_header, file, None, (), split, label_is_named=True)
    if columns.label is not None:
        return _with(found, asked_position(columns.label, names, table.name))
    others = [
        position
        for position, name in enumerate(names)
        if position not in (file, split) and not (has_header and bare_name(name) in INDEX_NAMES)
    ]
    for known in (LABEL_NAMES, PROPERTY_NAMES):
        called = [at for at in others if bare_name(names[at]) in known]
        label = _one_of(called, rows)
        if label is not None:
            return _with(found, label)
        if called:
            raise _unclear(table, names, rows)
    if has_header and _is_one_hot(others, rows):
        return LabelColumns(names, has_header, file, None, tuple(others), split, True)
    if len(others) == 1 and not _all_differ(others[0], rows):
        return _with(found, others[0], label_is_named=False)
    raise _unclear(table, names, rows)


def _with(found: LabelColumns, label: int, label_is_named: bool = True) -> LabelColumns:
    return LabelColumns(
        found.names, found.has_header, found.file, label, (), found.split, label_is_named
    )


def _names_a_picture(table: TextTable, pictures: PictureNames) -> bool:
    """Whether the first row already names a picture, so that it is no header."""
    return any(
        has_picture_suffix(cell.strip()) or pictures.find(cell, table.raw).files
        for cell in table.first_rows[0]
    )


def _one_of(called: Sequence[int], rows: Sequence[Sequence[str]]) -> int | None:
    """The one column of several that are called label; two that say the same count as one.

    ``class_id`` 0, 1, 2 and ``class_name`` cat, dog, owl: the one with words is taken.
    """
    if len(called) < 2:
        return called[0] if called else None
    counts = {len({row[at] for row in rows}) for at in called}
    together = len({tuple(row[at] for at in called) for row in rows})
    if counts != {together}:
        return None
    in_words = [at for at in called if not all(is_number(row[at]) for row in rows)]
    return (in_words or list(called))[0]


def _all_differ(position: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column holds another value in every row, as numbers of rows and addresses do."""
    return len({row[position] for row in rows}) == len(rows) >= FEWEST_ROWS_TO_JUDGE


def _is_one_hot(others: Sequence[int], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the other columns are one for each class, with a single 1 in nearly every row."""
    if len(others) < 2 or not rows:
        return False
    marks = [marked_columns(row, others) for row in rows]
    single = sum(len(found) == 1 for found in marks if found is not None)
    return None not in marks and single >= SHARE_WITH_ONE_MARK * len(rows)


def marked_columns(row: Sequence[str], columns: Sequence[int]) -> list[int] | None:
    """Which of the columns hold a 1, or None where a cell is neither 0 nor 1."""
    cells = {at: row[at].strip() for at in columns}
    if any(cell not in _MARKED | _UNMARKED for cell in cells.values()):
        return None
    return [at for at, cell in cells.items() if cell in _MARKED]


def _unclear(
    table: TextTable, names: Sequence[str], rows: Sequence[Sequence[str]]
) -> ColumnsUnclear:
    return ColumnsUnclear(
        f"{table.name} names pictures, but which of its columns holds the label is not plain."
        f" Its columns: {', '.join(names)}.",
        table.name,
        names,
        rows[:ROWS_SHOWN],
    )
