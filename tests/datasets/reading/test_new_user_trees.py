"""Folder trees and tables as people really have them, given without reading a document.

Each case is a well-known data set in small: its names, nesting and columns, with tiny pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.datasets.add import add_dataset
from core.datasets.choices import SUBSETS
from tests.datasets.pictures import noise_png

pytestmark = pytest.mark.usefixtures("home")

Tree = dict[str, bytes]
Counts = dict[str, int]


@dataclass(frozen=True)
class Case:
    """``counts`` images a class; ``subsets`` images a subset, None where no split came with it."""

    build: Callable[[], Tree]
    counts: Counts
    subsets: Counts | None
    read_as: str
    note: str | None = None


def pictures(*paths: str) -> Tree:
    """A picture at each path, no two alike."""
    return {path: noise_png(sum(path.encode()) * 1000 + at) for at, path in enumerate(paths)}


def csv(*lines: str) -> bytes:
    return "\n".join(lines).encode() + b"\n"


def dogs_vs_cats() -> Tree:
    return pictures(
        *(f"train/{name}.{number}.jpg" for name in ("cat", "dog") for number in range(5)),
        *(f"test1/{number}.jpg" for number in range(1, 5)),
    ) | {"sampleSubmission.csv": csv("id,label", "1,0", "2,0", "3,0", "4,0")}


def flowers() -> Tree:
    names = ("daisy", "dandelion", "rose")
    return pictures(*(f"flower_photos/{name}/{n}_a1b2.jpg" for name in names for n in range(4))) | {
        "flower_photos/LICENSE.txt": b"All images in this archive are licensed under ..."
    }


def intel() -> Tree:
    kinds = ("buildings", "forest", "sea")
    return pictures(
        *(f"archive/seg_train/seg_train/{kind}/{n}.jpg" for kind in kinds for n in range(4)),
        *(f"archive/seg_test/seg_test/{kind}/2{n}.jpg" for kind in kinds for n in range(2)),
        *(f"archive/seg_pred/seg_pred/{n}.jpg" for n in range(5)),
    )


def dog_breeds() -> Tree:
    ids = [f"{number:032x}" for number in range(7000, 7008)]
    breeds = ["boston_bull", "dingo"]
    rows = [f"{name},{breeds[at % 2]}" for at, name in enumerate(ids)]
    header = "id," + ",".join(breeds)
    return pictures(*(f"train/{name}.jpg" for name in ids), "test/00a3.jpg", "test/00b4.jpg") | {
        "labels.csv": csv("id,breed", *rows),
        "sample_submission.csv": csv(header, "00a3,0.5,0.5", "00b4,0.5,0.5"),
    }


def skin_lesions_one_hot() -> Tree:
    names = [f"ISIC_00{number}" for number in range(24306, 24315)]
    rows = [
        ",".join([name, *("1.0" if at % 3 == column else "0.0" for column in range(3))])
        for at, name in enumerate(names)
    ]
    return pictures(
        *(f"HAM10000_images_part_{1 + at % 2}/{name}.jpg" for at, name in enumerate(names))
    ) | {"GroundTruth.csv": csv("image,MEL,NV,BCC", *rows)}


def excel_from_germany() -> Tree:
    lines = ["Datei;Sorte;Bemerkung"]
    for number in range(6):
        lines.append(f"Bild {number}.JPG;{('Käse', 'Brötchen')[number % 2]};schön, groß")
    return pictures(*(f"Fotos/Bild {number}.jpg" for number in range(6))) | {
        "Liste.csv": "\r\n".join(lines).encode("cp1252")
    }


def imagenet_like() -> Tree:
    classes = ("n01440764", "n01443537")
    train = [f"{name}/{name}_{number}" for name in classes for number in range(4)]
    val = [
        f"{name}/ILSVRC2012_val_{at}{number}" for at, name in enumerate(classes) for number in "12"
    ]
    boxes = [f"{path.split('/')[1]},{path[:9]} 1 2 30 40" for path in train]
    return pictures(
        *(f"imagenette2/train/{path}.JPEG" for path in train),
        *(f"imagenette2/val/{path}.JPEG" for path in val),
    ) | {"imagenette2/train_solution.csv": csv("ImageId,PredictionString", *boxes)}


def yolo_style() -> Tree:
    names = [f"{kind}/{number}" for kind in ("apple", "pear") for number in range(3)]
    return pictures(*(f"fruit/images/{name}.png" for name in names)) | {
        f"fruit/labels/{name}.txt": b"0 0.5 0.5 0.2 0.2\n" for name in names
    }


def birds_with_a_list() -> Tree:
    rows, paths = [], []
    for at, subset in enumerate(("train", "valid", "test")):
        for number, bird in enumerate(("ABBOTTS BABBLER", "ZEBRA DOVE")):
            for picture in range(3 if subset == "train" else 1):
                path = f"{subset}/{bird}/{picture}{at}.jpg"
                paths.append(path)
                rows.append(f"{number},{path},{bird},{subset}")
    return pictures(*paths) | {"birds.csv": csv("class id,filepaths,labels,data set", *rows)}


def emergency_vehicles() -> Tree:
    rows = [f"{number}.jpg,{number % 2}" for number in range(1, 9)]
    return pictures(*(f"train_SOaYf6m/images/{number}.jpg" for number in range(1, 11))) | {
        "train_SOaYf6m/train.csv": csv("image_names,emergency_or_not", *rows),
        "test_vc2kHdQ.csv": csv("image_names", "9.jpg", "10.jpg"),
        "sample_submission.csv": csv("image_names,emergency_or_not", "9.jpg,0", "10.jpg,0"),
    }


def photos_on_a_mac() -> Tree:
    return pictures(
        *(
            f"My photos/{name}/IMG_{number}.JPG"
            for name in ("Beach ", "Café")
            for number in (1, 2, 3)
        )
    ) | {"My photos/.DS_Store": b"x", "__MACOSX/My photos/Café/._IMG_1.JPG": b"x"}


def pets_by_name() -> Tree:
    pets = {"Abyssinian": "1 1 1", "american_bulldog": "2 2 1", "pug": "3 2 2"}
    names = {f"{pet}_{number}": ids for pet, ids in pets.items() for number in (1, 2, 10)}
    return pictures(*(f"images/{name}.jpg" for name in names)) | {
        "annotations/list.txt": csv(
            "#Image CLASS-ID SPECIES BREED ID", *(f"{name} {ids}" for name, ids in names.items())
        ),
        "annotations/trimaps/pug_1.xml": b"<xml/>",
    }


def chest_xray() -> Tree:
    lungs = [
        f"{subset}/{kind}/{kind[:2]}-{number}.jpeg"
        for subset, count in (("train", 4), ("val", 1), ("test", 2))
        for kind in ("NORMAL", "PNEUMONIA")
        for number in range(count)
    ]
    return pictures(*(f"chest_xray/chest_xray/{path}" for path in lungs)) | {
        f"chest_xray/__MACOSX/chest_xray/._{number}.jpeg": b"x" for number in range(3)
    }


def malaria_cells() -> Tree:
    cells = [
        f"{kind}/C{number}_cell.png"
        for kind in ("Parasitized", "Uninfected")
        for number in range(4)
    ]
    own = pictures(*(f"cell_images/{path}" for path in cells))
    return own | {
        path.replace("cell_images/", "cell_images/cell_images/"): data for path, data in own.items()
    }


def cifar_from_kaggle() -> Tree:
    names = ("frog", "truck", "deer")
    rows = [f"{number},{names[number % 3]}" for number in range(1, 10)]
    return pictures(
        *(f"train/{number}.png" for number in range(1, 10)),
        *(f"test/{number}.png" for number in range(1, 6)),
    ) | {"trainLabels.csv": csv("id,label", *rows)}


def traffic_signs() -> Tree:
    train = [f"Train/{sign}/000{sign}_0000{number}.png" for sign in (0, 1) for number in range(4)]
    test = [f"Test/0000{number}.png" for number in range(3)]
    header = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path"
    return pictures(*train, *test, "Meta/0.png", "Meta/1.png") | {
        "Train.csv": csv(header, *(f"27,26,5,5,22,20,{path[6]},{path}" for path in train)),
        "Test.csv": csv(header, *(f"53,54,6,5,48,49,{at % 2},{p}" for at, p in enumerate(test))),
        "Meta.csv": csv("Path,ClassId,ShapeId,ColorId", "Meta/0.png,0,1,0", "Meta/1.png,1,1,0"),
    }


def birds_of_caltech() -> Tree:
    names = [
        f"{bird}/{bird[4:]}_{number}.jpg"
        for bird in ("001.Albatross", "002.Auklet")
        for number in range(4)
    ]
    top = "CUB_200_2011"
    return pictures(*(f"{top}/images/{name}" for name in names)) | {
        f"{top}/images.txt": csv(*(f"{at} {name}" for at, name in enumerate(names, 1))),
        f"{top}/image_class_labels.txt": csv(*(f"{at} {1 + at // 5}" for at in range(1, 9))),
        f"{top}/classes.txt": csv("1 001.Albatross", "2 002.Auklet"),
        f"{top}/train_test_split.txt": csv(*(f"{at} {at % 2}" for at in range(1, 9))),
        "attributes.txt": csv("1 has_bill_shape::curved", "2 has_bill_shape::dagger"),
    }


def sign_language() -> Tree:
    return pictures(
        *(
            f"asl_alphabet_train/asl_alphabet_train/{letter}/{letter}{n}.jpg"
            for letter in "ABC"
            for n in range(3)
        ),
        *(f"asl_alphabet_test/asl_alphabet_test/{letter}_test.jpg" for letter in "ABC"),
    )


def leaves() -> Tree:
    names = [f"Train_{number}" for number in range(8)]
    marks = ["1,0,0,0", "0,1,0,0", "0,0,1,0", "0,0,0,1"]
    return pictures(
        *(f"images/{name}.jpg" for name in names), *(f"images/Test_{n}.jpg" for n in range(4))
    ) | {
        "train.csv": csv(
            "image_id,healthy,multiple_diseases,rust,scab",
            *(f"{name},{marks[at % 4]}" for at, name in enumerate(names)),
        ),
        "test.csv": csv("image_id", *(f"Test_{number}" for number in range(4))),
        "sample_submission.csv": csv(
            "image_id,healthy,multiple_diseases,rust,scab",
            *(f"Test_{number},0.25,0.25,0.25,0.25" for number in range(4)),
        ),
    }


def cassava() -> Tree:
    rows = [f"10{number}.jpg,{number % 2 + 3}" for number in range(6)]
    return pictures(*(f"train_images/10{n}.jpg" for n in range(6)), "test_images/22.jpg") | {
        "train.csv": csv("image_id,label", *rows),
        "label_num_to_disease_map.json": b'{"0": "blight"}',
        "sample_submission.csv": csv("image_id,label", "22.jpg,4"),
    }


FOLDERS, TABLE = "class folders", "images with a table of labels"

CASES = {
    "dogs_vs_cats": Case(
        dogs_vs_cats,
        {"cat": 5, "dog": 5},
        None,
        FOLDERS,
        "Left out: 4 files in test1, in no class folder there and so without a label.",
    ),
    "flowers": Case(flowers, {"daisy": 4, "dandelion": 4, "rose": 4}, None, FOLDERS),
    "intel": Case(
        intel,
        {"buildings": 6, "forest": 6, "sea": 6},
        {"train": 12, "test": 6},
        FOLDERS,
        "The folders seg_test, seg_train were used as the split.",
    ),
    "dog_breeds": Case(dog_breeds, {"boston_bull": 4, "dingo": 4}, None, TABLE),
    "skin_lesions_one_hot": Case(
        skin_lesions_one_hot,
        {"BCC": 3, "MEL": 3, "NV": 3},
        None,
        TABLE,
        "GroundTruth.csv: column 'image' names the images, and 3 columns with one 1 in each row"
        " hold their classes.",
    ),
    "excel_from_germany": Case(excel_from_germany, {"Brötchen": 3, "Käse": 3}, None, TABLE),
    "imagenet_like": Case(
        imagenet_like, {"n01440764": 6, "n01443537": 6}, {"train": 8, "test": 4}, FOLDERS
    ),
    "yolo_style": Case(yolo_style, {"apple": 3, "pear": 3}, None, FOLDERS),
    "birds_with_a_list": Case(
        birds_with_a_list,
        {"ABBOTTS BABBLER": 5, "ZEBRA DOVE": 5},
        {"train": 6, "validation": 2, "test": 2},
        TABLE,
    ),
    "emergency_vehicles": Case(
        emergency_vehicles,
        {"0": 4, "1": 4},
        None,
        TABLE,
        "Left out: 2 images that no usable row of the table names:"
        " train_SOaYf6m/images/10.jpg, train_SOaYf6m/images/9.jpg.",
    ),
    "photos_on_a_mac": Case(photos_on_a_mac, {"Beach ": 3, "Café": 3}, None, FOLDERS),
    "pets_by_name": Case(
        pets_by_name, {"Abyssinian": 3, "american_bulldog": 3, "pug": 3}, None, FOLDERS
    ),
    "chest_xray": Case(
        chest_xray, {"NORMAL": 7, "PNEUMONIA": 7}, {"train": 8, "validation": 2, "test": 4}, FOLDERS
    ),
    "malaria_cells": Case(
        malaria_cells,
        {"Parasitized": 4, "Uninfected": 4},
        None,
        FOLDERS,
        "Left out: 8 files in cell_images/cell_images that are in the folders beside it as well.",
    ),
    "cifar_from_kaggle": Case(cifar_from_kaggle, {"deer": 3, "frog": 3, "truck": 3}, None, TABLE),
    "traffic_signs": Case(traffic_signs, {"0": 6, "1": 5}, {"train": 8, "test": 3}, TABLE),
    "birds_of_caltech": Case(
        birds_of_caltech,
        {"001.Albatross": 4, "002.Auklet": 4},
        {"train": 4, "test": 4},
        FOLDERS,
        "CUB_200_2011/train_test_split.txt was used as the split.",
    ),
    "sign_language": Case(
        sign_language,
        {"A": 3, "B": 3, "C": 3},
        None,
        FOLDERS,
        "Left out: 3 files in asl_alphabet_test, in no class folder there and so without a label.",
    ),
    "leaves": Case(
        leaves, {"healthy": 2, "multiple_diseases": 2, "rust": 2, "scab": 2}, None, TABLE
    ),
    "cassava": Case(cassava, {"3": 3, "4": 3}, None, TABLE),
}


def check(case: Case, root: Path) -> None:
    for path, data in case.build().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    dataset = add_dataset(root)
    assert dataset.class_counts == case.counts
    subsets = None
    if dataset.predefined_subsets is not None:
        counts = np.bincount(dataset.predefined_subsets, minlength=len(SUBSETS)).tolist()
        subsets = {subset: count for subset, count in zip(SUBSETS, counts, strict=True) if count}
    assert subsets == case.subsets
    assert dataset.read_as == case.read_as
    assert dataset.health.quarantined == ()
    if case.note is not None:
        assert case.note in dataset.health.notes


@pytest.mark.parametrize("name", CASES)
def test_a_tree_as_people_have_it(name: str, tmp_path: Path) -> None:
    check(CASES[name], tmp_path / name)
