"""The table of imports: states, leases, and databases of the former version."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from core.datasets.reading.columns import Columns
from core.errors import BadInput, UnknownName
from core.experiments.store import Store, open_store
from core.runs.database import MIGRATIONS_FOLDER
from core.runs.import_files import import_folder_path
from core.settings import current_settings
from tests import made_up


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def go_on(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(home: Path, clock: Clock) -> Store:  # noqa: ARG001 - the store lies in that home
    return Store(current_settings().database_url, now=clock, lease_seconds=15)


def waiting(store: Store, import_id: str = "a1") -> str:
    """An import whose upload lies on disk."""
    path = import_folder_path(import_id) / "upload" / "pets.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"pets")
    store.create_import(import_id, path, "pets.zip", "pets", uploaded=True)
    return import_id


def begun(store: Store, import_id: str = "a1") -> str:
    waiting(store, import_id)
    assert store.begin_import(import_id, 1, "host", 4711)
    return import_id


def test_imports_are_listed_the_newest_first(store: Store, clock: Clock) -> None:
    for import_id in ("a1", "a2", "a3"):
        waiting(store, import_id)
        clock.go_on(1)
    assert [entry.id for entry in store.imports()] == ["a3", "a2", "a1"]
    record = store.import_record("a1")
    assert (record.state, record.name, record.source) == ("queued", "pets", "pets.zip")
    assert (record.progress, record.error, record.question) == (None, None, None)
    assert (record.notes, record.columns, record.attempts) == ((), None, 1)
    assert (record.is_active, record.can_retry, record.source_present) == (True, False, True)


def test_an_unknown_import_is_said(store: Store) -> None:
    waiting(store)
    with pytest.raises(UnknownName, match=r"no import named 'nope'\. Known: a1"):
        store.import_record("nope")
    with pytest.raises(UnknownName, match="no import named 'nope'"):
        store.request_import_cancel("nope")
    with pytest.raises(UnknownName, match="no import named 'nope'"):
        store.forget_import("nope")


def test_one_process_begins_and_no_other(store: Store) -> None:
    begun(store)
    assert store.begin_import("a1", 1, "host", 4712) is False
    assert store.begin_import("a1", 2, "host", 4712) is False
    assert store.import_record("a1").state == "running"


def test_an_import_that_is_cancelled_while_it_waits_does_not_begin(store: Store) -> None:
    waiting(store)
    assert store.request_import_cancel("a1").cancel_requested is True
    assert store.begin_import("a1", 1, "host", 4711) is False
    assert store.import_should_stop("a1", 1) is True
    assert store.mark_import_cancelled("a1", 1) is True
    assert store.import_record("a1").state == "cancelled"


def test_a_finished_import_is_told_and_found_by_its_file(store: Store) -> None:
    begun(store)
    assert store.set_import_progress("a1", 1, {"step": "Reading images"}) is True
    assert store.finish_import("a1", 1, "d" * 64, ["A note."], "f" * 64) is True
    record = store.import_record("a1")
    assert (record.state, record.dataset_id) == ("finished", "d" * 64)
    assert (record.notes, record.progress) == (("A note.",), None)
    assert record.finished_at == "2026-11-22T12:00:00.000000+00:00"
    assert store.datasets_read_from("f" * 64, None) == ["d" * 64]
    assert store.datasets_read_from("f" * 64, Columns(label="kind")) == []
    assert store.datasets_read_from("e" * 64, None) == []
    with pytest.raises(BadInput, match="is finished; its dataset is there"):
        store.requeue_import("a1", None)


def test_what_is_over_stays_as_it_is(store: Store) -> None:
    begun(store)
    store.fail_import("a1", 1, "Not a picture.")
    assert store.finish_import("a1", 1, "d" * 64, [], None) is False
    assert store.renew_import("a1", 1) is False
    assert store.mark_import_cancelled("a1", 1) is False
    assert store.request_import_cancel("a1").state == "failed"
    assert store.import_record("a1").cancel_requested is False
    assert store.import_record("a1").error == "Not a picture."


def test_a_failed_import_waits_again_with_the_columns_chosen(store: Store) -> None:
    begun(store)
    question = {"table": "labels.csv", "columns": ["a", "b"], "rows": [["1", "2"]]}
    store.fail_import("a1", 1, "Which column?", question)
    assert store.import_record("a1").question == question
    chosen = Columns(file="a", label="b")
    again = store.requeue_import("a1", chosen)
    assert (again.state, again.attempts, again.columns) == ("queued", 2, chosen)
    assert (again.error, again.question) == (None, None)
    assert store.fail_import("a1", 1, "A process of before.") is False
    store.fail_import("a1", 2, "Once more.")
    assert store.requeue_import("a1", None).columns == chosen
    with pytest.raises(BadInput, match="is queued; it need not be started again"):
        store.requeue_import("a1", None)


def test_without_its_upload_it_is_not_offered_again(store: Store) -> None:
    begun(store)
    store.fail_import("a1", 1, "Not a picture.")
    assert store.import_record("a1").can_retry is True
    (import_folder_path("a1") / "upload" / "pets.zip").unlink()
    assert store.import_record("a1").can_retry is False
    with pytest.raises(BadInput, match=r"pets\.zip is no longer there; give it again"):
        store.requeue_import("a1", None)


def test_forgetting_takes_record_and_upload_and_is_refused_while_at_work(store: Store) -> None:
    begun(store)
    with pytest.raises(BadInput, match="still at work; cancel it first"):
        store.forget_import("a1")
    assert import_folder_path("a1").exists()
    store.fail_import("a1", 1, "Not a picture.")
    store.forget_import("a1")
    assert store.imports() == []
    assert list(current_settings().imports_folder.iterdir()) == []


@pytest.mark.parametrize("begin", [True, False])
def test_a_silent_process_is_found_by_whoever_lists(
    store: Store, clock: Clock, begin: bool
) -> None:
    (begun if begin else waiting)(store)
    clock.go_on(14)
    assert store.imports()[0].is_active
    assert store.renew_import("a1", 1) is True
    clock.go_on(14)
    assert store.imports()[0].is_active
    clock.go_on(1)
    record = store.imports()[0]
    assert (record.state, record.can_retry) == ("interrupted", True)
    assert (record.error or "").startswith("The process that read these images ended early")
    assert store.reap_imports() == []


def test_a_silent_process_that_was_cancelled_leaves_no_upload(store: Store, clock: Clock) -> None:
    begun(store)
    store.request_import_cancel("a1")
    clock.go_on(15)
    assert store.import_record("a1").state == "cancelled"
    assert not (import_folder_path("a1") / "upload").exists()


def test_a_store_of_the_former_version_is_upgraded_without_loss(home: Path) -> None:
    file = home / "headstart.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    spec = made_up.spec().model_dump_json()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "INSERT INTO experiments VALUES ('e1', '2026-11-20T10:00:00.000000+00:00', ?, 'shapes',"
            " ?, 0, NULL)",
            (made_up.DATASET_ID, spec),
        )
        connection.execute(
            "INSERT INTO runs (id, experiment_id, position, queue_number, strategy, seed, settings,"
            " state, result, notes, attempts, cancel_requested, created_at) VALUES ('e1-cnn-0',"
            " 'e1', 0, 1, 'cnn', 0, '{}', 'finished', '{\"epochs\": 2}', '[]', 1, 0,"
            " '2026-11-20T10:00:00.000000+00:00')"
        )
        connection.execute("INSERT INTO epochs VALUES ('e1-cnn-0', 1, '{\"loss\": 0.5}')")
        connection.commit()
    upgraded = open_store()
    assert upgraded.experiment("e1").spec == made_up.spec()
    assert upgraded.run("e1-cnn-0").result == {"epochs": 2}
    assert upgraded.epochs("e1-cnn-0") == [{"loss": 0.5}]
    assert upgraded.imports() == []
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            ("0002",)
        ]
