"""Whether an uploaded image is a copy of an image of a dataset, exactly or nearly.

Images are compared as the networks see them: prepared, at the size and with the resizing of an
experiment. The hashes of the dataset's images are computed once and kept in the cache.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core.datasets.dataset import Dataset
from core.datasets.decoding.examine import (
    SMALLEST_HASHED_EDGE,
    examine_file,
    grey_thumbnail,
    perceptual_hash,
)
from core.datasets.decoding.pool import ProgressCallback, StopCallback, raise_if_stopped
from core.datasets.duplicates import alike_to_one
from core.datasets.prepare import PreparedImages, prepare_images
from core.files import UNREADABLE, make_way, read_arrays, write_arrays
from core.settings import current_settings

FORMAT = 1  # raised when the same images would give other hashes
READ_TOGETHER = 256
STOPPED = "Cancelled while the images were indexed."


@dataclass(frozen=True)
class Copies:
    """Sorted positions in the dataset, int64: images with the same pixels, and near duplicates.

    ``near`` is None where the dataset's images are not yet indexed.
    """

    same: np.ndarray
    near: np.ndarray | None


def copies_of(
    dataset: Dataset, content: bytes, file_name: str, prepared: np.ndarray, resize: str
) -> Copies:
    """The images of ``dataset`` that an encoded image ``content`` is a copy of.

    ``prepared`` uint8 ``(edge, edge, C)`` is the same image, prepared like the dataset's. Fast,
    also for large datasets. Raises ``UnreadableImageError``.
    """
    digest = np.frombuffer(examine_file(content, file_name, dataset.levels).digest, np.uint8)
    same = np.flatnonzero((dataset.digests == digest).all(axis=1))
    edge = prepared.shape[0]
    if edge < SMALLEST_HASHED_EDGE:
        return Copies(same, np.empty(0, np.int64))  # so small that only equal pixels count
    hashes = _stored_hashes(_hashes_path(dataset, edge, resize))
    if hashes is None:
        return Copies(same, None)
    near = alike_to_one(_hash_and_thumbnail(prepared), *hashes)
    return Copies(same, np.setdiff1d(np.flatnonzero(near), same))


def index_for_copy_lookup(
    dataset: Dataset,
    image_size: int,
    resize: str,
    progress: ProgressCallback | None = None,
    should_stop: StopCallback | None = None,
) -> None:
    """Index all images, so that ``copies_of`` finds near duplicates from now on.

    Prepares the images where necessary, and counts them then, too; a second call costs nothing.
    Raises ``OSError``, and ``Cancelled`` soon after ``should_stop()``.
    """
    prepared = prepare_images(dataset, image_size, resize, progress, should_stop)
    path = _hashes_path(dataset, prepared.shape[1], resize)
    if prepared.shape[1] >= SMALLEST_HASHED_EDGE and _stored_hashes(path) is None:
        hashes, thumbnails = _hashes_of(prepared, progress, should_stop)
        make_way(path)
        write_arrays(path, {"hashes": hashes, "thumbnails": thumbnails})


def _hashes_of(
    prepared: PreparedImages, progress: ProgressCallback | None, should_stop: StopCallback | None
) -> tuple[np.ndarray, np.ndarray]:
    count = prepared.shape[0]
    looked_at = []
    for start in range(0, count, READ_TOGETHER):
        raise_if_stopped(should_stop, STOPPED)
        looked_at += [
            _hash_and_thumbnail(image) for image in prepared.read(start, start + READ_TOGETHER)
        ]
        if progress is not None:
            progress(len(looked_at), count)
    return (
        np.array([found for found, _ in looked_at], np.uint64),
        np.stack([thumbnail for _, thumbnail in looked_at]),
    )


def _hash_and_thumbnail(prepared: np.ndarray) -> tuple[int, np.ndarray]:
    pixels = prepared[..., 0] if prepared.shape[-1] == 1 else prepared
    image = Image.fromarray(pixels)
    return perceptual_hash(image), grey_thumbnail(image)


def _hashes_path(dataset: Dataset, edge: int, resize: str) -> Path:
    key = hashlib.sha256(f"{FORMAT};{dataset.id};{edge};{resize}".encode()).hexdigest()[:32]
    return current_settings().cache_folder / "copies" / f"{key}.npz"


def _stored_hashes(path: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """None where there are none, or the file is damaged: then they are computed again."""
    try:
        arrays = read_arrays(path, "hashes", "thumbnails")
    except UNREADABLE:
        return None
    return arrays["hashes"], arrays["thumbnails"]
