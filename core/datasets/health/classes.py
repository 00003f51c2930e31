"""Findings about the classes: too small, few, many, unequal, missing on a side."""

import numpy as np

from core.datasets.dataset import SUBSETS, Dataset
from core.datasets.health.finding import Finding
from core.datasets.split import classes_too_small
from core.datasets.wording import counted, listed, percent, shortened

# With fewer pictures a class has so few in the test that one more right or wrong shows.
FEW_IMAGES = 20
MANY_CLASSES = 100
# From this share of the commonest class, or this ratio to the smallest, accuracy alone misleads.
STRONG_MAJORITY = 0.6
STRONG_RATIO = 10


def about_classes(dataset: Dataset) -> list[Finding]:
    """What the sizes of the classes mean for results; nothing where all is well."""
    found = [
        _too_small(dataset),
        _missing_in_test(dataset),
        _few(dataset),
        _imbalance(dataset),
        _many(dataset),
        _predefined_split(dataset),
    ]
    return [finding for finding in found if finding is not None]


def _classes(count: int) -> str:
    return counted(count, "class", "classes")


def _too_small(dataset: Dataset) -> Finding | None:
    small = classes_too_small(dataset)
    if not small:
        return None
    needed = max(minimum for _, minimum in small.values())
    where = "" if dataset.predefined_subsets is None else " to train on"
    return Finding(
        "small_classes",
        "problem",
        f"{_classes(len(small))} {'is' if len(small) == 1 else 'are'} too small to be split:"
        f" {listed(list(small))}.",
        f"Each needs at least {counted(needed, 'picture')}{where} that"
        f" {'is' if needed == 1 else 'are'} no near duplicate of another. Add pictures, merge it"
        " with another class, or leave it out.",
        count=len(small),
        classes=tuple(small),
        actions=("merge_classes", "drop_classes"),
    )


def _missing_in_test(dataset: Dataset) -> Finding | None:
    if dataset.predefined_subsets is None:
        return None
    tested = dataset.labels[dataset.predefined_subsets == SUBSETS.index("test")]
    counts = np.bincount(tested, minlength=len(dataset.classes))
    names = tuple(dataset.classes[number] for number in np.flatnonzero(counts == 0))
    if not names:
        return None
    return Finding(
        "classes_not_in_test",
        "warning",
        f"{_classes(len(names))} {'has' if len(names) == 1 else 'have'} no picture in the test"
        f" that came with the dataset: {listed(names)}.",
        "Nothing can be said about how well they are told. Let Headstart make its own split, or"
        " leave them out.",
        count=len(names),
        classes=names,
        actions=("drop_classes",),
    )


def _few(dataset: Dataset) -> Finding | None:
    small = classes_too_small(dataset)
    names = tuple(
        name
        for name, count in dataset.class_counts.items()
        if count < FEW_IMAGES and name not in small
    )
    if not names:
        return None
    return Finding(
        "few_images",
        "warning",
        f"{_classes(len(names))} {'has' if len(names) == 1 else 'have'} fewer than {FEW_IMAGES}"
        f" pictures: {listed(names)}.",
        "So few are in the test that one picture more or less changes the result: the intervals"
        " will be wide. Add pictures, merge with another class, or go on and mind the intervals.",
        count=len(names),
        classes=names,
        actions=("merge_classes", "drop_classes"),
    )


def _imbalance(dataset: Dataset) -> Finding | None:
    counts = dataset.class_counts
    largest = dataset.majority_class
    smallest = min(counts, key=lambda name: counts[name])
    ratio = counts[largest] / counts[smallest]
    if dataset.majority_fraction < STRONG_MAJORITY and ratio < STRONG_RATIO:
        return None
    return Finding(
        "imbalance",
        "warning",
        f"A model that always says {shortened(largest)!r} reaches"
        f" {percent(dataset.majority_fraction)}: that class has {counts[largest]:,} pictures, the"
        f" smallest, {shortened(smallest)!r}, has {counts[smallest]:,}.",
        "Look at balanced accuracy, which counts every class alike, and compare every model with"
        " that line.",
        count=1,
        classes=(largest, smallest),
    )


def _many(dataset: Dataset) -> Finding | None:
    count = len(dataset.classes)
    if count < MANY_CLASSES:
        return None
    return Finding(
        "many_classes",
        "note",
        f"There are {count:,} classes, with {dataset.image_count / count:,.0f} pictures each on"
        " average.",
        "If these are not the classes that you meant, the folders or the label column were taken"
        " wrongly: change them and add the images again. Otherwise expect low accuracy and long"
        " charts.",
        count=count,
    )


def _predefined_split(dataset: Dataset) -> Finding | None:
    if dataset.predefined_subsets is None:
        return None
    counts = np.bincount(dataset.predefined_subsets, minlength=len(SUBSETS))
    subsets = ", ".join(
        f"{count:,} {subset}" for subset, count in zip(SUBSETS, counts, strict=True) if count
    )
    return Finding(
        "given_split",
        "note",
        f"It came with a split of its own: {subsets}.",
        "The benchmark uses that split, unless you choose another there.",
    )
