"""Examine one image as it is added: all that is needed to find its duplicates and describe it."""

import hashlib
from dataclasses import dataclass, replace
from typing import cast

import imagehash
import numpy as np
from PIL import Image

from core.datasets.decoding.as_rgb import bands
from core.datasets.decoding.decode import decoding
from core.datasets.decoding.levels import USUAL_LEVELS, Levels, SeenLevels
from core.datasets.decoding.metadata import without_metadata

# A JPEG is never reduced below this edge in pixels to be examined: twice the 32 of the hash. The
# hash is then within 4 bits of that of the whole image (200 generated images), as it is with 128.
EXAMINED_EDGE = 64
# Few rows at a time: the first ones of a coloured image suffice to tell.
GREY_BAND_ROWS = 64
# Levels (of 255) by which pixels may differ in an image of one colour.
ONE_COLOUR_LEVELS = 4

SMALLEST_HASHED_EDGE = 32
THUMBNAIL_EDGE = 16


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of one image.

    digest: 32 bytes, equal exactly where the pixels are equal. height, width: pixels.
    grey, one_colour: without colour; of a single colour.
    hash: 64-bit perceptual hash. thumbnail: grey uint8 ``(16, 16)``, None where the image is too
        small for a hash.
    darkest, brightest: the lowest and highest level of any colour, 0 to 255.
    seen: the levels that an image deeper than 8 bits had before it was decoded.
    """

    digest: bytes
    height: int
    width: int
    grey: bool
    one_colour: bool
    hash: int
    thumbnail: np.ndarray | None
    darkest: int
    brightest: int
    seen: SeenLevels | None = None


def examine_file(data: bytes, file_name: str, levels: Levels = USUAL_LEVELS) -> Examined:
    """Decode an encoded image and examine it. Raises ``UnreadableImageError``.

    ``levels`` are those of its dataset, where these are settled.

    A large JPEG is decoded at a half, a quarter or an eighth of its size, which suffices for hash
    and thumbnail and is several times faster. All its data are read, so that damage is found. Its
    digest is then that of the compressed image without metadata.
    """
    with decoding(data, file_name, EXAMINED_EDGE, levels, survey=True) as decoded:
        size = decoded.height, decoded.width
        if not decoded.reduced:
            return replace(_examined(decoded.image, size, None), seen=decoded.seen)
        digest = hashlib.sha256(f"{decoded.orientation};".encode())
        digest.update(_without_metadata(data))
        return _examined(decoded.image, size, digest.digest())


def examine_pixels(pixels: np.ndarray) -> Examined:
    """Examine an image that came as numbers: uint8 ``(H, W)`` or ``(H, W, 3)``."""
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
    """Examine an RGB image; ``size`` (height, width) is its full size.

    Without a ``digest``, that of the pixels is computed.
    """
    height, width = size
    of_pixels = hashlib.sha256(f"{height}x{width};".encode())
    grey = True
    # Band by band, so that no second copy of a large image is made.
    for band in bands(image):
        if digest is None:
            of_pixels.update(np.ascontiguousarray(band).data)
        grey = grey and _is_grey(band)
        if digest is not None and not grey:
            break
    digest = digest or of_pixels.digest()
    channels = cast(tuple[tuple[int, int], ...], image.getextrema())
    # A single colour, apart from JPEG artefacts.
    one_colour = all(highest - lowest <= ONE_COLOUR_LEVELS for lowest, highest in channels)
    is_hashed = min(height, width) >= SMALLEST_HASHED_EDGE
    return Examined(
        digest=digest,
        height=height,
        width=width,
        grey=grey,
        one_colour=one_colour,
        hash=perceptual_hash(image) if is_hashed else 0,
        thumbnail=grey_thumbnail(image) if is_hashed else None,
        darkest=min(lowest for lowest, _ in channels),
        brightest=max(highest for _, highest in channels),
    )


def _is_grey(pixels: np.ndarray) -> bool:
    for top in range(0, len(pixels), GREY_BAND_ROWS):
        band = pixels[top : top + GREY_BAND_ROWS]
        if (band[..., 0] != band[..., 1]).any() or (band[..., 1] != band[..., 2]).any():
            return False
    return True


def perceptual_hash(image: Image.Image) -> int:
    """64-bit DCT hash of an image as an unsigned integer."""
    bits = imagehash.phash(image, hash_size=8).hash.ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def grey_thumbnail(image: Image.Image) -> np.ndarray:
    """Grey uint8 ``(16, 16)`` thumbnail, averaged over areas, without keeping proportions."""
    edge = (THUMBNAIL_EDGE, THUMBNAIL_EDGE)
    return np.asarray(image.resize(edge, Image.Resampling.BOX).convert("L"))
