"""Cases of folder trees: sets, variants, copies, companions, links, classes in file names."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.datasets.field.building import (
    EDGE,
    Tree,
    classes,
    folder,
    image,
    images,
    pixels,
    png,
    spot,
    text,
)
from tests.datasets.field.expecting import ANY, Asks, Case, Read, Told, case

WNIDS = ("n01443537", "n01629819", "n01641577")
BREEDS = ("Abyssinian", "beagle", "Bengal", "pug")
DISEASES = ("Apple___Apple_scab", "Apple___healthy", "Tomato___Leaf_Mold")
HANDS = ("paper", "rock", "scissors")
_LUNGS = ("lung_aca", "lung_n", "lung_scc")
_COLONS = ("colon_aca", "colon_n")


def tiny_imagenet(root: Path) -> Path:
    top = "tiny-imagenet-200"
    tree = images(*(f"{top}/train/{w}/images/{w}_{n}.JPEG" for w in WNIDS for n in range(4)))
    for w in WNIDS:
        boxes = (f"{w}_{n}.JPEG\t0\t32\t44\t40" for n in range(4))
        tree[f"{top}/train/{w}/{w}_boxes.txt"] = text(*boxes)
    tree |= images(*(f"{top}/val/images/val_{n}.JPEG" for n in range(6)))
    rows = (f"val_{n}.JPEG\t{WNIDS[n % 3]}\t0\t32\t44\t{40 + n}" for n in range(6))
    tree[f"{top}/val/val_annotations.txt"] = text(*rows)
    tree |= images(*(f"{top}/test/images/test_{n}.JPEG" for n in range(3)))
    tree[f"{top}/wnids.txt"] = text(*WNIDS)
    tree[f"{top}/words.txt"] = text(*(f"{w}\ta fish, or not" for w in WNIDS))
    return folder(root, tree)


def signs_as_published(root: Path) -> Path:
    tree: Tree = {}
    for sign in range(4):
        top = f"Final_Training/Images/{sign:05}"
        names = [f"{n:05}_{n:05}.ppm" for n in range(4)]
        tree |= images(*(f"{top}/{name}" for name in names))
        rows = (f"{name};29;30;5;6;24;25;{sign}" for name in names)
        header = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"
        tree[f"{top}/GT-{sign:05}.csv"] = text(header, *rows)
    return folder(root, tree)


def signs_of_kaggle_with_twin(root: Path) -> Path:
    train = [f"Train/{sign}/000{sign}_0000{n}.png" for sign in (0, 1) for n in range(4)]
    test = [f"Test/{n:05}.png" for n in range(3)]
    columns = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId"
    rows = [f"53,54,6,5,48,49,{n % 2}" for n in range(3)]
    twin = [f"{path[5:]};{row.replace(',', ';')}" for path, row in zip(test, rows, strict=True)]
    tables = {
        "Train.csv": text(f"{columns},Path", *(f"27,26,5,5,22,20,{p[6]},{p}" for p in train)),
        "Test.csv": text(
            f"{columns},Path", *(f"{row},{path}" for path, row in zip(test, rows, strict=True))
        ),
        "Meta.csv": text("Path,ClassId,ShapeId,ColorId", "Meta/0.png,0,1,0", "Meta/1.png,1,1,0"),
        "Test/GT-final_test.csv": text(f"Filename;{columns.replace(',', ';')}", *twin),
    }
    return folder(root, images(*train, *test, "Meta/0.png", "Meta/1.png"), tables)


def pets(root: Path) -> Path:
    tree: Tree = {}
    names = [f"{breed}_{n}" for breed in BREEDS for n in range(1, 9)]
    for name in names:
        tree[f"images/{name}.jpg"] = image(f"{name}.jpg")
        tree[f"annotations/trimaps/{name}.png"] = png(1 + pixels(name, channels=1)[..., 0] // 86)
        box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
        tree[f"annotations/xmls/{name}.xml"] = text(f"<annotation>{box}</annotation>")
    rows = [f"{name} {1 + at // 8} {1 + at % 2} {1 + at // 8}" for at, name in enumerate(names)]
    header = ["#Image CLASS-ID SPECIES BREED ID", "#ID: 1:37 Class ids", "#SPECIES: 1:Cat 2:Dog"]
    tree["annotations/list.txt"] = text(*header, *rows)
    tree["annotations/trainval.txt"] = text(*rows[::2])
    tree["annotations/test.txt"] = text(*rows[1::2])
    tree["annotations/README"] = text("Trimap annotations. 1: Foreground 2:Background")
    return folder(root, tree)


def plant_village(root: Path) -> Path:
    top = "plantvillage dataset"
    tree: Tree = {}
    for disease in DISEASES:
        for n in range(4):
            array = pixels(f"{disease}{n}")
            grey = np.asarray(Image.fromarray(array).convert("L"))
            cut = np.where(spot_of(n)[..., None], array, 0).astype(np.uint8)
            for kind, pixels_of_kind in (("color", array), ("grayscale", grey), ("segmented", cut)):
                buffer = io.BytesIO()
                Image.fromarray(pixels_of_kind).save(buffer, "JPEG", quality=95)
                tree[f"{top}/{kind}/{disease}/leaf_{n}.JPG"] = buffer.getvalue()
    return folder(root, tree)


def spot_of(number: int) -> np.ndarray:
    inside = np.zeros((EDGE, EDGE), bool)
    inside[number : number + 16, 4:20] = True
    return inside


def links(root: Path) -> Path:
    stored = folder(root, classes("", ("a", "b"), 4), name="elsewhere")
    for path in sorted(stored.rglob("*.jpg")):
        link = root / "given" / path.relative_to(stored)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    return root / "given"


def rps(root: Path) -> Path:
    return folder(root, classes("rps/", HANDS, 5, "png"), classes("rps-test-set/", HANDS, 2, "png"))


def busi(root: Path) -> Path:
    tree: Tree = {}
    for name, count in (("benign", 9), ("malignant", 7), ("normal", 5)):
        for n in range(1, count + 1):
            path = f"Dataset_BUSI_with_GT/{name}/{name} ({n})"
            tree[f"{path}.png"] = image(f"{path}.png")
            tree[f"{path}_mask.png"] = spot("" if name == "normal" else path)
    return folder(root, tree)


def edge_impulse(root: Path) -> Path:
    tree = images(
        *(f"training/{name}.{n}a9f2c1.ingestion-6b8.jpg" for name in _THINGS for n in range(4)),
        *(f"testing/{name}.{n}b7e3d2.ingestion-6b8.jpg" for name in _THINGS for n in range(2)),
    )
    for part in ("training", "testing"):
        files = [
            {
                "path": p[len(part) + 1 :],
                "label": {"type": "label", "label": p.split("/")[1].split(".")[0]},
            }
            for p in tree
            if p.startswith(part)
        ]
        tree[f"{part}/info.labels"] = json.dumps({"version": 1, "files": files}).encode()
    return folder(root, tree)


_THINGS = ("coffee", "lamp", "unknown")


def images_and_masks(root: Path) -> Path:
    tree = images(*(f"images/{n}.jpg" for n in range(8)))
    return folder(root, tree, {f"masks/{n}.png": spot(f"mask {n}") for n in range(8)})


def natural_images(root: Path) -> Path:
    own = classes("natural_images/", ("airplane", "car", "cat"), 4)
    return folder(root, own, {f"data/{path}": data for path, data in own.items()})


def iphone(root: Path) -> Path:
    tree: Tree = {}
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400)
    film = b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(400)
    for at, name in enumerate(("Katze", "Hund")):
        for n in range(4):
            stem = f"{name}/IMG_{100 + 10 * at + n}"
            tree[f"{stem}.JPG"] = image(f"{stem}.JPG")
            tree[f"{stem}.MOV"] = film + stem.encode()
            tree[f"{stem}.AAE"] = text("<?xml version='1.0'?><plist/>")
        for n in range(2):
            tree[f"{name}/IMG_{201 + 10 * at + n}.HEIC"] = heic + bytes([at, n])
    return folder(root, tree)


def two_people(root: Path) -> Path:
    return folder(root, *(classes(f"{who}/", ("ok", "scratch"), 4) for who in ("anna", "ben")))


def lungs_and_colons(root: Path) -> Path:
    top = "lung_colon_image_set"
    return folder(
        root,
        classes(f"{top}/lung_image_sets/", _LUNGS, 4, "jpeg"),
        classes(f"{top}/colon_image_sets/", _COLONS, 4, "jpeg"),
    )


def jaffe(root: Path) -> Path:
    tree: Tree = {}
    number = 39
    for who in ("KA", "KM", "YM"):
        for mood in ("AN", "HA", "NE", "SA"):
            for n in (1, 2):
                tree[f"{who}.{mood}{n}.{number}.tiff"] = image(f"{who}{mood}{n}.tiff")
                number += 1
    return folder(root, tree)


def train_and_test_names(root: Path) -> Path:
    names = [f"Train_{n}.jpg" for n in range(32)] + [f"Test_{n}.jpg" for n in range(10)]
    return folder(root, images(*names))


_BREED_COUNTS = dict.fromkeys(BREEDS, 8)

CASES: dict[str, Case] = {
    "B4": case(tiny_imagenet, Read(dict.fromkeys(WNIDS, 6), {"train": 12, "test": 6})),
    "B8a": case(
        signs_as_published,
        Read({f"{sign:05}": 4 for sign in range(4)}),
        Read({f"{sign}": 4 for sign in range(4)}),
    ),
    "B8c": case(signs_of_kaggle_with_twin, Read({"0": 6, "1": 5}, {"train": 8, "test": 3})),
    "B10a": case(pets, Read(_BREED_COUNTS, ANY, says=("trimaps|annotations",))),
    "B12": case(plant_village, Read(frozenset(DISEASES)), Asks(offers=frozenset(DISEASES))),
    "B21": case(
        links, Read({"a": 4, "b": 4}), Told(("link",), ("There is no image", "link.*link.*link"))
    ),
    "B28": case(rps, Read(dict.fromkeys(HANDS, 7), {"train": 15, "test": 6})),
    "B34": case(busi, Read({"benign": 9, "malignant": 7, "normal": 5}, says=("mask",))),
    "B40": case(edge_impulse, Read(dict.fromkeys(_THINGS, 6), {"train": 12, "test": 6})),
    "G4b": case(images_and_masks, Told(("masks", "class"))),
    "G11": case(natural_images, Read({"airplane": 4, "car": 4, "cat": 4}, says=("data",))),
    "H8b": case(iphone, Read({"Hund": 4, "Katze": 4}, says=("HEIC",), left_out=4)),
    "H9": case(
        two_people, Read({"ok": 8, "scratch": 8}), Asks(offers=frozenset({"ok", "scratch"}))
    ),
    "I1": case(
        lungs_and_colons,
        Read(dict.fromkeys((*_LUNGS, *_COLONS), 4)),
        Asks(offers=frozenset((*_LUNGS, *_COLONS))),
    ),
    "G23b": case(jaffe, Asks(offers=frozenset({"AN", "HA", "NE", "SA"})), Told(("file name",))),
    "C6b": case(train_and_test_names, Told(("class",))),
}
