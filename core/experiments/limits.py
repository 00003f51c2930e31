"""What one installation takes: how many runs may wait, how much its home may hold.

The limits hold for what pages start and take, so that one visitor cannot fill a shared machine.
The command line is whoever runs the machine, and is not held back.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.errors import LimitReached
from core.settings import MOST_QUEUED_VARIABLE, MOST_STORED_VARIABLE, current_settings
from core.text import size_text

# So long a measured size is believed while it allows something.
BELIEVED_SECONDS = 60.0

_lock = threading.Lock()
_measured: dict[Path, tuple[float, int]] = {}


def check_waiting(waiting: int, more: int, most: int) -> None:
    """Raise ``LimitReached`` where ``more`` runs beside those that wait are above ``most``."""
    if waiting + more > most:
        raise LimitReached(
            f"{waiting:,} runs wait already and these would be {more:,} more; the limit is"
            f" {most:,} ({MOST_QUEUED_VARIABLE}). Wait for some, cancel some, or choose fewer"
            " strategies, seeds or sizes."
        )


def check_stored(more_bytes: int, what: str) -> None:
    """Raise ``LimitReached`` where the home would hold more than ``settings.most_stored_bytes``.

    ``more_bytes`` is what ``what`` ("this upload") would take. What is allowed may rest on a size
    measured ``BELIEVED_SECONDS`` ago; what is refused never does, so that room made a moment ago
    counts.
    """
    settings = current_settings()
    with _lock:
        stored = _believed(settings.home)
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
            " that are no longer needed, or ask whoever runs this server for more."
        )


def stored_bytes(place: Path) -> int:
    """The bytes of a file, or of all below a folder; one that has several names counts once.

    Links are not followed; what cannot be looked at, or vanishes meanwhile, counts nothing.
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


def _believed(home: Path) -> int | None:
    """The bytes of a home as measured not long ago, with what was allowed since; else None."""
    moment, stored = _measured.get(home, (0.0, 0))
    is_fresh = home in _measured and time.monotonic() - moment < BELIEVED_SECONDS
    return stored if is_fresh else None


def _files(place: Path) -> Iterator[os.stat_result]:
    """What the disk says of each file; 100,000 of them are a matter of a second."""
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
