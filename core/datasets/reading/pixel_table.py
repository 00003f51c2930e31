"""Tables of pixels: one line per image, as in Kaggle's digits, read block by block."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.datasets.reading.columns import RefusedRows, why_no_label, why_no_subset
from core.datasets.reading.image_files import has_image_suffix
from core.datasets.reading.no_pixels import why_no_pixels
from core.datasets.reading.pixel_columns import (
    BRIGHTEST,
    DARK,
    EXPECTED,
    PixelTable,
    read_pixel_table,
)
from core.datasets.reading.raw_files import MOST_FILES, Listing, RawFile, bad_source
from core.datasets.reading.reader import PixelBatch, PixelImages, Reading, first_reasons
from core.datasets.reading.subset_names import subset_of
from core.datasets.reading.table import is_table_name, read_table
from core.datasets.reading.table_copies import without_copies
from core.datasets.reading.unread_formats import refuse_unread
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from core.text import some_text

if TYPE_CHECKING:
    import pandas as pd

READ_AS = "table of pixels"
TABLES_NAMED = 3
BLOCK_CHARACTERS = 8 * 1024**2
MOST_ROWS_IN_A_BLOCK = 4096
CELL_SHOWN = 30
FEWEST_CHARACTERS_IN_A_PIXEL = 2  # a digit and a separator
# Upper bound: gzip shrinks pixels written as text to between a fifth and a fifteenth.
GZIP_GROWTH = 20
FEWEST_BYTES_IN_A_ROW = 32
# With so many rows for each image file, the images explain the table.
IMAGES_EXPLAIN = 4


class _PixelRows:
    """Reads one table block by block, refusing unusable lines with their number."""

    def __init__(self, layout: PixelTable, refused: RefusedRows, subset: str | None) -> None:
        self._layout = layout
        self._refused = refused
        self._subset = subset if layout.split is None else None
        first = (
            row[at] for row in layout.table.first_rows for at in layout.pixels if at < len(row)
        )
        self._decimal = "," if any("," in cell for cell in first) else "."
        self.brightest = 0

    def batches(self) -> Iterator[tuple[PixelBatch, int]]:
        """Each batch with the number of bytes of the file that were read until then."""
        lines = (entry for entry in self._layout.table.lines() if entry[1].strip())
        if self._layout.has_header:
            next(lines, None)
        block: dict[int, str] = {}
        characters = done = 0
        for number, line, done in lines:
            block[number] = line
            characters += len(line)
            if characters >= BLOCK_CHARACTERS or len(block) >= MOST_ROWS_IN_A_BLOCK:
                yield from ((batch, done) for batch in self._read(block))
                block, characters = {}, 0
        yield from ((batch, done) for batch in self._read(block))

    def _read(self, block: dict[int, str]) -> Iterator[PixelBatch]:
        """The images of some lines, given by their number; each subset is a batch of its own."""
        problems = {number: self._why_no_row(line) for number, line in block.items()}
        lines = {number: line for number, line in block.items() if problems[number] is None}
        values, labels, subsets = self._cells_of(list(lines.values()))
        highest = BRIGHTEST / self._layout.scale
        good = (values >= 0) & (values <= highest)  # NaN compares false
        kept: dict[str | None, list[int]] = defaultdict(list)
        for at, number in enumerate(lines):
            problem = why_no_label(labels[at]) or why_no_subset(subsets[at])
            if not good[at].all():
                bad = int(good[at].argmin())
                cell = self._pixel_cells(lines[number])[bad][:CELL_SHOWN]
                problem = f"its pixel {bad + 1} is {cell!r}, not a number from 0 to {highest:.0f}"
            problems[number] = problem
            if problem is None:
                kept[subset_of(subsets[at]) or self._subset].append(at)
        for number, problem in problems.items():
            if problem is not None:
                self._refused.refuse(number, problem)
        numbers = list(lines)
        for subset, rows in kept.items():
            pixels = np.rint(values[rows] * self._layout.scale).astype(np.uint8)
            self.brightest = max(self.brightest, int(pixels.max()))
            names = [f"{self._layout.table.raw.name} line {numbers[at]}" for at in rows]
            yield PixelBatch(
                self._images(pixels), [labels[at].strip() for at in rows], names, subset
            )

    def _why_no_row(self, line: str) -> str | None:
        """Why a line cannot be split into the cells of a row, or None."""
        width = line.count(self._layout.table.separator) + 1
        if '"' in line:
            cells = self._split(line)
            if cells is None:
                return "its quotation marks do not match"
            width = len(cells)
        if width != len(self._layout.names):
            return f"it has {width} cells where {len(self._layout.names)} were expected"
        if self._layout.packed:
            count = len(self._pixel_cells(line))
            if count != self._layout.pixel_count:
                return f"it has {count} pixels where {self._layout.pixel_count} were expected"
        return None

    def _split(self, line: str) -> list[str] | None:
        """The cells of a line, or None where its quotation marks do not match."""
        separator = self._layout.table.separator
        if '"' not in line:  # csv refuses long cells
            return line.rstrip("\n").split(separator)
        if line.count('"') % 2:  # a cell with a line break in it; half of it is no label
            return None
        skip = separator != " "
        try:
            return next(csv.reader([line], delimiter=separator, strict=True, skipinitialspace=skip))
        except csv.Error:
            return None

    def _pixel_cells(self, line: str) -> list[str]:
        cells = self._split(line) or []
        if self._layout.packed:
            return cells[self._layout.pixels[0]].split()
        return [cells[at] for at in self._layout.pixels]

    def _cells_of(self, lines: list[str]) -> tuple[np.ndarray, list[str], list[str]]:
        """Pixels ``(n, pixel_count)``, NaN where it is no number; labels; subsets ("": none)."""
        layout = self._layout
        if not lines:
            return np.empty((0, layout.pixel_count)), [], []
        of_numbers = [] if layout.packed else layout.pixels
        frame = self._frame(lines, layout.table.separator, len(layout.names), of_numbers)
        pixels = frame[layout.pixels]
        if layout.packed:
            texts = [" ".join(cell.split()) + "\n" for cell in frame[layout.pixels[0]]]
            pixels = self._frame(texts, " ", layout.pixel_count, range(layout.pixel_count))
        split = frame[layout.split].tolist() if layout.split is not None else [""] * len(lines)
        return pixels.to_numpy(), frame[layout.label].tolist(), split

    def _frame(
        self, lines: list[str], separator: str, width: int, of_numbers: Sequence[int]
    ) -> "pd.DataFrame":
        """The cells of lines that have ``width`` cells each; text in columns not ``of_numbers``."""
        # Imported here, because commands that only list datasets do not need it.
        import pandas as pd

        frame = pd.read_csv(
            io.StringIO("".join(lines)),
            sep=separator,
            header=None,
            names=list(range(width)),
            index_col=False,
            dtype=dict.fromkeys(set(range(width)).difference(of_numbers), str),
            na_filter=False,
            low_memory=False,
            skip_blank_lines=False,
            quoting=csv.QUOTE_NONE if self._layout.packed and of_numbers else csv.QUOTE_MINIMAL,
            skipinitialspace=separator != " ",
            decimal=self._decimal,
        )
        for at in of_numbers:
            if frame[at].dtype.kind not in "iuf":
                text = frame[at].astype(str).str.replace(",", ".")
                frame[at] = pd.to_numeric(text, errors="coerce")
        return frame

    def _images(self, pixels: np.ndarray) -> np.ndarray:
        edge = self._layout.edge
        if self._layout.channels == 1:
            return pixels.reshape(-1, edge, edge)
        if self._layout.planar:
            return pixels.reshape(-1, 3, edge, edge).transpose(0, 2, 3, 1)
        return pixels.reshape(-1, edge, edge, 3)


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """The images of tables of pixels; empty where there are none, or where image files are.

    Several tables are read as one dataset, train and test in their names as subsets; rows that
    stand in two tables count once. A table without labels beside one with labels is left out with a
    note, and so are a few images that explain the tables. Raises ``BadInput``, and
    ``ReadingUnclear`` where only the user can say which column holds the label.
    """
    alone = len(listing.files) == 1
    # Sorted: folders and zips list files in any order, but the same tables are the same dataset.
    candidates = sorted(
        (
            raw
            for raw in listing.files
            if choice.allows_table(raw.path)
            and (is_table_name(raw.name) or (alone and not has_image_suffix(raw.name)))
        ),
        key=lambda raw: raw.path,
    )
    image_files = sum(has_image_suffix(raw.name) for raw in listing.files)
    most_rows = sum(raw.size_bytes for raw in candidates) * GZIP_GROWTH // FEWEST_BYTES_IN_A_ROW
    if not candidates or choice.file_column is not None or IMAGES_EXPLAIN * image_files > most_rows:
        return []
    own = listing.again()
    try:
        tables = _tables(candidates, own, choice, alone)
    except BadInput:
        if image_files > len(candidates):
            return []
        raise
    outnumbered = image_files > len(candidates) and (
        IMAGES_EXPLAIN * image_files > sum(map(_rows_of, tables))
    )
    if not tables or outnumbered:
        return []
    own.leave_out(len(own.files) - len(tables), "without labelled pixels")
    expected = sum(map(_unpacked_bytes, tables)) // FEWEST_CHARACTERS_IN_A_PIXEL
    work = sum(layout.table.raw.size_bytes for layout in tables)
    images = PixelImages(READ_AS, work, expected, lambda: _batches(tables, own))
    paths = [layout.table.name for layout in tables]
    title = f"Each line of {some_text(paths, TABLES_NAMED)} is an image, with its class"
    chosen = Choice(
        classes_from=paths[0] if len(paths) == 1 and len(own.files) > 1 else None,
        label_column=choice.label_column,
        split_column=choice.split_column,
    )
    return [Reading(title, images, own, chosen, tuple(paths))]


def _tables(
    candidates: Sequence[RawFile], listing: Listing, choice: Choice, alone: bool
) -> list[PixelTable]:
    """The tables of labelled pixels among some files, each row once. Raises ``BadInput``."""
    found: list[PixelTable] = []
    problem: BadInput | None = None
    for raw in candidates:
        table = read_table(raw)
        try:
            layout = read_pixel_table(table, choice) if table is not None else None
        except BadInput as error:
            problem = problem or error
            continue
        if layout is not None:
            found.append(layout)
        elif alone and len(raw.parts) == 1 and not listing.refused:
            refuse_unread([raw])
            raise why_no_pixels(raw, table)
    if problem is not None and not found:
        raise problem
    if not found:
        return []
    tables = without_copies(_labelled(found, listing), listing)
    _check_alike(tables)
    return tables


def _unpacked_bytes(layout: PixelTable) -> int:
    """Upper bound."""
    raw = layout.table.raw
    return raw.size_bytes * (GZIP_GROWTH if raw.is_gzip() else 1)


def _rows_of(layout: PixelTable) -> int:
    """Roughly, by the length of the first rows."""
    lengths = [sum(len(cell) + 1 for cell in row) for row in layout.table.first_rows]
    rows = lengths[layout.has_header :]
    below_header = _unpacked_bytes(layout) - sum(lengths[: layout.has_header])
    return round(below_header * len(rows) / sum(rows))


def _labelled(found: list[PixelTable], listing: Listing) -> list[PixelTable]:
    """The tables that have labels; the others are left out with a note."""
    tables = [layout for layout in found if layout.label is not None]
    if not tables:
        raise bad_source(
            f"{found[0].table.name} has pixels but no column of labels. {EXPECTED}. If it is the"
            " test part of a competition, give the train part."
        )
    for layout in found:
        if layout.label is None:
            listing.notes.append(f"{layout.table.name} has no column of labels and was left out.")
    for layout in tables:
        listing.notes.extend(layout.notes)
    if len(tables) > 1:
        names = ", ".join(layout.table.name for layout in tables)
        listing.notes.append(f"{len(tables)} tables were read as one dataset: {names}.")
    return tables


def _check_alike(tables: list[PixelTable]) -> None:
    sizes = [f"{one.edge} x {one.edge} x {one.channels}" for one in tables]
    for layout, size in zip(tables, sizes, strict=True):
        if size != sizes[0]:
            raise bad_source(
                f"{tables[0].table.name} and {layout.table.name} hold images of different sizes"
                f" ({sizes[0]} and {size}). Give the tables of one dataset."
            )


def _batches(tables: list[PixelTable], listing: Listing) -> Iterator[tuple[PixelBatch, int]]:
    images = done_before = 0
    for layout in tables:
        name = layout.table.name
        refused = RefusedRows(listing, name)
        reader = _PixelRows(layout, refused, layout.subset if len(tables) > 1 else None)
        for batch, done in reader.batches():
            images += len(batch.pixels)
            if images > MOST_FILES:
                raise bad_source(f"{name}: more than {MOST_FILES:,} images, which is the limit.")
            yield batch, done_before + done
        refused.finish()
        done_before += layout.table.raw.size_bytes
        if 0 < reader.brightest < DARK:
            listing.notes.append(
                f"{name}: its largest pixel is {reader.brightest} of {BRIGHTEST}, so the images"
                " are dark."
            )
    if not images:
        reasons = first_reasons(listing.refused)
        raise bad_source(f"No line of the table can be used.{reasons} {EXPECTED}.")
