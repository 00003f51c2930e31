"""Images with a table that leaves open what the classes are: what is asked, and what is chosen."""

import pytest

from core.datasets.reading import labelled_table
from core.datasets.reading.question import ReadingUnclear
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.listings import csv_bytes, listing_of, refused, settled
from tests.datasets.reading.test_labelled_table import (
    FLAT,
    FOLDERS,
    LABELLED,
    label_by_table,
    members,
    read,
    subsets,
)

UNCLEAR = csv_bytes("file,before,after", "a.jpg,x,cat", "b.jpg,y,dog", "c.jpg,x,dog", "d.jpg,z,cat")


def asked(given, choice=Choice()):  # noqa: B008 - frozen
    """The question of an import, and what each of its readings labels the images as."""
    listing = listing_of(given)
    with pytest.raises(ReadingUnclear) as caught:
        settled(listing, choice)
    found = labelled_table.readings(listing, choice)
    return caught.value.question, [
        {entry.raw.path: entry.class_name for entry in reading.found.files} for reading in found
    ]


def test_columns_that_are_not_plain_are_asked_for():
    question, labels = asked(members(UNCLEAR))
    (sample,) = question.tables
    assert (sample.name, sample.columns) == ("labels.csv", ["file", "before", "after"])
    assert sample.rows == [
        ["a.jpg", "x", "cat"],
        ["b.jpg", "y", "dog"],
        ["c.jpg", "x", "dog"],
        ["d.jpg", "z", "cat"],
    ]
    after = {"a.jpg": "cat", "b.jpg": "dog", "c.jpg": "dog", "d.jpg": "cat"}
    assert labels == [after]  # of three values on four images none can be learned
    assert read(members(UNCLEAR), question.offers[0].choice)[0] == after
    before, _ = read(members(UNCLEAR), Choice(file_column="file", label_column="before"))
    assert before == {"a.jpg": "x", "b.jpg": "y", "c.jpg": "x", "d.jpg": "z"}


def test_several_marks_in_a_row_are_asked_about():
    table = csv_bytes("file,glasses,hat", "a.jpg,1,1", "b.jpg,0,0", "c.jpg,1,0", "d.jpg,0,1")
    question, labels = asked(members(table))
    assert [entry.choice.label_column for entry in question.offers] == ["glasses", "hat"]
    assert labels[1] == {"a.jpg": "1", "b.jpg": "0", "c.jpg": "0", "d.jpg": "1"}
    assert read(members(table), Choice(label_column="hat"))[0] == labels[1]


@pytest.mark.parametrize(
    "columns", [Choice(label_column="x"), Choice(file_column="x"), Choice(split_column="x")]
)
def test_a_column_that_is_not_there(columns):
    with pytest.raises(BadInput) as caught:
        read(members(LABELLED), columns)
    assert str(caught.value) == "labels.csv has no column 'x'. Its columns: file, label."
    assert caught.value.field == "columns"


def test_the_columns_of_the_user_win():
    table = csv_bytes("file,label,mood,half", "a.jpg,cat,sad,train", "b.jpg,dog,glad,test")
    chosen = Choice(label_column="mood", split_column="half")
    assert read(members(table, FLAT[:2]), chosen)[0] == {"a.jpg": "sad", "b.jpg": "glad"}
    assert subsets(members(table, FLAT[:2]), chosen) == {"a.jpg": "train", "b.jpg": "test"}


def test_a_chosen_split_that_says_nothing_of_sides_is_refused_by_line():
    table = csv_bytes("file,label,half", "a.jpg,cat,train", "b.jpg,dog,moon")
    labels, listing = read(members(table, FLAT[:2]), Choice(split_column="half"))
    assert labels == {"a.jpg": "cat"}
    assert refused(listing) == {"labels.csv line 3": "'moon' is not train, validation or test"}


BESIDE_FOLDERS = {
    "names other files": csv_bytes("file,label", "x.jpg,cat", "y.jpg,dog"),
    "is prose": b"Read me first\nAll pictures were taken, by me\n",
    "has sizes": csv_bytes("file,width", *(f"{path},{at}" for at, path in enumerate(FOLDERS))),
    "says what the folders say": csv_bytes("file,label", *(f"{p},{p[:4]}" for p in FOLDERS)),
    "has numbers for the folders": csv_bytes("f,label", *(f"{p},{int(p < 'd')}" for p in FOLDERS)),
    "names one picture": csv_bytes("file,label", "cats/1.jpg,tabby"),
    "is unclear": csv_bytes(
        "file,a,b", *(f"{p},{at % 3},{at % 2}" for at, p in enumerate(FOLDERS))
    ),
}


@pytest.mark.parametrize("what", BESIDE_FOLDERS)
def test_class_folders_stay_where_a_table_adds_nothing(what):
    given = members(BESIDE_FOLDERS[what], FOLDERS)
    assert label_by_table(listing_of(given), Choice()) is None


def test_a_table_and_class_folders_that_say_something_else_are_asked_about():
    rows = [f"{path},{('tabby', 'stray')[at % 2]}" for at, path in enumerate(FOLDERS)]
    given = members(csv_bytes("file,label", *rows), FOLDERS)
    question, (by_table, by_folder) = asked(given)
    assert by_table == dict(zip(FOLDERS, ("tabby", "stray") * 2, strict=True))
    assert by_folder == {path: path[:4] for path in FOLDERS}
    assert {entry.doubt for entry in question.offers} == {
        "The folders say something else than the table"
    }
    labels, listing = read(given, question.offers[0].choice)
    assert labels == by_table
    assert "The classes are taken from the table, not from the folders." in listing.notes
