"""One single file, and which reader a source goes to."""

import gzip
import io

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.datasets.storage import list_datasets
from core.errors import BadInput
from tests.datasets.listings import csv_bytes
from tests.datasets.pictures import encoded, noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")


def numpy_file() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


SINGLE_FILES = {
    "cat.png": (noise_png(1), "cat.png is one image; a dataset needs many"),
    "cat": (encoded(Image.new("RGB", (9, 9)), "JPEG"), "cat is one image"),
    "book.pdf": (b"%PDF-1.7", "book.pdf is a PDF document. Give a folder, or a zip"),
    "pets.rar": (b"Rar!\x1a\x07\0", "pets.rar is a RAR archive. Give a folder, or a zip"),
    "pets.7z": (b"7z\xbc\xaf\x27\x1c\0", "pets.7z is a 7-Zip archive."),
    "list.xlsx": (b"PK\3\4", "list.xlsx is a spreadsheet. Save it as CSV."),
    "x.npy": (numpy_file(), "Found x (3): none of them is an array of images."),
    "x.parquet": (b"PAR1\0\0", "x.parquet: this Parquet file is cut short or damaged"),
    "notes.txt": (b"Just some notes.\n", "notes.txt is neither a zip nor a table."),
    "x.zip": (b"plain text", "x.zip is not a zip archive."),
    "labels.csv": (
        csv_bytes("file,label", "a.jpg,b"),
        "labels.csv is a table without pixels in it",
    ),
    "x.csv.gz": (
        gzip.compress(b"a,b\n1,2\n")[:-9],
        "x.csv.gz: this is a gzip file that is damaged or empty",
    ),
    "empty.csv": (b"", "the file is empty"),
    "noise.bin": (bytes(range(256)), "not a zip archive"),
}


@pytest.mark.parametrize("name", SINGLE_FILES)
def test_a_single_file_that_is_no_data_set(tmp_path, name):
    data, message = SINGLE_FILES[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput) as caught:
        add_dataset(tmp_path / name)
    assert message in str(caught.value)
    assert caught.value.field == "path"
    assert list_datasets() == []


def test_a_table_named_zip_is_still_refused_and_a_zip_named_csv_is_read(tmp_path):
    path = write_zip(tmp_path / "pets.csv", two_classes())
    assert add_dataset(path).class_counts == {"cats": 3, "dogs": 3}


def test_a_gzipped_table_takes_its_name_without_endings(tmp_path):
    rows = [",".join([str(at % 2), *(str(at * 16 + n) for n in range(16))]) for at in range(8)]
    (tmp_path / "tiny.csv.gz").write_bytes(gzip.compress(csv_bytes(*rows)))
    dataset = add_dataset(tmp_path / "tiny.csv.gz")
    assert (dataset.name, dataset.image_count) == ("tiny", 8)


def test_the_same_table_twice_is_one_dataset(tmp_path):
    rows = [",".join([str(at % 2), *(str(at * 16 + n) for n in range(16))]) for at in range(8)]
    (tmp_path / "a.csv").write_bytes(csv_bytes(*rows))
    (tmp_path / "b.csv").write_bytes(csv_bytes(*rows).replace(b",", b";"))
    assert add_dataset(tmp_path / "a.csv") == add_dataset(tmp_path / "b.csv")
