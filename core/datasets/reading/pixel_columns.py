"""Which columns of a table are pixels, which is the label, and how the pixels form an image."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
from core.datasets.reading.table import TextTable
from core.errors import BadInput, ColumnsUnclear

FEWEST_PIXELS = 16
FRACTION_OF_NUMBERED = 0.9
FRACTION_OF_PIXELS = 0.5
BRIGHTEST = 255
ROWS_SHOWN = 5
_COLOURS = (("r", "red"), ("g", "green"), ("b", "blue"))
EXPECTED = (
    "Expected one line per image: its label, then its pixels from 0 to 255, row by row:"
    " label,pixel0,pixel1,...,pixel783"
)


@dataclass(frozen=True)
class PixelColumns:
    """What the columns of a table of pixels are for, by position.

    pixels: columns in the order in which they fill the image; the only one where ``packed``, whose
        cells contain all pixels of an image.
    edge, channels: the images are ``edge`` x ``edge``, with 1 (grey) or 3 channels (RGB).
    planar: all of red comes first, then green, then blue; else the channels alternate.
    scale: 255 where the cells go from 0 to 1, else 1.
    notes: what was assumed, in sentences.
    """

    names: tuple[str, ...]
    has_header: bool
    pixels: tuple[int, ...]
    packed: bool
    label: int | None
    split: int | None
    edge: int
    channels: int
    planar: bool
    scale: int
    notes: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.names)


def pixel_columns(table: TextTable, columns: Columns) -> PixelColumns | None:
    """What the columns are for, or None where they are not pixels.

    Raises ``BadInput`` where the pixels do not form a square image, ``ColumnsUnclear`` where
    several columns could hold the label.
    """
    width = table.width
    has_header = _has_header(table.first_rows)
    names = unique_names(table.first_rows[0] if has_header else None, width)
    rows = [row for row in table.first_rows[has_header:] if len(row) == width]
    if not rows:
        return None
    packed = _packed_column(rows, width)
    numeric = _numeric_columns(rows, width)
    if packed is None and sum(numeric) < FEWEST_PIXELS:
        return None
    split = split_position(names, rows, columns, table.name)
    label = _named_label(names, columns, table.name)
    to_spare: set[int | None] = {
        at
        for at in range(width)
        if at == split or (has_header and bare_name(names[at]) in INDEX_NAMES)
    }
    pixels = [packed] if packed is not None else []
    if not pixels:
        pixels = _pixel_positions(names, numeric, has_header, to_spare | {label})
    if not pixels:
        return None
    notes: list[str] = []
    if label is None:
        others = [at for at in range(width) if at not in to_spare and at not in pixels]
        label = _label_among(table, names, rows, pixels, others)
        if label in pixels:
            pixels.remove(label)
            notes.append(f"{table.name}: the label was taken from {_which(label, width)} column.")
    cells = [row[packed].split() for row in rows] if packed is not None else None
    values = _values(cells or [[row[at] for at in pixels] for row in rows])
    if not len(values) or not (np.nan_to_num(values) <= BRIGHTEST).all(axis=1).any():
        return None
    edge, channels = _image_shape(table.name, values.shape[1])
    planar = False
    if channels == 3:
        planar = _is_planar([names[at] for at in pixels], values, edge)
        order = "all red, then all green, then all blue" if planar else "red, green, blue in turn"
        notes.append(f"{table.name}: the colours were read as {order}.")
    scale = 1
    if np.nanmax(values) <= 1:
        scale = BRIGHTEST
        notes.append(f"{table.name}: its pixels go from 0 to 1; they were multiplied by 255.")
    assumed = tuple(notes)
    return PixelColumns(
        names,
        has_header,
        tuple(pixels),
        packed is not None,
        label,
        split,
        edge,
        channels,
        planar,
        scale,
        assumed,
    )


def _pixel_positions(
    names: Sequence[str], numeric: Sequence[bool], has_header: bool, taken: set[int | None]
) -> list[int]:
    """Columns numbered alike, else all columns of numbers; empty where these are not pixels."""
    named = _named_pixels(names, taken) if has_header else []
    pixels = [at for at in named if numeric[at]]
    if len(pixels) < FEWEST_PIXELS or len(pixels) < FRACTION_OF_NUMBERED * len(named):
        pixels = [at for at in range(len(names)) if numeric[at] and at not in taken]
    enough = len(pixels) >= max(FEWEST_PIXELS, FRACTION_OF_PIXELS * len(names))
    return pixels if enough else []


def _packed_column(rows: Sequence[Sequence[str]], width: int) -> int | None:
    """A column whose cells contain all pixels of an image, separated by blanks (FER-2013)."""
    for at in range(width):
        cells = [row[at].split() for row in rows]
        if min(map(len, cells)) >= FEWEST_PIXELS and all(map(is_number, cells[0])):
            return at
    return None


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: text above numbers, or 0, 1, 2, 3 ..."""
    first = [cell.strip() for cell in rows[0]]
    numbers = [cell for cell in first if is_number(cell)]
    if len(numbers) < 0.5 * len(first):
        return True
    text = [bare_name(cell) for cell in first if not is_number(cell)]
    if any(name in LABEL_NAMES | PROPERTY_NAMES for name in text):
        return True
    counted = [int(cell) for cell in numbers if cell.isdecimal()]
    return (
        len(counted) >= FEWEST_PIXELS
        and len(counted) >= len(first) - 2
        and counted == list(range(counted[0], counted[0] + len(counted)))
    )


def _numeric_columns(rows: Sequence[Sequence[str]], width: int) -> list[bool]:
    """For each column, whether most of its cells are numbers."""
    counts = [sum(is_number(row[position]) for row in rows) for position in range(width)]
    return [count > 0.5 * len(rows) for count in counts]


def _named_label(names: Sequence[str], columns: Columns, table: str) -> int | None:
    if columns.label is not None:
        return asked_position(columns.label, names, table)
    for known in (LABEL_NAMES, PROPERTY_NAMES):
        found = [position for position, name in enumerate(names) if bare_name(name) in known]
        if len(found) == 1:
            return found[0]
    return None


def _named_pixels(names: Sequence[str], taken: set[int | None]) -> list[int]:
    """Columns that are numbered alike (pixel0, pixel1; 1x1, 1x2; r0, g0, b0), in their order."""
    groups: dict[str, list[int]] = defaultdict(list)
    for position, name in enumerate(names):
        pattern = re.sub(r"\d+", "#", name.strip().casefold())
        if "#" in pattern and position not in taken:
            groups[pattern].append(position)
    if not groups:
        return []
    # A single number in the name is the position; with two (1x1), the order of columns counts.
    in_order = {
        pattern: sorted(group, key=lambda at: int(re.findall(r"\d+", names[at])[0]))
        if pattern.count("#") == 1
        else group
        for pattern, group in groups.items()
    }
    colours = [_of_colour(in_order, colour) for colour in _COLOURS]
    if all(colours) and len({len(group) for group in colours}) == 1:
        return [position for group in colours for position in group]
    return max(in_order.values(), key=len)


def _of_colour(groups: dict[str, list[int]], colour: tuple[str, ...]) -> list[int]:
    for pattern, group in groups.items():
        if set(re.findall(r"[a-z]+", pattern)) & set(colour):
            return group
    return []


def _label_among(
    table: TextTable,
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    pixels: Sequence[int],
    others: Sequence[int],
) -> int | None:
    """The column of the label: the only one that is no pixel, else the first or last number."""
    if len(others) == 1:
        return others[0]
    if others:
        raise ColumnsUnclear(
            f"{table.name}: several columns are not pixels. Choose the one that holds the label.",
            table.name,
            [names[position] for position in others],
            [[row[position] for position in others] for row in rows[:ROWS_SHOWN]],
        )
    if _shape_of(len(pixels)) is not None or _shape_of(len(pixels) - 1) is None:
        return None
    # A label has several values, but few; a pixel in a corner is constant or has many values.
    first, last = (len({row[at].strip() for row in rows}) for at in (pixels[0], pixels[-1]))
    if last > 1 and (first == 1 or last < first):
        return pixels[-1]
    return pixels[0]


def _which(position: int, width: int) -> str:
    return {0: "the first", width - 1: "the last"}.get(position, f"number {position + 1} of the")


def _shape_of(count: int) -> tuple[int, int] | None:
    """Edge and channels of a square image of ``count`` numbers, or None."""
    for channels in (1, 3):
        edge = math.isqrt(count // channels)
        if edge * edge * channels == count and edge > 1:
            return edge, channels
    return None


def _image_shape(name: str, count: int) -> tuple[int, int]:
    shape = _shape_of(count)
    if shape is None:
        near = math.isqrt(count)
        raise BadInput(
            f"{name}: {count} numbers a line do not form a square image; {near * near} or"
            f" {(near + 1) ** 2} would (grey), or three times a square (colour). {EXPECTED}.",
            "path",
        )
    return shape


def _values(rows: Sequence[Sequence[str]]) -> np.ndarray:
    """The pixels of the rows of the most common length, float64; NaN for cells without a number."""
    length = Counter(map(len, rows)).most_common(1)[0][0]
    return np.array(
        [
            [float(cell.replace(",", ".")) if is_number(cell) else math.nan for cell in row]
            for row in rows
            if len(row) == length
        ]
    )


def _is_planar(names: Sequence[str], values: np.ndarray, edge: int) -> bool:
    """Whether the channels follow one another as a whole: the images are smoother that way."""
    first = {re.sub(r"[^a-z]", "", name.casefold()) for name in names[: edge * edge]}
    second = {re.sub(r"[^a-z]", "", name.casefold()) for name in names[edge * edge :]}
    if len(first) == 1 and second and first.isdisjoint(second):
        return True  # named so: r0 ... r99, g0 ... g99, b0 ... b99
    interleaved = values.reshape(-1, edge, edge, 3)
    planar = values.reshape(-1, 3, edge, edge).transpose(0, 2, 3, 1)
    return _roughness(planar) < _roughness(interleaved)


def _roughness(images: np.ndarray) -> float:
    """Mean absolute difference between neighbouring pixels of ``(N, H, W, 3)``."""
    across = np.abs(np.diff(images, axis=2))
    down = np.abs(np.diff(images, axis=1))
    return float(np.nanmean(across) + np.nanmean(down))
