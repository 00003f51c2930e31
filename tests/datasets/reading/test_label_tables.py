"""Files that are read as tables of labels: lists, JSON of several programs, Orange, and limits."""

import json

import pytest

from core.datasets.reading import json_records, label_tables
from core.datasets.reading.label_tables import label_files, read_label_table
from tests.datasets.listings import csv_bytes, listing_of, settled

PETS = ("cat", "dog")


def table_of(data, name="t.txt"):
    return read_label_table(listing_of({name: data}).files[0])


def rows_of(data, name="t.txt"):
    table = table_of(data, name)
    assert table is not None
    return table.has_header, [cells for _, cells in table.rows()]


LISTS = {
    "names with blanks": (
        ["my photos/a (1).jpg 0", "my photos/b c.jpg 1"],
        [["my photos/a (1).jpg", "0"], ["my photos/b c.jpg", "1"]],
    ),
    "the label first": (
        ["0 my photos/a (1).jpg", "1 my photos/b.png"],
        [["0", "my photos/a (1).jpg"], ["1", "my photos/b.png"]],
    ),
    "set in columns": (
        ["a.jpg    cat", "long name.jpg  dog"],
        [["a.jpg", "cat"], ["long name.jpg", "dog"]],
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_parted_by_blanks(name):
    lines, expected = LISTS[name]
    assert rows_of(csv_bytes(*lines)) == (False, expected)


def test_a_list_with_a_count_and_a_header_without_a_word_for_the_names():
    """As CelebA is published."""
    lines = ["2", "Bald Smiling", "000001.jpg -1  1", "000002.jpg  1 -1"]
    header, *rows = rows_of(csv_bytes(*lines))[1]
    assert header == ["image", "Bald", "Smiling"]
    assert rows == [["000001.jpg", "-1", "1"], ["000002.jpg", "1", "-1"]]


def test_orange_writes_three_lines_above_the_rows():
    lines = ["category\timage", "cat dog\tstring", "class\tmeta", "cat\ta.jpg", "dog\tb.jpg"]
    assert rows_of(csv_bytes(*lines), "t.tab") == (
        True,
        [["category", "image"], ["cat", "a.jpg"], ["dog", "b.jpg"]],
    )


def records(*documents):
    return csv_bytes(*map(json.dumps, documents))


def test_keys_inside_keys_become_columns():
    data = records(
        {"image": "a.jpg", "c-metadata": {"class-name": "cat"}, "tags": ["x", "y"]},
        {"image": "b.jpg", "d-metadata": {"class-name": "dog"}, "tags": ["x"]},
    )
    assert rows_of(data, "t.jsonl")[1] == [
        ["image", "metadata.class-name", "tags"],
        ["a.jpg", "cat", '["x", "y"]'],
        ["b.jpg", "dog", "x"],
    ]


FORMS = {
    "lines": records(*({"file": f"{n}.jpg", "label": PETS[n % 2]} for n in range(8))),
    "a list": json.dumps(
        [{"file": f"{n}.jpg", "label": PETS[n % 2]} for n in range(8)], indent=1
    ).encode(),
    "a list in one line": json.dumps(
        [{"file": f"{n}.jpg", "label": PETS[n % 2]} for n in range(8)]
    ).encode(),
    "a class for each name": json.dumps({f"{n}.jpg": PETS[n % 2] for n in range(8)}).encode(),
    "a record for each name": json.dumps(
        {f"{n}.jpg": {"id": n, "label": PETS[n % 2]} for n in range(8)}
    ).encode(),
    "COCO without boxes": json.dumps(
        {
            "images": [{"id": n, "file_name": f"{n}.jpg"} for n in range(8)],
            "annotations": [{"image_id": n, "category_id": n % 2} for n in range(8)],
            "categories": [{"id": at, "name": name} for at, name in enumerate(PETS)],
        }
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_json_that_names_images_labels_them(form):
    members = {f"{n}.jpg": b"x" for n in range(8)} | {"labels.json": FORMS[form]}
    files = settled(listing_of(members)).found.files
    assert {file.raw.path: file.class_name for file in files} == {
        f"{n}.jpg": PETS[n % 2] for n in range(8)
    }


def test_one_annotation_without_its_category_does_not_hide_the_others():
    document = json.loads(FORMS["COCO without boxes"])
    document["annotations"][0]["category_id"] = 99
    members = {f"{n}.jpg": b"x" for n in range(8)} | {"t.json": json.dumps(document).encode()}
    reading = settled(listing_of(members))
    assert [file.raw.path for file in reading.found.files if file.class_name == PETS[0]] == [
        f"{n}.jpg" for n in (2, 4, 6)
    ]
    assert reading.listing.notes[-1] == (
        "Left out: 1 image that no usable row of the table names: 0.jpg."
    )


def test_a_line_that_is_no_record_is_refused_with_its_number():
    members = {f"{n}.jpg": b"x" for n in range(60)}
    lines = [json.dumps({"file": name, "label": PETS[at % 2]}) for at, name in enumerate(members)]
    lines[55] = "{broken"
    reading = settled(listing_of(members | {"labels.jsonl": csv_bytes(*lines)}))
    assert [entry.file for entry in reading.listing.refused] == ["labels.jsonl line 56"]
    assert len(reading.found.files) == 59


@pytest.mark.parametrize("data", [b"{", b"[1, 2]", b'{"a": 1.5}', b"\xff\xfe{", b"[" * 100_000])
def test_json_without_records_is_no_table(data):
    assert table_of(data, "t.json") is None


def test_limits_of_json(monkeypatch):
    data = FORMS["a list"]
    monkeypatch.setattr(json_records, "LARGEST_JSON_BYTES", len(data) - 1)
    assert table_of(data, "t.json") is None
    monkeypatch.setattr(json_records, "LONGEST_JSON_LINE", 20)
    assert table_of(FORMS["lines"], "t.jsonl") is None


def test_which_files_are_looked_into(monkeypatch):
    monkeypatch.setattr(label_tables, "MOST_OTHER_FILES", 2)
    names = ["a.jpg", "a.txt", "a.json", "b.lst", "c.manifest", "d.jsonl", "l.csv", "x.py", "y.xml"]
    listing = listing_of(dict.fromkeys(names, b"x"))
    assert [raw.path for raw in label_files(listing.files)] == [
        "l.csv",
        "a.txt",
        "b.lst",
        "c.manifest",
    ]


def test_lists_of_names_beside_class_folders_are_told():
    paths = [f"{pet}/{n}.jpg" for pet in PETS for n in range(3)]
    members = dict.fromkeys(paths, b"x") | {"train.txt": csv_bytes(*paths[::2])}
    reading = settled(listing_of(members))
    assert "train.txt names images without labels, and was not used." in reading.listing.notes
