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
    as_numbers,
    bare_name,
    chosen_position,
    split_position,
    unique_names,
)
from core.datasets.reading.question import Question, ReadingUnclear, table_sample
from core.datasets.reading.raw_files import bad_source
from core.datasets.reading.subset_names import subset_of_file
from core.datasets.reading.table import TextTable
from core.datasets.reading_choice import Choice

EXPECTED = (
    "Expected one line per image: its label, then its pixels from 0 to 255, row by row:"
    " label,pixel0,pixel1,...,pixel783"
)
BRIGHTEST = 255
# Where all pixels are below it, images are dark.
DARK = 64
FEWEST_PIXELS = 16
FRACTION_OF_NUMBERED = 0.9
FRACTION_OF_PIXELS = 0.5
_COLOURS = (("r", "red"), ("g", "green"), ("b", "blue"))


@dataclass(frozen=True)
class PixelTable:
    """A table of pixels: what its columns are for, by position, and how pixels form an image.

    pixels: columns in the order in which they fill the image; the only one where ``packed``, whose
        cells contain all pixels of an image.
    edge, channels: the images are ``edge`` x ``edge``, with 1 (grey) or 3 channels (RGB).
    planar: all of red comes first, then green, then blue; else the channels alternate.
    scale: 255 where the cells go from 0 to 1, else 1.
    notes: what was assumed, in sentences.
    """

    table: TextTable
    names: tuple[str, ...]
    has_header: bool
    pixels: list[int]
    packed: bool
    label: int | None
    split: int | None
    edge: int
    channels: int
    planar: bool
    scale: int
    notes: list[str]

    @property
    def pixel_count(self) -> int:
        return self.edge**2 * self.channels

    @property
    def subset(self) -> str | None:
        """The subset mentioned in the path of the table."""
        return subset_of_file(self.table.raw.parts)


def read_pixel_table(table: TextTable, choice: Choice) -> PixelTable | None:
    """What the columns of a table are for, or None where they are not pixels.

    Raises ``BadInput`` where the pixels do not form a square image, ``ReadingUnclear`` where
    several columns could hold the label.
    """
    width = table.width
    has_header = _has_header(table.first_rows[0])
    names = unique_names(table.first_rows[0] if has_header else None, width)
    rows = [row for row in table.first_rows[has_header:] if len(row) == width]
    if not rows:
        return None
    packed = _packed_column(rows)
    values = as_numbers(rows) if packed is None else _packed_values(rows, packed)
    numeric = np.isfinite(values).mean(axis=0) > 0.5
    if numeric.sum() < FEWEST_PIXELS:
        return None
    split = split_position(names, rows, choice, table.name)
    label = _named_label(names, choice, table.name)
    spare: set[int | None] = {
        at
        for at in range(width)
        if at == split or (has_header and bare_name(names[at]) in INDEX_NAMES)
    }
    pixels = [packed] if packed is not None else []
    if packed is None:
        pixels = _pixel_positions(names, numeric, has_header, spare | {label})
    if not pixels:
        return None
    notes = []
    if label is None:
        others = [at for at in range(width) if at not in spare and at not in pixels]
        label = _label_among(table, names, rows, pixels, others)
        if label in pixels:
            pixels.remove(label)
            which = {0: "the first", width - 1: "the last"}.get(label, f"number {label + 1} of the")
            notes.append(f"{table.name}: the label was taken from {which} column.")
    if packed is None:
        values = values[:, pixels]
    if not (np.nan_to_num(values) <= BRIGHTEST).all(axis=1).any():
        return None
    edge, channels = _image_shape(table.name, values.shape[1])
    planar = channels == 3 and is_planar([names[at] for at in pixels], values, edge)
    if channels == 3:
        order = "all red, then all green, then all blue" if planar else "red, green, blue in turn"
        notes.append(f"{table.name}: the colours were read as {order}.")
    scale = 1
    if np.nanmax(values) <= 1:
        scale = BRIGHTEST
        notes.append(f"{table.name}: its pixels go from 0 to 1; they were multiplied by 255.")
    return PixelTable(
        table=table,
        names=names,
        has_header=has_header,
        pixels=pixels,
        packed=packed is not None,
        label=label,
        split=split,
        edge=edge,
        channels=channels,
        planar=planar,
        scale=scale,
        notes=notes,
    )


def _has_header(row: Sequence[str]) -> bool:
    """Whether the first row names columns: text above numbers, or 0, 1, 2, 3 ..."""
    numbers = as_numbers([row])[0]
    numbers = numbers[~np.isnan(numbers)]
    if len(numbers) < 0.5 * len(row):
        return True
    if any(bare_name(cell) in LABEL_NAMES | PROPERTY_NAMES for cell in row):
        return True
    return len(numbers) >= max(FEWEST_PIXELS, len(row) - 2) and bool((np.diff(numbers) == 1).all())


def _named_label(names: Sequence[str], choice: Choice, table: str) -> int | None:
    if choice.label_column is not None:
        return chosen_position(choice.label_column, names, table)
    for known in (LABEL_NAMES, PROPERTY_NAMES):
        found = [at for at, name in enumerate(names) if bare_name(name) in known]
        if len(found) == 1:
            return found[0]
    return None


def _packed_column(rows: Sequence[Sequence[str]]) -> int | None:
    """A column whose cells contain all pixels of an image, separated by blanks (FER-2013)."""
    for at, first in enumerate(rows[0]):
        if (
            not np.isnan(as_numbers([first.split()])).any()
            and min(len(row[at].split()) for row in rows) >= FEWEST_PIXELS
        ):
            return at
    return None


def _packed_values(rows: Sequence[Sequence[str]], packed: int) -> np.ndarray:
    """The pixels of the rows that have the most common number of them."""
    cells = [row[packed].split() for row in rows]
    length = Counter(map(len, cells)).most_common(1)[0][0]
    return as_numbers([row for row in cells if len(row) == length])


def _pixel_positions(
    names: Sequence[str], numeric: np.ndarray, has_header: bool, taken: set[int | None]
) -> list[int]:
    """Columns numbered alike, else all columns of numbers; empty where these are not pixels."""
    named = _numbered_columns(names, taken) if has_header else []
    pixels = [at for at in named if numeric[at]]
    if len(pixels) < max(FEWEST_PIXELS, FRACTION_OF_NUMBERED * len(named)):
        pixels = [at for at in range(len(names)) if numeric[at] and at not in taken]
    enough = len(pixels) >= max(FEWEST_PIXELS, FRACTION_OF_PIXELS * len(names))
    return pixels if enough else []


def _numbered_columns(names: Sequence[str], taken: set[int | None]) -> list[int]:
    """Columns that are numbered alike (pixel0, pixel1; 1x1, 1x2; r0, g0, b0), in their order."""
    groups: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(names):
        pattern = re.sub(r"\d+", "#", name.strip().casefold())
        if "#" in pattern and at not in taken:
            groups[pattern].append(at)
    for pattern, group in groups.items():
        # A single number in the name is the position; with two (1x1), the order of columns counts.
        if pattern.count("#") == 1:
            group.sort(key=lambda at: int(re.findall(r"\d+", names[at])[0]))
    colours = [
        next((groups[p] for p in groups if set(re.findall("[a-z]+", p)) & set(colour)), [])
        for colour in _COLOURS
    ]
    if all(colours) and len(set(map(len, colours))) == 1:
        return [at for group in colours for at in group]
    return max(groups.values(), key=len, default=[])


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
        beside = [[row[at] for at in others] for row in rows]
        raise ReadingUnclear(
            Question(
                message=f"{table.name}: several columns are not pixels. Choose the one that holds"
                " the label.",
                tables=[table_sample(table.name, [names[at] for at in others], beside)],
            )
        )
    if square_shape(len(pixels)) is not None or square_shape(len(pixels) - 1) is None:
        return None
    # A label has several values, but few; a pixel in a corner is constant or has many values.
    first, last = (len({row[at].strip() for row in rows}) for at in (pixels[0], pixels[-1]))
    return pixels[-1] if last > 1 and (first == 1 or last < first) else pixels[0]


def square_shape(count: int) -> tuple[int, int] | None:
    """Edge and channels of a square image of ``count`` numbers, or None."""
    for channels in (1, 3):
        edge = math.isqrt(count // channels)
        if edge * edge * channels == count and edge > 1:
            return edge, channels
    return None


def _image_shape(name: str, count: int) -> tuple[int, int]:
    shape = square_shape(count)
    if shape is None:
        near = math.isqrt(count)
        raise bad_source(
            f"{name}: {count} numbers a line do not form a square image; {near * near} or"
            f" {(near + 1) ** 2} would (grey), or three times a square (colour). {EXPECTED}."
        )
    return shape


def is_planar(names: Sequence[str], values: np.ndarray, edge: int) -> bool:
    """Whether the channels follow one another as a whole: the images are smoother that way."""
    letters = [re.sub(r"[^a-z]", "", name.casefold()) for name in names]
    first, rest = set(letters[: edge * edge]), set(letters[edge * edge :])
    if len(first) == 1 and rest and first.isdisjoint(rest):
        return True  # named so: r0 ... r99, g0 ... g99, b0 ... b99
    interleaved = values.reshape(-1, edge, edge, 3)
    planar = values.reshape(-1, 3, edge, edge).transpose(0, 2, 3, 1)
    return _roughness(planar) < _roughness(interleaved)


def _roughness(images: np.ndarray) -> float:
    """Mean absolute difference between neighbouring pixels of ``(N, H, W, 3)``."""
    return sum(float(np.nanmean(np.abs(np.diff(images, axis=axis)))) for axis in (1, 2))
