"""Other instances of the kinds that the field brought, and what looks like one and is none."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tests.datasets.field.archives import names_in
from tests.datasets.field.building import (
    Tree,
    folder,
    image,
    images,
    pixels,
    saved,
    spot,
    tar_file,
    text,
    zip_file,
    zipped,
)
from tests.datasets.field.expecting import Asks, Case, Expected, Read, Told, case

PETS = ("cat", "dog")
_SIX = {"cat": 6, "dog": 6}


def numbered(places: Iterable[str], count: int) -> Tree:
    return images(*(f"{place}/{n}.jpg" for place in places for n in range(count)))


def table(root: Path, name: str, lines: Iterable[str], count: int = 12) -> Path:
    tree = images(*(f"photos/{n:03}.jpg" for n in range(count)))
    return folder(root, tree, {name: text(*lines)})


def rows(header: str, *cells: str, count: int = 12) -> list[str]:
    """A line for each photo, with the cells in turn behind its name."""
    return [header, *(f"{n:03}.jpg,{cells[n % len(cells)]}" for n in range(count))]


def masks_by_suffix(root: Path, suffix: str) -> Path:
    tree: Tree = {}
    for pet in PETS:
        for n in range(6):
            tree[f"{pet}/IMG_{n}.jpg"] = image(f"{pet}{n}.jpg")
            tree[f"{pet}/IMG_{n}{suffix}.png"] = spot(f"{pet}{n}")
    return folder(root, tree)


def masks_beside(root: Path, name: str) -> Path:
    """Class folders below ``images`` and, with the same names, below another folder."""
    tree = numbered((f"images/{pet}" for pet in PETS), 6)
    masks = {path.replace("images", name, 1)[:-4] + ".png": spot(path) for path in tree}
    return folder(root, tree, masks)


def deep(root: Path, bits: int) -> Path:
    tree: Tree = {}
    highest = 2**bits - 1
    for name in (f"{pet}/{n}.png" for pet in PETS for n in range(6)):
        array = np.round(pixels(name, channels=1)[..., 0] / 255 * highest).astype(np.uint16)
        array[:6, :6], array[-1, -1], array[-1, 0] = highest // 2, 0, highest
        tree[name] = saved(array, "PNG")
    return folder(root, tree)


def same_table_twice(root: Path) -> Path:
    lines = text(*rows("file,label", *PETS))
    tree = images(*(f"photos/{n:03}.jpg" for n in range(12)))
    return folder(root, tree, {"labels.csv": lines, "backup/labels.csv": lines})


def copies_of_a_folder(root: Path) -> Path:
    own = numbered((f"pets/{pet}" for pet in PETS), 6)
    return folder(root, own, {path.replace("pets", "pets - Copy", 1): own[path] for path in own})


def zip_in_zip(root: Path) -> Path:
    return zip_file(root, {"pets.zip": zipped(numbered(PETS, 6)), "README.md": text("# Pets")})


def sets(root: Path, names: tuple[str, ...]) -> Path:
    return folder(root, numbered((f"{name}/{pet}" for name in names for pet in PETS), 3))


def lists_of_a_split(root: Path) -> Path:
    tree = numbered(PETS, 6)
    paths = list(tree)
    lists = {
        "train.txt": text(*paths[:4], *paths[6:10]),
        "test.txt": text(*paths[4:6], *paths[10:]),
    }
    return folder(root, tree, lists)


def by_name(root: Path, pattern: str) -> Path:
    return folder(root, images(*(pattern.format(pet, n) for pet in PETS for n in range(6))))


def _some(*names: str) -> tuple[Expected, ...]:
    """The classes as they are, or offered."""
    return Read(frozenset(names)), Asks(offers=frozenset(names))


def _encoded(encoding: str, *names: str) -> Case:
    return case(
        lambda root: names_in(root, encoding, names, "photos/"),
        Read(dict.fromkeys(names, 4)),
        Asks(offers=frozenset(names)),
    )


_SEVERAL = (Asks((r"several|more than one",)), Told((r"several|more than one",)))
_NO_CLASS = (Asks(), Told())

CASES: dict[str, Case] = {
    "names in EUC-KR": _encoded("euc-kr", "고양이", "강아지", "토끼"),
    "names in Big5": _encoded("big5", "許功蓋", "蘋果", "香蕉"),
    "names in code page 866": _encoded("cp866", "кошки", "собаки", "птицы"),
    "names in code page 850": _encoded("cp850", "Käfer", "Mäuse", "Vögel"),
    "masks: _seg": case(lambda root: masks_by_suffix(root, "_seg"), Read(_SIX, says=("_seg",))),
    "masks: -mask": case(lambda root: masks_by_suffix(root, "-mask"), Read(_SIX, says=("mask",))),
    "masks: _gt": case(lambda root: masks_by_suffix(root, "_gt"), Read(_SIX, says=("_gt",))),
    "masks: ground_truth": case(
        lambda root: masks_beside(root, "ground_truth"), Read(_SIX, says=("ground_truth",))
    ),
    "masks: segmentation": case(
        lambda root: masks_beside(root, "segmentation"), Read(_SIX, says=("segmentation",))
    ),
    "none: people with and without a mask": case(
        lambda root: folder(root, numbered(("with_mask", "without_mask"), 6)),
        Read({"with_mask": 6, "without_mask": 6}),
    ),
    "none: numbers as names": case(
        lambda root: folder(root, numbered(("0", "1", "2"), 6)), Read(dict.fromkeys("012", 6))
    ),
    "sets: cameras": case(lambda root: sets(root, ("cam1", "cam2", "cam3")), *_some(*PETS)),
    "sets: folds": case(lambda root: sets(root, ("fold_1", "fold_2", "fold_3")), *_some(*PETS)),
    "sets: originals and more": case(
        lambda root: sets(root, ("Original Images", "Augmented Images")), *_some(*PETS)
    ),
    "sets: batches below a wrapper": case(
        lambda root: sets(root, ("data/raw/batch1", "data/raw/batch2")), *_some(*PETS)
    ),
    "a copy of a folder": case(copies_of_a_folder, Read(_SIX), Asks(offers=frozenset(PETS))),
    "the same table twice": case(same_table_twice, Read(_SIX)),
    "column: a fold alone": case(
        lambda root: table(root, "folds.csv", rows("image,fold", "0", "1", "2", "3")), *_NO_CLASS
    ),
    "column: Id": case(
        lambda root: table(root, "train.csv", rows("Image,Id", "w_1a", "w_2b", "w_3c")),
        Read({"w_1a": 4, "w_2b": 4, "w_3c": 4}),
        Asks(offers=frozenset({"w_1a", "w_2b", "w_3c"})),
    ),
    "several labels: |": case(
        lambda root: table(root, "t.csv", rows("image,label", "cat", "dog", "cat|dog")), *_SEVERAL
    ),
    "several labels: comma": case(
        lambda root: table(root, "t.csv", rows("image,label", "cat", "dog", '"cat, dog"')),
        *_SEVERAL,
    ),
    "several labels: marks": case(
        lambda root: table(root, "t.csv", rows("image,cat,dog,fox", "1,0,0", "0,1,1", "0,0,1")),
        *_SEVERAL,
    ),
    "none: labels of two words": case(
        lambda root: table(root, "t.csv", rows("image,label", "apple", "green apple", "new york")),
        Read({"apple": 4, "green apple": 4, "new york": 4}),
    ),
    "measured: ages": case(
        lambda root: table(
            root,
            "ages.csv",
            rows("image,label", *(str(18 + (n * 37) % 71) for n in range(40)), count=40),
            40,
        ),
        *_NO_CLASS,
    ),
    "split: is_test": case(
        lambda root: table(
            root, "t.csv", rows("image,label,is_test", *(f"{p},{t}" for t in "001" for p in PETS))
        ),
        Read(_SIX, {"train": 8, "test": 4}),
    ),
    "split: lists of names": case(
        lists_of_a_split,
        Read(_SIX, {"train": 8, "test": 4}),
        Read(_SIX, says=(r"train\.txt", r"test\.txt")),
    ),
    "names: class behind a number": case(
        lambda root: by_name(root, "{1:03}_{0}.jpg"), Read(_SIX), Asks(offers=frozenset(PETS))
    ),
    "10 bits": case(lambda root: deep(root, 10), Read(_SIX, corner=True)),
    "14 bits": case(lambda root: deep(root, 14), Read(_SIX, corner=True)),
    "tar.bz2": case(lambda root: tar_file(root, numbered(PETS, 6), "pets.tar.bz2"), Read(_SIX)),
    "tar.xz": case(lambda root: tar_file(root, numbered(PETS, 6), "pets.tar.xz"), Read(_SIX)),
    "a zip in a zip": case(zip_in_zip, Read(_SIX)),
}
