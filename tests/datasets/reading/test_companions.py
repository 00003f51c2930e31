"""Images that belong to others are left out; classes that are only called so stay."""

import io

import numpy as np
import pytest
from PIL import Image

from core.datasets.reading.companions import are_numbered
from core.errors import BadInput
from tests.datasets.reading.offered import counts, images, labels, offers, taken, tree


def mask(number: int) -> bytes:
    array = np.zeros((16, 16), np.uint8)
    array[2 : 6 + number % 9, 3:9] = 255
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def masks(*paths: str) -> dict[str, bytes]:
    return {path: mask(at) for at, path in enumerate(paths)}


@pytest.mark.parametrize(
    "folder",
    [
        *("masks", "Annotations", "ground_truth", "gt", "trimaps", "SegmentationClass", "labels"),
        *("binary_masks_png", "bboxes", "depth", "edges", "Masken", "masques", "máscaras"),
    ],
)
def test_a_folder_of_companions_beside_the_classes(folder):
    files = tree("images/", "cats dogs")
    found = taken(files | masks(*(path.replace("images", folder) for path in files)))
    assert counts(found) == {"cats": 3, "dogs": 3}
    assert found.listing.notes == [
        f"Left out: 6 files in {folder} that belong to other images of the same names."
    ]


def test_folders_of_companions_inside_the_classes():
    files = images(
        *(f"{kind}/images/{kind}-{n}.png" for kind in ("covid", "normal") for n in "123")
    )
    found = taken(files | masks(*(path.replace("images", "masks") for path in files)))
    assert counts(found) == {"covid": 3, "normal": 3}


def test_many_numbered_folders_of_companions_are_named_together():
    pets = [f"image_{at}/{pet}.png" for at in range(3, 8) for pet in ("cat", "dog")]
    found = offers(images(*pets) | masks(*(path.replace("image", "mask") for path in pets)))
    assert {reading.listing.notes[0] for reading in found} == {
        "Left out: 10 files in mask_3, mask_4, mask_5 and 2 more that belong to other images of the"
        " same names."
    }


def test_a_folder_called_like_a_class_with_a_word_for_companions():
    files = tree("", "benign malignant")
    found = taken(files | masks(*(f"benign_masks/{n}.png" for n in range(3))))
    assert counts(found) == {"benign": 3, "malignant": 3}


@pytest.mark.parametrize(
    "name",
    [
        *("{}_mask.png", "{}-mask.png", "{}.mask.png", "{}_seg.png", "{}_gt.png", "{}_Label.png"),
        *("{}_segmentation_1.png", "{}_mask_0.png", "mask_{}.png", "{} maske.png"),
    ],
)
def test_a_word_for_companions_in_the_file_name(name):
    stems = [f"{kind}/{kind} ({n})" for kind in ("benign", "normal") for n in range(4)]
    paths = [f"{p.split('/')[0]}/{name.format(p.split('/')[1])}" for p in stems]
    found = taken(images(*(f"{path}.png" for path in stems)) | masks(*paths))
    assert sorted(labels(found)) == sorted(f"{path}.png" for path in stems)
    assert "Left out: 8 files named like" in found.listing.notes[0]


@pytest.mark.parametrize(
    "names",
    [
        "with_mask without_mask mask_weared_incorrect",
        "mask no_mask",
        "masks helmets",
        "edges corners faces",
        "labels stamps",
    ],
)
def test_a_class_that_is_only_called_so_stays(names):
    assert sorted(counts(taken(tree("", names, 8)))) == sorted(names.split())


def test_masks_of_numbers_are_known_by_their_levels():
    files = tree("", "apples pears", 8)
    found = taken(files | masks(*(f"mask/{n}.png" for n in range(8))))
    assert counts(found) == {"apples": 8, "pears": 8}


@pytest.mark.parametrize("folder", ["masks", "labels", "train_masks"])
def test_images_and_masks_alone_are_no_classification_data(folder):
    names = [f"images/{n}.png" for n in range(6)]
    with pytest.raises(BadInput, match=rf"6 images in {folder}.*segmentation.*one class"):
        offers(images(*names) | masks(*(f"{folder}/{n}.png" for n in range(6))))


def test_names_in_a_folder_of_images_with_masks_give_the_classes():
    names = [f"{breed}_{n}" for breed in ("Abyssinian", "pug") for n in range(1, 6)]
    found = taken(
        images(*(f"images/{name}.png" for name in names))
        | masks(*(f"annotations/trimaps/{name}.png" for name in names))
    )
    assert counts(found) == {"Abyssinian": 5, "pug": 5}
    assert found.listing.notes[0] == (
        "Left out: 10 files in annotations that belong to other images of the same names."
    )


@pytest.mark.parametrize(
    ("stems", "expected"),
    [
        (["1", "2", "3"], True),
        (["img_001", "img_002", "img_007"], True),
        (["tower", "lake", "boat"], False),
        (["000000000139", "000000015335", "000000581781"], False),
    ],
)
def test_names_that_are_numbers_in_a_row(stems, expected):
    assert are_numbered(stems) is expected
