"""A commit by anybody is noticed at once; reading, and nothing at all, change nothing."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from core.jobs.changes import ChangeCounter


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a b.db"
    execute(path, "PRAGMA journal_mode = WAL", "CREATE TABLE numbers (number INTEGER)")
    return path


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_only_a_commit_counts(file: Path) -> None:
    counter = ChangeCounter(file)
    before = counter.now()
    assert before is not None
    execute(file, "SELECT * FROM numbers")
    assert counter.now() == before
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO numbers VALUES (1)")
        assert counter.now() == before
        connection.commit()
        assert counter.now() != before


def test_a_thousand_commits_in_a_row_are_each_seen(file: Path) -> None:
    counter = ChangeCounter(file)
    seen = {counter.now()}
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for _ in range(1000):
            connection.execute("UPDATE numbers SET number = number")
            connection.execute("INSERT INTO numbers VALUES (1)")
            seen.add(counter.now())
    assert len(seen) == 1001


def test_a_commit_of_another_process_counts(file: Path) -> None:
    counter = ChangeCounter(file)
    before = counter.now()
    program = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1])\n"
        "connection.execute('INSERT INTO numbers VALUES (1)')\n"
        "connection.commit()\n"
    )
    subprocess.run([sys.executable, "-c", program, str(file)], check=True)
    assert counter.now() != before


def test_another_file_in_its_place_counts(file: Path) -> None:
    counter = ChangeCounter(file)
    before = counter.now()
    copy = file.with_name("copy.db")
    execute(file, f"VACUUM INTO '{copy}'")
    again = counter.now()
    copy.replace(file)
    assert counter.now() not in (before, again)
    assert counter.now() == counter.now()


def test_a_file_that_is_written_over_counts(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    execute(other, "CREATE TABLE others (name TEXT)", "INSERT INTO others VALUES ('x')")
    counter = ChangeCounter(file)
    before = counter.now()
    shutil.copyfile(other, file)
    assert counter.now() != before


def test_a_file_that_is_not_there_tells_nothing_until_it_is(tmp_path: Path) -> None:
    counter = ChangeCounter(tmp_path / "later.db")
    assert counter.now() is None
    execute(tmp_path / "later.db", "CREATE TABLE numbers (number INTEGER)")
    assert counter.now() is not None


def test_a_file_that_is_emptied_counts(file: Path) -> None:
    counter = ChangeCounter(file)
    before = counter.now()
    file.write_bytes(b"")
    assert counter.now() != before
