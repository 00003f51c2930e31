"""A home moves into PostgreSQL with every row, or not at all."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.cli import main
from core.errors import BadInput, StoreError
from core.experiments.labels import change_labels
from core.experiments.store import Store, open_store
from core.jobs.progress import Progress
from core.jobs.records import NewJob
from core.jobs.workers import utc_now
from core.operations import database_copy
from core.operations.database_copy import copy_database
from tests import made_up
from tests.postgres import Server


@pytest.fixture
def filled(home: Path) -> Path:
    """Two experiments, one of them recorded, with a finished, a running and waiting runs, an
    import and a worker; the lease of what runs is over."""
    store = Store(f"sqlite:///{home / 'headstart.db'}", now=lambda: utc_now().replace(year=2025))
    named = store.create_experiment(made_up.spec(dataset_name="Vélos 🚲 'x' \\ \"y\""))
    change_labels(store, named, "ada", name="Vélos", tags=["🚲"])
    done = store.claim_next("worker")
    assert done is not None
    for number in (1, 2):
        store.add_epoch(done.id, made_up.epoch(number))
    store.finish_run(done.id, made_up.result())
    store.create_experiment(made_up.spec(seeds=(5,)))
    running = store.claim_next("worker")
    assert running is not None
    store.set_progress(running.id, Progress("Training", 1, 2))
    store.add_job(NewJob("upload", "import", {"name": "naïve"}))
    store.register_worker("worker", 42)
    return home


def as_it_is(store: Store) -> list[object]:
    """Everything that pages see."""
    return [
        store.experiments(),
        store.runs(),
        [store.epochs(run.id) for run in store.runs()],
        [store.queue_place(run.id) for run in store.runs()],
        store.jobs(),
    ]


def test_everything_is_there_afterwards_and_the_queue_goes_on(
    filled: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = as_it_is(open_store())
    copied = copy_database(str(filled), postgres_url)
    assert dict(copied.rows) == {
        "experiments": 2, "jobs": 10, "job_workers": 1, "runs": 9, "epochs": 2,
        "experiment_changes": 2, "experiment_summaries": 0, "accuracy_forecasts": 0,
        "race_points": 0, "job_groups": 0, "device_kinds": 0, "job_holds": 0,
    }  # fmt: skip
    assert copied.changed == ()
    monkeypatch.setenv("HEADSTART_DATABASE_URL", postgres_url)
    moved = open_store()
    assert as_it_is(moved) == before
    assert change_labels(moved, before[0][-1].id, "bob", note="moved").name == "Vélos"
    last = max(job.queue_number for job in moved.jobs())
    assert moved.add_job(NewJob("new", "import", {})).queue_number == last + 1
    assert len(moved.reap_expired()) == 1
    first = moved.claim_next("another")
    assert first is not None
    assert first.kind == "train"


def test_what_is_damaged_stays_damaged_and_is_named(
    filled: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged, sound = (entry.id for entry in open_store().experiments())
    with closing(sqlite3.connect(filled / "headstart.db")) as connection:
        spec = "UPDATE experiments SET spec = '{\"half' WHERE id = ?"
        connection.execute(spec, (damaged,))
        connection.execute("UPDATE epochs SET record = '{\"loss\": NaN}' WHERE number = 2")
        connection.execute("UPDATE jobs SET error = 'a' || char(0) || 'b' WHERE id = 'upload'")
        connection.commit()
    copied = copy_database(f"sqlite:///{filled / 'headstart.db'}", postgres_url)
    finished = f"{sound}-majority-0"
    assert set(copied.changed) == {
        f"experiments {damaged}: spec", f"epochs {finished}/2: record", "jobs upload: error"
    }  # fmt: skip
    monkeypatch.setenv("HEADSTART_DATABASE_URL", postgres_url)
    moved = open_store()
    assert [entry.id for entry in moved.damaged_experiments()] == [damaged]
    assert [entry.id for entry in moved.experiments()] == [sound]
    assert moved.job("upload").error == "a�b"


def test_a_database_that_holds_rows_is_refused_and_left_alone(
    filled: Path, postgres_url: str, postgres_server: Server
) -> None:
    other = Store(postgres_url)
    other.add_job(NewJob("theirs", "import", {}))
    with pytest.raises(BadInput, match=r"target is not empty: jobs has 1 row\. Nothing was copied"):
        copy_database(str(filled), postgres_url)
    assert [job.id for job in other.jobs()] == ["theirs"]
    assert other.experiments() == []
    assert postgres_server.execute("SELECT count(*) FROM runs") == [(0,)]


def test_a_home_at_work_is_refused(home: Path, postgres_url: str) -> None:
    store = Store(f"sqlite:///{home / 'headstart.db'}")
    store.register_worker("worker", 42)
    with pytest.raises(BadInput, match=r"is in use by 1 worker and 0 running jobs: end its pages"):
        copy_database(str(home), postgres_url)
    store.forget_worker("worker")
    assert copy_database(str(home), postgres_url).rows["jobs"] == 0


def test_what_was_not_stored_as_it_was_read_is_taken_back(
    filled: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = database_copy._kept
    calls = iter(range(10_000))

    def wrong(table, row, changed):
        values = kept(table, row, changed)
        if table.name == "epochs" and next(calls) == 1:  # the second epoch, when it is written
            values["record"] = json.dumps({"epoch": 99})
        return values

    monkeypatch.setattr(database_copy, "_kept", wrong)
    with pytest.raises(StoreError, match="Row 2 of epochs was not stored as it was read"):
        copy_database(str(filled), postgres_url)
    assert Store(postgres_url).experiments() == []


def test_the_source_and_the_target_must_be_there(home: Path, postgres_url: str) -> None:
    with pytest.raises(BadInput, match="There is no database at"):
        copy_database(str(home), postgres_url)
    assert not home.exists()
    Store(f"sqlite:///{home / 'headstart.db'}")
    with pytest.raises(BadInput, match="The target must be postgresql://"):
        copy_database(str(home), f"sqlite:///{home / 'other.db'}")


def test_the_command_says_what_to_do_next(
    filled: Path, postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["database", "copy", str(filled), postgres_url]) == 0
    printed = capsys.readouterr()
    assert "experiments           2" in printed.out
    assert "Set HEADSTART_DATABASE_URL to postgresql://postgres@/headstart" in printed.err
    assert main(["database", "copy", str(filled), postgres_url]) == 2
    assert "The target is not empty: " in capsys.readouterr().err
