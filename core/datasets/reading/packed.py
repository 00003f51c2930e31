"""Files that may be packed with gzip, read piece by piece under a limit."""

import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, cast

from core.datasets.reading.raw_files import LARGEST_TABLE_BYTES, RawFile
from core.errors import BadInput

GZIP_START = b"\x1f\x8b"
_CHUNK_BYTES = 1024**2


class _Counted(io.RawIOBase):
    """Passes a stream through, counts its bytes, and stops above ``LARGEST_TABLE_BYTES``."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self.count += len(data)
        if self.count > LARGEST_TABLE_BYTES:
            raise BadInput(
                f"{self._name}: unpacked it is larger than {LARGEST_TABLE_BYTES // 1024**3} GiB,"
                " which is the limit.",
                "path",
            )
        buffer[: len(data)] = data
        return len(data)

    def buffered(self) -> BinaryIO:
        return io.BufferedReader(cast(io.RawIOBase, self), _CHUNK_BYTES)


def unpacked_start(raw: RawFile, count: int) -> bytes:
    """The first bytes of the content, unpacked where it is gzip, or fewer.

    Reads no further than it must, so that damage later in the file is left for those who read on.
    Raises ``UnreadableImageError``.
    """
    with raw.stream() as stream:
        start = stream.read(len(GZIP_START))
        if start != GZIP_START:
            return start + stream.read(count - len(start))
    with raw.stream() as stream, gzip.GzipFile(fileobj=stream) as unpacked:
        return unpacked.read(count)


@contextmanager
def open_unpacked(raw: RawFile, gzipped: bool) -> Iterator[tuple[BinaryIO, Callable[[], int]]]:
    """A stream of the content, unpacked where it is gzip, and how many bytes of the file are read.

    Raises ``UnreadableImageError`` where it is damaged and ``BadInput`` above
    ``LARGEST_TABLE_BYTES``, so that a bomb stops.
    """
    with ExitStack() as stack:
        stream = stack.enter_context(raw.stream())
        counted = _Counted(stream, raw.path)
        if not gzipped:
            yield counted.buffered(), lambda: counted.count
            return
        packed = counted.buffered()
        unpacked = _Counted(cast(BinaryIO, gzip.GzipFile(fileobj=packed)), raw.path)
        yield unpacked.buffered(), lambda: counted.count
