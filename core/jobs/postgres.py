"""A PostgreSQL server as the run store: connections, locks, its clock, its words for people."""

import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    String,
    create_engine,
    event,
    func,
    inspect,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from core.errors import LockTimeout, StoreError, StoreLost
from core.jobs.records import SCHEMA_VERSIONS, metadata
from core.text import shorten

OLDEST_SERVER = 13  # the first with pg_current_snapshot()
DRIVER = "postgresql+psycopg"
INSTALL = "pip install --require-hashes -r requirements-cluster.txt"
# Any two numbers: locks of this kind are known by a number, in each database of a server.
WRITE_LOCK, CLAIM_LOCK = 0x6865616473746172, 0x636C61 << 32
CONNECT_SECONDS = 10
RETRY_SECONDS = 0.2
# A client that fell silent inside a transaction (a suspended laptop) holds what it has locked for
# this long; the same for the network between them.
IDLE_SECONDS = 60
LONGEST_DETAIL = 300
TABLES_LISTED = 3
NUMBERS = "job_numbers"
MOMENT_FORM = 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'
# The server is not there for the moment: words in the message of the client library, which gives no
# code for an error of a connection.
COMES_BACK = (
    "starting up",
    "shutting down",
    "not accepting connections",
    "not yet accepting",
    "recovery",
    "Connection refused",
    "No such file or directory",
    "closed the connection",
    "terminating connection",
    "too many clients",
    "connection slots",
)
ENDED = ("closed the connection", "terminating connection")
ADVICE_ON_CONNECTING = (
    (
        ("password authentication failed", "no password supplied"),
        "refuses the user name or the password; correct HEADSTART_DATABASE_URL, or keep the "
        "password in ~/.pgpass",
    ),
    (
        ("pg_hba.conf", "authentication failed"),
        "does not let this user in from here; ask its administrator",
    ),
    (
        ("does not exist",),
        "has no such database or user; make the database first (createdb), or correct "
        "HEADSTART_DATABASE_URL",
    ),
    (("too many clients", "connection slots"), "has no connection left; raise its max_connections"),
    (
        ("translate host name", "resolve host"),
        "is on a host that nobody knows; correct HEADSTART_DATABASE_URL",
    ),
)
UNREACHABLE = "cannot be reached; check that the server runs and that HEADSTART_DATABASE_URL is so"
LOCK_NOT_AVAILABLE = "55P03"
ADVICE_BY_CODE: Mapping[str | None, str] = {
    "25006": "cannot be written: this server is a copy that only reads",
    "40P01": "is held by another process; try again in a moment",
    "42501": "cannot be used by this user: give it the database (ALTER DATABASE ... OWNER TO ...)",
    "42P01": "has lost a table; go back to a copy (docs/backups.md)",
    "53100": "cannot grow: the disk of the database server is full; make room there",
    LOCK_NOT_AVAILABLE: "is held by another process; try again in a moment",
}

_engines: dict[tuple[URL, float], Engine] = {}
_engines_lock = threading.Lock()


@dataclass(frozen=True)
class PostgresServer:
    """One database of a PostgreSQL server.

    Whoever finds the server away, or a lock taken, waits ``wait_seconds``: a restart of the server
    is noticed by nobody. ``clock`` is the one clock of all leases.
    """

    url: URL
    wait_seconds: float

    def engine(self) -> Engine:
        """One for each process: its pool keeps a connection for each thread that is at work.

        A connection that the server ended is made anew before it is used.
        """
        with _engines_lock:
            key = self.url, self.wait_seconds
            if key not in _engines:
                _engines[key] = self._new_engine()
            return _engines[key]

    def version(self, connection: Connection) -> str | None:
        """The version of the schema, None in an empty database.

        Raises ``StoreError`` for a database that is of another program, or of a newer version.
        """
        found = inspect(connection)
        tables = set(found.get_table_names())
        ours = metadata.tables.keys()
        versions: list[str] = []
        if "alembic_version" in tables:
            versions = list(
                connection.execute(text("SELECT version_num FROM alembic_version")).scalars()
            )
        if not tables:
            self._refuse_server(connection)
            return None
        newest = SCHEMA_VERSIONS[-1]
        if len(versions) == 1 and versions[0] in SCHEMA_VERSIONS:
            if versions[0] == newest and (missing := sorted(ours - tables)):
                raise StoreError(
                    f"The run store {self.place} is damaged: it has no table {', '.join(missing)}. "
                    "Nothing was written to it; docs/backups.md says how to go back to a copy."
                )
            return versions[0]
        if len(versions) == 1 and versions[0].isdecimal() and tables & ours:
            raise StoreError(
                f"The run store {self.place} is of version {versions[0]}, which is newer than this "
                f"code (version {newest}). It was left as it is: update Headstart, or set "
                "HEADSTART_DATABASE_URL to another database."
            )
        listed = ", ".join(sorted(tables)[:TABLES_LISTED])
        raise StoreError(
            f"The database {self.place} holds tables of another program ({listed}); it was left as "
            "it is. Give Headstart a database of its own: createdb headstart."
        )

    def take_write_lock(self, connection: Connection) -> None:
        """Until the end of the transaction nobody else writes, whichever host they are on."""
        connection.execute(select(func.pg_advisory_xact_lock(WRITE_LOCK)))

    def take_migration_lock(self, connection: Connection, seconds: float) -> None:
        """The same lock, waited for as long as a migration takes; ``LockTimeout`` after that."""
        patience = func.set_config("lock_timeout", f"{seconds * 1000:.0f}ms", True)
        connection.execute(select(patience))
        try:
            self.take_write_lock(connection)
        except DBAPIError as error:
            if _code(error) == LOCK_NOT_AVAILABLE:
                raise LockTimeout(str(error.orig)) from error
            raise

    def take_claim_lock(self, connection: Connection, host: str) -> None:
        """Until the end of the transaction no other worker of the host claims a job."""
        of_host = CLAIM_LOCK + zlib.crc32(host.encode())
        connection.execute(select(func.pg_advisory_xact_lock(of_host)))

    def clock(self, connection: Connection) -> datetime:
        """The time of the server, at this moment and not at the start of the transaction."""
        return connection.execute(select(func.clock_timestamp())).scalar_one()

    def moment(self, seconds_from_now: float) -> ColumnElement[str]:
        """The same as a text of the form that all moments have, made by the server."""
        # Words in place of parameters: of more than fifty, the driver keeps no statement.
        then = f"clock_timestamp() + make_interval(secs => {float(seconds_from_now)})"
        return literal_column(f"to_char(timezone('UTC', {then}), '{MOMENT_FORM}')", String())

    def next_numbers(self, connection: Connection, count: int) -> list[int]:
        """Numbers of the queue, ascending; one that was handed out never comes again."""
        wanted = text(f"SELECT nextval('{NUMBERS}') FROM generate_series(1, :count)")
        return list(connection.execute(wanted, {"count": count}).scalars())

    def change_mark(self, connection: Connection) -> tuple[str, str]:
        """Differs from an earlier answer if anything was committed in between.

        The snapshot of a transaction says which others it sees: two with the same one see the same
        rows. It changes with each transaction that writes, in any database of the server.
        """
        seen = "SELECT pg_current_snapshot()::text, pg_postmaster_start_time()::text"
        snapshot, started = connection.execute(text(seen)).one()
        return snapshot, started

    @property
    def place(self) -> str:
        """For messages: without the password."""
        return self.url.render_as_string(hide_password=True)

    def refuse(self, error: DBAPIError) -> NoReturn:
        """Raise what people read where the driver raised ``error``."""
        # An end in the midst of connecting is not marked as one.
        lost = error.connection_invalidated or _has_any(str(error.orig), ENDED)
        kind = StoreLost if lost else StoreError
        raise kind(self._message_of(error)) from error

    def _message_of(self, error: DBAPIError) -> str:
        message = " ".join(str(error.orig).split())
        code, advice = _code(error), "cannot be used"
        if code in ADVICE_BY_CODE:
            advice = ADVICE_BY_CODE[code]
        elif error.connection_invalidated:
            advice = "was lost: the server ended the connection"
        elif code is None and type(error).__name__ == "OperationalError":
            found = (each for words, each in ADVICE_ON_CONNECTING if _has_any(message, words))
            advice = next(found, UNREACHABLE)
        return f"The run store {self.place} {advice} ({shorten(message, LONGEST_DETAIL)})."

    def _new_engine(self) -> Engine:
        milliseconds = f"{self.wait_seconds * 1000:.0f}"
        given = self.url.query.get("options", "")
        options = (
            f"{given if isinstance(given, str) else ' '.join(given)} -c lock_timeout={milliseconds}"
            f" -c idle_in_transaction_session_timeout={IDLE_SECONDS}s"
            f" -c tcp_keepalives_idle={IDLE_SECONDS}"
        )
        try:
            engine = create_engine(
                self.url.set(drivername=DRIVER),
                pool_pre_ping=True,
                connect_args={
                    "options": options.strip(),
                    "application_name": "headstart",
                    "client_encoding": "utf8",
                    "connect_timeout": CONNECT_SECONDS,
                    "keepalives_idle": IDLE_SECONDS,
                },
            )
        except ModuleNotFoundError as error:
            raise StoreError(
                f"The run store {self.place} needs the library psycopg, which is not installed "
                f"here: {INSTALL}"
            ) from error

        @event.listens_for(engine, "do_connect")
        def connect(dialect: Any, _record: Any, given: Any, named: Any) -> Any:
            give_up_at = time.monotonic() + self.wait_seconds
            while True:
                try:
                    return dialect.connect(*given, **named)
                except dialect.loaded_dbapi.OperationalError as error:
                    is_coming = _has_any(str(error), COMES_BACK)
                    if not is_coming or time.monotonic() >= give_up_at:
                        raise
                time.sleep(RETRY_SECONDS)

        return engine

    def _refuse_server(self, connection: Connection) -> None:
        """Raise ``StoreError`` where no schema can be made: too old, or not of Unicode."""
        version = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
        if version < OLDEST_SERVER:
            raise StoreError(
                f"The server of {self.place} is PostgreSQL {version}; Headstart needs "
                f"{OLDEST_SERVER} or newer."
            )
        encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
        if encoding != "UTF8":
            raise StoreError(
                f"The database {self.place} keeps texts as {encoding}, so not every name "
                "fits. Make one with: createdb --encoding UTF8 --template template0 headstart"
            )


def _has_any(message: str, words: tuple[str, ...]) -> bool:
    return any(word in message for word in words)


def _code(error: DBAPIError) -> str | None:
    """The server's code for an error (SQLSTATE); None for one of the connection."""
    return getattr(error.orig, "sqlstate", None)
