"""Damaged and lost database files: refused in a sentence, nothing written, and the way back."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from core.errors import DISK_IS_FULL_TEXT, StoreError
from core.experiments.store import Store
from core.jobs import sqlite_file
from core.jobs.database import Database
from core.jobs.records import NewJob, metadata
from core.jobs.sqlite_file import DAILY_COPIES_KEPT, message_of
from core.settings import current_settings
from tests import made_up

TODAY = f"headstart-{datetime.now(UTC).date().isoformat()}.db"


@pytest.fixture
def filled(home: Path) -> Path:
    """The database of a home that holds runs, all of it in the one file."""
    store = Store(current_settings().database_url)
    for _ in range(30):
        experiment_id = store.create_experiment(made_up.spec())
    (home / "runs" / f"{experiment_id}-cnn-0").mkdir(parents=True)
    file = home / "headstart.db"
    run(file, "PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def opened() -> Store:
    return Store(current_settings().database_url)


def run(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def contents(folder: Path) -> dict[str, bytes]:
    """What a writer would change; readers may leave an empty log of writes and its index."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.is_file() and not path.name.endswith(("-shm", ".lock")) and path.stat().st_size
    }


def refused(file: Path, words: str) -> str:
    """The sentence, after which everything is as it was."""
    before = contents(file.parent)
    with pytest.raises(StoreError, match=words) as error:
        opened()
    assert contents(file.parent) == before
    assert "docs/backups.md" in str(error.value)
    return str(error.value)


def drop_all_tables(file: Path) -> None:
    tables = [table.name for table in reversed(metadata.sorted_tables)]
    run(file, *(f"DROP TABLE {table}" for table in (*tables, "alembic_version")))


@pytest.mark.parametrize(
    ("lose", "state"),
    [
        (lambda file: file.write_bytes(b""), "is empty"),
        (drop_all_tables, "is empty"),
        (Path.unlink, "is missing"),
    ],
)
def test_a_home_with_runs_and_no_tables_is_no_first_start(
    filled: Path, lose: Callable[[Path], object], state: str
) -> None:
    lose(filled)
    message = refused(filled, f"{state}, but .* holds 1 run, so it was lost or damaged")
    assert "To start anew without the former experiments, move away" in message
    shutil.rmtree(filled.parent / "runs")
    assert opened().experiments() == []


def test_a_copy_beside_the_file_shows_too_that_it_is_no_first_start(filled: Path) -> None:
    opened()
    shutil.rmtree(filled.parent / "runs")
    filled.write_bytes(b"")
    message = refused(filled, "is empty, but beside it lies 1 copy of it")
    assert f"The newest copy is {TODAY}, beside it." in message


def test_a_new_place_for_the_database_is_a_first_start(filled: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "runs.db"
    assert Store(f"sqlite:///{elsewhere}").experiments() == []
    assert filled.exists()


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["DROP TABLE alembic_version"], "its table of versions is missing"),
        (["DELETE FROM alembic_version"], "its table of versions has not one version"),
        (["UPDATE alembic_version SET version_num = 'x'"], "its version is 'x'"),
        (["UPDATE alembic_version SET version_num = ''"], "its version is ''"),
        (
            ["UPDATE alembic_version SET version_num = x'00'"],
            "its table of versions has not one version",
        ),
        (["DROP TABLE epochs", "DROP TABLE runs"], "it has no table epochs, runs"),
        (["DROP TABLE jobs"], "it has no table jobs"),
    ],
)
def test_tables_that_are_missing(filled: Path, statements: list[str], words: str) -> None:
    run(filled, *statements)
    refused(filled, f"is damaged \\({words}\\)")


def noise(file: Path, first_page: int, last_page: int) -> None:
    pages = bytearray(file.read_bytes())
    size = int.from_bytes(pages[16:18], "big")
    start, end = first_page * size, min(last_page * size, len(pages))
    pages[start:end] = np.random.default_rng(1).bytes(end - start)
    file.write_bytes(pages)


@pytest.mark.parametrize("page", range(1, 12))
def test_a_page_of_noise_is_refused_wherever_it_is(filled: Path, page: int) -> None:
    assert filled.stat().st_size > 12 * 4096
    noise(filled, page, page + 1)
    refused(filled, "is damaged")


def test_a_large_file_is_looked_at_once_a_day_and_where_something_is_wrong(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "CHECKED_EACH_TIME_BYTES", 4096)
    database = opened().database  # and the copy of today is kept
    with closing(sqlite3.connect(filled)) as connection:
        wanted = "SELECT rootpage FROM sqlite_master WHERE name = 'epochs'"
        (root,) = connection.execute(wanted).fetchone()
    noise(filled, root - 1, root)  # where nobody looks who opens it
    assert opened().database.file == filled
    with pytest.raises(StoreError, match="is damaged"):
        database.check()
    filled.with_name(TODAY).unlink()
    refused(filled, "is damaged")


def test_a_file_that_was_cut_short_is_refused(filled: Path) -> None:
    filled.write_bytes(filled.read_bytes()[: filled.stat().st_size // 2])
    refused(filled, "is damaged")


def test_after_a_damaged_page_was_met_nothing_is_written(filled: Path) -> None:
    store = opened()
    noise(filled, 1, filled.stat().st_size // 4096)
    before = filled.read_bytes()
    with pytest.raises(StoreError, match="is damaged"):
        store.experiments()
    for write in (
        lambda: store.create_experiment(made_up.spec()),
        lambda: store.add_job(NewJob("x", "live", {})),
    ):
        with pytest.raises(StoreError, match="nothing is written to it"):
            write()
    assert filled.read_bytes() == before


# Copies -------------------------------------------------------------------------------------------


def test_each_day_on_which_it_is_opened_leaves_a_copy_that_can_be_gone_back_to(
    filled: Path,
) -> None:
    assert not filled.with_name(TODAY).exists()
    opened()
    copy = filled.with_name(TODAY)
    kept = copy.read_bytes()
    run(filled, "DELETE FROM epochs", "DELETE FROM runs", "DELETE FROM experiments")
    opened()
    assert copy.read_bytes() == kept
    assert sorted(path.name for path in filled.parent.iterdir() if "part" in path.name) == []
    for name in ("headstart.db", "headstart.db-wal", "headstart.db-shm"):
        filled.with_name(name).unlink(missing_ok=True)
    shutil.copyfile(copy, filled)
    assert len(opened().experiments()) == 30


def test_few_copies_are_kept_and_other_files_stay(filled: Path) -> None:
    today = datetime.now(UTC).date()
    names = [f"headstart-{today - timedelta(days=back)}.db" for back in range(1, 6)]
    others = ["headstart-version-0002.db", "headstart-mine.db", "notes-2026-01-01.db"]
    for name in names + others:
        filled.with_name(name).write_bytes(b"older")
    opened()
    left = {path.name for path in filled.parent.glob("*.db")} - {"headstart.db", *others}
    assert left == {TODAY, *names[: DAILY_COPIES_KEPT - 1]}
    assert all(filled.with_name(name).exists() for name in others)


def test_where_no_copy_can_be_kept_the_store_opens_all_the_same(
    filled: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sqlite_file, "written_whole", full)
    assert len(opened().experiments()) == 30
    assert "no copy of" in caplog.text
    assert not filled.with_name(TODAY).exists()


def test_a_damaged_file_is_not_copied_over_a_good_copy(filled: Path) -> None:
    noise(filled, 3, 4)
    refused(filled, "is damaged")
    assert not filled.with_name(TODAY).exists()


# Words --------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_as_everywhere() -> None:
    message = message_of("here", "database or disk is full")
    assert message.startswith(f"{DISK_IS_FULL_TEXT} The run store here cannot grow")


def test_a_path_that_is_too_long_for_the_driver_is_told(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 200) / ("y" * 200) / ("z" * 200)
    folder.mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be opened: check that its folder is there"):
        Database(f"sqlite:///{folder / 'headstart.db'}")
