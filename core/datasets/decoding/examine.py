"""Look at one picture on the way in: what it takes to find its duplicates and to describe it."""

import hashlib
from dataclasses import dataclass
from typing import cast

import imagehash
import numpy as np
from PIL import Image

from core.datasets.decoding.as_rgb import bands
from core.datasets.decoding.decode import decoding
from core.datasets.decoding.metadata import without_metadata

# A JPEG is never reduced below this side in pixels to be looked at: twice the 32 of the hash, which
# then lies within 4 bits of that of the whole picture (200 made pictures), as it does from 128.
EXAMINED_EDGE = 64
# Few rows at a time: a coloured picture is known by its first ones.
GREY_BAND_ROWS = 64
# Levels (of 255) by which the pixels of a picture of one colour may differ.
ONE_COLOUR_LEVELS = 4

SMALLEST_HASHED_EDGE = 32
THUMBNAIL_EDGE = 16


@dataclass(frozen=True, slots=True)
class Examined:
    """What one picture is: a digest that is equal where the pixels are, size, grey or not, of one
    colour or not, hash. ``thumbnail`` is None where the picture is too small for a hash."""

    digest: bytes
    height: int
    width: int
    grey: bool
    one_colour: bool
    hash: int
    thumbnail: np.ndarray | None


def examine_file(data: bytes, file_name: str) -> Examined:
    """Decode an encoded picture and look at it. Raises ``UnreadableImageError``.

    A large JPEG is decoded at a half, a quarter or an eighth of its side, which is enough for
    hash and thumbnail and several times faster. All its data are read on the way, so damage is
    found. Its digest is then taken from the compressed picture, without metadata.
    """
    with decoding(data, file_name, EXAMINED_EDGE) as decoded:
        size = decoded.height, decoded.width
        if not decoded.reduced:
            return _examined(decoded.image, size, None)
        digest = hashlib.sha256(f"{decoded.orientation};".encode())
        digest.update(_without_metadata(data))
        return _examined(decoded.image, size, digest.digest())


def examine_pixels(pixels: np.ndarray) -> Examined:
    """Look at a picture that came as numbers: uint8 ``(H, W)`` or ``(H, W, 3)``."""
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    height, width = pixels.shape[:2]
    return _examined(Image.fromarray(pixels), (height, width), None)


def _without_metadata(jpeg: bytes) -> bytes:
    try:
        return without_metadata(jpeg)
    except ValueError:
        return jpeg


def _examined(image: Image.Image, size: tuple[int, int], digest: bytes | None) -> Examined:
    """Look at an RGB picture; ``size`` (height, width) is that of the whole of it.

    Without a ``digest`` that of the pixels is taken.
    """
    height, width = size
    of_pixels = hashlib.sha256(f"{height}x{width};".encode())
    grey = True
    # Band by band: a large picture never gets a second copy of itself.
    for band in bands(image):
        if digest is None:
            of_pixels.update(np.ascontiguousarray(band).data)
        grey = grey and _is_grey(band)
        if digest is not None and not grey:
            break
    digest = digest or of_pixels.digest()
    if min(height, width) < SMALLEST_HASHED_EDGE:
        return Examined(digest, height, width, grey, _is_one_colour(image), 0, None)
    thumbnail = grey_thumbnail(image)
    # The thumbnail first: it settles nearly all without another look at every pixel.
    one_colour = int(np.ptp(thumbnail)) <= ONE_COLOUR_LEVELS and _is_one_colour(image)
    return Examined(digest, height, width, grey, one_colour, perceptual_hash(image), thumbnail)


def _is_one_colour(image: Image.Image) -> bool:
    """Whether an RGB picture is of one colour, but for what JPEG adds."""
    channels = cast(tuple[tuple[int, int], ...], image.getextrema())
    return all(highest - lowest <= ONE_COLOUR_LEVELS for lowest, highest in channels)


def _is_grey(pixels: np.ndarray) -> bool:
    for top in range(0, len(pixels), GREY_BAND_ROWS):
        band = pixels[top : top + GREY_BAND_ROWS]
        if (band[..., 0] != band[..., 1]).any() or (band[..., 1] != band[..., 2]).any():
            return False
    return True


def perceptual_hash(image: Image.Image) -> int:
    """64-bit DCT hash of a picture as an unsigned integer."""
    bits = imagehash.phash(image, hash_size=8).hash.ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def grey_thumbnail(image: Image.Image) -> np.ndarray:
    """Grey uint8 ``(16, 16)`` thumbnail, averaged over areas, proportions not kept."""
    edge = (THUMBNAIL_EDGE, THUMBNAIL_EDGE)
    return np.asarray(image.resize(edge, Image.Resampling.BOX).convert("L"))
