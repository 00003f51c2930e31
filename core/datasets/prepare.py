"""Decode and resize every image once, and keep the pixels at the size that is needed.

The pixels are in one ``.npy`` file per (dataset, edge, resize), uint8, with shape and SHA-256 in a
``.json`` beside it. A file that is cut short or changed is noticed and built again.
"""

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from core.datasets.choices import RESIZES
from core.datasets.dataset import Dataset
from core.datasets.decoding.pool import ProgressCallback, StopCallback, in_order, raise_if_stopped
from core.errors import BadInput, CacheLost
from core.files import check_room, lock, make_way, remove_parts, write_json, written_whole
from core.settings import current_settings
from core.storage.shared import pull_cached, push_cached

# Part of the key; to be raised when the same input no longer gives the same pixels.
PREPARATION_VERSION = 1
STOPPED = "Cancelled while the images were prepared."
_WHITE = 255
# Antialiased when it shrinks, because Pillow widens the filter by the factor.
_FILTER = Image.Resampling.BILINEAR

logger = logging.getLogger(__name__)
# Size and time of change of the files whose digest this process has checked, by path.
_checked: dict[str, tuple[int, int]] = {}


@dataclass(frozen=True)
class PreparedImages:
    """All images of a dataset at one size, on disk.

    shape: ``(N, edge, edge, C)``, C 1 or 3 (RGB).
    image_size: the edge that was asked for, larger than ``edge`` where the sources are small.
    digest: SHA-256 of the pixels, which start at ``pixels_offset`` in the file.
    """

    path: Path
    shape: tuple[int, int, int, int]
    image_size: int
    digest: str
    pixels_offset: int

    def read(self, start: int, stop: int) -> np.ndarray:
        """Images ``start`` to ``stop`` (as in a slice) as a new uint8 array.

        Reads instead of mapping the file, so that memory does not grow when all are read. Raises
        ``CacheLost`` as ``take`` does.
        """
        start, stop, _ = slice(start, stop).indices(self.shape[0])
        one_image = int(np.prod(self.shape[1:]))
        count = max(0, stop - start) * one_image
        offset = self.pixels_offset + start * one_image
        with self._in_use():
            flat = np.fromfile(self.path, np.uint8, count, offset=offset)
            if len(flat) != count:
                raise ValueError("the file is cut short")
        return flat.reshape(-1, *self.shape[1:])

    def take(self, indices: np.ndarray) -> np.ndarray:
        """The images at ``indices``, in that order, as a new uint8 array.

        Raises ``CacheLost`` where the file was deleted or cut short since it was checked.
        """
        with self._in_use():
            pixels = np.memmap(self.path, np.uint8, "r", self.pixels_offset, self.shape)
        return np.asarray(pixels[np.asarray(indices)])

    def shuffled(self, indices: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """The ``indices`` in the order in which an epoch trains on them."""
        return random.permutation(indices)

    def gathered(self, indices: np.ndarray) -> np.ndarray:
        """In which order to take the ``indices``: as they are, they lie in one file."""
        return np.arange(len(indices))

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Raise ``CacheLost`` where the file was deleted or cut short since it was checked."""
        try:
            if not self.path.exists():
                pull_cached(self.path)  # it made room for other files of this machine
            yield
        except (OSError, ValueError) as error:
            raise CacheLost(
                f"The prepared images were deleted or cut short while they were used ({error})."
            ) from error


def prepare_images(
    dataset: Dataset,
    image_size: int,
    resize: str = "stretch",
    progress: ProgressCallback | None = None,
    should_stop: StopCallback | None = None,
) -> PreparedImages:
    """The images of ``dataset`` as squares, from the cache or made now.

    Their edge is ``image_size``, or the largest edge of the sources where that is smaller: no image
    is enlarged. ``resize``: ``stretch`` (loses proportions), ``pad`` (adds white), ``crop`` (takes
    the middle). Raises ``Cancelled`` soon after ``should_stop()``.
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

    manifest = _checked_manifest(path, shape)
    if manifest is None:
        locks = current_settings().locks_folder
        with lock(locks / f"prepared-{path.stem}.lock", should_stop):
            manifest = _checked_manifest(path, shape)
            if manifest is None and pull_cached(_manifest_path(path)) and pull_cached(path):
                manifest = _checked_manifest(path, shape)
            if manifest is None:
                manifest = _build(dataset, path, shape, resize, (progress, should_stop))
    return PreparedImages(path, shape, image_size, manifest.digest, manifest.pixels_offset)


def prepared_size(dataset: Dataset, image_size: int) -> int:
    """The edge of the prepared images in pixels: no source is enlarged for the cache."""
    return min(image_size, int(max(dataset.heights.max(), dataset.widths.max())))


def prepare_one(dataset: Dataset, index: int, edge: int, resize: str) -> np.ndarray:
    """One image of ``dataset`` as ``prepare_images`` makes it: uint8 ``(edge, edge, C)``."""
    image = dataset.image(index, smallest_edge(edge))
    return prepare_image(image, edge, resize, dataset.channels)


def smallest_edge(edge: int) -> int:
    """The edge below which a JPEG must not be reduced while it is decoded, in pixels.

    Twice the ``edge``, so that the quality depends on the filter alone.
    """
    return 2 * edge


def prepare_image(image: Image.Image, edge: int, resize: str, channels: int) -> np.ndarray:
    """An upright RGB image as a network sees it: uint8 ``(edge, edge, channels)``."""
    pixels = _squared(image if channels == 3 else image.convert("L"), edge, resize)
    return pixels.reshape(edge, edge, channels)


@dataclass(frozen=True)
class _Manifest:
    shape: list[int]
    digest: str
    pixels_offset: int
    dataset_id: str


def _checked_manifest(path: Path, shape: tuple[int, int, int, int]) -> _Manifest | None:
    """The manifest of the images at ``path``, None where they are missing or damaged (logged)."""
    try:
        manifest = _Manifest(**json.loads(_manifest_path(path).read_text(encoding="utf-8")))
        status = path.stat()
        expected_bytes = manifest.pixels_offset + int(np.prod(shape))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        logger.warning("prepared images %s are built again: manifest damaged (%s)", path, error)
        return None
    if not path.is_file() or manifest.shape != list(shape) or status.st_size != expected_bytes:
        logger.warning("prepared images %s are built again: size does not fit", path)
        return None
    mark = (status.st_size, status.st_mtime_ns)
    if _checked.get(str(path)) != mark:
        if _digest_of(path, manifest.pixels_offset) != manifest.digest:
            logger.warning("prepared images %s are built again: content changed", path)
            return None
        _checked[str(path)] = mark
    return manifest


def _manifest_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _digest_of(path: Path, offset: int) -> str:
    with open(path, "rb") as file:
        file.seek(offset)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _build(
    dataset: Dataset,
    path: Path,
    shape: tuple[int, int, int, int],
    resize: str,
    callbacks: tuple[ProgressCallback | None, StopCallback | None],
) -> _Manifest:
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_parts(path)  # there is one builder at a time
    for place in (path, _manifest_path(path)):
        make_way(place)
    check_room(path.parent, int(np.prod(shape)), "the prepared images")
    # Whoever reads these compares sizes and digests: they need not wait for the disk.
    with written_whole(path, synced=False) as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        pixels_offset = file.tell()
        digest = _write_pixels(dataset, file, resize, shape[1], callbacks)
    manifest = _Manifest(list(shape), digest, pixels_offset, dataset.id)
    write_json(_manifest_path(path), asdict(manifest), synced=False)
    push_cached(path, _manifest_path(path))
    return manifest


def _write_pixels(
    dataset: Dataset,
    file: BinaryIO,
    resize: str,
    edge: int,
    callbacks: tuple[ProgressCallback | None, StopCallback | None],
) -> str:
    """Append the prepared pixels of all images to ``file``; gives their SHA-256."""
    progress, should_stop = callbacks
    digest = hashlib.sha256()
    prepared = in_order(
        lambda index: prepare_one(dataset, index, edge, resize), range(dataset.image_count)
    )
    with closing(prepared):
        for done, pixels in enumerate(prepared, start=1):
            raise_if_stopped(should_stop, STOPPED)
            data = pixels.tobytes()
            digest.update(data)
            file.write(data)
            if progress is not None:
                progress(done, dataset.image_count)
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
