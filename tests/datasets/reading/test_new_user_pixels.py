"""Tables of pixels and IDX files as people really have them, given without reading a document."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.reading.test_new_user_trees import Case, Tree, check, csv

pytestmark = pytest.mark.usefixtures("home")


def digit_rows(count: int, edge: int, seed: int) -> np.ndarray:
    """Rows of a label and ``edge * edge`` pixels, dark at the border, as digits are."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((count, edge, edge), np.int64)
    pixels[:, 1:-1, 1:-1] = random.integers(0, 256, (count, edge - 2, edge - 2))
    return np.concatenate([np.arange(count)[:, None] % 3, pixels.reshape(count, -1)], axis=1)


def number_lines(rows: np.ndarray) -> list[str]:
    return [",".join(map(str, row)) for row in rows.tolist()]


def mnist_without_header() -> Tree:
    return {
        "mnist_train.csv": csv(*number_lines(digit_rows(9, 28, 1))),
        "mnist_test.csv": csv(*number_lines(digit_rows(6, 28, 2))),
    }


def fashion_mnist() -> Tree:
    header = ",".join(["label", *(f"pixel{number}" for number in range(1, 785))])
    return {
        "fashion-mnist_train.csv": csv(header, *number_lines(digit_rows(12, 28, 3))),
        "fashion-mnist_test.csv": csv(header, *number_lines(digit_rows(3, 28, 4))),
    }


def kaggle_digits() -> Tree:
    names = [f"pixel{number}" for number in range(784)]
    rows = digit_rows(9, 28, 5)
    return {
        "train.csv": csv(",".join(["label", *names]), *number_lines(rows)),
        "test.csv": csv(",".join(names), *number_lines(rows[:, 1:])),
        "sample_submission.csv": csv("ImageId,Label", "1,0", "2,0"),
    }


def skin_pixels_in_colour() -> Tree:
    random = np.random.default_rng(6)
    coarse = random.integers(0, 200, (6, 2, 2, 3))
    smooth = np.kron(coarse, np.ones((1, 4, 4, 1), np.int64)) + random.integers(0, 9, (6, 8, 8, 3))
    header = ",".join([*(f"pixel{number:04d}" for number in range(192)), "label"])
    rows = [[*picture.ravel().tolist(), at % 2] for at, picture in enumerate(smooth)]
    return {"hmnist_8_8_RGB.csv": csv(header, *(",".join(map(str, row)) for row in rows))}


def idx_file(array: np.ndarray) -> bytes:
    lengths = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.astype(np.uint8).tobytes()


def mnist_idx() -> Tree:
    random = np.random.default_rng(8)
    tree = {}
    for subset, count in (("train", 8), ("t10k", 4)):
        images = random.integers(0, 256, (count, 28, 28))
        tree[f"{subset}-images-idx3-ubyte.gz"] = gzip.compress(idx_file(images))
        tree[f"{subset}-labels-idx1-ubyte.gz"] = gzip.compress(idx_file(np.arange(count) % 4))
    return tree


def mnist_idx_from_kaggle() -> Tree:
    tree = {}
    for name, data in mnist_idx().items():
        one_colour = name.removesuffix(".gz")
        tree[one_colour.replace("-idx", ".idx")] = gzip.decompress(data)
        tree[f"{one_colour}/{one_colour}"] = gzip.decompress(data)
    return tree


def faces_in_one_column() -> Tree:
    random = np.random.default_rng(11)
    usage = ["Training"] * 6 + ["PublicTest"] * 2 + ["PrivateTest"] * 2
    lines = [
        f"{at % 2},{' '.join(map(str, random.integers(0, 256, 48 * 48)))},{subset}"
        for at, subset in enumerate(usage)
    ]
    return {"fer2013.csv": csv("emotion,pixels,Usage", *lines)}


def frame_saved_with_its_index() -> Tree:
    rows = digit_rows(9, 8, 12)
    header = ",".join(["", *map(str, range(64)), "target"])
    lines = [f"{at},{','.join(map(str, row[1:]))},{row[0]}" for at, row in enumerate(rows.tolist())]
    return {"digits.csv": csv(header, *lines)}


PIXELS, IDX = "table of pixels", "IDX files"

CASES = {
    "mnist_without_header": Case(
        mnist_without_header, {"0": 5, "1": 5, "2": 5}, {"train": 9, "test": 6}, PIXELS
    ),
    "fashion_mnist": Case(
        fashion_mnist, {"0": 5, "1": 5, "2": 5}, {"train": 12, "test": 3}, PIXELS
    ),
    "kaggle_digits": Case(
        kaggle_digits,
        {"0": 3, "1": 3, "2": 3},
        None,
        PIXELS,
        "test.csv has no column of labels and was left out.",
    ),
    "skin_pixels_in_colour": Case(
        skin_pixels_in_colour,
        {"0": 3, "1": 3},
        None,
        PIXELS,
        "hmnist_8_8_RGB.csv: the colours were read as red, green, blue in turn.",
    ),
    "mnist_idx": Case(mnist_idx, {"0": 3, "1": 3, "2": 3, "3": 3}, {"train": 8, "test": 4}, IDX),
    "mnist_idx_from_kaggle": Case(
        mnist_idx_from_kaggle, {"0": 3, "1": 3, "2": 3, "3": 3}, {"train": 8, "test": 4}, IDX
    ),
    "faces_in_one_column": Case(
        faces_in_one_column, {"0": 5, "1": 5}, {"train": 6, "test": 4}, PIXELS
    ),
    "frame_saved_with_its_index": Case(
        frame_saved_with_its_index, {"0": 3, "1": 3, "2": 3}, None, PIXELS
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_pixels_as_people_have_them(name: str, tmp_path: Path) -> None:
    check(CASES[name], tmp_path / name)
