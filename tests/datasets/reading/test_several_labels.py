"""Images with several labels: told before anything is trained, and three ways to read them."""

import json
from collections import Counter

import pytest

from core.datasets.reading.recognise import readings
from core.datasets.reading.several_labels import labels_in_cells
from core.datasets.reading_choice import Choice
from tests.datasets.listings import csv_bytes, listing_of

PETS = ("cat", "dog", "owl")
FILES = [f"{n}.jpg" for n in range(24)]
SAID = "6 of 24 images have several labels (cat and dog)"


def pair(n):
    """Each fourth image has two labels."""
    return [PETS[n % 3], PETS[(n + 1) % 3]] if n % 4 == 0 else [PETS[n % 3]]


def table(separator, cell):
    lines = (f"{name}{separator}{cell(pair(n))}" for n, name in enumerate(FILES))
    return {"labels.csv": csv_bytes(f"file{separator}label", *lines)}


TABLES = {
    **{
        sign: table("\t", lambda labels, sign=sign: sign.join(labels))
        for sign in ("|", ";", ", ", "/", " & ", " and ", " + ", " ", "-", "_")
    },
    "Python's lists": table("\t", repr),
    "JSON's lists": table("\t", json.dumps),
    "brackets": table("\t", lambda labels: f"[{', '.join(labels)}]"),
    "several rows": {
        "labels.csv": csv_bytes(
            "file,label", *(f"{file},{label}" for n, file in enumerate(FILES) for label in pair(n))
        )
    },
    "marks": {
        "labels.csv": csv_bytes(
            "file,cat,dog,owl",
            *(
                f"{file},{','.join(str(int(pet in pair(n))) for pet in PETS)}"
                for n, file in enumerate(FILES)
            ),
        )
    },
    "JSON lines": {
        "metadata.jsonl": csv_bytes(
            *(json.dumps({"file_name": f, "labels": pair(n)}) for n, f in enumerate(FILES))
        )
    },
}


def given(name):
    return {path: path.encode() for path in FILES} | TABLES[name]


@pytest.mark.parametrize("name", TABLES)
def test_several_labels_are_told_with_three_ways_to_read_them(name):
    found = readings(listing_of(given(name)), Choice())[:3]
    assert [reading.choice.several_labels for reading in found] == ["leave-out", "combine", "first"]
    assert all(SAID in reading.title and SAID in str(reading.doubt) for reading in found)
    counts = [Counter(file.class_name for file in reading.found.files) for reading in found]
    assert counts[0] == dict.fromkeys(PETS, 6)
    assert counts[1] == dict.fromkeys(PETS, 6) | dict.fromkeys(
        ("cat + dog", "dog + owl", "cat + owl"), 2
    )
    if name != "marks":  # there the first is that of the first column
        assert counts[2] == dict.fromkeys(PETS, 8)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("at", range(3))
def test_what_was_chosen_is_read_without_doubt(name, at):
    offered = readings(listing_of(given(name)), Choice())[at]
    (again,) = readings(listing_of(given(name)), offered.choice)
    assert again.doubt is None
    assert again.found == offered.found or [
        (file.raw.path, file.class_name) for file in again.found.files
    ] == [(file.raw.path, file.class_name) for file in offered.found.files]


ONE_LABEL = {
    "names of two words": ["golden retriever", "grey wolf", "polar bear", "brown bear"],
    "commas in names": ["K\u00e4se, alt", "M\u00fcsli", "K\u00e4se, jung"],
    "folders": ["tomato/healthy", "tomato/blight", "apple/healthy"],
    "measured": ["0,5", "1,5", "2,5"],
    "numbers": ["1", "2", "12"],
    "Latin": ["Canis lupus", "Canis latrans", "Felis catus"],
}


@pytest.mark.parametrize("name", ONE_LABEL)
def test_one_label_of_several_words_stays_one(name):
    assert labels_in_cells(dict.fromkeys(ONE_LABEL[name], 10), "label") is None


def test_combinations_without_single_labels():
    cells = ("clear primary", "haze primary", "clear primary water", "clear haze primary water")
    found = labels_in_cells(dict.fromkeys(cells, 5), "tags")
    assert found is not None
    assert found.of("clear primary water") == ("clear", "primary", "water")


def test_one_mistake_among_many_rows_is_no_second_label():
    assert labels_in_cells({"cat": 500, "dog": 500, "cat dog": 1}, "label") is None
