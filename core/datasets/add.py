"""Add a dataset: from what the user points at, or from pixels already in memory."""

import hashlib
import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.datasets.dataset import ENCODED, PIXELS, SOURCE_FILE, Dataset
from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.examine import THUMBNAIL_EDGE, Examined, examine_file, examine_pixels
from core.datasets.decoding.pool import (
    ProgressCallback,
    StopCallback,
    decoding_threads,
    without_pillow_warnings,
)
from core.datasets.duplicates import group_duplicates
from core.datasets.health_report import health_report
from core.datasets.reading.columns import Columns
from core.datasets.reading.raw_files import Listing, shown_name
from core.datasets.reading.reader import (
    LabelledFile,
    PixelBatch,
    PixelImages,
    check_classes,
    first_reasons,
)
from core.datasets.reading.recognise import recognise
from core.datasets.reading.sources import open_source
from core.datasets.reading.subset_names import settle_subsets
from core.datasets.storage import LONGEST_DATASET_NAME, checked_name, incoming_folder, publish
from core.errors import BadInput, Cancelled

# Encoded bytes that may wait for the pool at one time.
WAITING_BYTES = 32 * 1024**2


@dataclass
class Ingested:
    """The pictures that could be read, in order, and the files that could not, with the classes
    that these would have been of."""

    class_names: list[str] = field(default_factory=list)
    file_names: list[str] = field(default_factory=list)
    subsets: list[str | None] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    examined: list[Examined] = field(default_factory=list)
    quarantined: list[dict[str, str]] = field(default_factory=list)
    unreadable_classes: set[str] = field(default_factory=set)

    def index(self, should_stop: StopCallback | None = None) -> dict[str, np.ndarray]:
        """The arrays of ``index.npz``. Raises ``Cancelled`` soon after ``should_stop()``."""
        classes = sorted(set(self.class_names))
        number = {name: position for position, name in enumerate(classes)}
        labels = np.array([number[name] for name in self.class_names], np.int32)
        looked_at = np.array([entry.thumbnail is not None for entry in self.examined])
        blank = np.zeros((THUMBNAIL_EDGE, THUMBNAIL_EDGE), np.uint8)
        groups, look_alikes = group_duplicates(
            digests=[entry.digest for entry in self.examined],
            hashes=np.array([entry.hash for entry in self.examined], np.uint64),
            thumbnails=np.stack(
                [blank if e.thumbnail is None else e.thumbnail for e in self.examined]
            ),
            hashed=looked_at,
            labels=labels,
            should_stop=should_stop,
        )
        return {
            "labels": labels,
            "groups": groups,
            "look_alikes": look_alikes,
            "grey": np.array([entry.grey for entry in self.examined], bool),
            "one_colour": np.array([entry.one_colour for entry in self.examined], bool),
            "heights": np.array([entry.height for entry in self.examined], np.int32),
            "widths": np.array([entry.width for entry in self.examined], np.int32),
            "offsets": np.array(self.offsets, np.int64),
            "sizes": np.array(self.sizes, np.int64),
            "digests": np.frombuffer(
                b"".join(entry.digest for entry in self.examined), np.uint8
            ).reshape(-1, 32),
        }

    def add(self, class_name: str, file_name: str, subset: str | None, examined: Examined) -> None:
        self.class_names.append(class_name)
        self.file_names.append(file_name)
        self.subsets.append(subset)
        self.examined.append(examined)


def ingest_files(
    files: list[LabelledFile],
    target: BinaryIO,
    progress: ProgressCallback | None = None,
    should_stop: StopCallback | None = None,
) -> Ingested:
    """Decode and check ``files``; append the bytes of the readable ones to ``target``, in order.

    Raises ``Cancelled`` soon after ``should_stop()``.
    """
    taken = Ingested()
    offset = 0
    for done, (file, outcome, data) in enumerate(_examined_in_order(files), start=1):
        _stop_if_asked(should_stop)
        if isinstance(outcome, UnreadableImageError):
            taken.quarantined.append({"file": file.raw.path, "reason": str(outcome)})
            taken.unreadable_classes.add(file.class_name)
        else:
            target.write(data)
            taken.add(file.class_name, file.name, file.subset, outcome)
            taken.offsets.append(offset)
            taken.sizes.append(len(data))
            offset += len(data)
        if progress is not None:
            progress(done, len(files))
    return taken


def ingest_pixels(
    images: PixelImages,
    target: BinaryIO,
    progress: ProgressCallback | None = None,
    should_stop: StopCallback | None = None,
) -> Ingested:
    """Append the pixels of ``images`` to ``target``; ``progress`` is told images, and of how many,
    which is an estimate until the end. Raises ``Cancelled``, ``BadInput``."""
    taken = Ingested()
    offset = 0
    for batch, done in images.batches():
        _stop_if_asked(should_stop)
        target.write(np.ascontiguousarray(batch.pixels).data)
        described = zip(batch.pixels, batch.class_names, batch.names, strict=True)
        for image, class_name, name in described:
            taken.add(class_name, name, batch.subset, examine_pixels(image))
            taken.offsets.append(offset)
            taken.sizes.append(image.nbytes)
            offset += image.nbytes
        if progress is not None and done:
            # People are told images; a table that is read by bytes has as many more as it seems.
            count = len(taken.examined)
            progress(count, round(count * images.total / done))
    return taken


def _stop_if_asked(should_stop: StopCallback | None) -> None:
    if should_stop is not None and should_stop():
        raise Cancelled("Cancelled while the images were read; nothing was stored.")


_Outcome = tuple[LabelledFile, Examined | UnreadableImageError, bytes]


def _examined_in_order(files: list[LabelledFile]) -> Iterator[_Outcome]:
    threads = decoding_threads()
    waiting: deque[tuple[LabelledFile, bytes, Future[Examined | UnreadableImageError]]] = deque()
    waiting_bytes = 0
    with without_pillow_warnings(), ThreadPoolExecutor(threads, "decode") as pool:
        try:
            for file in files:
                data, failure = _read(file)
                waiting_bytes += len(data)
                waiting.append((file, data, pool.submit(_outcome, file, data, failure)))
                while len(waiting) > 8 * threads or (waiting_bytes > WAITING_BYTES and waiting):
                    finished, data, future = waiting.popleft()
                    waiting_bytes -= len(data)
                    yield finished, future.result(), data
            for finished, data, future in waiting:
                yield finished, future.result(), data
        finally:
            for _, _, future in waiting:
                future.cancel()


def _read(file: LabelledFile) -> tuple[bytes, UnreadableImageError | None]:
    try:
        return file.raw.read(), None
    except UnreadableImageError as error:
        return b"", error


def _outcome(
    file: LabelledFile, data: bytes, failure: UnreadableImageError | None
) -> Examined | UnreadableImageError:
    if failure is not None:
        return failure
    try:
        return examine_file(data, file.raw.name)
    except UnreadableImageError as error:
        return error


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
                taken = ingest_files(found.files, target, progress, should_stop)
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
    return name[:LONGEST_DATASET_NAME]


def _store_pixels(
    images: PixelImages,
    manifest: dict[str, Any],
    listing: Listing,
    progress: ProgressCallback | None,
    should_stop: StopCallback | None,
) -> Dataset:
    with incoming_folder(images.expected_bytes) as incoming:
        with open(incoming / SOURCE_FILE, "wb") as target:
            taken = ingest_pixels(images, target, progress, should_stop)
        return _finish(incoming, manifest | {"encoding": PIXELS}, taken, listing, should_stop)


def _finish(
    incoming: Path,
    manifest: dict[str, Any],
    taken: Ingested,
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
    predefined_subsets, about_subsets = settle_subsets(taken.subsets)
    if predefined_subsets is not None:
        index["predefined_subsets"] = predefined_subsets
    health = health_report(classes, taken.file_names, index)
    health["quarantined"] = left_out
    health["lost_classes"] = sorted(taken.unreadable_classes.difference(classes))
    health["ignored_files"] = listing.ignored
    health["notes"] = [*listing.notes, *([about_subsets] if about_subsets else [])]
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
    if "predefined_subsets" in index:
        digest.update(b"sides")
        digest.update(index["predefined_subsets"].astype("<i1").tobytes())
    return digest.hexdigest()
