"""Cases A: archives that people have, whatever packed them, and names in other encodings."""

import unicodedata
import zipfile
from pathlib import Path

import numpy as np

from tests.datasets.field.building import (
    classes,
    folder,
    images,
    raw_zip,
    split_zip,
    tar_file,
    text,
    zip_file,
    zipped,
)
from tests.datasets.field.expecting import Asks, Case, Read, Told, case

FLOWERS = ("daisy", "roses", "tulips")
NOT_THERE = ("There is no image", "no class folder")
METHOD_NEVER = (*NOT_THERE, "Deflate64.*Deflate64", "LZMA.*LZMA")


def flowers() -> dict[str, bytes]:
    licence = {"flower_photos/LICENSE.txt": text("All images are licensed under CC-BY.")}
    return licence | classes("flower_photos/", FLOWERS, 6)


def seven_zip(root: Path) -> Path:
    noise = np.random.default_rng(3).bytes(4000)
    (root / "train.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\x00\x04" + noise)
    return root / "train.7z"


def deflate64(root: Path) -> Path:
    members = [(name.encode(), data) for name, data in classes("", FLOWERS, 4).items()]
    (root / "x.zip").write_bytes(raw_zip(members, method=9)[0])
    return root / "x.zip"


def lzma(root: Path) -> Path:
    with zipfile.ZipFile(root / "x.zip", "w", zipfile.ZIP_LZMA) as archive:
        for name, data in classes("", FLOWERS, 4).items():
            archive.writestr(name, data)
    return root / "x.zip"


def split_folder(root: Path) -> Path:
    return folder(root, split_zip(classes("foa_dev/", FLOWERS, 8, "png")))


def split_part(root: Path) -> Path:
    return split_folder(root) / "x.z01"


def drive_parts(root: Path) -> Path:
    stem = "flowers-20240110T101500Z"
    first = classes("flowers/", ("daisy", "roses"), 4)
    second = images(*(f"flowers/roses/more_{n}.jpg" for n in range(4))) | classes(
        "flowers/", ("tulips",), 4
    )
    return folder(root, {f"{stem}-001.zip": zipped(first), f"{stem}-002.zip": zipped(second)})


def dropped_parts(root: Path) -> list[Path]:
    return sorted(drive_parts(root).iterdir())


def dogs_vs_cats() -> dict[str, bytes]:
    train = images(*(f"train/{pet}.{n}.jpg" for pet in ("cat", "dog") for n in range(5)))
    test = images(*(f"test1/{n}.jpg" for n in range(1, 5)))
    return {
        "train.zip": zipped(train),
        "test1.zip": zipped(test),
        "sampleSubmission.csv": text("id,label", *(f"{n},0" for n in range(1, 5))),
    }


def names_in(root: Path, encoding: str, names: tuple[str, ...], prefix: str = "") -> Path:
    members = [
        (f"{prefix}{name}/{n}.jpg".encode(encoding), data)
        for name in names
        for n, data in enumerate(classes("", (name,), 4).values())
    ]
    (root / "given.zip").write_bytes(raw_zip(members)[0])
    return root / "given.zip"


def finder(root: Path) -> Path:
    members = [(b"Pilze/.DS_Store", b"\0\0\0\1Bud1")]
    for name in ("Röhrling", "Täubling", "Pfifferling"):
        for n, data in enumerate(classes("", (name,), 4).values()):
            path = unicodedata.normalize("NFD", f"{name}/Foto {n}.jpg")
            members.append((f"Pilze/{path}".encode(), data))
            beside = path.replace("/", "/._")
            members.append((f"__MACOSX/Pilze/{beside}".encode(), b"\0\5\x16\7\0\2\0\0Mac OS X"))
    (root / "Pilze.zip").write_bytes(raw_zip(members)[0])
    return root / "Pilze.zip"


def counts(names: tuple[str, ...], count: int) -> dict[str, int]:
    return dict.fromkeys(names, count)


_FLOWERS_READ = Read(counts(FLOWERS, 6))
_DRIVE = Read({"daisy": 4, "roses": 8, "tulips": 4})
_PETS = Read({"cat": 5, "dog": 5})

CASES: dict[str, Case] = {
    "A1": case(lambda root: tar_file(root, flowers(), "flower_photos.tgz"), _FLOWERS_READ),
    "A2": case(lambda root: tar_file(root, flowers(), "animals.tar"), _FLOWERS_READ),
    "A3": case(seven_zip, Told(("7-?Zip", "unpack|extract"), NOT_THERE)),
    "A4": case(
        deflate64, Read(counts(FLOWERS, 4)), Told(("Deflate64", "pack|7-Zip"), METHOD_NEVER)
    ),
    "A5": case(lzma, Read(counts(FLOWERS, 4)), Told(("LZMA", "pack"), METHOD_NEVER)),
    "A6b": case(split_folder, Read(counts(FLOWERS, 8)), Told(("part|split", "join|zip -s"))),
    "A6c": case(
        split_part, Told((r"part 1|first part", "split"), ("damaged", "cut short", "send it again"))
    ),
    "A7a": case(drive_parts, _DRIVE),
    "A7c": case(dropped_parts, _DRIVE),
    "A8a": case(lambda root: zip_file(root, dogs_vs_cats(), "dogs-vs-cats.zip"), _PETS),
    "A8b": case(lambda root: folder(root, dogs_vs_cats()), _PETS),
    "A10": case(
        lambda root: names_in(root, "gbk", ("楷书", "行书", "草书"), "书法/"),
        Read({"楷书": 4, "行书": 4, "草书": 4}, says=("楷书",)),
        Asks(offers=frozenset({"楷书", "行书", "草书"})),
    ),
    "A11": case(
        lambda root: names_in(root, "cp932", ("表札", "ソファ", "机")),
        Read({"表札": 4, "ソファ": 4, "机": 4}, says=("表札|ソファ|机",)),
        Asks(offers=frozenset({"表札", "ソファ", "机"})),
        Told(("names", "pack")),
    ),
    "A14": case(finder, Read({"Röhrling": 4, "Täubling": 4, "Pfifferling": 4})),
}
