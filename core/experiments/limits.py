"""Limits of one installation: runs that wait, bytes in its home, folders that pages may read.

They hold for pages, so that one visitor cannot fill a shared machine. The user of the command
line runs the machine, and has no limits.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.datasets.reading.raw_files import shown_name
from core.errors import BadInput, LimitReached
from core.settings import MOST_QUEUED_VARIABLE, MOST_STORED_VARIABLE, current_settings
from core.text import list_text, size_text

# A measured size is reused for this long, but only to allow something, never to refuse it.
REUSED_SECONDS = 60.0

_lock = threading.Lock()
_measured: dict[Path, tuple[float, int]] = {}


def check_waiting(waiting: int, more: int, most: int) -> None:
    """Raise ``LimitReached`` where ``waiting`` and ``more`` runs are above ``most``."""
    if waiting + more > most:
        raise LimitReached(
            f"{waiting:,} runs wait already and these would be {more:,} more; the limit is"
            f" {most:,} ({MOST_QUEUED_VARIABLE}). Wait until some are done, cancel some, or choose"
            " fewer strategies, seeds or sizes."
        )


def check_stored(more_bytes: int, what: str) -> None:
    """Raise ``LimitReached`` where the home would hold more than ``settings.most_stored_bytes``.

    ``more_bytes`` is what ``what`` ("this upload") would take. It may be allowed by a size measured
    ``REUSED_SECONDS`` ago, but is refused only after measuring again: room made a moment ago
    counts.
    """
    settings = current_settings()
    with _lock:
        stored = _measured_lately(settings.home)
        if stored is None or stored + more_bytes > settings.most_stored_bytes:
            stored = stored_bytes(settings.home)
            _measured[settings.home] = (time.monotonic(), stored)
        allowed = stored + more_bytes <= settings.most_stored_bytes
        if allowed:  # counted at once: ten uploads within the minute are ten uploads
            _measured[settings.home] = (_measured[settings.home][0], stored + more_bytes)
    if not allowed:
        taking = f" and {what} would take {size_text(more_bytes)}" if more_bytes else ""
        raise LimitReached(
            f"Headstart holds {size_text(stored)}{taking}; the limit is"
            f" {size_text(settings.most_stored_bytes)} ({MOST_STORED_VARIABLE}). Remove datasets"
            " that are no longer needed, or ask the administrator of this server for more."
        )


def stored_bytes(place: Path) -> int:
    """The bytes of a file, or of all files below a folder; hard links to one file count once.

    Symbolic links are not followed; what cannot be read, or vanishes meanwhile, counts nothing.
    """
    total = 0
    seen: set[tuple[int, int]] = set()
    for found in _files(place):
        if found.st_nlink > 1:
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
        total += found.st_size
    return total


def _measured_lately(home: Path) -> int | None:
    """The bytes of a home as measured lately, with what was allowed since; else None."""
    moment, stored = _measured.get(home, (0.0, 0))
    is_fresh = home in _measured and time.monotonic() - moment < REUSED_SECONDS
    return stored if is_fresh else None


def _files(place: Path) -> Iterator[os.stat_result]:
    """The status of each file; about a second for 100,000 files."""
    waiting = [os.fspath(place)]
    while waiting:
        path = waiting.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        with suppress(FileNotFoundError):  # deleted since it was listed
                            yield entry.stat(follow_symlinks=False)
        except NotADirectoryError:
            yield Path(path).stat(follow_symlinks=False)
        except (FileNotFoundError, PermissionError):
            continue  # gone, or not made yet, or not ours to look at


def allowed_path(path_text: str) -> Path:
    """The real place of a folder or file that pages may read. Raises ``BadInput``."""
    text = path_text.strip()
    allowed = current_settings().import_folders
    named = list_text([str(folder) for folder in allowed], last="or")
    if not text:
        raise BadInput(f"Give a folder or file below {named}.", "path")
    places = []
    for folder in allowed:
        try:
            place = (folder / text).resolve()
            # A folder that is not allowed is not read at all: a visitor must not learn what exists.
            if place.is_relative_to(folder.resolve()):
                places.append(place)
                if place.exists():
                    return place
        except (OSError, ValueError, RuntimeError) as error:
            # A name too long, a null byte, links in a circle.
            raise BadInput(f"{shown_name(text)} is not a path that can be read.", "path") from error
    if places:
        raise BadInput(f"There is no folder or file at {shown_name(str(places[0]))}.", "path")
    raise BadInput(
        f"{shown_name(text)} is not in a folder that may be read from here. Allowed:"
        f" {named}. Move it there, or let the administrator allow its folder with"
        " HEADSTART_IMPORT_FOLDERS.",
        "path",
    )
