"""Cutting the test images into slices, and how good each strategy is in them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from core.analysis.image_properties import ImageProperty
from core.analysis.slices import (
    FEWEST_IMAGES,
    Reason,
    slice_accuracies,
    slices_of,
    with_metadata,
    with_own_slices,
)
from core.datasets.metadata import MetadataColumn
from core.experiments.labels import OwnSlice
from tests.made_evidence import evidence_of

CLASS, SIZE = ImageProperty.CLASS, ImageProperty.CLASS_SIZE
COLOUR, BRIGHTNESS = ImageProperty.COLOUR, ImageProperty.BRIGHTNESS


def images_of(slicing, kind):
    return [one.images for one in slicing.of(kind)]


def left_out(slicing):
    return [(one.kind, one.reason, one.labels) for one in slicing.left_out]


def test_a_slice_for_each_class_that_has_enough_images():
    slicing = slices_of({CLASS: np.repeat([0, 1, 2, 4], [12, 9, 10, 3])})
    assert [(one.key, one.images) for one in slicing.slices] == [("class.0", 12), ("class.2", 10)]
    assert left_out(slicing) == [(CLASS, Reason.FEW, (1, 4))]
    assert slicing.slices[1].rows.nonzero()[0].tolist() == list(range(21, 31))


def test_values_are_cut_into_quarters_that_hold_each_image_once():
    values = np.random.default_rng(0).permutation(np.arange(100.0))
    slices = slices_of({BRIGHTNESS: values}).slices
    assert [(one.low, one.high) for one in slices] == [(0, 24), (25, 49), (50, 74), (75, 99)]
    assert [(one.place, one.places) for one in slices] == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert np.sum([one.rows for one in slices], axis=0).tolist() == [1] * 100


@pytest.mark.parametrize(
    ("images", "sizes"),
    [(19, []), (20, [10, 10]), (29, [14, 15]), (30, [10] * 3), (39, [13] * 3), (40, [10] * 4)],
)
def test_of_few_images_there_are_fewer_parts(images, sizes):
    slicing = slices_of({BRIGHTNESS: np.arange(float(images))})
    assert images_of(slicing, BRIGHTNESS) == sizes
    assert left_out(slicing) == ([] if sizes else [(BRIGHTNESS, Reason.FEW, ())])


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [
        # A quarter is hit exactly, or as nearly as the values allow.
        ([25, 25, 25, 25], [25, 25, 25, 25]),
        ([80, 20], [80, 20]),
        ([5, 90, 5], []),
        ([12, 76, 12], [12, 76, 12]),
        ([1] * 9 + [91], []),
        ([1] * 10 + [90], [10, 90]),
        # 40 images of one value stay together, so that three parts are left.
        ([40, 20, 40], [40, 20, 40]),
        ([91, 1, 8], []),
    ],
)
def test_images_of_one_value_are_in_one_slice(counts, sizes):
    values = np.repeat(np.arange(len(counts)), counts)
    slicing = slices_of({SIZE: values})
    assert images_of(slicing, SIZE) == sizes
    for one in slicing.slices:
        assert not set(values[one.rows]) & set(values[~one.rows])
        assert one.images >= FEWEST_IMAGES


def test_the_smallest_part_joins_its_smaller_neighbour():
    # Cuts lie after 30, 62 and 70 of 100 images; the third part has 8.
    values = np.repeat([0, 1, 2, 3], [30, 32, 8, 30])
    assert images_of(slices_of({SIZE: values}), SIZE) == [30, 32, 38]
    assert images_of(slices_of({SIZE: np.repeat([0, 1, 2], [50, 8, 42])}), SIZE) == [50, 50]


def test_what_is_alike_everywhere_or_told_before_is_left_out():
    labels = np.repeat([0, 1], [30, 30])
    slicing = slices_of(
        {
            CLASS: labels,
            SIZE: np.where(labels == 0, 100, 40),
            COLOUR: np.ones(60),
            BRIGHTNESS: np.tile([1.0, 2.0], 30),
        }
    )
    assert [one.key for one in slicing.slices] == [
        *("class.0", "class.1", "brightness.0", "brightness.1")
    ]
    assert left_out(slicing) == [(SIZE, Reason.SAME, ()), (COLOUR, Reason.ALIKE, ())]


def test_a_slice_with_the_images_of_one_before_is_left_out_alone():
    labels = np.repeat([0, 1, 2], [30, 20, 20])
    slicing = slices_of({CLASS: labels, SIZE: np.where(labels == 0, 100, 40)})
    assert [one.key for one in slicing.of(SIZE)] == ["class_size.0"]
    (part,) = slicing.left_out
    assert (part.kind, part.reason, part.is_part) == (SIZE, Reason.SAME, True)


def test_nearly_the_same_value_is_the_same():
    assert left_out(slices_of({SIZE: np.repeat([90, 100], 30)})) == [(SIZE, Reason.ALIKE, ())]
    assert images_of(slices_of({SIZE: np.repeat([89, 100], 30)}), SIZE) == [30, 30]
    assert left_out(slices_of({BRIGHTNESS: np.zeros(60)})) == [(BRIGHTNESS, Reason.ALIKE, ())]


def test_grey_and_colour_are_two_slices_or_none():
    assert images_of(slices_of({COLOUR: np.repeat([0, 1], [10, 90])}), COLOUR) == [10, 90]
    assert slices_of({COLOUR: np.repeat([0, 1], [9, 91])}).slices == ()


@pytest.mark.parametrize("labels", [np.zeros(50, np.int32), np.zeros(1, np.int32)])
def test_one_class_alone_has_no_slice(labels):
    slicing = slices_of({CLASS: labels})
    assert slicing.slices == ()
    assert left_out(slicing) == [(CLASS, Reason.ALIKE, ())]


def test_accuracy_in_a_slice_is_counted_there_with_wilsons_interval():
    evidence = evidence_of({"cnn": [[True] * 9 + [False] * 21, [True] * 7 + [False] * 23]})
    evidence = replace(evidence, labels=np.repeat([1, 0], [12, 18]).astype(np.int32))
    first, second = slice_accuracies(evidence, slices_of({CLASS: evidence.labels}))
    assert (first.key, first.images, first.accuracy) == ("class.0", 18, 0.0)
    assert (second.key, second.images, second.seeds) == ("class.1", 12, 2)
    assert second.accuracy == pytest.approx((9 / 12 + 7 / 12) / 2)
    interval = binomtest(8, 12).proportion_ci(0.95, method="wilson")
    assert (second.low, second.high) == pytest.approx((interval.low, interval.high))


def test_a_slice_of_ones_own_is_in_all_of_its_parts_and_in_one_of_each_property():
    slicing = slices_of({CLASS: np.repeat([0, 1, 2], 40), BRIGHTNESS: np.tile(np.arange(40.0), 3)})
    own = [
        OwnSlice("dark", ("class.0", "class.2", "brightness.0")),
        OwnSlice("darkest", ("class.1", "brightness.0")),
        OwnSlice("not measured", ("class.1", "sharpness.0")),
        OwnSlice("half", ("brightness.0", "brightness.1")),
    ]
    found = with_own_slices(slicing, own)
    assert found.slices[: len(slicing.slices)] == slicing.slices
    dark, darkest, half = found.of(ImageProperty.OWN)
    assert (dark.name, dark.key, dark.images) == ("dark", "own.0", 20)
    assert dark.rows.nonzero()[0].tolist() == [*range(10), *range(80, 90)]
    assert (darkest.images, half.key, half.images) == (10, "own.3", 60)
    assert [(one.reason, one.name) for one in found.left_out] == [(Reason.UNKNOWN, "not measured")]
    few = with_own_slices(
        slices_of({CLASS: np.repeat([0, 1], 12), SIZE: np.tile([1, 2], 12)}),
        [OwnSlice("few", ("class.0", "class_size.1"))],
    )
    assert [(one.kind, one.reason) for one in few.left_out] == [(ImageProperty.OWN, Reason.FEW)]


def test_columns_that_came_with_the_images_are_cut_where_they_are_known():
    unknown = [np.nan] * 10
    columns = [
        MetadataColumn("age", np.concatenate([np.arange(60.0), unknown])),
        MetadataColumn("site", np.repeat([0, 1, 2, np.nan], [30, 25, 5, 10]), ("a", "b", "c")),
        MetadataColumn("kind", np.repeat([0.0, 1.0], 35), ("one", "other")),
        MetadataColumn("few", np.concatenate([np.arange(15.0), [np.nan] * 55])),
    ]
    slicing = with_metadata(slices_of({CLASS: np.repeat([0, 1], 35)}), columns)
    found = slicing.of(ImageProperty.METADATA)
    assert [(one.key, one.name, one.word, one.low, one.high, one.images) for one in found] == [
        ("metadata.0", "age", "", 0, 19, 20),
        ("metadata.1", "age", "", 20, 39, 20),
        ("metadata.2", "age", "", 40, 59, 20),
        ("metadata.3", "site", "a", 0, 0, 30),
        ("metadata.4", "site", "b", 1, 1, 25),
    ]
    # The third column says what the class says, and the last knows too few images.
    assert [(one.name, one.reason) for one in slicing.left_out] == [
        *(("kind", Reason.SAME), ("few", Reason.FEW))
    ]
    # What is left out because another slice holds it changes no number: saved slices name them.
    ages = slices_of({CLASS: np.repeat([0, 1], 35), BRIGHTNESS: np.r_[np.arange(60.0), unknown]})
    assert [one.key for one in with_metadata(ages, columns).of(ImageProperty.METADATA)][-2:] == [
        "metadata.3",
        "metadata.4",
    ]
    # Parts by two columns are both asked for, of two by one column one is enough.
    own = [
        OwnSlice("middle a", ("metadata.1", "metadata.3")),
        OwnSlice("young", ("metadata.0", "metadata.1")),
    ]
    named = with_own_slices(slicing, own).of(ImageProperty.OWN)
    assert [(one.name, one.images) for one in named] == [("middle a", 10), ("young", 40)]
