"""Imports as pages see them: what is listed, tried again, forgotten; homes of former versions."""

import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from core.datasets.reading_choice import Choice
from core.errors import BadInput, UnknownName
from core.experiments import imports
from core.experiments.import_job import datasets_read_from
from core.experiments.imports import (
    cancel_import,
    find_import,
    forget_import,
    import_folder,
    list_imports,
    receive_upload,
    retry_import,
)
from core.experiments.store import Store, open_store
from core.experiments.uploads import import_folder_path
from core.jobs.database import MIGRATIONS_FOLDER
from core.jobs.records import SCHEMA_VERSIONS, Progress
from core.settings import current_settings
from tests import made_up

MOMENT = "2026-11-20T10:00:00.000000+00:00"
OLD_RUNS = (
    ("e1-cnn-1", "finished", json.dumps(made_up.result().as_dict())),
    ("e1-cnn-2", "queued", None),
    ("e1-cnn-3", "running", None),
    ("e1-cnn-4", "failed", None),
    ("e1-cnn-5", "queued", None),
)
OLD_IMPORTS = (
    ("i1", "finished", "d" * 64, None),
    ("i2", "failed", None, '{"table": "t.csv"}'),
    ("i3", "queued", None, None),
)


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


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "ensure_worker", lambda _queue: False)


def waiting(store: Store) -> str:
    """An import whose upload lies on disk."""
    return receive_upload(store, [("pets.zip", io.BytesIO(b"pets"))], "pets")


def begun(store: Store) -> str:
    import_id = waiting(store)
    job = store.claim_next("worker")
    assert job is not None
    assert job.id == import_id
    return import_id


def test_imports_are_listed_the_newest_first(store: Store, clock: Clock) -> None:
    ids = []
    for _ in range(3):
        ids.append(waiting(store))
        clock.go_on(1)
    assert [entry.id for entry in list_imports(store)] == ids[::-1]
    record = find_import(store, ids[0])
    assert (record.state, record.name, record.source) == ("queued", "pets", "pets.zip")
    assert (record.progress, record.error, record.question) == (None, None, None)
    assert (record.notes, record.choice, record.attempts) == ((), Choice(), 0)
    assert (record.is_active, record.can_retry, record.source_present) == (True, False, True)


def test_an_unknown_import_is_said(store: Store) -> None:
    import_id = waiting(store)
    experiment_id = store.create_experiment(made_up.spec())
    for verb in (find_import, cancel_import, forget_import, retry_import):
        with pytest.raises(UnknownName, match=rf"no import named 'nope'\. Known: {import_id}"):
            verb(store, "nope")
        with pytest.raises(UnknownName, match="no import named"):  # a run is none
            verb(store, f"{experiment_id}-cnn-0")


def test_an_import_that_is_cancelled_while_it_waits_leaves_no_upload(store: Store) -> None:
    import_id = waiting(store)
    assert cancel_import(store, import_id).state == "cancelled"
    assert not (import_folder_path(import_id) / "upload").exists()
    assert store.claim_next("worker") is None


def test_a_finished_import_is_told_and_found_by_its_file(store: Store) -> None:
    import_id = begun(store)
    result = {"dataset_id": "d" * 64, "notes": ["A note."], "digest": "f" * 64}
    assert store.finish(import_id, result, 1)
    record = find_import(store, import_id)
    assert (record.state, record.dataset_id) == ("finished", "d" * 64)
    assert (record.notes, record.progress) == (("A note.",), None)
    assert record.finished_at == "2026-11-22T12:00:00.000000+00:00"
    assert datasets_read_from(store, "f" * 64, Choice()) == ["d" * 64]
    assert datasets_read_from(store, "f" * 64, Choice(label_column="kind")) == []
    assert datasets_read_from(store, "e" * 64, Choice()) == []
    with pytest.raises(BadInput, match="is finished; its dataset is there"):
        retry_import(store, import_id)


def test_a_failed_import_waits_again_with_the_columns_chosen(store: Store) -> None:
    import_id = begun(store)
    question = {"table": "labels.csv", "columns": ["a", "b"], "rows": [["1", "2"]]}
    store.fail(import_id, "Which column?", 1, {"question": question})
    (table,) = find_import(store, import_id).question.tables
    assert table.model_dump() == {"name": "labels.csv", "columns": ["a", "b"], "rows": [["1", "2"]]}
    chosen = Choice(file_column="a", label_column="b")
    again = retry_import(store, import_id, chosen)
    assert (again.state, again.choice) == ("queued", chosen)
    assert (again.error, again.question) == (None, None)
    store.claim_next("worker")
    assert store.fail(import_id, "A process of before.", 1) is False
    assert store.fail(import_id, "Once more.", 2)
    assert retry_import(store, import_id).choice == chosen
    with pytest.raises(BadInput, match="is queued; it need not be started again"):
        retry_import(store, import_id)


@pytest.mark.parametrize("is_old", [False, True])
def test_a_question_can_be_answered_after_the_home_was_moved(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch, is_old: bool
) -> None:
    uploaded = begun(store)
    (home / "inbox" / "dogs").mkdir(parents=True)
    inside = import_folder(store, "dogs", None)
    assert store.job(inside).arguments["path"] == "inbox/dogs"
    if is_old:  # the first edition kept an absolute path
        job = store.job(uploaded)
        store.fail(uploaded, "Which column?")
        store.requeue_job(uploaded, job.arguments | {"path": str(home / job.arguments["path"])})
        assert (store.claim_next("worker"), store.claim_next("worker")) != (None, None)
    store.fail(uploaded, "Which column?")
    store.cancel_job(inside)
    moved = home.rename(home.with_name("moved home"))
    monkeypatch.setenv("HEADSTART_HOME", str(moved))
    again = open_store()
    assert find_import(again, uploaded).path.read_bytes() == b"pets"
    assert find_import(again, inside).path == moved / "inbox" / "dogs"
    assert retry_import(again, uploaded, Choice(label_column="kind")).state == "queued"


def test_without_its_upload_it_is_not_offered_again(store: Store) -> None:
    import_id = begun(store)
    store.fail(import_id, "Not a picture.")
    assert find_import(store, import_id).can_retry is True
    (import_folder_path(import_id) / "upload" / "pets.zip").unlink()
    assert find_import(store, import_id).can_retry is False
    with pytest.raises(BadInput, match=r"pets\.zip is no longer there; give it again"):
        retry_import(store, import_id)


def test_forgetting_takes_record_and_upload_and_is_refused_while_at_work(store: Store) -> None:
    import_id = begun(store)
    with pytest.raises(BadInput, match=r"import of pets\.zip is running; cancel it first"):
        forget_import(store, import_id)
    assert import_folder_path(import_id).exists()
    store.fail(import_id, "Not a picture.")
    forget_import(store, import_id)
    assert list_imports(store) == []
    assert list(current_settings().imports_folder.iterdir()) == []


def test_a_silent_worker_is_found_by_whoever_lists(store: Store, clock: Clock) -> None:
    begun(store)
    clock.go_on(14)
    assert list_imports(store)[0].is_active
    clock.go_on(1)
    record = list_imports(store)[0]
    assert (record.state, record.can_retry) == ("interrupted", True)
    assert record.error == (
        "The worker of this import was silent for 15 s: it died, or the machine was asleep. "
        "Start the import again."
    )


def test_a_silent_worker_whose_import_was_cancelled_leaves_no_upload(
    store: Store, clock: Clock
) -> None:
    import_id = begun(store)
    cancel_import(store, import_id)
    clock.go_on(15)
    assert find_import(store, import_id).state == "cancelled"
    assert not (import_folder_path(import_id) / "upload").exists()


def test_a_store_of_the_former_version_is_upgraded_without_loss(home: Path) -> None:
    file = home / "headstart.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    engine.dispose()
    spec = made_up.spec().model_dump_json()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "INSERT INTO experiments VALUES ('e1', '2026-11-20T10:00:00.000000+00:00', ?, 'shapes',"
            " ?, 0, NULL)",
            (made_up.DATASET_ID, spec),
        )
        for place, (name, state, result) in enumerate(OLD_RUNS, start=1):
            connection.execute(
                "INSERT INTO runs (id, experiment_id, position, queue_number, strategy, seed,"
                " settings, state, progress, progress_at, error, result, notes, attempts,"
                " worker_id, lease_expires_at, cancel_requested, created_at, finished_at)"
                " VALUES (?, 'e1', ?, ?, 'cnn', ?, '{}', ?, ?, ?, ?, ?, '[]', 1, 'old', ?, 0, ?,"
                " ?)",
                (
                    name,
                    place,
                    place,
                    place,
                    state,
                    '{"step": "Training", "done": 1, "total": 2}' if state == "running" else None,
                    MOMENT,
                    "It fell." if state == "failed" else None,
                    result,
                    MOMENT if state == "running" else None,
                    MOMENT,
                    MOMENT,
                ),
            )
        for import_id, state, dataset_id, question in OLD_IMPORTS:
            connection.execute(
                "INSERT INTO imports (id, created_at, path, uploaded, source, name, columns,"
                " digest, state, error, question, dataset_id, notes, attempts, cancel_requested)"
                " VALUES (?, ?, '/pets.zip', 0, 'pets.zip', 'pets', ?, ?, ?, ?, ?, ?, ?, 1, 0)",
                (
                    import_id,
                    MOMENT,
                    '{"file": null, "label": "kind", "split": null}',
                    "f" * 64,
                    state,
                    "Which?" if question else None,
                    question,
                    dataset_id,
                    '["A note."]' if dataset_id else "[]",
                ),
            )
        epoch = json.dumps(made_up.epoch(1).as_dict())
        connection.execute("INSERT INTO epochs VALUES ('e1-cnn-1', 1, ?)", (epoch,))
        connection.commit()
    upgraded = open_store()
    assert upgraded.experiment("e1").spec == made_up.spec()
    assert upgraded.experiment("e1").state_counts == {
        "finished": 1, "queued": 2, "running": 1, "failed": 1
    }  # fmt: skip
    assert upgraded.run("e1-cnn-1").result == made_up.result()
    assert upgraded.run("e1-cnn-1").created_at == upgraded.run("e1-cnn-1").finished_at == MOMENT
    assert upgraded.epochs("e1-cnn-1") == (made_up.epoch(1),)
    assert upgraded.run("e1-cnn-3").progress == Progress("Training", 1, 2)
    assert (upgraded.run("e1-cnn-4").error, upgraded.run("e1-cnn-4").attempts) == ("It fell.", 1)
    # What waited waits, what an old worker left can be tried again.
    assert [upgraded.queue_place(f"e1-cnn-{seed}") for seed in (2, 5)] == [1, 2]
    assert upgraded.reap_expired() == ["e1-cnn-3"]
    assert upgraded.run("e1-cnn-3").state == "interrupted"
    assert upgraded.retry("e1-cnn-3").state == "queued"
    claimed = upgraded.claim_next("worker", "e1")
    assert claimed is not None
    assert (claimed.id, claimed.arguments) == ("e1-cnn-2", {"run": "e1-cnn-2"})
    done, asking, waits = (find_import(upgraded, name) for name in ("i1", "i2", "i3"))
    assert (done.dataset_id, done.notes, done.state) == ("d" * 64, ("A note.",), "finished")
    assert datasets_read_from(upgraded, "f" * 64, Choice(label_column="kind")) == ["d" * 64]
    assert asking.error == "Which?" == asking.question.message
    assert [table.name for table in asking.question.tables] == ["t.csv"]
    assert (waits.state, waits.source, waits.path) == ("queued", "pets.zip", Path("/pets.zip"))
    # A copy of the former version is the way back.
    for name, version in ((file.name, SCHEMA_VERSIONS[-1]), ("headstart-version-0002.db", "0002")):
        with closing(sqlite3.connect(home / name)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            assert found == [(version,)]
            assert connection.execute("SELECT count(*) FROM runs").fetchone() == (5,)
