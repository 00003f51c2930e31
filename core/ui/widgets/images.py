"""Small square pictures for pages: one for each class, or a page of a gallery."""

import io
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from core.datasets.dataset import Dataset
from core.datasets.decoding.pool import decoding_threads

IMAGE_SIZE = 96
CANDIDATES = 6
WHITE = (255, 255, 255)
TRANSPARENT = (0, 0, 0, 0)


def class_images(dataset: Dataset, most_classes: int) -> list[tuple[str, int, bytes]]:
    """``(class, images, PNG)`` of the ``most_classes`` largest classes, in the dataset's order.

    Of the first few pictures of a class the one with the most contrast stands for it, so that an
    almost empty one does not.
    """
    largest = {name for name, _ in Counter(dataset.class_counts).most_common(most_classes)}
    shown = []
    for number, (name, count) in enumerate(dataset.class_counts.items()):
        if name in largest:
            first = np.flatnonzero(dataset.labels == number)[:CANDIDATES]
            pictures = [_square(dataset.thumbnail(int(index), IMAGE_SIZE)) for index in first]
            shown.append((name, count, _png(max(pictures, key=_contrast))))
    return shown


def tiles(dataset: Dataset, indexes: Sequence[int], size: int) -> list[bytes]:
    """PNG squares of ``size`` pixels, each picture in the middle of nothing: a page's gallery.

    Decoded in threads, because a page of large photographs takes seconds in one.
    """
    with ThreadPoolExecutor(decoding_threads(), "tiles") as pool:
        return list(pool.map(lambda index: padded(dataset.thumbnail(index, size), size), indexes))


def fitted(png: bytes, size: int) -> bytes:
    """PNG of the picture (PNG), smaller or larger, so that its longer side has ``size`` pixels."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    scale = size / max(picture.size)
    width, height = (max(1, round(scale * length)) for length in picture.size)
    # Enlarged pixels stay visible as what they are.
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BICUBIC
    return _png(picture.resize((width, height), method))


def padded(png: bytes, size: int) -> bytes:
    """PNG square of ``size`` pixels: the picture (PNG, no larger) in the middle of nothing."""
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    square = Image.new("RGBA", (size, size), TRANSPARENT)
    square.paste(picture, ((size - picture.width) // 2, (size - picture.height) // 2))
    return _png(square)


def _square(png: bytes) -> Image.Image:
    """The picture in the middle of a white square."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    square = Image.new("RGB", (IMAGE_SIZE, IMAGE_SIZE), WHITE)
    corner = ((IMAGE_SIZE - picture.width) // 2, (IMAGE_SIZE - picture.height) // 2)
    square.paste(picture, corner)
    return square


def _contrast(picture: Image.Image) -> float:
    return float(np.asarray(picture.convert("L")).std())


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
