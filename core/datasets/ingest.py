"""Take pictures in: decode each once in a pool of threads, keep its bytes, note what it is."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from PIL import Image

from core.datasets.decode import UnreadableImageError, decode_image, without_pillow_warnings
from core.datasets.duplicates import (
    SMALLEST_HASHED_SIDE,
    THUMBNAIL_SIDE,
    grey_thumbnail,
    group_duplicates,
    perceptual_hash,
)
from core.datasets.layout import LabelledFile, check_classes

ProgressCallback = Callable[[int, int], None]
# Encoded bytes that may wait for the pool at one time.
WAITING_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class Examined:
    """What one decoded picture is: SHA-256 of its size and RGB pixels, size, grey or not, hash."""

    digest: bytes
    height: int
    width: int
    grey: bool
    hash: int
    thumbnail: np.ndarray | None


def decoding_threads() -> int:
    """Pillow frees the interpreter lock while it decodes, so threads are enough."""
    return max(1, min(8, os.cpu_count() or 1))


def examine(image: Image.Image) -> Examined:
    """Look at an RGB picture; hash and thumbnail only where it is large enough for one."""
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(f"{height}x{width};".encode())
    digest.update(pixels.tobytes())
    grey = bool(
        (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()
    )
    if min(height, width) < SMALLEST_HASHED_SIDE:
        return Examined(digest.digest(), height, width, grey, 0, None)
    return Examined(
        digest.digest(), height, width, grey, perceptual_hash(image), grey_thumbnail(image)
    )


@dataclass
class TakenIn:
    """The pictures that could be read, in order, and the files that could not."""

    class_names: list[str] = field(default_factory=list)
    file_names: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    examined: list[Examined] = field(default_factory=list)
    quarantined: list[dict[str, str]] = field(default_factory=list)

    def index(self) -> dict[str, np.ndarray]:
        """The arrays of ``index.npz``. Raises ``BadInput`` with fewer than two classes."""
        classes = sorted(set(self.class_names))
        check_classes(classes)
        number = {name: position for position, name in enumerate(classes)}
        labels = np.array([number[name] for name in self.class_names], np.int32)
        looked_at = np.array([entry.thumbnail is not None for entry in self.examined])
        blank = np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
        groups, look_alikes = group_duplicates(
            digests=[entry.digest for entry in self.examined],
            hashes=np.array([entry.hash for entry in self.examined], np.uint64),
            thumbnails=np.stack(
                [blank if e.thumbnail is None else e.thumbnail for e in self.examined]
            ),
            hashed=looked_at,
            labels=labels,
        )
        return {
            "labels": labels,
            "groups": groups,
            "look_alikes": look_alikes,
            "heights": np.array([entry.height for entry in self.examined], np.int32),
            "widths": np.array([entry.width for entry in self.examined], np.int32),
            "offsets": np.array(self.offsets, np.int64),
            "sizes": np.array(self.sizes, np.int64),
            "digests": np.frombuffer(
                b"".join(entry.digest for entry in self.examined), np.uint8
            ).reshape(-1, 32),
        }


def take_in(
    files: list[LabelledFile], target: BinaryIO, progress: ProgressCallback | None = None
) -> TakenIn:
    """Decode and check ``files``; append the bytes of the readable ones to ``target``, in order."""
    taken = TakenIn()
    offset = 0
    for done, (file, outcome, data) in enumerate(_decoded_in_order(files), start=1):
        if isinstance(outcome, UnreadableImageError):
            taken.quarantined.append({"file": file.raw.path, "reason": str(outcome)})
        else:
            target.write(data)
            taken.class_names.append(file.class_name)
            taken.file_names.append(file.name)
            taken.offsets.append(offset)
            taken.sizes.append(len(data))
            taken.examined.append(outcome)
            offset += len(data)
        if progress is not None:
            progress(done, len(files))
    return taken


_Outcome = tuple[LabelledFile, Examined | UnreadableImageError, bytes]


def _decoded_in_order(files: list[LabelledFile]) -> Iterator[_Outcome]:
    threads = decoding_threads()
    waiting: deque[tuple[LabelledFile, bytes, Future[Examined | UnreadableImageError]]] = deque()
    waiting_bytes = 0
    with without_pillow_warnings(), ThreadPoolExecutor(threads, "decode") as pool:
        for file in files:
            data, failure = _read(file)
            waiting_bytes += len(data)
            waiting.append((file, data, pool.submit(_examined, file, data, failure)))
            while len(waiting) > 8 * threads or (waiting_bytes > WAITING_BYTES and waiting):
                finished, data, future = waiting.popleft()
                waiting_bytes -= len(data)
                yield finished, future.result(), data
        for finished, data, future in waiting:
            yield finished, future.result(), data


def _read(file: LabelledFile) -> tuple[bytes, UnreadableImageError | None]:
    try:
        return file.raw.read(), None
    except UnreadableImageError as error:
        return b"", error


def _examined(
    file: LabelledFile, data: bytes, failure: UnreadableImageError | None
) -> Examined | UnreadableImageError:
    if failure is not None:
        return failure
    try:
        return examine(decode_image(data, file.name))
    except UnreadableImageError as error:
        return error
