"""Which column of a table names the pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets.reading.column_names import bare_name
from core.datasets.reading.picture_files import has_picture_suffix
from core.datasets.reading.picture_names import PictureNames
from core.datasets.reading.side_names import words
from core.datasets.reading.tables import TextTable

# Enough to know which column names pictures; a table that names none is read to its end.
ENOUGH_ROWS = 500
ENOUGH_NAMED = 50
MOST_DIGITS = 12
# Of the pictures that the column which names most of them names.
SHARE_OF_FILES = 0.1
SHARE_OF_A_KEY = 0.5
FILE_NAMES = words(
    "file files filename filenames filepath filepaths image images imageid imagename imagefile "
    "imagepath img imgname imgpath picture photo path datei dateiname bild bildname foto fichier "
    "archivo imagen"
)
ROW_NUMBER_NAMES = frozenset(("", "unnamed0", "index", "no", "nr", "row"))


@dataclass(frozen=True)
class _Column:
    """``named`` has the ``id`` of each picture that it names, ``cells`` what its first rows say."""

    position: int
    header: str
    named: set[int]
    cells: list[str]

    @property
    def holds_file_names(self) -> bool:
        return 2 * sum(map(has_picture_suffix, self.cells)) >= len(self.cells) > 0

    @property
    def is_key(self) -> bool:
        """Whether every row has another value; ages and widths name pictures too, some twice."""
        return len(set(self.cells)) == len(self.cells)

    @property
    def numbers_the_rows(self) -> bool:
        return self.header in ROW_NUMBER_NAMES or self.counts_up

    @property
    def counts_up(self) -> bool:
        """Whether it goes up by one from row to row, after a header."""
        cells = self.cells[1:]
        if not cells or not all(cell.isdecimal() and len(cell) <= MOST_DIGITS for cell in cells):
            return False
        first = int(cells[0])
        return [int(cell) for cell in cells] == list(range(first, first + len(cells)))


def file_column(table: TextTable, pictures: PictureNames) -> int | None:
    """The column that names the pictures, or None where none names any.

    That is the one that names most of them. But the number of a row names the pictures ``0.png``
    to ``99.png`` just as well, and wrongly where the rows were shuffled: a column of names with
    endings comes first, and a number of the row last.
    """
    columns = _columns_seen(table, pictures)
    best = _fullest(columns)
    most = len(best.named)
    if not most:
        return None
    files = [
        column
        for column in columns
        if len(column.named) >= SHARE_OF_FILES * most and column.holds_file_names
    ]
    if files:
        return _fullest(files).position
    keys = [
        column
        for column in columns
        if len(column.named) >= SHARE_OF_A_KEY * most
        and column.is_key
        and not column.numbers_the_rows
    ]
    return _fullest(keys).position if keys and best.numbers_the_rows else best.position


def _columns_seen(table: TextTable, pictures: PictureNames) -> list[_Column]:
    header = [*map(bare_name, table.first_rows[0]), *[""] * table.width]
    columns = [_Column(position, header[position], set(), []) for position in range(table.width)]
    for count, (_, cells) in enumerate(table.rows()):
        for column, cell in zip(columns, cells or [], strict=False):
            if count <= ENOUGH_ROWS:
                column.cells.append(cell.strip())
            files = pictures.find(cell, table.raw).files
            if files:
                column.named.add(id(files[0]))
        if count >= ENOUGH_ROWS and len(_fullest(columns).named) >= ENOUGH_NAMED:
            break
    return columns


def _fullest(columns: Sequence[_Column]) -> _Column:
    """The column that names most pictures; of several the one called so, else the first."""
    return max(columns, key=lambda column: (len(column.named), column.header in FILE_NAMES))
