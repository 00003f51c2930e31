"""Read pieces of open files by their position, from any number of threads at once."""

import errno
import io
import os
import shutil
import tempfile
import weakref
import zipfile
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, cast

from core.datasets.reading.raw_files import RawFile
from core.errors import HeadstartError
from core.settings import current_settings
from core.text import size_text

BUFFER_BYTES = 64 * 1024
# The room on the disk is looked at each time that so much more was unpacked.
ROOM_CHECKED_EVERY_BYTES = 64 * 1024**2
ROOM_LEFT_BYTES = 512 * 1024**2
_COPIED_AT_ONCE_BYTES = 1024**2


class ByteRanges(io.RawIOBase):
    """A file made of ranges of other files, in order: ``(descriptor, start, size in bytes)``.

    It has a position of its own and never moves theirs. Closing it leaves them open.
    """

    def __init__(self, ranges: Sequence[tuple[int, int, int]]) -> None:
        super().__init__()
        self._ranges = tuple(ranges)
        self._ends = tuple(accumulate(size for _, _, size in ranges))
        self._position = 0

    @property
    def size_bytes(self) -> int:
        return self._ends[-1] if self._ends else 0

    def opened(self) -> BinaryIO:
        """The same bytes from the start, buffered."""
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, self.copy()), BUFFER_BYTES))

    def copy(self) -> "ByteRanges":
        """The same bytes with a position of their own."""
        return ByteRanges(self._ranges)

    @classmethod
    def joined(cls, pieces: "Sequence[ByteRanges]") -> "ByteRanges":
        """One file of several, in order."""
        return cls([ranges for piece in pieces for ranges in piece._ranges])

    def part(self, start: int, size: int) -> "ByteRanges":
        """``size`` bytes from ``start``, or what there is of them."""
        found: list[tuple[int, int, int]] = []
        for (descriptor, at, length), end in zip(self._ranges, self._ends, strict=True):
            skipped = max(0, start - (end - length))
            kept = min(length - skipped, size - sum(taken for _, _, taken in found))
            if kept > 0:
                found.append((descriptor, at + skipped, kept))
        return ByteRanges(found)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size_bytes}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "a position before the start of the file")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        number = bisect_right(self._ends, self._position)
        if number == len(self._ranges):
            return 0
        descriptor, start, size = self._ranges[number]
        left = self._ends[number] - self._position
        piece = memoryview(buffer)[: min(len(buffer), left)]
        count = os.preadv(descriptor, [piece], start + size - left)
        self._position += count
        return count


def open_temporary(folder: Path) -> BinaryIO:
    # Not buffered: what is written is read by its position, past any buffer.
    return cast(BinaryIO, tempfile.TemporaryFile(dir=folder, buffering=0))


def _check_room(folder: Path) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < ROOM_LEFT_BYTES:
        raise HeadstartError(
            f"The disk of {folder} has {size_text(free_bytes)} free, too little to unpack this"
            " archive. Nothing was added. Make room on it and add it again."
        )


def _not_written(home: Path, error: OSError) -> HeadstartError:
    """Ours, because an ``OSError`` means here that the archive is damaged."""
    return HeadstartError(
        f"The disk of {home} does not take what must be unpacked ({error.strerror}). Nothing was"
        " added. Make room on it and add it again."
    )


class Scratch:
    """A temporary file in the home, without a name, for what must be unpacked to be read.

    The system removes it when it is closed, when nothing holds this any more, and where the process
    is killed.
    """

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._size_bytes = 0

    def keep(self, stream: BinaryIO, check: Callable[[int], None]) -> ByteRanges:
        """The content of a stream, on the disk.

        ``check(bytes so far)`` is called before each piece is written, and may raise. Raises
        ``HeadstartError`` where the disk has no room, or cannot be written.
        """
        home = current_settings().home
        file = self._opened(home)
        start = self._size_bytes
        while data := stream.read(_COPIED_AT_ONCE_BYTES):
            check(self._size_bytes + len(data) - start)
            before = self._size_bytes // ROOM_CHECKED_EVERY_BYTES
            if (self._size_bytes + len(data)) // ROOM_CHECKED_EVERY_BYTES > before:
                _check_room(home)
            try:
                file.write(data)
            except OSError as error:
                raise _not_written(home, error) from error
            self._size_bytes += len(data)
        return ByteRanges([(file.fileno(), start, self._size_bytes - start)])

    def _opened(self, home: Path) -> BinaryIO:
        if self._file is None:
            try:
                home.mkdir(parents=True, exist_ok=True)
                self._file = open_temporary(home)
            except OSError as error:
                raise _not_written(home, error) from error
            weakref.finalize(self, self._file.close)
        return self._file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def open(self, content: ByteRanges) -> BinaryIO:
        """What was kept, from its start. Who holds this method keeps the file."""
        return content.opened()


def unpacked_copy(raw: RawFile, scratch: Scratch) -> RawFile:
    """The file, or a copy in ``scratch`` where each step back would unpack it anew.

    Raises ``UnreadableImageError`` and ``HeadstartError``.
    """
    with raw.stream() as stream:
        if not isinstance(stream, zipfile.ZipExtFile):
            return raw
        content = scratch.keep(stream, lambda _: None)
    return RawFile(raw.parts, content.size_bytes, partial(scratch.open, content))
