"""How an experiment's images were split: each subset, each class, near duplicates together."""

from dataclasses import dataclass

import numpy as np

from core.datasets.dataset import SUBSETS, Dataset
from core.datasets.split import Split
from core.experiments.records import ExperimentSpec

# Near duplicates that fit one row of pictures.
MOST_SHOWN = 6


@dataclass(frozen=True)
class SubsetFacts:
    """One subset of the split; ``fraction`` is of all images of the three, 0 to 1."""

    subset: str
    images: int
    fraction: float


@dataclass(frozen=True)
class DuplicateFacts:
    """``groups`` of two or more images that look the same, holding ``images`` in all.

    ``divided`` counts groups that lie in more than one subset. ``example`` are positions in the
    dataset of one group, all in ``example_subset``; empty where there is none.
    """

    groups: int
    images: int
    divided: int
    example: tuple[int, ...]
    example_subset: str


def subsets_of(spec: ExperimentSpec) -> tuple[SubsetFacts, ...]:
    """The subsets in the order of ``SUBSETS``; empty where the spec does not say."""
    total = sum(spec.images.get(subset, 0) for subset in SUBSETS)
    return tuple(
        SubsetFacts(subset, spec.images[subset], spec.images[subset] / total)
        for subset in SUBSETS
        if total and subset in spec.images
    )


def class_counts_by_subset(dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    """Images of each class in each subset: int ``(classes,)`` by subset."""
    return {
        subset: np.bincount(dataset.labels[getattr(split, subset)], minlength=len(dataset.classes))
        for subset in SUBSETS
    }


def widest_gap(counts: dict[str, np.ndarray]) -> float:
    """The largest difference between a class's fraction of the training images and of the test
    images, 0 to 1: what stratifying keeps small."""
    train, test = (counts[subset] / counts[subset].sum() for subset in ("train", "test"))
    return float(np.abs(train - test).max())


def duplicate_facts(dataset: Dataset, split: Split) -> DuplicateFacts:
    """Groups of near duplicates and in which subsets they lie."""
    subsets = np.full(dataset.image_count, -1)
    for number, subset in enumerate(SUBSETS):
        subsets[getattr(split, subset)] = number
    dealt = np.flatnonzero(subsets >= 0)
    groups, places, sizes = np.unique(
        dataset.groups[dealt], return_inverse=True, return_counts=True
    )
    lowest = np.full(len(groups), len(SUBSETS))
    highest = np.full(len(groups), -1)
    np.minimum.at(lowest, places, subsets[dealt])
    np.maximum.at(highest, places, subsets[dealt])
    several = sizes > 1
    whole = several & (lowest == highest)
    fitting = np.flatnonzero(whole & (sizes <= MOST_SHOWN))
    example: tuple[int, ...] = ()
    subset = ""
    if len(fitting):
        chosen = int(fitting[np.argmax(sizes[fitting])])
        example = tuple(int(index) for index in dealt[places == chosen])
        subset = SUBSETS[int(lowest[chosen])]
    return DuplicateFacts(
        groups=int(several.sum()),
        images=int(sizes[several].sum()),
        divided=int((several & (lowest != highest)).sum()),
        example=example,
        example_subset=subset,
    )


def split_text(spec: ExperimentSpec) -> str:
    """How the images were split."""
    if spec.given_split:
        return "came with the dataset"
    split = spec.split
    return (
        f"{100 * split.test:g} % test, {100 * split.validation:g} % validation, seed {split.seed}"
    )
