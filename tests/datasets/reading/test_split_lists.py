"""Lists of a given split beside class folders."""

import json

import pytest

from tests.datasets.reading.offered import images, subsets, taken

PATHS = [f"images/{name}/{n}_{name}.png" for name in ("cat", "dog") for n in range(4)]
TRAIN, TEST = PATHS[::2], PATHS[1::2]


def lines(*texts: str) -> bytes:
    return "\n".join(texts).encode() + b"\n"


FORMS = {
    "whole paths": lambda path: path,
    "food-101": lambda path: path[7:-4],
    "names": lambda path: path.rpartition("/")[2],
    "with a label": lambda path: f"{path[7:]} 3",
    "with columns": lambda path: f"{path.rpartition('/')[2][:-4]} 1 2 1",
    "with commas": lambda path: f"{path},cat",
    "of Windows": lambda path: path.replace("/", "\\"),
}


@pytest.mark.parametrize("form", FORMS)
def test_lists_of_images_are_the_split(form):
    lists = {
        "meta/train.txt": lines(*map(FORMS[form], TRAIN)),
        "meta/test.txt": lines(*map(FORMS[form], TEST)),
    }
    found = taken(images(*PATHS) | lists)
    assert subsets(found) == {"train": 4, "test": 4}
    assert "meta/test.txt, meta/train.txt were used as the split." in found.listing.notes
    assert found.sources == ("meta/test.txt", "meta/train.txt")
    assert not any("names images" in note for note in found.listing.notes)


def test_what_no_list_for_testing_names_is_for_training():
    found = taken(images(*PATHS) | {"testing_list.txt": lines(*TEST[:2])})
    assert subsets(found) == {"train": 6, "test": 2}


def test_the_numbered_split_of_a_museum():
    numbered = enumerate(PATHS, 1)
    found = taken(
        images(*PATHS)
        | {
            "images.txt": lines(*(f"{at} {path[7:]}" for at, path in numbered)),
            "train_test_split.txt": lines(*(f"{at} {int(at < 7)}" for at in range(1, 9))),
        }
    )
    assert subsets(found) == {"train": 6, "test": 2}


@pytest.mark.parametrize(
    ("train", "test", "why"),
    [
        (TRAIN, [*TEST, TRAIN[0]], "they name 1 image for several subsets"),
        (TRAIN[1:], TEST, "1 image of 8 are in no such list"),
        (TRAIN, [], "they name images for training only"),
    ],
)
def test_lists_that_cannot_be_used_are_named(train, test, why):
    found = taken(images(*PATHS) | {"train.txt": lines(*train), "test.txt": lines(*test)})
    assert subsets(found) == {None: 8}
    (note,) = [note for note in found.listing.notes if note.startswith("Not used as a split: ")]
    assert why in note


def test_texts_that_name_no_image_are_no_lists():
    found = taken(images(*PATHS) | {"training_notes.txt": lines("We trained for", "two days")})
    assert subsets(found) == {None: 8}
    assert not any("split" in note for note in found.listing.notes)


TABLES = {
    "lists by subset": json.dumps({"train": TRAIN, "test": TEST}),
    "train and validation": json.dumps({"train": TRAIN, "val": TEST}),
    "records by subset": json.dumps(
        {"training": [{"image": p} for p in TRAIN], "testing": [{"image": p} for p in TEST]}
    ),
    "records": json.dumps(
        [{"file": p, "subset": s} for s, paths in (("train", TRAIN), ("test", TEST)) for p in paths]
    ),
    "a table": "\n".join(
        ["image,set", *(f"{path},train" for path in TRAIN), *(f"{p},test" for p in TEST)]
    ),
}


@pytest.mark.parametrize("form", TABLES)
def test_a_table_of_all_subsets_is_the_split(form):
    name = "partition.csv" if form == "a table" else "data_split.json"
    found = taken(images(*PATHS) | {name: TABLES[form].encode()})
    given = "validation" if "val" in TABLES[form] else "test"
    assert subsets(found) == {"train": 4, given: 4}
    assert [note for note in found.listing.notes if name in note] == [
        f"{name} was used as the split."
    ]
    assert found.sources == (name,)


def test_a_table_of_some_images_is_no_split():
    found = taken(images(*PATHS) | {"split.json": json.dumps({"train": TRAIN, "val": []}).encode()})
    assert subsets(found) == {None: 8}
