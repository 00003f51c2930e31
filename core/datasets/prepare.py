"""Decode and resize every image once, and keep the pixels at the size that is needed.

The pixels lie in one ``.npy`` file per (dataset, side, resize), uint8, with a ``.json`` beside it
that holds shape and SHA-256. Both are written under temporary names and renamed; a file that is
cut short or changed is noticed and built again.
"""

import hashlib
import json
import logging
import os
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock, Timeout
from PIL import Image, ImageOps

from core.datasets.dataset import Dataset
from core.datasets.decoding.pool import (
    ProgressCallback,
    StopCallback,
    decoding_threads,
    without_pillow_warnings,
)
from core.datasets.storage import check_room
from core.errors import BadInput, Cancelled
from core.settings import current_settings

RESIZES = ("stretch", "pad", "crop")
# Part of the key: raise it when the same input no longer gives the same pixels.
PREPARATION_VERSION = 1
LOCK_POLL_SECONDS = 0.2
_CHUNK_BYTES = 8 * 1024**2
_WHITE = 255
# Smooth and antialiased when it shrinks: Pillow widens the filter by the factor.
_FILTER = Image.Resampling.BILINEAR

logger = logging.getLogger(__name__)
# Files whose digest this process has checked, by path, size and time of change.
_checked: dict[str, tuple[int, int]] = {}


@dataclass(frozen=True)
class PreparedImages:
    """All images of a dataset at one size, on disk.

    ``shape`` is ``(N, edge, edge, C)``, C 1 or 3 (RGB); ``image_size`` is the side that was asked
    for, which is larger than ``edge`` where the sources are small. ``digest`` is the SHA-256 of
    the pixels; they start at ``pixels_offset`` in the file.
    """

    path: Path
    shape: tuple[int, int, int, int]
    image_size: int
    digest: str
    pixels_offset: int

    def read(self, start: int, stop: int) -> np.ndarray:
        """Images ``start`` to ``stop`` (as in a slice) as a uint8 array of its own.

        Reads bytes rather than mapping the file, so that memory stays flat over a long sweep.
        """
        start, stop, _ = slice(start, stop).indices(self.shape[0])
        one_image = int(np.prod(self.shape[1:]))
        count = max(0, stop - start) * one_image
        offset = self.pixels_offset + start * one_image
        flat = np.fromfile(self.path, np.uint8, count, offset=offset)
        return flat.reshape(-1, *self.shape[1:])

    def take(self, indices: np.ndarray) -> np.ndarray:
        """The images at ``indices``, in that order, as a uint8 array of its own."""
        pixels = np.memmap(self.path, np.uint8, "r", self.pixels_offset, self.shape)
        return np.asarray(pixels[np.asarray(indices)])


def prepare_images(
    dataset: Dataset,
    image_size: int,
    resize: str = "stretch",
    progress: ProgressCallback | None = None,
    should_stop: StopCallback | None = None,
) -> PreparedImages:
    """The images of ``dataset`` as squares, from the cache or made now.

    The side is ``image_size``, or the largest side of the sources where that is smaller: pixels
    that are not there are not stored. ``resize``: ``stretch`` (proportions are lost), ``pad``
    (white around), ``crop`` (the middle). Raises ``Cancelled`` soon after ``should_stop()``.
    """
    if resize not in RESIZES:
        raise BadInput(f"resize is {resize!r}; it must be one of: {', '.join(RESIZES)}.", "resize")
    if image_size < 1:
        raise BadInput(f"image_size is {image_size}; it must be at least 1.", "image_size")
    edge = prepared_size(dataset, image_size)
    shape = (dataset.image_count, edge, edge, dataset.channels)
    key_text = f"{dataset.id};{edge};{resize};{PREPARATION_VERSION}"
    key = hashlib.sha256(key_text.encode()).hexdigest()[:32]
    path = current_settings().cache_folder / "prepared" / f"{key}.npy"

    found = _open_cached(path, shape, image_size)
    if found is not None:
        return found
    with _only_builder(path, should_stop):
        found = _open_cached(path, shape, image_size)
        if found is None:
            _build(dataset, path, shape, resize, (progress, should_stop))
            found = _open_cached(path, shape, image_size)
    if found is None:
        raise OSError(f"{path} changed or vanished right after it was written")
    return found


def prepared_size(dataset: Dataset, image_size: int) -> int:
    """The side in pixels of the prepared pictures: no source is enlarged for the cache."""
    return min(image_size, int(max(dataset.heights.max(), dataset.widths.max())))


def prepare_one(dataset: Dataset, index: int, edge: int, resize: str) -> np.ndarray:
    """One picture of ``dataset`` as ``prepare_images`` makes it: uint8 ``(edge, edge, C)``."""
    image = dataset.image(index, smallest_edge(edge))
    return prepare_image(image, edge, resize, dataset.channels)


def smallest_edge(edge: int) -> int:
    """The side below which a JPEG must not be reduced on the way, so that it keeps its quality:
    twice the ``edge`` is left to the filter."""
    return 2 * edge


def prepare_image(image: Image.Image, edge: int, resize: str, channels: int) -> np.ndarray:
    """An upright RGB picture as a network sees it: uint8 ``(edge, edge, channels)``, 1 or 3."""
    pixels = _squared(image if channels == 3 else image.convert("L"), edge, resize)
    return pixels.reshape(edge, edge, channels)


@dataclass(frozen=True)
class _Manifest:
    shape: list[int]
    digest: str
    pixels_offset: int
    dataset_id: str


def _open_cached(
    path: Path, shape: tuple[int, int, int, int], image_size: int
) -> PreparedImages | None:
    """What is cached at ``path`` if it is whole, else None (the reason is logged)."""
    try:
        document = json.loads(_manifest_path(path).read_text(encoding="utf-8"))
        manifest = _Manifest(**document)
        status = path.stat()
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        logger.warning("prepared images %s are built again: manifest damaged (%s)", path, error)
        return None
    expected_bytes = manifest.pixels_offset + int(np.prod(shape))
    if manifest.shape != list(shape) or status.st_size != expected_bytes:
        logger.warning("prepared images %s are built again: size does not fit", path)
        return None
    mark = (status.st_size, status.st_mtime_ns)
    if _checked.get(str(path)) != mark:
        if _digest_of(path, manifest.pixels_offset) != manifest.digest:
            logger.warning("prepared images %s are built again: content changed", path)
            return None
        _checked[str(path)] = mark
    return PreparedImages(path, shape, image_size, manifest.digest, manifest.pixels_offset)


def _manifest_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _digest_of(path: Path, offset: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        file.seek(offset)
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _only_builder(path: Path, should_stop: StopCallback | None) -> Iterator[None]:
    """Wait, ready to be cancelled, until no other process builds the same file."""
    locks = current_settings().locks_folder
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"prepared-{path.stem}.lock")
    while True:
        try:
            lock.acquire(timeout=LOCK_POLL_SECONDS)
            break
        except Timeout:
            if should_stop is not None and should_stop():
                raise _cancelled() from None
    try:
        yield
    finally:
        lock.release()


def _cancelled() -> Cancelled:
    return Cancelled("Cancelled while the images were prepared.")


def _build(
    dataset: Dataset,
    path: Path,
    shape: tuple[int, int, int, int],
    resize: str,
    callbacks: tuple[ProgressCallback | None, StopCallback | None],
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_behind in path.parent.glob(f"{path.stem}.*.part"):
        left_behind.unlink()  # by a process that was killed: there is one builder at a time
    check_room(path.parent, int(np.prod(shape)), "the prepared images")
    temporary = path.with_name(f"{path.stem}.{uuid.uuid4().hex}.part")
    try:
        with open(temporary, "wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            pixels_offset = file.tell()
            digest = _write_pixels(dataset, file, resize, shape[1], callbacks)
            file.flush()
            os.fsync(file.fileno())
        manifest = _Manifest(list(shape), digest, pixels_offset, dataset.id)
        temporary_manifest = temporary.with_suffix(".json.part")
        temporary_manifest.write_text(json.dumps(asdict(manifest)), encoding="utf-8")
        temporary.replace(path)
        temporary_manifest.replace(_manifest_path(path))
    finally:
        temporary.unlink(missing_ok=True)
        temporary.with_suffix(".json.part").unlink(missing_ok=True)


def _write_pixels(
    dataset: Dataset,
    file: BinaryIO,
    resize: str,
    edge: int,
    callbacks: tuple[ProgressCallback | None, StopCallback | None],
) -> str:
    progress, should_stop = callbacks
    digest = hashlib.sha256()
    threads = decoding_threads()
    waiting: deque[Future[np.ndarray]] = deque()
    indices = iter(range(dataset.image_count))
    with without_pillow_warnings(), ThreadPoolExecutor(threads, "prepare") as pool:
        for done in range(dataset.image_count):
            while len(waiting) < 8 * threads and (index := next(indices, None)) is not None:
                waiting.append(pool.submit(prepare_one, dataset, index, edge, resize))
            if should_stop is not None and should_stop():
                for future in waiting:
                    future.cancel()
                raise _cancelled()
            data = waiting.popleft().result().tobytes()
            digest.update(data)
            file.write(data)
            if progress is not None:
                progress(done + 1, dataset.image_count)
    return digest.hexdigest()


def _squared(image: Image.Image, edge: int, resize: str) -> np.ndarray:
    """uint8 ``(edge, edge)`` or ``(edge, edge, 3)``."""
    size = (edge, edge)
    if resize == "pad":
        white = _WHITE if image.mode == "L" else (_WHITE, _WHITE, _WHITE)
        return np.asarray(ImageOps.pad(image, size, _FILTER, color=white))
    if resize == "crop":
        return np.asarray(ImageOps.fit(image, size, _FILTER))
    return np.asarray(image if image.size == size else image.resize(size, _FILTER))
