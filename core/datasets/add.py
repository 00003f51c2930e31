"""Add a dataset: from a folder or zip of the user's, or from pixels already in memory."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.datasets.health import health_report
from core.datasets.ingest import ProgressCallback, TakenIn, examine, take_in
from core.datasets.layout import label_by_folder
from core.datasets.model import ENCODED, PIXELS, SOURCE_FILE, Dataset
from core.datasets.raw_files import Listing
from core.datasets.sources import open_source
from core.datasets.storage import LONGEST_NAME, checked_name, incoming_folder, publish
from core.errors import BadInput


def add_dataset(
    path: Path,
    name: str | None = None,
    progress: ProgressCallback | None = None,
    provenance: str | None = None,
) -> Dataset:
    """Read a folder or zip with one folder per class, check it, store it.

    Files that cannot be used are left out and listed in ``health["quarantined"]``. The same
    content again returns the stored dataset, whatever name was asked. Without a name, that of
    the folder or zip is taken. Raises ``BadInput`` (nothing is stored).
    """
    path = Path(path)
    asked_name = checked_name(path.stem[:LONGEST_NAME] if name is None else name)
    with open_source(path) as listing:
        files = label_by_folder(listing)
        expected_bytes = sum(file.raw.size_bytes for file in files)
        with incoming_folder(expected_bytes) as incoming:
            with open(incoming / SOURCE_FILE, "wb") as target:
                taken = take_in(files, target, progress)
            manifest = {
                "name": asked_name,
                "name_is_default": name is None,
                "provenance": provenance or f"added from {path.name}",
                "encoding": ENCODED,
            }
            return _finish(incoming, manifest, taken, listing)


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
    taken = TakenIn()
    with incoming_folder(pixels.nbytes) as incoming:
        with open(incoming / SOURCE_FILE, "wb") as target:
            for position, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
                data = np.ascontiguousarray(picture).tobytes()
                taken.offsets.append(target.tell())
                target.write(data)
                taken.sizes.append(len(data))
                taken.class_names.append(classes[int(label)])
                taken.file_names.append(f"{classes[int(label)]}/{position:05d}")
                taken.examined.append(examine(Image.fromarray(picture).convert("RGB")))
        manifest = {
            "name": checked_name(name),
            "name_is_default": True,
            "provenance": provenance,
            "encoding": PIXELS,
        }
        return _finish(incoming, manifest, taken, Listing())


def _finish(incoming: Path, manifest: dict[str, Any], taken: TakenIn, listing: Listing) -> Dataset:
    if not taken.examined:
        raise BadInput(_nothing_readable(taken), "path")
    index = taken.index()
    health = health_report(taken, index)
    health["quarantined"] = [*listing.refused, *health["quarantined"]]
    health["ignored_files"] = listing.ignored
    health["notes"] = listing.notes
    classes = sorted(set(taken.class_names))
    document = manifest | {
        "id": _fingerprint(classes, index),
        "classes": classes,
        "file_names": taken.file_names,
        "channels": 1 if all(entry.grey for entry in taken.examined) else 3,
        "health": health,
    }
    return publish(incoming, document, index)


def _fingerprint(classes: list[str], index: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(json.dumps(classes).encode())
    digest.update(index["labels"].astype("<i4").tobytes())
    digest.update(index["digests"].tobytes())
    return digest.hexdigest()


def _nothing_readable(taken: TakenIn) -> str:
    message = io.StringIO()
    message.write("None of the files is a picture that can be used.")
    for entry in taken.quarantined[:3]:
        message.write(f" {entry['file']}: {entry['reason']}.")
    return message.getvalue()
