"""Unpack gzip, bzip2 and xz as streams, in bounded memory."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from typing import BinaryIO, cast

from core.datasets.reading.raw_files import GZIP_START

CHUNK_BYTES = 64 * 1024
# xz can ask for four gigabytes; its highest setting, -9, needs 65 megabytes.
MOST_XZ_MEMORY_BYTES = 256 * 1024**2


class XzStream(io.RawIOBase):
    """The content of an xz file, which may have several streams one behind the other."""

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__()
        self._packed = packed
        self._unpacker = self._new()
        self._waiting = b""

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_XZ_MEMORY_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while True:
            if self._unpacker.eof:
                # Between streams there may be zeros.
                self._waiting = self._unpacker.unused_data.lstrip(b"\0")
                while not self._waiting and (more := self._packed.read(CHUNK_BYTES)):
                    self._waiting = more.lstrip(b"\0")
                if not self._waiting:
                    return 0
                self._unpacker = self._new()
            elif self._unpacker.needs_input and not self._waiting:
                self._waiting = self._packed.read(CHUNK_BYTES)
                if not self._waiting:
                    raise EOFError("cut short")
            data = self._unpacker.decompress(self._waiting, len(buffer))
            self._waiting = b""
            if data:
                buffer[: len(data)] = data
                return len(data)


# By their first bytes.
UNPACKERS: dict[bytes, tuple[str, Callable[[BinaryIO], BinaryIO]]] = {
    GZIP_START: ("gzip", lambda packed: cast(BinaryIO, gzip.GzipFile(fileobj=packed))),
    b"BZh": ("bzip2", lambda packed: cast(BinaryIO, bz2.BZ2File(packed))),
    b"\xfd7zXZ\0": ("xz", lambda packed: cast(BinaryIO, io.BufferedReader(XzStream(packed)))),
}


def unpacker_for(start: bytes) -> tuple[str, Callable[[BinaryIO], BinaryIO]] | None:
    """The name of the compression of a file that starts so, and what unpacks it, or None."""
    return next((found for mark, found in UNPACKERS.items() if start.startswith(mark)), None)
