"""A dataset as files: the cleaned pictures as a zip, and the list of what could not be used.

No place, camera, date or preview leaves with a picture. JPEG files stay bit for bit what they are
to the eye; everything else becomes PNG.
"""

import csv
import io
import stat
import zipfile
from typing import BinaryIO

from core.datasets.decoding.decode import orientation_of
from core.datasets.decoding.metadata import with_orientation, without_metadata
from core.datasets.export_names import ExportedClass, exported_classes, exported_file_name
from core.datasets.export_notes import NOTES_FILE, export_notes
from core.datasets.ingest import ProgressCallback
from core.datasets.model import ENCODED, SIDES, Dataset
from core.text import csv_cell

LABELS_FILE = "labels.csv"
_JPEG_START = b"\xff\xd8\xff"
# What readers take for the separator of a table where many cells hold it.
_OTHER_SEPARATORS = (";", "\t", "|")


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
            data, suffix = _picture(dataset, index)
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


def _picture(dataset: Dataset, index: int) -> tuple[bytes, str]:
    """The file of a picture, without metadata, and the ending of its name."""
    if dataset.encoding == ENCODED:
        stored = dataset.stored_bytes(index)
        if stored.startswith(_JPEG_START):
            try:
                return with_orientation(without_metadata(stored), orientation_of(stored)), ".jpg"
            except ValueError:
                # Pillow reads more than the standard allows (no end mark): PNG holds it as well.
                pass
    picture = dataset.image(index)
    # Decoders leave texts and profiles of the file here, and encoders write some of them.
    picture.info = {}
    if dataset.grey[index]:
        picture = picture.convert("L")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue(), ".png"


def _row(dataset: Dataset, index: int, of_class: ExportedClass, suffix: str) -> tuple[str, ...]:
    name = exported_file_name(dataset.file_names[index], index, dataset.image_count, suffix)
    path = f"{of_class.folder}/{name}"
    if dataset.given_sides is None:
        return path, of_class.cell
    side = SIDES[dataset.given_sides[index]]
    return f"{side}/{path}", of_class.cell, side


def _table(dataset: Dataset, rows: list[tuple[str, ...]]) -> bytes:
    header = ["file", "label"] if dataset.given_sides is None else ["file", "label", "split"]
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
