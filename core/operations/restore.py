"""A home made of a backup: checked first, then moved into place; ``backup`` says what is in it."""

import hashlib
import json
import os
import shutil
import tarfile
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import BadInput, DamagedFile, LockTimeout
from core.files import check_room, lock
from core.jobs.database import BUSY_TIMEOUT_SECONDS
from core.jobs.records import SCHEMA_VERSIONS
from core.jobs.sqlite_file import SqliteFile
from core.operations.backup import DIGESTS, FORMAT, HEADER, INSIDE, Backup, Progress, summary
from core.settings import DATABASE_NAME, VERSION, current_settings
from core.text import some_text

BLOCK_BYTES = 1 << 20
MOST_NAMED = 5


def restore_backup(
    source: Path,
    say: Callable[[str], None] = lambda _sentence: None,
    progress: Progress = lambda _done, _total: None,
) -> Backup:
    """Make the home that ``HEADSTART_HOME`` names of a backup; it must be empty or not there.

    Everything is unpacked beside and checked by its digest, then moved into place, the database
    last. ``say`` gets a sentence about the backup before that. Raises ``BadInput`` for a file that
    is no backup, of a newer Headstart, or a home with something in it, and ``DamagedFile``.
    """
    settings = current_settings()
    home = settings.home
    header = _header(source)
    if header["database_version"] and settings.database_url != f"sqlite:///{home / DATABASE_NAME}":
        raise BadInput(
            f"{source} has a SQLite database in it, which belongs into the home. Unset "
            "HEADSTART_DATABASE_URL, and restore again.",
            "HEADSTART_DATABASE_URL",
        )
    database = SqliteFile(home / DATABASE_NAME, BUSY_TIMEOUT_SECONDS)
    _refuse_filled(home, database.lock_path)
    say(_about(header))
    if not home.is_dir():
        home.mkdir(parents=True)
        home.chmod(header["home_mode"])
    check_room(home, source.stat().st_size, "this backup")
    staging = home / f".restoring-{uuid.uuid4().hex}"
    try:
        # Whoever opens the home meanwhile waits, as for an upgrade, and makes no new database.
        with lock(database.lock_path, timeout_seconds=0):
            staging.mkdir()
            count = _unpack(source, staging, progress)
            if hasattr(os, "sync"):
                os.sync()
            _refuse_filled(home, database.lock_path, staging)
            _publish(staging, home)
    except LockTimeout as error:
        raise BadInput(f"Another process is working in {home}.", "HEADSTART_HOME") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return summary(header, count, source)


def _header(source: Path) -> dict[str, Any]:
    """The first member. Raises ``BadInput`` for what is no backup, or one that is too new."""
    if not source.is_file():
        raise BadInput(f"There is no file {source}.", "FILE")
    nothing = BadInput(f"{source} is not a backup that Headstart made.", "FILE")
    try:
        with tarfile.open(source, "r:*") as archive:
            first = archive.next()
            if first is None or first.name != HEADER:
                raise nothing
            header = _document(archive, first)
    except (tarfile.TarError, EOFError) as error:
        raise nothing from error
    made = f"{source} was made by Headstart {header.get('headstart')}"
    if header.get("format") != FORMAT:
        raise BadInput(
            f"{made}, as a backup of format {header.get('format')}; this Headstart ({VERSION}) "
            f"reads format {FORMAT}. Update Headstart.",
            "FILE",
        )
    version = header.get("database_version")
    if version is not None and version not in SCHEMA_VERSIONS:
        raise BadInput(
            f"{made}, with a database of version {version}; this Headstart ({VERSION}) reads "
            f"versions up to {SCHEMA_VERSIONS[-1]}. Update Headstart.",
            "FILE",
        )
    return header


def _about(header: Mapping[str, Any]) -> str:
    version = header["database_version"]
    words = f"A backup of Headstart {header['headstart']}, made {header['created_at']}"
    if version is None:
        return f"{words}, without a database."
    if version == SCHEMA_VERSIONS[-1]:
        return f"{words}, with a database of version {version}."
    upgraded = f"it is upgraded to {SCHEMA_VERSIONS[-1]} when it is opened"
    return f"{words}, with a database of the older version {version}: {upgraded}."


def _refuse_filled(home: Path, *ours: Path) -> None:
    there = sorted(set(home.iterdir()) - set(ours)) if home.is_dir() else []
    if there:
        raise BadInput(
            f"{home} is not empty ({some_text([path.name for path in there], MOST_NAMED)}), and a "
            "backup is never mixed with what is there. Move it away, or set HEADSTART_HOME to a "
            "new folder.",
            "HEADSTART_HOME",
        )


def _unpack(source: Path, staging: Path, progress: Progress) -> int:
    """Unpack all files and hold them to their digests. Raises ``DamagedFile``."""
    found: dict[str, str] = {}
    expected: dict[str, str] | None = None
    total = source.stat().st_size
    try:
        with tarfile.open(source, "r:*") as archive:
            for member in archive:
                progress(member.offset, total)
                if member.name == DIGESTS:
                    expected = _document(archive, member)["sha256"]
                elif member.name != HEADER:
                    place = staging / _inside(member)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    found[member.name] = _extract(archive, member, place)
    except (tarfile.TarError, EOFError, KeyError) as error:
        raise DamagedFile(f"{source} is damaged ({error}); nothing was restored.") from error
    if expected is None:
        raise DamagedFile(f"{source} is cut short: its end is missing; nothing was restored.")
    wrong = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if wrong:
        named = some_text(wrong, MOST_NAMED)
        raise DamagedFile(f"{source} is damaged ({named}); nothing was restored.")
    progress(total, total)
    return len(found)


def _inside(member: tarfile.TarInfo) -> PurePosixPath:
    """Where a member goes, below the home. Raises ``DamagedFile`` for anywhere else."""
    path = PurePosixPath(member.name)
    below = path.parts[1:]
    if not member.isreg() or path.parts[:1] != (INSIDE,) or not below or ".." in below:
        raise DamagedFile(f"{member.name!r} does not belong into a backup; nothing was restored.")
    return PurePosixPath(*below)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> str:
    digest = hashlib.sha256()
    content = archive.extractfile(member)
    with open(place, "xb") as file:
        while content is not None and (block := content.read(BLOCK_BYTES)):
            digest.update(block)
            file.write(block)
    os.utime(place, (member.mtime, member.mtime))
    return digest.hexdigest()


def _document(archive: tarfile.TarFile, member: tarfile.TarInfo) -> dict[str, Any]:
    content = archive.extractfile(member)
    try:
        document = json.loads(content.read() if content else b"")
    except ValueError as error:
        raise DamagedFile(f"{member.name} in the backup is damaged: {error}.") from error
    if not isinstance(document, dict):
        raise DamagedFile(f"{member.name} in the backup is damaged.")
    return document


def _publish(staging: Path, home: Path) -> None:
    """Move everything into place; a home without its database is no home yet."""
    entries = sorted(staging.iterdir(), key=lambda path: (path.name == DATABASE_NAME, path.name))
    for entry in entries:
        entry.rename(home / entry.name)
