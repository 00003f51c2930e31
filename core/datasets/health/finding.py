"""One thing that was noticed about a dataset, with what can be done about it."""

from dataclasses import dataclass

import numpy as np

from core.datasets.dataset import Dataset
from core.datasets.groups import members_of

SEVERITIES = ("problem", "warning", "note", "good")
MOST_GROUPS = 200
MOST_IN_GROUP = 100


@dataclass(frozen=True)
class Finding:
    """``kind`` is stable for programs; ``severity`` is one of ``SEVERITIES``.

    ``title`` says what was found, with numbers; ``advice`` what can be done. ``image_groups`` are
    positions of pictures to show side by side, ``MOST_GROUPS`` groups of ``MOST_IN_GROUP`` at most;
    ``count`` is how many groups or images there are in all. ``classes`` are the names concerned;
    ``actions`` name the fields of ``versions.Changes`` that would settle it.
    """

    kind: str
    severity: str
    title: str
    advice: str = ""
    image_groups: tuple[tuple[int, ...], ...] = ()
    count: int = 0
    classes: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


def shown_groups(
    numbers: np.ndarray, wanted: np.ndarray, kinds: np.ndarray | None = None
) -> tuple[tuple[int, ...], ...]:
    """The wanted sets as ``image_groups``: see ``groups.members_of``.

    Of each of ``kinds`` (labels or sides, int ``(N,)``) in a set the first comes first, so that
    the difference is seen where a set is cut.
    """
    groups = []
    for positions in members_of(numbers, wanted, MOST_GROUPS):
        if kinds is not None:
            _, first = np.unique(kinds[positions], return_index=True)
            positions = np.concatenate([positions[first], np.delete(positions, first)])
        groups.append(tuple(positions[:MOST_IN_GROUP].tolist()))
    return tuple(groups)


def single_image_groups(positions: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """Pictures as ``image_groups`` of one each."""
    return tuple((position,) for position in positions[:MOST_GROUPS].tolist())


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


def size_text(size: tuple[int, int]) -> str:
    """``500 × 375``: width, then height."""
    return f"{size[0]:,} × {size[1]:,}"
