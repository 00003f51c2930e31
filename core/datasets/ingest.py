"""Take pictures in: decode each once in a pool of threads, keep its bytes, note what it is."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.examine import Examined, examine_file, examine_pixels
from core.datasets.decoding.pillow_warnings import without_pillow_warnings
from core.datasets.duplicates import THUMBNAIL_SIDE, group_duplicates
from core.datasets.reading.layout import LabelledFile
from core.datasets.reading.pixels import PixelImages
from core.errors import Cancelled

ProgressCallback = Callable[[int, int], None]
StopCallback = Callable[[], bool]
# Encoded bytes that may wait for the pool at one time.
WAITING_BYTES = 32 * 1024**2


def decoding_threads() -> int:
    """Pillow frees the interpreter lock while it decodes, so threads are enough."""
    return max(1, min(8, os.cpu_count() or 1))


@dataclass
class TakenIn:
    """The pictures that could be read, in order, and the files that could not, with the classes
    that these would have been of."""

    class_names: list[str] = field(default_factory=list)
    file_names: list[str] = field(default_factory=list)
    sides: list[str | None] = field(default_factory=list)
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
        blank = np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
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
            "plain": np.array([entry.plain for entry in self.examined], bool),
            "heights": np.array([entry.height for entry in self.examined], np.int32),
            "widths": np.array([entry.width for entry in self.examined], np.int32),
            "offsets": np.array(self.offsets, np.int64),
            "sizes": np.array(self.sizes, np.int64),
            "digests": np.frombuffer(
                b"".join(entry.digest for entry in self.examined), np.uint8
            ).reshape(-1, 32),
        }

    def add(self, class_name: str, file_name: str, side: str | None, examined: Examined) -> None:
        self.class_names.append(class_name)
        self.file_names.append(file_name)
        self.sides.append(side)
        self.examined.append(examined)


def take_in(
    files: list[LabelledFile],
    target: BinaryIO,
    progress: ProgressCallback | None = None,
    should_stop: StopCallback | None = None,
) -> TakenIn:
    """Decode and check ``files``; append the bytes of the readable ones to ``target``, in order.

    Raises ``Cancelled`` soon after ``should_stop()``.
    """
    taken = TakenIn()
    offset = 0
    for done, (file, outcome, data) in enumerate(_examined_in_order(files), start=1):
        _stop_if_asked(should_stop)
        if isinstance(outcome, UnreadableImageError):
            taken.quarantined.append({"file": file.raw.path, "reason": str(outcome)})
            taken.unreadable_classes.add(file.class_name)
        else:
            target.write(data)
            taken.add(file.class_name, file.name, file.side, outcome)
            taken.offsets.append(offset)
            taken.sizes.append(len(data))
            offset += len(data)
        if progress is not None:
            progress(done, len(files))
    return taken


def take_in_pixels(
    images: PixelImages,
    target: BinaryIO,
    progress: ProgressCallback | None = None,
    should_stop: StopCallback | None = None,
) -> TakenIn:
    """Append the pixels of ``images`` to ``target``; ``progress`` is told images, and of how many,
    which is an estimate until the end. Raises ``Cancelled``, ``BadInput``."""
    taken = TakenIn()
    offset = 0
    for batch, done in images.batches():
        _stop_if_asked(should_stop)
        target.write(np.ascontiguousarray(batch.pixels).data)
        described = zip(batch.pixels, batch.class_names, batch.names, strict=True)
        for picture, class_name, name in described:
            taken.add(class_name, name, batch.side, examine_pixels(picture))
            taken.offsets.append(offset)
            taken.sizes.append(picture.nbytes)
            offset += picture.nbytes
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
