"""Which column of a table names the images, and whether a second one does."""

from collections.abc import Sequence

from core.datasets.reading.columns import FILE_NAMES, ROW_NUMBER_NAMES, bare_name
from core.datasets.reading.image_files import ImageNames, has_image_suffix
from core.datasets.reading.label_tables import LabelTable

# Rows that suffice to find the column that names images; a table that names none is read whole.
ENOUGH_ROWS = 500
ENOUGH_NAMED = 50
MOST_DIGITS = 12
# Fractions of the number of images that the best column names.
FRACTION_OF_FILES = 0.1
FRACTION_OF_A_KEY = 0.5
# Of the rows of a column of numbers, those that may name no image.
FRACTION_MISSED = 0.1


def file_column(table: LabelTable, images: ImageNames) -> int | None:
    """The column that names the images, or None where none names any.

    It is the column that names most images; ties go to one that is named like files. But row
    numbers name ``0.png`` to ``99.png`` just as well, and wrongly where the rows were shuffled: so
    a column of names with endings comes first, and one of row numbers last. Raises ``BadInput``
    where the table is damaged.
    """
    every = range(table.width)
    header = [*map(bare_name, table.first_rows[0]), *[""] * table.width]
    named: list[set[int]] = [set() for _ in every]
    cells: list[list[str]] = [[] for _ in every]
    for count, (_, row) in enumerate(table.rows()):
        for at, cell in zip(every, row or [], strict=False):
            if count <= ENOUGH_ROWS:
                cells[at].append(cell.strip())
            named[at].update(id(raw) for raw in images.find(cell, table.raw).files[:1])
        if count >= ENOUGH_ROWS and max(map(len, named)) >= ENOUGH_NAMED:
            break

    def fullest(columns: Sequence[int]) -> int:
        return max(columns, key=lambda at: (len(named[at]), header[at] in FILE_NAMES))

    def numbers_the_rows(at: int) -> bool:
        return header[at] in ROW_NUMBER_NAMES or _counts_up(cells[at][1:])

    names_others = any(
        2 * sum(map(has_image_suffix, cells[at])) >= len(cells[at]) for at in every if cells[at]
    )
    best = fullest(every)
    most = len(named[best])
    if not most:
        return None if names_others else _column_of_numbers(table, header, images)
    with_endings = [
        at
        for at in every
        if len(named[at]) >= FRACTION_OF_FILES * most
        and 2 * sum(map(has_image_suffix, cells[at])) >= len(cells[at])
    ]
    if with_endings:
        return fullest(with_endings)
    if names_others and 2 * len(set(cells[best])) < len(cells[best]):
        return None  # the images of this table are not there; its labels are numbers
    # Ages and widths may name images too, but they repeat.
    keys = [
        at
        for at in every
        if len(named[at]) >= FRACTION_OF_A_KEY * most
        and len(set(cells[at])) == len(cells[at])
        and not numbers_the_rows(at)
    ]
    return fullest(keys) if keys and numbers_the_rows(best) else best


def _column_of_numbers(table: LabelTable, header: Sequence[str], images: ImageNames) -> int | None:
    """The column whose numbers name images with leading zeros, which spreadsheets take away.

    None unless nearly each row names another image, and they are half of the images: tables about
    something else count their rows, too.
    """
    named: dict[int, set[int]] = {at: set() for at in range(table.width)}
    missed = dict.fromkeys(named, 0)
    for count, (_, row) in enumerate(table.rows()):
        for at in list(named):
            cell = row[at] if row is not None and at < len(row) else ""
            found = {id(raw) for raw in images.find_by_number(cell, table.raw).files[:1]}
            if found - named[at]:
                named[at] |= found
                continue
            missed[at] += 1
            if missed[at] > 1 + FRACTION_MISSED * count:  # one is the header
                del named[at]
        if not named:
            return None
    best = max(named, key=lambda at: (header[at] not in ROW_NUMBER_NAMES, len(named[at])))
    return best if 2 * len(named[best]) >= images.count else None


def second_file_column(table: LabelTable, file: int, images: ImageNames) -> int | None:
    """A column that names another image than ``file`` does in most rows, as lists of pairs have."""
    for at in range(table.width):
        rows = [row for row in table.first_rows if len(row) > max(at, file)]
        other = [
            images.find(row[at], table.raw).files != images.find(row[file], table.raw).files
            for row in rows
            if has_image_suffix(row[at].strip()) and images.find(row[at], table.raw).files
        ]
        if rows and 2 * sum(other) > len(rows):
            return at
    return None


def _counts_up(cells: Sequence[str]) -> bool:
    """Whether the cells go up by one from row to row."""
    if not cells or not all(cell.isdecimal() and len(cell) <= MOST_DIGITS for cell in cells):
        return False
    first = int(cells[0])
    return [int(cell) for cell in cells] == list(range(first, first + len(cells)))
