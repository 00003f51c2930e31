"""Findings about the images themselves: one colour, very long, tiny, unequal sizes, grey."""

import numpy as np

from core.datasets.dataset import Dataset
from core.datasets.decoding.examine import SMALLEST_HASHED_EDGE
from core.datasets.health.finding import Finding, single_image_groups, size_summary
from core.text import (
    count_text,
    dimensions_text,
    quoted_list_text,
    rough_percent_text,
)

# Ratio of the longest edge of the largest image to that of the smallest.
WIDE_RANGE = 8
LONG_SHAPE = 4
# Fraction of grey images in a class that counts as grey, and in one that counts as coloured.
MOSTLY, HARDLY = 0.9, 0.1


def about_images(dataset: Dataset) -> list[Finding]:
    """What sizes and colours mean for results; empty where all is well."""
    found = [
        _plain(dataset),
        _long(dataset),
        _tiny(dataset),
        _range_of_sizes(dataset),
        _grey_classes(dataset),
        _grey(dataset),
    ]
    return [finding for finding in found if finding is not None]


def _plain(dataset: Dataset) -> Finding | None:
    positions = np.flatnonzero(dataset.one_colour)
    count = len(positions)
    if not count:
        return None
    if count == dataset.image_count:
        return Finding(
            "one_colour",
            "problem",
            "Every image is of one colour only.",
            "There is nothing to see but the colour. Look at some of them; if they should show"
            " more, export them again.",
            single_image_groups(positions),
            count,
        )
    return Finding(
        "one_colour",
        "warning",
        f"{count_text(count, 'image is', 'images are')} of one colour only.",
        "There is nothing to see in them; usually an export went wrong. Leave them out.",
        single_image_groups(positions),
        count,
        actions=("drop_one_colour",),
    )


def _long(dataset: Dataset) -> Finding | None:
    longest = np.maximum(dataset.widths, dataset.heights)
    shortest = np.minimum(dataset.widths, dataset.heights)
    positions = np.flatnonzero(longest >= LONG_SHAPE * shortest)
    if not len(positions):
        return None
    return Finding(
        "long_pictures",
        "note",
        f"{count_text(len(positions), 'image is', 'images are')} at least {LONG_SHAPE} times as"
        " high as wide, or as wide as high.",
        "Models see squares. Choose the resizing that pads in the benchmark, or leave them out:"
        " little is left of them when they are stretched or cropped.",
        single_image_groups(positions),
        len(positions),
        actions=("drop_images",),
    )


def _tiny(dataset: Dataset) -> Finding | None:
    shortest = np.minimum(dataset.widths, dataset.heights)
    positions = np.flatnonzero(shortest < SMALLEST_HASHED_EDGE)
    count = len(positions)
    if not count:
        return None
    everything = count == dataset.image_count
    who = "All images are" if everything else count_text(count, "image is", "images are")
    return Finding(
        "tiny_pictures",
        "note",
        f"{who} less than {SMALLEST_HASHED_EDGE} pixels wide or high.",
        "They are enlarged for the models, which adds no detail. Among images this small only exact"
        " copies are recognised.",
        () if everything else single_image_groups(positions),
        count,
    )


def _range_of_sizes(dataset: Dataset) -> Finding | None:
    summary = size_summary(dataset)
    if max(summary.largest) < WIDE_RANGE * max(summary.smallest):
        return None
    return Finding(
        "range_of_sizes",
        "note",
        f"Sizes differ widely: from {dimensions_text(summary.smallest)} to"
        f" {dimensions_text(summary.largest)} pixels.",
        "The benchmark resizes all of them to one size; small ones do not become sharper. Nothing"
        " needs to be done.",
        (
            (
                int(np.argmin(dataset.widths.astype(np.int64) * dataset.heights)),
                int(np.argmax(dataset.widths.astype(np.int64) * dataset.heights)),
            ),
        ),
        1,
    )


def _grey_classes(dataset: Dataset) -> Finding | None:
    """Grey classes beside coloured ones: a model may learn that difference and nothing else."""
    counts = np.bincount(dataset.labels, minlength=len(dataset.classes))
    grey = np.bincount(dataset.labels[dataset.grey], minlength=len(dataset.classes))
    mostly = tuple(dataset.classes[number] for number in np.flatnonzero(grey >= MOSTLY * counts))
    if not mostly or not (grey <= HARDLY * counts).any():
        return None
    return Finding(
        "told_by_colour",
        "warning",
        f"The images of {quoted_list_text(mostly)} are grey, those of other classes are in colour.",
        "A model can recognise these classes by that alone, without learning what they show. Turn"
        " all images grey, or take them from one source, and add them again.",
        count=len(mostly),
        classes=mostly,
    )


def _grey(dataset: Dataset) -> Finding | None:
    count = int(dataset.grey.sum())
    if not count:
        return None
    if count == dataset.image_count:
        return Finding(
            "grey",
            "note",
            "All images are grey.",
            "Nothing needs to be done: models that expect colour get the grey channel three times.",
            count=count,
        )
    return Finding(
        "grey",
        "note",
        f"{count_text(count, 'image is', 'images are')} grey"
        f" ({rough_percent_text(count / dataset.image_count)}), the others are in colour.",
        "Nothing needs to be done.",
        single_image_groups(np.flatnonzero(dataset.grey)),
        count,
    )
