"""What machines share, by the paths that files have in the home of each.

With ``HEADSTART_STORAGE_URL`` whoever has written a file *pushes* it, and whoever is about to read
one *pulls* it: the home of each machine is then a cache of the shared storage. Without it every
function here returns at once, and the home is all there is.

An object is kept under ``<path in the home>/<sha256 of its content>``, so it is written once, and
one list of a folder tells names, contents and sizes. Of several contents under one name the newest
counts. A copy is held to its digest when it comes and once in each process that uses it.
"""

import hashlib
import logging
import os
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from core.errors import DISK_IS_FULL, DamagedFile, HeadstartError, StorageUnavailable
from core.files import lock, make_way, written_whole
from core.settings import current_settings, has_shared_storage
from core.storage.node_cache import NodeCache
from core.storage.objects import COPIED_AT_ONCE_BYTES, FolderObjects, Objects, unavailable
from core.storage.s3 import S3Objects
from core.text import size_text

# A page asks for many files of one folder, and again a moment later.
REMEMBERED_SECONDS = 5.0
AWAY_SECONDS = 10.0
RETRY_AFTER_SECONDS = (1.0, 4.0, 15.0)
"""A result of hours waits for a storage that is away for a moment."""
_DIGEST_LENGTH = 64
log = logging.getLogger(__name__)


class _Stored(NamedTuple):
    """An object; the newest sorts last."""

    changed: float
    sha256: str
    size_bytes: int


class SharedFiles:
    """The files of ``home`` that machines share through ``objects``."""

    def __init__(self, objects: Objects, home: Path, cache_limit_bytes: int) -> None:
        self._objects = objects
        self._home = home
        self._cache = NodeCache(home, cache_limit_bytes)
        # By folder: when it was listed, and what was in it by name.
        self._listed: dict[str, tuple[float, dict[str, list[_Stored]]]] = {}
        self._damaged: set[str] = set()
        self._away: tuple[float, StorageUnavailable] | None = None

    def push(self, path: Path, keep_older: bool) -> None:
        name = self._name(path)
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size_bytes = file.tell()
            stored = self._fresh(name)
            key = f"{name}/{sha256}"
            there = any((sha256, size_bytes) == (each.sha256, each.size_bytes) for each in stored)
            others = [] if keep_older else [each for each in stored if each.sha256 != sha256]
            # Written again where it has to be the newest.
            if not there or others or key in self._damaged:
                file.seek(0)
                self._objects.put(key, file)
        for each in others:
            self._objects.remove(f"{name}/{each.sha256}")
        self._damaged.discard(key)
        self._listed.clear()
        self._cache.note(path, sha256)

    def pull(self, path: Path, sha256: str | None) -> bool:
        name = self._name(path)
        try:
            wanted = self._find(name, sha256)
        except StorageUnavailable as error:
            if not path.is_file():
                raise
            log.warning("%s is read as it is here: %s", path, error)
            return True
        if wanted is None:
            return path.is_file()
        if self._cache.has(path, wanted.sha256):
            return True
        held = current_settings().locks_folder / f"pull-{wanted.sha256[:2]}.lock"
        with lock(held):
            if not self._cache.has(path, wanted.sha256):  # another process may have pulled it
                self._fetch(name, wanted, path)
        return True

    def stored_size(self, path: Path) -> int | None:
        wanted = self._find(self._name(path), None)
        return None if wanted is None else wanted.size_bytes

    def is_stored(self, path: Path, sha256: str) -> bool:
        return self._find(self._name(path), sha256) is not None

    def listed(self, folder: Path, pattern: str, fresh: bool) -> list[Path]:
        beginning = self._name(folder)
        if fresh:
            self._listed.clear()
        try:
            names = [
                name
                for name in self._names_in(beginning)
                if PurePosixPath(name).match(f"{beginning}/{pattern}")
            ]
        except StorageUnavailable as error:
            log.warning("what is in %s is told as it is here: %s", folder, error)
            return sorted(folder.glob(pattern))
        stored = {self._home / name for name in names}
        # A copy of what another machine has removed from the storage does not count.
        own = {path for path in folder.glob(pattern) if not self._cache.is_copy(path)}
        return sorted(stored | own)

    def forget(self, path: Path) -> None:
        for entry in self._objects.entries(self._name(path)):
            self._objects.remove(entry.key)
        self._listed.clear()
        self._cache.forget(path)

    def stored_digests(self, path: Path) -> list[str]:
        return [each.sha256 for each in self._fresh(self._name(path))]

    def check(self, path: Path, sha256: str) -> None:
        key = f"{self._name(path)}/{sha256}"
        with self._objects.read(key) as source, open(os.devnull, "wb") as nowhere:
            if self._copy(source, nowhere) == sha256:
                return
        self._objects.remove(key)  # the next push would take it for what it should be
        self._listed.clear()
        raise DamagedFile(
            f"{self._name(path)} came back from {self._objects.address} with another content than"
            " was written."
        )

    def drop_damaged(self, path: Path) -> None:
        """Remove the objects under that name that were found damaged: nobody can read them."""
        beginning = f"{self._name(path)}/"
        for key in [key for key in self._damaged if key.startswith(beginning)]:
            self._objects.remove(key)
            self._damaged.discard(key)
        self._listed.clear()

    def _find(self, name: str, sha256: str | None) -> _Stored | None:
        """The newest object of that name, or the one of that content; None where there is none.

        A storage that was away a moment ago is not asked again: a page would wait for each file.
        """
        for find in (self._remembered, self._fresh):
            if find == self._fresh:
                self._raise_if_away()
            fitting = [each for each in find(name) if sha256 in (None, each.sha256)]
            if fitting:
                return fitting[-1]
        return None

    def _raise_if_away(self) -> None:
        if self._away is not None and time.monotonic() < self._away[0]:
            raise self._away[1]

    def _remembered(self, name: str) -> list[_Stored]:
        """From a list of a moment ago; it may lack what is new."""
        now = time.monotonic()
        for folder, (at, objects) in list(self._listed.items()):
            if name.startswith(f"{folder}/") and now - at < REMEMBERED_SECONDS and name in objects:
                return objects[name]
        return []

    def _fresh(self, name: str) -> list[_Stored]:
        """Asked now: all objects under that name, the newest last."""
        folder = name.rpartition("/")[0]
        return self._list(folder).get(name, [])

    def _names_in(self, folder: str) -> Iterable[str]:
        listed = self._listed.get(folder)
        if listed is None or time.monotonic() - listed[0] >= REMEMBERED_SECONDS:
            self._raise_if_away()
            return self._list(folder)
        return listed[1]

    def _list(self, folder: str) -> dict[str, list[_Stored]]:
        objects: dict[str, list[_Stored]] = {}
        try:
            entries = self._objects.entries(folder)
        except StorageUnavailable as error:
            self._away = time.monotonic() + AWAY_SECONDS, error
            raise
        self._away = None
        for entry in entries:
            name, _, sha256 = entry.key.rpartition("/")
            if len(sha256) == _DIGEST_LENGTH:
                stored = _Stored(entry.changed, sha256, entry.size_bytes)
                objects.setdefault(name, []).append(stored)
        for found in objects.values():
            found.sort()
        self._listed[folder] = time.monotonic(), objects
        return objects

    def _fetch(self, name: str, wanted: _Stored, path: Path) -> None:
        key = f"{name}/{wanted.sha256}"
        self._cache.make_room(wanted.size_bytes)
        path.parent.mkdir(parents=True, exist_ok=True)
        make_way(path)
        try:
            with self._objects.read(key) as source, written_whole(path) as target:
                if self._copy(source, target) != wanted.sha256:
                    self._damaged.add(key)
                    raise DamagedFile(
                        f"The stored {name} in {self._objects.address} is damaged or cut short:"
                        " it is not the content that was written. What is on this machine was left"
                        " as it was."
                    )
        except FileNotFoundError as error:
            raise unavailable(self._objects.address, f"{name} was removed meanwhile") from error
        except OSError as error:
            if error.errno not in DISK_IS_FULL:
                raise
            raise HeadstartError(
                f"{name} ({size_text(wanted.size_bytes)}) could not be fetched from"
                f" {self._objects.address} to {self._home}."
            ) from error
        self._cache.note(path, wanted.sha256)

    def _copy(self, source: BinaryIO, target: BinaryIO) -> str:
        """Copy to the end; returns the sha256 (hex) of what was read."""
        digest = hashlib.sha256()
        while True:
            try:
                chunk = source.read(COPIED_AT_ONCE_BYTES)
            except OSError as error:
                raise unavailable(self._objects.address, str(error)) from error
            if not chunk:
                return digest.hexdigest()
            digest.update(chunk)
            target.write(chunk)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._home).as_posix()


@lru_cache(maxsize=4)
def _opened(url: str, endpoint: str, home: Path, cache_limit_bytes: int) -> SharedFiles:
    objects = S3Objects(url, endpoint) if "://" in url else FolderObjects(Path(url))
    return SharedFiles(objects, home, cache_limit_bytes)


def _shared() -> SharedFiles | None:
    """None where this machine shares no files."""
    if not has_shared_storage():
        return None
    found = current_settings()
    where = (found.storage_url, found.storage_endpoint)
    return _opened(*where, found.home, found.node_cache_bytes)


def push(*paths: Path) -> None:
    """Give other machines these files, which are whole now, in place of older ones.

    Tries again for some seconds. Raises ``StorageUnavailable``; the files stay.
    """
    shared = _shared()
    if shared is None:
        return
    waits = iter(RETRY_AFTER_SECONDS)
    for path in paths:
        while True:
            try:
                shared.push(path, keep_older=False)
                break
            except StorageUnavailable as error:
                wait = next(waits, None)
                if wait is None:
                    raise
                log.warning("%s Trying again in %g s.", error, wait)
                time.sleep(wait)


def push_cached(*paths: Path) -> None:
    """As ``push``, for what each machine can make itself: a failure is logged, and content that
    another one wrote under the same name stays beside this."""
    shared = _shared()
    if shared is None:
        return
    try:
        for path in paths:
            shared.push(path, keep_older=True)
    except StorageUnavailable as error:
        log.warning("%s is not shared: %s", paths[0], error)


def pull(path: Path, sha256: str | None = None) -> bool:
    """Make the file at ``path`` what is stored under its name (of that content); whether it is
    there afterwards.

    A file that is damaged here is fetched anew. Raises ``StorageUnavailable`` where the file is not
    here, ``DamagedFile`` where the stored object is damaged, ``HeadstartError`` for a full disk.
    """
    shared = _shared()
    return path.is_file() if shared is None else shared.pull(path, sha256)


def pull_cached(path: Path, sha256: str | None = None) -> bool:
    """As ``pull``, for what can be made again: False where it cannot be pulled (logged), and
    where this machine shares no files."""
    shared = _shared()
    if shared is None:
        return False
    try:
        return shared.pull(path, sha256)
    except (StorageUnavailable, DamagedFile) as error:
        log.warning("%s is made again: %s", path, error)
        if isinstance(error, DamagedFile):
            shared.drop_damaged(path)
        return False


def stored_size(path: Path) -> int | None:
    """Bytes of the file here, else of the shared one; None without either."""
    if path.is_file():
        return path.stat().st_size
    shared = _shared()
    return None if shared is None else shared.stored_size(path)


def stored_digests(path: Path) -> list[str]:
    """sha256 (hex) of all contents that are shared under the name of a file, the newest last."""
    shared = _shared()
    return [] if shared is None else shared.stored_digests(path)


def check(path: Path, sha256: str) -> None:
    """Read what is shared under the name of a file; ``DamagedFile`` where it is not that content.

    Raises ``FileNotFoundError`` where it is not there, ``StorageUnavailable``.
    """
    shared = _shared()
    if shared is not None:
        shared.check(path, sha256)


def is_stored(path: Path, sha256: str) -> bool:
    """Whether other machines have given this content under that name."""
    shared = _shared()
    return shared is not None and shared.is_stored(path, sha256)


def listed(folder: Path, pattern: str, fresh: bool = False) -> list[Path]:
    """Paths in ``folder`` that match, here or shared, sorted: ``pull`` them before they are read.

    What was listed a moment ago counts, unless it must be ``fresh``. Where the storage does not
    answer, those that are here (logged).
    """
    shared = _shared()
    return sorted(folder.glob(pattern)) if shared is None else shared.listed(folder, pattern, fresh)


def forget(path: Path) -> None:
    """Remove what is shared under the name of a file, or of a folder; the caller removes it here.

    Raises ``StorageUnavailable``.
    """
    shared = _shared()
    if shared is not None:
        shared.forget(path)
