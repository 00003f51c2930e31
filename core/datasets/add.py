"""Add a dataset: from a file or folder in any known layout, or from pixels already in memory."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.datasets.dataset import ENCODED, PIXELS, SOURCE_FILE, Dataset, LeftOut
from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.examine import THUMBNAIL_EDGE, Examined, examine_file, examine_pixels
from core.datasets.decoding.pool import ProgressCallback, StopCallback, in_order, raise_if_stopped
from core.datasets.duplicates import group_duplicates
from core.datasets.groups import health_of_arrays
from core.datasets.reading.columns import Columns
from core.datasets.reading.raw_files import Listing, shown_name
from core.datasets.reading.reader import (
    LabelledFile,
    LabelledFiles,
    PixelBatch,
    PixelImages,
    check_classes,
    first_reasons,
)
from core.datasets.reading.recognise import recognise
from core.datasets.reading.sources import open_source
from core.datasets.reading.subset_names import settle_subsets
from core.datasets.storage import LONGEST_DATASET_NAME, checked_name, incoming_folder, publish
from core.errors import BadInput

STOPPED = "Cancelled while the images were read; nothing was stored."


def add_dataset(
    path: Path,
    name: str | None = None,
    progress: ProgressCallback | None = None,
    provenance: str | None = None,
    columns: Columns | None = None,
    should_stop: StopCallback | None = None,
    default_name: str | None = None,
) -> Dataset:
    """Read the images at ``path`` in any of the known layouts, check them and store them.

    The layout is recognised by content: see ``reading.recognise``. ``columns`` names the columns
    of a table that cannot be recognised. Files that cannot be used are left out and listed in
    ``health.quarantined``. The same content again returns the stored dataset, under its old name.
    Without ``name`` the dataset is called ``default_name``, or else like the file or folder, with
    a number behind it if another dataset has that name. ``progress`` gets images done and in all.

    Raises ``BadInput``, ``ColumnsUnclear``, ``Cancelled``; nothing is stored then.
    """
    path = Path(path)
    if path.name in ("", ".."):
        path = path.resolve()  # "." is a folder with a name of its own
    manifest = {
        "name": checked_name(name if name is not None else default_name or _default_name(path)),
        "name_is_default": name is None,
        "provenance": provenance or f"added from {shown_name(path.name)}",
    }
    with open_source(path) as listing:
        found = recognise(listing, columns or Columns())
        return _store(found, manifest, listing, progress, should_stop)


def add_pixels(
    pixels: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    name: str,
    provenance: str,
) -> Dataset:
    """Store images that are arrays: uint8 ``(N, H, W)`` or ``(N, H, W, 3)``, 0 to 255.

    ``labels`` int ``(N,)`` are positions in ``classes``, which must be sorted. The order of the
    images is kept. Raises ``BadInput``.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or len(pixels) != len(labels):
        raise BadInput(
            f"Expected uint8 pixels (N, H, W) or (N, H, W, 3) with one label each; got"
            f" {pixels.dtype} {pixels.shape} with {len(labels)} labels.",
            "pixels",
        )
    if classes != sorted(classes):
        raise BadInput("The classes must be sorted by name.", "classes")
    class_names = [classes[int(label)] for label in labels]
    names = [f"{class_name}/{at:05d}" for at, class_name in enumerate(class_names)]
    batch = PixelBatch(pixels, class_names, names)
    images = PixelImages("pixels", len(pixels), pixels.nbytes, lambda: iter([(batch, len(pixels))]))
    manifest = {"name": checked_name(name), "name_is_default": True, "provenance": provenance}
    return _store(images, manifest, Listing(), None, None)


def content_id(classes: Sequence[str], index: Mapping[str, np.ndarray]) -> str:
    """The id of a dataset: 64 hex digits, SHA-256 over classes, labels, pixels and split."""
    digest = hashlib.sha256(json.dumps(classes).encode())
    digest.update(index["labels"].astype("<i4").tobytes())
    digest.update(index["digests"].tobytes())
    if "predefined_subsets" in index:
        digest.update(b"sides")  # the first edition's word: ids must not change
        digest.update(index["predefined_subsets"].astype("<i1").tobytes())
    return digest.hexdigest()


def _default_name(path: Path) -> str:
    """The name of a file without its endings (``digits.csv.gz``), or that of a folder."""
    name = path.name if path.is_dir() else path.name.split(".")[0] or path.name
    return name[:LONGEST_DATASET_NAME]


@dataclass
class _Ingested:
    """The images that could be read, in order; the files that could not, and their classes.

    ``sizes`` are bytes in ``source.bin``, where the images lie one after another.
    """

    class_names: list[str] = field(default_factory=list)
    file_names: list[str] = field(default_factory=list)
    subsets: list[str | None] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    examined: list[Examined] = field(default_factory=list)
    quarantined: list[LeftOut] = field(default_factory=list)
    unreadable_classes: set[str] = field(default_factory=set)

    def add(
        self, class_name: str, file_name: str, subset: str | None, size: int, examined: Examined
    ) -> None:
        self.class_names.append(class_name)
        self.file_names.append(file_name)
        self.subsets.append(subset)
        self.sizes.append(size)
        self.examined.append(examined)

    def index(self, classes: list[str], should_stop: StopCallback | None) -> dict[str, np.ndarray]:
        """The arrays of ``index.npz``. Raises ``Cancelled`` soon after ``should_stop()``."""
        number = {name: position for position, name in enumerate(classes)}
        labels = np.array([number[name] for name in self.class_names], np.int32)
        sizes = np.array(self.sizes, np.int64)
        blank = np.zeros((THUMBNAIL_EDGE, THUMBNAIL_EDGE), np.uint8)
        thumbnails = [entry.thumbnail for entry in self.examined]
        groups, look_alikes = group_duplicates(
            digests=[entry.digest for entry in self.examined],
            hashes=self._array("hash", np.uint64),
            thumbnails=np.stack([blank if image is None else image for image in thumbnails]),
            hashed=np.array([image is not None for image in thumbnails]),
            labels=labels,
            should_stop=should_stop,
        )
        digests = b"".join(entry.digest for entry in self.examined)
        return {
            "labels": labels,
            "groups": groups,
            "look_alikes": look_alikes,
            "grey": self._array("grey", bool),
            "one_colour": self._array("one_colour", bool),
            "heights": self._array("height", np.int32),
            "widths": self._array("width", np.int32),
            "offsets": np.cumsum(sizes) - sizes,
            "sizes": sizes,
            "digests": np.frombuffer(digests, np.uint8).reshape(-1, 32),
        }

    def _array(self, name: str, dtype: type) -> np.ndarray:
        return np.array([getattr(entry, name) for entry in self.examined], dtype)


def _store(
    found: LabelledFiles | PixelImages,
    manifest: dict[str, Any],
    listing: Listing,
    progress: ProgressCallback | None,
    should_stop: StopCallback | None,
) -> Dataset:
    manifest = manifest | {"read_as": found.read_as}
    with incoming_folder(found.expected_bytes) as incoming:
        with open(incoming / SOURCE_FILE, "wb") as target:
            if isinstance(found, PixelImages):
                manifest["encoding"] = PIXELS
                ingested = _ingest_pixels(found, target, progress, should_stop)
            else:
                manifest["encoding"] = ENCODED
                ingested = _ingest_files(found.files, target, progress, should_stop)
        return _finish(incoming, manifest, ingested, listing, should_stop)


def _ingest_files(
    files: list[LabelledFile],
    target: BinaryIO,
    progress: ProgressCallback | None,
    should_stop: StopCallback | None,
) -> _Ingested:
    """Examine each file once; append the bytes of the readable ones to ``target``, in order."""
    ingested = _Ingested()
    results = in_order(_examine, _with_content(files), lambda entry: len(entry[1]))
    with closing(results):
        for done, (file, data, outcome) in enumerate(results, start=1):
            raise_if_stopped(should_stop, STOPPED)
            if isinstance(outcome, UnreadableImageError):
                ingested.quarantined.append(LeftOut(file.raw.path, str(outcome)))
                ingested.unreadable_classes.add(file.class_name)
            else:
                target.write(data)
                ingested.add(file.class_name, file.name, file.subset, len(data), outcome)
            if progress is not None:
                progress(done, len(files))
    return ingested


_Content = tuple[LabelledFile, bytes, UnreadableImageError | None]


def _with_content(files: Iterable[LabelledFile]) -> Iterator[_Content]:
    for file in files:
        try:
            yield file, file.raw.read(), None
        except UnreadableImageError as error:
            yield file, b"", error


def _examine(
    content: _Content,
) -> tuple[LabelledFile, bytes, Examined | UnreadableImageError]:
    file, data, failure = content
    try:
        return file, data, failure or examine_file(data, file.raw.name)
    except UnreadableImageError as error:
        return file, data, error


def _ingest_pixels(
    images: PixelImages,
    target: BinaryIO,
    progress: ProgressCallback | None,
    should_stop: StopCallback | None,
) -> _Ingested:
    """Append the pixels of ``images`` to ``target``."""
    ingested = _Ingested()
    for batch, done in images.batches():
        raise_if_stopped(should_stop, STOPPED)
        target.write(np.ascontiguousarray(batch.pixels).data)
        described = zip(batch.pixels, batch.class_names, batch.names, strict=True)
        for image, class_name, name in described:
            ingested.add(class_name, name, batch.subset, image.nbytes, examine_pixels(image))
        if progress is not None and done:
            # A table counts its work in bytes; the number of images in all is estimated from it.
            count = len(ingested.examined)
            progress(count, round(count * images.total / done))
    return ingested


def _finish(
    incoming: Path,
    manifest: dict[str, Any],
    ingested: _Ingested,
    listing: Listing,
    should_stop: StopCallback | None,
) -> Dataset:
    left_out = [*listing.refused, *ingested.quarantined]
    if not ingested.examined:
        reasons = first_reasons(ingested.quarantined)
        raise BadInput(f"None of the files is an image that can be used.{reasons}", "path")
    classes = sorted(set(ingested.class_names))
    check_classes(classes, left_out)
    index = ingested.index(classes, should_stop)
    subsets, about_subsets = settle_subsets(ingested.subsets)
    if subsets is not None:
        index["predefined_subsets"] = subsets
    health = replace(
        health_of_arrays(classes, ingested.file_names, index),
        quarantined=tuple(left_out),
        lost_classes=tuple(sorted(ingested.unreadable_classes.difference(classes))),
        ignored_files=listing.ignored,
        notes=(*listing.notes, *([about_subsets] if about_subsets else [])),
    )
    document = manifest | {
        "id": content_id(classes, index),
        "classes": classes,
        "file_names": ingested.file_names,
        "channels": 1 if index["grey"].all() else 3,
        "health": health.to_json(),
    }
    return publish(incoming, document, index)
