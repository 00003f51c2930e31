"""A text file for each image is its label where it holds a word, and never a long or odd one."""

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
