"""A finding about a dataset, and the sizes of its images in a few numbers."""

from dataclasses import dataclass

import numpy as np

from core.datasets.choices import SUBSETS
from core.datasets.dataset import Dataset
from core.datasets.groups import members_of

SEVERITIES = ("problem", "warning", "note", "good")
MOST_GROUPS = 200
MOST_IN_GROUP = 100


@dataclass(frozen=True)
class Finding:
    """Something that was noticed, with what can be done about it.

    kind: never changes, for programs. severity: one of ``SEVERITIES``.
    title: what was found, with numbers. advice: what can be done.
    image_groups: positions of images to show side by side, at most ``MOST_GROUPS`` groups of
        ``MOST_IN_GROUP``. count: number of groups or images in all.
    classes: the class names concerned.
    actions: the fields of ``versions.Changes`` that would settle it.
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

    One image of each of the ``kinds`` (labels or subsets, int ``(N,)``) leads its set, so that
    a set that is cut still shows the difference.
    """
    groups = []
    for positions in members_of(numbers, wanted, MOST_GROUPS):
        if kinds is not None:
            _, first = np.unique(kinds[positions], return_index=True)
            positions = np.concatenate([positions[first], np.delete(positions, first)])
        groups.append(tuple(positions[:MOST_IN_GROUP].tolist()))
    return tuple(groups)


def single_image_groups(positions: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """Images as ``image_groups`` of one each."""
    return tuple((position,) for position in positions[:MOST_GROUPS].tolist())


def classes_of(dataset: Dataset, marked: np.ndarray) -> tuple[str, ...]:
    """The names of the classes that are ``marked``, bool ``(classes,)``."""
    return tuple(dataset.classes[number] for number in np.flatnonzero(marked))


def subset_counts_text(dataset: Dataset) -> str:
    """``60,000 train, 10,000 test``: the predefined split; "" without one."""
    if dataset.predefined_subsets is None:
        return ""
    counts = np.bincount(dataset.predefined_subsets, minlength=len(SUBSETS))
    return ", ".join(
        f"{count:,} {subset}" for subset, count in zip(SUBSETS, counts, strict=True) if count
    )


@dataclass(frozen=True)
class SizeSummary:
    """``smallest``, ``median``, ``largest``: width and height in pixels of these images, by area.

    ``portrait``, ``landscape`` and ``square`` are fractions of the images, 0 to 1.
    """

    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    portrait: float
    landscape: float
    square: float


def size_summary(dataset: Dataset) -> SizeSummary:
    """The sizes of all images, in a few numbers."""
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
