"""Opening the database of runs and jobs: connections, transactions, migrations, error messages."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.errors import LockTimeout, StoreError
from core.files import lock, write_bytes, written_whole
from core.jobs.records import SCHEMA_VERSIONS
from core.settings import current_settings

BUSY_TIMEOUT_SECONDS = 20.0
MIGRATION_LOCK_SECONDS = 60.0
SELECT_VERSION = "SELECT version_num FROM alembic_version"
MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"
# Given up when the disk is full, so that the end of a job can still be stored.
RESERVE_BYTES = 1 << 20
DISK_FULL = "cannot grow: the disk is full; make room, some MB are enough"
# Words in the driver's message, and what to tell people.
ADVICE = (
    (("locked", "busy"), "is held by another process; try again in a moment"),
    (("readonly", "read-only"), "cannot be written: check who owns the file and its folder"),
    (("full",), DISK_FULL),
    (
        ("malformed", "not a database"),
        "is damaged; it was left as it is. Put back a copy, or move it away",
    ),
)


class Database:
    """An engine whose schema is the one this code reads.

    Opening makes a missing SQLite file and applies pending migrations under a lock; a copy of the
    file from before stays beside it, because no migration can be undone. Raises ``StoreError`` for
    a database that is damaged, foreign, or of a newer version, and leaves it as it is.
    """

    def __init__(self, url: str, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> None:
        self.url = url
        self._busy_timeout_seconds = busy_timeout_seconds
        self.file = _sqlite_file(url)
        self.engine = self._engine()
        if self._version() != SCHEMA_VERSIONS[-1]:
            self._migrate()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; database errors come out as ``StoreError``."""
        with self._worded(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that holds the write lock from its start, committed at the end."""
        options: dict[str, Any] = {"headstart_begin": "BEGIN IMMEDIATE"}
        with (
            self._worded(),
            self.engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    def keep_reserve(self) -> None:
        """Take some room of the disk for later, where a SQLite file can have it."""
        if self.file is None or self._reserve(self.file).exists():
            return
        if shutil.disk_usage(self.file.parent).free > 10 * RESERVE_BYTES:
            write_bytes(self._reserve(self.file), os.urandom(RESERVE_BYTES))

    def free_reserve(self) -> bool:
        """Give the disk that room back if it is full; False where that makes no difference."""
        if self.file is None or not self.disk_is_full() or not self._reserve(self.file).exists():
            return False
        self._reserve(self.file).unlink(missing_ok=True)
        return True

    def disk_is_full(self) -> bool:
        """Whether the disk of a SQLite file has no room for another transaction."""
        if self.file is None or not self.file.parent.exists():
            return False
        return shutil.disk_usage(self.file.parent).free < 2 * RESERVE_BYTES

    @staticmethod
    def _reserve(file: Path) -> Path:
        return file.with_name(f"{file.name}.reserve")

    def _engine(self) -> Engine:
        if self.file is None:
            return create_engine(self.url)
        # A connection for each transaction: nothing to share between threads, nothing left open
        # in a child process, and opening a SQLite file takes a fraction of a millisecond.
        engine = create_engine(
            self.url, poolclass=NullPool, connect_args={"timeout": self._busy_timeout_seconds}
        )

        @event.listens_for(engine, "connect")
        def prepare(connection: sqlite3.Connection, _record: Any) -> None:
            # The driver's own transaction handling begins late and deferred; ours is explicit.
            connection.isolation_level = None
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            options = connection.get_execution_options()
            connection.exec_driver_sql(options.get("headstart_begin", "BEGIN"))

        return engine

    def _version(self) -> str | None:
        """The version of the schema, None before the first; nothing is written to the database.

        Raises ``StoreError`` for a file that is not ours, and for a newer version.
        """
        version = None
        if self.file is None:
            with self.reading() as connection:
                if inspect(connection).has_table("alembic_version"):
                    version = connection.execute(text(SELECT_VERSION)).scalar()
        elif self.file.exists():
            with self._opened(f"{self.file.as_uri()}?mode=ro") as sqlite:
                listed = sqlite.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                tables = {name for (name,) in listed}
                if tables and "alembic_version" not in tables:
                    raise StoreError(
                        f"{self.file} is a database, but not one of Headstart's; it was left as it "
                        "is. Set HEADSTART_DATABASE_URL or HEADSTART_HOME to another place."
                    )
                if tables:
                    version = next(sqlite.execute(SELECT_VERSION), (None,))[0]
        if version is not None and version not in SCHEMA_VERSIONS:
            raise StoreError(
                f"The run store {self._place()} is of version {version}, which is newer than this "
                f"code (version {SCHEMA_VERSIONS[-1]}). It was left as it is: update Headstart, or "
                "set HEADSTART_HOME to another folder. If it was upgraded, a copy from before is "
                "beside it."
            )
        return version

    def _migrate(self) -> None:
        if self.file is not None:
            lock_path = self.file.with_name(self.file.name + ".lock")
        else:
            lock_path = current_settings().locks_folder / "store.lock"
        try:
            with lock(lock_path, timeout_seconds=MIGRATION_LOCK_SECONDS):
                self._migrate_locked()
        except LockTimeout as error:
            raise StoreError(
                f"The run store {self._place()} is being made or upgraded by another process, and "
                f"was not ready after {MIGRATION_LOCK_SECONDS:.0f} s. Try again in a minute; if "
                "nothing changes, end the other Headstart processes first."
            ) from error

    def _migrate_locked(self) -> None:
        version = self._version()
        if version == SCHEMA_VERSIONS[-1]:
            return  # another process did it while this one waited
        if self.file is not None:
            with self._opened(self.file.as_uri()) as connection:
                # Readers never wait for the writer; the mode is kept in the file.
                connection.execute("PRAGMA journal_mode = WAL")
                if version is not None:
                    self._keep_copy(connection, self.file, version)
        with self.writing() as connection:
            upgrade_schema(connection)

    def _keep_copy(self, connection: sqlite3.Connection, file: Path, version: str) -> None:
        """The way back: no migration is undone, but the database from before it stays beside it."""
        try:
            with (
                written_whole(
                    file.with_name(f"{file.stem}-version-{version}{file.suffix}")
                ) as copy,
                closing(sqlite3.connect(copy.name)) as target,
            ):
                connection.backup(target)
        except OSError as error:
            raise StoreError(
                f"{file} must be upgraded, and no copy of it can be kept ({error}). It was left "
                "as it is: make room, or check who owns its folder."
            ) from error

    @contextmanager
    def _opened(self, uri: str) -> Iterator[sqlite3.Connection]:
        """The SQLite file without the engine; its errors come out as ``StoreError`` too."""
        try:
            with closing(
                sqlite3.connect(uri, uri=True, timeout=self._busy_timeout_seconds)
            ) as connection:
                yield connection
        except sqlite3.Error as error:
            raise StoreError(self._message(str(error))) from error

    @contextmanager
    def _worded(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise  # a mistake in the code, not in the store
        except DBAPIError as error:
            raise StoreError(self._message(str(error.orig))) from error
        except sqlite3.Error as error:  # while a connection is prepared
            raise StoreError(self._message(str(error))) from error

    def _place(self) -> str:
        return make_url(self.url).render_as_string(hide_password=True)

    def _message(self, detail: str) -> str:
        lowered = detail.lower()
        advice = next(
            (advice for words, advice in ADVICE if any(word in lowered for word in words)),
            DISK_FULL if self.disk_is_full() else "cannot be used",
        )
        return f"The run store {self._place()} {advice} ({detail})."


def upgrade_schema(connection: Connection) -> None:
    """Apply the pending migrations inside the connection's transaction."""
    # Imported here: alembic takes a quarter of a second, and most opens need no migration.
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Config interpolates per cent signs, which paths may hold.
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _sqlite_file(url: str) -> Path | None:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database == ":memory:":
        raise StoreError("The run store is shared by processes, so it must be a file, not memory.")
    return Path(parsed.database).absolute()
