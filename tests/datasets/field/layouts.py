"""What libraries and clouds document as their layout, as their tools write it.

MedMNIST's arrays, Parquet of Hugging Face, JSON lines in ``train/``, SageMaker's ``.lst``, Ground
Truth and Edge Impulse are cases of the field too; Kaggle's competitions are in
``reading/test_new_user_trees.py``.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.datasets.field.building import (
    Tree,
    classes,
    folder,
    image,
    images,
    tar_file,
    text,
    zipped,
)
from tests.datasets.field.expecting import Asks, Case, Read, Told, case

PETS = ("cat", "dog")
FLOWERS = ("daisy", "roses", "tulips")


def json_lines(records: Iterable[dict[str, Any]]) -> bytes:
    return text(*(json.dumps(record) for record in records))


def image_folder(root: Path) -> Path:
    """torchvision: files may lie in folders below the class."""
    nested = images(*(f"root/{pet}/taken/{n}.png" for pet in PETS for n in range(2)))
    return folder(root, classes("root/", PETS, 4, "png"), nested)


def keras_directory(root: Path) -> Path:
    return folder(root, classes("main_directory/", ("class_a", "class_b"), 5))


def keras_directories(root: Path) -> Path:
    train = classes("data/train/", PETS, 6)
    return folder(root, train, classes("data/validation/", PETS, 3))


def keras_data_frame(root: Path) -> Path:
    names = [f"{n:03}.jpg" for n in range(12)]
    rows = (f"{n},{name},{PETS[n % 2]}" for n, name in enumerate(names))
    tree = images(*(f"images/{name}" for name in names))
    return folder(root, tree, {"train.csv": text(",filename,class", *rows)})


def hugging_face_folders(root: Path) -> Path:
    card = {"README.md": text("---", "task_categories:", "- image-classification", "---")}
    train = classes("train/", PETS, 6, "png")
    return folder(root, card, train, classes("test/", PETS, 2, "png"))


def hugging_face_table(root: Path) -> Path:
    tree: Tree = {}
    for part, count in (("train", 8), ("test", 4)):
        names = [f"{n:04}.png" for n in range(count)]
        tree |= images(*(f"{part}/{name}" for name in names))
        rows = (f"{name},{PETS[n % 2]}" for n, name in enumerate(names))
        tree[f"{part}/metadata.csv"] = text("file_name,label", *rows)
    return folder(root, tree)


def hugging_face_lines(root: Path) -> Path:
    """One file at the top, whose names have the folders of the split."""
    names = [f"train/{n:04}.png" for n in range(8)] + [f"test/{n:04}.png" for n in range(4)]
    lines = json_lines({"file_name": n, "label": PETS[at % 2]} for at, n in enumerate(names))
    return folder(root, images(*names), {"metadata.jsonl": lines})


def hugging_face_boxes(root: Path) -> Path:
    names = [f"{n:04}.png" for n in range(8)]
    objects = {"bbox": [[2.0, 3.0, 9.0, 8.0], [4.0, 4.0, 7.0, 7.0]], "categories": [0, 1]}
    lines = json_lines({"file_name": name, "objects": objects} for name in names)
    tree = images(*(f"train/{name}" for name in names))
    return folder(root, tree, {"train/metadata.jsonl": lines})


def hugging_face_captions(root: Path) -> Path:
    names = [f"{n:04}.png" for n in range(8)]
    lines = json_lines(
        {"file_name": name, "text": f"This is golden retriever number {n}, playing with a ball"}
        for n, name in enumerate(names)
    )
    tree = images(*(f"train/{name}" for name in names))
    return folder(root, tree, {"train/metadata.jsonl": lines})


def hugging_face_zips(root: Path) -> Path:
    parts = {"train.zip": classes("train/", PETS, 6), "test.zip": classes("test/", PETS, 2)}
    return folder(
        root,
        {
            name: zipped({path.partition("/")[2]: data for path, data in tree.items()})
            for name, tree in parts.items()
        },
    )


def medmnist_images(root: Path) -> Path:
    """``save``: a folder of images, and a table without a header."""
    rows, names = [], []
    for part, use, count in (("train", "TRAIN", 9), ("val", "VALIDATION", 3), ("test", "TEST", 3)):
        for n in range(count):
            names.append(f"{part}{n}_{n % 3}.png")
            rows.append(f"{use},{names[-1]},{n % 3}")
    tree = images(*(f"bloodmnist/{name}" for name in names))
    return folder(root, tree, {"bloodmnist.csv": text(*rows)})


def fast_ai_sample(root: Path) -> Path:
    """MNIST_SAMPLE: the table calls the digits 0 and 1, the folders 3 and 7."""
    train = classes("train/", ("3", "7"), 5, "png")
    valid = classes("valid/", ("3", "7"), 2, "png")
    rows = (f"{path},{int('/7/' in path)}" for path in train | valid)
    return folder(root, train, valid, {"labels.csv": text("name,label", *rows)})


def fast_ai_planet(root: Path) -> Path:
    tags = ("haze primary", "clear primary water", "clear", "haze", "primary", "water")
    rows = (f"train_{n},{tags[n % 6]}" for n in range(24))
    tree = images(*(f"train/train_{n}.jpg" for n in range(24)))
    return folder(root, tree, {"labels.csv": text("image_name,tags", *rows)})


def google_table(root: Path, uses: tuple[str, ...], header: str = "") -> Path:
    """``uses``: the first cell of the rows in turn; none for a table without that column."""
    lines = [header] if header else []
    for n in range(24):
        use = f"{uses[n // 3 % len(uses)]}," if uses else ""
        lines.append(f"{use}gs://my-bucket/flowers/img_{n:03}.jpg,{FLOWERS[n % 3]}")
    tree = images(*(f"flowers/img_{n:03}.jpg" for n in range(24)))
    return folder(root, tree, {"flowers.csv": text(*lines)})


def google_lines(root: Path) -> Path:
    use = "aiplatform.googleapis.com/ml_use"
    lines = json_lines(
        {
            "imageGcsUri": f"gs://my-bucket/flowers/img_{n:03}.jpg",
            "classificationAnnotation": {
                "displayName": FLOWERS[n % 3],
                "annotationResourceLabels": {"aiplatform.googleapis.com/annotation_set_name": "a"},
            },
            "dataItemResourceLabels": {use: "training" if n < 18 else "test"},
        }
        for n in range(24)
    )
    tree = images(*(f"flowers/img_{n:03}.jpg" for n in range(24)))
    return folder(root, tree, {"flowers.jsonl": lines})


def rekognition(root: Path) -> Path:
    lines = []
    for n in range(12):
        name = FLOWERS[n % 3]
        facts = {
            "confidence": 1,
            "job-name": f"labeling-job/{name}",
            "class-name": name,
            "human-annotated": "yes",
            "creation-date": "2024-01-21T14:21:05",
            "type": "groundtruth/image-classification",
        }
        source = f"s3://my-bucket/flowers/img_{n}.jpg"
        lines.append({"source-ref": source, name: 1, f"{name}-metadata": facts})
    tree = images(*(f"flowers/img_{n}.jpg" for n in range(12)))
    return folder(root, tree, {"flowers.manifest": json_lines(lines)})


def sage_maker_lists(root: Path) -> Path:
    tree: Tree = {}
    for part, count in (("train", 9), ("validation", 3)):
        names = [f"{part}/{n}_{FLOWERS[n % 3]}.jpg" for n in range(count)]
        tree |= images(*names)
        tree[f"{part}_lst/{part}.lst"] = text(
            *(f"{n}\t{n % 3}\t{name.partition('/')[2]}" for n, name in enumerate(names))
        )
    return folder(root, tree)


_EVEN = {"train": 12, "validation": 6, "test": 6}


def web_dataset(root: Path) -> Path:
    """Shards of a split: each sample is an image and its class under the same name."""
    for part, count in (("train", 8), ("test", 4)):
        tree: Tree = {}
        for n in range(count):
            tree |= (
                images(f"{n:06}.jpg") if part == "train" else {f"{n:06}.jpg": image(f"t{n}.jpg")}
            )
            tree[f"{n:06}.cls"] = str(n % 2).encode()
        (root / "shards").mkdir(exist_ok=True)
        tar_file(root / "shards", tree, f"{part}-000000.tar")
    return root / "shards"


def lists_of_a_split(root: Path) -> Path:
    """As CoOp splits eleven known sets: name, number and class of each image, by subset."""
    names = [f"images/{n:03}.jpg" for n in range(12)]
    cells = [[name[7:], at % 2, PETS[at % 2]] for at, name in enumerate(names)]
    lists = {"train": cells[:6], "val": cells[6:8], "test": cells[8:]}
    return folder(root, images(*names), {"split_zhou_Pets.json": text(json.dumps(lists))})


def names_by_class(root: Path) -> Path:
    """As Food-101: the images of each class, without their endings, in a list for each subset."""
    tree = classes("images/", PETS, 6)
    names = {pet: [f"{pet}/{n}_{pet}" for n in range(6)] for pet in PETS}
    lists = {
        f"meta/{part}.json": text(json.dumps({pet: names[pet][chosen] for pet in PETS}))
        for part, chosen in (("train", slice(4)), ("test", slice(4, None)))
    }
    return folder(root, tree, lists)


def json_for_each(root: Path) -> Path:
    tree = images(*(f"{n:03}.jpg" for n in range(12)))
    records = {f"{n:03}.json": {"id": n, "label": PETS[n % 2]} for n in range(12)}
    return folder(root, tree, {name: text(json.dumps(one)) for name, one in records.items()})


def label_for_each_folder(root: Path) -> Path:
    tree = images(*(f"{place:04}/{n}.jpg" for place in range(6) for n in range(3)))
    return folder(root, tree, {f"{at:04}/label.txt": text(PETS[at % 2]) for at in range(6)})


_ROSES = dict.fromkeys(FLOWERS, 8)
_USES = ("training", "training", "validation", "test")

CASES: dict[str, Case] = {
    "torchvision ImageFolder": case(image_folder, Read({"cat": 6, "dog": 6})),
    "Keras image_dataset_from_directory": case(keras_directory, Read({"class_a": 5, "class_b": 5})),
    "Keras directories of a split": case(
        keras_directories, Read({"cat": 9, "dog": 9}, {"train": 12, "test": 6})
    ),
    "Keras flow_from_dataframe": case(keras_data_frame, Read({"cat": 6, "dog": 6})),
    "Hugging Face folders": case(
        hugging_face_folders, Read({"cat": 8, "dog": 8}, {"train": 12, "test": 4})
    ),
    "Hugging Face metadata.csv": case(
        hugging_face_table, Read({"cat": 6, "dog": 6}, {"train": 8, "test": 4})
    ),
    "Hugging Face metadata.jsonl": case(
        hugging_face_lines, Read({"cat": 6, "dog": 6}, {"train": 8, "test": 4})
    ),
    "Hugging Face boxes": case(hugging_face_boxes, Told(("boxes",))),
    "Hugging Face captions": case(
        hugging_face_captions, Told((r"metadata\.jsonl", "label")), Asks((r"metadata\.jsonl",))
    ),
    "Hugging Face zips": case(
        hugging_face_zips, Read({"cat": 8, "dog": 8}, {"train": 12, "test": 4})
    ),
    "MedMNIST saved as images": case(
        medmnist_images, Read({"0": 5, "1": 5, "2": 5}, {"train": 9, "validation": 3, "test": 3})
    ),
    "fast.ai MNIST_SAMPLE": case(
        fast_ai_sample,
        Read({"3": 7, "7": 7}, {"train": 10, "test": 4}),
        Read({"0": 7, "1": 7}, {"train": 10, "test": 4}),
    ),
    "fast.ai several tags": case(
        fast_ai_planet,
        Asks(("several|more than one",), offers=frozenset({"clear", "haze", "primary", "water"})),
    ),
    "WebDataset": case(web_dataset, Read({"0": 6, "1": 6}, {"train": 8, "test": 4})),
    "JSON lists of a split": case(
        lists_of_a_split, Read({"cat": 6, "dog": 6}, {"train": 6, "validation": 2, "test": 4})
    ),
    "JSON lists of classes": case(
        names_by_class, Read({"cat": 6, "dog": 6}, {"train": 8, "test": 4})
    ),
    "JSON for each image": case(json_for_each, Read({"cat": 6, "dog": 6})),
    "A label for each folder": case(
        label_for_each_folder, Asks(("text files",), offers=frozenset(PETS))
    ),
    "Vertex CSV": case(lambda root: google_table(root, _USES), Read(_ROSES, _EVEN)),
    "Vertex CSV without use": case(lambda root: google_table(root, ()), Read(_ROSES)),
    "AutoML CSV": case(
        lambda root: google_table(root, ("TRAIN", "TRAIN", "VALIDATION", "TEST")),
        Read(_ROSES, _EVEN),
    ),
    "AutoML CSV, unassigned": case(lambda root: google_table(root, ("UNASSIGNED",)), Read(_ROSES)),
    "Vertex CSV with a header": case(
        lambda root: google_table(root, _USES, "ml_use,gcs_file_path,label"), Read(_ROSES, _EVEN)
    ),
    "Vertex JSON lines": case(
        google_lines, Read(_ROSES, {"train": 18, "test": 6}), Told((r"flowers\.jsonl",))
    ),
    "Rekognition manifest": case(
        rekognition, Read(dict.fromkeys(FLOWERS, 4)), Told((r"flowers\.manifest",))
    ),
    "SageMaker lists of a split": case(
        sage_maker_lists, Read({"0": 4, "1": 4, "2": 4}, {"train": 9, "test": 3})
    ),
}
