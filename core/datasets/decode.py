"""Decode one picture from bytes, as people see it: turned upright, on white, 8 bits a channel.

Files are known by content, not by name, and only formats on the list below are opened. The one
exception is TIFF, a large and old family of decoders: it is opened only where the name asks
for it, so that a TIFF that calls itself ``.png`` is refused.
"""

import io
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
LARGEST_PIXELS = 50_000_000
SMALLEST_SIDE = 2
LARGEST_16_BIT = 65535

# Pictures above this size are decoded one at a time, so that a pool of threads never holds
# several of them in memory at once.
LARGE_PIXELS = 8_000_000
_large_picture = threading.Lock()

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_THEIR_SIDE = frozenset({5, 6, 7, 8})
# Rows of a large picture that are laid on white at a time: a second whole copy would not fit.
_BAND_ROWS = 512


class UnreadableImageError(Exception):
    """A file that cannot be used as a picture; the message is the reason, in plain words."""


_quiet_lock = threading.Lock()
_quiet_depth = 0
_quiet_context: warnings.catch_warnings | None = None


@contextmanager
def without_pillow_warnings() -> Iterator[None]:
    """Silence Pillow's warnings (odd EXIF, large pictures) while any thread is inside.

    What they warn of is checked here and reported as a reason. ``warnings.catch_warnings`` is
    not safe in several threads, hence the counter: the first one in sets the filter, the last
    one out restores it.
    """
    global _quiet_depth, _quiet_context
    with _quiet_lock:
        if _quiet_depth == 0:
            _quiet_context = warnings.catch_warnings()
            _quiet_context.__enter__()
            warnings.simplefilter("ignore")
        _quiet_depth += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_depth -= 1
            if _quiet_depth == 0 and _quiet_context is not None:
                _quiet_context.__exit__(None, None, None)
                _quiet_context = None


@dataclass(frozen=True)
class Decoded:
    """An upright RGB picture; ``height`` and ``width`` are those of the whole of it in pixels,
    also where ``picture`` is ``reduced``. ``format`` is Pillow's name of the file format."""

    picture: Image.Image
    height: int
    width: int
    reduced: bool
    format: str
    orientation: int


def decode_image(data: bytes, file_name: str = "", smallest_side: int | None = None) -> Image.Image:
    """The first frame of an encoded picture as upright RGB, 8 bits a channel: see ``decode``."""
    return decode(data, file_name, smallest_side).picture


def decode(data: bytes, file_name: str = "", smallest_side: int | None = None) -> Decoded:
    """The first frame of an encoded picture, as people see it, with what is known of the whole.

    With ``smallest_side`` a JPEG may come back reduced by a power of two (much faster), never
    below that side. Raises ``UnreadableImageError`` with the reason, and nothing else, whatever the
    bytes are.
    """
    with without_pillow_warnings():
        try:
            with Image.open(io.BytesIO(data), formats=_formats_for(file_name)) as opened:
                return _decoded(opened, smallest_side)
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
            raise UnreadableImageError(f"damaged or cut short ({_one_line(error)})") from error


def _decoded(opened: Image.Image, smallest_side: int | None) -> Decoded:
    _check_size(opened)
    whole = opened.size
    orientation = _orientation(opened)
    if smallest_side is not None:
        opened.draft(None, (smallest_side, smallest_side))
    if opened.width * opened.height > LARGE_PIXELS:
        with _large_picture:
            picture = _as_people_see_it(opened, orientation)
    else:
        picture = _as_people_see_it(opened, orientation)
    width, height = reversed(whole) if orientation in _ON_THEIR_SIDE else whole
    reduced = opened.size != whole
    return Decoded(picture, height, width, reduced, opened.format or "", orientation)


def _formats_for(file_name: str) -> tuple[str, ...]:
    if PurePosixPath(file_name).suffix.lower() in TIFF_SUFFIXES:
        return (*FORMATS, "TIFF")
    return FORMATS


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > LARGEST_PIXELS:
        raise UnreadableImageError(_too_large_message(image))
    if min(image.size) < SMALLEST_SIDE:
        raise UnreadableImageError(
            f"{image.width} x {image.height} pixels: each side must be at least {SMALLEST_SIDE}"
        )


def _too_large_message(image: Image.Image | None) -> str:
    size = f"{image.width} x {image.height} pixels" if image else "the picture"
    return f"{size} is over the limit of {LARGEST_PIXELS // 1_000_000} megapixels"


def _as_people_see_it(image: Image.Image, orientation: int) -> Image.Image:
    image.load()
    turn = _TURNS.get(orientation)
    upright = image.transpose(turn) if turn is not None else image
    return _to_rgb(upright, image.info.get("transparency"))


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 where there is none. Unreadable EXIF turns nothing, as in viewers."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (SyntaxError, ValueError, TypeError, KeyError, EOFError, OSError, struct.error):
        return 1


def _to_rgb(image: Image.Image, transparent: object) -> Image.Image:
    if image.mode.startswith("I"):
        return _from_16_bit(np.asarray(image), transparent)
    if image.mode == "F":
        return _from_float(np.asarray(image))
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        return _on_white(image)
    if image.mode == "RGB":
        return image.copy()
    return image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    result = Image.new("RGB", image.size)
    for top in range(0, image.height, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, image.height)
        band = image.crop((0, top, image.width, bottom)).convert("RGBA")
        white = Image.new("RGBA", band.size, (255, 255, 255, 255))
        result.paste(Image.alpha_composite(white, band).convert("RGB"), (0, top))
    return result


def _from_16_bit(values: np.ndarray, transparent: object) -> Image.Image:
    """0..65535 to 0..255, rounded; Pillow itself would clip everything above 255 to white."""
    wide = np.clip(values.astype(np.int64), 0, LARGEST_16_BIT)
    grey = ((wide * 255 + LARGEST_16_BIT // 2) // LARGEST_16_BIT).astype(np.uint8)
    if isinstance(transparent, int):
        grey[wide == transparent] = 255
    return Image.fromarray(grey).convert("RGB")


def _from_float(values: np.ndarray) -> Image.Image:
    """Floats are 0 to 1 where none is larger than 1, else 0 to 255."""
    if not np.isfinite(values).all():
        raise UnreadableImageError("holds pixels that are not numbers")
    scale = 255.0 if values.max() <= 1.0 else 1.0
    grey = np.clip(np.rint(values * scale), 0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


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
    if data.startswith((b"II*\0", b"MM\0*")):
        return "a TIFF whose name does not end in .tif or .tiff"
    return f"not a readable picture of a known format ({accepted})"


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:120]
