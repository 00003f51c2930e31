"""A text file for each image is its label where it holds a word, and never a long or odd one."""

import json

import pytest

from core.datasets.reading.text_labels import LARGEST_LABEL_BYTES, MOST_CLASSES
from tests.datasets.reading.offered import counts, images, offers, subsets, taken

NAMES = [f"all/{at}" for at in range(12)]


def labelled(*words: str, names: list[str] = NAMES) -> dict[str, bytes]:
    texts = {f"{name}.txt": words[at % len(words)].encode() for at, name in enumerate(names)}
    return images(*(f"{name}.png" for name in names)) | texts


def test_the_word_is_the_class():
    found = taken(labelled("cat\n", "\ufeffsnow dog\r\n"))
    assert counts(found) == {"cat": 6, "snow dog": 6}
    assert found.listing.notes == [
        "The class of each image was taken from its text file: 0.txt says 'cat'."
    ]


def test_folders_of_a_split_are_its_subsets():
    names = [f"{folder}/{at}" for folder in ("train", "test") for at in range(4)]
    assert subsets(taken(labelled("cat", "dog", names=names))) == {"train": 4, "test": 4}


def test_one_missing_text_is_noted():
    files = labelled("cat", "dog")
    del files["all/5.txt"]
    found = taken(files)
    assert counts(found) == {"cat": 6, "dog": 5}
    assert found.listing.notes[0] == (
        "Left out: 1 file without an image or a text file of the same name."
    )


@pytest.mark.parametrize(
    "words",
    [
        ("1", "2"),
        ("0 0.5 0.5 0.1 0.1", "1 0.5 0.5 0.1 0.1"),
        ("cat, sleeping", "dog, running"),
        ("a cat in the soft light", "a dog in the soft light"),
        ("cat\ndog", "dog\ncat"),
        ("cat", "x" * (LARGEST_LABEL_BYTES + 1)),
        ("cat",),
        tuple(f"word{at}" for at in range(12)),
    ],
)
def test_what_is_no_class(words):
    files = images("a/x.png", "b/y.png") | labelled(*words, names=[f"a/{at}" for at in range(12)])
    assert all(found.choice.classes_from != "texts" for found in offers(files))


def test_more_words_than_classes_may_be():
    words = [f"word{chr(97 + at % 26)}{at // 26}" for at in range(MOST_CLASSES + 1)]
    names = [f"{folder}/{folder}{at}" for folder in "ab" for at in range(MOST_CLASSES + 1)]
    found = offers(labelled(*words, names=names))
    assert [reading.choice.classes_from for reading in found] == ["folders"]


def beside(ending: str, *contents: str) -> dict[str, bytes]:
    texts = {f"{name}.{ending}": contents[at % len(contents)] for at, name in enumerate(NAMES)}
    files = images(*(f"{name}.png" for name in NAMES))
    return files | {name: content.encode() for name, content in texts.items()}


def test_numbers_in_files_that_are_named_for_a_class():
    found = taken(beside("cls", "0", "7", "12") | beside("txt", "a cat", "one more dog of three"))
    assert counts(found) == {"0": 4, "12": 4, "7": 4}
    assert found.title == "The classes are in the class files beside the images: 0.cls says '0'"


def test_a_key_of_json_beside_each_image():
    record = {"url": "https://example.org", "width": 8, "category": "cat"}
    found = taken(beside("json", json.dumps(record), json.dumps(record | {"category": "dog"})))
    assert counts(found) == {"cat": 6, "dog": 6}
    assert found.listing.notes == [
        "The class of each image was taken from its JSON file: 0.json says 'cat' (category)."
    ]


def test_the_key_that_is_named_like_a_label_is_the_class():
    found = taken(beside("json", '{"kind": "photo", "label": 3}', '{"kind": "photo", "label": 5}'))
    assert counts(found) == {"3": 6, "5": 6}


def test_two_keys_that_are_named_like_labels_are_asked_about():
    forms = (("cat", "a"), ("cat", "b"), ("dog", "a"), ("dog", "b"))
    files = beside("json", *(json.dumps({"class": c, "label": n}) for c, n in forms))
    (found,) = offers(files)
    assert found.doubt == "Several keys are named like labels: class, label"
    assert counts(found) == {"cat": 6, "dog": 6}


@pytest.mark.parametrize(
    "record",
    [
        {"label": "cat", "bbox": [1, 2, 3, 4]},
        {"shapes": [{"label": "cat", "points": [[1, 2]]}]},
        {"caption": "cat"},
        ["cat"],
        {"label": ["cat", "dog"]},
        {"label": ""},
    ],
)
def test_json_without_a_class(record):
    other = json.loads(json.dumps(record).replace("cat", "owl"))
    files = images("a/x.png", "b/y.png") | beside("json", json.dumps(record), json.dumps(other))
    assert all(found.choice.classes_from != "texts" for found in offers(files))


def test_one_label_for_each_folder_is_asked_about():
    names = [f"{folder:03}/{at}.png" for folder in range(4) for at in range(3)]
    labels = {f"{folder:03}/label.txt": (b"cat", b"dog")[folder % 2] for folder in range(4)}
    first, second = offers(images(*names) | labels)
    assert counts(first) == {"cat": 6, "dog": 6}
    assert first.doubt == "The folders say something else than the text files"
    assert counts(second) == {"000": 3, "001": 3, "002": 3, "003": 3}


def test_a_label_in_each_folder_that_says_the_same_is_not_asked_about():
    names = [f"{folder}/{at}.png" for folder in ("cat", "dog") for at in range(3)]
    labels = {f"{folder}/label.txt": f"a {folder}".encode() for folder in ("cat", "dog")}
    assert counts(taken(images(*names) | labels)) == {"cat": 3, "dog": 3}
