"""Columns by name and content, which labels are accepted, and which column names the images."""

import random

import numpy as np
import pytest

from core.datasets.reading import labelled_table
from core.datasets.reading.columns import (
    MOST_LISTED_ROWS,
    RefusedRows,
    as_numbers,
    bare_name,
    chosen_position,
    split_position,
    unique_names,
    why_no_label,
)
from core.datasets.reading.raw_files import Listing
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.listings import csv_bytes, listing_of, the_reading

ORDER = random.Random(3).sample(range(700), 700)
LABELS = {f"im/{number}.png": "abc"[number * 7 % 3] for number in range(700)}


def labels_of(table, more=()):
    members = {path: path.encode() for path in (*LABELS, *more)} | {"t.csv": table}
    found = the_reading(labelled_table, listing_of(members))
    labelled = found.found.files if found else []
    return {entry.raw.path: entry.class_name for entry in labelled}


@pytest.mark.parametrize("header", ["", "id", "index", "row", "number"])
@pytest.mark.parametrize("ending", [".png", ".jpg", ""])
def test_shuffled_rows_with_their_number_before(header, ending):
    """As pandas saves them: the number of the row names an image too, another one."""
    rows = [
        f"{row},{number}{ending},{LABELS[f'im/{number}.png']}" for row, number in enumerate(ORDER)
    ]
    assert labels_of(csv_bytes(f"{header},picture,label", *rows)) == LABELS


def test_the_index_that_was_shuffled_too():
    rows = [
        f"{row},{number},{LABELS[f'im/{number}.png']}"
        for row, number in zip(reversed(ORDER), ORDER, strict=True)
    ]
    assert labels_of(csv_bytes(",image,label", *rows)) == LABELS


def test_names_of_which_most_are_missing():
    """Every number of a row is there as an image, but few of the files that the table names."""
    rows = [f"{row},{9 * number}.png,{'ab'[number % 2]}" for row, number in enumerate(ORDER)]
    wanted = {f"im/{9 * n}.png": "ab"[n % 2] for n in ORDER if 9 * n < 700}
    assert labels_of(csv_bytes(",file,label", *rows)) == wanted


def test_a_running_id_counts_where_nothing_else_names_pictures():
    """Ages name pictures as well, some of them twice."""
    rows = [f"{number},{number % 80},{LABELS[f'im/{number}.png']}" for number in range(700)]
    assert labels_of(csv_bytes("id,age,label", *rows)) == LABELS


def test_the_column_called_image_before_that_of_the_masks():
    masks = [f"masks/{number}_m.png" for number in range(700)]
    rows = [
        f"masks/{number}_m.png,im/{number}.png,{LABELS[f'im/{number}.png']}" for number in ORDER
    ]
    assert labels_of(csv_bytes("mask,image,label", *rows), masks) == LABELS


def test_cells_that_are_numbers():
    cells = [["1", " 2.5 ", "3,5", "-1e2", ".5"], ["x", "", "nan", "inf", "True"]]
    assert as_numbers(cells)[0].tolist() == [1, 2.5, 3.5, -100, 0.5]
    assert np.isnan(as_numbers(cells)[1]).all()
    assert as_numbers([]).shape == (0, 0)


def test_names_of_columns():
    assert unique_names(("a", "a", "", " b ", "a (2)"), 6) == (
        "a",
        "a (2)",
        "column 3",
        "b",
        "a (2) (2)",
        "column 6",
    )
    assert unique_names(None, 2) == ("column 1", "column 2")
    assert [bare_name(name) for name in ("Class-Name", "Étiquette", " data set ")] == [
        "classname",
        "etiquette",
        "dataset",
    ]


def test_a_column_that_is_not_there_is_answered_with_those_that_are():
    assert chosen_position("b", ("a", "b"), "t.csv") == 1
    with pytest.raises(BadInput) as caught:
        chosen_position("x", ("a", "b"), "t.csv")
    assert str(caught.value) == "t.csv has no column 'x'. Its columns: a, b."
    assert caught.value.field == "columns"


@pytest.mark.parametrize(
    ("cells", "position"),
    [
        (["train", "Test", "valid"], 1),
        (["Training", "PublicTest", ""], 1),
        (["1", "2", "3"], None),
        (["train", "cat", "test"], 1),
        (["train", "cat", "dog"], None),
        (["", "", ""], None),
    ],
)
def test_a_column_of_sides_is_known_by_name_and_content(cells, position):
    rows = [("x", cell) for cell in cells]
    assert split_position(("file", "Subset"), rows, Choice(), "t.csv") == position
    assert split_position(("file", "colour"), rows, Choice(), "t.csv") is None


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("=cmd()", None),
        ("<script>", None),
        ("../", None),
        ("\U0001f600", None),
        ("nan", None),
        ("x" * 255, None),
        ("", "the label is empty"),
        (" \t", "the label is empty"),
        ("x" * 500, "the label has 500 characters; the limit is 255"),
        ("a\nb", "the label contains control characters"),
        ("a\u202eb", "the label contains marks that change the reading direction"),
        ("caf\ufffd", "the label contains letters that cannot be read; save the table as UTF-8"),
    ],
)
def test_which_labels_are_taken(label, reason):
    assert why_no_label(label) == reason


def test_refused_rows_are_listed_up_to_a_limit():
    listing = Listing()
    rows = RefusedRows(listing, "t.csv")
    for line in range(MOST_LISTED_ROWS + 5):
        rows.refuse(line, "bad")
    rows.finish()
    assert len(listing.refused) == MOST_LISTED_ROWS + 1
    assert listing.refused[3] == ("t.csv line 3", "bad")
    assert listing.refused[-1] == ("t.csv", "5 more lines like these")
