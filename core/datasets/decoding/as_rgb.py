"""Any kind of pixels as RGB, 8 bits a channel, as people see them; band by band."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from PIL import Image

from core.datasets.decoding.levels import (
    LARGEST_16_BIT,
    USUAL_LEVELS,
    Kind,
    Levels,
    Range,
    stretched,
)

# A large image is converted this many pixels at a time: another whole copy would not fit.
BAND_PIXELS = 2_000_000


class UnreadableImageError(Exception):
    """A file that cannot be used as an image; the message is the reason, for people."""


def deep_kind(mode: str) -> Kind | None:
    """What the pixels of a grey image deeper than 8 bits are; None for other images."""
    return "whole" if mode.startswith("I") else "floats" if mode == "F" else None


def as_rgb(image: Image.Image, transparent: object, levels: Levels = USUAL_LEVELS) -> Image.Image:
    """An image of any of Pillow's modes as RGB on white; always a new object.

    ``transparent`` is the level that means transparent in a 16-bit image, or None; ``levels``
    those that become black and white in a grey image deeper than 8 bits. Raises
    ``UnreadableImageError``.
    """
    kind = deep_kind(image.mode)
    if kind == "whole":
        to_grey = partial(_grey_of_whole, transparent=transparent, levels=levels.whole)
        return _by_bands(image, to_grey)
    if kind == "floats":
        return _by_bands(image, _grey_of_floats(image, levels.floats))
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        return _by_bands(image, _on_white)
    if image.mode == "RGB":
        return image.copy()
    return image.convert("RGB")


def stretched_colours(high: Image.Image, low: Image.Image, levels: Range) -> Image.Image:
    """Colours of 16 bits as RGB on white: ``high`` holds the upper bytes, and whatever alpha there
    is; ``low`` the lower ones. One scale for all three colours, so that none shifts."""
    result = Image.new("RGB", high.size)
    top = 0
    for upper, lower in zip(_cut(high), _cut(low), strict=True):
        pixels = deep_colours(np.asarray(upper), np.asarray(lower))
        band = Image.fromarray(stretched(pixels, levels))
        if upper.mode == "RGBA":
            band.putalpha(upper.getchannel("A"))
            band = _on_white(band).convert("RGB")
        result.paste(band, (0, top))
        top += upper.height
    return result


def deep_colours(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """uint16 ``(H, W, 3)`` of upper and lower bytes, uint8 ``(H, W, 3)`` or ``(H, W, 4)``."""
    return upper[..., :3].astype(np.uint16) << 8 | lower[..., :3]


def _by_bands(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    result = Image.new("RGB", image.size)
    top = 0
    for band in _cut(image):
        result.paste(convert(band).convert("RGB"), (0, top))
        top += band.height
    return result


def _on_white(band: Image.Image) -> Image.Image:
    white = Image.new("RGBA", band.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, band.convert("RGBA"))


def _grey_of_whole(band: Image.Image, transparent: object, levels: Range | None) -> Image.Image:
    """Levels to 0..255, rounded; Pillow itself would clip everything above 255 to white."""
    wide = np.asarray(band).astype(np.int64)
    if levels is None:
        limited = np.clip(wide, 0, LARGEST_16_BIT)
        grey = ((limited * 255 + LARGEST_16_BIT // 2) // LARGEST_16_BIT).astype(np.uint8)
    else:
        grey = stretched(wide, levels)
    if isinstance(transparent, int):
        grey[wide == transparent] = 255
    return Image.fromarray(grey)


def _grey_of_floats(
    image: Image.Image, levels: Range | None
) -> Callable[[Image.Image], Image.Image]:
    """Without ``levels`` floats are 0 to 1 where none is larger than 1, else 0 to 255."""
    if levels is None:
        largest = max(float(values.max()) for values in bands(image))
        levels = (0.0, 1.0) if largest <= 1.0 else (0.0, 255.0)

    def to_grey(band: Image.Image) -> Image.Image:
        values = np.asarray(band)
        if not np.isfinite(values).all():
            raise UnreadableImageError("contains pixels that are not numbers")
        return Image.fromarray(stretched(values, levels))

    return to_grey


def bands(image: Image.Image) -> Iterator[np.ndarray]:
    """The pixels of an image from top to bottom, some rows at a time, ``(rows, W[, 3])``."""
    for band in _cut(image):
        yield np.asarray(band)


def _cut(image: Image.Image) -> Iterator[Image.Image]:
    rows = max(1, BAND_PIXELS // image.width)
    if rows >= image.height:
        yield image
        return
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))
