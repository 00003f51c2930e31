"""Schema, versions, and databases that cannot be used."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, inspect

from core.errors import StoreError
from core.experiments.store import Store
from core.files import lock
from core.jobs import database as database_module
from core.jobs import sqlite_file
from core.jobs.database import MIGRATIONS_FOLDER, Database
from core.jobs.launchers import child_environment
from core.jobs.records import SCHEMA_VERSIONS, metadata
from core.settings import PROJECT_ROOT
from tests import made_up
from tests.new_databases import dumped, upgrade_schema_once

pytestmark = pytest.mark.usefixtures("real_migrations")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vélo 50% off" / "headstart.db"


def url(file: Path) -> str:
    return f"sqlite:///{file}"


@contextmanager
def raw(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file)) as connection:
        yield connection


def test_the_migrations_give_the_schema_of_the_metadata(file: Path) -> None:
    database = Database(url(file))
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        found = inspect(connection)
        migrated = {name: found.get_indexes(name) for name in metadata.tables}
    fresh = create_engine("sqlite://", poolclass=NullPool)
    with fresh.connect() as connection:
        metadata.create_all(connection)
        found = inspect(connection)
        assert {name: found.get_indexes(name) for name in metadata.tables} == migrated


def test_new_databases_of_tests_are_what_the_migrations_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Database(url(tmp_path / "migrated.db")).reading() as connection:
        expected = dumped(connection)
    monkeypatch.setattr(database_module, "upgrade_schema", upgrade_schema_once)
    for name in ("first.db", "second.db"):
        with Database(url(tmp_path / name)).reading() as connection:
            assert dumped(connection) == expected


def test_the_list_of_versions_is_that_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == SCHEMA_VERSIONS


def test_readers_and_the_writer_do_not_wait_for_each_other(file: Path) -> None:
    database = Database(url(file))
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_database_of_a_newer_version_is_refused_and_left_alone(file: Path) -> None:
    Database(url(file))
    with raw(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = file.read_bytes()
    with pytest.raises(StoreError, match="version 9999, which is newer than this code"):
        Database(url(file))
    assert file.read_bytes() == before


def test_a_database_of_somebody_else_is_refused_and_left_alone(file: Path) -> None:
    file.parent.mkdir()
    with raw(file) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.commit()
    before = file.read_bytes()
    with pytest.raises(StoreError, match="not one of Headstart's"):
        Database(url(file))
    assert file.read_bytes() == before


def test_a_damaged_database_is_refused_and_left_alone(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"this was never a database " * 100)
    before = file.read_bytes()
    with pytest.raises(StoreError, match=r"damaged \(file is not a database\); it was left"):
        Database(url(file))
    assert file.read_bytes() == before


def test_a_locked_database_is_waited_for_and_then_named(file: Path) -> None:
    store = Store(url(file), busy_timeout_seconds=0.1)
    with raw(file) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is held by another process"):
            store.create_experiment(made_up.spec())
        assert store.experiments() == []  # reading goes on meanwhile
    store.create_experiment(made_up.spec())
    assert len(store.experiments()) == 1


def test_a_database_that_another_process_is_making_is_waited_for_and_then_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "MIGRATION_LOCK_SECONDS", 0.1)
    with (
        lock(file.with_name("headstart.db.lock")),
        pytest.raises(StoreError, match=r"is being made or upgraded by another process, and was"),
    ):
        Database(url(file))
    assert not file.exists()
    Database(url(file))


def test_a_database_is_not_upgraded_without_a_copy(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.parent.mkdir()
    with raw(file) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0002')")
        connection.commit()

    def full(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sqlite_file, "written_whole", full)
    with pytest.raises(StoreError, match=r"no copy of it can be kept \(.*No space left"):
        Database(url(file))
    with raw(file) as connection:
        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [("0002",)]


def test_a_memory_database_is_refused() -> None:
    with pytest.raises(StoreError, match="must be a file"):
        Database("sqlite://")


def test_a_failed_transaction_leaves_nothing(file: Path) -> None:
    store = Store(url(file))

    def broken() -> None:
        with store.database.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO job_workers VALUES ('w', 'host', 1, NULL, 'then', 'later', '', '')"
            )
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        broken()
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM job_workers").scalar() == 0


def test_eight_openers_at_once_make_one_schema(file: Path) -> None:
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            Database(url(file))
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with raw(file) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (SCHEMA_VERSIONS[-1],)
        ]


ON_A_FULL_DISK = """
import sys
from pathlib import Path
from core.errors import StoreError
from core.jobs.queue import JobQueue
from core.jobs.progress import Progress
from core.jobs.records import NewJob
queue = JobQueue(f"sqlite:///{sys.argv[1]}/headstart.db")
queue.add_job(NewJob("a", "explain", {}))
queue.claim_next("worker")
queue.database.keep_reserve()
try:
    with open(Path(sys.argv[1]) / "fill", "wb", buffering=0) as fill:
        while True:
            fill.write(bytes(4096))
except OSError:
    pass
try:
    queue.set_progress("a", Progress("x"), 1)
except StoreError as error:
    print(error)
print(queue.fail("a", "No room.", 1), queue.job("a").state, queue.job("a").error)
"""


def test_on_a_full_disk_the_end_of_a_job_is_stored_all_the_same(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    script = tmp_path / "script.py"
    script.write_text(ON_A_FULL_DISK)
    mounted = f"mount -t tmpfs -o size=16m tmpfs '{small}'"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mounted], check=False).returncode:
        pytest.skip("no small disk can be made here: mount in a namespace of its own is refused")
    command = f"{mounted} && exec '{sys.executable}' '{script}' '{small}'"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command],
        env=child_environment(),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    refused, stored = done.stdout.splitlines()
    assert refused.startswith("The disk is full. Make room on it")
    assert stored == "True failed No room."


def test_a_stop_while_a_connection_is_closed_is_raised_and_not_logged(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stopped(connection: sqlite3.Connection) -> None:
        connection.close()
        raise error

    database = Database(url(file))
    monkeypatch.setattr(database.engine.dialect, "do_close", stopped)
    error: BaseException = sqlite3.OperationalError("disk I/O error")
    with database.reading():
        pass
    assert [record.name for record in caplog.records] == ["sqlalchemy.pool.impl.NullPool"]
    caplog.clear()
    error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt), database.reading():
        pass
    assert caplog.records == []
