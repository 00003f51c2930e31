"""Colours of 16 bits. Pillow gives the upper byte of each; the lower one is read beside it.

Pillow knows 16 bits in either order of the bytes. Read in the other order, the byte that it takes
for the upper one is the lower.
"""

import io
import sys
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageFile

from core.datasets.decoding.as_rgb import bands, deep_colours
from core.datasets.decoding.levels import SeenLevels, seen_levels

_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_COLOURS = ("RGB;16", "RGBX;16", "RGBA;16")
# Grey and alpha of 16 bits: read as four bytes, the second of which is the lower one of the grey.
_GREY_AND_ALPHA = "LA;16B"
# From this range of the upper bytes on, the lower ones say nothing about the scale.
HALF_OF_THE_LEVELS = 128

Tiles = list[ImageFile._Tile]


def lower_byte_tiles(opened: ImageFile.ImageFile) -> Tiles | None:
    """How to read the lower bytes of an opened, not yet loaded image; None for all but 16-bit
    colours."""
    if opened.mode not in ("RGB", "RGBA"):
        return None
    tiles = []
    for tile in opened.tile:
        whole = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        rawmode = str(whole[0])
        if rawmode == _GREY_AND_ALPHA:
            rawmode = "RGBA"
        elif rawmode[:-1] in _COLOURS and rawmode[-1] in _OTHER_ORDER:
            rawmode = rawmode[:-1] + _OTHER_ORDER[rawmode[-1]]
        else:
            return None
        tiles.append(tile._replace(args=(rawmode, *whole[1:])))
    return tiles or None


def lower_bytes(data: bytes, kind: str, tiles: Tiles) -> Image.Image:
    """The lower bytes of the same image as RGB or RGBA; ``kind`` is Pillow's name of its format."""
    with Image.open(io.BytesIO(data), formats=(kind,)) as again:
        is_grey = _GREY_AND_ALPHA in str(again.tile)
        again.tile = tiles
        again.load()
        if is_grey:
            return Image.merge("RGB", [again.getchannel("G")] * 3)
        return again.copy()


def seen_in_colours(upper: Image.Image, lower: Image.Image | None) -> SeenLevels:
    """The levels of all colours together; without the ``lower`` bytes about."""
    return seen_levels(_bands(upper, lower), "whole", 3 * upper.width * upper.height)


def is_narrow(upper: Image.Image) -> bool:
    """Whether the levels of 16-bit colours are too close together to be seen well."""
    colours = upper.getextrema()[:3]
    lowest, highest = min(low for low, _ in colours), max(high for _, high in colours)  # type: ignore[misc]
    return highest - lowest < HALF_OF_THE_LEVELS


def _bands(upper: Image.Image, lower: Image.Image | None) -> Iterator[np.ndarray]:
    if lower is None:
        for band in bands(upper):
            yield band[..., :3].astype(np.uint16) * 257
        return
    for high, low in zip(bands(upper), bands(lower), strict=True):
        yield deep_colours(high, low)
