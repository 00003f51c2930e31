"""The SQLite file of the run store: whether it is whole and ours, and the copies beside it.

Nothing is written to a file that is damaged, foreign or of a newer version. Two kinds of copies are
the way back (docs/backups.md): ``headstart-2026-11-30.db`` of each of the last days on which it was
opened, and ``headstart-version-0002.db`` from before an upgrade.
"""

import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.errors import DISK_IS_FULL_TEXT, LockTimeout, StoreError
from core.files import lock, written_whole
from core.jobs.records import SCHEMA_VERSIONS, metadata
from core.settings import current_settings
from core.text import count_text

DAILY_COPIES_KEPT = 3
# Looking at every page takes about a tenth of a second for 100 MB that are in memory, far longer
# for those that are not: a larger file is looked at before its copy of the day alone.
CHECKED_EACH_TIME_BYTES = 32 << 20
HOW_BACK = "docs/backups.md says how to go back to a copy."
SELECT_VERSION = "SELECT version_num FROM alembic_version"
DAMAGED_WORDS = ("malformed", "not a database", "disk image")
# Words in the driver's message, and what to tell people.
ADVICE = (
    (("locked", "busy"), "is held by another process; try again in a moment"),
    (("readonly", "read-only"), "cannot be written: check who owns the file and its folder"),
    (
        ("unable to open",),
        "cannot be opened: check that its folder is there and yours, and that its path has at most "
        "500 characters",
    ),
)
_OF_A_DAY = re.compile(r"-\d{4}-\d{2}-\d{2}")
_VERSION_TABLE = "alembic_version"
# A database with two of these tables is one of Headstart's, of whatever version.
_OURS = frozenset({"experiments", "runs", "epochs", "jobs", "job_workers"})

log = logging.getLogger(__name__)


def message_of(place: str, detail: str) -> str:
    """What people read where the driver says ``detail`` about the store at ``place``."""
    lowered = detail.lower()
    if "full" in lowered:
        return f"{DISK_IS_FULL_TEXT} The run store {place} cannot grow ({detail})."
    advice = next(
        (advice for words, advice in ADVICE if any(word in lowered for word in words)),
        "cannot be used",
    )
    return f"The run store {place} {advice} ({detail})."


def tells_of_damage(detail: str) -> bool:
    return any(word in detail.lower() for word in DAMAGED_WORDS)


@dataclass(frozen=True)
class SqliteFile:
    """One SQLite file, which need not be there yet."""

    path: Path
    busy_timeout_seconds: float

    @property
    def lock_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.lock")

    def version(self, every_page: bool = False) -> str | None:
        """The version of the schema; None where nothing is in the file, or there is none.

        Every page is looked at where that is quick, where a copy of today is still to come, and
        where asked. Raises ``StoreError`` for a file that is damaged, not ours, or newer than this
        code.
        """
        if not self.path.exists():
            return None
        is_quick = self.path.stat().st_size <= CHECKED_EACH_TIME_BYTES
        with self.opened(f"{self.path.as_uri()}?mode=ro") as connection:
            if every_page or is_quick or not self._copy_path(_today()).exists():
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise self.damaged(" ".join(str(found).split()))
            listed = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in listed}
            if not tables:
                return None
            if _VERSION_TABLE not in tables and len(tables & _OURS) < 2:
                raise StoreError(
                    f"{self.path} is a database, but not one of Headstart's; it was left as it is. "
                    "Set HEADSTART_DATABASE_URL or HEADSTART_HOME to another place."
                )
            if _VERSION_TABLE not in tables:
                raise self.damaged("its table of versions is missing")
            versions = [version for (version,) in connection.execute(SELECT_VERSION)]
        if len(versions) != 1 or not isinstance(versions[0], str):
            raise self.damaged("its table of versions has not one version")
        self._refuse_incomplete(versions[0], tables)
        return versions[0]

    def refuse_lost(self) -> None:
        """Raise ``StoreError`` where the file is missing or empty, and something shows that it had
        runs: then this is no first start."""
        copies = self._copies()
        # A file elsewhere may be new beside an older home.
        settings = current_settings()
        runs = []
        if settings.runs_folder.is_dir() and (
            self.path.parent == settings.home or self.path.exists()
        ):
            runs = [each for each in settings.runs_folder.iterdir() if each.is_dir()]
        if not copies and not runs:
            return
        state = "is empty" if self.path.exists() else "is missing"
        shown = [
            *([f"{settings.runs_folder} holds {count_text(len(runs), 'run')}"] if runs else []),
            *([f"beside it lies {count_text(len(copies), 'copy')} of it"] if copies else []),
        ]
        away = [*([str(settings.runs_folder)] if runs else []), *([path.name for path in copies])]
        raise StoreError(
            f"The run store {self.path} {state}, but {' and '.join(shown)}, so it was lost or "
            f"damaged; nothing was written. {self._way_back()} To start anew without the former "
            f"experiments, move away {' and '.join(away)}."
        )

    def damaged(self, detail: str) -> StoreError:
        return StoreError(
            f"The run store {self.path} is damaged ({detail}); it was left as it is, and nothing "
            f"is written to it. {self._way_back()}"
        )

    def keep_copy(self, connection: sqlite3.Connection, mark: str) -> None:
        """Copy the database to ``<name>-<mark>`` beside it, whole. Raises ``OSError``,
        ``sqlite3.Error``."""
        with (
            written_whole(self._copy_path(mark)) as copy,
            closing(sqlite3.connect(copy.name)) as target,
        ):
            connection.backup(target)

    def keep_daily_copy(self) -> None:
        """Unless there is one of today (UTC); what stands in its way is logged, not raised."""
        mark = _today()
        if self._copy_path(mark).exists():
            return
        try:
            with lock(self.lock_path, timeout_seconds=0), self.opened(self.path.as_uri()) as found:
                if not self._copy_path(mark).exists():
                    self.keep_copy(found, mark)
            for old in self._daily_copies()[DAILY_COPIES_KEPT:]:
                old.unlink(missing_ok=True)
        except LockTimeout:
            return  # another process makes it
        except (OSError, sqlite3.Error, StoreError) as error:
            log.warning("no copy of %s could be kept today: %s", self.path, error)

    @contextmanager
    def opened(self, uri: str) -> Iterator[sqlite3.Connection]:
        """The file without SQLAlchemy; errors of the driver come out as ``StoreError``."""
        try:
            with closing(
                sqlite3.connect(uri, uri=True, timeout=self.busy_timeout_seconds)
            ) as connection:
                yield connection
        except sqlite3.Error as error:
            if tells_of_damage(str(error)):
                raise self.damaged(str(error)) from error
            raise StoreError(message_of(str(self.path), str(error))) from error

    def _refuse_incomplete(self, version: str, tables: set[str]) -> None:
        newest = SCHEMA_VERSIONS[-1]
        if version == newest and (missing := sorted(metadata.tables.keys() - tables)):
            raise self.damaged(f"it has no table {', '.join(missing)}")
        if version in SCHEMA_VERSIONS:
            return
        if not version.isdecimal() or version < newest:
            raise self.damaged(f"its version is {version!r}")
        raise StoreError(
            f"The run store {self.path} is of version {version}, which is newer than this code "
            f"(version {newest}). It was left as it is: update Headstart, or set HEADSTART_HOME to "
            "another folder. If it was upgraded, a copy from before is beside it."
        )

    def _way_back(self) -> str:
        copies = self._copies()
        newest = f"The newest copy is {copies[0].name}, beside it. " if copies else ""
        return newest + HOW_BACK

    def _copy_path(self, mark: str) -> Path:
        return self.path.with_name(f"{self.path.stem}-{mark}{self.path.suffix}")

    def _copies(self) -> list[Path]:
        """Those of the last days, the newest first, then those from before an upgrade."""
        upgrades = (self._copy_path(f"version-{version}") for version in SCHEMA_VERSIONS[::-1])
        return [*self._daily_copies(), *(path for path in upgrades if path.is_file())]

    def _daily_copies(self) -> list[Path]:
        """The newest first."""
        stem, suffix = self.path.stem, self.path.suffix
        if not self.path.parent.is_dir():
            return []
        return sorted(
            (
                path
                for path in self.path.parent.iterdir()
                if path.suffix == suffix
                and path.stem.startswith(stem)
                and _OF_A_DAY.fullmatch(path.stem[len(stem) :])
            ),
            reverse=True,
        )


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
