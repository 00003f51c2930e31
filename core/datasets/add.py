"""Add a dataset: from what the user points at, or from pixels already in memory."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets.health_report import health_report
from core.datasets.ingest import (
    ProgressCallback,
    StopCallback,
    TakenIn,
    take_in,
    take_in_pixels,
)
from core.datasets.model import ENCODED, PIXELS, SOURCE_FILE, Dataset
from core.datasets.reading.layout import check_classes, first_reasons
from core.datasets.reading.pixels import PixelBatch, PixelImages
from core.datasets.reading.raw_files import Listing, shown_name
from core.datasets.reading.recognise import recognise
from core.datasets.reading.sides import settle_sides
from core.datasets.reading.sources import open_source
from core.datasets.reading.tables import Columns
from core.datasets.storage import LONGEST_NAME, checked_name, incoming_folder, publish
from core.errors import BadInput


def add_dataset(
    path: Path,
    name: str | None = None,
    progress: ProgressCallback | None = None,
    provenance: str | None = None,
    columns: Columns | None = None,
    should_stop: StopCallback | None = None,
    default_name: str | None = None,
) -> Dataset:
    """Read the images at ``path`` in any of the known layouts, check them, store them.

    A folder or zip with one folder per class, pictures with a table of labels, a table of
    pixels, IDX files: told apart by content. ``columns`` says which column of a table holds
    what, where that is not plain. Files that cannot be used are left out and listed in
    ``health["quarantined"]``. The same content again returns the stored dataset, whatever name
    was asked. Without a name, ``default_name`` or else that of the file or folder is taken, with a
    number behind it where another dataset has it. Raises ``BadInput``, ``ColumnsUnclear``,
    ``Cancelled``; nothing is stored then.
    """
    path = Path(path)
    if path.name in ("", ".."):
        path = path.resolve()  # "." is the folder that one is in, and has a name there
    asked_name = checked_name(name if name is not None else default_name or _default_name(path))
    manifest = {
        "name": asked_name,
        "name_is_default": name is None,
        "provenance": provenance or f"added from {shown_name(path.name)}",
    }
    with open_source(path) as listing:
        found = recognise(listing, columns or Columns())
        manifest["read_as"] = found.read_as
        if isinstance(found, PixelImages):
            return _store_pixels(found, manifest, listing, progress, should_stop)
        expected_bytes = sum(file.raw.size_bytes for file in found.files)
        with incoming_folder(expected_bytes) as incoming:
            with open(incoming / SOURCE_FILE, "wb") as target:
                taken = take_in(found.files, target, progress, should_stop)
            return _finish(incoming, manifest | {"encoding": ENCODED}, taken, listing, should_stop)


def add_pixels(
    pixels: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    name: str,
    provenance: str,
) -> Dataset:
    """Store images that are arrays: uint8 ``(N, H, W)`` or ``(N, H, W, 3)``, 0 to 255.

    ``labels`` are positions in ``classes``, which must be sorted. Images are kept in order.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or len(pixels) != len(labels):
        raise BadInput(
            f"Expected uint8 pixels (N, H, W) or (N, H, W, 3) with one label each; got"
            f" {pixels.dtype} {pixels.shape} with {len(labels)} labels.",
            "pixels",
        )
    if classes != sorted(classes):
        raise BadInput("The classes must be sorted by name.", "classes")
    names = [classes[int(label)] for label in labels]
    batch = PixelBatch(
        pixels, names, [f"{name}/{position:05d}" for position, name in enumerate(names)]
    )
    images = PixelImages("pixels", len(pixels), pixels.nbytes, lambda: iter([(batch, len(pixels))]))
    manifest = {
        "name": checked_name(name),
        "name_is_default": True,
        "provenance": provenance,
        "read_as": images.read_as,
    }
    return _store_pixels(images, manifest, Listing(), None, None)


def _default_name(path: Path) -> str:
    """The name of a file without its endings (``digits.csv.gz``), or that of a folder."""
    name = path.name if path.is_dir() else path.name.split(".")[0] or path.name
    return name[:LONGEST_NAME]


def _store_pixels(
    images: PixelImages,
    manifest: dict[str, Any],
    listing: Listing,
    progress: ProgressCallback | None,
    should_stop: StopCallback | None,
) -> Dataset:
    with incoming_folder(images.expected_bytes) as incoming:
        with open(incoming / SOURCE_FILE, "wb") as target:
            taken = take_in_pixels(images, target, progress, should_stop)
        return _finish(incoming, manifest | {"encoding": PIXELS}, taken, listing, should_stop)


def _finish(
    incoming: Path,
    manifest: dict[str, Any],
    taken: TakenIn,
    listing: Listing,
    should_stop: StopCallback | None,
) -> Dataset:
    left_out = [*listing.refused, *taken.quarantined]
    if not taken.examined:
        said = first_reasons(taken.quarantined)
        raise BadInput(f"None of the files is a picture that can be used.{said}", "path")
    classes = sorted(set(taken.class_names))
    check_classes(classes, left_out)
    index = taken.index(should_stop)
    given_sides, about_sides = settle_sides(taken.sides)
    if given_sides is not None:
        index["given_sides"] = given_sides
    health = health_report(classes, taken.file_names, index)
    health["quarantined"] = left_out
    health["lost_classes"] = sorted(taken.unreadable_classes.difference(classes))
    health["ignored_files"] = listing.ignored
    health["notes"] = [*listing.notes, *([about_sides] if about_sides else [])]
    document = manifest | {
        "id": content_id(classes, index),
        "classes": classes,
        "file_names": taken.file_names,
        "channels": 1 if all(entry.grey for entry in taken.examined) else 3,
        "health": health,
    }
    return publish(incoming, document, index)


def content_id(classes: list[str], index: dict[str, np.ndarray]) -> str:
    """The id of a dataset: 64 hex digits over classes, labels, pixels and a split that it has."""
    digest = hashlib.sha256(json.dumps(classes).encode())
    digest.update(index["labels"].astype("<i4").tobytes())
    digest.update(index["digests"].tobytes())
    if "given_sides" in index:
        digest.update(b"sides")
        digest.update(index["given_sides"].astype("<i1").tobytes())
    return digest.hexdigest()
