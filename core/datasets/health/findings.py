"""Everything worth knowing about a dataset before hours are spent on it.

Computed from the stored arrays; no image is decoded.
"""

from collections.abc import Iterator

import numpy as np

from core.datasets.choices import SUBSETS
from core.datasets.dataset import Dataset
from core.datasets.decoding.examine import SMALLEST_HASHED_EDGE
from core.datasets.health.copies import about_copies
from core.datasets.health.finding import (
    SEVERITIES,
    Finding,
    classes_of,
    single_image_groups,
    size_summary,
    subset_counts_text,
)
from core.datasets.reading.reader import first_reasons
from core.datasets.split import classes_too_small
from core.text import count_text, dimensions_text, quoted_list_text, rough_percent_text, shorten

# Unusable files are a problem from this fraction of all files on.
MUCH_LEFT_OUT = 0.1
# With fewer images, the test subset has so few of a class that a single one changes the result.
FEW_IMAGES = 20
MANY_CLASSES = 100
# Accuracy alone misleads from this fraction of the majority class, or this ratio to the smallest.
STRONG_MAJORITY = 0.6
STRONG_RATIO = 10
# Ratio of the longest edge of the largest image to that of the smallest.
WIDE_RANGE = 8
LONG_SHAPE = 4
# Images that use fewer of the 255 levels than this look nearly black, or like fog.
LOW_CONTRAST = 64
# Fraction of grey images in a class that counts as grey, and in one that counts as coloured.
MOSTLY, HARDLY = 0.9, 0.1


def findings(dataset: Dataset) -> list[Finding]:
    """The findings, most severe first; where nothing is wrong, one says so."""
    found = [
        *_about_reading(dataset),
        *about_copies(dataset),
        *_about_classes(dataset),
        *_about_sizes(dataset),
        *_about_colours(dataset),
    ]
    if not any(finding.severity in ("problem", "warning") for finding in found):
        found.append(
            Finding(
                "nothing_found",
                "good",
                f"No problem was found in {count_text(dataset.image_count, 'image')} of"
                f" {count_text(len(dataset.classes), 'class')}.",
                "No copies, no image in two classes, no class too small or much larger than the"
                " others, no empty images. Go on to the benchmark.",
                count=1,
            )
        )
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _about_reading(dataset: Dataset) -> Iterator[Finding]:
    quarantined = len(dataset.health.quarantined)
    if quarantined:
        fraction = quarantined / (quarantined + dataset.image_count)
        yield Finding(
            "quarantined",
            "problem" if fraction >= MUCH_LEFT_OUT else "warning",
            f"{count_text(quarantined, 'file or line', 'files or lines')} could not be used"
            f" ({rough_percent_text(fraction)} of all).",
            "They are left out already. Download the list to see the reason for each;"
            " repair them and add the images again, or go on without them. Most often:"
            f"{first_reasons(dataset.health.quarantined)}",
            count=quarantined,
        )
    lost = dataset.health.lost_classes
    if lost:
        yield Finding(
            "lost_classes",
            "problem",
            f"{count_text(len(lost), 'class is', 'classes are')} missing:"
            f" {quoted_list_text(lost)}. None of the images there could be read.",
            "Look at the list of what could not be used. Save these images in another format"
            " and add the images again, or go on without them.",
            count=len(lost),
        )
    ignored = dataset.health.ignored_files
    if ignored:
        yield Finding(
            "ignored_files",
            "note",
            f"{count_text(ignored, 'file was', 'files were')} ignored: hidden, made by the"
            " system, in no class, or left out.",
            "Nothing needs to be done, unless images are missing.",
            count=ignored,
        )
    for note in dataset.health.notes:
        yield Finding(
            "reading",
            "note",
            note,
            "If that is not what you meant, read the files another way: the section Manage, or"
            " add them again.",
        )


def _about_classes(dataset: Dataset) -> Iterator[Finding]:
    counts = dataset.class_counts
    small = classes_too_small(dataset)
    if small:
        needed = max(minimum for _, minimum in small.values())
        where = "" if dataset.predefined_subsets is None else " to train on"
        yield Finding(
            "small_classes",
            "problem",
            f"{count_text(len(small), 'class is', 'classes are')} too small to be split:"
            f" {quoted_list_text(list(small))}.",
            f"Each needs at least {count_text(needed, 'image')}{where}, near duplicates counted"
            " once. Add images, merge the class with another, or leave it out.",
            count=len(small),
            classes=tuple(small),
            actions=("merge_classes", "drop_classes"),
        )
    if dataset.predefined_subsets is not None:
        tested = dataset.labels[dataset.predefined_subsets == SUBSETS.index("test")]
        missing = classes_of(dataset, np.bincount(tested, minlength=len(counts)) == 0)
        if missing:
            yield Finding(
                "classes_not_in_test",
                "warning",
                f"{count_text(len(missing), 'class has', 'classes have')} no image in the"
                f" test subset that came with the dataset: {quoted_list_text(missing)}.",
                "Their accuracy cannot be measured. Let Headstart make its own split, or leave them"
                " out.",
                count=len(missing),
                classes=missing,
                actions=("drop_classes",),
            )
    few = tuple(name for name in counts if counts[name] < FEW_IMAGES and name not in small)
    if few:
        yield Finding(
            "few_images",
            "warning",
            f"{count_text(len(few), 'class has', 'classes have')} fewer than {FEW_IMAGES}"
            f" images: {quoted_list_text(few)}.",
            "So few of them are tested that a single image changes the result, and the intervals"
            " will be wide. Add images, merge the class with another, or go on and look at the"
            " intervals.",
            count=len(few),
            classes=few,
            actions=("merge_classes", "drop_classes"),
        )
    largest, smallest = dataset.majority_class, min(counts, key=lambda name: counts[name])
    ratio = counts[largest] / counts[smallest]
    if dataset.majority_fraction >= STRONG_MAJORITY or ratio >= STRONG_RATIO:
        yield Finding(
            "imbalance",
            "warning",
            f"A model that always predicts {shorten(largest)!r} reaches"
            f" {rough_percent_text(dataset.majority_fraction)}: that class has {counts[largest]:,}"
            f" images, the smallest, {shorten(smallest)!r}, has {counts[smallest]:,}.",
            "Look at balanced accuracy, which weighs all classes equally, and compare every model"
            " with this baseline.",
            count=1,
            classes=(largest, smallest),
        )
    if len(counts) >= MANY_CLASSES:
        yield Finding(
            "many_classes",
            "note",
            f"There are {len(counts):,} classes, with {dataset.image_count / len(counts):,.0f}"
            " images each on average.",
            "If these are not the classes that you meant, the wrong folders or the wrong column"
            " were taken for labels: change them and add the images again. Otherwise expect low"
            " accuracy and long charts.",
            count=len(counts),
        )
    if dataset.predefined_subsets is not None:
        yield Finding(
            "given_split",
            "note",
            f"It came with a predefined split: {subset_counts_text(dataset)}.",
            "The benchmark uses that split, unless you choose another there.",
        )


def _about_sizes(dataset: Dataset) -> Iterator[Finding]:
    longest = np.maximum(dataset.widths, dataset.heights)
    shortest = np.minimum(dataset.widths, dataset.heights)
    long = np.flatnonzero(longest >= LONG_SHAPE * shortest)
    if len(long):
        yield Finding(
            "long_pictures",
            "note",
            f"{count_text(len(long), 'image is', 'images are')} at least {LONG_SHAPE} times as"
            " high as wide, or as wide as high.",
            "Models see squares. Choose the resizing that pads in the benchmark, or leave them out:"
            " little is left of them when they are stretched or cropped.",
            single_image_groups(long),
            len(long),
            actions=("drop_images",),
        )
    tiny = np.flatnonzero(shortest < SMALLEST_HASHED_EDGE)
    if len(tiny):
        all_tiny = len(tiny) == dataset.image_count
        which = "All images are" if all_tiny else count_text(len(tiny), "image is", "images are")
        yield Finding(
            "tiny_pictures",
            "note",
            f"{which} less than {SMALLEST_HASHED_EDGE} pixels wide or high.",
            "They are enlarged for the models, which adds no detail. Among images this small only"
            " exact copies are recognised.",
            () if all_tiny else single_image_groups(tiny),
            len(tiny),
        )
    sizes = size_summary(dataset)
    if max(sizes.largest) >= WIDE_RANGE * max(sizes.smallest):
        areas = dataset.widths.astype(np.int64) * dataset.heights
        yield Finding(
            "range_of_sizes",
            "note",
            f"Sizes differ widely: from {dimensions_text(sizes.smallest)} to"
            f" {dimensions_text(sizes.largest)} pixels.",
            "The benchmark resizes all of them to one size; small ones do not become sharper."
            " Nothing needs to be done.",
            ((int(areas.argmin()), int(areas.argmax())),),
            1,
        )


def _about_colours(dataset: Dataset) -> Iterator[Finding]:
    plain = np.flatnonzero(dataset.one_colour)
    if len(plain) == dataset.image_count:
        yield Finding(
            "one_colour",
            "problem",
            "Every image is of one colour only.",
            "There is nothing to see but the colour. Look at some of them; if they should show"
            " more, export them again.",
            single_image_groups(plain),
            len(plain),
        )
    elif len(plain):
        yield Finding(
            "one_colour",
            "warning",
            f"{count_text(len(plain), 'image is', 'images are')} of one colour only.",
            "There is nothing to see in them; usually an export went wrong. Leave them out.",
            single_image_groups(plain),
            len(plain),
            actions=("drop_one_colour",),
        )
    darkest, brightest = dataset.health.levels
    if brightest - darkest < LOW_CONTRAST and len(plain) < dataset.image_count:
        yield Finding(
            "low_contrast",
            "warning",
            f"Nearly all images use only the levels {darkest} to {brightest} of 0 to 255.",
            "There is little to see in them, and networks learn slowly from so little contrast. If"
            " their levels are numbers of another range, save them as 0 to 255, all by the same"
            " rule, and add them again.",
            count=dataset.image_count,
        )
    # A model may learn the difference between grey classes and coloured ones, and nothing else.
    counts = np.bincount(dataset.labels, minlength=len(dataset.classes))
    grey_counts = np.bincount(dataset.labels[dataset.grey], minlength=len(dataset.classes))
    mostly_grey = classes_of(dataset, grey_counts >= MOSTLY * counts)
    if mostly_grey and (grey_counts <= HARDLY * counts).any():
        yield Finding(
            "told_by_colour",
            "warning",
            f"The images of {quoted_list_text(mostly_grey)} are grey, those of other classes are in"
            " colour.",
            "A model can recognise these classes by that alone, without learning what they show."
            " Turn all images grey, or take them from one source, and add them again.",
            count=len(mostly_grey),
            classes=mostly_grey,
        )
    grey = np.flatnonzero(dataset.grey)
    if len(grey) == dataset.image_count:
        yield Finding(
            "grey",
            "note",
            "All images are grey.",
            "Nothing needs to be done: models that expect colour get the grey channel three times.",
            count=len(grey),
        )
    elif len(grey):
        yield Finding(
            "grey",
            "note",
            f"{count_text(len(grey), 'image is', 'images are')} grey"
            f" ({rough_percent_text(len(grey) / dataset.image_count)}), the others are in colour.",
            "Nothing needs to be done.",
            single_image_groups(grey),
            len(grey),
        )
