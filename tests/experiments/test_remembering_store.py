"""What pages read is read once, and never older than the last commit."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import UnknownName
from core.experiments import remembering_store
from core.experiments.records import ExperimentSpec, read_spec
from core.experiments.remembering_store import RememberingStore
from core.experiments.store import Store, open_store
from core.jobs.progress import Progress
from core.settings import current_settings
from tests import made_up
from tests.postgres import BOTH_DATABASES

pytestmark = BOTH_DATABASES


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the transactions that read."""
    counted: Counter[str] = Counter()
    real = Store.__init__

    def counting(self: Store, *args: object, **kwargs: object) -> None:
        real(self, *args, **kwargs)  # type: ignore[arg-type]
        reading = self.database.reading

        @contextmanager
        def counted_reading() -> Iterator[object]:
            counted["transactions"] += 1
            with reading() as connection:
                yield connection

        monkeypatch.setattr(self.database, "reading", counted_reading)

    monkeypatch.setattr(Store, "__init__", counting)
    return counted


@pytest.fixture
def store(home: Path, reads: Counter[str]) -> RememberingStore:  # noqa: ARG001 - sets the home
    return RememberingStore(current_settings().database_url)


def test_the_same_question_reads_once(store: RememberingStore, reads: Counter[str]) -> None:
    experiment_id = store.create_experiment(made_up.spec())
    reads.clear()
    asked = [
        (
            store.experiments(),
            store.experiment(experiment_id),
            store.runs(experiment_id),
            store.runs(),
            store.runs(states=["finished", "queued"]),
            store.damaged_experiments(),
            store.epoch_counts(experiment_id),
        )
        for _ in range(5)
    ]
    assert reads["transactions"] == 6  # those that can be read and those that cannot together
    assert all(each == asked[0] for each in asked)
    plain = open_store()
    assert asked[0][0] == plain.experiments()
    assert asked[0][2] == plain.runs(experiment_id)
    assert len(asked[0][4]) == 6


def test_what_another_process_commits_is_there_at_once(store: RememberingStore) -> None:
    other = open_store()
    experiment_id = other.create_experiment(made_up.spec())
    assert {run.state for run in store.runs(experiment_id)} == {"queued"}
    assert store.experiment(experiment_id).state_counts == {"queued": 6}
    run_id = other.claim_next("worker", experiment_id).id
    assert store.runs(experiment_id)[0].state == "running"
    other.add_epoch(run_id, made_up.epoch(1))
    assert store.epoch_counts(experiment_id) == {run_id: 1}
    other.set_progress(run_id, Progress("Training", 3, 10))
    assert store.runs(experiment_id)[0].progress == Progress("Training", 3, 10)
    other.finish_run(run_id, made_up.result(0.81))
    assert store.runs(experiment_id)[0].test_accuracy == 0.81
    assert store.experiment(experiment_id).state_counts == {"queued": 5, "finished": 1}
    assert [run.id for run in store.runs(states=["finished"])] == [run_id]


def test_what_it_commits_itself_is_there_at_once(store: RememberingStore) -> None:
    experiment_id = store.create_experiment(made_up.spec())
    run_id = store.runs(experiment_id)[0].id
    store.request_cancel(run_id)
    assert store.runs(experiment_id)[0].state == "cancelled"


def test_a_commit_costs_no_second_reading_of_specs(
    store: RememberingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def reading(document: str) -> ExperimentSpec:
        read.append(document)
        return read_spec(document)

    monkeypatch.setattr(remembering_store, "read_spec", reading)
    specs = [made_up.spec(), made_up.spec(preset="best")]
    first, second = store.create_experiments(specs)
    assert {one.id: one.spec for one in store.experiments()} == {first: specs[0], second: specs[1]}
    assert len(read) == 2
    store.request_cancel(store.runs(first)[0].id)
    states = {one.id: one.state_counts for one in store.experiments()}
    assert states[first] == {"queued": 5, "cancelled": 1}
    assert len(read) == 2
    document = json.dumps(specs[0].model_dump(mode="json") | {"preset": "article"})
    with open_store().database.writing() as connection:
        connection.execute(text("UPDATE experiments SET spec = :spec"), {"spec": document})
    assert {one.spec.preset for one in store.experiments()} == {"article"}
    assert len(read) == 3  # the same for both


def test_nobody_changes_what_others_are_handed(store: RememberingStore) -> None:
    experiment_id = store.create_experiment(made_up.spec())
    store.runs(experiment_id).clear()
    store.experiments().clear()
    assert len(store.runs(experiment_id)) == 6
    assert len(store.experiments()) == 1


def test_an_unknown_experiment_stays_an_error_until_it_is_there(store: RememberingStore) -> None:
    for _ in range(2):
        with pytest.raises(UnknownName):
            store.experiment("gone")
    experiment_id = open_store().create_experiment(made_up.spec())
    assert store.experiment(experiment_id).id == experiment_id


def test_damage_is_seen_at_once(store: RememberingStore) -> None:
    experiment_id = store.create_experiment(made_up.spec())
    assert store.damaged_experiments() == []
    with open_store().database.writing() as connection:
        connection.exec_driver_sql("UPDATE experiments SET spec = '[1]'")
    assert [entry.id for entry in store.damaged_experiments()] == [experiment_id]
    assert store.experiments() == []


def test_where_the_database_cannot_tell_it_reads_each_time(
    store: RememberingStore, reads: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_changes", lambda: None)
    experiment_id = store.create_experiment(made_up.spec())
    reads.clear()
    for _ in range(3):
        assert store.experiment(experiment_id).id == experiment_id
    assert reads["transactions"] == 3
