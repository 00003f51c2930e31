"""Any kind of pixels as RGB, 8 bits a channel, as people see them; band by band."""

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

LARGEST_16_BIT = 65535
# A large image is converted this many pixels at a time: another whole copy would not fit.
BAND_PIXELS = 2_000_000


class UnreadableImageError(Exception):
    """A file that cannot be used as an image; the message is the reason, for people."""


def as_rgb(image: Image.Image, transparent: object) -> Image.Image:
    """An image of any of Pillow's modes as RGB on white; always a new object.

    ``transparent`` is the level that means transparent in a 16-bit image, or None. Raises
    ``UnreadableImageError``.
    """
    if image.mode.startswith("I"):
        return _by_bands(image, lambda band: _grey_of_16_bit(np.asarray(band), transparent))
    if image.mode == "F":
        return _by_bands(image, _grey_of_floats(image))
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        return _by_bands(image, _on_white)
    if image.mode == "RGB":
        return image.copy()
    return image.convert("RGB")


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


def _grey_of_16_bit(values: np.ndarray, transparent: object) -> Image.Image:
    """0..65535 to 0..255, rounded; Pillow itself would clip everything above 255 to white."""
    wide = np.clip(values.astype(np.int64), 0, LARGEST_16_BIT)
    grey = ((wide * 255 + LARGEST_16_BIT // 2) // LARGEST_16_BIT).astype(np.uint8)
    if isinstance(transparent, int):
        grey[wide == transparent] = 255
    return Image.fromarray(grey)


def _grey_of_floats(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """Floats are taken as 0 to 1 where none is larger than 1, else as 0 to 255."""
    largest = max(float(values.max()) for values in bands(image))
    scale = 255.0 if largest <= 1.0 else 1.0

    def to_grey(band: Image.Image) -> Image.Image:
        values = np.asarray(band)
        if not np.isfinite(values).all():
            raise UnreadableImageError("contains pixels that are not numbers")
        return Image.fromarray(np.clip(np.rint(values * scale), 0, 255).astype(np.uint8))

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
