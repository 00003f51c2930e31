"""Findings about the classes: too small, few images, imbalance, many, missing in test."""

import numpy as np

from core.datasets.dataset import SUBSETS, Dataset
from core.datasets.health.finding import Finding
from core.datasets.split import classes_too_small
from core.text import count_text, quoted_list_text, rough_percent_text, shorten

# With fewer images, the test subset has so few of a class that a single one changes the result.
FEW_IMAGES = 20
MANY_CLASSES = 100
# Accuracy alone misleads from this fraction of the majority class, or this ratio to the smallest.
STRONG_MAJORITY = 0.6
STRONG_RATIO = 10


def about_classes(dataset: Dataset) -> list[Finding]:
    """What the sizes of the classes mean for results; empty where all is well."""
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
    return count_text(count, "class", "classes")


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
        f" {quoted_list_text(list(small))}.",
        f"Each needs at least {count_text(needed, 'image')}{where}, near duplicates counted once."
        " Add images, merge the class with another, or leave it out.",
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
        f"{_classes(len(names))} {'has' if len(names) == 1 else 'have'} no image in the"
        f" test subset that came with the dataset: {quoted_list_text(names)}.",
        "Their accuracy cannot be measured. Let Headstart make its own split, or leave them out.",
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
        f" images: {quoted_list_text(names)}.",
        "So few of them are tested that a single image changes the result, and the intervals will"
        " be wide. Add images, merge the class with another, or go on and look at the intervals.",
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
        f"A model that always predicts {shorten(largest)!r} reaches"
        f" {rough_percent_text(dataset.majority_fraction)}: that class has {counts[largest]:,}"
        f" images, the smallest, {shorten(smallest)!r}, has {counts[smallest]:,}.",
        "Look at balanced accuracy, which weighs all classes equally, and compare every model with"
        " this baseline.",
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
        f"There are {count:,} classes, with {dataset.image_count / count:,.0f} images each on"
        " average.",
        "If these are not the classes that you meant, the wrong folders or the wrong column were"
        " taken for labels: change them and add the images again. Otherwise expect low accuracy and"
        " long charts.",
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
        f"It came with a predefined split: {subsets}.",
        "The benchmark uses that split, unless you choose another there.",
    )
