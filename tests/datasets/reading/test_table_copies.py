"""Tables of pixels that hold the same rows count once; a few images beside tables explain them."""

import gzip

import numpy as np
import pytest

from core.datasets.add import add_dataset
from core.datasets.reading import pixel_table
from core.errors import BadInput
from tests.datasets.listings import csv_bytes, listing_of, the_reading
from tests.datasets.pictures import noise_png, write_zip

ROWS = [
    ",".join(map(str, [at % 3, *row]))
    for at, row in enumerate(np.random.default_rng(4).integers(0, 256, (24, 16)))
]
HEADER = ",".join(["label", *(f"pixel{n}" for n in range(16))])


def table(*parts: slice, separator=",") -> bytes:
    rows = [HEADER, *(row for part in parts for row in ROWS[part])]
    return csv_bytes(*(row.replace(",", separator) for row in rows))


TRAIN, TEST, ALL = slice(0, 16), slice(16, 24), slice(0, 24)


def read(members):
    """Images by table and subset, and the notes."""
    reading = the_reading(pixel_table, listing_of(members))
    counts = {}
    for batch, _ in reading.found.batches():
        key = batch.names[0].split(" line ")[0], batch.subset
        counts[key] = counts.get(key, 0) + len(batch.pixels)
    return counts, reading.listing.notes


BOTH = {("train.csv", "train"): 16, ("test.csv", "test"): 8}
CASES = {
    "each again in a folder": (
        {
            "train.csv": table(TRAIN),
            "train/train.csv": table(TRAIN),
            "test.csv": table(TEST),
            "test/test.csv": table(TEST),
        },
        BOTH,
        "test/test.csv was left out: its 8 rows stand in test.csv too.",
    ),
    "with another separator": (
        {"a.csv": table(ALL), "b.csv": table(ALL, separator=";")},
        {("a.csv", None): 24},
        "b.csv was left out: its 24 rows stand in a.csv too.",
    ),
    "in another order, packed": (
        {"all.csv": table(ALL), "more/all.csv.gz": gzip.compress(table(TEST, TRAIN))},
        {("all.csv", None): 24},
        "more/all.csv.gz was left out: its 24 rows stand in all.csv too.",
    ),
    "a part": (
        {"digits.csv": table(ALL), "few.csv": table(slice(3, 9))},
        {("digits.csv", None): 24},
        "few.csv was left out: its 6 rows stand in digits.csv too.",
    ),
    "the whole beside train and test": (
        {"digits.csv": table(ALL), "train.csv": table(TRAIN), "test.csv": table(TEST)},
        BOTH,
        "digits.csv was left out: its 24 rows stand in test.csv and train.csv too.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_same_rows_count_once(case):
    members, expected, note = CASES[case]
    counts, notes = read(members)
    assert counts == expected
    assert note in notes


def test_rows_that_only_overlap_and_repeated_rows_stay():
    counts, _ = read({"a.csv": table(slice(0, 12)), "b.csv": table(slice(6, 18))})
    assert sum(counts.values()) == 24
    twice = slice(0, 5)
    counts, _ = read({"a.csv": table(ALL), "b.csv": table(twice, twice)})
    assert sum(counts.values()) == 34


def test_train_and_test_with_the_same_rows_stay_apart():
    counts, _ = read({"train.csv": table(ALL), "test.csv": table(TEST)})
    assert counts == {("train.csv", "train"): 24, ("test.csv", "test"): 8}


@pytest.mark.usefixtures("home")
def test_a_few_images_explain_tables(tmp_path):
    images = {f"explained{at}.png": noise_png(at) for at in range(3)}
    tables = {"train.csv": table(TRAIN), "test.csv": table(TEST)}
    dataset = add_dataset(write_zip(tmp_path / "x.zip", tables | images))
    assert dataset.read_as == "table of pixels"
    assert dataset.class_counts == {"0": 8, "1": 8, "2": 8}
    assert "Left out: 3 files without labelled pixels." in dataset.health.notes
    many = {f"scan{at}.png": noise_png(at) for at in range(12)}
    assert the_reading(pixel_table, listing_of(tables | many)) is None


TEXT = "iVBORw0KGgo" + "A" * 400 + "=="
TABLES = {
    "addresses": (
        ["image_url,label", "https://example.org/0.jpg,cat", "https://example.org/1.jpg,dog"],
        "names images by addresses in its column 'image_url'; addresses are not fetched",
    ),
    "buckets": (["cat,s3://pets/0.jpg", "dog,s3://pets/1.jpg"], "addresses are not fetched"),
    "base64": (["image,label", f"{TEXT},cat", f"{TEXT},dog"], "as text (base64) in its column 'im"),
    "data addresses": (
        ["label;image", f'cat;"data:image/png;base64,{TEXT}"', f"dog;{TEXT}"],
        "base64.b64decode",
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_what_a_table_without_pixels_holds_is_told(case):
    lines, message = TABLES[case]
    with pytest.raises(BadInput) as caught:
        the_reading(pixel_table, listing_of({"train.csv": csv_bytes(*lines)}))
    assert message in str(caught.value)
