"""Decode one image from bytes, as people see it: upright, on white, 8 bits a channel.

The format is recognised by content, not by name, and only the formats below are opened. Two are
opened only where the file name ends accordingly: TIFF, a large and old family of decoders, so that
a TIFF named ``.png`` is refused; and TGA, which has no mark by which it could be recognised.
"""

import io
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from PIL import Image, ImageFile, ImageOps, TiffImagePlugin, UnidentifiedImageError

from core.datasets.decoding.as_rgb import (
    UnreadableImageError,
    as_rgb,
    bands,
    deep_kind,
    stretched_colours,
)
from core.datasets.decoding.deep_colours import (
    Tiles,
    is_narrow,
    lower_byte_tiles,
    lower_bytes,
    seen_in_colours,
)
from core.datasets.decoding.levels import USUAL_LEVELS, Levels, SeenLevels, seen_levels
from core.datasets.decoding.metadata import exif_orientation
from core.datasets.decoding.netpbm import decode_fast
from core.datasets.decoding.not_an_image import (
    OUT_OF_MEMORY,
    why_misread,
    why_not_decoded,
    why_unknown,
)
from core.datasets.decoding.pool import without_pillow_warnings

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "PPM", "AVIF")
BY_SUFFIX = {".tif": "TIFF", ".tiff": "TIFF", ".tga": "TGA"}
# Cameras that are called 50 megapixels have up to 51.3.
LARGEST_PIXELS = 51_500_000
SMALLEST_EDGE = 2
TOO_LARGE = f"is over the limit of {LARGEST_PIXELS // 1_000_000} megapixels: save it smaller"

# Larger images are decoded and examined one at a time, so that a pool of threads never has several
# of them in memory. The lock is reentrant: a thread may need a second one while it has the first.
LARGE_PIXELS = 8_000_000
_large_image = threading.RLock()
# Each scan of a progressive JPEG goes over the whole image again; encoders write about ten.
MOST_SCANS = 500
_START_OF_SCAN = b"\xff\xda"
# Pillow calls a JPEG with further images after the first, as phones write them, MPO.
_JPEGS = ("JPEG", "MPO")

# Pillow allocates the pixels of an image in blocks of this size. Blocks above 32 MB return to the
# system when the image is freed. Smaller ones, its default, stay with the thread: two threads kept
# 0.9 GB after one large image each.
Image.core.set_block_size(64 * 1024**2)

_WHITE_IS_ZERO = 0  # of TIFF's photometric interpretations
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TURNED_A_QUARTER = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class Decoded:
    """An upright RGB image.

    ``height`` and ``width`` are the full size in pixels, also where ``image`` is ``reduced``.
    ``format`` is Pillow's name of the file format; ``orientation`` is that of EXIF, 1 to 8.
    ``seen`` are the levels of an image deeper than 8 bits, where they were asked for.
    """

    image: Image.Image
    height: int
    width: int
    reduced: bool
    format: str
    orientation: int
    seen: SeenLevels | None = None


@dataclass(frozen=True)
class _Wanted:
    """How to decode: see ``decoding``."""

    file_name: str
    smallest_edge: int | None
    levels: Levels
    survey: bool


def decode_image(
    data: bytes,
    file_name: str = "",
    smallest_edge: int | None = None,
    levels: Levels = USUAL_LEVELS,
) -> Image.Image:
    """The first frame of an encoded image as upright RGB, 8 bits a channel: see ``decode``."""
    return decode(data, file_name, smallest_edge, levels).image


def decode(
    data: bytes,
    file_name: str = "",
    smallest_edge: int | None = None,
    levels: Levels = USUAL_LEVELS,
) -> Decoded:
    """The first frame of an encoded image, as people see it.

    With ``smallest_edge`` (pixels) a JPEG may come back reduced by a power of two, which is much
    faster, but no smaller than that. ``levels`` are those of the dataset that it belongs to. Raises
    ``UnreadableImageError`` with the reason, and nothing else, for any bytes.
    """
    with decoding(data, file_name, smallest_edge, levels) as decoded:
        return decoded


@contextmanager
def decoding(
    data: bytes,
    file_name: str = "",
    smallest_edge: int | None = None,
    levels: Levels = USUAL_LEVELS,
    survey: bool = False,
) -> Iterator[Decoded]:
    """Like ``decode``; no other large image is decoded until the block ends.

    ``survey`` asks for the levels that occur in an image deeper than 8 bits.
    """
    with ExitStack() as alone:
        yield _decoded_or_reason(data, _Wanted(file_name, smallest_edge, levels, survey), alone)


def _decoded_or_reason(data: bytes, wanted: _Wanted, alone: ExitStack) -> Decoded:
    with without_pillow_warnings():
        try:
            formats = _formats_for(wanted.file_name)
            with Image.open(io.BytesIO(data), formats=formats) as opened:
                _check_size(opened)
                _check_structure(opened, data)
                whole = opened.size
                if wanted.smallest_edge is not None:
                    opened.draft(None, (wanted.smallest_edge, wanted.smallest_edge))
                if _takes_much_memory(opened, whole):
                    alone.enter_context(_large_image)
                return _decoded(opened, whole, data, wanted)
        except UnreadableImageError:
            raise
        except UnidentifiedImageError:
            raise UnreadableImageError(why_unknown(data, wanted.file_name)) from None
        except Image.DecompressionBombError:
            raise UnreadableImageError(f"the image {TOO_LARGE}") from None
        except MemoryError:
            raise UnreadableImageError(OUT_OF_MEMORY) from None
        except Exception as error:
            # Decoders raise all kinds of errors on hostile bytes; each becomes a reason.
            reason = why_not_decoded(data, wanted.file_name, error)
            raise UnreadableImageError(reason) from error


def _decoded(
    opened: ImageFile.ImageFile, whole: tuple[int, int], data: bytes, wanted: _Wanted
) -> Decoded:
    reduced = opened.size != whole
    if opened.format == "PPM":
        decode_fast(opened)
    lower_tiles = lower_byte_tiles(opened)
    # First of all: reading the EXIF of a PNG decodes it too, and would hide why that fails.
    opened.load()
    orientation = exif_orientation(opened)
    width, height = reversed(whole) if orientation in _TURNED_A_QUARTER else whole
    if lower_tiles is None:
        image, seen = _shades(opened, wanted)
    else:
        image, seen = _colours(opened, lower_tiles, data, wanted)
    # Free the pixels before turning makes another copy of them.
    opened.close()
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    return Decoded(image, height, width, reduced, opened.format or "", orientation, seen)


def _shades(opened: ImageFile.ImageFile, wanted: _Wanted) -> tuple[Image.Image, SeenLevels | None]:
    """RGB of any image but colours of 16 bits, and its levels where they are asked for."""
    image = as_rgb(opened, opened.info.get("transparency"), wanted.levels)
    kind = deep_kind(opened.mode)
    if kind is None:
        return image, None
    if _is_negative(opened):
        image = ImageOps.invert(image)
    pixels = opened.width * opened.height
    return image, seen_levels(bands(opened), kind, pixels) if wanted.survey else None


def _is_negative(opened: ImageFile.ImageFile) -> bool:
    """Whether 0 means white in a deep TIFF; Pillow heeds that in TIFFs of 8 bits alone."""
    if not isinstance(opened, TiffImagePlugin.TiffImageFile):
        return False
    return bool(opened.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO)


def _colours(
    opened: ImageFile.ImageFile, lower_tiles: Tiles, data: bytes, wanted: _Wanted
) -> tuple[Image.Image, SeenLevels | None]:
    """RGB of colours of 16 bits, and their levels where they are asked for."""
    lower = None
    if wanted.levels.whole or (wanted.survey and is_narrow(opened)):
        lower = lower_bytes(data, opened.format or "", lower_tiles)
    seen = seen_in_colours(opened, lower) if wanted.survey else None
    if wanted.levels.whole and lower is not None:
        return stretched_colours(opened, lower, wanted.levels.whole), seen
    return as_rgb(opened, opened.info.get("transparency")), seen


def _takes_much_memory(opened: Image.Image, whole: tuple[int, int]) -> bool:
    # A progressive JPEG is in memory as a whole while it is decoded, even when it is reduced.
    held = whole if opened.info.get("progressive") else opened.size
    return held[0] * held[1] > LARGE_PIXELS


def _formats_for(file_name: str) -> tuple[str, ...]:
    by_suffix = BY_SUFFIX.get(PurePosixPath(file_name).suffix.lower())
    return FORMATS if by_suffix is None else (*FORMATS, by_suffix)


def _check_size(image: Image.Image) -> None:
    size = f"{image.width} x {image.height} pixels"
    if image.width * image.height > LARGEST_PIXELS:
        raise UnreadableImageError(f"{size} {TOO_LARGE}")
    if min(image.size) < SMALLEST_EDGE:
        raise UnreadableImageError(f"{size}: each side must be at least {SMALLEST_EDGE}")


def _check_structure(image: ImageFile.ImageFile, data: bytes) -> None:
    if image.format in _JPEGS and data.count(_START_OF_SCAN) > MOST_SCANS:
        raise UnreadableImageError(
            f"drawn in more than {MOST_SCANS} passes, which would take hours to read"
        )
    if image.format == "PNG":
        # Decoding ignores the checksums of the pixels and shows what is left of them.
        with Image.open(io.BytesIO(data), formats=("PNG",)) as again:
            again.verify()
    reason = why_misread(image)
    if reason is not None:
        raise UnreadableImageError(reason)
