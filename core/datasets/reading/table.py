"""Text files as tables: encoding, separator, and rows under limits."""

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.raw_files import RawFile, bad_source, open_unpacked
from core.errors import BadInput

SEPARATORS = (",", ";", "\t", "|")
TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".psv", ".txt")
LOOKED_AT_ROWS = 200
LOOKED_AT_FOR_SEPARATOR = 50
NO_COLUMNS = (0.0, 0)
LOOKED_AT_CHARACTERS = 8 * 1024**2
# A colour image of 1000 x 1000 pixels, written as numbers, takes 12 million characters.
LONGEST_LINE = 16 * 1024**2
# A quoted cell may contain line breaks. One that is longer was never closed.
MOST_LINES_IN_A_ROW = 100
_ENCODING_LOOKED_AT_BYTES = 64 * 1024**2
_CHUNK_BYTES = 1024**2
_BINARY = frozenset(range(32)) - {9, 10, 12, 13, 26, 27}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class TextTable:
    """A text file that is a table; ``first_rows`` include a header if it has one.

    ``lines_before``: number of lines before the table (Excel's ``sep=;``, comments after ``#``).
    """

    raw: RawFile
    encoding: str
    separator: str
    lines_before: int
    first_rows: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        return self.raw.path

    @property
    def width(self) -> int:
        """The number of cells that most of the first rows have."""
        return Counter(map(len, self.first_rows)).most_common(1)[0][0]

    def lines(self) -> Iterator[tuple[int, str, int]]:
        """Each line with its number, from 1, and the bytes of the file that were read so far.

        Raises ``BadInput`` where the file is damaged or exceeds a limit.
        """
        try:
            with _open_text(self.raw, self.encoding) as (text, bytes_read):
                number = 0
                while line := text.readline(LONGEST_LINE + 1):
                    number += 1
                    if len(line) > LONGEST_LINE:
                        raise bad_source(
                            f"{self.name} line {number}: longer than {LONGEST_LINE:,} characters,"
                            " which is the limit. Check that it is a table with one line per row."
                        )
                    if number > self.lines_before:
                        yield number, line, bytes_read()
        except UnreadableImageError as error:
            raise bad_source(f"{self.name}: {error}. Make or download it again.") from error

    def rows(self) -> Iterator[tuple[int, list[str] | None]]:
        """Each row with the number of its first line; None where its quotation marks do not match.

        Rows of blank cells are skipped. Raises ``BadInput`` like ``lines``.
        """
        numbered = ((number, line) for number, line, _ in self.lines())
        yield from _rows(numbered, self.separator, self.name)


def is_table_name(name: str) -> bool:
    """Whether the ending of a file name is that of a table, perhaps gzipped."""
    return name.lower().removesuffix(".gz").endswith(TABLE_SUFFIXES)


def read_table(raw: RawFile, separator: str | None = None) -> TextTable | None:
    """The file as a table by its first lines, or None where it is not text or has one column.

    With a ``separator``, that one is taken, whatever the lines look like.
    """
    try:
        encoding = _encoding(raw)
        if encoding is None:
            return None
        with _open_text(raw, encoding) as (text, _):
            lines = list(_first_lines(text))
    except UnreadableImageError:
        return None
    declared = re.fullmatch(r'"?sep=(.)"?\s*', lines[0]) if lines else None
    before = 1 if declared else 0
    if separator is None:
        separator = declared.group(1) if declared else _separator(lines)
    if separator is None:
        return None
    before += _comments(lines[before:], separator)
    numbered = enumerate(lines[before:], start=before + 1)
    try:
        rows = [tuple(cells) for _, cells in _rows(numbered, separator, raw.path) if cells]
    except BadInput:
        return None
    if not rows:
        return None
    return TextTable(raw, encoding, separator, before, tuple(rows[:LOOKED_AT_ROWS]))


@contextmanager
def _open_text(raw: RawFile, encoding: str) -> Iterator[tuple[io.TextIOWrapper, Callable[[], int]]]:
    """``open_unpacked`` as text. Bytes that do not fit the encoding become U+FFFD."""
    with open_unpacked(raw) as (stream, bytes_read):
        yield io.TextIOWrapper(stream, encoding, errors="replace"), bytes_read


def _encoding(raw: RawFile) -> str | None:
    """By byte order mark, else UTF-8 where that fits, else Windows-1252; None for other files."""
    with open_unpacked(raw) as (stream, _):
        chunk = stream.read(_CHUNK_BYTES)
        for mark, encoding in _MARKS:
            if chunk.startswith(mark):
                return encoding
        if not chunk or not _BINARY.isdisjoint(chunk[: 64 * 1024]):
            return None
        decoder = codecs.getincrementaldecoder("utf-8")()
        looked_at = 0
        try:
            while chunk and looked_at < _ENCODING_LOOKED_AT_BYTES:
                decoder.decode(chunk)
                looked_at += len(chunk)
                chunk = stream.read(_CHUNK_BYTES)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _first_lines(text: io.TextIOWrapper) -> Iterator[str]:
    """At most 201 lines, and not many more than ``LOOKED_AT_CHARACTERS``."""
    characters = 0
    for _ in range(LOOKED_AT_ROWS + 1):
        line = text.readline(LOOKED_AT_CHARACTERS + 1)
        if not line or len(line) > LOOKED_AT_CHARACTERS or characters > LOOKED_AT_CHARACTERS:
            return
        characters += len(line)
        yield line


def _comments(lines: list[str], separator: str) -> int:
    """Number of comment lines (``#``) at the top; the header may begin with ``#`` as well."""
    count = 0
    while count < len(lines) and lines[count].startswith("#"):
        count += 1
    if not 0 < count < len(lines):
        return 0
    is_header = lines[count - 1].count(separator) >= lines[count].count(separator)
    return count - 1 if is_header else count


def _separator(lines: list[str]) -> str | None:
    """The separator that gives most lines the same number of cells; ties go to more cells."""
    characters = itertools.accumulate(map(len, lines[:LOOKED_AT_FOR_SEPARATOR]))
    enough = 1 + sum(count <= LOOKED_AT_CHARACTERS // 4 for count in characters)
    looked_at = lines[: min(enough, LOOKED_AT_FOR_SEPARATOR)]
    scores = {separator: _score(looked_at, separator) for separator in SEPARATORS}
    best = max(scores, key=lambda separator: scores[separator])
    if scores[best] > NO_COLUMNS:
        return best
    # Some lists separate file and label by a space; it is tried only where nothing else works.
    return " " if _score(looked_at, " ") > NO_COLUMNS else None


def _score(lines: list[str], separator: str) -> tuple[float, int]:
    """The fraction of lines with the most common number of cells, and that number."""
    try:
        rows = [row for _, row in _rows(enumerate(lines, 1), separator, "") if row]
    except BadInput:
        return NO_COLUMNS
    width, alike = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    return (round(alike / len(rows), 1), width) if width > 1 else NO_COLUMNS


def _rows(
    lines: Iterable[tuple[int, str]], separator: str, name: str
) -> Iterator[tuple[int, list[str] | None]]:
    first_line = 0

    def feed() -> Iterator[str]:
        nonlocal first_line
        for number, line in lines:
            first_line = first_line or number
            if number - first_line >= MOST_LINES_IN_A_ROW:
                raise bad_source(
                    f"{name} line {first_line}: a quotation mark is opened and never closed."
                    " Correct that line."
                )
            yield line

    reader = csv.reader(feed(), delimiter=separator, strict=True, skipinitialspace=separator != " ")
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield first_line, None
        else:
            if any(cell.strip() for cell in cells):
                # Lists are often set in columns, with several blanks between the cells.
                yield first_line, [cell for cell in cells if cell] if separator == " " else cells
        first_line = 0
