"""Opening the database of runs and jobs: connections, transactions, migrations, error messages."""

import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    NullPool,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError

from core.errors import LockTimeout, StoreError
from core.files import lock, write_bytes
from core.jobs.changes import ChangeCounter
from core.jobs.postgres import PostgresServer
from core.jobs.records import SCHEMA_VERSIONS, jobs
from core.jobs.sqlite_file import SqliteFile, message_of, tells_of_damage

BUSY_TIMEOUT_SECONDS = 20.0
MIGRATION_LOCK_SECONDS = 60.0
MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"
# Given up when the disk is full, so that the end of a job can still be stored.
RESERVE_BYTES = 1 << 20
FORMS = "Give sqlite:///PATH, or postgresql://USER:PASSWORD@HOST/DATABASE."


class Database:
    """An engine whose schema is the one this code reads.

    Opening makes a missing SQLite file, or the tables of an empty PostgreSQL database, and applies
    pending migrations under a lock. A copy of a SQLite file from before stays beside it, because no
    migration can be undone, and so does one of each of the last days. Raises ``StoreError`` for a
    database that is damaged, lost, foreign, or of a newer version, and leaves it as it is.

    ``busy_timeout_seconds`` is how long to wait for a lock, and for a server that starts again.
    """

    def __init__(self, url: str, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> None:
        self.url = url
        self._busy_timeout_seconds = busy_timeout_seconds
        self._kept_in = _kept_in(url, busy_timeout_seconds)
        self.file = self._kept_in.path if isinstance(self._kept_in, SqliteFile) else None
        self._damage: StoreError | None = None
        self._checked = False
        self.engine = self._engine()
        pool = type(self.engine.pool)
        logging.getLogger(f"{pool.__module__}.{pool.__name__}").addFilter(_is_no_stop)
        if self._version() != SCHEMA_VERSIONS[-1]:
            self._migrate()
        elif isinstance(self._kept_in, SqliteFile):
            self._kept_in.keep_daily_copy()

    def check(self) -> None:
        """Look at every page of the file, once; ``StoreError`` where it is damaged.

        For whoever read something that cannot be right. Nothing is written to it afterwards.
        """
        if isinstance(self._kept_in, SqliteFile) and not self._checked:
            self._checked = True
            try:
                self._kept_in.version(every_page=True)
            except StoreError as error:
                self._damage = error
        if self._damage is not None:
            raise self._damage

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; database errors come out as ``StoreError``."""
        options: dict[str, Any] = {}
        if isinstance(self._kept_in, PostgresServer):
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._worded(), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that holds the write lock from its start, committed at the end.

        Raises ``StoreError`` where a damaged page was met before, and ``StoreLost`` where the
        server did not answer any more: then nobody knows whether it was committed.
        """
        with self._transaction() as connection:
            if isinstance(self._kept_in, PostgresServer):
                self._kept_in.take_write_lock(connection)
            yield connection

    @contextmanager
    def claiming(self, host: str) -> Iterator[Connection]:
        """Like ``writing``, but on a server only workers of the same host wait for each other.

        For a transaction that locks each row that it changes, and skips those that are locked.
        """
        with self._transaction() as connection:
            if isinstance(self._kept_in, PostgresServer):
                self._kept_in.take_claim_lock(connection, host)
            yield connection

    def clock(self, connection: Connection) -> datetime:
        """The time by which all leases are measured: on a server it is that of the server."""
        if isinstance(self._kept_in, PostgresServer):
            return self._kept_in.clock(connection)
        return datetime.now(UTC)

    def moment(self, seconds_from_now: float) -> ColumnElement[str]:
        """The time of a server inside a statement, where asking first would cost a question."""
        if isinstance(self._kept_in, SqliteFile):
            raise TypeError("a SQLite file has no clock")
        return self._kept_in.moment(seconds_from_now)

    def next_numbers(self, connection: Connection, count: int) -> list[int]:
        """The next numbers of the queue, ascending, inside a transaction that writes."""
        if isinstance(self._kept_in, PostgresServer):
            return self._kept_in.next_numbers(connection, count)
        last = connection.execute(select(func.max(jobs.c.queue_number))).scalar() or 0
        return list(range(last + 1, last + 1 + count))

    def changes(self) -> Callable[[], Hashable | None]:
        """What to ask whether anything was committed meanwhile: its answer differs then."""
        if isinstance(self._kept_in, SqliteFile):
            return ChangeCounter(self._kept_in.path).now
        server = self._kept_in

        def mark() -> Hashable:
            options: dict[str, Any] = {
                "isolation_level": "AUTOCOMMIT"
            }  # one question to the server
            with self._worded(), self.engine.connect().execution_options(**options) as connection:
                return server.change_mark(connection)

        return mark

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

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if self._damage is not None:
            raise self._damage
        options: dict[str, Any] = {"headstart_begin": "BEGIN IMMEDIATE"}
        with (
            self._worded(),
            self.engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    def _engine(self) -> Engine:
        if isinstance(self._kept_in, PostgresServer):
            return self._kept_in.engine()
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
        if isinstance(self._kept_in, SqliteFile):
            return self._kept_in.version()
        with self.reading() as connection:
            return self._kept_in.version(connection)

    def _migrate(self) -> None:
        try:
            if isinstance(self._kept_in, SqliteFile):
                with lock(self._kept_in.lock_path, timeout_seconds=MIGRATION_LOCK_SECONDS):
                    self._migrate_file(self._kept_in)
            else:
                self._migrate_server(self._kept_in)
        except LockTimeout as error:
            raise StoreError(
                f"The run store {self._place()} is being made or upgraded by another process, and "
                f"was not ready after {MIGRATION_LOCK_SECONDS:.0f} s. Try again in a minute; if "
                "nothing changes, end the other Headstart processes first."
            ) from error

    def _migrate_file(self, file: SqliteFile) -> None:
        version = file.version()
        if version == SCHEMA_VERSIONS[-1]:
            return  # another process did it while this one waited
        if version is None:
            file.refuse_lost()
        with file.opened(file.path.as_uri()) as connection:
            # Readers never wait for the writer; the mode is kept in the file.
            connection.execute("PRAGMA journal_mode = WAL")
            if version is not None:
                self._keep_copy(connection, file, version)
        with self.writing() as connection:
            upgrade_schema(connection)

    def _migrate_server(self, server: PostgresServer) -> None:
        """In one transaction, behind the lock of all that write: whoever dies leaves nothing."""
        with self._transaction() as connection:
            server.take_migration_lock(connection, MIGRATION_LOCK_SECONDS)
            if server.version(connection) != SCHEMA_VERSIONS[-1]:
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
            if isinstance(self._kept_in, PostgresServer):
                self._kept_in.refuse(error)
            self._refuse(self._kept_in, str(error.orig), error)
        except sqlite3.Error as error:  # while a connection is prepared
            if isinstance(self._kept_in, PostgresServer):
                raise
            self._refuse(self._kept_in, str(error), error)

    def _place(self) -> str:
        return make_url(self.url).render_as_string(hide_password=True)

    def _refuse(self, file: SqliteFile, detail: str, error: Exception) -> NoReturn:
        """Raise what people read where the driver says ``detail``."""
        if tells_of_damage(detail):
            self._damage = file.damaged(detail)
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


def _is_no_stop(record: logging.LogRecord) -> bool:
    """Ctrl-C or SIGTERM while a connection is being closed is no error; it is raised as well."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, KeyboardInterrupt)


def _kept_in(url: str, wait_seconds: float) -> SqliteFile | PostgresServer:
    """What the URL names. Raises ``StoreError`` for what Headstart cannot use."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"HEADSTART_DATABASE_URL is no URL of a database. {FORMS}") from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return PostgresServer(parsed, wait_seconds)
    if backend != "sqlite":
        raise StoreError(f"Headstart keeps nothing in {backend}. {FORMS}")
    if not parsed.database or parsed.database == ":memory:":
        raise StoreError("The run store is shared by processes, so it must be a file, not memory.")
    return SqliteFile(Path(parsed.database).absolute(), wait_seconds)
