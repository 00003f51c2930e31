"""List and read a zip archive without ever extracting it.

Members are read into memory one at a time, under limits on their number, size and compression.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path

from core.datasets.decode import UnreadableImageError
from core.datasets.raw_files import (
    LARGEST_FILE_BYTES,
    LARGEST_TOTAL_BYTES,
    MOST_FILES,
    Listing,
    RawFile,
    RefusedNameError,
    is_ignored,
    safe_parts,
)
from core.errors import BadInput

# A picture format is compressed already; only a flat BMP shrinks a lot. What grows far beyond
# that when unpacked is a bomb.
HIGHEST_RATIO = 200
RATIO_MATTERS_FROM_BYTES = 10 * 1024**2
ARCHIVE_SUFFIXES = (".zip", ".rar", ".7z", ".gz", ".tar", ".tgz", ".bz2", ".xz")

_OTHER_KINDS = {
    b"Rar!": "a RAR archive",
    b"\x1f\x8b": "a gzip (.gz or .tar.gz) archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
}
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, LZMAError, NotImplementedError)


@contextmanager
def open_archive(path: Path) -> Iterator[Listing]:
    """List the members of a zip; their ``read`` works while the context is open.

    Raises ``BadInput`` (field ``path``) where the whole archive cannot be used: not a zip,
    truncated, encrypted, empty, too many members, too large unpacked.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise BadInput(f"{path.name}: {_why_not_a_zip(path)}.", "path") from error
    except OSError as error:
        raise BadInput(
            f"{path.name}: the file cannot be read ({error.strerror}).", "path"
        ) from error
    with archive:
        members = archive.infolist()
        _check_whole(path, members)
        listing = Listing()
        for member in members:
            if not member.is_dir():
                _list_member(archive, member, listing)
        yield listing


def _why_not_a_zip(path: Path) -> str:
    with open(path, "rb") as file:
        start = file.read(512)
    if not start:
        return "the file is empty"
    for signature, kind in _OTHER_KINDS.items():
        if start.startswith(signature):
            return f"this is {kind}, not a zip; pack the class folders as a .zip"
    if start.startswith(b"PK"):
        return "the zip is damaged or cut short; make it or send it again"
    return "not a zip archive; give a folder or a .zip with one folder per class"


def _check_whole(path: Path, members: list[zipfile.ZipInfo]) -> None:
    def refuse(reason: str) -> BadInput:
        return BadInput(f"{path.name}: {reason}.", "path")

    if not any(not member.is_dir() for member in members):
        raise refuse("the zip is empty")
    if len(members) > MOST_FILES:
        raise refuse(f"{len(members)} members; the limit is {MOST_FILES}")
    if any(member.flag_bits & 0x1 for member in members):
        raise refuse("the zip is encrypted; pack it again without a password")
    unpacked = sum(member.file_size for member in members)
    packed = max(1, path.stat().st_size)
    if unpacked > LARGEST_TOTAL_BYTES:
        raise refuse(
            f"unpacked it would take {unpacked / 1024**3:.1f} GiB;"
            f" the limit is {LARGEST_TOTAL_BYTES // 1024**3} GiB"
        )
    # Against the size of the file, not the sizes it declares: overlapping members are caught.
    if unpacked > RATIO_MATTERS_FROM_BYTES and unpacked / packed > HIGHEST_RATIO:
        raise refuse(
            f"it would unpack to {unpacked // packed} times its size;"
            f" the limit is {HIGHEST_RATIO} times"
        )


def _list_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, listing: Listing) -> None:
    name = member.orig_filename
    try:
        parts = safe_parts(name)
    except RefusedNameError as error:
        listing.refuse(name, str(error))
        return
    if not parts or is_ignored(parts):
        listing.ignored += 1
        return
    reason = _why_refused(member)
    if reason:
        listing.refuse(name, reason)
        return
    listing.files.append(RawFile(parts, member.file_size, lambda: _read_member(archive, member)))


def _why_refused(member: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind and kind != stat.S_IFREG:
        return "a link or device, not a file"
    if member.file_size > LARGEST_FILE_BYTES:
        return f"larger than {LARGEST_FILE_BYTES // 1024**2} MiB"
    if (
        member.file_size > RATIO_MATTERS_FROM_BYTES
        and member.file_size / max(1, member.compress_size) > HIGHEST_RATIO
    ):
        return f"would unpack to more than {HIGHEST_RATIO} times its size"
    if member.filename.lower().endswith(ARCHIVE_SUFFIXES):
        return "an archive inside the archive; it is not opened"
    return None


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as stream:
            data = stream.read(LARGEST_FILE_BYTES + 1)
    except _DAMAGE as error:
        raise UnreadableImageError(f"damaged inside the zip ({error})") from error
    if len(data) > LARGEST_FILE_BYTES:
        raise UnreadableImageError(f"larger than {LARGEST_FILE_BYTES // 1024**2} MiB")
    return data
