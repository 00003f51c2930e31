"""Files as they were given: their names, and their content under limits, gzip unpacked."""

import gzip
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from lzma import LZMAError
from typing import BinaryIO, cast

from core.datasets.dataset import LeftOut
from core.datasets.decoding.as_rgb import UnreadableImageError
from core.errors import BadInput
from core.text import count_text

LARGEST_FILE_BYTES = 100 * 1024**2
# Tables and IDX files hold many images; they are read as streams, never as a whole.
LARGEST_TABLE_BYTES = 4 * 1024**3
LARGEST_TOTAL_BYTES = 20 * 1024**3
MOST_FILES = 200_000
DEEPEST_FOLDERS = 20
LONGEST_NAME = 255

# Of macOS, Windows, Picasa, and of the servers and disks that photos are kept on: thumbnails,
# folder icons, bins. A folder of them inside each class folder would look like one more level.
_IGNORED_NAMES = frozenset(
    {
        *("__macosx", "icon\r", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"),
        *("picasa.ini", "zbthumbnail.info", "@eadir", "#recycle", "#snapshot", "$recycle.bin"),
        *("system volume information", "lost+found"),
    }
)
# Windows keeps more beside a file under its name and a colon, and Linux shows it as a file.
_STREAMS = ("thumbs.db:", "desktop.ini:")
# What a Mac shows as a photo while the photo itself is in iCloud alone: ".IMG_1.jpg.icloud".
_IN_ICLOUD = re.compile(r"\..+\.icloud", re.IGNORECASE)
NOT_DOWNLOADED = (
    "only a placeholder: the file itself is still in iCloud. Download the folder first (in Finder:"
    " Download Now), and add the images again"
)
_DRIVE = re.compile(r"^[A-Za-z]:")
# Marks that change the reading direction: "photo<U+202E>gpj.exe" would be shown as another name.
DIRECTION_MARKS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# What file systems and the libraries for archives raise; ``zipfile`` raises NotImplementedError for
# an unknown compression.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, LZMAError, NotImplementedError)
GZIP_START = b"\x1f\x8b"
_CHUNK_BYTES = 1024**2


class RefusedNameError(Exception):
    """A file name that is not accepted; the message is the reason, for people."""


@dataclass(frozen=True, slots=True)
class RawFile:
    """One file: the parts of its path, its size, and a way to open it."""

    parts: tuple[str, ...]
    size_bytes: int
    open: Callable[[], BinaryIO]

    @property
    def path(self) -> str:
        return "/".join(self.parts)

    @property
    def name(self) -> str:
        return self.parts[-1]

    def read(self) -> bytes:
        """The whole content; ``UnreadableImageError`` where it is larger than an image may be."""
        if self.size_bytes > LARGEST_FILE_BYTES:
            raise UnreadableImageError(f"larger than {LARGEST_FILE_BYTES // 1024**2} MiB")
        with self.stream() as stream:
            # One byte more than there should be, but no more: declared sizes may be wrong.
            data = stream.read(self.size_bytes + 1)
        if len(data) > self.size_bytes:
            raise UnreadableImageError("longer than declared; is it still being written?")
        return data

    def start(self, count: int) -> bytes:
        """The first ``count`` bytes, or fewer; ``UnreadableImageError`` where it is damaged."""
        with self.stream() as stream:
            return stream.read(count)

    def is_gzip(self) -> bool:
        """Whether it starts like a gzip file; ``UnreadableImageError`` where it is damaged."""
        return self.start(len(GZIP_START)) == GZIP_START

    @contextmanager
    def stream(self) -> Iterator[BinaryIO]:
        """Read the file piece by piece; damage becomes ``UnreadableImageError``."""
        try:
            opened = self.open()
        except (*DAMAGE, ValueError, OverflowError) as error:
            # The last two: a member whose header has an impossible name or position.
            raise UnreadableImageError(f"cannot be read, or damaged ({error})") from error
        try:
            with opened as stream:
                yield stream
        except DAMAGE as error:
            raise UnreadableImageError(f"cannot be read, or damaged ({error})") from error


def safe_parts(name: str, backslash_separates: bool = True) -> tuple[str, ...]:
    """Split a path from an archive or folder into its parts, in Unicode normal form C.

    Nothing is ever written under these names. They are refused where they show hostile intent or
    could not be displayed as they are. ``backslash_separates``: some programs write it instead of
    a slash; where others write slashes, it is a character of the name, and still must not lead
    anywhere. Raises ``RefusedNameError``.
    """
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        raise RefusedNameError("the name contains control characters")
    if any(letter in DIRECTION_MARKS for letter in name):
        raise RefusedNameError("the name contains marks that change the reading direction")
    path = name.replace("\\", "/")
    if path.startswith("/") or _DRIVE.match(path):
        raise RefusedNameError("the name is an absolute path")
    if ".." in path.split("/"):
        raise RefusedNameError("the name leads out of its folder (..)")
    parts = tuple(
        unicodedata.normalize("NFC", part)
        for part in (path if backslash_separates else name).split("/")
        if part not in ("", ".")
    )
    if len(parts) > DEEPEST_FOLDERS:
        raise RefusedNameError(f"more than {DEEPEST_FOLDERS} folders deep")
    if any(len(part) > LONGEST_NAME for part in parts):
        raise RefusedNameError(f"a name longer than {LONGEST_NAME} characters")
    if any(not part.strip() for part in parts):
        raise RefusedNameError("a blank name")
    return parts


def is_ignored(parts: tuple[str, ...]) -> bool:
    """Whether it is hidden, or left by a system or program (``Thumbs.db``, ``~$list.xlsx``)."""
    return any(map(_is_ignored, parts))


def _is_ignored(part: str) -> bool:
    name = part.lower()
    if _IN_ICLOUD.fullmatch(name):
        return False
    return name in _IGNORED_NAMES or name.startswith((".", "~$", *_STREAMS))


def shown_name(name: str) -> str:
    """A name for display: control and direction characters as escapes, limited in length."""
    visible = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in name
    )
    return visible if len(visible) <= 120 else f"{visible[:117]}..."


@dataclass
class Listing:
    """The files of a folder or archive; what was refused, how many were ignored, and notes.

    empty_folders: the parts of the paths of folders that hold no file.
    """

    files: list[RawFile] = field(default_factory=list)
    refused: list[LeftOut] = field(default_factory=list)
    ignored: int = 0
    notes: list[str] = field(default_factory=list)
    empty_folders: list[tuple[str, ...]] = field(default_factory=list)

    def add(
        self,
        name: str,
        size_bytes: int,
        opener: Callable[[], BinaryIO],
        problem: str | None,
        backslash_separates: bool = True,
    ) -> RawFile | None:
        """List a file, unless its name is refused or ignored, or there is a ``problem`` with it.

        ``backslash_separates``: see ``safe_parts``. Returns what was listed.
        """
        if name.endswith("Icon\r"):  # of a folder on a Mac: not worth a refusal
            self.ignored += 1
            return None
        try:
            parts = safe_parts(name, backslash_separates)
        except RefusedNameError as error:
            self.refuse(name, str(error))
            return None
        if not parts or is_ignored(parts):
            self.ignored += 1
        elif _IN_ICLOUD.fullmatch(parts[-1]):
            self.refuse(name, NOT_DOWNLOADED)
        elif problem is not None:
            self.refuse(name, problem)
        else:
            self.files.append(RawFile(parts, size_bytes, opener))
            return self.files[-1]
        return None

    def add_empty_folder(self, name: str) -> None:
        """List a folder that holds no file, unless its name is refused or ignored."""
        try:
            parts = safe_parts(name)
        except RefusedNameError:
            return
        if parts and not is_ignored(parts):
            self.empty_folders.append(parts)

    def again(self, files: "Iterable[RawFile] | None" = None) -> "Listing":
        """The same files, or some of them, for one reading: its notes do not reach the others."""
        kept = self.files if files is None else files
        return Listing(
            list(kept), list(self.refused), self.ignored, list(self.notes), self.empty_folders
        )

    def refuse(self, name: str, reason: str) -> None:
        self.refused.append(LeftOut(shown_name(name), reason))

    def leave_out(self, count: int, which: str) -> None:
        """Count files that are left out and note them: "Left out: 3 files" and ``which``."""
        if count:
            self.ignored += count
            self.notes.append(f"Left out: {count_text(count, 'file')} {which}.")


def bad_source(message: str) -> BadInput:
    """The error for a file or folder that the user gave and that cannot be used."""
    return BadInput(message, "path")


class _Counted(io.RawIOBase):
    """A stream that counts the bytes read and stops above ``LARGEST_TABLE_BYTES``."""

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
            raise bad_source(
                f"{self._name}: unpacked it is larger than {LARGEST_TABLE_BYTES // 1024**3} GiB,"
                " which is the limit."
            )
        buffer[: len(data)] = data
        return len(data)

    def buffered(self) -> io.BufferedReader:
        return io.BufferedReader(cast(io.RawIOBase, self), _CHUNK_BYTES)


def unpacked_start(raw: RawFile, count: int) -> bytes:
    """The first bytes of the content, unpacked where it is gzip, or fewer.

    Reads no further, so that damage later in the file goes unnoticed here. Raises
    ``UnreadableImageError``.
    """
    if not raw.is_gzip():
        return raw.start(count)
    with raw.stream() as stream, gzip.GzipFile(fileobj=stream) as unpacked:
        return unpacked.read(count)


@contextmanager
def open_unpacked(raw: RawFile) -> Iterator[tuple[BinaryIO, Callable[[], int]]]:
    """A stream of the content, unpacked if it is gzip, and the number of bytes of the file read.

    Raises ``UnreadableImageError`` where it is damaged, and ``BadInput`` above
    ``LARGEST_TABLE_BYTES``, which stops decompression bombs.
    """
    with raw.stream() as stream:
        counted = _Counted(stream, raw.path)
        content = counted.buffered()
        if content.peek(len(GZIP_START)).startswith(GZIP_START):
            unpacked = cast(BinaryIO, gzip.GzipFile(fileobj=content))
            content = _Counted(unpacked, raw.path).buffered()
        yield content, lambda: counted.count
