"""Open an archive, whatever kind its first bytes say: zip, tar, or a tar in gzip, bzip2 or xz."""

from collections.abc import Sequence

from core.datasets.reading.byte_ranges import ByteRanges
from core.datasets.reading.decompress import unpacker_for
from core.datasets.reading.inner_archives import add_inner_archives
from core.datasets.reading.member_names import NamesUnreadableError, decoded_names
from core.datasets.reading.members import (
    CannotOpenError,
    InnerArchive,
    Member,
    Members,
    Opening,
    empty_folders,
    follow_links,
)
from core.datasets.reading.raw_files import DAMAGE, Listing
from core.datasets.reading.split_archives import HOW_TO_JOIN, part_of
from core.datasets.reading.tar_archive import BLOCK, is_tar, list_tar
from core.datasets.reading.zip_archive import ZIP_START, check_whole, list_zip

# A plain .gz is one file, not an archive: IDX files and tables of pixels come that way.
ARCHIVE_SUFFIXES = (
    ".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz",
    ".rar", ".7z", ".bz2", ".xz", ".tar.zst", ".zst",
)  # fmt: skip
# An archive in a given archive is opened, no further; files dropped together count as a folder.
LEVELS = 1
HOW_TO_REPACK = "Unpack it, and give the folder, or pack the folders as a .zip or .tar"
_FIRST_PART = b"PK\x07\x08PK"
# Kinds that are told, not read, by their first bytes.
_NOT_READ = {
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
}


def is_archive_name(name: str) -> bool:
    """Whether it is the name of an archive, or of a part of one that was split."""
    return name.lower().endswith(ARCHIVE_SUFFIXES) or part_of(name) is not None


def what_is_not_read(start: bytes) -> str | None:
    """What kind of archive begins with these bytes, of those that are not read."""
    return next((what for mark, what in _NOT_READ.items() if start.startswith(mark)), None)


def list_archive(content: ByteRanges, opening: Opening) -> Members:
    """The members of an archive. Raises ``CannotOpenError`` and ``Cancelled``."""
    start = content.part(0, BLOCK).read()
    if not start:
        raise CannotOpenError("the file is empty")
    known = what_is_not_read(start)
    if known is not None:
        raise CannotOpenError(f"this is {known}, which is not read. {HOW_TO_REPACK}")
    if start.startswith(_FIRST_PART):
        whole = HOW_TO_JOIN.format(whole="NAME.zip")
        raise CannotOpenError(f"this is the first part of a zip that was split. {whole}")
    if start.startswith(ZIP_START):
        return list_zip(content)
    unpacker = unpacker_for(start)
    if unpacker is None:
        if not is_tar(start):
            check_whole(content)
            raise CannotOpenError(
                "not a zip archive; give a folder or a .zip or .tar with one folder per class"
            )
        return list_tar(content, opening)
    kind, unpack = unpacker
    try:
        with unpack(content.opened()) as stream:
            if not is_tar(stream.read(BLOCK)):
                raise CannotOpenError(
                    f"this is a {kind} file without a tar inside. {HOW_TO_REPACK}"
                )
        with unpack(content.opened()) as stream:
            unpacked = opening.unpack(stream)
    except DAMAGE as error:
        raise CannotOpenError(
            f"the {kind} file is damaged or cut short; make it or send it again"
        ) from error
    return list_tar(unpacked, opening)


def open_archive(content: ByteRanges, opening: Opening) -> Listing:
    """The files of an archive and of the archives in it, one level deep.

    Raises ``CannotOpenError`` and ``Cancelled``.
    """
    members = list_archive(content, opening)
    listing, inner = listing_of(members, opening)
    levels = LEVELS + members.is_upload
    add_inner_archives(listing, inner, opening, open_inner, levels)
    return listing


def open_inner(content: ByteRanges, opening: Opening) -> tuple[Listing, list[InnerArchive]]:
    return listing_of(list_archive(content, opening), opening)


def listing_of(members: Members, opening: Opening) -> tuple[Listing, list[InnerArchive]]:
    """The files of an archive under their names, and the archives among them.

    Raises ``CannotOpenError`` where they are too many or too large in all.
    """
    opening.take_files(len(members.files))
    files = follow_links(members.files)
    listing, inner = Listing(notes=list(members.notes)), []
    both = _names([*files, *members.folders], listing)
    names = both[: len(files)]
    for folder in empty_folders(both[len(files) :], names):
        listing.add_empty_folder(folder)
    backslash_separates = not any("/" in name for name in names)
    for name, member in zip(names, files, strict=True):
        if backslash_separates and name.endswith("\\"):
            continue  # a folder
        added = listing.add(
            name, member.size_bytes, member.open, member.problem, backslash_separates
        )
        if added is not None and is_archive_name(added.name):
            listing.files.pop()
            content = None if member.content is None else member.content.copy
            inner.append(InnerArchive(added, content))
    opening.take_bytes(sum(file.size_bytes for file in listing.files))
    return listing, inner


def _names(files: Sequence[Member], listing: Listing) -> list[str]:
    raw = [file.name.encode("utf-8", "surrogateescape") for file in files if not file.name_is_text]
    try:
        decoded, note = decoded_names(raw)
    except NamesUnreadableError as error:
        raise CannotOpenError(str(error)) from error
    if note is not None:
        listing.notes.append(note)
    found = iter(decoded)
    return [file.name if file.name_is_text else next(found) for file in files]
