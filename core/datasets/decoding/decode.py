"""Decode one picture from bytes, as people see it: turned upright, on white, 8 bits a channel.

Files are known by content, not by name, and only formats on the list below are opened. The one
exception is TIFF, a large and old family of decoders: it is opened only where the name asks
for it, so that a TIFF that calls itself ``.png`` is refused.
"""

import io
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from PIL import ExifTags, Image, UnidentifiedImageError

from core.datasets.decoding.as_rgb import UnreadableImageError, as_rgb
from core.datasets.decoding.pool import without_pillow_warnings

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
LARGEST_PIXELS = 50_000_000
SMALLEST_EDGE = 2

# Pictures above this size are decoded and looked at one at a time, so that a pool of threads never
# holds several of them in memory at once. A thread may need the second while it holds the first.
LARGE_PIXELS = 8_000_000
_large_image = threading.RLock()
# Each scan of a progressive JPEG goes over the whole picture again; encoders write about ten.
MOST_SCANS = 500
_START_OF_SCAN = b"\xff\xda"
# A JPEG with more pictures behind the first, as telephones write, is what Pillow calls MPO.
_JPEGS = ("JPEG", "MPO")

# Pillow asks the system for the pixels of a picture in pieces of this size. Pieces above 32 MB go
# back to the system when a picture is let go; the smaller ones that it asks for otherwise stay with
# the thread, so that two threads kept 0.9 GB after a large picture each, one after the other.
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
    """An upright RGB picture; ``height`` and ``width`` are those of the whole of it in pixels,
    also where ``image`` is ``reduced``. ``format`` is Pillow's name of the file format."""

    image: Image.Image
    height: int
    width: int
    reduced: bool
    format: str
    orientation: int


def decode_image(data: bytes, file_name: str = "", smallest_edge: int | None = None) -> Image.Image:
    """The first frame of an encoded picture as upright RGB, 8 bits a channel: see ``decode``."""
    return decode(data, file_name, smallest_edge).image


def decode(data: bytes, file_name: str = "", smallest_edge: int | None = None) -> Decoded:
    """The first frame of an encoded picture, as people see it, with what is known of the whole.

    With ``smallest_edge`` a JPEG may come back reduced by a power of two (much faster), never
    below that side. Raises ``UnreadableImageError`` with the reason, and nothing else, whatever the
    bytes are.
    """
    with decoding(data, file_name, smallest_edge) as decoded:
        return decoded


@contextmanager
def decoding(
    data: bytes, file_name: str = "", smallest_edge: int | None = None
) -> Iterator[Decoded]:
    """``decode``, and no other large picture is decoded until the block ends."""
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
            raise UnreadableImageError(_too_large_message(None)) from None
        except MemoryError:
            raise UnreadableImageError("too large for the memory of this machine") from None
        except Exception as error:
            # Decoders raise anything on hostile bytes; every one becomes a reason.
            raise UnreadableImageError(_why_damaged(error)) from error


def _decoded(opened: Image.Image, whole: tuple[int, int]) -> Decoded:
    orientation = _orientation(opened)
    width, height = reversed(whole) if orientation in _TURNED_A_QUARTER else whole
    reduced = opened.size != whole
    image = _as_people_see_it(opened, orientation)
    return Decoded(image, height, width, reduced, opened.format or "", orientation)


def _takes_much_memory(opened: Image.Image, whole: tuple[int, int]) -> bool:
    # A progressive JPEG is held whole while it is decoded, however much it is reduced.
    held = whole if opened.info.get("progressive") else opened.size
    return held[0] * held[1] > LARGE_PIXELS


def _formats_for(file_name: str) -> tuple[str, ...]:
    if PurePosixPath(file_name).suffix.lower() in TIFF_SUFFIXES:
        return (*FORMATS, "TIFF")
    return FORMATS


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > LARGEST_PIXELS:
        raise UnreadableImageError(_too_large_message(image))
    if min(image.size) < SMALLEST_EDGE:
        raise UnreadableImageError(
            f"{image.width} x {image.height} pixels: each side must be at least {SMALLEST_EDGE}"
        )


def _check_structure(image: Image.Image, data: bytes) -> None:
    if image.format in _JPEGS and data.count(_START_OF_SCAN) > MOST_SCANS:
        raise UnreadableImageError(
            f"drawn in more than {MOST_SCANS} passes, which would take hours to read"
        )
    if image.format == "PNG":
        # Decoding does not look at the checksums of the pixels, and shows what is left of them.
        with Image.open(io.BytesIO(data), formats=("PNG",)) as again:
            again.verify()


def _too_large_message(image: Image.Image | None) -> str:
    size = f"{image.width} x {image.height} pixels" if image else "the picture"
    return f"{size} is over the limit of {LARGEST_PIXELS // 1_000_000} megapixels"


def _as_people_see_it(image: Image.Image, orientation: int) -> Image.Image:
    image.load()
    rgb = as_rgb(image, image.info.get("transparency"))
    # Its pixels go before the turn makes another copy of them.
    image.close()
    turn = _TURNS.get(orientation)
    return rgb.transpose(turn) if turn is not None else rgb


def orientation_of(jpeg: bytes) -> int:
    """The EXIF orientation of a JPEG, 1 to 8; only its head is read. ``OSError``: not a JPEG."""
    with without_pillow_warnings(), Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
        return _orientation(opened)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 where there is none. Unreadable EXIF turns nothing, as in viewers."""
    try:
        orientation = int(image.getexif().get(ExifTags.Base.Orientation, 1))
        return orientation if orientation in _TURNS else 1
    except (SyntaxError, ValueError, TypeError, KeyError, EOFError, OSError, struct.error):
        return 1


def _why_damaged(error: Exception) -> str:
    if isinstance(error, ValueError) and "MAX_TEXT" in str(error):
        return "holds a text that unpacks to more than a picture's description needs"
    return f"damaged or cut short ({_one_line(error)})"


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
        brand = data[8:12]
        if brand in _HEIC_BRANDS:
            return f"a HEIC picture, as iPhones take them: save it as JPEG (read are {accepted})"
        if brand == b"avif":
            return f"an AVIF picture: save it as JPEG or PNG (read are {accepted})"
        return f"a film, not one of {accepted}"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "a TIFF whose name does not end in .tif or .tiff"
    return f"not a readable picture of a known format ({accepted})"


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:120]
