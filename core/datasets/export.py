"""A dataset as files: the cleaned pictures as a zip, and the list of what could not be used.

No place, camera, date or preview leaves with a picture. JPEG files stay bit for bit what they are
to the eye; everything else becomes PNG.
"""

import csv
import io
import json
import re
import stat
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

import numpy as np

from core.datasets.dataset import ENCODED, SUBSETS, Dataset
from core.datasets.decoding.decode import orientation_of
from core.datasets.decoding.metadata import with_orientation, without_metadata
from core.datasets.decoding.pool import ProgressCallback
from core.datasets.reading.columns import why_no_label
from core.datasets.reading.export_notes import _NAMES, _ORDER, NOTES_FILE
from core.datasets.reading.raw_files import RefusedNameError, is_ignored, safe_parts
from core.datasets.reading.subset_names import is_to_predict, subset_of
from core.datasets.spreadsheet import FORMULA_STARTS, csv_cell

# Class, side and number before it still leave the path under the 260 letters of Windows.
LONGEST_FOLDER_BYTES = 100
LONGEST_STEM_BYTES = 80
_NOT_IN_FILE_NAMES = re.compile(r'[<>:"/\\|?*;,\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")

LABELS_FILE = "labels.csv"
_JPEG_START = b"\xff\xd8\xff"
# What readers take for the separator of a table where many cells hold it.
_OTHER_SEPARATORS = (";", "\t", "|")


@dataclass(frozen=True)
class ExportedClass:
    """A class by its ``name``, the ``folder`` of its pictures and the ``cell`` of the table."""

    name: str
    folder: str
    cell: str


def exported_classes(classes: Sequence[str]) -> list[ExportedClass]:
    """Folder and cell of each class: its name where that is possible.

    No folder is another in other letters, and what is not the name of its class is that of none.
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
    """``class 3 cmd``: fit to be a folder and a cell, and not ``taken``, in whichever letters."""
    letters = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", name))
    kept = _cut(" ".join(letters), LONGEST_STEM_BYTES)
    made_up = f"class {number} {kept}".strip()
    while _folded(made_up) in taken:
        made_up += " (other)"
    return made_up


def _is_read_as_it_is(cell: str) -> bool:
    """Whether the reader of tables takes a cell for the label that it is."""
    is_plain = cell == unicodedata.normalize("NFC", cell.strip())
    return is_plain and why_no_label(cell) is None


def _is_safe_folder(name: str) -> bool:
    """Whether every system can have a folder of that name, and it is read as a class again."""
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
    """``0012-puppy.jpg``: the number keeps names apart, in order, and off reserved names."""
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
    """Write a zip with one folder a class, below ``train``, ``validation`` and ``test`` where the
    dataset came with a split, and ``labels.csv`` (file, label and, with a split, split).

    Added again it gives the same labels and the same pixels. It is not compressed (pictures are
    already) and written picture by picture. Raises ``HeadstartError`` where the dataset is gone.
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
        notes = export_notes(dataset, classes)
        if notes is not None:
            archive.writestr(_entry(NOTES_FILE), notes)


def quarantine_csv(dataset: Dataset) -> bytes:
    """What could not be used, a line each: file, reason. UTF-8, harmless in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["file", "reason"])
    for entry in dataset.health.get("quarantined", ()):
        writer.writerow([csv_cell(entry["file"]), csv_cell(entry["reason"])])
    return text.getvalue().encode()


def _image_file(dataset: Dataset, index: int) -> tuple[bytes, str]:
    """The file of a picture, without metadata, and the ending of its name."""
    if dataset.encoding == ENCODED:
        stored = dataset.stored_bytes(index)
        if stored.startswith(_JPEG_START):
            try:
                return with_orientation(without_metadata(stored), orientation_of(stored)), ".jpg"
            except ValueError:
                # Pillow reads more than the standard allows (no end mark): PNG holds it as well.
                pass
    image = dataset.image(index)
    # Decoders leave texts and profiles of the file here, and encoders write some of them.
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


def _table(dataset: Dataset, rows: list[tuple[str, ...]]) -> bytes:
    header = ["file", "label"] if dataset.predefined_subsets is None else ["file", "label", "split"]
    text = io.StringIO()
    unclear = any(mark in row[1] for row in rows for mark in _OTHER_SEPARATORS)
    writer = csv.writer(
        text,
        quoting=csv.QUOTE_ALL if unclear else csv.QUOTE_MINIMAL,
        lineterminator="\r\n",
    )
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _entry(path: str) -> zipfile.ZipInfo:
    """The same bytes for the same dataset: no clock, and a file that everybody may read."""
    entry = zipfile.ZipInfo(path)
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def export_notes(dataset: Dataset, exported: Sequence[ExportedClass]) -> bytes | None:
    """What ``headstart.json`` of an export holds, or None where there is nothing to say."""
    names = {
        text: entry.name
        for entry in exported
        for text in (entry.cell, entry.folder)
        if text != entry.name
    }
    in_order = not _is_in_folder_order(dataset)
    if not names and not in_order:
        return None
    document = {_NAMES: names, _ORDER: in_order}
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


def _is_in_folder_order(dataset: Dataset) -> bool:
    """Whether pictures stand by class, within it by the name of their side, as folders are read."""
    ranks = np.argsort(np.argsort(SUBSETS))
    subsets = dataset.predefined_subsets
    by_subset = np.zeros(dataset.image_count) if subsets is None else ranks[subsets]
    order = np.lexsort((np.arange(dataset.image_count), by_subset, dataset.labels))
    return bool((np.diff(order) > 0).all())
