"""Class and subset in the name of one folder; folders that repeat others or were put aside."""

import pytest

from core.datasets.reading.aside_folders import aside_folders
from core.datasets.reading.class_subsets import class_and_subset, named_subsets


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("trainA", ("A", "train")),
        ("test_cats", ("cats", "test")),
        ("dogs-VAL", ("dogs", "validation")),
        ("catsTrain", ("cats", "train")),
        ("Training Images Cats", ("Cats", "train")),
        ("testset_red_fox", ("red_fox", "test")),
        *((name, None) for name in ("train", "test_images", "trains", "contest", "train_1")),
        *((name, None) for name in ("latest", "train_test", "cats")),
    ],
)
def test_class_and_subset(folder, expected):
    assert class_and_subset(folder) == expected


@pytest.mark.parametrize(
    ("folders", "is_complete"),
    [
        ("trainA trainB testA testB", True),
        ("train_a train_b train_c train_d train_e test_a test_b test_c test_d", True),
        ("train_a train_b test_a", False),
        ("train_a test_a train_b test_b other", False),
        ("train_a train_b train_c", None),
        ("train_station bus_station test_track", None),
    ],
)
def test_what_folders_say_together(folders, is_complete):
    found = named_subsets(folders.split())
    assert (found and found.is_complete) is is_complete


@pytest.mark.parametrize(
    ("folders", "aside"),
    [
        ("cat,dog,_unsorted,trash", ["_unsorted", "trash"]),
        ("cat,dog,New folder (3),to sort", ["New folder (3)", "to sort"]),
        ("cat,dog,dog - Copy,cat (1)", ["cat (1)", "dog - Copy"]),
        ("cat,dog,cat_aug,dog_v2", ["cat_aug", "dog_v2"]),
        ("cat,dog,unknown,other,background", []),
        ("glass,paper,trash", []),
        ("new,old,broken", []),
        ("cat,trash", []),  # two classes are needed
        ("mask_v1,mask_v2,hat", []),
    ],
)
def test_folders_that_were_put_aside(folders, aside):
    assert aside_folders(folders.split(",")) == aside
