"""The two datasets that come with Headstart, stored on first start."""

import json
from pathlib import Path

import numpy as np

from core.datasets.add import add_dataset, add_pixels
from core.datasets.dataset import Dataset
from core.datasets.decoding.pool import ProgressCallback
from core.files import lock, write_json
from core.settings import BUNDLED_DATA, current_settings

THEMES16_PROVENANCE = (
    "1347 clip-art images of 16 themes from openclipart-png 0.18 as packaged by Debian;"
    " public domain. Labels and split are left as they are, label noise included."
)
BRIGHTEST_DIGIT = 16
DIGITS_PROVENANCE = (
    "1797 handwritten digits, 8x8 grey, from scikit-learn's load_digits: the test part of the"
    " UCI Optical Recognition of Handwritten Digits data (Alpaydin and Kaynak, CC BY 4.0)."
)


def ensure_bundled_datasets(progress: ProgressCallback | None = None) -> None:
    """Store ``themes16`` and ``digits`` unless they were stored before; removed ones stay removed.

    Several processes may call this at once. ``progress`` counts the images of themes16.
    """
    settings = current_settings()
    if not _missing(settings.datasets_folder):
        return
    with lock(settings.locks_folder / "bundled.lock"):
        for name in _missing(settings.datasets_folder):
            dataset = add_digits() if name == "digits" else add_themes16(progress)
            _remember(settings.datasets_folder, name, dataset)


def add_themes16(progress: ProgressCallback | None = None) -> Dataset:
    """Store the bundled clip art, with a number behind its name if a dataset has that name."""
    return add_dataset(
        BUNDLED_DATA / "themes16.zip", progress=progress, provenance=THEMES16_PROVENANCE
    )


def add_digits() -> Dataset:
    """Store scikit-learn's digits."""
    pixels, labels = digit_images()
    classes = [str(digit) for digit in range(10)]
    return add_pixels(pixels, labels, classes, "digits", DIGITS_PROVENANCE)


def digit_images() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits: uint8 ``(1797, 8, 8)``, 0 to 255, and their labels 0 to 9."""
    # Imported here: scikit-learn takes a second to load, and this is seldom needed.
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.rint(bunch.images * (255 / BRIGHTEST_DIGIT)).astype(np.uint8), bunch.target


def _record_path(datasets_folder: Path) -> Path:
    return datasets_folder / "bundled.json"


def _recorded(datasets_folder: Path) -> dict[str, str]:
    try:
        return json.loads(_record_path(datasets_folder).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        # Absent on first start. If damaged, it is written again: adding the same content is safe.
        return {}


def _missing(datasets_folder: Path) -> list[str]:
    return [name for name in ("digits", "themes16") if name not in _recorded(datasets_folder)]


def _remember(datasets_folder: Path, name: str, dataset: Dataset) -> None:
    record = _recorded(datasets_folder) | {name: dataset.id}
    write_json(_record_path(datasets_folder), record, indent=1)
