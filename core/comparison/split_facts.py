"""How an experiment's images were dealt: each side, each class, near duplicates together."""

from dataclasses import dataclass

import numpy as np

from core.datasets.model import SUBSETS, Dataset
from core.datasets.split import Split
from core.runs.experiment_spec import ExperimentSpec

# Near duplicates that fit one row of pictures.
MOST_SHOWN = 6


@dataclass(frozen=True)
class SideFacts:
    """One side of the split; ``share`` is of all images of the three sides, 0 to 1."""

    side: str
    images: int
    share: float


@dataclass(frozen=True)
class DuplicateFacts:
    """``groups`` of two or more images that look the same, holding ``images`` in all.

    ``divided`` counts groups that lie on more than one side. ``example`` are positions in the
    dataset of one group, all on ``example_side``; empty where there is none.
    """

    groups: int
    images: int
    divided: int
    example: tuple[int, ...]
    example_side: str


def sides_of(spec: ExperimentSpec) -> tuple[SideFacts, ...]:
    """The sides in the order of ``SUBSETS``; empty where the spec does not say."""
    total = sum(spec.images.get(side, 0) for side in SUBSETS)
    return tuple(
        SideFacts(side, spec.images[side], spec.images[side] / total)
        for side in SUBSETS
        if total and side in spec.images
    )


def class_sides(dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    """Images of each class on each side: int ``(classes,)`` by side."""
    return {
        side: np.bincount(dataset.labels[getattr(split, side)], minlength=len(dataset.classes))
        for side in SUBSETS
    }


def widest_gap(counts: dict[str, np.ndarray]) -> float:
    """The largest difference between a class's share of the training images and of the test
    images, 0 to 1: what stratifying keeps small."""
    train, test = (counts[side] / counts[side].sum() for side in ("train", "test"))
    return float(np.abs(train - test).max())


def duplicate_facts(dataset: Dataset, split: Split) -> DuplicateFacts:
    """Groups of near duplicates and on which sides they lie."""
    sides = np.full(dataset.image_count, -1)
    for number, side in enumerate(SUBSETS):
        sides[getattr(split, side)] = number
    dealt = np.flatnonzero(sides >= 0)
    groups, places, sizes = np.unique(
        dataset.groups[dealt], return_inverse=True, return_counts=True
    )
    lowest = np.full(len(groups), len(SUBSETS))
    highest = np.full(len(groups), -1)
    np.minimum.at(lowest, places, sides[dealt])
    np.maximum.at(highest, places, sides[dealt])
    several = sizes > 1
    whole = several & (lowest == highest)
    fitting = np.flatnonzero(whole & (sizes <= MOST_SHOWN))
    example: tuple[int, ...] = ()
    side = ""
    if len(fitting):
        chosen = int(fitting[np.argmax(sizes[fitting])])
        example = tuple(int(index) for index in dealt[places == chosen])
        side = SUBSETS[int(lowest[chosen])]
    return DuplicateFacts(
        groups=int(several.sum()),
        images=int(sizes[several].sum()),
        divided=int((several & (lowest != highest)).sum()),
        example=example,
        example_side=side,
    )
