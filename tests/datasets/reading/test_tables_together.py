"""Several tables, and tables beside class folders: what is read together, and what is asked."""

from collections import Counter

import pytest

from core.datasets.reading.recognise import readings
from core.datasets.reading.sources import open_source
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.field import kinds, labelling_tools, layouts, stays, tables
from tests.datasets.listings import csv_bytes, listing_of, settled

PETS = ("cat", "dog", "owl")
FLAT = [f"im/{n}.jpg" for n in range(24)]
CASES = tables.CASES | layouts.CASES | labelling_tools.CASES | kinds.CASES | stays.CASES


def labels(files, name=lambda n: PETS[n % 3], header="file,label"):
    return csv_bytes(header, *(f"{path},{name(n)}" for n, path in enumerate(files)))


def read(paths, **members):
    """The only reading: subsets of the images by class, and the notes."""
    given = dict.fromkeys(paths, b"x")
    reading = settled(listing_of(given | {f"{k}.csv": data for k, data in members.items()}))
    files = reading.found.files
    return Counter(f.class_name for f in files), Counter(f.subset for f in files), reading


def test_tables_that_repeat_others_give_their_split():
    counts, subsets, reading = read(
        FLAT, all=labels(FLAT), train=labels(FLAT[:15]), test=labels(FLAT[15:])
    )
    assert counts == dict.fromkeys(PETS, 8)
    assert subsets == {"train": 15, "test": 9}
    assert "train.csv names the same images with the same labels." in reading.listing.notes


def test_a_table_of_subsets_beside_the_table_of_labels():
    counts, subsets, reading = read(
        FLAT,
        labels=labels(FLAT),
        eval_partition=labels(FLAT, lambda n: n // 8, "image_id,partition"),
    )
    assert counts == dict.fromkeys(PETS, 8)
    assert subsets == {"train": 8, "validation": 8, "test": 8}
    assert "eval_partition.csv was used as the split." in reading.listing.notes


def test_tables_that_contradict_each_other_are_asked_about():
    given = dict.fromkeys(FLAT, b"x") | {
        "a.csv": labels(FLAT),
        "b.csv": labels(FLAT, lambda n: PETS[n // 2 % 3]),
    }
    found = readings(listing_of(given), Choice())
    assert [reading.choice.classes_from for reading in found] == ["a.csv", "b.csv"]
    assert {reading.doubt for reading in found} == {
        "These tables label the same images differently: a.csv, b.csv"
    }
    (chosen,) = readings(listing_of(given), found[1].choice)
    assert (chosen.doubt, chosen.sources) == (None, ("b.csv",))


PARTS = {
    "parts": ("images_001", "images_002"),
    "batches": ("batch1", "batch2"),
    "subsets": ("train", "test"),
    "one folder of the named images": ("im", "im"),
}


@pytest.mark.parametrize("name", PARTS)
def test_folders_that_only_divide_the_files_are_no_classes(name):
    paths = [f"{PARTS[name][n % 2]}/{n}.jpg" for n in range(24)]
    counts, _, _ = read([*paths, *(f"other/{n}x.jpg" for n in range(9))], labels=labels(paths))
    assert counts == dict.fromkeys(PETS, 8)


def test_folders_for_training_and_a_list_for_validation():
    """As Tiny ImageNet has it: the list has the classes of the folders, and boxes."""
    trained = [f"train/n0{n % 3}/images/n0{n % 3}_{n}.JPEG" for n in range(18)]
    listed = [f"val/images/val_{n}.JPEG" for n in range(9)]
    rows = (f"val_{n}.JPEG\tn0{n % 3}\t{n}\t{n}\t{n + 9}\t{n + 9}" for n in range(9))
    given = dict.fromkeys((*trained, *listed), b"x") | {"val/annotations.txt": csv_bytes(*rows)}
    reading = settled(listing_of(given))
    assert Counter((file.class_name, file.subset) for file in reading.found.files) == {
        **{(f"n0{n}", "train"): 6 for n in range(3)},
        **{(f"n0{n}", "validation"): 3 for n in range(3)},
    }
    (again,) = readings(listing_of(given), reading.choice)
    assert again.title == reading.title
    assert len(again.found.files) == 27


@pytest.mark.parametrize("name", CASES)
def test_each_reading_of_a_table_is_repeated_by_its_choice(name, tmp_path):
    """Field cases: choosing what was offered gives that reading alone, in no doubt."""
    given = CASES[name].build(tmp_path)
    if isinstance(given, list):
        return
    with open_source(given) as listing:
        try:
            found = readings(listing, Choice(**CASES[name].chosen))
        except BadInput:
            return
        of_tables = [one for one in found if one.found.read_as == "images with a table of labels"]
        for reading in of_tables:
            with open_source(given) as fresh:
                (again,) = readings(fresh, reading.choice)
            assert again.doubt is None
            assert _labels(again) == _labels(reading)


def _labels(reading):
    return [(file.raw.path, file.class_name, file.subset) for file in reading.found.files]


def test_a_shorter_table_with_other_labels_in_the_same_column_is_asked_about():
    given = dict.fromkeys(FLAT, b"x") | {
        "labels_old.csv": labels(FLAT),
        "labels.csv": labels(FLAT[:12], lambda n: PETS[n // 2 % 3]),
    }
    found = readings(listing_of(given), Choice())
    assert [reading.choice.classes_from for reading in found] == ["labels_old.csv", "labels.csv"]
    assert all(reading.doubt for reading in found)


@pytest.mark.parametrize("name", ["sample_submission.csv", "my_predictions.csv"])
def test_what_is_to_be_handed_in_labels_nothing_beside_real_labels(name):
    guesses = {name: labels([f"test/{n}.jpg" for n in range(6)], lambda _: "cat")}
    folders = [f"train/{pet}/{n}.jpg" for pet in PETS for n in range(4)]
    tests = [f"test/{n}.jpg" for n in range(6)]
    by_folder = settled(listing_of(dict.fromkeys([*folders, *tests], b"x") | guesses))
    assert Counter(f.class_name for f in by_folder.found.files) == dict.fromkeys(PETS, 4)
    note = f"{name} names images, and was not used: it is named like predictions to hand in."
    assert note in by_folder.listing.notes
    beside = dict.fromkeys([*FLAT, *tests], b"x") | guesses | {"labels.csv": labels(FLAT)}
    by_table = settled(listing_of(beside))
    assert Counter(f.class_name for f in by_table.found.files) == dict.fromkeys(PETS, 8)
    (alone,) = readings(listing_of(dict.fromkeys(FLAT, b"x") | {name: labels(FLAT)}), Choice())
    assert alone.doubt == "The table is named like predictions to hand in, not like labels"
    again = settled(listing_of(dict.fromkeys(FLAT, b"x") | {name: labels(FLAT)}), alone.choice)
    assert len(again.found.files) == 24


def test_two_images_in_a_row_are_asked_about():
    rows = [f"{FLAT[n]},{FLAT[-1 - n]},{n % 2}" for n in range(24)]
    given = dict.fromkeys(FLAT, b"x") | {"pairs.csv": csv_bytes("left,right,label", *rows)}
    (reading,) = readings(listing_of(given), Choice())
    assert reading.doubt == "Columns left and right name two images in each row"
    assert len(settled(listing_of(given), reading.choice).found.files) == 24
