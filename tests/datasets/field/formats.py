"""Cases E: formats of image files, and levels deeper than 8 bits."""

from pathlib import Path

import numpy as np

from tests.datasets.field.building import Tree, classes, folder, pixels, saved
from tests.datasets.field.expecting import Case, Read, Told, case

PETS = ("cats", "dogs")
_COUNTS = {"cats": 4, "dogs": 4}
_CORNER = Read(_COUNTS, corner=True)


def deep(root: Path, lowest: int, highest: int) -> Path:
    """uint16 TIFFs with these levels; the corner has the middle level in each."""
    tree: Tree = {}
    for number, name in enumerate(f"{pet}/{n}.tif" for pet in PETS for n in range(4)):
        grey = pixels(name, channels=1)[..., 0].astype(np.float64)
        # Not every image has the lowest and the highest level.
        room = 0.6 + 0.4 * (number % 2)
        array = lowest + grey * room * (highest - lowest) / 255
        array[:6, :6] = (lowest + highest) // 2
        array[-1, -1], array[-1, 0] = lowest, lowest + room * (highest - lowest)
        tree[name] = saved(array.round().astype(np.uint16), "TIFF")
    return folder(root, tree)


def everywhere(root: Path, data: bytes, ending: str) -> Path:
    paths = [f"{pet}/{n}.{ending}" for pet in PETS for n in range(4)]
    return folder(root, {path: data + path.encode() for path in paths})


def in_format(root: Path, ending: str) -> Path:
    return folder(root, classes("", PETS, 4, ending))


_POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)

CASES: dict[str, Case] = {
    "E2b": case(lambda root: deep(root, 100, 4095), _CORNER),
    "E2c": case(lambda root: deep(root, 90, 420), _CORNER),
    "E4c": case(lambda root: in_format(root, "avif"), Read(_COUNTS)),
    "E4e": case(
        lambda root: everywhere(root, bytes(128) + b"DICM" + bytes(300), "dcm"),
        Told(("DICOM",), ("not a readable",)),
    ),
    "E4g": case(
        lambda root: in_format(root, "tga"),
        Read(_COUNTS),
        Told(("TGA|Targa",), ("not a readable",)),
    ),
    "E12b": case(
        lambda root: everywhere(root, _POINTER, "jpg"), Told(("Git LFS",), ("not a readable",))
    ),
    "E13": case(lambda root: in_format(root, "ppm"), Read(_COUNTS)),
}
