"""Decode one image from bytes, as people see it: upright, on white, 8 bits a channel.

The format is recognised by content, not by name, and only the formats below are opened. The
exception is TIFF, a large and old family of decoders: it is opened only where the file name ends
accordingly, so that a TIFF named ``.png`` is refused.
"""

import io
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from PIL import Image, UnidentifiedImageError

from core.datasets.decoding.as_rgb import UnreadableImageError, as_rgb
from core.datasets.decoding.metadata import exif_orientation
from core.datasets.decoding.pool import without_pillow_warnings

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
LARGEST_PIXELS = 50_000_000
SMALLEST_EDGE = 2
TOO_LARGE = f"is over the limit of {LARGEST_PIXELS // 1_000_000} megapixels"

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

_HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
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
    """

    image: Image.Image
    height: int
    width: int
    reduced: bool
    format: str
    orientation: int


def decode_image(data: bytes, file_name: str = "", smallest_edge: int | None = None) -> Image.Image:
    """The first frame of an encoded image as upright RGB, 8 bits a channel: see ``decode``."""
    return decode(data, file_name, smallest_edge).image


def decode(data: bytes, file_name: str = "", smallest_edge: int | None = None) -> Decoded:
    """The first frame of an encoded image, as people see it.

    With ``smallest_edge`` (pixels) a JPEG may come back reduced by a power of two, which is much
    faster, but no smaller than that. Raises ``UnreadableImageError`` with the reason, and nothing
    else, for any bytes.
    """
    with decoding(data, file_name, smallest_edge) as decoded:
        return decoded


@contextmanager
def decoding(
    data: bytes, file_name: str = "", smallest_edge: int | None = None
) -> Iterator[Decoded]:
    """Like ``decode``; no other large image is decoded until the block ends."""
    with ExitStack() as alone:
        yield _decoded_or_reason(data, file_name, smallest_edge, alone)


def _decoded_or_reason(
    data: bytes, file_name: str, smallest_edge: int | None, alone: ExitStack
) -> Decoded:
    with without_pillow_warnings():
        try:
            with Image.open(io.BytesIO(data), formats=_formats_for(file_name)) as opened:
                _check_size(opened)
                _check_structure(opened, data)
                whole = opened.size
                if smallest_edge is not None:
                    opened.draft(None, (smallest_edge, smallest_edge))
                if _takes_much_memory(opened, whole):
                    alone.enter_context(_large_image)
                return _decoded(opened, whole)
        except UnreadableImageError:
            raise
        except UnidentifiedImageError:
            raise UnreadableImageError(_why_unknown(data)) from None
        except Image.DecompressionBombError:
            raise UnreadableImageError(f"the image {TOO_LARGE}") from None
        except MemoryError:
            raise UnreadableImageError("too large for the memory of this machine") from None
        except Exception as error:
            # Decoders raise all kinds of errors on hostile bytes; each becomes a reason.
            raise UnreadableImageError(_why_damaged(error)) from error


def _decoded(opened: Image.Image, whole: tuple[int, int]) -> Decoded:
    orientation = exif_orientation(opened)
    width, height = reversed(whole) if orientation in _TURNED_A_QUARTER else whole
    reduced = opened.size != whole
    opened.load()
    image = as_rgb(opened, opened.info.get("transparency"))
    # Free the pixels before turning makes another copy of them.
    opened.close()
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    return Decoded(image, height, width, reduced, opened.format or "", orientation)


def _takes_much_memory(opened: Image.Image, whole: tuple[int, int]) -> bool:
    # A progressive JPEG is in memory as a whole while it is decoded, even when it is reduced.
    held = whole if opened.info.get("progressive") else opened.size
    return held[0] * held[1] > LARGE_PIXELS


def _formats_for(file_name: str) -> tuple[str, ...]:
    if PurePosixPath(file_name).suffix.lower() in TIFF_SUFFIXES:
        return (*FORMATS, "TIFF")
    return FORMATS


def _check_size(image: Image.Image) -> None:
    size = f"{image.width} x {image.height} pixels"
    if image.width * image.height > LARGEST_PIXELS:
        raise UnreadableImageError(f"{size} {TOO_LARGE}")
    if min(image.size) < SMALLEST_EDGE:
        raise UnreadableImageError(f"{size}: each side must be at least {SMALLEST_EDGE}")


def _check_structure(image: Image.Image, data: bytes) -> None:
    if image.format in _JPEGS and data.count(_START_OF_SCAN) > MOST_SCANS:
        raise UnreadableImageError(
            f"drawn in more than {MOST_SCANS} passes, which would take hours to read"
        )
    if image.format == "PNG":
        # Decoding ignores the checksums of the pixels and shows what is left of them.
        with Image.open(io.BytesIO(data), formats=("PNG",)) as again:
            again.verify()


def _why_damaged(error: Exception) -> str:
    if isinstance(error, ValueError) and "MAX_TEXT" in str(error):
        return "contains a text that unpacks to far more than an image's description needs"
    text = " ".join(str(error).split()) or type(error).__name__
    return f"damaged or cut short ({text[:120]})"


def _why_unknown(data: bytes) -> str:
    accepted = ", ".join(FORMATS)
    start = data[:512].lstrip().lower()
    if not data:
        return "the file is empty"
    if start.startswith((b"<svg", b"<?xml")):
        return f"a vector drawing or XML, not one of {accepted}"
    if start.startswith((b"<!doctype", b"<html")):
        return f"a web page, not one of {accepted}"
    if start.startswith(b"%pdf"):
        return f"a PDF document, not one of {accepted}"
    if data[4:8] == b"ftyp":
        if data[8:12] in _HEIC_BRANDS:
            return (
                "a HEIC image, as iPhones take them: save it as JPEG (formats that can be read:"
                f" {accepted})"
            )
        if data[8:12] == b"avif":
            return f"an AVIF image: save it as JPEG or PNG (formats that can be read: {accepted})"
        return f"a video, not one of {accepted}"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "a TIFF whose name does not end in .tif or .tiff"
    return f"not a readable image of a known format ({accepted})"
