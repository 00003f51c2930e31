"""NumPy arrays that are asked about, and those that cannot be used: each told in its words."""

import numpy as np
import pytest

from core.datasets.reading.question import ReadingUnclear
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.listings import listing_of, settled
from tests.datasets.reading.test_array_files import (
    COLOUR,
    GREY,
    LABELS,
    ONE_HOT,
    npy,
    npz,
    random,
    read,
)

WITHOUT_LABELS = {
    "views of the same images": (
        {"s.npz": npz(left=GREY, right=GREY)},
        "All arrays are equally long, so they may be several views of the same images.",
        Choice(classes_from="names"),
    ),
    "numbers of another type": (
        {"cat.npy": npy(GREY / 7), "dog.npy": npy(GREY[:5] / 7)},
        "cat.npy holds float64 numbers, which may be measurements instead of images.",
        Choice(classes_from="names"),
    ),
    "a file for each": (
        {f"{name}/{at}.npy": npy(GREY[at] / 7) for name in ("ok", "bad") for at in range(3)},
        "bad/0.npy holds float64 numbers, which may be measurements instead of images.",
        Choice(classes_from="folders"),
    ),
}


@pytest.mark.parametrize("case", WITHOUT_LABELS)
def test_arrays_without_labels_that_may_be_something_else_are_asked_about(case):
    members, doubt, choice = WITHOUT_LABELS[case]
    with pytest.raises(ReadingUnclear) as caught:
        settled(listing_of(members))
    (offer,) = caught.value.question.offers
    assert (offer.doubt, offer.choice, offer.class_count) == (doubt, choice, 2)
    assert len(offer.left_out) == len(set(offer.left_out))
    assert settled(listing_of(members), choice).doubt is None


SURE = {
    "several lengths": {"cat.npy": npy(GREY), "dog.npy": npy(GREY[:5])},
    "one beginning": {f"bitmap_{name}.npy": npy(GREY) for name in ("cat", "dog")},
    "colours": {f"{name}/{at}.npy": npy(COLOUR[at] / 7) for name in "ab" for at in range(3)},
}


@pytest.mark.parametrize("case", SURE)
def test_arrays_without_labels_that_are_surely_images_are_read(case):
    assert settled(listing_of(SURE[case])).found.total >= 6


SEVERAL = ONE_HOT.copy()
SEVERAL[:5, 1:] = 1
TOLD = {
    "several labels": (
        {"train_images": GREY, "train_labels": SEVERAL},
        "set.npz: train_labels: 5 of 12 images have several labels.",
    ),
    "many without a label": (
        {"images": GREY, "labels": ONE_HOT[:, :2]},
        "set.npz: labels: 4 of 12 images have no label, only zeros.",
    ),
    "measured": (
        {"images": GREY, "target": np.linspace(0, 1, 12)},
        "set.npz: target looks like a measured number, not like classes: it holds 0.0909.",
    ),
    "all different": ({"images": GREY, "age": np.arange(12)}, "12 different values for 12 images"),
    "boxes": ({"images": GREY, "boxes": random.random((12, 4))}, "boxes holds 4 numbers for each"),
    "objects": (
        {"images": GREY, "labels": np.array(["a", "b", "c"] * 4, object)},
        "set.npz: labels contains Python objects (a pickle), which are never opened",
    ),
    "other lengths": ({"x": GREY, "y": LABELS[:9]}, "no array of labels is as long as the images"),
    "no labels": ({"x": GREY}, "there are images, but no array of labels"),
    "many channels": (
        {"x": np.zeros((12, 6, 5, 13)), "y": LABELS},
        "Found x (12 x 6 x 5 x 13), y (12): x is no array of images.",
    ),
    "counted last": (
        {"X": COLOUR.transpose(1, 2, 3, 0), "y": LABELS},
        "the last number of X counts the images, but the first must",
    ),
    "grey, counted last": (
        {"X": GREY.transpose(1, 2, 0), "y": LABELS},
        "the last number of X counts the images, but the first must",
    ),
    "two ranges": (
        {"x_train": GREY / 255, "y_train": LABELS, "x_test": GREY, "y_test": LABELS},
        "The numbers of set.npz: x_train go from 0 to 1, those of set.npz: x_test from",
    ),
    "two image arrays": (
        {"left": GREY, "right": GREY, "y": LABELS},
        "set.npz: left and set.npz: right are both images of the same labels. Keep one of them.",
    ),
    "only embeddings": ({"embeddings": random.random((12, 50)), "y": LABELS}, "is an array of ima"),
    "nothing": ({}, "Found no array"),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_cannot_be_used_is_told(case):
    arrays, message = TOLD[case]
    with pytest.raises(BadInput) as caught:
        read({"set.npz": npz(**arrays)})
    assert message in str(caught.value)
    assert caught.value.field == "path"


def test_several_datasets_are_told():
    members = {f"{name}.npz": npz(x_train=GREY, y_train=LABELS) for name in ("blood", "path")}
    with pytest.raises(BadInput, match=r"several datasets in it: blood, path\. Give the files of"):
        read(members)
