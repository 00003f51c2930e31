"""A PostgreSQL server of the tests' own: started once, on a socket alone, gone at the end."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, NullPool, create_engine

from core.jobs import postgres
from core.jobs.postgres import NUMBERS
from core.jobs.records import metadata

USER, DATABASE = "postgres", "headstart"
BOTH_DATABASES = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
"""For a contract: each test that uses ``database_url`` runs on both."""


def why_no_server() -> str | None:
    """Why no server can be started here; None where one can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed (requirements-dev.txt)"
    if _programs() is None:
        return "there is no PostgreSQL server on this machine (Debian: apt install postgresql)"
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        return "PostgreSQL does not run as root, and there is no runuser"
    return None


def _programs() -> Path | None:
    """The folder with ``initdb`` and ``pg_ctl``; Debian keeps them out of the path."""
    found = shutil.which("initdb")
    folders = [
        *([Path(found).resolve().parent] if found else []),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    ]
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@dataclass(frozen=True)
class Server:
    """A server that was started; ``folder`` has its socket, its data and its log.

    One that is not ``is_durable`` never waits for the disk, as tests need no more.
    """

    folder: Path
    is_durable: bool = False

    def url(self, database: str = DATABASE, user: str = USER, password: str = "") -> str:
        named = f"{user}:{password}" if password else user
        return f"postgresql://{named}@/{database}?host={self.folder}"

    def start(self) -> None:
        fsync = "on" if self.is_durable else "off"
        options = f"-k {self.folder} -c listen_addresses='' -c fsync={fsync}"
        self._run("pg_ctl", "start", "-w", "-l", str(self.folder / "log"), "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """``immediate`` is what a crash is like."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def make(self) -> None:
        as_utf8 = ("--encoding", "UTF8", "--locale", "C.UTF-8")
        self._run("initdb", "-A", "trust", "-U", USER, "--no-sync", *as_utf8)
        rules = self.folder / "data" / "pg_hba.conf"
        rules.write_text("local all guest scram-sha-256\n" + rules.read_text())

    @contextmanager
    def connection(self, database: str = DATABASE) -> Iterator[Connection]:
        """Each statement is in a transaction of its own, or outside of any."""
        url = self.url(database).replace("postgresql", postgres.DRIVER, 1)
        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            yield connection

    def execute(self, *statements: str, database: str = DATABASE) -> list[Any]:
        """The rows of the last."""
        rows: list[Any] = []
        with self.connection(database) as connection:
            for statement in statements:
                result = connection.exec_driver_sql(statement)
                rows = [tuple(row) for row in result] if result.returns_rows else []
        return rows

    @contextmanager
    def new_database(self, name: str, more: str = "") -> Iterator[str]:
        """The URL of an empty database, dropped at the end with all its connections."""
        self.execute(f"CREATE DATABASE {name} {more}", database="postgres")
        try:
            yield self.url(name)
        finally:
            forget_connections()
            self.execute(f"DROP DATABASE {name} WITH (FORCE)", database="postgres")

    def _run(self, program: str, *arguments: str) -> None:
        folder = _programs()
        assert folder is not None
        command = [str(folder / program), "-D", str(self.folder / "data"), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", USER, "--", *command]
        done = subprocess.run(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            log = self.folder / "log"
            told = log.read_text() if log.exists() else ""
            raise AssertionError(f"{command}: {done.stdout.decode()} {told}")


def forget_connections() -> None:
    """Close those of this process: nobody warns of one that is left open."""
    for engine in postgres._engines.values():
        engine.dispose()
    postgres._engines.clear()


@contextmanager
def running_server(is_durable: bool = False) -> Iterator[Server]:
    # Not below pytest's folder: a socket has a short path, and the server's user must get there.
    folder = Path(tempfile.mkdtemp(prefix="headstart-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    server = Server(folder, is_durable)
    try:
        server.make()
        server.start()
        try:
            server.execute(
                f"CREATE DATABASE {DATABASE}",
                "CREATE ROLE guest LOGIN PASSWORD 'right'",
                "CREATE ROLE reader LOGIN",
                database="postgres",
            )
            yield server
        finally:
            forget_connections()
            server.stop("immediate")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One for each worker of the session; a test that stops it starts it again."""
    if (reason := why_no_server()) is not None:
        pytest.skip(reason)
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> str:
    """A database without a row in it, its tables made once for all tests."""
    url = postgres_server.url()
    names = ", ".join(metadata.tables)
    has_tables = "SELECT to_regclass('alembic_version') IS NOT NULL"
    ((made,),) = postgres_server.execute(has_tables)
    if made:
        restart = f"ALTER SEQUENCE {NUMBERS} RESTART"
        postgres_server.execute(f"TRUNCATE {names}", restart)
    return url


@pytest.fixture
def database_url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """The setting ``HEADSTART_DATABASE_URL``; None for SQLite in the home (``BOTH_DATABASES``)."""
    if getattr(request, "param", "sqlite") == "sqlite":
        monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
        return None
    url: str = request.getfixturevalue("postgres_url")
    monkeypatch.setenv("HEADSTART_DATABASE_URL", url)
    return url
