"""A dataset as files: its images as a zip, and the list of files that could not be used.

Images are exported without place, camera, date and preview. The pixels of JPEG files stay the same
bit for bit; all other formats become PNG. A folder cannot have every name that a class may have
(``../``, ``CON``, ``Cats`` beside ``cats``), and a cell that a spreadsheet would run is defused
(``'=cmd()``); ``headstart.json`` keeps the class names then, and the levels of deeper images.
"""

import csv
import io
import re
import stat
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

import numpy as np

from core.datasets.choices import SUBSETS
from core.datasets.dataset import ENCODED, Dataset
from core.datasets.decoding.metadata import jpeg_orientation, with_orientation, without_metadata
from core.datasets.decoding.pool import ProgressCallback
from core.datasets.metadata import ORIGIN_COLUMN
from core.datasets.reading.columns import why_no_label
from core.datasets.reading.raw_files import RefusedNameError, is_ignored, safe_parts
from core.datasets.reading.recognise import LABELS_FILE, NOTES_FILE, ExportNotes
from core.datasets.reading.subset_names import is_to_predict, subset_of
from core.text import FORMULA_STARTS, csv_cell

# With class, subset and number, the path still stays below the 260 characters of Windows.
LONGEST_FOLDER_BYTES = 100
LONGEST_STEM_BYTES = 80
_NOT_IN_FILE_NAMES = re.compile(r'[<>:"/\\|?*;,\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")

_JPEG_START = b"\xff\xd8\xff"
# Readers take one of these for the separator of a table where many cells contain it.
_OTHER_SEPARATORS = (";", "\t", "|")


@dataclass(frozen=True)
class ExportedClass:
    """A class by its ``name``, the ``folder`` of its images, and its ``cell`` in the table."""

    name: str
    folder: str
    cell: str


def exported_classes(classes: Sequence[str]) -> list[ExportedClass]:
    """Folder and cell of each class: its name where possible, else a made-up one.

    Folders differ by more than case, and a made-up name is not the name of another class.
    """
    taken = set(classes)
    in_any_letters = {_folded(name) for name in classes}
    folders: set[str] = set()
    exported = []
    for number, name in enumerate(classes, start=1):
        made_up = _made_up(number, name, in_any_letters)
        cell, folder = csv_cell(name), name
        if not _is_read_as_it_is(cell) or (cell != name and cell in taken):
            cell = made_up
        if not _is_safe_folder(folder) or _folded(folder) in folders:
            folder = made_up
        taken |= {cell, folder}
        in_any_letters |= {_folded(cell), _folded(folder)}
        folders.add(_folded(folder))
        exported.append(ExportedClass(name, folder, cell))
    return exported


def _made_up(number: int, name: str, taken: set[str]) -> str:
    """``class 3 cmd``: valid as a folder and a cell, and not ``taken`` (ignoring case)."""
    letters = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", name))
    kept = _cut(" ".join(letters), LONGEST_STEM_BYTES)
    made_up = f"class {number} {kept}".strip()
    while _folded(made_up) in taken:
        made_up += " (other)"
    return made_up


def _is_read_as_it_is(cell: str) -> bool:
    """Whether the reader of tables reads a cell back unchanged."""
    is_plain = cell == unicodedata.normalize("NFC", cell.strip())
    return is_plain and why_no_label(cell) is None


def _is_safe_folder(name: str) -> bool:
    """Whether every system allows a folder of that name, and it is read as a class again."""
    try:
        parts = safe_parts(name)
    except RefusedNameError:
        return False
    return (
        parts == (name,)
        and name == name.strip()
        and not is_ignored(parts)
        and not name.startswith(FORMULA_STARTS)
        and not name.endswith(".")
        and not _NOT_IN_FILE_NAMES.search(name)
        and not _RESERVED.fullmatch(name.casefold())
        and len(name.encode()) <= LONGEST_FOLDER_BYTES
        and subset_of(name) is None
        and not is_to_predict(name)
    )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode(errors="ignore").strip()


def exported_file_name(original: str, number: int, count: int, suffix: str) -> str:
    """``0012-puppy.jpg``: the number makes names unique, sorted, and never reserved."""
    prefix = f"{number:0{len(str(count))}d}"
    stem = PurePosixPath(original).stem.removeprefix(f"{prefix}-")
    stem = "".join(
        "_" if unicodedata.category(letter) in ("Cc", "Cf", "Cs") else letter
        for letter in unicodedata.normalize("NFC", _NOT_IN_FILE_NAMES.sub("_", stem))
    )
    stem = _cut(stem, LONGEST_STEM_BYTES).strip(". ")
    return f"{prefix}-{stem}{suffix}" if stem else f"{prefix}{suffix}"


def export_zip(
    dataset: Dataset, target: BinaryIO, progress: ProgressCallback | None = None
) -> None:
    """Write a zip with one folder for each class, and ``labels.csv``: file, label, split, and a
    number for images of one origin.

    With a predefined split, the class folders are inside ``train``, ``validation`` and ``test``.
    Adding the zip gives the same labels and pixels. It is not compressed, because images are, and
    written image by image. Raises ``HeadstartError`` where the dataset is gone.
    """
    classes = exported_classes(dataset.classes)
    rows: list[tuple[str, ...]] = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for index in range(dataset.image_count):
            data, suffix = _image_file(dataset, index)
            row = _row(dataset, index, classes[dataset.labels[index]], suffix)
            archive.writestr(_entry(row[0]), data)
            rows.append(row)
            if progress is not None:
                progress(index + 1, dataset.image_count)
        archive.writestr(_entry(LABELS_FILE), _table(dataset, rows))
        archive.writestr(_entry(NOTES_FILE), _notes(dataset, classes).to_bytes())


def quarantine_csv(dataset: Dataset) -> bytes:
    """The files that could not be used with their reasons, as UTF-8 CSV safe for spreadsheets."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["file", "reason"])
    for entry in dataset.health.quarantined:
        writer.writerow([csv_cell(entry.file), csv_cell(entry.reason)])
    return text.getvalue().encode()


def _image_file(dataset: Dataset, index: int) -> tuple[bytes, str]:
    """The file of an image without metadata, and the ending of its name."""
    if dataset.encoding == ENCODED:
        stored = dataset.stored_bytes(index)
        if stored.startswith(_JPEG_START):
            try:
                return with_orientation(without_metadata(stored), jpeg_orientation(stored)), ".jpg"
            except ValueError:
                # Pillow reads JPEG files that break the standard (no end mark); they become PNG.
                pass
    image = dataset.image(index)
    # Decoders put texts and profiles of the file here, and encoders would write some of them.
    image.info = {}
    if dataset.grey[index]:
        image = image.convert("L")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue(), ".png"


def _row(dataset: Dataset, index: int, of_class: ExportedClass, suffix: str) -> tuple[str, ...]:
    name = exported_file_name(dataset.file_names[index], index, dataset.image_count, suffix)
    path = f"{of_class.folder}/{name}"
    if dataset.predefined_subsets is None:
        return path, of_class.cell
    subset = SUBSETS[dataset.predefined_subsets[index]]
    return f"{subset}/{path}", of_class.cell, subset


def _origin_cells(dataset: Dataset) -> list[str] | None:
    """The number of the set of each image, blank for one that is alone; None without sets."""
    if dataset.origins is None:
        return None
    sizes = np.bincount(dataset.origins)
    return [str(number) if sizes[number] > 1 else "" for number in dataset.origins]


def _table(dataset: Dataset, rows: list[tuple[str, ...]]) -> bytes:
    header = ["file", "label"] if dataset.predefined_subsets is None else ["file", "label", "split"]
    origins = _origin_cells(dataset)
    if origins is not None:
        header.append(ORIGIN_COLUMN)
        rows = [(*row, cell) for row, cell in zip(rows, origins, strict=True)]
    text = io.StringIO()
    unclear = any(mark in row[1] for row in rows for mark in _OTHER_SEPARATORS)
    writer = csv.writer(
        text, quoting=csv.QUOTE_ALL if unclear else csv.QUOTE_MINIMAL, lineterminator="\r\n"
    )
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _entry(path: str) -> zipfile.ZipInfo:
    """A member without time, so that the same dataset gives the same bytes; readable by all."""
    entry = zipfile.ZipInfo(path)
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _notes(dataset: Dataset, classes: Sequence[ExportedClass]) -> ExportNotes:
    names = {
        text: entry.name
        for entry in classes
        for text in (entry.cell, entry.folder)
        if text != entry.name
    }
    return ExportNotes(names, not _is_in_folder_order(dataset), dataset.levels)


def _is_in_folder_order(dataset: Dataset) -> bool:
    """Whether the images are in the order in which folders are read: by class, then by subset."""
    ranks = np.argsort(np.argsort(SUBSETS))
    subsets = dataset.predefined_subsets
    by_subset = np.zeros(dataset.image_count) if subsets is None else ranks[subsets]
    order = np.lexsort((np.arange(dataset.image_count), by_subset, dataset.labels))
    return bool((np.diff(order) > 0).all())
