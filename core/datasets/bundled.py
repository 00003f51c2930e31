"""What comes with Headstart: two datasets, stored on first start, and a sample of each layout."""

import csv
import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core.datasets.add import add_dataset, add_pixels
from core.datasets.decoding.pool import ProgressCallback
from core.files import lock, write_json
from core.settings import BUNDLED_DATA, current_settings

THEMES16_PROVENANCE = (
    "1347 clip-art images of 16 themes from openclipart-png 0.18 as packaged by Debian;"
    " public domain. Labels and split are left as they are, label noise included."
)
BRIGHTEST_DIGIT = 16
DIGITS_PROVENANCE = (
    "1797 handwritten digits, 8x8 grey, from scikit-learn's load_digits: the test part of the"
    " UCI Optical Recognition of Handwritten Digits data (Alpaydin and Kaynak, CC BY 4.0)."
)
SAMPLE_THEMES = ("birds", "mammals", "music")
IMAGES_PER_THEME = 6
LONGEST_SAMPLE_EDGE = 96
DIGITS_IN_THE_TABLE = 60
DIGITS_TO_TRAIN = 80
DIGITS_TO_TEST = 40
DIGITS_OF_CIFAR_TO_TRAIN, DIGITS_OF_CIFAR_TO_TEST = 30, 10
DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# One date for every member, so that the same sample has the same bytes.
_DATE = (2020, 1, 1, 0, 0, 0)


def ensure_bundled_datasets(progress: ProgressCallback | None = None) -> None:
    """Store ``themes16`` and ``digits`` unless they were stored before; removed ones stay removed.

    Several processes may call this at once. ``progress`` counts the images of themes16. A number
    is put behind a name that another dataset has.
    """
    settings = current_settings()
    record = settings.datasets_folder / "bundled.json"
    if not _missing(record):
        return
    with lock(settings.locks_folder / "bundled.lock"):
        for name in _missing(record):
            if name == "digits":
                pixels, labels = digit_images()
                classes = [str(digit) for digit in range(10)]
                dataset = add_pixels(pixels, labels, classes, name, DIGITS_PROVENANCE)
            else:
                path = BUNDLED_DATA / "themes16.zip"
                dataset = add_dataset(path, progress=progress, provenance=THEMES16_PROVENANCE)
            write_json(record, _recorded(record) | {name: dataset.id}, indent=1)


def digit_images() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits: uint8 ``(1797, 8, 8)``, 0 to 255, and their labels 0 to 9."""
    # Imported here: scikit-learn takes a second to load, and this is seldom needed.
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.rint(bunch.images * (255 / BRIGHTEST_DIGIT)).astype(np.uint8), bunch.target


def _recorded(record: Path) -> dict[str, str]:
    """The ids of the bundled datasets that were stored, by name."""
    try:
        return json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        # Absent on first start. If damaged, it is written again: adding the same content is safe.
        return {}


def _missing(record: Path) -> list[str]:
    return [name for name in ("digits", "themes16") if name not in _recorded(record)]


@dataclass(frozen=True)
class Sample:
    """A small file in one layout, to download and imitate, made from the bundled images.

    explanation: the layout in words. tree: a drawing of it. build: makes the file.
    """

    name: str
    title: str
    explanation: str
    tree: str
    file_name: str
    build: Callable[[], bytes]


def _folders() -> bytes:
    return _zip({f"{theme}/{name}": data for theme, name, data in _sample_images()})


def _images_with_table() -> bytes:
    rows = [["file", "label"]]
    members = {}
    for number, (theme, _, data) in enumerate(_sample_images(), start=1):
        name = f"image{number:02d}.png"
        members[f"images/{name}"] = data
        rows.append([name, theme])
    return _zip({"labels.csv": _csv(rows)} | members)


def _pixel_table() -> bytes:
    pixels, labels = digit_images()
    rows = np.column_stack([labels, pixels.reshape(len(pixels), -1)])[:DIGITS_IN_THE_TABLE]
    header = ["label", *(f"pixel{number}" for number in range(pixels[0].size))]
    return _csv([header, *rows.tolist()])


def _idx() -> bytes:
    pixels, labels = digit_images()
    last = DIGITS_TO_TRAIN + DIGITS_TO_TEST
    members = {}
    for subset, chosen in (
        ("train", slice(DIGITS_TO_TRAIN)),
        ("t10k", slice(DIGITS_TO_TRAIN, last)),
    ):
        members[f"{subset}-images-idx3-ubyte.gz"] = _idx_file(pixels[chosen])
        members[f"{subset}-labels-idx1-ubyte.gz"] = _idx_file(labels[chosen])
    return _zip(members)


def _arrays() -> bytes:
    pixels, labels = digit_images()
    buffer = io.BytesIO()
    train, test = slice(DIGITS_TO_TRAIN), slice(DIGITS_TO_TRAIN, DIGITS_TO_TRAIN + DIGITS_TO_TEST)
    np.savez(
        buffer,
        x_train=pixels[train],
        y_train=labels[train],
        x_test=pixels[test],
        y_test=labels[test],
    )
    return buffer.getvalue()


def _cifar() -> bytes:
    pixels, labels = digit_images()
    stop = DIGITS_OF_CIFAR_TO_TRAIN + DIGITS_OF_CIFAR_TO_TEST
    large = np.kron(pixels[:stop], np.ones((1, 4, 4), np.uint8)).reshape(stop, -1)
    records = np.concatenate([labels[:stop, None], np.tile(large, 3)], axis=1).astype(np.uint8)
    return _zip(
        {
            "data_batch_1.bin": records[:DIGITS_OF_CIFAR_TO_TRAIN].tobytes(),
            "test_batch.bin": records[DIGITS_OF_CIFAR_TO_TRAIN:].tobytes(),
            "batches.meta.txt": "\n".join(DIGIT_NAMES).encode(),
        }
    )


def _parquet() -> bytes:
    # Imported here, because listing datasets does not need it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    cells, labels = [], []
    for theme, name, png in _sample_images():
        cells.append({"bytes": png, "path": name})
        labels.append(SAMPLE_THEMES.index(theme))
    features = {
        "image": {"_type": "Image"},
        "label": {"names": SAMPLE_THEMES, "_type": "ClassLabel"},
    }
    notes = json.dumps({"info": {"features": features}})
    table = pa.table({"image": cells, "label": labels}).replace_schema_metadata(
        {"huggingface": notes}
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _idx_file(array: np.ndarray) -> bytes:
    """uint8 of any shape as a gzipped IDX file."""
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0)


def _sample_images() -> list[tuple[str, str, bytes]]:
    """Theme, file name and PNG of some bundled drawings, made smaller."""
    found = []
    with zipfile.ZipFile(BUNDLED_DATA / "themes16.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        for theme in SAMPLE_THEMES:
            of_theme = [name for name in names if name.split("/")[-2] == theme]
            for name in of_theme[:IMAGES_PER_THEME]:
                with Image.open(io.BytesIO(archive.read(name))) as image:
                    image.thumbnail((LONGEST_SAMPLE_EDGE, LONGEST_SAMPLE_EDGE))
                    buffer = io.BytesIO()
                    image.save(buffer, "PNG", optimize=True)
                found.append((theme, name.split("/")[-1], buffer.getvalue()))
    return found


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    return table.getvalue().encode()


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            member = zipfile.ZipInfo(name, _DATE)
            archive.writestr(member, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


SAMPLES = (
    Sample(
        "folders",
        "One folder for each class",
        "Put the images of each class into a folder with the name of the class, and pack the"
        " folders as a zip. If you have train and test folders, put the class folders into them.",
        "my-images.zip\n"
        "├── birds\n"
        "│   ├── 1.jpg\n"
        "│   └── 2.jpg\n"
        "└── mammals\n"
        "    ├── 1.jpg\n"
        "    └── 2.jpg",
        "sample-folders.zip",
        _folders,
    ),
    Sample(
        "table",
        "Images and a table of labels",
        "Put all images into one zip, with a CSV table that has one line for each image: its"
        " file name and its label. A column named split may say train or test.",
        "my-images.zip\n"
        "├── labels.csv        file,label\n"
        "│                     1.jpg,birds\n"
        "│                     2.jpg,mammals\n"
        "└── images\n"
        "    ├── 1.jpg\n"
        "    └── 2.jpg",
        "sample-images-and-table.zip",
        _images_with_table,
    ),
    Sample(
        "pixels",
        "A table of pixels",
        "A CSV table with one line for each image: its label, then the brightness of each pixel"
        " from 0 to 255, row by row. The images must be square.",
        "digits.csv            label,pixel0,pixel1,pixel2, ...\n"
        "                      5,0,0,13, ...\n"
        "                      0,0,24,255, ...",
        "sample-pixels.csv",
        _pixel_table,
    ),
    Sample(
        "idx",
        "IDX files, as MNIST has them",
        "The four files that come with MNIST and its relatives, images and labels apart, in one"
        " zip. They may end in .gz.",
        "mnist.zip\n"
        "├── train-images-idx3-ubyte.gz\n"
        "├── train-labels-idx1-ubyte.gz\n"
        "├── t10k-images-idx3-ubyte.gz\n"
        "└── t10k-labels-idx1-ubyte.gz",
        "sample-idx.zip",
        _idx,
    ),
    Sample(
        "arrays",
        "NumPy arrays",
        "One .npz file, or .npy files in one zip: the images as images x rows x columns (x 3 for"
        " colour), and a label for each, as a number or a word.",
        "digits.npz\n"
        "├── x_train           80 x 8 x 8, 0 to 255\n"
        "├── y_train           80 numbers\n"
        "├── x_test            40 x 8 x 8, 0 to 255\n"
        "└── y_test            40 numbers",
        "sample-arrays.npz",
        _arrays,
    ),
    Sample(
        "parquet",
        "Parquet files, as Hugging Face has them",
        "Images and labels in one table, in one file or several. A file whose name begins with"
        " train, validation or test is that part of the split.",
        "my-dataset\n"
        "├── train-00000-of-00001.parquet    image (bytes, path), label\n"
        "└── test-00000-of-00001.parquet     image (bytes, path), label",
        "sample-images.parquet",
        _parquet,
    ),
    Sample(
        "cifar",
        "CIFAR's binary files",
        "The binary version of CIFAR-10 or CIFAR-100 in one folder or zip; other images in the same"
        " form are read too, with the names of their classes in batches.meta.txt.",
        "cifar-10-batches-bin\n"
        "├── data_batch_1.bin    a label, then 32 x 32 x 3, for each image\n"
        "├── test_batch.bin\n"
        "└── batches.meta.txt    airplane, automobile, ...",
        "sample-cifar.zip",
        _cifar,
    ),
)
