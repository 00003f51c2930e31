"""IDX files: pairs, subsets, and every way in which they can be wrong."""

import gzip
import struct

import numpy as np
import pytest

from core.datasets.add import add_dataset
from core.datasets.reading import idx, raw_files
from core.datasets.reading.raw_files import Listing
from core.datasets.reading.sources import open_source
from core.errors import BadInput
from tests.datasets.listings import the_reading
from tests.datasets.pictures import noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")

random = np.random.default_rng(3)
IMAGES = random.integers(0, 256, (6, 5, 4), dtype=np.uint8)
LABELS = np.array([7, 0, 7, 1, 0, 255], np.uint8)


def idx_bytes(array: np.ndarray, type_code: int = 8) -> bytes:
    lengths = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, type_code, array.ndim]) + lengths + array.tobytes()


def write(folder, members):
    for name, data in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def pair(prefix="train-", images=IMAGES, labels=LABELS):
    return {
        f"{prefix}images-idx3-ubyte": idx_bytes(images),
        f"{prefix}labels-idx1-ubyte": idx_bytes(labels),
    }


def read(path):
    """All batches of a source, as (pixels, class names, names, subset) each, and its notes."""
    with open_source(path) as listing:
        reading = the_reading(idx, listing)
        assert reading is not None
        found, listing = reading.found, reading.listing
        batches = list(found.batches())
    assert batches[-1][1] == found.total
    assert sum(batch.pixels.nbytes for batch, _ in batches) == found.expected_bytes
    return [batch for batch, _ in batches], listing.notes


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("in_zip", [False, True], ids=["folder", "zip"])
def test_images_and_labels(tmp_path, packed, in_zip):
    members = pair()
    if packed:
        members = {f"{name}.gz": gzip.compress(data) for name, data in members.items()}
    path = write_zip(tmp_path / "x.zip", members) if in_zip else write(tmp_path / "x", members)
    (batch,), notes = read(path)
    assert (batch.pixels == IMAGES).all()
    assert batch.pixels.dtype == np.uint8
    assert batch.class_names == ["7", "0", "7", "1", "0", "255"]
    assert batch.names == [f"train-images {number}" for number in range(1, 7)]
    assert batch.subset == "train"
    assert notes == []


def test_gzip_is_known_by_content_not_by_name(tmp_path):
    members = {name: gzip.compress(data) for name, data in pair().items()}
    (batch,), _ = read(write(tmp_path / "x", members))
    assert (batch.pixels == IMAGES).all()


@pytest.mark.parametrize(
    ("prefix", "subset"),
    [
        ("train-", "train"),
        ("t10k-", "test"),
        ("test-", "test"),
        ("validation-", "validation"),
        ("emnist-letters-train-", "train"),
        ("test/", "test"),
        ("", None),
        ("digits_", None),
    ],
)
def test_names_give_the_subset(tmp_path, prefix, subset):
    (batch,), _ = read(write(tmp_path / "x", pair(prefix)))
    assert batch.subset == subset


def test_colour_and_a_last_dimension_of_one(tmp_path):
    colour = random.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    (batch,), _ = read(write(tmp_path / "a", pair(images=colour)))
    assert (batch.pixels == colour).all()
    (batch,), _ = read(write(tmp_path / "b", pair(images=IMAGES[..., None])))
    assert (batch.pixels == IMAGES).all()


def test_pairs_are_found_by_count_where_names_say_nothing(tmp_path):
    members = {"pictures": idx_bytes(IMAGES), "answers": idx_bytes(LABELS)}
    (batch,), _ = read(write(tmp_path / "x", members))
    assert batch.class_names[0] == "7"


def test_many_images_come_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(idx, "BATCH_BYTES", 2 * IMAGES[0].nbytes)
    batches, _ = read(write(tmp_path / "x", pair()))
    assert [len(batch.pixels) for batch in batches] == [2, 2, 2]
    assert (np.concatenate([batch.pixels for batch in batches]) == IMAGES).all()
    assert batches[2].class_names == ["0", "255"]
    assert batches[2].names == ["train-images 5", "train-images 6"]


def test_packed_and_unpacked_copies_are_read_once(tmp_path):
    members = pair()
    members |= {f"{name}.gz": gzip.compress(data) for name, data in members.items()}
    batches, notes = read(write(tmp_path / "x", members))
    assert len(batches) == 1
    assert notes[0] == (
        "train-images-idx3-ubyte.gz was left out: it is the same file as train-images-idx3-ubyte."
    )


def test_a_single_file_is_read_with_its_partner(tmp_path):
    folder = write(tmp_path / "x", pair() | pair("t10k-"))
    batches, notes = read(folder / "t10k-labels-idx1-ubyte")
    assert [batch.subset for batch in batches] == ["test"]
    assert notes == [
        "t10k-images-idx3-ubyte is beside t10k-labels-idx1-ubyte and was read with it."
    ]


def test_class_folders_with_an_idx_file_beside_are_class_folders(tmp_path):
    dataset = add_dataset(write(tmp_path / "x", two_classes() | pair()))
    assert dataset.read_as == "class folders"


def test_other_files_are_left_out(tmp_path):
    dataset = add_dataset(write(tmp_path / "x", pair() | {"README.txt": b"about"}))
    assert dataset.read_as == "IDX files"
    assert dataset.health.ignored_files == 1
    assert dataset.health.notes[0] == "Left out: 1 file beside the IDX files."


def test_no_idx_file(tmp_path):
    with open_source(write(tmp_path / "x", {"a/1.png": noise_png(1), "b": b"\0\0"})) as listing:
        assert the_reading(idx, listing) is None
    assert the_reading(idx, Listing()) is None


def without(name):
    return {key: value for key, value in pair().items() if name not in key}


HUGE = bytes([0, 0, 8, 3]) + struct.pack(">3I", 6, 2**31, 2**31)
WRONG = {
    "no labels": (
        without("labels"),
        "train-images-idx3-ubyte contains 6 images, but there is no IDX file with their labels",
    ),
    "no images": (
        without("images"),
        "train-labels-idx1-ubyte contains 6 labels, but there is no IDX file with their images",
    ),
    "counts differ": (
        pair(labels=LABELS[:5]),
        "train-images-idx3-ubyte contains 6 images and train-labels-idx1-ubyte 5 labels",
    ),
    "images cut short": (
        pair() | {"train-images-idx3-ubyte": idx_bytes(IMAGES)[:-1]},
        "train-images-idx3-ubyte is cut short: its header promises 120 bytes",
    ),
    "labels cut short": (
        pair() | {"train-labels-idx1-ubyte": idx_bytes(LABELS)[:-1]},
        "train-labels-idx1-ubyte is cut short: its header promises 6 bytes",
    ),
    "packed images cut short": (
        pair() | {"train-images-idx3-ubyte": gzip.compress(idx_bytes(IMAGES)[:-1])},
        "train-images-idx3-ubyte is cut short",
    ),
    "gzip cut short": (
        pair() | {"train-images-idx3-ubyte": gzip.compress(idx_bytes(IMAGES))[:-20]},
        "train-images-idx3-ubyte: cannot be read, or damaged",
    ),
    "wrong checksum": (
        pair() | {"train-images-idx3-ubyte": gzip.compress(idx_bytes(IMAGES))[:-8] + bytes(8)},
        "train-images-idx3-ubyte: cannot be read, or damaged",
    ),
    "float images": (
        pair() | {"train-images-idx3-ubyte": idx_bytes(IMAGES.astype(">f4"), 0x0D)},
        "its numbers are float; only uint8 (0 to 255) is read",
    ),
    "wide labels": (
        pair() | {"train-labels-idx1-ubyte": idx_bytes(LABELS.astype(">i4"), 0x0C)},
        "its numbers are int32; only uint8 (labels 0 to 255) is read",
    ),
    "rows, not pictures": (pair(images=IMAGES.reshape(6, 20)), "it contains 6 rows of 20 numbers"),
    "two channels": (
        pair(images=IMAGES.reshape(6, 5, 2, 2)),
        "its images are 5 x 2 x 2; the last number must be 1 (grey) or 3 (colour)",
    ),
    "no image": (pair(images=IMAGES[:0], labels=LABELS[:0]), "it contains no image"),
    "one pixel wide": (pair(images=IMAGES.reshape(6, 20, 1)), "each side must be at least 2"),
    "gigantic": (pair() | {"train-images-idx3-ubyte": HUGE}, "megapixels are the limit"),
    "several data sets": (
        pair("emnist-letters-train-") | pair("emnist-digits-train-"),
        "There are several datasets in it: emnist digits, emnist letters. Give the files of one.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(tmp_path, home, name):
    members, message = WRONG[name]
    with pytest.raises(BadInput) as caught:
        add_dataset(write(tmp_path / "x", members))
    assert message in str(caught.value)
    assert caught.value.field == "path"
    assert list((home / "datasets").glob("*/")) == []


def test_too_many_images(tmp_path, monkeypatch):
    monkeypatch.setattr(idx, "MOST_FILES", 5)
    assert raw_files.MOST_FILES == 200_000
    with pytest.raises(BadInput, match="6 images in all; the limit is 5"):
        add_dataset(write(tmp_path / "x", pair()))


def test_a_gzip_bomb_stops_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "LARGEST_TABLE_BYTES", 3_000_000)
    bomb = np.zeros((1000, 100, 100), np.uint8)
    members = pair(images=bomb, labels=np.zeros(1000, np.uint8))
    members = {f"{name}.gz": gzip.compress(data) for name, data in members.items()}
    assert sum(map(len, members.values())) < 20_000
    with pytest.raises(BadInput, match=r"train-images-idx3-ubyte\.gz: unpacked it is larger than"):
        add_dataset(write(tmp_path / "x", members))
