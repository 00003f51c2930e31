"""Cells with folders: which name an image of another folder, and which name none that is there."""

import pytest

from core.datasets.reading.recognise import readings
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.listings import csv_bytes, listing_of, refused, settled
from tests.datasets.reading.offered import labels

ANIMALS = {"cats": "cat", "dogs": "dog", "owls": "owl"}


def table(*folders, start="", label=ANIMALS.get):
    rows = [f"{start}{folder}/{n}.jpg,{label(folder)}" for folder in folders for n in range(3)]
    return {"labels.csv": csv_bytes("file,label", *rows)}


def classes_of(reading):
    return {path: name for path, (name, _) in labels(reading).items()}


def images(*folders, count=3):
    paths = [f"{folder}/{n}.jpg" for folder in folders for n in range(count)]
    return {path: path.encode() for path in paths}


def test_a_row_of_a_folder_that_is_absent_labels_no_image_of_another_one():
    members = table("cats", "dogs", "owls") | images("cats", "dogs", count=6)
    del members["cats/0.jpg"]
    found = settled(listing_of(members), Choice(classes_from="labels.csv"))
    expected = {f"{name}/{n}.jpg": ANIMALS[name] for name in ("cats", "dogs") for n in range(3)}
    del expected["cats/0.jpg"]
    assert classes_of(found) == expected
    reasons = refused(found.listing)
    assert reasons["labels.csv line 8"] == "there is no image named 'owls/0.jpg'"
    assert len(reasons) == 4


def test_folders_of_another_machine_are_passed_over():
    members = table("cats", "dogs", start="/home/anna/") | images("cats", "dogs")
    assert len(classes_of(settled(listing_of(members), Choice(classes_from="labels.csv")))) == 6
    elsewhere = {"labels.csv": csv_bytes("file,label", "/data/x/0.jpg,cat", "/data/x/1.jpg,dog")}
    found = settled(listing_of(elsewhere | images("pictures", count=2)))
    assert classes_of(found) == {"pictures/0.jpg": "cat", "pictures/1.jpg": "dog"}


@pytest.mark.parametrize("folder", ["test", "data/val"])
def test_a_row_of_another_subset_labels_no_image_of_the_same_name(folder):
    members = table("train", label=lambda _: "cat") | images(folder)
    with pytest.raises(BadInput, match="none of the images that it names is there"):
        readings(listing_of(members), Choice())


def test_a_table_of_the_test_labels_no_image_for_training():
    rows = [f"{n}.jpg,{'xy'[n % 2]}" for n in range(6)]
    train = images("train", count=6)
    with pytest.raises(BadInput, match="none of the images that it names is there"):
        readings(listing_of({"test.csv": csv_bytes("file,label", *rows)} | train), Choice())
    # A folder around both says nothing.
    inside = {"train/" + path: data for path, data in images("x", count=6).items()}
    found = settled(listing_of({"train/test.csv": csv_bytes("file,label", *rows)} | inside))
    assert len(found.found.files) == 6


def test_one_image_outside_does_not_make_the_table_right():
    """The folders say something else than the table: that is asked, whatever lies beside them."""
    rows = [f"{name}/{n}.jpg,{'xyy'[n]}" for name in ("cats", "dogs") for n in range(3)]
    members = {"t.csv": csv_bytes("file,label", *rows, "z.jpg,x"), "z.jpg": b"z"}
    found = readings(listing_of(members | images("cats", "dogs")), Choice())
    assert [reading.doubt for reading in found] == [
        "The folders say something else than the table"
    ] * 2
