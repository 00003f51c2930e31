"""Tables of pixels: which column is what, which values are taken, why bad lines are refused."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets.add import add_dataset
from core.datasets.reading import pixel_table, raw_files
from core.datasets.reading.question import ReadingUnclear
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.listings import csv_bytes, listing_of, refused, the_reading
from tests.datasets.pictures import noise_png, write_zip

SIDE = 4
random = np.random.default_rng(5)
GREY = random.integers(0, 256, (6, SIDE, SIDE), dtype=np.uint8)
LABELS = ["7", "0", "7", "1", "0", "12"]
PIXEL_NAMES = [f"pixel{number}" for number in range(SIDE * SIDE)]


def cells_of(picture: np.ndarray) -> list[str]:
    return [str(value) for value in picture.ravel().tolist()]


def rows_of(pictures=GREY, labels=LABELS) -> list[list[str]]:
    return [[label, *cells_of(picture)] for label, picture in zip(labels, pictures, strict=True)]


def table(rows, header=None, separator=",") -> bytes:
    given = [header] if header else []
    return csv_bytes(*(separator.join(row) for row in [*given, *rows]))


HEADER = ["label", *PIXEL_NAMES]


def read(members, choice=Choice()):  # noqa: B008 - frozen
    """All pixels, class names, names and subsets of a source, and its listing."""
    listing = listing_of(members if isinstance(members, dict) else {"digits.csv": members})
    reading = the_reading(pixel_table, listing, choice)
    assert reading is not None
    found, listing = reading.found, reading.listing
    batches = list(found.batches())
    assert batches[-1][1] == found.total
    assert sum(batch.pixels.nbytes for batch, _ in batches) <= found.expected_bytes
    pixels = np.concatenate([batch.pixels for batch, _ in batches])
    class_names = [name for batch, _ in batches for name in batch.class_names]
    names = [name for batch, _ in batches for name in batch.names]
    subsets = [batch.subset for batch, _ in batches for _ in batch.names]
    return pixels, class_names, names, subsets, listing


def labels_of(names, start=1):
    return [f"{name}{start + at}" for at, name in enumerate(names)]


HEADERS = {
    "pixel0": HEADER,
    "pixel_1": ["Label", *(f"pixel_{number}" for number in range(1, 17))],
    "px1": ["class", *(f"px{number}" for number in range(1, 17))],
    "1x1": ["label", *(f"{row}x{column}" for row in range(1, 5) for column in range(1, 5))],
    "numbers": ["y", *map(str, range(16))],
    "numbers only": [str(number) for number in range(17)],
    "unknown words": ["what", *(f"c{number:02d}" for number in range(16))],
    "none": None,
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers(name):
    header = HEADERS[name]
    pixels, class_names, names, subsets, listing = read(table(rows_of(), header))
    assert (pixels == GREY).all()
    assert pixels.dtype == np.uint8
    assert class_names == LABELS
    first = 1 if header is None else 2
    assert names == [f"digits.csv line {number}" for number in range(first, first + 6)]
    assert subsets == [None] * 6
    assert listing.refused == []


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_label_last_other_separators_gzip(separator, last, packed):
    rows, header = rows_of(), HEADER
    if last:
        rows, header = [[*row[1:], row[0]] for row in rows], [*HEADER[1:], HEADER[0]]
    data = table(rows, header, separator)
    pixels, class_names, *_ = read(gzip.compress(data) if packed else data)
    assert (pixels == GREY).all()
    assert class_names == LABELS


def test_label_last_without_header():
    pixels = np.zeros((6, SIDE, SIDE), np.uint8)
    pixels[:, 1:3, 1:3] = GREY[:, 1:3, 1:3]
    rows = [[*row[1:], row[0]] for row in rows_of(pixels)]
    read_pixels, class_names, _, _, listing = read(table(rows))
    assert (read_pixels == pixels).all()
    assert class_names == LABELS
    assert "digits.csv: the label was taken from the last column." in listing.notes


def test_columns_in_the_order_of_their_names_as_text():
    order = sorted(range(16), key=lambda number: f"pixel{number}")
    header = ["label", *(f"pixel{number}" for number in order)]
    rows = [[row[0], *(row[1 + number] for number in order)] for row in rows_of()]
    pixels, *_ = read(table(rows, header))
    assert (pixels == GREY).all()


def smooth_colour() -> np.ndarray:
    coarse = random.integers(0, 200, (6, 2, 2, 3))
    noise = random.integers(0, 9, (6, 8, 8, 3))
    return (np.kron(coarse, np.ones((1, 4, 4, 1), np.int64)) + noise).astype(np.uint8)


@pytest.mark.parametrize("planar", [False, True])
def test_colour_channel_by_channel_or_pixel_by_pixel(planar):
    colour = smooth_colour()
    given = colour.transpose(0, 3, 1, 2) if planar else colour
    pixels, _, _, _, listing = read(table(rows_of(given)))
    assert (pixels == colour).all()
    order = "all red, then all green, then all blue" if planar else "red, green, blue in turn"
    assert f"digits.csv: the colours were read as {order}." in listing.notes


def test_colour_columns_that_say_so_are_believed():
    colour = random.integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)
    header = ["label", *(f"{c}{number}" for number in range(16) for c in "rgb")]
    pixels, *_ = read(table(rows_of(colour), header))
    assert (pixels == colour).all()


def test_fractions_from_0_to_1():
    rows = [[label, *(f"{int(c) / 255:.6f}" for c in cells)] for label, *cells in rows_of()]
    pixels, _, _, _, listing = read(table(rows, HEADER))
    assert (pixels == GREY).all()
    assert listing.notes == ["digits.csv: its pixels go from 0 to 1; they were multiplied by 255."]


def test_fractions_with_a_comma():
    rows = [[label, *(f"{int(c)},4" for c in cells)] for label, *cells in rows_of(GREY // 2)]
    pixels, *_ = read(table(rows, HEADER, ";"))
    assert (pixels == GREY // 2).all()


def test_labels_stay_text():
    given = ["1e5", "nan", "true", "007", "NA", "cat"]
    assert read(table(rows_of(labels=given), HEADER))[1] == given


def test_a_misspelt_side_costs_its_line_and_not_the_split():
    subsets = ["train", "train", "", "test", "tset", "test"]
    rows = [[subset, *row] for subset, row in zip(subsets, rows_of(), strict=True)]
    _, _, names, read_subsets, listing = read(table(rows, ["split", *HEADER]))
    assert refused(listing) == {"digits.csv line 6": "'tset' is not train, validation or test"}
    found = {
        name.removeprefix("digits.csv line "): s
        for name, s in zip(names, read_subsets, strict=True)
    }
    assert found == {"2": "train", "3": "train", "4": None, "5": "test", "7": "test"}


def test_index_and_split_columns():
    subsets = ["train", "train", "valid", "test", "Test", "train"]
    rows = [
        [str(at), subset, *row]
        for at, (subset, row) in enumerate(zip(subsets, rows_of(), strict=True))
    ]
    pixels, class_names, names, read_subsets, _ = read(table(rows, ["", "split", *HEADER]))
    by_name = dict(zip(names, read_subsets, strict=True))
    expected = ["train", "train", "validation", "test", "test", "train"]
    assert by_name == {f"digits.csv line {at + 2}": subset for at, subset in enumerate(expected)}
    lines = [int(name.split()[-1]) - 2 for name in names]
    assert class_names == [LABELS[at] for at in lines]
    assert (pixels == GREY[lines]).all()


def with_line(line: str) -> bytes:
    lines = table(rows_of(), HEADER).decode().splitlines()
    return csv_bytes(*lines[:3], line, *lines[3:])


GOOD = ",".join(["5", *cells_of(GREY[0])])
BAD_LINES = {
    GOOD.rsplit(",", 1)[0]: "it has 16 cells where 17 were expected",
    GOOD + ",1": "it has 18 cells where 17 were expected",
    GOOD.rsplit(",", 1)[0] + ",x": "its pixel 16 is 'x', not a number from 0 to 255",
    GOOD.rsplit(",", 1)[0] + ",": "its pixel 16 is '', not a number from 0 to 255",
    GOOD.rsplit(",", 1)[0] + ",256": "its pixel 16 is '256', not a number from 0 to 255",
    GOOD.rsplit(",", 1)[0] + ",-1": "its pixel 16 is '-1', not a number from 0 to 255",
    GOOD.rsplit(",", 1)[0] + ",nan": "its pixel 16 is 'nan', not a number from 0 to 255",
    GOOD.rsplit(",", 1)[0] + ",True": "its pixel 16 is 'True', not a number from 0 to 255",
    GOOD[1:]: "the label is empty",
    "x" * 500 + GOOD[1:]: "the label has 500 characters; the limit is 255",
    "x" * 200_000
    + GOOD[1:].rsplit(",", 1)[0]
    + ",": "its pixel 16 is '', not a number from 0 to 255",
    '"' + GOOD: "its quotation marks do not match",
    'a"b, "' + GOOD[2:]: "its quotation marks do not match",  # a cell that is never closed
}


@pytest.mark.parametrize("line", BAD_LINES, ids=BAD_LINES.values())
def test_a_bad_line_is_refused_with_its_number_and_the_rest_kept(line):
    pixels, class_names, names, _, listing = read(with_line(line))
    assert refused(listing) == {"digits.csv line 4": BAD_LINES[line]}
    assert (pixels == GREY).all()
    assert class_names == LABELS
    assert names == [f"digits.csv line {number}" for number in (2, 3, 5, 6, 7, 8)]


def test_blank_lines_are_passed_over():
    assert read(with_line(""))[4].refused == []


def test_small_blocks_give_the_same(monkeypatch):
    monkeypatch.setattr(pixel_table, "MOST_ROWS_IN_A_BLOCK", 2)
    pixels, class_names, *_ = read(with_line("bad"))
    assert (pixels == GREY).all()
    assert class_names == LABELS


def test_train_and_test_in_the_names_of_several_tables():
    data = table(rows_of(), HEADER)
    *_, subsets, listing = read(
        {"mnist_train.csv": data, "x/mnist_test.csv": data, "about.md": b"x"}
    )
    assert subsets == ["train"] * 6 + ["test"] * 6
    assert listing.notes == [
        "2 tables were read as one dataset: mnist_train.csv, x/mnist_test.csv.",
        "Left out: 1 file without labelled pixels.",
    ]


def test_one_table_has_no_subset():
    assert read({"mnist_train.csv": table(rows_of(), HEADER)})[3] == [None] * 6


def test_a_table_without_labels_beside_one_with_them():
    bare = table([row[1:] for row in rows_of()], PIXEL_NAMES)
    pixels, *_, listing = read({"test.csv": bare, "train.csv": table(rows_of(), HEADER)})
    assert len(pixels) == 6
    assert listing.notes[0] == "test.csv has no column of labels and was left out."
    with pytest.raises(BadInput, match=r"test\.csv has pixels but no column of labels"):
        read({"test.csv": bare})


def test_the_user_names_the_label():
    header = ["before", "after", *PIXEL_NAMES]
    rows = [["a", *row] for row in rows_of()]
    with pytest.raises(ReadingUnclear) as caught:
        read(table(rows, header))
    (sample,) = caught.value.question.tables
    assert (sample.name, sample.columns) == ("digits.csv", ["before", "after"])
    assert sample.rows[0] == ["a", "7"]
    assert read(table(rows, header), Choice(label_column="after"))[1] == LABELS
    with pytest.raises(BadInput, match=r"digits\.csv has no column 'x'\. Its columns: before, aft"):
        read(table(rows, header), Choice(label_column="x"))


WRONG = {
    "no square": (
        table([row[:-1] for row in rows_of(random.integers(0, 256, (6, 5, 4)))], None),
        "20 numbers a line do not form a square image; 16 or 25 would (grey)",
    ),
    "no line is good": (
        table([[row[0], *(["999"] * 15), "3"] for row in rows_of()], HEADER),
        "a table without pixels",
    ),
    "text": (b"plain words in a file\n", "is neither a zip nor a table"),
    "names of images": (
        csv_bytes("file,label", "1.jpg,cat", "2.jpg,dog"),
        "is a table without pixels in it. If it names images, put it into one zip with them",
    ),
    "flowers by Fisher": (
        csv_bytes("a,b,c,d,species", "5.1,3.5,1.4,0.2,setosa", "4.9,3.0,1.4,0.2,virginica"),
        "is a table without pixels in it",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name):
    data, message = WRONG[name]
    with pytest.raises(BadInput) as caught:
        read(data)
    assert message in str(caught.value)
    assert caught.value.field == "path"


def test_all_lines_bad():
    cells = GOOD.split(",")
    lines = [",".join([*cells[:at], "x", *cells[at + 1 :]]) for at in (1, 2, 3)]
    with pytest.raises(BadInput) as caught:
        read(csv_bytes(",".join(HEADER), *lines))
    assert "No line of the table can be used. digits.csv line 2: its pixel 1 is" in str(
        caught.value
    )


def test_pictures_besides_are_no_table_of_pixels():
    members = {"a.csv": table(rows_of(), HEADER), "1.png": noise_png(1), "2.png": noise_png(2)}
    assert the_reading(pixel_table, listing_of(members)) is None


def test_tables_of_different_sizes():
    larger = table(rows_of(random.integers(0, 256, (6, 5, 5))))
    with pytest.raises(BadInput, match="hold images of different sizes"):
        read({"a.csv": table(rows_of(), HEADER), "b.csv": larger})


def test_too_many_lines(monkeypatch):
    monkeypatch.setattr(pixel_table, "MOST_FILES", 5)
    with pytest.raises(BadInput, match="more than 5 images, which is the limit"):
        read(table(rows_of(), HEADER))


def test_dark_pictures_are_said():
    *_, listing = read(table(rows_of(GREY // 16), HEADER))
    assert listing.notes == ["digits.csv: its largest pixel is 15 of 255, so the images are dark."]


def test_stored(tmp_path, home):  # noqa: ARG001
    path = tmp_path / "digits.csv"
    path.write_bytes(table(rows_of(), HEADER))
    dataset = add_dataset(path)
    assert dataset.read_as == "table of pixels"
    assert dataset.classes == ("0", "1", "12", "7")
    assert dataset.channels == 1
    assert (np.asarray(dataset.image(3))[..., 0] == GREY[3]).all()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=30), min_size=6, max_size=6))
def test_kept_labels_are_literally_those_given(labels):
    quoted = ['"' + label.replace('"', '""') + '"' for label in labels]
    listing = listing_of({"digits.csv": table(rows_of(labels=quoted), HEADER)})
    try:
        reading = the_reading(pixel_table, listing)
        batches = list(reading.found.batches()) if reading else []
    except BadInput:
        return
    kept = [name for batch, _ in batches for name in batch.class_names]
    stripped = [label.strip() for label in labels]
    assert all(name in stripped for name in kept)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=120))
def test_any_line_is_read_or_refused(line):
    text = "\n".join([",".join(HEADER), *(",".join(row) for row in rows_of()), line])
    listing = listing_of({"digits.csv": text.encode("utf-8", "surrogatepass")})
    try:
        reading = the_reading(pixel_table, listing)
        assert reading is not None
        found, listing = reading.found, reading.listing
        count = sum(len(batch.pixels) for batch, _ in found.batches())
    except BadInput:
        return
    assert count >= 6


def test_progress_is_told_in_images_not_in_bytes(home, tmp_path, monkeypatch):  # noqa: ARG001
    monkeypatch.setattr(pixel_table, "MOST_ROWS_IN_A_BLOCK", 1000)
    monkeypatch.setattr(raw_files, "_CHUNK_BYTES", 64)
    rows = [[str(number % 2), *(["100"] * SIDE * SIDE)] for number in range(3000)]
    path = tmp_path / "digits.csv"
    path.write_bytes(table(rows, HEADER))
    reported = []
    add_dataset(path, progress=lambda done, total: reported.append((done, total)))
    assert [done for done, _ in reported] == [1000, 2000, 3000]
    # An estimate: some lines are read ahead.
    assert reported[-1] == (3000, 3000)
    assert all(2600 < total <= 3000 for _, total in reported)


def test_the_same_tables_in_any_order_are_the_same_dataset(home, tmp_path):  # noqa: ARG001
    train, test = table(rows_of(), HEADER), table(rows_of(GREY[::-1], LABELS), HEADER)
    ids = []
    for number, names in enumerate((("train.csv", "test.csv"), ("test.csv", "train.csv"))):
        members = {"train.csv": train, "test.csv": test}
        path = write_zip(tmp_path / f"{number}.zip", {name: members[name] for name in names})
        ids.append(add_dataset(path).id)
    for name, data in members.items():
        (tmp_path / "both").mkdir(exist_ok=True)
        (tmp_path / "both" / name).write_bytes(data)
    ids.append(add_dataset(tmp_path / "both").id)
    assert len(set(ids)) == 1
