"""A backup of a home in one file, made while Headstart works; ``restore`` makes a home of it.

The file is a tar: ``headstart-backup.json`` (format, versions, settings) first, then the files of
the home under ``home/``, the database as SQLite's backup interface copies it, and at the end
``digests.json`` with the SHA-256 of each. What is missing that last member is cut short.

The database is copied first. A run stores its files before its result, so every finished run in
the copy has its files; files of later runs are in the backup too, and harm nothing.
"""

import hashlib
import io
import json
import os
import sqlite3
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import make_url

from core.errors import BadInput, HeadstartError
from core.files import check_room, written_whole
from core.jobs.database import BUSY_TIMEOUT_SECONDS
from core.jobs.sqlite_file import SqliteFile
from core.settings import DATABASE_NAME, VERSION, Settings, current_settings
from core.text import size_text

FORMAT = 1
HEADER, DIGESTS, INSIDE = "headstart-backup.json", "digests.json", "home"
DATABASE_MEMBER = f"{INSIDE}/{DATABASE_NAME}"
# Made again when needed; of no use elsewhere; or the sources of what is kept.
WEIGHTS, CACHE = "weights", "cache"
NEVER = frozenset({"locks", "jobs", "inbox"})
LEFT_OUT_FILES = (".log", ".part")
# A log may be shortened while it is copied, so small files are read whole.
READ_WHOLE_BYTES = 8 << 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Backup:
    """What is in a backup. ``database_version`` is None where no database is in it;
    ``settings`` are the variables that were set, without passwords."""

    headstart: str
    created_at: str
    database_version: str | None
    left_out: tuple[str, ...]
    settings: dict[str, str]
    files: int
    size_bytes: int


def make_backup(
    target: Path,
    *,
    weights: bool = False,
    cache: bool = False,
    files_only: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> Backup:
    """Write the home into ``target``, which must not be there; whole or not at all.

    ``weights`` and ``cache`` are added where asked. ``files_only`` leaves the database out, as one
    on PostgreSQL has its own tools. Raises ``BadInput``, ``StoreError`` for a damaged database,
    and ``HeadstartError`` where there is no room.
    """
    settings = current_settings()
    if target.exists():
        raise BadInput(f"{target} is there already; give another name.", "FILE")
    if not target.parent.is_dir():
        raise BadInput(f"There is no folder {target.parent}.", "FILE")
    if not settings.home.is_dir():
        raise BadInput(
            f"There is no home at {settings.home}, so nothing to keep.", "HEADSTART_HOME"
        )
    wanted = {WEIGHTS: weights, CACHE: cache}
    left_out = {name for name, asked in wanted.items() if not asked} | NEVER
    with tempfile.TemporaryDirectory(prefix=".headstart-backup-", dir=target.parent) as folder:
        copy = Path(folder) / DATABASE_NAME
        version = None if files_only else _copy_database(settings, copy)
        files = list(_files(settings.home, left_out))
        needed = sum(path.stat().st_size for path, _ in files if path.exists())
        if version is not None:
            files.insert(0, (copy, DATABASE_MEMBER))
        check_room(target.parent, needed, "this backup")
        header: dict[str, Any] = {
            "format": FORMAT,
            "headstart": VERSION,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "database_version": version,
            "home_mode": stat.S_IMODE(settings.home.stat().st_mode),
            "left_out": sorted(name for name in left_out if (settings.home / name).exists()),
            "settings": _settings_given(),
        }
        with written_whole(target, private=True) as file:
            count = _write(file, header, files, progress)
    return summary(header, count, target)


def summary(header: Mapping[str, Any], files: int, file: Path) -> Backup:
    """What the first member and the file itself say."""
    names = ("headstart", "created_at", "database_version", "settings")
    known = {name: header[name] for name in names}
    return Backup(
        **known, left_out=tuple(header["left_out"]), files=files, size_bytes=file.stat().st_size
    )


def backup_words(found: Backup) -> str:
    """One sentence about a backup that was made."""
    left = f"; left out: {', '.join(found.left_out)}" if found.left_out else ""
    return f"{found.files:,} files, {size_text(found.size_bytes)}{left}."


# Making ---------------------------------------------------------------------------------------


def _copy_database(settings: Settings, copy: Path) -> str | None:
    """Copy a SQLite database as it is at one moment and look at every page of the copy.

    Returns its version; None where there is none yet.
    """
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BadInput(
            f"The database is {url.render_as_string(hide_password=True)}. Keep it with its own "
            "tools (pg_dump), and the files of the home with --files-only.",
            "HEADSTART_DATABASE_URL",
        )
    file = SqliteFile(Path(url.database).absolute(), BUSY_TIMEOUT_SECONDS)
    if file.version() is None:
        file.refuse_lost()
        return None
    check_room(copy.parent, file.path.stat().st_size, "a copy of the database")
    with (
        file.opened(f"{file.path.as_uri()}?mode=ro") as connection,
        closing(sqlite3.connect(copy)) as target,
    ):
        connection.backup(target)
        # One file, without a log of writes beside it.
        target.execute("PRAGMA journal_mode = DELETE")
    return SqliteFile(copy, BUSY_TIMEOUT_SECONDS).version(every_page=True)


def _files(home: Path, left_out: set[str]) -> Iterator[tuple[Path, str]]:
    """Each file to keep, and its name in the backup.

    Folders of the home may be links, as to another disk; links inside them are left out, and so is
    what is not whole (hidden names) and the database with its copies.
    """
    for entry in sorted(home.iterdir()):
        if entry.name in left_out or entry.name.startswith("."):
            continue
        if entry.is_dir():
            for folder, names, files in os.walk(entry):
                names[:] = sorted(name for name in names if not name.startswith("."))
                for name in sorted(files):
                    path = Path(folder, name)
                    if _is_kept(path):
                        yield path, f"{INSIDE}/{path.relative_to(home).as_posix()}"
        elif not entry.name.startswith(Path(DATABASE_NAME).stem) and _is_kept(entry):
            yield entry, f"{INSIDE}/{entry.name}"


def _is_kept(path: Path) -> bool:
    if path.name.startswith(".") or path.suffix in LEFT_OUT_FILES:
        return False
    return path.is_file() and not path.is_symlink()


def _settings_given() -> dict[str, str]:
    """The variables of Headstart and Streamlit that are set; no password and no secret."""
    given = {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith(("HEADSTART_", "STREAMLIT_")) and "SECRET" not in name
    }
    if url := given.get("HEADSTART_DATABASE_URL"):
        given["HEADSTART_DATABASE_URL"] = make_url(url).render_as_string(hide_password=True)
    return given


def _write(
    file: BinaryIO, header: Mapping[str, Any], files: list[tuple[Path, str]], progress: Progress
) -> int:
    """Write all members; returns how many files of the home are among them."""
    digests: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add_document(archive, HEADER, header)
        for done, (path, name) in enumerate(files):
            progress(done, len(files))
            try:
                digests[name] = _add(archive, path, name)
            except FileNotFoundError:
                continue  # removed since it was listed
        _add_document(archive, DIGESTS, {"sha256": digests})
    progress(len(files), len(files))
    return len(digests)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> str:
    """Add one file; returns its SHA-256."""
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        info = tarfile.TarInfo(name)
        info.size, info.mtime = status.st_size, int(status.st_mtime)
        if info.size <= READ_WHOLE_BYTES:
            content = file.read()
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
            return hashlib.sha256(content).hexdigest()
        hashed = _Hashed(file)
        try:
            archive.addfile(info, hashed)
        except OSError as error:
            if error.errno is None:  # tarfile's own: the file has become shorter
                raise HeadstartError(f"{path} changed while it was copied; try again.") from error
            raise
        return hashed.digest.hexdigest()


class _Hashed(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block


def _add_document(archive: tarfile.TarFile, name: str, document: Mapping[str, Any]) -> None:
    content = json.dumps(document, indent=1).encode()
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))
