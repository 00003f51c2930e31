"""What an archive holds, before its names are judged; and how much a source may hold in all."""

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.pool import StopCallback, raise_if_stopped
from core.datasets.reading import raw_files
from core.datasets.reading.byte_ranges import ByteRanges, Scratch
from core.datasets.reading.raw_files import RawFile

# Image formats are compressed already; only a flat BMP shrinks a lot. What grows far beyond that
# when it is unpacked is a decompression bomb.
HIGHEST_RATIO = 200
RATIO_MATTERS_FROM_BYTES = 10 * 1024**2
STOPPED = "Cancelled while the archive was opened; nothing was stored."
_ARCHIVE_SUFFIX = re.compile(r"(\.(zip|rar|7z|tar|tgz|tbz2?|txz|gz|bz2|xz|zst))+$", re.IGNORECASE)
NO_FILE = "a link or device, not a file"


class CannotOpenError(Exception):
    """An archive that cannot be used; the message is the reason, a sentence without its stop."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside an archive.

    name: not yet text where ``name_is_text`` is False: then it is bytes, each byte that is no UTF-8
        as Python's "surrogateescape" writes it.
    ``problem`` is why it cannot be read. ``target`` is the name of the member that a link leads to.
    ``content`` is where its bytes are, where they are in the archive as they are.
    """

    name: str
    size_bytes: int
    open: Callable[[], BinaryIO]
    problem: str | None = None
    target: str | None = None
    content: ByteRanges | None = None
    name_is_text: bool = True
    is_folder: bool = False


@dataclass(frozen=True)
class Members:
    """The files of an archive, folders not counted, and notes about it.

    is_upload: the archive is only how files were kept that were uploaded together.
    folders: the members that stand for folders, whether files are in them or not.
    """

    files: Sequence[Member]
    notes: Sequence[str] = ()
    is_upload: bool = False
    folders: Sequence[Member] = ()


def is_bomb(unpacked: int, packed: int) -> bool:
    return unpacked > RATIO_MATTERS_FROM_BYTES and unpacked / max(1, packed) > HIGHEST_RATIO


def too_many(count: str) -> CannotOpenError:
    return CannotOpenError(f"{count} members; the limit is {raw_files.MOST_FILES:,}")


@dataclass
class Opening:
    """Opens one source: counts its files and bytes in whatever archive, and holds open files.

    packed_bytes: how large the source is on the disk. ``scratch`` takes what must be unpacked.
    Close it when nothing of the source is read any more.
    """

    packed_bytes: int
    should_stop: StopCallback | None = None
    scratch: Scratch = field(default_factory=Scratch)
    files: int = 0
    bytes: int = 0
    open_files: list[int] = field(default_factory=list)

    def open_file(self, path: Path) -> ByteRanges:
        """The content of a file on the disk. Raises ``CannotOpenError``."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self.open_files.append(descriptor)
            return ByteRanges([(descriptor, 0, os.fstat(descriptor).st_size)])
        except OSError as error:
            raise CannotOpenError(f"the file cannot be read ({error.strerror})") from error

    def close(self) -> None:
        self.scratch.close()
        while self.open_files:
            os.close(self.open_files.pop())

    def check_stop(self) -> None:
        """Raises ``Cancelled``."""
        raise_if_stopped(self.should_stop, STOPPED)

    def check_bytes(self, more: int) -> None:
        """Raises ``CannotOpenError`` where so many bytes more would be too many."""
        unpacked = self.bytes + more
        if unpacked > raw_files.LARGEST_TOTAL_BYTES:
            raise CannotOpenError(
                f"unpacked it would take {unpacked / 1024**3:.1f} GiB; the limit is"
                f" {raw_files.LARGEST_TOTAL_BYTES // 1024**3} GiB"
            )
        if is_bomb(unpacked, self.packed_bytes):
            raise CannotOpenError(
                f"it would unpack to {unpacked // max(1, self.packed_bytes)} times its size; the"
                f" limit is {HIGHEST_RATIO} times"
            )

    def take_files(self, count: int) -> None:
        """Count so many files; raises ``CannotOpenError`` where they are too many."""
        if self.files + count > raw_files.MOST_FILES:
            raise too_many(f"{self.files + count:,}")
        self.files += count

    def take_bytes(self, count: int) -> None:
        """Count so many bytes; raises ``CannotOpenError`` where they are too many."""
        self.check_bytes(count)
        self.bytes += count

    def unpack(self, stream: BinaryIO) -> ByteRanges:
        """The content of a stream, unpacked on the disk under these limits."""

        def check(count: int) -> None:
            self.check_stop()
            self.check_bytes(count)

        return self.scratch.keep(stream, check)


@dataclass(frozen=True)
class InnerArchive:
    """An archive among other files; ``content`` where its bytes need not be unpacked first."""

    raw: RawFile
    content: Callable[[], ByteRanges] | None

    @property
    def folder(self) -> tuple[str, ...]:
        return self.raw.parts[:-1]

    @property
    def stem(self) -> str:
        return _ARCHIVE_SUFFIX.sub("", self.raw.name) or self.raw.name

    def bytes(self, opening: Opening) -> ByteRanges:
        if self.content is not None:
            return self.content()
        try:
            with self.raw.stream() as stream:
                return opening.unpack(stream)
        except UnreadableImageError as error:
            raise CannotOpenError(str(error)) from error


def follow_links(files: Sequence[Member]) -> list[Member]:
    """Links to another file of the archive become that file under the name of the link."""
    by_name = {posixpath.normpath(member.name): member for member in files}
    found = []
    for member in files:
        if member.target is None:
            found.append(member)
            continue
        target, steps = member, 0
        while target.target is not None and steps < raw_files.DEEPEST_FOLDERS:
            target, steps = by_name.get(posixpath.normpath(target.target), _NOWHERE), steps + 1
        problem = NO_FILE if target.target is not None else target.problem
        found.append(
            replace(
                target,
                name=member.name,
                problem=problem,
                target=None,
                name_is_text=member.name_is_text,
            )
        )
    return found


def _nothing() -> BinaryIO:
    raise FileNotFoundError("a link that leads nowhere")


_NOWHERE = Member("", 0, _nothing, NO_FILE)


def member_for_folder(name: str, name_is_text: bool) -> Member:
    """A member that holds nothing."""
    return Member(name, 0, _nothing, NO_FILE, name_is_text=name_is_text, is_folder=True)


def empty_folders(folders: Sequence[str], files: Iterable[str]) -> list[str]:
    """Those of the ``folders`` below which none of the ``files`` is, hidden ones not counted."""
    if not folders:
        return []
    split = (name.rpartition("/") for name in files)
    direct = {folder for folder, _, base in split if not raw_files.is_ignored((base,))}
    filled = set()
    for folder in map(posixpath.normpath, direct):
        while folder and folder not in filled:
            filled.add(folder)
            folder = folder.rpartition("/")[0]
    names = map(posixpath.normpath, folders)
    return [name for name in names if name not in filled]
