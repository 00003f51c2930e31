"""Files as they were given, before anything is known of their content; which names are taken."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

LARGEST_FILE_BYTES = 100 * 1024**2
LARGEST_TOTAL_BYTES = 20 * 1024**3
MOST_FILES = 200_000
DEEPEST_FOLDERS = 20
LONGEST_NAME = 255

_IGNORED_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_DRIVE = re.compile(r"^[A-Za-z]:")
# Marks that turn the reading direction: "photo<U+202E>gpj.exe" would be shown as another name.
_DIRECTION_MARKS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class RefusedNameError(Exception):
    """A file name that is not taken; the message is the reason, in plain words."""


@dataclass(frozen=True)
class RawFile:
    """One file: its path in parts (class folder and file name among them), size, content.

    ``read`` returns the bytes, or raises ``UnreadableImageError`` with the reason.
    """

    parts: tuple[str, ...]
    size_bytes: int
    read: Callable[[], bytes]

    @property
    def path(self) -> str:
        return "/".join(self.parts)


@dataclass
class Listing:
    """What a folder or an archive holds. ``refused`` has a ``file`` and a ``reason`` each."""

    files: list[RawFile] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    ignored: int = 0
    notes: list[str] = field(default_factory=list)

    def refuse(self, name: str, reason: str) -> None:
        self.refused.append({"file": shown_name(name), "reason": reason})


def safe_parts(name: str) -> tuple[str, ...]:
    """Split a path from an archive or folder into its parts, in Unicode normal form C.

    Nothing is ever written under these names; they are refused where they show hostile intent
    or could not be shown as they are. Raises ``RefusedNameError``.
    """
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        raise RefusedNameError("the name holds control characters")
    if any(letter in _DIRECTION_MARKS for letter in name):
        raise RefusedNameError("the name holds marks that turn the reading direction")
    path = name.replace("\\", "/")
    if path.startswith("/") or _DRIVE.match(path):
        raise RefusedNameError("the name is an absolute path")
    parts = tuple(
        unicodedata.normalize("NFC", part) for part in path.split("/") if part not in ("", ".")
    )
    if ".." in parts:
        raise RefusedNameError("the name leads out of its folder (..)")
    if len(parts) > DEEPEST_FOLDERS:
        raise RefusedNameError(f"more than {DEEPEST_FOLDERS} folders deep")
    if any(len(part) > LONGEST_NAME for part in parts):
        raise RefusedNameError(f"a name longer than {LONGEST_NAME} characters")
    if any(not part.strip() for part in parts):
        raise RefusedNameError("a blank name")
    return parts


def is_ignored(parts: tuple[str, ...]) -> bool:
    """Hidden files and what systems leave behind (``.DS_Store``, ``__MACOSX``, ``Thumbs.db``)."""
    return any(part.startswith(".") or part.lower() in _IGNORED_NAMES for part in parts)


def shown_name(name: str) -> str:
    """A name fit for a list: control and direction characters as escapes, length limited."""
    visible = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in name
    )
    return visible if len(visible) <= 120 else f"{visible[:117]}..."
