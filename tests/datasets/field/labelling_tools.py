"""What labelling tools and programs for end users export, as they write it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.datasets.field.building import Tree, classes, folder, image, images, text, zipped
from tests.datasets.field.expecting import Asks, Case, Read, Told, case

PETS = ("cat", "dog")
_NOTE = {
    "README.roboflow.txt": text("Pets - v1", "", "This dataset was exported via roboflow.com"),
    "README.dataset.txt": text("# Pets > 2024-01-10", "Provided by a Roboflow user"),
}
_PARTS = (("train", 8), ("valid", 4), ("test", 4))


def as_json(document: Any) -> bytes:
    return json.dumps(document, indent=2).encode()


def roboflow_folders(root: Path) -> Path:
    trees = (classes(f"{part}/", PETS, count // 2) for part, count in _PARTS)
    return folder(root, *trees, _NOTE)


def roboflow_coco(root: Path) -> Path:
    tree: Tree = {}
    for part, count in _PARTS:
        names = [f"{n}_jpg.rf.{n:032x}.jpg" for n in range(count)]
        tree |= images(*(f"{part}/{name}" for name in names))
        document = {
            "info": {"description": "Exported from roboflow.com"},
            "categories": [{"id": at, "name": name} for at, name in enumerate(PETS)],
            "images": [{"id": at, "file_name": name} for at, name in enumerate(names)],
            "annotations": [
                {"id": at, "image_id": at, "category_id": at % 2, "bbox": [1, 2, 9, 9]}
                for at in range(count)
            ],
        }
        tree[f"{part}/_annotations.coco.json"] = as_json(document)
    return folder(root, tree, _NOTE)


def roboflow_yolo(root: Path) -> Path:
    tree: Tree = {}
    for part, count in _PARTS:
        for n in range(count):
            stem = f"{n}_jpg.rf.{n:032x}"
            tree[f"{part}/images/{stem}.jpg"] = image(f"{part}{stem}.jpg")
            rows = (f"{n % 2} 0.5 0.5 0.25 0.3", f"{(n + 1) % 2} 0.3 0.4 0.125 0.2")
            tree[f"{part}/labels/{stem}.txt"] = text(*rows)
    tree["data.yaml"] = text("train: ../train/images", "nc: 2", "names: ['cat', 'dog']")
    return folder(root, tree, _NOTE)


def zips_of_one_class(root: Path) -> list[Path]:
    """Teachable Machine: the samples of each class are downloaded for themselves."""
    for pet in PETS:
        samples = zipped({f"{n}.jpg": image(f"{pet}{n}.jpg") for n in range(5)})
        (root / f"{pet}.zip").write_bytes(samples)
    return [root / f"{pet}.zip" for pet in PETS]


def _uploaded(count: int) -> list[str]:
    return [f"{(n * 2654435761) % 2**32:08x}-IMG_{n}.jpg" for n in range(count)]


def label_studio_table(root: Path) -> Path:
    names = _uploaded(12)
    header = "annotation_id,annotator,choice,created_at,id,image,lead_time,updated_at"
    stamp = "2024-01-10T10:15:00.000000Z"
    rows = (
        f"{n + 1},1,{PETS[n % 2]},{stamp},{n + 1},/data/upload/1/{name},{2 + n / 7:.3f},{stamp}"
        for n, name in enumerate(names)
    )
    tree = images(*(f"upload/1/{name}" for name in names))
    return folder(root, tree, {"project-1-at-2024-01-10-10-15.csv": text(header, *rows)})


def label_studio_json(root: Path, record: Callable[[int, str], dict[str, Any]]) -> Path:
    names = _uploaded(12)
    tree = images(*(f"upload/1/{name}" for name in names))
    document = as_json([record(n, f"/data/upload/1/{name}") for n, name in enumerate(names)])
    return folder(root, tree, {"project-1-at-2024-01-10-10-15.json": document})


def _full_record(n: int, path: str) -> dict[str, Any]:
    value = {"choices": [PETS[n % 2]]}
    result = {"value": value, "id": f"r{n}", "from_name": "choice", "to_name": "image"}
    annotation = {"id": n + 1, "completed_by": 1, "result": [result | {"type": "choices"}]}
    return {"id": n + 1, "annotations": [annotation], "data": {"image": path}, "meta": {}}


def _short_record(n: int, path: str) -> dict[str, Any]:
    return {"image": path, "id": n + 1, "choice": PETS[n % 2], "annotator": 1, "lead_time": 2.5}


def orange(root: Path) -> Path:
    """Class folders with the table that "Save Data" wrote, which has three header lines."""
    tree = classes("pets/", PETS, 5)
    lines = [
        "category\timage name\timage\tsize\twidth\theight",
        "cat dog\tstring\tstring\tcontinuous\tcontinuous\tcontinuous",
        "class\tmeta\tmeta type=image origin=/home/eva/pets\tmeta\tmeta\tmeta",
    ]
    for path, data in tree.items():
        _, pet, name = path.split("/")
        lines.append(f"{pet}\t{name[:-4]}\t{pet}/{name}\t{len(data)}\t24\t24")
    return folder(root, tree, {"pets/pets.tab": text(*lines)})


def create_ml_folders(root: Path) -> Path:
    training = classes("Pets/Training Data/", PETS, 5)
    return folder(root, training, classes("Pets/Testing Data/", PETS, 2))


def create_ml_labels(root: Path) -> Path:
    document = [{"filename": f"{n}.jpg", "annotations": [PETS[n % 2]]} for n in range(10)]
    tree = images(*(f"{n}.jpg" for n in range(10)))
    return folder(root, tree, {"annotations.json": as_json(document)})


def create_ml_boxes(root: Path) -> Path:
    place = {"x": 9, "y": 8, "width": 6, "height": 7}
    document = [
        {
            "imagefilename": f"{n}.jpg",
            "annotation": [{"label": pet, "coordinates": place} for pet in PETS[n % 2 :]],
        }
        for n in range(10)
    ]
    tree = images(*(f"{n}.jpg" for n in range(10)))
    return folder(root, tree, {"annotations.json": as_json(document)})


def cvat_folders(root: Path) -> Path:
    return folder(root, classes("", PETS, 5))


def cvat_lists(root: Path) -> Path:
    tree: Tree = {"synsets.txt": text(*PETS)}
    for part, count in (("train", 8), ("val", 4)):
        names = [f"{part}_{n}.jpg" for n in range(count)]
        tree |= images(*(f"images/{name}" for name in names))
        tree[f"{part}.txt"] = text(*(f"{name} {n % 2}" for n, name in enumerate(names)))
    return folder(root, tree)


def cvat_yolo_classification(root: Path) -> Path:
    tree = classes("train/", PETS, 5)
    document = {path[6:]: {"id": n, "label": path.split("/")[1]} for n, path in enumerate(tree)}
    return folder(root, tree, {"train/labels.json": as_json(document)})


def cvat_tags(root: Path) -> Path:
    names = [f"frame_{n:06}.jpg" for n in range(10)]
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "<version>1.1</version>"]
    for n, name in enumerate(names):
        lines.append(f'<image id="{n}" name="{name}" width="24" height="24">')
        lines.append(f'<tag label="{PETS[n % 2]}" source="manual"></tag></image>')
    tree = images(*(f"images/{name}" for name in names))
    return folder(root, tree, {"annotations.xml": text(*lines, "</annotations>")})


def supervisely(root: Path) -> Path:
    tags = [{"name": pet, "value_type": "none", "color": "#8A0F12"} for pet in PETS]
    tree: Tree = {"pets/meta.json": as_json({"classes": [], "tags": tags})}
    for n in range(10):
        tree[f"pets/dataset 1/img/{n}.jpg"] = image(f"{n}.jpg")
        facts = {"size": {"width": 24, "height": 24}, "objects": []}
        tag = {"name": PETS[n % 2], "value": None}
        tree[f"pets/dataset 1/ann/{n}.jpg.json"] = as_json(facts | {"tags": [tag]})
    return folder(root, tree)


_SIX = Read({"cat": 6, "dog": 6})
_FIVE = Read({"cat": 5, "dog": 5})
_OFFERED = Asks(offers=frozenset(PETS))

CASES: dict[str, Case] = {
    "Roboflow folders": case(
        roboflow_folders, Read({"cat": 8, "dog": 8}, {"train": 8, "validation": 4, "test": 4})
    ),
    "Roboflow COCO": case(roboflow_coco, Told(("COCO", "boxes|whole image"))),
    "Roboflow YOLO": case(roboflow_yolo, Told(("boxes", "YOLO"))),
    "Teachable Machine": case(zips_of_one_class, _FIVE),
    "Label Studio CSV": case(label_studio_table, _SIX, _OFFERED),
    "Label Studio JSON": case(
        lambda root: label_studio_json(root, _full_record), _SIX, Told((r"project-1\S*\.json",))
    ),
    "Label Studio JSON_MIN": case(
        lambda root: label_studio_json(root, _short_record), _SIX, Told((r"project-1\S*\.json",))
    ),
    "Orange": case(orange, _FIVE),
    "Create ML folders": case(
        create_ml_folders, Read({"cat": 7, "dog": 7}, {"train": 10, "test": 4})
    ),
    "Create ML labels": case(create_ml_labels, _FIVE, Told((r"annotations\.json",))),
    "Create ML boxes": case(create_ml_boxes, Told((r"annotations\.json",))),
    "CVAT ImageNet": case(cvat_folders, _FIVE),
    "CVAT ImageNet lists": case(
        cvat_lists,
        Read({"cat": 6, "dog": 6}, {"train": 8, "test": 4}),
        Read({"0": 6, "1": 6}, {"train": 8, "test": 4}),
    ),
    "CVAT Ultralytics classification": case(cvat_yolo_classification, _FIVE),
    "CVAT tags": case(cvat_tags, _FIVE, Told((r"annotations\.xml",))),
    "Supervisely": case(supervisely, _FIVE, Told((r"\.json",))),
}
