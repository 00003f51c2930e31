"""Which column of a table names the images, and which one holds their labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.datasets.reading.columns import (
    INDEX_NAMES,
    LABEL_NAMES,
    PROPERTY_NAMES,
    Columns,
    asked_position,
    bare_name,
    is_number,
    split_position,
    unique_names,
)
from core.datasets.reading.image_files import ImageNames, has_image_suffix
from core.datasets.reading.subset_names import words
from core.datasets.reading.table import TextTable
from core.errors import ColumnsUnclear

ROWS_SHOWN = 5
FEWEST_ROWS_TO_JUDGE = 10
FRACTION_WITH_ONE_MARK = 0.95
_MARKED = frozenset(("1", "1.0"))
_UNMARKED = frozenset(("0", "0.0"))

# Rows that suffice to find the column that names images; a table that names none is read whole.
ENOUGH_ROWS = 500
ENOUGH_NAMED = 50
MOST_DIGITS = 12
# Fractions of the number of images that the best column names.
FRACTION_OF_FILES = 0.1
FRACTION_OF_A_KEY = 0.5
FILE_NAMES = words(
    "file files filename filenames filepath filepaths image images imageid imagename imagefile "
    "imagepath img imgname imgpath picture photo path datei dateiname bild bildname foto fichier "
    "archivo imagen"
)
ROW_NUMBER_NAMES = frozenset(("", "unnamed0", "index", "no", "nr", "row"))


@dataclass(frozen=True)
class LabelColumns:
    """What the columns of a table are for, by position.

    Where ``label`` is None, ``one_hot`` has one column for each class. ``label_is_named`` tells
    whether the column is named like a label, or was chosen by the user.
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
    table: TextTable, file: int, images: ImageNames, columns: Columns
) -> LabelColumns:
    """What the columns of a table are for, given that column ``file`` names images.

    Raises ``ColumnsUnclear`` where the user must say which column holds the label, and ``BadInput``
    where the user named a column that does not exist.
    """
    has_header = not _names_an_image(table, images)
    names = unique_names(table.first_rows[0] if has_header else None, table.width)
    rows = [row for row in table.first_rows[has_header:] if len(row) == table.width]
    if columns.file is not None:
        file = asked_position(columns.file, names, table.name)
    split = split_position(names, rows, columns, table.name)
    found = LabelColumns(names, has_header, file, None, (), split, label_is_named=True)
    if columns.label is not None:
        return replace(found, label=asked_position(columns.label, names, table.name))
    others = [
        position
        for position, name in enumerate(names)
        if position not in (file, split) and not (has_header and bare_name(name) in INDEX_NAMES)
    ]
    for known in (LABEL_NAMES, PROPERTY_NAMES):
        called = [at for at in others if bare_name(names[at]) in known]
        label = _one_of(called, rows)
        if label is not None:
            return replace(found, label=label)
        if called:
            raise _unclear(table, names, rows)
    if has_header and _is_one_hot(others, rows):
        return replace(found, one_hot=tuple(others))
    if len(others) == 1 and not _all_differ(others[0], rows):
        return replace(found, label=others[0], label_is_named=False)
    raise _unclear(table, names, rows)


def _names_an_image(table: TextTable, images: ImageNames) -> bool:
    """Whether the first row already names an image, and so is no header."""
    return any(
        has_image_suffix(cell.strip()) or images.find(cell, table.raw).files
        for cell in table.first_rows[0]
    )


def _one_of(called: Sequence[int], rows: Sequence[Sequence[str]]) -> int | None:
    """The label among columns that are all named like one; None where they disagree.

    ``class_id`` 0, 1, 2 and ``class_name`` cat, dog, owl agree: the one with words is taken.
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
    """Whether a column has a different value in every row, like row numbers and addresses."""
    return len({row[position] for row in rows}) == len(rows) >= FEWEST_ROWS_TO_JUDGE


def _is_one_hot(others: Sequence[int], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the other columns stand for one class each, with a single 1 in nearly every row."""
    if len(others) < 2 or not rows:
        return False
    marks = [marked_columns(row, others) for row in rows]
    single = sum(len(found) == 1 for found in marks if found is not None)
    return None not in marks and single >= FRACTION_WITH_ONE_MARK * len(rows)


def marked_columns(row: Sequence[str], columns: Sequence[int]) -> list[int] | None:
    """The columns with a 1, or None where a cell is neither 0 nor 1."""
    cells = {at: row[at].strip() for at in columns}
    if any(cell not in _MARKED | _UNMARKED for cell in cells.values()):
        return None
    return [at for at, cell in cells.items() if cell in _MARKED]


def _unclear(
    table: TextTable, names: Sequence[str], rows: Sequence[Sequence[str]]
) -> ColumnsUnclear:
    return ColumnsUnclear(
        f"{table.name} names images, but it is unclear which of its columns holds the label."
        f" Its columns: {', '.join(names)}.",
        table.name,
        names,
        rows[:ROWS_SHOWN],
    )


@dataclass(frozen=True)
class _Column:
    """``named``: ``id`` of each image named in the column; ``cells``: its first cells."""

    position: int
    header: str
    named: set[int]
    cells: list[str]

    @property
    def holds_file_names(self) -> bool:
        return 2 * sum(map(has_image_suffix, self.cells)) >= len(self.cells) > 0

    @property
    def is_key(self) -> bool:
        """Whether all values differ. Ages and widths may name images too, but repeat."""
        return len(set(self.cells)) == len(self.cells)

    @property
    def numbers_the_rows(self) -> bool:
        return self.header in ROW_NUMBER_NAMES or self.counts_up

    @property
    def counts_up(self) -> bool:
        """Whether the cells below the header go up by one from row to row."""
        cells = self.cells[1:]
        if not cells or not all(cell.isdecimal() and len(cell) <= MOST_DIGITS for cell in cells):
            return False
        first = int(cells[0])
        return [int(cell) for cell in cells] == list(range(first, first + len(cells)))


def file_column(table: TextTable, images: ImageNames) -> int | None:
    """The column that names the images, or None where none names any.

    It is the column that names most images. But row numbers name ``0.png`` to ``99.png`` just as
    well, and wrongly where the rows were shuffled: so a column of names with endings comes first,
    and one of row numbers last.
    """
    columns = _columns_seen(table, images)
    best = _fullest(columns)
    most = len(best.named)
    if not most:
        return None
    files = [
        column
        for column in columns
        if len(column.named) >= FRACTION_OF_FILES * most and column.holds_file_names
    ]
    if files:
        return _fullest(files).position
    keys = [
        column
        for column in columns
        if len(column.named) >= FRACTION_OF_A_KEY * most
        and column.is_key
        and not column.numbers_the_rows
    ]
    return _fullest(keys).position if keys and best.numbers_the_rows else best.position


def _columns_seen(table: TextTable, images: ImageNames) -> list[_Column]:
    header = [*map(bare_name, table.first_rows[0]), *[""] * table.width]
    columns = [_Column(position, header[position], set(), []) for position in range(table.width)]
    for count, (_, cells) in enumerate(table.rows()):
        for column, cell in zip(columns, cells or [], strict=False):
            if count <= ENOUGH_ROWS:
                column.cells.append(cell.strip())
            files = images.find(cell, table.raw).files
            if files:
                column.named.add(id(files[0]))
        if count >= ENOUGH_ROWS and len(_fullest(columns).named) >= ENOUGH_NAMED:
            break
    return columns


def _fullest(columns: Sequence[_Column]) -> _Column:
    """The column that names most images; ties go to one named like files, then to the first."""
    return max(columns, key=lambda column: (len(column.named), column.header in FILE_NAMES))
