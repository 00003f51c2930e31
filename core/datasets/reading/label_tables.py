"""Files that may hold labels as tables of cells: text of any ending, lists, JSON and JSON lines."""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.image_files import (
    IMAGE_SUFFIXES,
    has_image_suffix,
    is_named_after_image,
    stem,
)
from core.datasets.reading.json_records import JSON_SUFFIXES, json_rows
from core.datasets.reading.raw_files import RawFile
from core.datasets.reading.subset_names import words
from core.datasets.reading.table import LOOKED_AT_ROWS, TextTable, is_table_name, read_table

Row = tuple[int, list[str] | None]
# Endings of lists that programs write beside images; what has none of them is not looked into.
LIST_SUFFIXES = (
    ".lst",
    ".list",
    ".manifest",
    ".dat",
    ".data",
    ".labels",
    ".label",
    ".ann",
    ".anno",
)
MOST_OTHER_FILES = 100
# Some hundred megabytes.
MOST_REMEMBERED_CELLS = 2_000_000
# Texts with the name of an image belong to that image. A few are looked at, to name what they are.
TEXTS_OF_IMAGES = 3
FRACTION_OF_MISTAKES = 0.1
MOST_LINES_ABOVE = 20
NAMES_COLUMN = "image"
LONGEST_START = 64 * 1024
_SUFFIXES = "|".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
_NAME_FIRST = re.compile(rf'\s*"?(.*?\.(?:{_SUFFIXES}))"?[ \t]+(\S.*?)\s*', re.IGNORECASE)
_NAME_LAST = re.compile(rf'\s*(\S+)[ \t]+"?(\S.*?\.(?:{_SUFFIXES}))"?\s*', re.IGNORECASE)
_ORANGE_TYPES = words("continuous discrete string time c d s t")
_ORANGE_ROLES = words("class meta ignore i")


@dataclass(frozen=True)
class LabelTable:
    """A file as rows of cells; ``first_rows`` include a header if it has one.

    has_header: None where the content must tell. read: all rows with their lines, as
    ``TextTable.rows``. is_nested: names of columns are keys inside keys, with dots between them.
    """

    raw: RawFile
    first_rows: tuple[tuple[str, ...], ...]
    read: Callable[[], Iterator[Row]]
    has_header: bool | None = None
    is_nested: bool = False

    @property
    def name(self) -> str:
        return self.raw.path

    @property
    def width(self) -> int:
        """The number of cells that most of the first rows have."""
        return Counter(map(len, self.first_rows)).most_common(1)[0][0]

    def rows(self) -> Iterator[Row]:
        return self.read()


def label_files(files: Iterable[RawFile]) -> list[RawFile]:
    """The files that may be tables of labels, those with the ending of a table first."""
    tables, others, of_images = [], [], []
    files = list(files)
    candidates = [raw for raw in files if not has_image_suffix(raw.name)]
    if not candidates:
        return []
    stems = {stem(raw.name) for raw in files if has_image_suffix(raw.name)}
    for raw in candidates:
        name = raw.name.lower()
        belongs = stem(raw.name) in stems or is_named_after_image(raw.name)
        if belongs and name.endswith((".txt", *JSON_SUFFIXES)):
            of_images.append(raw)
        elif is_table_name(name):
            tables.append(raw)
        elif name.endswith((*LIST_SUFFIXES, *JSON_SUFFIXES)):
            others.append(raw)
    few = of_images if len(of_images) <= TEXTS_OF_IMAGES else of_images[:TEXTS_OF_IMAGES]
    others.sort(key=lambda raw: (len(raw.parts), raw.path))
    return [*tables, *(raw for raw in few if is_table_name(raw.name)), *others[:MOST_OTHER_FILES]]


def read_label_table(raw: RawFile) -> LabelTable | None:
    """The file as a table, or None where it is none. Damage later in it is raised by its rows."""
    if raw.name.lower().endswith(JSON_SUFFIXES) or _starts_like_json(raw):
        found = json_rows(raw)
        if found is None:
            return None
        first: list[tuple[str, ...]] = []
        for _, cells in found():
            if len(first) >= LOOKED_AT_ROWS:
                break
            if cells is not None:
                first.append(tuple(cells))
        return LabelTable(raw, tuple(first), found, True, True) if len(first) > 1 else None
    table = read_table(raw)
    if table is None or table.separator == " ":
        by_blanks = _list_of_names(raw)
        if by_blanks is not None or table is None:
            return by_blanks
    return _of_orange(table)


def remembered(tables: Sequence[LabelTable]) -> list[LabelTable]:
    """The tables with their rows in memory once they were read, unless they are too many.

    Each way to read a table goes over all of its rows.
    """
    most = MOST_REMEMBERED_CELLS // max(1, len(tables))
    return [
        replace(table, read=_Remembered(table.read, most // table.width).rows) for table in tables
    ]


class _Remembered:
    def __init__(self, read: Callable[[], Iterator[Row]], most: int) -> None:
        self._read, self._most = read, most
        self._rows: list[Row] | None = None

    def rows(self) -> Iterator[Row]:
        if self._rows is not None:
            yield from self._rows
            return
        kept: list[Row] = []
        for row in self._read():
            if len(kept) <= self._most:
                kept.append(row)
            yield row
        if len(kept) <= self._most:
            self._rows = kept


def below_title(table: LabelTable, is_known: Callable[[str], bool]) -> LabelTable:
    """The table without lines above its header: the first row as wide as most with a known name."""
    if table.has_header is not None or any(map(is_known, table.first_rows[0])):
        return table
    width = table.width
    for at, row in enumerate(table.first_rows[:MOST_LINES_ABOVE]):
        filled = [cell for cell in row if cell.strip()]
        if len(row) == width and len(filled) > 1 and any(map(is_known, row)):
            return _from_row(table, at)
    return table


def _from_row(table: LabelTable, at: int) -> LabelTable:
    def rows() -> Iterator[Row]:
        for count, row in enumerate(table.rows()):
            if count >= at:
                yield row

    return LabelTable(table.raw, table.first_rows[at:], rows, has_header=True)


def _starts_like_json(raw: RawFile) -> bool:
    try:
        return raw.name.lower().endswith(LIST_SUFFIXES) and raw.start(1) == b"{"
    except UnreadableImageError:
        return False


def _of_orange(table: TextTable) -> LabelTable:
    """Without the second and third line of Orange's format: types, and what columns are for."""
    first = table.first_rows
    if len(first) < 3 or not _are_types(first[1], first[2]):
        return LabelTable(table.raw, first, table.rows)

    def rows() -> Iterator[Row]:
        for count, row in enumerate(table.rows()):
            if count not in (1, 2):
                yield row

    return LabelTable(table.raw, (first[0], *first[3:]), rows, has_header=True)


def _are_types(types: Sequence[str], roles: Sequence[str]) -> bool:
    given = [cell.split()[0] for cell in roles if cell.strip()]
    known = sum(cell.strip().lower() in _ORANGE_TYPES for cell in types)
    return bool(given) and known > 0 and all(cell.lower() in _ORANGE_ROLES for cell in given)


def first_lines(raw: RawFile) -> list[str]:
    """The first lines of a text with one name on each line; empty where it is no text."""
    try:
        text = raw.start(LONGEST_START).decode("utf-8-sig")
    except (UnreadableImageError, UnicodeDecodeError):
        return []
    return [line.strip() for line in text.splitlines()[:LOOKED_AT_ROWS] if line.strip()]


def _list_of_names(raw: RawFile) -> LabelTable | None:
    """A list parted by blanks of names that may have blanks themselves, each with its label.

    Lines above the first name are passed over; the last of them is the header if it fits. CelebA's
    header has no word for the names.
    """
    table = read_table(raw, " ")
    if table is None:
        return None
    lines = [line for _, line, _ in itertools.islice(table.lines(), LOOKED_AT_ROWS) if line.strip()]
    for pattern in (_NAME_FIRST, _NAME_LAST):
        split = [_split(pattern, line) for line in lines]
        above = next((at for at, cells in enumerate(split) if cells), MOST_LINES_ABOVE)
        rows = [tuple(cells) for cells in split if cells]
        if above >= MOST_LINES_ABOVE or len(rows) < (1 - FRACTION_OF_MISTAKES) * (
            len(lines) - above
        ):
            continue
        width = Counter(map(len, rows)).most_common(1)[0][0]
        header = lines[above - 1].split() if above else []
        if len(header) == width - 1 > 1:
            header = [NAMES_COLUMN, *header]
        if len(header) != width:
            header = []
        first = (tuple(header), *rows) if header else tuple(rows)
        read = partial(_listed, table, pattern, above, header)
        return LabelTable(raw, first, read, has_header=bool(header))
    return None


def _listed(
    table: TextTable, pattern: re.Pattern[str], above: int, header: list[str]
) -> Iterator[Row]:
    lines = ((number, line) for number, line, _ in table.lines() if line.strip())
    if header:
        yield above, header
    for number, line in itertools.islice(lines, above, None):
        yield number, _split(pattern, line)


def _split(pattern: re.Pattern[str], line: str) -> list[str] | None:
    found = pattern.fullmatch(line)
    if found is None:
        return None
    first, last = found.groups()
    return [first, *last.split()] if pattern is _NAME_FIRST else [first, last]
