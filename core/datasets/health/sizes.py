"""How large the pictures of a dataset are, and of which shape."""

from dataclasses import dataclass

import numpy as np

from core.datasets.model import Dataset


@dataclass(frozen=True)
class SizeSummary:
    """``smallest``, ``median`` and ``largest`` are sizes of pictures that are there, by area:
    width and height in pixels. ``portrait``, ``landscape`` and ``square`` are shares, 0 to 1."""

    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    portrait: float
    landscape: float
    square: float


def size_summary(dataset: Dataset) -> SizeSummary:
    """The sizes of all pictures, in a few numbers."""
    widths, heights = dataset.widths, dataset.heights
    # By width where the area is the same: a camera that is turned makes two sizes of one area.
    order = np.lexsort((widths, widths.astype(np.int64) * heights))
    smallest, median, largest = (
        (int(widths[position]), int(heights[position]))
        for position in (order[0], order[(len(order) - 1) // 2], order[-1])
    )
    return SizeSummary(
        smallest,
        median,
        largest,
        portrait=float((heights > widths).mean()),
        landscape=float((widths > heights).mean()),
        square=float((widths == heights).mean()),
    )
