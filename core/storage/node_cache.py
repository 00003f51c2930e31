"""Which files of this home are copies of shared objects: known by their digests, and bounded.

Beside each such file ``cache/shared/<its path in the home>.json`` says which content it has. A file
without it was written here and never shared; it is never removed from here.
"""

import json
import logging
import os
import shutil
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple

from core.files import write_json

log = logging.getLogger(__name__)


class _Mark(NamedTuple):
    """What a file was like when its digest was found: written again, it has another mark."""

    size_bytes: int
    changed_ns: int


class _Copy(NamedTuple):
    used: float
    size_bytes: int
    path: Path


class NodeCache:
    """The copies below ``home``; at most ``limit_bytes`` of them, if nothing larger is needed."""

    def __init__(self, home: Path, limit_bytes: int) -> None:
        self._home = home
        self._records = home / "cache" / "shared"
        self._limit_bytes = limit_bytes
        # Digests that this process has found itself, by path.
        self._checked: dict[Path, tuple[_Mark, str]] = {}

    def has(self, path: Path, sha256: str) -> bool:
        """Whether the file at ``path`` has this content; each process looks at its bytes once."""
        found = self.digest(path)
        if found == sha256:
            if self._recorded(path) == (_mark_of(path), sha256):
                os.utime(self._record(path))
            else:
                self.note(path, sha256)
            return True
        recorded = self._recorded(path)
        if found is not None and recorded == (_mark_of(path), sha256):
            log.warning("%s is damaged: its content has changed; it is fetched anew", path)
        return False

    def is_copy(self, path: Path) -> bool:
        """Whether the file at ``path`` was shared or fetched, and not written since."""
        recorded = self._recorded(path)
        return recorded is not None and recorded[0] == _mark_of(path)

    def digest(self, path: Path) -> str | None:
        """The sha256 (hex) of a file; None where there is none."""
        mark = _mark_of(path)
        if mark is None:
            return None
        checked = self._checked.get(path)
        if checked is None or checked[0] != mark:
            with open(path, "rb") as file:
                checked = mark, file_digest(file, "sha256").hexdigest()
            self._checked[path] = checked
        return checked[1]

    def note(self, path: Path, sha256: str) -> None:
        """Record that the file at ``path`` is a copy of the shared object of that content."""
        mark = _mark_of(path)
        if mark is None:
            return  # removed at this moment
        record = self._record(path)
        record.parent.mkdir(parents=True, exist_ok=True)
        write_json(record, {"sha256": sha256, **mark._asdict()})
        self._checked[path] = mark, sha256

    def forget(self, path: Path) -> None:
        """Drop the records of a file, or of all files of a folder."""
        self._record(path).unlink(missing_ok=True)
        shutil.rmtree(self._records / path.relative_to(self._home), ignore_errors=True)

    def make_room(self, size_bytes: int) -> None:
        """Remove the copies that were used longest ago until ``size_bytes`` more are in the limit
        and on the disk, or none is left. Whoever needs one of them later fetches it again."""
        copies = sorted(self._copies())
        total = sum(copy.size_bytes for copy in copies)
        for copy in copies:
            free = shutil.disk_usage(self._home).free
            if total + size_bytes <= self._limit_bytes and size_bytes <= free:
                return
            copy.path.unlink(missing_ok=True)
            self._record(copy.path).unlink(missing_ok=True)
            total -= copy.size_bytes

    def _copies(self) -> Iterator[_Copy]:
        for record in self._records.rglob("*.json"):
            path = self._home / record.relative_to(self._records).with_suffix("")
            recorded, mark = self._recorded(path), _mark_of(path)
            if recorded is not None and mark is not None and recorded[0] == mark:
                yield _Copy(record.stat().st_mtime, mark.size_bytes, path)

    def _record(self, path: Path) -> Path:
        inner = path.relative_to(self._home)
        return self._records / inner.with_name(f"{inner.name}.json")

    def _recorded(self, path: Path) -> tuple[_Mark, str] | None:
        try:
            found = json.loads(self._record(path).read_text(encoding="utf-8"))
            return _Mark(found["size_bytes"], found["changed_ns"]), found["sha256"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("the record of %s is made anew: %s", path, error)
            return None


def _mark_of(path: Path) -> _Mark | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _Mark(status.st_size, status.st_mtime_ns) if path.is_file() else None
