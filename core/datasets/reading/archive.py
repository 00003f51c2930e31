"""List and read a zip archive without ever extracting it.

Members are read into memory one at a time, under limits on their number, size and compression.
"""

import io
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from core.datasets.reading.raw_files import (
    LARGEST_TABLE_BYTES,
    LARGEST_TOTAL_BYTES,
    MOST_FILES,
    Listing,
    bad_source,
)
from core.errors import BadInput

# Image formats are compressed already; only a flat BMP shrinks a lot. A file that grows far beyond
# that when unpacked is a decompression bomb.
HIGHEST_RATIO = 200
RATIO_MATTERS_FROM_BYTES = 10 * 1024**2
# Methods that can be unpacked piece by piece under a limit. Python has no limit for the others: a
# megabyte of bzip2 whose declared size is small would fill the memory.
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_OTHER_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
# The library makes a record of every member before it can be asked for their number.
LONGEST_DIRECTORY_BYTES = MOST_FILES * 500
_ENCRYPTED = 0x1
_START = b"PK"
_DIRECTORY_ENTRY = b"PK\x01\x02"
# A plain .gz is one file, not an archive: IDX files and tables of pixels come that way.
ARCHIVE_SUFFIXES = (".zip", ".rar", ".7z", ".tar", ".tar.gz", ".tgz", ".bz2", ".xz")


class _CountedFile(io.BufferedReader):
    """A file that refuses to read a zip directory of too many members."""

    watching = True

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.watching:
            return super().read(size)
        if size is not None and size > LONGEST_DIRECTORY_BYTES:
            raise self._too_many(f"more than {MOST_FILES:,}")
        data = super().read(size)
        # Twice as many, because folders are members too.
        count = data.count(_DIRECTORY_ENTRY)
        if count > 2 * MOST_FILES:
            raise self._too_many(f"{count:,}")
        return data

    def _too_many(self, count: str) -> BadInput:
        return _unusable(Path(self.name), f"{count} members; the limit is {MOST_FILES:,}")


@contextmanager
def open_archive(path: Path) -> Iterator[Listing]:
    """List the members of a zip; their ``read`` works while the context is open.

    Raises ``BadInput`` (field ``path``) where the archive as a whole cannot be used: not a zip,
    cut short, encrypted, empty, too many members, too large when unpacked.
    """
    with _opened(path) as archive:
        # Not ``is_dir()``: it fails where a name is empty.
        members = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
        if not members:
            raise _unusable(path, "the zip is empty")
        if len(members) > MOST_FILES:
            raise _unusable(path, f"{len(members):,} members; the limit is {MOST_FILES:,}")
        if all(member.flag_bits & _ENCRYPTED for member in members):
            raise _unusable(path, "the zip is encrypted; pack it again without a password")
        listing = Listing()
        overlapping = _overlapping(members)
        for member in members:
            problem = _why_refused(member)
            if member.header_offset in overlapping:
                problem = "it shares its bytes with another file of the zip"
            opener = cast(Callable[[], BinaryIO], partial(archive.open, member))
            listing.add(member.orig_filename, member.file_size, opener, problem)
        unpacked = sum(file.size_bytes for file in listing.files)
        # Compared with the size of the file, because declared sizes may be wrong.
        packed = max(1, path.stat().st_size)
        if unpacked > LARGEST_TOTAL_BYTES:
            raise _unusable(
                path,
                f"unpacked it would take {unpacked / 1024**3:.1f} GiB; the limit is"
                f" {LARGEST_TOTAL_BYTES // 1024**3} GiB",
            )
        if _is_bomb(unpacked, packed):
            raise _unusable(
                path,
                f"it would unpack to {unpacked // packed} times its size; the limit is"
                f" {HIGHEST_RATIO} times",
            )
        yield listing


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        file = _CountedFile(io.FileIO(path))
    except OSError as error:
        raise _unusable(path, f"the file cannot be read ({error.strerror})") from error
    with file:
        start = file.read(len(_START))
        if start != _START:
            # The library also finds a zip appended to an image; such a file is refused.
            raise _unusable(
                path,
                "not a zip archive; give a folder or a .zip with one folder per class"
                if start
                else "the file is empty",
            )
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
            raise _unusable(
                path, "the zip is damaged or cut short; make it or send it again"
            ) from error
        file.watching = False
        with archive:
            yield archive


def _unusable(path: Path, reason: str) -> BadInput:
    return bad_source(f"{path.name}: {reason}.")


def _is_bomb(unpacked: int, packed: int) -> bool:
    return unpacked > RATIO_MATTERS_FROM_BYTES and unpacked / packed > HIGHEST_RATIO


def _overlapping(members: list[zipfile.ZipInfo]) -> set[int]:
    """Header offsets of members that share bytes with another member, as bombs do."""
    found: set[int] = set()
    reached, holder = 0, -1
    for member in sorted(members, key=lambda entry: entry.header_offset):
        if member.header_offset < reached:
            found |= {holder, member.header_offset}
        end = member.header_offset + member.compress_size
        if end > reached:
            reached, holder = end, member.header_offset
    return found


def _why_refused(member: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind and kind != stat.S_IFREG:
        return "a link or device, not a file"
    if member.flag_bits & _ENCRYPTED:
        return "encrypted; pack it again without a password"
    if member.compress_type not in METHODS:
        method = _OTHER_METHODS.get(member.compress_type, f"number {member.compress_type}")
        return f"packed by a method that cannot be read ({method}); pack it as an ordinary zip"
    if member.file_size > LARGEST_TABLE_BYTES:
        return f"unpacked larger than {LARGEST_TABLE_BYTES // 1024**3} GiB"
    if _is_bomb(member.file_size, max(1, member.compress_size)):
        return f"would unpack to more than {HIGHEST_RATIO} times its size"
    if member.filename.lower().endswith(ARCHIVE_SUFFIXES):
        return "an archive inside the archive; it is not opened"
    return None
