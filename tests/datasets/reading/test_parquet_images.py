"""Images in Parquet files: columns, class names, subsets, and what is told instead."""

import errno
import io
import json
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.datasets.add import add_dataset
from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading import byte_ranges, parquet_files, parquet_images
from core.datasets.reading.question import ReadingUnclear
from core.datasets.reading_choice import Choice
from core.errors import BadInput, HeadstartError
from tests.datasets.listings import listing_of, refused, the_reading
from tests.datasets.pictures import noise_png, two_classes, write_zip

IMAGES = [noise_png(seed) for seed in range(12)]
CELLS = [{"bytes": data, "path": f"{at}.png"} for at, data in enumerate(IMAGES)]
LABELS = [at % 2 for at in range(12)]
WORDS = [("cats", "dogs")[label] for label in LABELS]


def class_label(*names: str) -> dict[str, object]:
    return {"names": list(names), "_type": "ClassLabel"}


def parquet(features=None, row_group_size=5, compression="snappy", **columns) -> bytes:
    """A file as ``datasets`` writes it, with its notes on the columns where there are any."""
    table = pa.table(columns)
    if features is not None:
        notes = {"info": {"features": {"image": {"_type": "Image"}} | features}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(notes)})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=row_group_size, compression=compression)
    return buffer.getvalue()


NAMED = parquet({"label": class_label("cats", "dogs")}, image=CELLS, label=LABELS)
NAMED_IN_WORDS = parquet(image=IMAGES, label=WORDS, compression="none")


def read(members, choice=Choice()):  # noqa: B008 - frozen
    listing = listing_of(members if isinstance(members, dict) else {"pets.parquet": members})
    reading = the_reading(parquet_images, listing, choice)
    assert reading is not None
    return reading.found.files, reading.listing


@pytest.mark.usefixtures("home")
def test_names_of_classes_and_bytes_of_images():
    files, listing = read(NAMED)
    assert [file.name for file in files[:2]] == ["cats/0.png", "cats/10.png"]
    assert [file.class_name for file in files] == ["cats"] * 6 + ["dogs"] * 6
    assert {file.raw.read() for file in files} == set(IMAGES)
    assert all(IMAGES[int(file.raw.name[:-4])] == file.raw.read() for file in files)
    assert {file.subset for file in files} == {None}
    assert files[0].raw.path == "pets.parquet/row 0000001/0.png"
    assert listing.notes == []


@pytest.mark.usefixtures("home")
def test_the_same_images_in_class_folders_are_the_same_dataset(tmp_path):
    folders = {f"{WORDS[at]}/{at}.png": data for at, data in enumerate(IMAGES)}
    expected = add_dataset(write_zip(tmp_path / "folders.zip", folders))
    (tmp_path / "pets.parquet").write_bytes(NAMED)
    assert add_dataset(tmp_path / "pets.parquet") == expected
    half = [
        parquet({"label": class_label("cats", "dogs")}, image=CELLS[part], label=LABELS[part])
        for part in (slice(0, 7), slice(7, None))
    ]
    shards = {f"data/all-0000{at}-of-00002.parquet": data for at, data in enumerate(half)}
    assert add_dataset(write_zip(tmp_path / "shards.zip", shards)) == expected
    assert expected.class_counts == {"cats": 6, "dogs": 6}


LAYOUTS = [
    "data/{}-00000-of-00001.parquet",
    "default/{}/0000.parquet",
    "{}.parquet",
    "pets-{}.parquet",
]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_subsets_in_the_names_of_files(tmp_path, layout):
    members = {
        layout.format(name): parquet(image=CELLS[part], label=WORDS[part])
        for name, part in (
            ("train", slice(0, 6)),
            ("validation", slice(6, 8)),
            ("test", slice(8, None)),
        )
    }
    dataset = add_dataset(write_zip(tmp_path / "x.zip", members | {"README.md": b"# Pets"}))
    assert np.bincount(dataset.predefined_subsets).tolist() == [6, 2, 4]
    assert dataset.class_counts == {"cats": 6, "dogs": 6}
    assert dataset.health.notes == ("Left out: 1 file beside the Parquet files.",)


COLUMNS = {
    "words": {"image": CELLS, "label": WORDS},
    "plain bytes": {"img": IMAGES, "target": WORDS},
    "bytes of any name": {"jpg": IMAGES, "species": WORDS, "id": list(range(12))},
    "dictionary": {"image": CELLS, "label": pa.array(WORDS).dictionary_encode()},
    "a path that is no text": {
        "image": [{"bytes": data, "path": b"a.png"} for data in IMAGES],
        "label": WORDS,
    },
    "views": {
        "image": pa.array(IMAGES, pa.binary_view()),
        "label": pa.array(WORDS, pa.string_view()),
    },
    "no path": {"image": [{"bytes": data, "path": None} for data in IMAGES], "label": WORDS},
    "more columns": {"image": CELLS, "label": WORDS, "width": LABELS, "caption": WORDS},
    "a split": {"image": CELLS, "label": WORDS, "split": ["train", "test"] * 6},
    "hostile path": {
        "image": [{"bytes": data, "path": f"../\n{at}.png"} for at, data in enumerate(IMAGES)],
        "label": WORDS,
    },
}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("case", COLUMNS)
def test_columns(tmp_path, case):
    (tmp_path / "pets.parquet").write_bytes(parquet(**COLUMNS[case]))
    dataset = add_dataset(tmp_path / "pets.parquet")
    assert dataset.class_counts == {"cats": 6, "dogs": 6}
    assert (dataset.predefined_subsets is not None) == (case == "a split")
    assert dataset.health.quarantined == ()


def test_the_only_other_column_is_the_label_with_a_note():
    files, listing = read(parquet(image=CELLS, what=WORDS))
    assert {file.class_name for file in files} == {"cats", "dogs"}
    assert listing.notes == ["The labels were taken from the column 'what'."]


UNCLEAR = {
    "fine and coarse": {"image": CELLS, "fine_label": LABELS, "coarse_label": LABELS[::-1]},
    "two of any name": {"image": CELLS, "colour": WORDS, "size": WORDS},
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_several_columns_of_labels_are_asked_about(case):
    columns = UNCLEAR[case]
    names = tuple(columns)[1:]
    with pytest.raises(ReadingUnclear, match="several columns that may hold the label") as caught:
        read(parquet(**columns))
    (sample,) = caught.value.question.tables
    assert sample.columns == list(names)
    assert sample.rows[0] == [str(columns[name][0]) for name in names]
    files, _ = read(parquet(**columns), Choice(label_column=names[1]))
    assert len(files) == 12


def test_several_columns_of_images_are_asked_about():
    columns = {"left": IMAGES, "right": IMAGES, "label": WORDS}
    with pytest.raises(ReadingUnclear, match="several columns of images: left, right, label"):
        read(parquet(**columns))
    assert len(read(parquet(**columns), Choice(file_column="right"))[0]) == 12


def test_images_without_label_and_labels_without_image_are_left_out():
    labels = [-1, None, *LABELS[2:]]
    cells = [*CELLS[:-2], None, {"bytes": None, "path": "11.png"}]
    data = parquet({"label": class_label("cats", "dogs")}, image=cells, label=labels)
    files, listing = read(data)
    assert len(files) == 8
    assert listing.notes == ["Left out: 2 images without a label in pets.parquet."]
    assert refused(listing) == {
        "pets.parquet row 11": "no image",
        "pets.parquet row 12": "it names a file instead of holding an image",
    }


NUMBERS = [[[1, 2], [3, 4]]] * 12
TOLD = {
    "pixels in lists": (
        {"image": NUMBERS, "label": LABELS},
        "whose column 'image' holds images as lists of numbers",
    ),
    "no images": (
        {"a": LABELS, "b": WORDS},
        "pets.parquet is a Parquet file without images in it; its columns: a, b.",
    ),
    "no label": ({"image": CELLS}, "pets.parquet has images but no column of labels."),
    "lists of labels": (
        {"image": CELLS, "labels": [["a", "b"]] * 12},
        "no column of labels. labels holds a list for each image.",
    ),
    "only paths": (
        {"image": [{"bytes": b"", "path": "a"} | {"bytes": None}] * 12, "label": LABELS},
        "names image files in its column 'image' but holds no images",
    ),
    "measured": (
        {"image": CELLS, "label": list(np.linspace(0, 1, 12))},
        "pets.parquet: label looks like a measured number, not like classes: it holds 0.0909.",
    ),
    "all different": ({"image": CELLS, "label": list(range(12))}, "12 different values for 12"),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_cannot_be_used_is_told(case):
    columns, message = TOLD[case]
    if case == "only paths":
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        columns = columns | {"image": pa.array(columns["image"], kind)}
    with pytest.raises(BadInput) as caught:
        read(parquet(**columns))
    assert message in str(caught.value)
    assert caught.value.field == "path"


def test_several_datasets_are_told():
    members = {f"{name}/train-0.parquet": NAMED for name in ("cropped_digits", "full_numbers")}
    with pytest.raises(BadInput, match="several datasets in it: cropped_digits, full_numbers"):
        read(members)


DAMAGED = {
    "cut short": NAMED[:-9],
    "middle": NAMED[:99] + bytes(900) + NAMED[999:],
    "long footer": NAMED[:-8] + b"\xff\xff\xff\x7fPAR1",
    "nothing": b"",
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_told(case):
    with pytest.raises(BadInput, match=r"pets\.parquet: .*(damaged|too long)"):
        read(DAMAGED[case])


@pytest.mark.usefixtures("home")
def test_a_full_disk_is_told_before_images_are_copied(monkeypatch):
    files, _ = read(NAMED)
    usage = SimpleNamespace(free=999)
    monkeypatch.setattr(parquet_files.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(HeadstartError, match=r"MB free; reading these Parquet files takes 0\.1 MB"):
        files[0].raw.read()


def test_limits(monkeypatch):
    monkeypatch.setattr(parquet_images, "LARGEST_FILE_BYTES", 2000)
    assert max(map(len, IMAGES)) < 2000 < len(noise_png(1, 40))
    files, listing = read(parquet(image=[*IMAGES[:-1], noise_png(1, 40)], label=WORDS))
    assert len(files) == 11
    assert list(refused(listing)) == ["pets.parquet row 12"]
    with pytest.raises(
        BadInput, match=r"has no image with a label\. pets\.parquet row 1 and 2 more"
    ):
        read(parquet(image=[noise_png(1, 40)] * 3, label=WORDS[:3]))
    monkeypatch.setattr(parquet_files, "RATIO_MATTERS_FROM_BYTES", 1000)
    with pytest.raises(BadInput, match="would unpack to more than 200 times its size"):
        read(parquet(image=[bytes(1_000_000)], label=["a"], compression="gzip"))
    monkeypatch.setattr(parquet_images, "MOST_FILES", 11)
    with pytest.raises(BadInput, match="12 images in all; the limit is 11"):
        read(NAMED)


def test_class_folders_with_a_parquet_file_beside_are_class_folders():
    about = parquet(file_name=["0.png"], text=["a cat"])
    listing = listing_of(two_classes() | {"metadata.parquet": about})
    assert the_reading(parquet_images, listing) is None
    assert (listing.notes, listing.refused) == ([], [])


def test_words_that_are_no_utf8_are_told():
    at = NAMED_IN_WORDS.index(b"dogs")
    with pytest.raises(BadInput, match=r"pets\.parquet: this Parquet file is cut short or damaged"):
        read(NAMED_IN_WORDS[:at] + b"\xff" + NAMED_IN_WORDS[at + 1 :])


def test_rows_of_an_unknown_subset_and_without_a_number_are_left_out():
    columns = {"image": CELLS, "label": LABELS, "split": ["train"] * 9 + ["extra", "test", "test"]}
    files, listing = read(parquet(**columns))
    assert sorted(file.subset for file in files) == ["test"] * 2 + ["train"] * 9
    assert refused(listing) == {"pets.parquet row 10": "'extra' is not train, validation or test"}
    numbers = [float("nan") if at == 3 else float(label) for at, label in enumerate(LABELS)]
    files, listing = read(parquet(image=CELLS, label=pa.array(numbers, from_pandas=False)))
    assert len(files) == 11
    assert listing.notes == ["Left out: 1 image without a label in pets.parquet."]


@pytest.mark.usefixtures("home")
def test_a_full_disk_ends_the_import(monkeypatch, tmp_path):
    (tmp_path / "pets.parquet").write_bytes(NAMED)
    full = SimpleNamespace(
        write=Mock(side_effect=OSError(errno.ENOSPC, "No space left")), close=lambda: None
    )
    monkeypatch.setattr(byte_ranges, "open_temporary", lambda _: full)
    with pytest.raises(HeadstartError, match="does not take what must be unpacked"):
        add_dataset(tmp_path / "pets.parquet")
    assert full.write.call_count == 1


@pytest.mark.usefixtures("home")
def test_a_file_that_changes_while_it_is_read_leaves_out_what_is_gone():
    files, _ = read(NAMED)
    copy = files[0].raw.open.func.__self__
    copy._files = [(raw, layout, {}) for raw, layout, _ in copy._files]
    with pytest.raises(UnreadableImageError, match="the Parquet file changed while it was read"):
        files[0].raw.read()


def test_few_rows_of_a_large_file_are_in_memory_together(monkeypatch):
    raw = listing_of({"pets.parquet": NAMED}).files[0]
    monkeypatch.setattr(parquet_files, "UNFOLDED_BYTES", 2 * len(NAMED))
    batches = [batch.num_rows for _, batch in parquet_files.parquet_rows(raw, ["label"])]
    assert max(batches) == 2
    assert sum(batches) == 12
