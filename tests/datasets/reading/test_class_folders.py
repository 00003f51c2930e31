"""Class folders in all the trees that people have: wrappers, splits, unlabelled parts, names."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.datasets.reading import class_folders
from core.datasets.reading.subset_names import subset_among, subset_of, subsets_of_folders
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.listings import listing_of, the_reading


def read(*paths):
    """(class, subset) of each image by its path, and the notes."""
    listing = listing_of({path: path.encode() for path in paths})
    reading = the_reading(class_folders, listing)
    labelled = reading.found.files
    assert len(labelled) + reading.listing.ignored <= len(paths)
    notes = reading.listing.notes
    return {entry.raw.path: (entry.class_name, entry.subset) for entry in labelled}, notes


def pets(prefix="", numbers=(1, 2)):
    return [f"{prefix}{name}/{number}.jpg" for name in ("cats", "dogs") for number in numbers]


def classes_and_subsets(found):
    return sorted(set(found.values()), key=str)


@pytest.mark.parametrize("prefix", ["", "pets/", "data/images/", "a/b/c/"])
def test_wrapping_folders(prefix):
    found, notes = read(*pets(prefix))
    assert classes_and_subsets(found) == [("cats", None), ("dogs", None)]
    assert notes == []


SPLITS = {
    "train, test": ("train", "test"),
    "Train, Test": ("Train", "Test"),
    "TRAINING, TESTING": ("TRAINING", "TESTING"),
    "training_set, test_set": ("training_set", "test_set"),
    "train_images, test_images": ("train_images", "test_images"),
    "seg_train, seg_test": ("seg_train/seg_train", "seg_test/seg_test"),
    "wrapped": ("data/images/train", "data/images/test"),
    "wrapped inside": ("train/images", "test/images"),
    "trainset, testset": ("trainset", "testset"),
    "TrainData, TestData": ("TrainData", "TestData"),
    "my-train, my-test": ("my-train", "my-test"),
}


@pytest.mark.parametrize("how", SPLITS)
def test_folders_of_the_split(how):
    train, test = SPLITS[how]
    found, notes = read(*pets(f"{train}/"), *pets(f"{test}/", (3,)))
    assert found == {path: (path.split("/")[-2], "train") for path in pets(f"{train}/")} | {
        path: (path.split("/")[-2], "test") for path in pets(f"{test}/", (3,))
    }
    assert len(notes) == 1
    assert notes[0].endswith("were used as the split.")


def test_validation_and_three_subsets():
    found, _ = read(*pets("train/"), *pets("val/"), *pets("test/"))
    assert {subset for _, subset in found.values()} == {"train", "validation", "test"}


def test_sides_inside_the_classes():
    found, notes = read("cats/train/1.jpg", "cats/test/2.jpg", "dogs/train/1.jpg")
    assert found == {
        "cats/train/1.jpg": ("cats", "train"),
        "cats/test/2.jpg": ("cats", "test"),
        "dogs/train/1.jpg": ("dogs", "train"),
    }
    assert notes == ["The folders test, train were used as the split."]


@pytest.mark.parametrize(
    "unlabelled", ["test/1.jpg", "test/unknown/1.jpg", "test/test/1.jpg", "seg_pred/seg_pred/1.jpg"]
)
def test_an_unlabelled_part_is_left_out_with_a_note(unlabelled):
    folder = unlabelled.split("/")[0]
    found, notes = read(*pets("train/"), unlabelled)
    assert classes_and_subsets(found) == [("cats", None), ("dogs", None)]
    assert notes == [
        f"Left out: 1 file in {folder}, in no class folder there and so without a label."
    ]


def test_other_folders_beside_the_split_are_left_out():
    found, notes = read(*pets("train/"), *pets("test/"), "papers/1.jpg", "README.md")
    assert len(found) == 8
    assert notes == [
        "The folders test, train were used as the split.",
        "Left out: 2 files outside the class folders.",
    ]


def test_pictures_straight_in_train_and_test():
    with pytest.raises(BadInput, match="The images are directly in test, train"):
        read("train/a.jpg", "train/b.jpg", "test/c.jpg")


def test_a_class_called_train_is_no_subset():
    found, _ = read("train/a.jpg", "bus/b.jpg", "car/c.jpg")
    assert classes_and_subsets(found) == [("bus", None), ("car", None), ("train", None)]
    found, _ = read("train/steam/a.jpg", "train/diesel/b.jpg", "bus/b.jpg")
    assert classes_and_subsets(found) == [("bus", None), ("train", None)]


def test_names_with_a_subset_and_a_class_are_both():
    names = [f"{kind}_{subset}/1.jpg" for kind in ("cats", "dogs") for subset in ("train", "test")]
    found, notes = read(*names)
    assert classes_and_subsets(found) == [
        ("cats", "test"),
        ("cats", "train"),
        ("dogs", "test"),
        ("dogs", "train"),
    ]
    assert notes == [
        "The folders cats_test, cats_train, dogs_test, dogs_train were used as the split."
    ]


def test_folders_without_pictures_are_no_classes():
    found, notes = read(*pets("images/"), "annotations/cats/1.xml", "annotations/dogs/1.xml")
    assert classes_and_subsets(found) == [("cats", None), ("dogs", None)]
    assert notes == ["Left out: 2 files outside the class folders."]


def test_what_programs_put_beside_pictures_is_passed_over():
    beside = ["cats/1.jpg.json", "cats/2.AAE", "dogs/readme.txt"]
    found, notes = read(*pets(), *beside)
    assert sorted(found) == sorted(pets())
    assert notes == ["Left out: 3 files that programs put beside images, such as cats/1.jpg.json."]


def test_pictures_without_an_ending_are_known_by_content():
    listing = listing_of({"cats/1": b"\xff\xd8\xff", "dogs/1": b"\x89PNG", "about/readme": b"text"})
    assert [entry.class_name for entry in the_reading(class_folders, listing).found.files] == [
        "cats",
        "dogs",
    ]


@pytest.mark.parametrize("other", ["Cats", " cats", "cats\u200b", "c\u00adats", "\uff43ats"])
def test_classes_that_look_alike_are_said(other):
    found, notes = read(
        "train/cats/1.jpg", "train/dogs/1.jpg", f"test/{other}/1.jpg", "test/dogs/2.jpg"
    )
    assert len(set(found.values())) == 4
    first, second = sorted(["cats", other])
    assert notes[-1] == (
        f"The classes {first!r} and {second!r} differ only in capital letters, blanks or invisible"
        " signs. They were kept apart; merge them if they are one class."
    )


@pytest.mark.parametrize("folder", ["", "train/", "a/b/"])
def test_classes_in_file_names(folder):
    names = [f"{folder}{name}.{number}.jpg" for name in ("cat", "dog") for number in range(3)]
    found, notes = read(*names)
    assert classes_and_subsets(found) == [("cat", None), ("dog", None)]
    assert notes == ["The class of each image was taken from its file name: cat.0.jpg is 'cat'."]


def test_classes_in_file_names_of_both_subsets():
    paths = [
        f"{subset}/{name}_{number}.jpg"
        for subset in ("train", "test")
        for name in ("cat", "dog")
        for number in range(3)
    ]
    found, _ = read(*paths)
    assert classes_and_subsets(found) == [
        ("cat", "test"),
        ("cat", "train"),
        ("dog", "test"),
        ("dog", "train"),
    ]


@pytest.mark.parametrize(
    ("name", "subset"),
    [
        ("train", "train"),
        ("Training Set", "train"),
        ("test1", "test"),
        ("val2017", "validation"),
        ("PublicTest", "test"),
        ("dev", "validation"),
        ("cats_train", None),
        ("testimony", None),
        ("", None),
        ("train_test", None),
    ],
)
def test_what_names_a_subset(name, subset):
    assert subset_of(name) == subset


def test_a_side_among_other_words():
    assert subset_among("mnist_train.csv") == "train"
    assert subset_among("trainLabels.csv") == "train"
    assert subset_among("latest.csv") is None
    assert subsets_of_folders(["seg_train", "seg_pred"]) == {"seg_train": "train", "seg_pred": None}


def test_no_folder_at_all():
    with pytest.raises(BadInput, match="The images are in no class folder"):
        read("a.jpg", "b.jpg")


@given(
    st.lists(
        st.lists(
            st.sampled_from(["train", "test", "a", "b", "1.jpg", "x_1.jpg", "c.txt"]),
            min_size=1,
            max_size=4,
        ),
        min_size=1,
        max_size=12,
    )
)
@example([["train", "train", "1.jpg"], ["train", "a", "1.jpg"], ["1.jpg", "train", "1.jpg"]])
def test_any_tree_is_read_or_refused_and_every_file_counted(paths):
    listing = listing_of({"/".join(path): b"x" for path in paths})
    try:
        # A clear reading first, if there is one; others may be offered beside it.
        reading = class_folders.readings(listing, Choice())[0]
        labelled, listing = reading.found.files, reading.listing
    except BadInput:
        return
    assert len(labelled) + listing.ignored == len(listing.files)
    assert len({id(entry.raw) for entry in labelled}) == len(labelled)
    assert all(entry.class_name in "/".join(entry.raw.parts) for entry in labelled)
