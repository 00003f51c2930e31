"""Make uploads that no honest program makes, and say what became of them."""

import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.datasets.add import add_dataset
from core.datasets.dataset import Dataset
from tests.datasets.pictures import write_zip

PIECE_BYTES = 64 * 1024**2
_WITH_ZIP64 = 45
_LARGEST_32 = 0xFFFFFFFF
_UTF8_NAME = 0x800


def add_zip(folder: Path, members: dict[str, bytes], name: str = "upload.zip") -> Dataset:
    return add_dataset(write_zip(folder / name, members))


def write_folder(root: Path, members: dict[str, bytes]) -> Path:
    for name, data in members.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def reasons(dataset: Dataset) -> dict[str, str]:
    return {entry.file: entry.reason for entry in dataset.health.quarantined}


def files_below(root: Path) -> dict[str, bytes]:
    """Every file with its content, by its path below ``root``."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def deflated_zeros(count: int) -> bytes:
    """So many zero bytes as a raw deflate stream, made in no time: one piece, repeated."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = compressor.compress(bytes(PIECE_BYTES)) + compressor.flush(zlib.Z_FULL_FLUSH)
    rest = zlib.compressobj(9, zlib.DEFLATED, -15)
    return piece * (count // PIECE_BYTES) + rest.compress(bytes(count % PIECE_BYTES)) + rest.flush()


def huge_png(width: int, height: int) -> bytes:
    """A whole, valid PNG of black RGB pixels, of any size."""
    count = height * (1 + 3 * width)
    adler = ((count % 65521) << 16) | 1
    packed = b"\x78\xda" + deflated_zeros(count) + struct.pack(">I", adler)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, data) for kind, data in chunks)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@dataclass(frozen=True)
class Entry:
    """A member as it is written: ``packed`` bytes, and whatever is claimed of them.

    With ``at``, its header is not written again: it lies at that place already.
    """

    name: str
    packed: bytes
    size: int
    crc: int = 0
    method: int = zipfile.ZIP_DEFLATED
    at: int | None = None

    def local_header(self) -> bytes:
        name = self.name.encode()
        sizes = [min(value, _LARGEST_32) for value in (len(self.packed), self.size)]
        header = struct.pack(
            "<IHHHHHIIIHH", 0x04034B50, _WITH_ZIP64, _UTF8_NAME, self.method, 0, 33,
            self.crc, *sizes, len(name), 0,
        )  # fmt: skip
        return header + name

    def directory_record(self, at: int) -> bytes:
        name = self.name.encode()
        extra = struct.pack("<HHQ", 1, 8, self.size) if self.size >= _LARGEST_32 else b""
        record = struct.pack(
            "<IHHHHHHIIIHHHHHII", 0x02014B50, _WITH_ZIP64, _WITH_ZIP64, _UTF8_NAME, self.method,
            0, 33, self.crc, len(self.packed), min(self.size, _LARGEST_32), len(name), len(extra),
            0, 0, 0, 0, at,
        )  # fmt: skip
        return record + name + extra


def stored(name: str, data: bytes) -> Entry:
    """An honest member."""
    return Entry(name, data, len(data), zlib.crc32(data), zipfile.ZIP_STORED)


def write_entries(path: Path, entries: Sequence[Entry]) -> Path:
    """A zip of exactly these members."""
    directory = b""
    with open(path, "wb") as file:
        for entry in entries:
            at = file.tell() if entry.at is None else entry.at
            if entry.at is None:
                file.write(entry.local_header() + entry.packed)
            directory += entry.directory_record(at)
        file.write(directory_end(directory, file.tell(), len(entries)))
    return path


def directory_end(directory: bytes, at: int, count: int) -> bytes:
    """A directory with what follows it; the count says no more than 16 bits hold."""
    count = min(count, 0xFFFF)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), at, 0)
    return directory + end


def quoted_overlap(names: Sequence[str], kernel: bytes, kernel_size: int) -> list[Entry]:
    """Members that all unpack to the kernel (David Fifield, "A better zip bomb", 2019).

    Each member's data begins with a stored deflate block that quotes the header of the next, so
    that one piece of packed bytes is the data of all.
    """
    following, size, found = kernel, kernel_size, []
    for name in reversed(names):
        entry = Entry(name, following, size)
        found.append(entry)
        header = entry.local_header()
        length = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF)
        following = length + header + following
        size += len(header)
    found.reverse()
    at, placed = 0, []
    for position, entry in enumerate(found):
        placed.append(
            entry if position == 0 else Entry(entry.name, entry.packed, entry.size, at=at)
        )
        at += len(entry.local_header()) + 5
    return placed
