"""Files that a reader finds whole or not at all, and locks between processes.

A file is written under a temporary name in its own folder, synced to the disk and renamed. Where
that fails nothing stays behind, and an older file stays as it was. Only a process that was killed
leaves its temporary file; ``remove_parts`` takes it away.
"""

import glob
import json
import logging
import math
import os
import shutil
import time
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock, Timeout

from core.errors import DISK_IS_FULL, Cancelled, DamagedFile, HeadstartError, LockTimeout
from core.text import size_text

PART_SUFFIX = ".part"
PART_KEPT_SECONDS = 24 * 3600.0
LOCK_POLL_SECONDS = 0.2
UNREADABLE = (OSError, DamagedFile)
"""What ``read_arrays`` raises for a file that is missing, damaged or something else."""

# File systems take 255 bytes; four for each letter, and the token, must fit.
_LONGEST_PREFIX = 50
_ANY_TOKEN = "?" * 32
log = logging.getLogger(__name__)

_NOT_AN_ARRAY_FILE = (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


@contextmanager
def written_whole(path: Path, private: bool = False, synced: bool = True) -> Iterator[BinaryIO]:
    """A binary file to write ``path`` with; it gets that name when the block ends without error.

    ``file.name`` is the temporary path, for libraries that open files themselves. ``private``:
    readable by the owner alone. ``synced``: the disk has it before it gets its name; not needed
    where a reader would notice a file that a power failure cut short, and can make it anew. Raises
    ``OSError`` (no room, not writable).
    """
    temporary = path.with_name(f".{_prefix_of(path)}.{uuid.uuid4().hex}{PART_SUFFIX}")
    mode = 0o600 if private else 0o666
    try:
        with open(temporary, "x+b", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
            file.flush()
            if synced:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno in DISK_IS_FULL:
            error.filename = error.filename or str(path)  # a write that fails names no file
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _prefix_of(path: Path) -> str:
    """What the temporary files of ``path`` begin with, and those of no other path."""
    if len(path.name) <= _LONGEST_PREFIX:
        return path.name
    mark = f"{zlib.crc32(os.fsencode(path.name)):08x}"
    return f"{path.name[: _LONGEST_PREFIX - len(mark)]}{mark}"


def remove_parts(path: Path) -> None:
    """Delete what killed processes left of ``path``; call it where nobody else writes the file."""
    name = glob.escape(_prefix_of(path))
    for part in path.parent.glob(f".{name}.{_ANY_TOKEN}{PART_SUFFIX}"):
        part.unlink(missing_ok=True)


def make_way(path: Path) -> None:
    """Move a folder that stands where a file of ours belongs aside, under a name that says so
    (logged). Call it before the file is written; a file is left alone."""
    if path.is_dir():
        aside = path.with_name(f"strange-{uuid.uuid4().hex[:8]}-{path.name}")
        log.warning("%s is a folder; it is now %s", path, path.rename(aside))


def write_bytes(path: Path, content: bytes, private: bool = False, synced: bool = True) -> None:
    """Write a file whole; see ``written_whole``."""
    with written_whole(path, private, synced) as file:
        file.write(content)


def write_json(
    path: Path, document: Any, indent: int | None = None, private: bool = False, synced: bool = True
) -> None:
    """Write a JSON document (UTF-8) whole; see ``written_whole``."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    # Bytes of a file name that are no text become the escapes that JSON has for them.
    write_bytes(path, f"{text}\n".encode(errors="backslashreplace"), private, synced)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], compressed: bool = False) -> int:
    """Write an ``.npz`` whole, with its folder; returns the size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save = np.savez_compressed if compressed else np.savez
    with written_whole(path) as file:
        save(file, allow_pickle=False, **arrays)
    return path.stat().st_size


def read_arrays(path: Path, *required: str) -> dict[str, np.ndarray]:
    """All arrays of an ``.npz`` by name; nothing is unpickled.

    Raises ``OSError`` where the file cannot be opened and ``DamagedFile`` where it is cut short or
    something else, or one of ``required`` is not in it.
    """
    try:
        # Opened here: np.load leaves the file open when it turns out not to be whole.
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("not an archive of arrays")
            arrays = {name: archive[name] for name in archive.files}
    except _NOT_AN_ARRAY_FILE as error:
        raise DamagedFile(f"{path.name} is damaged: {error}") from error
    missing = [name for name in required if name not in arrays]
    if missing:
        raise DamagedFile(f"{path.name} is damaged: it has no {', '.join(missing)}")
    return arrays


@contextmanager
def lock(
    path: Path, should_stop: Callable[[], bool] | None = None, timeout_seconds: float = math.inf
) -> Iterator[None]:
    """Hold a lock between processes and threads; its folder is made if needed.

    While another process or thread holds it, ``should_stop`` is asked several times a second and
    ends the wait with ``Cancelled``; ``LockTimeout`` ends it after ``timeout_seconds``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    held, give_up_at = FileLock(path), time.monotonic() + timeout_seconds
    while True:
        try:
            held.acquire(timeout=LOCK_POLL_SECONDS)
            break
        except Timeout:
            if should_stop is not None and should_stop():
                raise Cancelled("Cancelled while waiting for another process.") from None
            if time.monotonic() >= give_up_at:
                raise LockTimeout(
                    f"Another process has held {path} for {timeout_seconds:g} s; try again later."
                ) from None
    try:
        yield
    finally:
        held.release()


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock at ``path``: a process that has ended holds none."""
    if not path.exists():
        return True
    try:
        with FileLock(path, timeout=0):
            return True
    except Timeout:
        return False


def check_room(folder: Path, expected_bytes: int, purpose: str) -> None:
    """Raise ``HeadstartError`` where the disk of ``folder`` has no room for ``expected_bytes``."""
    free_bytes = shutil.disk_usage(folder).free
    if expected_bytes > free_bytes:
        raise HeadstartError(
            f"The disk of {folder} has {size_text(free_bytes)} free;"
            f" {purpose} would take {size_text(expected_bytes)}. Make room there."
        )


@contextmanager
def temporary_folder(folder: Path, locks: Path) -> Iterator[Path]:
    """Make ``folder``, whose name is unlike any other; what is there at the end is deleted.

    A lock in ``locks`` is held meanwhile, so that ``sweep_folders`` knows who was killed.
    """
    held = making(folder, locks)
    try:
        with lock(held):
            folder.mkdir(parents=True)
            try:
                yield folder
            finally:
                if folder.exists():
                    shutil.rmtree(folder)
    finally:
        held.unlink(missing_ok=True)


def sweep_folders(root: Path, pattern: str, locks: Path) -> None:
    """Delete the temporary folders in ``root`` whose maker has ended, as when it was killed."""
    for folder in root.glob(pattern):
        held = making(folder, locks)
        if is_free(held):
            shutil.rmtree(folder, ignore_errors=True)
            held.unlink(missing_ok=True)


def sweep_parts(root: Path) -> None:
    """Delete what killed processes left of files anywhere in ``root`` more than a day ago."""
    oldest = time.time() - PART_KEPT_SECONDS
    for part in root.rglob(f".*.{_ANY_TOKEN}{PART_SUFFIX}"):
        try:
            if part.stat().st_mtime < oldest:
                part.unlink()
        except FileNotFoundError:
            continue


def making(folder: Path, locks: Path) -> Path:
    """The lock that the maker of a temporary folder holds while it works."""
    return locks / f"making{folder.name}.lock"
