"""List a tar archive: one walk over its headers, nothing extracted, no record kept of the rest.

The library reads each header of 512 bytes. The walk is here, because that of the library keeps a
record of every member, takes long names of any size into memory, and ends without a word where a
header is damaged.
"""

import posixpath
import tarfile
from collections.abc import Iterator

from core.datasets.reading import raw_files
from core.datasets.reading.byte_ranges import ByteRanges
from core.datasets.reading.members import (
    NO_FILE,
    CannotOpenError,
    Member,
    Members,
    Opening,
    member_for_folder,
    too_many,
)

BLOCK = 512
# A name or a record of attributes that precedes a member; names that are accepted are far shorter.
LONGEST_HEADER_BYTES = 1024**2
CANCEL_HEARD_EVERY = 1000
NO_END = "The tar has no end mark, so it may have been cut short. What is in it was read."
_DAMAGED = "the tar is damaged or cut short; make it or send it again"
_SPARSE = "a file with holes (sparse); pack the folders again without --sparse"
_HEADERS_OF_NEXT = {
    tarfile.GNUTYPE_LONGNAME: "path",
    tarfile.GNUTYPE_LONGLINK: "linkpath",
    tarfile.XHDTYPE: None,
    tarfile.SOLARIS_XHDTYPE: None,
}
# Bytes of a header of a sparse file that say whether another one follows.
_MORE_SPARSE, _MORE_SPARSE_AFTER = 482, 504
# How the library hands over bytes that are no UTF-8.
RAW = "surrogateescape"


def is_tar(start: bytes) -> bool:
    """Whether a file that starts with these 512 bytes is a tar, of whatever age."""
    try:
        tarfile.TarInfo.frombuf(start[:BLOCK], "utf-8", RAW)
    except tarfile.HeaderError:
        return False
    return True


def list_tar(content: ByteRanges, opening: Opening) -> Members:
    """The members of an uncompressed tar, in their order.

    Raises ``CannotOpenError`` where it is damaged or has too many members, and ``Cancelled``.
    """
    found: list[Member] = []
    folders: list[Member] = []
    notes: list[str] = []
    for number, member in enumerate(_walk(content, notes)):
        if number % CANCEL_HEARD_EVERY == 0:
            opening.check_stop()
        # Folders are members, too.
        if number > 2 * raw_files.MOST_FILES or len(found) > raw_files.MOST_FILES:
            raise too_many(f"more than {raw_files.MOST_FILES:,}")
        if member is not None:
            (folders if member.is_folder else found).append(member)
    if not found:
        raise CannotOpenError("the tar is empty")
    return Members(found, notes, folders=folders)


def _walk(content: ByteRanges, notes: list[str]) -> Iterator[Member | None]:
    """Each member, and None for each other header."""
    position = 0
    attributes: dict[str, str] = {}
    while (block := _read(content, position, BLOCK)).strip(b"\0"):
        header = _header(block)
        start = position + BLOCK
        if header.type in _HEADERS_OF_NEXT or header.type == tarfile.XGLTYPE:
            if header.type != tarfile.XGLTYPE:
                attributes |= _attributes(content, header, start)
            position = _after(content, start, header.size)
            yield None
            continue
        if header.type == tarfile.GNUTYPE_SPARSE and block[_MORE_SPARSE]:
            more = True
            while more:
                more = bool(_read(content, start, BLOCK)[_MORE_SPARSE_AFTER])
                start += BLOCK
        size = 0
        if header.isreg() or header.type not in tarfile.SUPPORTED_TYPES:
            size = _size(attributes.get("size"), header.size)
        position = _after(content, start, size)
        yield _member(header, attributes, content.part(start, size))
        attributes = {}
    if len(block) < BLOCK:
        notes.append(NO_END)


def _read(content: ByteRanges, position: int, count: int) -> bytes:
    content.seek(position)
    data = content.read(count)
    if data and len(data) < count:
        raise CannotOpenError(_DAMAGED)
    return data


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", RAW)
    except tarfile.HeaderError as error:
        raise CannotOpenError(_DAMAGED) from error


def _after(content: ByteRanges, start: int, size: int) -> int:
    """Where the header behind so many bytes is; they must be there."""
    if size < 0 or start + size > content.size_bytes:
        raise CannotOpenError(_DAMAGED)
    return start + -(-size // BLOCK) * BLOCK


def _size(declared: str | None, in_header: int) -> int:
    if declared is None:
        return in_header
    if not (declared.isascii() and declared.isdigit() and len(declared) < 20):
        raise CannotOpenError(_DAMAGED)
    return int(declared)


def _attributes(content: ByteRanges, header: tarfile.TarInfo, start: int) -> dict[str, str]:
    """What a header says of the member behind it: ``path``, ``linkpath``, ``size`` and others."""
    _after(content, start, header.size)
    if header.size > LONGEST_HEADER_BYTES:
        raise CannotOpenError(_DAMAGED)
    data = _read(content, start, header.size)
    key = _HEADERS_OF_NEXT[header.type]
    if key is not None:
        return {key: data.split(b"\0", 1)[0].decode("utf-8", RAW)}
    # Records of the form "length key=value\n"; the length counts all of it.
    found, at = {}, 0
    while at < len(data) and data[at : at + 1] != b"\0":
        length, blank, _ = data[at : at + 20].partition(b" ")
        record = data[at + len(length) + 1 : at + int(length) - 1] if length.isdigit() else b""
        name, equals, value = record.partition(b"=")
        if not (blank and equals and data[at + int(length) - 1 : at + int(length)] == b"\n"):
            raise CannotOpenError(_DAMAGED)
        found[name.decode("utf-8", RAW)] = value.decode("utf-8", RAW)
        at += int(length)
    return found | {"name is text": ""}


def _member(header: tarfile.TarInfo, attributes: dict[str, str], content: ByteRanges) -> Member:
    name = attributes.get("GNU.sparse.name") or attributes.get("path") or header.name
    is_text = "path" in attributes and "name is text" in attributes
    if header.isdir():
        return member_for_folder(name, is_text)
    target = problem = None
    if header.issym() or header.islnk():
        target = attributes.get("linkpath") or header.linkname
        if header.issym():
            target = posixpath.join(posixpath.dirname(name), target)
    elif header.type == tarfile.GNUTYPE_SPARSE or any(
        key.startswith("GNU.sparse") for key in attributes
    ):
        problem = _SPARSE
    elif not header.isreg():
        problem = NO_FILE
    return Member(name, content.size_bytes, content.opened, problem, target, content, is_text)
