"""Opening the database of runs and jobs: connections, transactions, migrations, error messages."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.errors import LockTimeout, StoreError
from core.files import lock, write_bytes
from core.jobs.records import SCHEMA_VERSIONS
from core.jobs.sqlite_file import SELECT_VERSION, SqliteFile, message_of, tells_of_damage
from core.settings import current_settings

BUSY_TIMEOUT_SECONDS = 20.0
MIGRATION_LOCK_SECONDS = 60.0
MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"
# Given up when the disk is full, so that the end of a job can still be stored.
RESERVE_BYTES = 1 << 20


class Database:
    """An engine whose schema is the one this code reads.

    Opening makes a missing SQLite file and applies pending migrations under a lock; a copy of the
    file from before stays beside it, because no migration can be undone, and so does one of each
    of the last days. Raises ``StoreError`` for a database that is damaged, lost, foreign, or of a
    newer version, and leaves it as it is.
    """

    def __init__(self, url: str, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> None:
        self.url = url
        self._busy_timeout_seconds = busy_timeout_seconds
        self.file = _sqlite_file(url)
        self._sqlite = None if self.file is None else SqliteFile(self.file, busy_timeout_seconds)
        self._damage: StoreError | None = None
        self._checked = False
        self.engine = self._engine()
        if self._version() != SCHEMA_VERSIONS[-1]:
            self._migrate()
        elif self._sqlite is not None:
            self._sqlite.keep_daily_copy()

    def check(self) -> None:
        """Look at every page of the file, once; ``StoreError`` where it is damaged.

        For whoever read something that cannot be right. Nothing is written to it afterwards.
        """
        if self._sqlite is not None and not self._checked:
            self._checked = True
            try:
                self._sqlite.version(every_page=True)
            except StoreError as error:
                self._damage = error
        if self._damage is not None:
            raise self._damage

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; database errors come out as ``StoreError``."""
        with self._worded(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that holds the write lock from its start, committed at the end.

        Raises ``StoreError`` where a damaged page was met before.
        """
        if self._damage is not None:
            raise self._damage
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

        Raises ``StoreError`` for one that is damaged, not ours, or of a newer version.
        """
        if self._sqlite is not None:
            return self._sqlite.version()
        with self.reading() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            version = connection.execute(text(SELECT_VERSION)).scalar()
        if version is not None and version not in SCHEMA_VERSIONS:
            raise StoreError(
                f"The run store {self._place()} is of version {version}, which is newer than this "
                f"code (version {SCHEMA_VERSIONS[-1]}). It was left as it is: update Headstart, or "
                "set HEADSTART_DATABASE_URL to another database."
            )
        return version

    def _migrate(self) -> None:
        if self._sqlite is not None:
            lock_path = self._sqlite.lock_path
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
        if self._sqlite is not None:
            if version is None:
                self._sqlite.refuse_lost()
            with self._sqlite.opened(self._sqlite.path.as_uri()) as connection:
                # Readers never wait for the writer; the mode is kept in the file.
                connection.execute("PRAGMA journal_mode = WAL")
                if version is not None:
                    self._keep_copy(connection, self._sqlite, version)
        with self.writing() as connection:
            upgrade_schema(connection)

    def _keep_copy(self, connection: sqlite3.Connection, file: SqliteFile, version: str) -> None:
        """The way back: no migration is undone, but the database from before it stays beside it."""
        try:
            file.keep_copy(connection, f"version-{version}")
        except OSError as error:
            raise StoreError(
                f"{file.path} must be upgraded, and no copy of it can be kept ({error}). It was "
                "left as it is: make room, or check who owns its folder."
            ) from error

    @contextmanager
    def _worded(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise  # a mistake in the code, not in the store
        except DBAPIError as error:
            self._refuse(str(error.orig), error)
        except sqlite3.Error as error:  # while a connection is prepared
            self._refuse(str(error), error)

    def _place(self) -> str:
        return make_url(self.url).render_as_string(hide_password=True)

    def _refuse(self, detail: str, error: Exception) -> NoReturn:
        """Raise what people read where the driver says ``detail``."""
        if self._sqlite is not None and tells_of_damage(detail):
            self._damage = self._sqlite.damaged(detail)
            raise self._damage from error
        if self.disk_is_full() and "full" not in detail:
            detail = f"the disk is full: {detail}"
        raise StoreError(message_of(self._place(), detail)) from error


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
