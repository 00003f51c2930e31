"""Images that come as numbers (IDX, tables of pixels): read batch by batch, never as a whole."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PixelBatch:
    """Some images in order: ``pixels`` uint8 ``(n, H, W)`` or ``(n, H, W, 3)`` (RGB), 0 to 255.

    ``class_names`` and ``names`` (shown where a picture's file name is shown) have n entries;
    ``side`` is ``train``, ``validation``, ``test`` or None for all of them.
    """

    pixels: np.ndarray
    class_names: list[str]
    names: list[str]
    side: str | None = None


@dataclass(frozen=True)
class PixelImages:
    """All images of a source. ``read_as`` names the layout for people (``IDX files``).

    ``total`` is all the work, in images or in bytes to be read; ``expected_bytes`` is an upper
    bound of what the pixels take on disk. ``batches`` yields them with the work done so far, in
    the unit of ``total``; rows that cannot be used are refused in the listing on the way. It
    raises ``BadInput`` where the source as a whole cannot be used.
    """

    read_as: str
    total: int
    expected_bytes: int
    batches: Callable[[], Iterator[tuple[PixelBatch, int]]]
