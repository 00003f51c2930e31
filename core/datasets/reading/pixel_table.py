"""Tables of pixels: one line per image, as in Kaggle's digits, read block by block."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.datasets.reading.columns import (
    Columns,
    RefusedRows,
    is_number,
    why_no_label,
    why_no_subset,
)
from core.datasets.reading.image_files import has_image_suffix
from core.datasets.reading.pixel_columns import BRIGHTEST, EXPECTED, PixelColumns, pixel_columns
from core.datasets.reading.raw_files import GZIP_START, MOST_FILES, Listing, RawFile
from core.datasets.reading.reader import PixelBatch, PixelImages, first_reasons
from core.datasets.reading.subset_names import subset_of, subset_of_file
from core.datasets.reading.table import TABLE_SUFFIXES, TextTable, read_table
from core.errors import BadInput

BLOCK_CHARACTERS = 8 * 1024**2
MOST_ROWS_IN_A_BLOCK = 4096
CELL_SHOWN = 30
# Line numbers, pixels uint8 (n, pixels), labels, and subsets where there is a column for them.
_Parsed = tuple[list[int], np.ndarray, list[str], list[str] | None]
READ_AS = "table of pixels"
FEWEST_CHARACTERS_IN_A_PIXEL = 2  # a digit and a separator
# Upper bound: gzip shrinks pixels written as text to between a fifth and a fifteenth.
GZIP_GROWTH = 20
DARK = 64
_Found = tuple[TextTable, PixelColumns]


@dataclass(frozen=True)
class PixelTable:
    """A table of pixels with labels; ``subset`` is the one mentioned in its path, or None."""

    table: TextTable
    columns: PixelColumns
    label: int
    subset: str | None


class PixelRows:
    """Reads one table block by block, refusing unusable lines with their number.

    A block of good lines is parsed at once; a block with a bad line is read line by line.
    """

    def __init__(self, entry: PixelTable, refused: RefusedRows, subset: str | None) -> None:
        self._table = entry.table
        self._columns = entry.columns
        self._refused = refused
        self._subset = subset
        self._pixels = list(entry.columns.pixels)
        self._width = entry.columns.width
        self._pixel_count = entry.columns.edge**2 * entry.columns.channels
        self._label = entry.label
        cells = (row[at] for row in entry.table.first_rows for at in self._pixels if at < len(row))
        self._decimal = "," if any("," in cell for cell in cells) else "."
        self.brightest = 0

    def batches(self) -> Iterator[tuple[PixelBatch, int]]:
        done = 0

        def work_done(count: int) -> None:
            nonlocal done
            done = count

        lines = self._table.lines(work_done)
        if self._columns.has_header:
            next((line for _, line in lines if line.strip()), None)
        block: list[tuple[int, str]] = []
        characters = 0
        for numbered in lines:
            block.append(numbered)
            characters += len(numbered[1])
            if characters >= BLOCK_CHARACTERS or len(block) >= MOST_ROWS_IN_A_BLOCK:
                for batch in self._read(block):
                    yield batch, done
                block, characters = [], 0
        for batch in self._read(block):
            yield batch, done

    def _read(self, block: list[tuple[int, str]]) -> Iterator[PixelBatch]:
        block = [(number, line) for number, line in block if line.strip()]
        if not block:
            return
        parsed = self._parse_fast(block)
        if parsed is not None:
            yield from self._checked(*parsed)
        else:
            yield from self._checked(*self._parse_slowly(block))

    def _parse_fast(self, block: list[tuple[int, str]]) -> _Parsed | None:
        """The whole block at once, or None where it must be read line by line."""
        # Imported here, because commands that only list datasets do not need it.
        import pandas as pd

        # pandas would cut lines that are too long and fill up lines that are too short.
        separators = self._width - 1
        if self._columns.packed or any(
            line.count(self._table.separator) != separators or line.count('"') % 2
            for _, line in block
        ):
            return None
        text = set(range(self._width)) - set(self._pixels)
        try:
            frame = pd.read_csv(
                io.StringIO("".join(line for _, line in block)),
                sep=self._table.separator,
                header=None,
                names=list(range(self._width)),
                index_col=False,
                dtype=dict.fromkeys(text, str),
                na_filter=False,
                low_memory=False,
                skip_blank_lines=False,
                skipinitialspace=True,
                decimal=self._decimal,
            )
        except ValueError:  # pandas' own ParserError is one
            return None
        values = frame[self._pixels].to_numpy()
        if len(frame) != len(block) or values.dtype.kind not in "iuf":
            return None
        levels = self._levels(values)
        if levels is None:
            return None
        subsets = frame[self._columns.split].tolist() if self._columns.split is not None else None
        return [number for number, _ in block], levels, frame[self._label].tolist(), subsets

    def _parse_slowly(self, block: list[tuple[int, str]]) -> _Parsed:
        numbers, rows, labels, subsets = [], [], [], []
        for number, line in block:
            cells = self._cells(line)
            if cells is None:
                self._refused.refuse(number, "its quotation marks do not match")
                continue
            levels = self._levels_of(number, cells)
            if levels is not None:
                numbers.append(number)
                rows.append(levels)
                labels.append(cells[self._label])
                if self._columns.split is not None:
                    subsets.append(cells[self._columns.split])
        pixels = np.array(rows, np.uint8).reshape(-1, self._pixel_count)
        return numbers, pixels, labels, subsets if self._columns.split is not None else None

    def _cells(self, line: str) -> list[str] | None:
        if line.count('"') % 2:
            return None  # a cell with a line break in it: half of it is no label
        try:
            return next(csv.reader([line], delimiter=self._table.separator, strict=True))
        except csv.Error:
            return None

    def _levels_of(self, number: int, cells: list[str]) -> np.ndarray | None:
        if len(cells) != self._width:
            reason = f"it has {len(cells)} cells where {self._width} were expected"
            self._refused.refuse(number, reason)
            return None
        given = self._cells_of_pixels(cells)
        if len(given) != self._pixel_count:
            self._refused.refuse(
                number, f"it has {len(given)} pixels where {self._pixel_count} were expected"
            )
            return None
        values = [cell.replace(",", ".") for cell in given]
        try:
            levels = self._levels(np.array(values, np.float64))
        except ValueError:
            levels = None
        if levels is not None:
            return levels
        highest = BRIGHTEST // self._columns.scale
        bad = next(
            at
            for at, value in enumerate(values)
            if not (is_number(value) and 0 <= float(value) <= highest)
        )
        self._refused.refuse(
            number,
            f"its pixel {bad + 1} is {given[bad][:CELL_SHOWN]!r}, not a number from 0 to {highest}",
        )
        return None

    def _cells_of_pixels(self, cells: list[str]) -> list[str]:
        if self._columns.packed:
            return cells[self._pixels[0]].split()
        return [cells[at] for at in self._pixels]

    def _levels(self, values: np.ndarray) -> np.ndarray | None:
        """The values as uint8, or None where one is outside the range of pixels."""
        highest = BRIGHTEST / self._columns.scale
        if not values.size or not (values.min() >= 0 and values.max() <= highest):
            return None  # also for NaN, which compares false
        if values.dtype.kind == "f":
            values = np.rint(values * self._columns.scale)
        else:
            values = values * self._columns.scale
        return values.astype(np.uint8)

    def _checked(
        self,
        numbers: list[int],
        levels: np.ndarray,
        labels: list[str],
        subsets: list[str] | None,
    ) -> Iterator[PixelBatch]:
        """Refuse lines with an unusable label or subset; each subset is a batch of its own."""
        problems = {label: why_no_label(label) for label in set(labels)}
        mistakes = {cell: why_no_subset(cell) for cell in set(subsets or ())}
        by_subset: dict[str | None, list[int]] = defaultdict(list)
        for at, label in enumerate(labels):
            reason = problems[label] or (mistakes[subsets[at]] if subsets is not None else None)
            if reason is not None:
                self._refused.refuse(numbers[at], reason)
            else:
                by_subset[self._subset if subsets is None else subset_of(subsets[at])].append(at)
        if levels.size:
            self.brightest = max(self.brightest, int(levels.max()))
        for subset, kept in by_subset.items():
            yield PixelBatch(
                self._images(levels[kept]),
                [labels[at].strip() for at in kept],
                [f"{self._table.raw.name} line {numbers[at]}" for at in kept],
                subset,
            )

    def _images(self, levels: np.ndarray) -> np.ndarray:
        edge = self._columns.edge
        if self._columns.channels == 1:
            return levels.reshape(-1, edge, edge)
        if self._columns.planar:
            return levels.reshape(-1, 3, edge, edge).transpose(0, 2, 3, 1)
        return levels.reshape(-1, edge, edge, 3)


def recognise(listing: Listing, columns: Columns) -> PixelImages | None:
    """The images of tables of pixels, or None where there are none, or where image files are.

    Several tables are read as one dataset, train and test in their names as subsets. A table
    without labels beside one with labels is left out with a note. Raises ``BadInput``, and
    ``ColumnsUnclear`` where only the user can say which column holds the label.
    """
    images = sum(has_image_suffix(raw.name) for raw in listing.files)
    # Sorted: folders and zips list files in any order, but the same tables are the same dataset.
    candidates = sorted(
        (raw for raw in listing.files if _may_be_a_table(raw, len(listing.files))),
        key=lambda raw: raw.path,
    )
    if not candidates or images > len(candidates) or columns.file is not None:
        return None
    found: list[_Found] = []
    problem: BadInput | None = None
    for raw in candidates:
        table = read_table(raw)
        try:
            layout = pixel_columns(table, columns) if table is not None else None
        except BadInput as error:
            problem = problem or error
            continue
        if table is not None and layout is not None:
            found.append((table, layout))
        elif len(listing.files) == 1 and len(raw.parts) == 1 and not listing.refused:
            raise _no_pixels(raw, table)
    if problem is not None and not found:
        raise problem
    if not found:
        return None
    tables = _with_labels(found, listing)
    _check_alike(tables)
    _note_what_was_taken(tables, listing)
    sizes = [
        entry.table.raw.size_bytes * (GZIP_GROWTH if entry.table.gzipped else 1) for entry in tables
    ]
    return PixelImages(
        READ_AS,
        sum(entry.table.raw.size_bytes for entry in tables),
        sum(sizes) // FEWEST_CHARACTERS_IN_A_PIXEL,
        lambda: _batches(tables, listing),
    )


def _may_be_a_table(raw: RawFile, files: int) -> bool:
    name = raw.name.lower().removesuffix(".gz")
    return name.endswith(TABLE_SUFFIXES) or (files == 1 and not has_image_suffix(name))


def _no_pixels(raw: RawFile, table: TextTable | None) -> BadInput:
    if raw.name.lower().endswith(".zip"):
        what = "is not a zip archive. Pack the folders with the images again"
    elif table is None and raw.start(len(GZIP_START)) == GZIP_START:
        what = "is a damaged gzip file, or contains no table. Make or download it again"
    elif table is None or table.separator == " ":
        what = (
            "is neither a zip nor a table. Give a folder or zip with one folder of images for"
            " each class"
        )
    else:
        what = "is a table without pixels in it. If it names images, put it into one zip with them"
    return BadInput(f"{raw.name} {what}. For a table of pixels: {EXPECTED}.", "path")


def _with_labels(found: list[_Found], listing: Listing) -> list[PixelTable]:
    tables = []
    for table, columns in found:
        if columns.label is not None:
            tables.append(
                PixelTable(table, columns, columns.label, subset_of_file(table.raw.parts))
            )
        elif len(found) > 1:
            listing.notes.append(f"{table.name} has no column of labels and was left out.")
    if not tables:
        raise BadInput(
            f"{found[0][0].name} has pixels but no column of labels. {EXPECTED}. If it is the test"
            " part of a competition, give the train part.",
            "path",
        )
    return tables


def _check_alike(tables: list[PixelTable]) -> None:
    first = tables[0]
    for entry in tables[1:]:
        ours, theirs = ((table.columns.edge, table.columns.channels) for table in (first, entry))
        if ours != theirs:
            raise BadInput(
                f"{first.table.name} and {entry.table.name} hold images of different sizes"
                f" ({ours[0]} x {ours[0]} x {ours[1]} and {theirs[0]} x {theirs[0]} x {theirs[1]})."
                " Give the tables of one data set.",
                "path",
            )


def _note_what_was_taken(tables: list[PixelTable], listing: Listing) -> None:
    for entry in tables:
        listing.notes.extend(entry.columns.notes)
    if len(tables) > 1:
        names = ", ".join(entry.table.name for entry in tables)
        listing.notes.append(f"{len(tables)} tables were read as one data set: {names}.")
    left_out = len(listing.files) - len(tables)
    if left_out:
        listing.ignored += left_out
        listing.notes.append(f"{left_out} file(s) without labelled pixels were left out.")


def _batches(tables: list[PixelTable], listing: Listing) -> Iterator[tuple[PixelBatch, int]]:
    images = done_before = 0
    several = len(tables) > 1
    for entry in tables:
        refused = RefusedRows(listing, entry.table.name)
        reader = PixelRows(entry, refused, entry.subset if several else None)
        for batch, done in reader.batches():
            images += len(batch.pixels)
            if images > MOST_FILES:
                raise BadInput(
                    f"{entry.table.name}: more than {MOST_FILES:,} images, which is the limit.",
                    "path",
                )
            yield batch, done_before + done
        refused.finish()
        done_before += entry.table.raw.size_bytes
        if reader.brightest < DARK and reader.brightest > 0:
            listing.notes.append(
                f"{entry.table.name}: its largest pixel is {reader.brightest} of {BRIGHTEST}, so"
                " the images are dark."
            )
    if not images:
        reasons = first_reasons(listing.refused)
        raise BadInput(f"No line of the table can be used.{reasons} {EXPECTED}.", "path")
