"""List a zip archive; members are read one at a time, nothing is extracted."""

import posixpath
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import BinaryIO, cast

from core.datasets.reading import raw_files
from core.datasets.reading.byte_ranges import ByteRanges
from core.datasets.reading.members import (
    HIGHEST_RATIO,
    NO_FILE,
    CannotOpenError,
    Member,
    Members,
    is_bomb,
    member_for_folder,
    too_many,
)
from core.datasets.reading.split_archives import HOW_TO_JOIN
from core.text import list_text

# Methods that can be unpacked piece by piece under a limit. Python has no limit for the others: a
# megabyte of bzip2 whose declared size is small would fill the memory.
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_OTHER_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
# Of one member in the directory, at the most on average.
LONGEST_ENTRY_BYTES = 500
LONGEST_LINK_BYTES = 4096
_ENCRYPTED_REASON = "encrypted; pack it again without a password"
_DAMAGED = "the zip is damaged or cut short; make it or send it again"
ENCRYPTED, _UTF8_NAME = 0x1, 0x800
ZIP_START = b"PK"
# The comment of a zip that keeps files which were uploaded together.
UPLOAD_COMMENT = b"files uploaded together"
_LONGEST_END = 22 + 65535 + 20
_DIRECTORY_ENTRY = b"PK\x01\x02"
_UNICODE_PATH = 0x7075


class LimitedZip:
    """A file for ``zipfile``, which makes a record of every member before it tells their number.

    While it is ``limited``, it refuses to read a directory of many more members than ``most``:
    ``refusal(how many)`` is raised.
    """

    def __init__(self, file: BinaryIO, most: int, refusal: Callable[[str], Exception]) -> None:
        self._file, self._most, self._refusal = file, most, refusal
        self.limited = True
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if not self.limited:
            return self._file.read(size)
        if size > self._most * LONGEST_ENTRY_BYTES:
            raise self._refusal(f"more than {self._most:,}")
        data = self._file.read(size)
        # Twice as many, because folders are members too.
        count = data.count(_DIRECTORY_ENTRY)
        if count > 2 * self._most:
            raise self._refusal(f"{count:,}")
        return data


def list_zip(content: ByteRanges) -> Members:
    """The members of a zip.

    Raises ``CannotOpenError`` where the zip as a whole cannot be used: cut short, encrypted, too
    many members.
    """
    check_whole(content)
    file = LimitedZip(content.opened(), raw_files.MOST_FILES, too_many)
    try:
        archive = zipfile.ZipFile(cast(BinaryIO, file))
    except (*raw_files.DAMAGE, ValueError) as error:
        raise CannotOpenError(_DAMAGED) from error
    file.limited = False
    # Not ``is_dir()``: it fails where a name is empty.
    entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
    folders = [
        member_for_folder(*_name(entry))
        for entry in archive.infolist()
        if entry.filename.endswith("/")
    ]
    if not entries:
        raise CannotOpenError("the zip is empty")
    if all(entry.flag_bits & ENCRYPTED for entry in entries):
        raise CannotOpenError(f"the zip is {_ENCRYPTED_REASON}")
    _check_methods(entries)
    overlapping = _overlapping(entries)
    members = [_member(archive, entry, overlapping) for entry in entries]
    return Members(members, is_upload=archive.comment == UPLOAD_COMMENT, folders=folders)


def check_whole(content: ByteRanges) -> None:
    """Raise ``CannotOpenError`` for the last part of a zip that was split."""
    parts = _split_into(content)
    if parts > 1:
        raise CannotOpenError(
            f"this is the last of {parts} parts of a zip that was split."
            f" {HOW_TO_JOIN.format(whole='NAME.zip')}"
        )


def _split_into(content: ByteRanges) -> int:
    """The number of files into which ``zip -s`` and others split the zip, by its end record."""
    tail = content.part(max(0, content.size_bytes - _LONGEST_END), _LONGEST_END).read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + 22:
        return 1
    number = int.from_bytes(tail[at + 4 : at + 6], "little")
    if number == 0xFFFF:  # the number is in the locator of the larger format, before this record
        locator = tail[max(0, at - 20) : at]
        return int.from_bytes(locator[16:20], "little") if locator[:4] == b"PK\6\7" else 1
    return number + 1


def _check_methods(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Raise ``CannotOpenError`` where no member of any size is packed by a method that is read."""
    methods = Counter(entry.compress_type for entry in entries if entry.file_size)
    if methods and not METHODS.intersection(methods):
        names = list_text([_method_name(method) for method in sorted(methods)])
        raise CannotOpenError(
            f"its files are packed by {names}, which Headstart cannot read. Unpack it, and pack the"
            ' folders as an ordinary zip (method "Deflate") or as a tar'
        )


def _method_name(method: int) -> str:
    return _OTHER_METHODS.get(method, f"number {method}")


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, overlapping: set[int]) -> Member:
    opener = cast(Callable[[], BinaryIO], partial(archive.open, entry))
    problem = _why_refused(entry)
    target = None
    if entry.header_offset in overlapping:
        problem = "it shares its bytes with another file of the zip"
    elif problem is None and stat.S_IFMT(entry.external_attr >> 16) == stat.S_IFLNK:
        target = _link_target(archive, entry)
        problem = NO_FILE if target is None else None
    name, is_text = _name(entry)
    return Member(name, entry.file_size, opener, problem, target, None, is_text)


def _name(entry: zipfile.ZipInfo) -> tuple[str, bool]:
    """The name, and whether it is text; else its bytes, as ``Member`` has them."""
    if entry.flag_bits & _UTF8_NAME:
        return entry.orig_filename, True
    raw = entry.orig_filename.encode("cp437")  # as the library reads whatever is not marked
    text = _unicode_path(entry.extra, raw)
    return (text, True) if text else (raw.decode("utf-8", "surrogateescape"), False)


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in the extra field of Info-ZIP, where it belongs to the name in the header."""
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        data, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(data) > 5 and data[0] == 1:
            (checksum,) = struct.unpack("<I", data[1:5])
            if checksum == zlib.crc32(raw):
                try:
                    return data[5:].decode()
                except UnicodeDecodeError:
                    return None
    return None


def _overlapping(entries: Sequence[zipfile.ZipInfo]) -> set[int]:
    """Header offsets of members that share bytes with another member, as bombs do."""
    found: set[int] = set()
    reached, holder = 0, -1
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < reached:
            found |= {holder, entry.header_offset}
        end = entry.header_offset + entry.compress_size
        if end > reached:
            reached, holder = end, entry.header_offset
    return found


def _why_refused(entry: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind and kind not in (stat.S_IFREG, stat.S_IFLNK):
        return NO_FILE
    if entry.flag_bits & ENCRYPTED:
        return _ENCRYPTED_REASON
    if entry.compress_type not in METHODS:
        method = _method_name(entry.compress_type)
        return f"packed by a method that cannot be read ({method}); pack it as an ordinary zip"
    if entry.file_size > raw_files.LARGEST_TABLE_BYTES:
        return f"unpacked larger than {raw_files.LARGEST_TABLE_BYTES // 1024**3} GiB"
    if is_bomb(entry.file_size, entry.compress_size):
        return f"would unpack to more than {HIGHEST_RATIO} times its size"
    return None


def _link_target(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str | None:
    """The name of the member that a symbolic link leads to, or None where it cannot be read."""
    if entry.file_size > LONGEST_LINK_BYTES:
        return None
    try:
        with archive.open(entry) as stream:
            target = stream.read(LONGEST_LINK_BYTES)
    except raw_files.DAMAGE:
        return None
    folder = posixpath.dirname(_name(entry)[0])
    return posixpath.join(folder, target.decode("utf-8", "surrogateescape"))
