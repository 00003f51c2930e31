"""A small sample of each layout to download and imitate, made from the bundled images."""

import csv
import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from core.datasets.bundled import digit_images
from core.settings import BUNDLED_DATA

THEMES = ("birds", "mammals", "music")
IMAGES_PER_THEME = 6
LONGEST_EDGE = 96
DIGITS_IN_THE_TABLE = 60
DIGITS_TO_TRAIN = 80
DIGITS_TO_TEST = 40
# One date for every member, so that the same sample has the same bytes.
_DATE = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Sample:
    """A sample of a layout: ``says`` describes it, ``tree`` draws it, ``build`` makes the file."""

    name: str
    title: str
    says: str
    tree: str
    file_name: str
    build: Callable[[], bytes]


def _folders() -> bytes:
    return _zip({f"{theme}/{name}": data for theme, name, data in _images()})


def _images_with_table() -> bytes:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["file", "label"])
    members = {}
    for number, (theme, _, data) in enumerate(_images(), start=1):
        name = f"picture{number:02d}.png"
        members[f"images/{name}"] = data
        writer.writerow([name, theme])
    return _zip({"labels.csv": table.getvalue().encode()} | members)


def _pixel_table() -> bytes:
    pixels, labels = digit_images()
    edge = pixels.shape[1]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["label", *(f"pixel{number}" for number in range(edge * edge))])
    for image, label in zip(
        pixels[:DIGITS_IN_THE_TABLE], labels[:DIGITS_IN_THE_TABLE], strict=True
    ):
        writer.writerow([int(label), *image.ravel().tolist()])
    return table.getvalue().encode()


def _idx() -> bytes:
    pixels, labels = digit_images()
    members = {}
    both = {
        "train": slice(0, DIGITS_TO_TRAIN),
        "t10k": slice(DIGITS_TO_TRAIN, DIGITS_TO_TRAIN + DIGITS_TO_TEST),
    }
    for edge, chosen in both.items():
        members[f"{edge}-images-idx3-ubyte.gz"] = _idx_file(pixels[chosen])
        members[f"{edge}-labels-idx1-ubyte.gz"] = _idx_file(labels[chosen])
    return _zip(members)


def _idx_file(array: np.ndarray) -> bytes:
    """uint8 of any shape as a gzipped IDX file."""
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0)


def _images() -> list[tuple[str, str, bytes]]:
    """Theme, file name and PNG of some bundled drawings, made smaller."""
    found = []
    with zipfile.ZipFile(BUNDLED_DATA / "themes16.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        for theme in THEMES:
            of_theme = [name for name in names if name.split("/")[-2] == theme]
            for name in of_theme[:IMAGES_PER_THEME]:
                with Image.open(io.BytesIO(archive.read(name))) as image:
                    image.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
                    buffer = io.BytesIO()
                    image.save(buffer, "PNG", optimize=True)
                found.append((theme, name.split("/")[-1], buffer.getvalue()))
    return found


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
        "my-pictures.zip\n"
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
        "my-pictures.zip\n"
        "├── labels.csv        file,label\n"
        "│                     1.jpg,birds\n"
        "│                     2.jpg,mammals\n"
        "└── images\n"
        "    ├── 1.jpg\n"
        "    └── 2.jpg",
        "sample-pictures-and-table.zip",
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
)
