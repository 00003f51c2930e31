"""What was right in the field and must stay so: trees and tables of well-known data sets."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.datasets.field.arrays import sign_tables
from tests.datasets.field.building import (
    Tree,
    classes,
    folder,
    image,
    images,
    pixels,
    saved,
    spot,
    text,
)
from tests.datasets.field.expecting import Case, Read, case
from tests.datasets.pictures import encoded

_VEHICLES = ("bus", "test", "train")


def classes_called_train_and_test(root: Path) -> Path:
    return folder(
        root, classes("vehicles/train/", _VEHICLES, 4), classes("vehicles/test/", _VEHICLES, 2)
    )


def windows_paths(root: Path) -> Path:
    """Written on Windows: backslashes, blanks around, no ending or another, capital letters."""
    names = [f"Eigene Bilder/Foto {n}.jpg" for n in range(12)]
    cells = [
        r"C:\Users\Eva\Eigene Bilder\Foto 0.jpg",
        r"Eigene Bilder\Foto 1.jpg",
        " Foto 2.jpg ",
        "Foto 3",
        "Foto 4.png",
        "FOTO 5.JPG",
        "eigene bilder/foto 6.jpg",
        *(f"Foto {n}.jpg" for n in range(7, 12)),
    ]
    rows = (f"{cell},{('Kuh', 'Schaf')[n % 2]}" for n, cell in enumerate(cells))
    return folder(root, images(*names), {"liste.csv": text("Datei,Klasse", *rows)})


def skin_lesions(root: Path) -> Path:
    kinds = ("akiec", "bkl", "nv")
    names = [f"ISIC_00{24306 + n}" for n in range(12)]
    header = "lesion_id,image_id,dx,dx_type,age,sex,localization"
    rows = (
        f"HAM_{n // 2:07},{name},{kinds[n % 3]},histo,{40 + 5 * (n % 5)}.0,"
        f"{('male', 'female')[n % 2]},{('back', 'face', 'scalp')[n % 5 % 3]}"
        for n, name in enumerate(names)
    )
    tree = images(*(f"HAM10000_images_part_{1 + n // 6}/{m}.jpg" for n, m in enumerate(names)))
    return folder(root, tree, {"HAM10000_metadata.csv": text(header, *rows)})


def roboflow(root: Path) -> Path:
    """Three folders, each with its ``_classes.csv`` of marks."""
    tree: Tree = {}
    for part, count in (("train", 9), ("valid", 3), ("test", 3)):
        names = [f"{part}_{n}_jpg.rf.{n:032x}.jpg" for n in range(count)]
        tree |= images(*(f"{part}/{name}" for name in names))
        marks = ("1, 0, 0", "0, 1, 0", "0, 0, 1")
        rows = (f"{name}, {marks[n % 3]}" for n, name in enumerate(names))
        tree[f"{part}/_classes.csv"] = text("filename, cat, dog, fish", *rows)
    tree["README.roboflow.txt"] = text("Pets - v1", "", "This dataset was exported via roboflow")
    tree["README.dataset.txt"] = text("# Pets > 2024-01-10", "Provided by a Roboflow user")
    return folder(root, tree)


def chest_xray_twice(root: Path) -> Path:
    """As Kaggle has it: all of it again in a folder of the same name, and what a Mac left."""
    own: Tree = {}
    for part, count in (("train", 6), ("val", 2), ("test", 3)):
        own |= classes(f"chest_xray/{part}/", ("NORMAL", "PNEUMONIA"), count, "jpeg")
    again = {f"chest_xray/{path}": data for path, data in own.items()}
    left = {f"chest_xray/__MACOSX/{p.rpartition('/')[0]}/._a.jpeg": b"\0\5\x16\7" for p in own}
    return folder(root, own, again, left)


def mvtec(root: Path) -> Path:
    kinds = ("broken_large", "contamination")
    good = [f"bottle/train/good/{n:03}.png" for n in range(6)]
    test = [f"bottle/test/{kind}/{n:03}.png" for kind in ("good", *kinds) for n in range(3)]
    masks = {
        f"bottle/ground_truth/{kind}/{n:03}_mask.png": spot(f"{kind}{n}")
        for kind in kinds
        for n in range(3)
    }
    papers = {"bottle/license.txt": text("CC BY-NC-SA"), "bottle/readme.txt": text("MVTec AD")}
    return folder(root, images(*good, *test), masks, papers)


def takeout(root: Path) -> Path:
    tree: Tree = {"Takeout/archive_browser.html": text("<html></html>")}
    for album in ("Hund 2022", "Katze 2023"):
        for n in range(4):
            path = f"Takeout/Google Fotos/{album}/IMG_{n}.jpg"
            tree[path] = image(path)
            tree[f"{path}.json"] = text('{"title": "IMG.jpg", "url": "https://photos.example"}')
        tree[f"Takeout/Google Fotos/{album}/Metadaten.json"] = text('{"title": "Album"}')
    return folder(root, tree)


def views(root: Path) -> Path:
    fruit = ("apple", "pear", "plum")
    return folder(root, *(classes(f"{name}/", ("front", "side"), 3) for name in fruit))


def class_before_a_number(root: Path) -> Path:
    names = [f"{name}{n}.jpg" for name in ("kite_", "owl (", "red wren-") for n in range(1, 5)]
    return folder(root, images(*(f"{name[:-4]}).jpg" if "(" in name else name for name in names)))


def kinds_of_pixels(root: Path) -> Path:
    """One of each kind in two classes: CMYK, turned by EXIF, two images in one, palette, film."""
    tree: Tree = {}
    for name in ("a", "b"):
        one, two = (Image.fromarray(pixels(f"{name}{n}")) for n in (1, 2))
        tree[f"{name}/cmyk.jpg"] = encoded(one.convert("CMYK"), "JPEG")
        exif = Image.Exif()
        exif[0x0112] = 6
        tree[f"{name}/turned.jpg"] = encoded(two.resize((24, 12)), "JPEG", exif=exif)
        tree[f"{name}/stereo.mpo"] = encoded(
            Image.fromarray(pixels(f"{name}3")), "MPO", save_all=True, append_images=[two]
        )
        tree[f"{name}/palette.png"] = encoded(
            Image.fromarray(pixels(f"{name}4")).quantize(16), "PNG"
        )
        tree[f"{name}/film.gif"] = encoded(
            Image.fromarray(pixels(f"{name}5")).quantize(32),
            "GIF",
            save_all=True,
            append_images=[one.quantize(32)],
        )
    return folder(root, tree)


def deep_over_the_whole_range(root: Path) -> Path:
    tree: Tree = {}
    for name in (f"{pet}/{n}.png" for pet in ("cats", "dogs") for n in range(4)):
        grey = pixels(name, channels=1)[..., 0].astype(np.uint16) * 257
        grey[:6, :6], grey[-1, -1], grey[-1, 0] = 128 * 257, 0, 65535
        tree[name] = saved(grey, "PNG")
    return folder(root, tree)


_MVTEC = {"broken_large": 3, "contamination": 3, "good": 9}

CASES: dict[str, Case] = {
    "classes called train and test": case(
        classes_called_train_and_test, Read(dict.fromkeys(_VEHICLES, 6), {"train": 12, "test": 6})
    ),
    "paths of Windows": case(windows_paths, Read({"Kuh": 6, "Schaf": 6})),
    "HAM10000": case(skin_lesions, Read({"akiec": 4, "bkl": 4, "nv": 4}, says=("'dx'",))),
    "Roboflow": case(
        roboflow, Read({"cat": 5, "dog": 5, "fish": 5}, {"train": 9, "validation": 3, "test": 3})
    ),
    "sign MNIST": case(
        lambda root: folder(root, sign_tables()),
        Read({str(n): 10 for n in range(4)}, {"train": 24, "test": 16}),
    ),
    "chest_xray twice": case(
        chest_xray_twice,
        Read({"NORMAL": 11, "PNEUMONIA": 11}, {"train": 12, "validation": 4, "test": 6}),
    ),
    "MVTec": case(mvtec, Read(_MVTEC, {"train": 6, "test": 9})),
    "Takeout": case(takeout, Read({"Hund 2022": 4, "Katze 2023": 4})),
    "views inside classes": case(views, Read({"apple": 6, "pear": 6, "plum": 6})),
    "class before a number": case(
        class_before_a_number, Read({"kite": 4, "owl": 4, "red wren": 4}, says=("file name",))
    ),
    "kinds of pixels": case(kinds_of_pixels, Read({"a": 5, "b": 5})),
    "16 bits, whole range": case(
        deep_over_the_whole_range, Read({"cats": 4, "dogs": 4}, corner=True)
    ),
}
