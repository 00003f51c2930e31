"""Which column names the images: never the number of the row where another one does."""

import random

import pytest

from core.datasets.reading import labelled_table
from core.datasets.reading.columns import Columns
from tests.datasets.listings import csv_bytes, listing_of

ORDER = random.Random(3).sample(range(700), 700)
LABELS = {f"im/{number}.png": "abc"[number * 7 % 3] for number in range(700)}


def labels_of(table, more=()):
    members = {path: path.encode() for path in (*LABELS, *more)} | {"t.csv": table}
    found = labelled_table.recognise(listing_of(members), Columns())
    labelled = found.files if found else []
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
