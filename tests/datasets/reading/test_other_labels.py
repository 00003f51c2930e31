"""Labels in a form that is not read: one sentence that says which, and what to do."""

import pytest

from core.datasets.add import add_dataset
from core.errors import BadInput
from tests.datasets.listings import csv_bytes, listing_of, settled
from tests.datasets.pictures import noise_png, two_classes, write_zip

FLAT = ("photos/0001.jpg", "photos/0002.jpg", "photos/0003.jpg")
IN_SIDES = ("images/train/0.jpg", "images/train/1.jpg", "images/val/0.jpg", "images/val/1.jpg")
BOX = b"1 0.5 0.5 0.2 0.2\n0 0.25 0.5 0.1 0.2\n"
NEEDED = "such files cannot be read. Each whole image needs one class"

CASES = {
    "a sheet, the lock of Excel and a text": (
        FLAT,
        {
            "photos/~$labels.xlsx": b"x",
            "photos/README.txt": b"My photos, from May.\nSorted, by hand.\n",
            "photos/labels.xlsx": b"PK",
        },
        "photos/labels.xlsx is a spreadsheet",
    ),
    "YOLO": (
        IN_SIDES,
        {path.replace("images", "labels").replace("jpg", "txt"): BOX for path in IN_SIDES},
        f"labels/train/0.txt looks like boxes around objects, as YOLO has them; {NEEDED}",
    ),
    "COCO": (
        IN_SIDES,
        {"annotations/instances_train.json": b"{}"},
        "annotations/instances_train.json may contain labels, as COCO and Pascal VOC have them;"
        f" {NEEDED}",
    ),
    "Pascal VOC": (
        FLAT,
        {"Annotations/0001.xml": b"<annotation/>"},
        f"Annotations/0001.xml may contain labels, as COCO and Pascal VOC have them; {NEEDED}",
    ),
    "numbers of other images": (
        FLAT,
        {"labels.csv": csv_bytes("image,label", "71,cat", "72,dog", "73,cat")},
        "labels.csv has a column 'label', but none of its columns names an image: its first line"
        " is 71, cat. There are photos/0001.jpg and photos/0002.jpg.",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_labels_that_are_not_read_are_named(name):
    pictures, more, sentence = CASES[name]
    with pytest.raises(BadInput) as caught:
        settled(_listing(pictures, more))
    assert str(caught.value).startswith(sentence)


def test_class_folders_need_no_other_labels():
    paths = ("cats/1.jpg", "cats/2.jpg", "dogs/1.jpg")
    more = {"a.json": b"{}", "cats/1.txt": BOX, "dogs/1.txt": BOX, "l.xlsx": b"PK"}
    found = settled(_listing(paths, more)).found
    assert {entry.class_name for entry in found.files} == {"cats", "dogs"}


def test_what_google_keeps_beside_a_photo_is_no_label():
    with pytest.raises(BadInput) as caught:
        settled(_listing(("a.jpg", "b.jpg"), {"a.jpg.json": b"{}"}))
    assert str(caught.value).startswith("The images are in no class folder.")


IN_FOLDERS = ("cats/1.jpg", "cats/2.jpg", "dogs/3.jpg", "dogs/4.jpg")


def test_what_google_keeps_beside_each_photo_is_no_table():
    more = {
        f"{path}.supplemental-metadata.json": b'{"title": "%b"}' % path.partition("/")[2].encode()
        for path in IN_FOLDERS
    }
    found = settled(_listing(IN_FOLDERS, more))
    assert {entry.class_name for entry in found.found.files} == {"cats", "dogs"}
    assert found.listing.notes == [
        "Left out: 4 files that programs put beside images, such as "
        "cats/1.jpg.supplemental-metadata.json."
    ]


@pytest.mark.usefixtures("home")
def test_zips_in_a_folder_are_read_together(tmp_path):
    """A large download comes as several zips; one file is in both."""
    first = two_classes(prefix="Dishes/")
    more = {"Dishes/dogs/9.png": noise_png(9), "Dishes/cats/0.png": first["Dishes/cats/0.png"]}
    write_zip(tmp_path / "Dishes-001.zip", first)
    write_zip(tmp_path / "Dishes-002.zip", more)
    dataset = add_dataset(tmp_path)
    assert dataset.class_counts == {"cats": 3, "dogs": 4}
    assert dataset.health.notes == (
        "Left out: 1 file with the same name and content in another archive.",
        "Archives inside were opened: Dishes-001.zip, Dishes-002.zip.",
    )


def _listing(pictures, more):
    listing = listing_of({path: path.encode() for path in pictures} | more)
    # As both readers of sources do it.
    listing.files = [raw for raw in listing.files if not raw.name.startswith("~$")]
    return listing
