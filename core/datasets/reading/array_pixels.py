"""How the numbers of arrays become images: which dimension is what, and one scale for them all."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from core.datasets.decoding.decode import LARGEST_PIXELS, SMALLEST_EDGE
from core.datasets.decoding.levels import LARGEST_16_BIT, NEARLY_ALL
from core.datasets.reading.pixel_columns import (
    BRIGHTEST,
    DARK,
    FEWEST_PIXELS,
    is_planar,
    square_shape,
)
from core.datasets.reading.raw_files import bad_source
from core.datasets.reading.stored_arrays import StoredArray

CHANNELS = (1, 3, 4)
ROUNDING = 0.01
SAMPLED_NUMBERS = 4096
MOST_SAMPLED_NUMBERS = 1_000_000
LOOKED_AT_ROWS = 100
OTHER_SHAPES = (
    "Expected images x rows x columns, images x rows x columns x 1, 3 or 4 channels, or images x"
    " 1 or 3 channels x rows x columns"
)


@dataclass(frozen=True)
class ImageShape:
    """How one row of an array forms an image.

    planar: the channels come first. flat: the pixels stand in one dimension.
    """

    height: int
    width: int
    channels: int = 1
    planar: bool = False
    flat: bool = False

    def images(self, values: np.ndarray) -> np.ndarray:
        """Rows of an array as ``(n, H, W)`` or ``(n, H, W, channels)``, of the same dtype."""
        if self.channels == 1:
            return values.reshape(-1, self.height, self.width)
        if self.planar:
            return values.reshape(-1, self.channels, self.height, self.width).transpose(0, 2, 3, 1)
        return values.reshape(-1, self.height, self.width, self.channels)


def image_shape(shape: tuple[int, ...]) -> ImageShape | None:
    """The shape of the images of which one has this ``shape``, or None where it is no image.

    Whether flat pixels are planar only the numbers tell: see ``settled``.
    """
    if len(shape) == 2 and shape[1] == 1:
        shape = shape[:1]
    found = None
    if len(shape) == 1 and shape[0] >= FEWEST_PIXELS:
        square = square_shape(shape[0])
        found = ImageShape(square[0], square[0], square[1], flat=True) if square else None
    elif len(shape) == 2 or (len(shape) == 3 and shape[2] in CHANNELS):
        found = ImageShape(*shape)
    elif len(shape) == 3 and shape[0] in (1, 3):
        found = ImageShape(shape[1], shape[2], shape[0], planar=True)
    if found is None or min(found.height, found.width) < SMALLEST_EDGE:
        return None
    return found if found.height * found.width <= LARGEST_PIXELS else None


def settled(shape: ImageShape, array: StoredArray) -> ImageShape:
    """The shape after a look at the first rows: flat colours may be planar or interleaved."""
    if not shape.flat or shape.channels == 1:
        return shape
    values = next(array.pieces(LOOKED_AT_ROWS)).astype(np.float64)
    return replace(shape, planar=is_planar([], values.reshape(len(values), -1), shape.height))


@dataclass
class Levels:
    """The numbers that occur in an array, taken in piece by piece."""

    path: str
    lowest: float = math.inf
    highest: float = -math.inf
    samples: list[np.ndarray] = field(default_factory=list)
    _sampled: int = 0
    _thinned: int = 1

    def add(self, values: np.ndarray) -> None:
        """Numbers of any real dtype; those that are not finite do not count."""
        values = values.ravel()
        if values.dtype.kind == "f":
            values = values[np.isfinite(values)]
        if values.size:
            self.lowest = min(self.lowest, float(values.min()))
            self.highest = max(self.highest, float(values.max()))
            step = max(1, values.size // SAMPLED_NUMBERS) * self._thinned
            self.samples.append(values[::step].astype(np.float64))
            self._sampled += len(self.samples[-1])
            if self._sampled > MOST_SAMPLED_NUMBERS:
                self.samples = [np.concatenate(self.samples)[::2]]
                self._sampled, self._thinned = len(self.samples[0]), 2 * self._thinned

    @property
    def in_unit_range(self) -> bool:
        return self.highest <= 1 + ROUNDING and self.lowest >= -1 - ROUNDING

    @property
    def in_bytes(self) -> bool:
        return self.lowest >= 0 and self.highest <= BRIGHTEST

    @property
    def range_text(self) -> str:
        return f"from {_number(self.lowest)} to {_number(self.highest)}"


@dataclass(frozen=True)
class Scale:
    """``low`` becomes 0 and ``high`` 255, for all images alike; ``note`` says so, or is None."""

    low: float
    high: float
    note: str | None = None

    def apply(self, values: np.ndarray) -> np.ndarray:
        """uint8 of the same shape; numbers beyond the scale become 0 or 255."""
        if values.dtype == np.uint8 and (self.low, self.high) == (0, BRIGHTEST):
            return values
        # Wide integers need all digits of float64; 32 bits suffice for the others.
        exact: np.ndarray = values.astype(np.float32 if values.dtype.itemsize <= 2 else np.float64)
        stretched = (exact - self.low) * (BRIGHTEST / (self.high - self.low))
        return np.clip(np.rint(stretched), 0, BRIGHTEST).astype(np.uint8)


def common_scale(all_levels: Iterable[Levels]) -> Scale:
    """One scale for all arrays of a dataset. Raises ``BadInput`` where they differ in their range.

    Numbers from 0 to 255 stay as they are.
    """
    levels = [one for one in all_levels if one.lowest < one.highest]
    if not levels:
        return Scale(0, BRIGHTEST)
    small = [one for one in levels if one.in_unit_range]
    large = [one for one in levels if not one.in_unit_range]
    if small and large:
        raise bad_source(
            f"The numbers of {small[0].path} go {small[0].range_text}, those of {large[0].path}"
            f" {large[0].range_text}. Save both with the same range, for example 0 to 255."
        )
    lowest, highest = min(one.lowest for one in levels), max(one.highest for one in levels)
    together = Levels("", lowest, highest)
    note = f"The numbers of the images go {together.range_text};"
    if small and lowest >= -ROUNDING:
        return Scale(0, 1, f"{note} they were multiplied by 255.")
    if small:
        return Scale(-1, 1, f"{note} -1 became 0 and 1 became 255.")
    if together.in_bytes and highest >= DARK:
        return Scale(0, BRIGHTEST)
    if together.in_bytes:
        return Scale(0, highest, f"{note} they were stretched to 0 to 255, all images alike.")
    sample = np.concatenate([values for one in levels for values in one.samples])
    low, high = (float(np.percentile(sample, at)) for at in NEARLY_ALL)
    if low >= high:
        low, high = lowest, highest
    if lowest >= 0 and high > LARGEST_16_BIT / 2 and highest <= LARGEST_16_BIT:
        return Scale(0, LARGEST_16_BIT, f"{note} they were divided by 257.")
    return Scale(
        low,
        high,
        f"{note} {_number(low)} to {_number(high)} were stretched to 0 to 255, all images alike.",
    )


def without_transparency(images: np.ndarray) -> np.ndarray:
    """uint8 ``(n, H, W, 4)`` on white as ``(n, H, W, 3)``; other images as they are."""
    if images.ndim < 4 or images.shape[3] != 4:
        return images
    opaque = images[..., 3:].astype(np.float32) / BRIGHTEST
    on_white = images[..., :3] * opaque + BRIGHTEST * (1 - opaque)
    return np.rint(on_white).astype(np.uint8)


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) > 99 else f"{value:.3g}"
