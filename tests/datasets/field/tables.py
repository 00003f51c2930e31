"""Cases C, G and H: tables, lists and manifests that name images."""

import base64
import json
from pathlib import Path

from tests.datasets.field.building import folder, image, images, text
from tests.datasets.field.expecting import Asks, Case, Read, Told, case

NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)
FINDINGS = ("Cardiomegaly", "Hernia", "No Finding")
DISEASES = ("scab", "healthy", "rust", "complex", "frog_eye_leaf_spot")
FLOWERS = ("daisy", "roses", "tulips")
SEVERAL = r"several (labels|classes)|more than one (label|class)"


def roboflow_with_two_ones(root: Path) -> Path:
    marks = ("1, 0, 0", "0, 1, 0", "0, 0, 1", "1, 1, 0", "0, 1, 1", "0, 0, 1")
    names = [f"{n}_jpg.rf.{n:032x}.jpg" for n in range(18)]
    rows = (f"{name}, {marks[n % 6]}" for n, name in enumerate(names))
    tree = images(*(f"train/{name}" for name in names))
    return folder(root, tree, {"train/_classes.csv": text("filename, cat, dog, fish", *rows)})


def plant_pathology(root: Path) -> Path:
    labels = [*DISEASES, "rust complex", "scab frog_eye_leaf_spot complex", *DISEASES]
    names = [f"{n * 7919:016x}.jpg" for n in range(1, 37)]
    rows = (f"{name},{labels[n % len(labels)]}" for n, name in enumerate(names))
    tree = images(*(f"train_images/{name}" for name in names))
    return folder(root, tree, {"train.csv": text("image,labels", *rows)})


def chest_xrays(root: Path, spacings: tuple[str, ...]) -> Path:
    names = [f"{n // 3:08}_{n % 3:03}.png" for n in range(24)]
    rows = (
        f"{name},{FINDINGS[n % 3]},{n % 3},{n // 3 + 1},{40 + n}Y,{'MF'[n % 2]},"
        f"{('PA', 'AP')[n % 5 % 2]},{2048 + n},{2500 - n},{spacings[n // 2 % len(spacings)]},"
        f"{spacings[n // 2 % len(spacings)]},"
        for n, name in enumerate(names)
    )
    tree = images(*(f"images_{1 + n // 12:03}/images/{name}" for n, name in enumerate(names)))
    return folder(root, tree, {"Data_Entry_2017.csv": text(NIH_HEADER, *rows)})


def celeba(root: Path) -> Path:
    names = [f"{n:06}.jpg" for n in range(1, 25)]
    marks = [",".join("1" if n >> bit & 1 else "-1" for bit in range(4)) for n in range(24)]
    header = "image_id,Bald,Smiling,Male,Young"
    attributes = (f"{name},{marks[n]}" for n, name in enumerate(names))
    partitions = (f"{name},{min(n // 8, 2)}" for n, name in enumerate(names))
    return folder(
        root,
        images(*(f"img_align_celeba/img_align_celeba/{name}" for name in names)),
        {"list_attr_celeba.csv": text(header, *attributes)},
        {"list_eval_partition.csv": text("image_id,partition", *partitions)},
    )


def absolute_paths(root: Path) -> Path:
    tree, tables = {}, {}
    for part, count in (("train", 12), ("test", 6)):
        names = [f"{part}_imgs/{part[0]}{n}.jpg" for n in range(count)]
        tree |= images(*names)
        rows = (f"{n},/home/me/{name},{n % 2}" for n, name in enumerate(names))
        tables[f"{part}.csv"] = text(f",{part}_samples,{part}_labels", *rows)
    return folder(root, tree, tables)


def annotation_file(root: Path) -> Path:
    places = ["data_prefix/"] * 8 + ["data_prefix/folder_1/"] * 8 + ["data_prefix/folder_2/"] * 8
    paths = [f"{place}x{n}.png" for n, place in enumerate(places)]
    rows = (f"{path.removeprefix('data_prefix/')} {n % 3}" for n, path in enumerate(paths))
    return folder(
        root,
        images(*paths),
        {"ann_file.txt": text(*rows), "classes.txt": text("apple", "banana", "cherry")},
    )


def blanks_in_paths(root: Path) -> Path:
    names = [f"my photos/img ({n}).jpg" for n in range(12)]
    return folder(
        root,
        images(*names),
        {"list.txt": text(*(f"{name} {n % 2}" for n, name in enumerate(names)))},
    )


def unassigned(root: Path) -> Path:
    rows = (f"UNASSIGNED,gs://my-bucket/img/img_{n:03}.jpg,{FLOWERS[n % 3]}" for n in range(12))
    return folder(
        root, images(*(f"img/img_{n:03}.jpg" for n in range(12))), {"all_data.csv": text(*rows)}
    )


def record_list(root: Path) -> Path:
    rows = (f"{n}\t{n % 3}.000000\tall/{n}.jpg" for n in range(12))
    return folder(
        root, images(*(f"all/{n}.jpg" for n in range(12))), {"pets_train.lst": text(*rows)}
    )


def json_lines(root: Path) -> Path:
    names = [f"{n:04}.png" for n in range(10)]
    rows = (
        json.dumps({"file_name": name, "label": ("cat", "dog")[n % 2]})
        for n, name in enumerate(names)
    )
    return folder(
        root, images(*(f"train/{name}" for name in names)), {"train/metadata.jsonl": text(*rows)}
    )


def boxes(root: Path) -> Path:
    names = [f"{n}_jpg.rf.{n:032x}.jpg" for n in range(12)]
    rows = [f"{name},24,24,{('mask', 'none')[n % 2]},2,3,12,14" for n, name in enumerate(names)]
    rows += [f"{name},24,24,{('none', 'mask')[n % 2]},8,9,20,22" for n, name in enumerate(names)][
        ::3
    ]
    header = "filename,width,height,class,xmin,ymin,xmax,ymax"
    tree = images(*(f"train/{name}" for name in names))
    return folder(root, tree, {"train/_annotations.csv": text(header, *rows)})


def measured(root: Path) -> Path:
    rows = (f"{n}.png,{(n * 0.618034 + 0.0008) % 1:.4f}" for n in range(40))
    return folder(
        root, images(*(f"{n}.png" for n in range(40))), {"y.csv": text("file,label", *rows)}
    )


def is_valid(root: Path) -> Path:
    rows = (f"train/{n}.jpg,{('cat', 'dog')[n % 2]},{n % 4 == 0 or n == 2}" for n in range(12))
    return folder(
        root,
        images(*(f"train/{n}.jpg" for n in range(12))),
        {"labels.csv": text("name,label,is_valid", *rows)},
    )


def ground_truth_manifest(root: Path) -> Path:
    rows = (
        json.dumps(
            {
                "source-ref": f"s3://my-bucket/pets/{n}.jpg",
                "class": n % 2,
                "class-metadata": {"class-name": ("cat", "dog")[n % 2], "confidence": 0.95},
            }
        )
        for n in range(10)
    )
    return folder(root, images(*(f"{n}.jpg" for n in range(10))), {"output.manifest": text(*rows)})


def addresses(root: Path) -> Path:
    rows = (f"https://img.example.org/pets/{n}.jpg,{('cat', 'dog')[n % 2]}" for n in range(20))
    (root / "train.csv").write_bytes(text("image_url,label", *rows))
    return root / "train.csv"


def images_in_cells(root: Path) -> Path:
    rows = (
        f"{base64.b64encode(image(f'{n}.jpg')).decode()},{('cat', 'dog')[n % 2]}" for n in range(10)
    )
    (root / "train.csv").write_bytes(text("image,label", *rows))
    return root / "train.csv"


_NUMBERS = {"0": 8, "1": 8, "2": 8}
_ATTRIBUTES = ("Bald|Smiling|Male|Young",)

CASES: dict[str, Case] = {
    "C3b": case(
        roboflow_with_two_ones,
        Asks((SEVERAL,), ("which of its columns",)),
        Told((SEVERAL,), ("which of its columns",)),
    ),
    "C7": case(plant_pathology, Asks((SEVERAL,), offers=frozenset(DISEASES)), Told((SEVERAL,))),
    "C8a": case(
        lambda root: chest_xrays(root, ("0.143",)),
        Read(dict.fromkeys(FINDINGS, 8)),
        Asks(("Finding Labels",), offers=frozenset(FINDINGS)),
    ),
    "G2": case(
        lambda root: chest_xrays(root, ("0.143", "0.139", "0.168", "0.171")),
        Read(dict.fromkeys(FINDINGS, 8)),
        Asks(("Finding Labels",), offers=frozenset(FINDINGS)),
    ),
    "C9b": case(celeba, Asks(_ATTRIBUTES), Told(_ATTRIBUTES)),
    "G19": case(
        absolute_paths,
        Read({"0": 9, "1": 9}, {"train": 12, "test": 6}),
        file_column="train_samples",
        label_column="train_labels",
    ),
    "C16a": case(annotation_file, Read(_NUMBERS), Read({"apple": 8, "banana": 8, "cherry": 8})),
    "C16c": case(blanks_in_paths, Read({"0": 6, "1": 6})),
    "C19c": case(
        unassigned,
        Read(dict.fromkeys(FLOWERS, 4)),
        split_column="column 1",
        file_column="column 2",
        label_column="column 3",
    ),
    "C20": case(
        record_list,
        Read({"0": 4, "1": 4, "2": 4}),
        Read({"0.000000": 4, "1.000000": 4, "2.000000": 4}),
    ),
    "C24a": case(json_lines, Read({"cat": 5, "dog": 5})),
    "C25": case(boxes, Told(("boxes",))),
    "C34b": case(measured, Told(("number",)), Asks(("number",))),
    "G15b": case(is_valid, Read({"cat": 6, "dog": 6}, {"train": 8, "test": 4})),
    "G16a": case(ground_truth_manifest, Read({"cat": 5, "dog": 5}), Told((r"output\.manifest",))),
    "H6a": case(addresses, Told(("address", "not (fetched|downloaded)"))),
    "H6c": case(images_in_cells, Told(("base64",))),
}
