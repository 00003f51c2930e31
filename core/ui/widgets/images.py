"""Images for pages: squares for a gallery, one for each class, one under its heat map."""

import io
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from PIL import Image, ImageOps
from plotly.colors import sample_colorscale, unlabel_rgb

from core.datasets.dataset import Dataset
from core.datasets.decoding.pool import decoding_threads
from core.datasets.prepare import prepare_one, prepared_size
from core.layers.augmentation import Augmentation, previewed

IMAGE_SIZE = 96
CANDIDATES = 6
# Bright where the network looked; told apart with any colour vision, and in grey.
COLOUR_SCALE = "Inferno"
STRONGEST = 0.75


def class_images(dataset: Dataset, most_classes: int) -> list[tuple[str, int, bytes]]:
    """``(class, images, PNG)`` of the ``most_classes`` largest classes, in the dataset's order.

    Of the first few images of a class the one with the most contrast stands for it, so that an
    almost empty one does not. On a white square of ``IMAGE_SIZE`` pixels.
    """
    largest = {name for name, _ in Counter(dataset.class_counts).most_common(most_classes)}
    shown = []
    for number, (name, count) in enumerate(dataset.class_counts.items()):
        if name in largest:
            first = np.flatnonzero(dataset.labels == number)[:CANDIDATES]
            images = [
                _centred(dataset.thumbnail(int(index), IMAGE_SIZE), IMAGE_SIZE, "white")
                for index in first
            ]
            shown.append((name, count, _png(max(images, key=_contrast).convert("RGB"))))
    return shown


def tiles(dataset: Dataset, indexes: Sequence[int], size: int) -> list[bytes]:
    """PNG squares of ``size`` pixels, as ``padded`` makes them: one page of a gallery.

    Decoded in threads, because a page of large photographs takes seconds in one.
    """
    with ThreadPoolExecutor(decoding_threads(), "tiles") as pool:
        return list(pool.map(lambda index: padded(dataset.thumbnail(index, size), size), indexes))


def varied(
    dataset: Dataset,
    indexes: Sequence[int],
    preparation: tuple[int, str],
    seed: int,
    amounts: Augmentation,
) -> list[bytes]:
    """PNGs of these images as augmentation varies them by ``seed``.

    ``preparation``: image size in pixels and way of resizing. They are made square as networks see
    them, then varied; small ones are shown enlarged, so that each pixel stays visible.
    """
    image_size, resize = preparation
    edge = prepared_size(dataset, image_size)
    squares = np.stack([prepare_one(dataset, index, edge, resize) for index in indexes])
    return [
        fitted(_png(Image.fromarray(image.squeeze())), max(edge, IMAGE_SIZE))
        for image in previewed(squares, amounts, seed)
    ]


def fitted(png: bytes, size: int) -> bytes:
    """PNG of the image (PNG), smaller or larger, so that its longer side has ``size`` pixels."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    # Enlarged pixels stay visible as what they are.
    enlarged = max(image.size) < size
    method = Image.Resampling.NEAREST if enlarged else Image.Resampling.BICUBIC
    return _png(ImageOps.contain(image, (size, size), method))


def padded(png: bytes, size: int) -> bytes:
    """PNG square of ``size`` pixels: the image (PNG, no larger) centred, transparent around it."""
    return _png(_centred(png, size, "#0000"))


def overlay(png: bytes, heat: np.ndarray) -> bytes:
    """PNG of the image (PNG) with ``heat`` over it, enlarged smoothly to its size.

    ``heat`` float32 ``(h, w)``, 0 to 1, covers the whole image. The image is shown in grey, so
    that every colour is the map's; where the heat is 0 it shows as it is.
    """
    grey = Image.open(io.BytesIO(png)).convert("L")
    levels = Image.fromarray(np.uint8(np.rint(255 * np.clip(heat, 0.0, 1.0))))
    enlarged = np.asarray(levels.resize(grey.size, Image.Resampling.BICUBIC))
    strength = (STRONGEST * enlarged / 255)[..., np.newaxis]
    below = np.asarray(grey, np.float64)[..., np.newaxis]
    mixed = (1 - strength) * below + strength * _shades()[enlarged]
    return _png(Image.fromarray(np.uint8(np.rint(mixed))))


def brightest_words(heat: np.ndarray) -> str:
    """Where a heat map ``(h, w)`` is brightest, in words."""
    if not heat.any():
        return "nowhere"
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    down = ("top", "middle", "bottom")[min(2, int(3 * row / heat.shape[0]))]
    across = ("left", "middle", "right")[min(2, int(3 * column / heat.shape[1]))]
    return "most in the middle" if down == across else f"most at the {down} {across}"


@cache
def _shades() -> np.ndarray:
    """float64 ``(256, 3)``, 0 to 255: the colour of each level."""
    shades = sample_colorscale(COLOUR_SCALE, np.linspace(0.0, 1.0, 256))
    return np.array([unlabel_rgb(shade) for shade in shades], np.float64)


def _centred(png: bytes, size: int, colour: str) -> Image.Image:
    """The image (PNG, no larger) in the middle of an RGBA square of ``size`` pixels."""
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    square = Image.new("RGBA", (size, size), colour)
    square.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return square


def _contrast(image: Image.Image) -> float:
    return float(np.asarray(image.convert("L")).std())


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
