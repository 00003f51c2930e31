"""Experiments, runs and the queue, without training anything."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import BadInput, UnknownName
from core.experiments.store import Store
from core.jobs.progress import Progress
from core.jobs.records import STATES
from core.training.events import EpochRecord, TrackedImage
from tests import made_up
from tests.postgres import BOTH_DATABASES

pytestmark = BOTH_DATABASES

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


class WallClock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
def store(tmp_path: Path, clock: WallClock, database_url: str | None) -> Store:
    url = database_url or f"sqlite:///{tmp_path / 'headstart.db'}"
    return Store(url, now=clock, lease_seconds=15)


@pytest.fixture
def experiment_id(store: Store) -> str:
    return store.create_experiment(made_up.spec())


def claimed(store: Store, worker: str = "worker") -> str:
    run = store.claim_next(worker)
    assert run is not None
    return run.id


def test_an_experiment_queues_its_runs_cheap_first_and_seed_by_seed(
    store: Store, experiment_id: str
) -> None:
    assert re.fullmatch("[0-9a-f]{8}", experiment_id)
    runs = store.runs(experiment_id)
    assert [(run.strategy, run.seed, run.state) for run in runs] == [
        ("majority", 0, "queued"),
        ("cnn", 0, "queued"),
        ("vgg16_probe", 0, "queued"),
        ("majority", 1, "queued"),
        ("cnn", 1, "queued"),
        ("vgg16_probe", 1, "queued"),
    ]
    assert runs[1].id == f"{experiment_id}-cnn-0"
    assert runs[1].settings == {"epochs": 2}
    assert runs[1].created_at == "2026-11-22T12:00:00.000000+00:00"
    assert [store.queue_place(run.id) for run in runs] == [1, 2, 3, 4, 5, 6]
    assert store.experiment(experiment_id).spec == made_up.spec()


def test_experiments_come_newest_first_with_the_states_of_their_runs(
    store: Store, experiment_id: str, clock: WallClock
) -> None:
    clock.advance(1)
    newer = store.create_experiment(made_up.spec(seeds=(5,)))
    store.finish_run(claimed(store), made_up.result())
    found = store.experiments()
    assert [entry.id for entry in found] == [newer, experiment_id]
    assert found[0].state_counts == {"queued": 3}
    assert found[1].state_counts == {"finished": 1, "queued": 5}
    assert found[1].is_active


@pytest.mark.parametrize("verb", ["experiment", "runs"])
def test_an_unknown_experiment_lists_the_known_ones(
    store: Store, experiment_id: str, verb: str
) -> None:
    with pytest.raises(UnknownName, match=f"no experiment named 'nope'. Known: {experiment_id}"):
        getattr(store, verb)("nope")


@pytest.mark.parametrize("verb", ["run", "epochs", "retry", "request_cancel"])
def test_an_unknown_run_lists_the_known_ones(store: Store, experiment_id: str, verb: str) -> None:
    with pytest.raises(UnknownName, match=f"no run named 'nope'.*{experiment_id}-majority-0"):
        getattr(store, verb)("nope")


def test_epochs_and_progress_of_a_run_in_work(store: Store, experiment_id: str) -> None:
    run_id = claimed(store)
    assert store.set_progress(run_id, Progress("Epoch 1 of 2"), attempt=1)
    assert store.add_epoch(run_id, made_up.epoch(1), attempt=1)
    assert store.add_epoch(run_id, made_up.epoch(2), attempt=1)
    assert store.epochs(run_id) == (made_up.epoch(1), made_up.epoch(2))
    assert store.run(run_id).progress == Progress("Epoch 1 of 2")
    assert store.run(run_id).progress_at == "2026-11-22T12:00:00.000000+00:00"
    assert store.runs(experiment_id, ("running",)) == [store.run(run_id)]


@pytest.mark.usefixtures("experiment_id")
def test_tracked_images_come_back_with_their_epoch_and_old_epochs_without(store: Store) -> None:
    run_id = claimed(store)
    answers = (TrackedImage(7, 1, 0.9), TrackedImage(40, 0, 0.5312))
    record = EpochRecord("main", 1, 2, 1.0, 0.5, 1.1, 0.4, 3.0, 0.5, 90.0, answers)
    assert store.add_epoch(run_id, made_up.epoch(1))
    assert store.add_epoch(run_id, record)
    assert store.epochs(run_id) == (made_up.epoch(1), record)


def test_a_finished_run_keeps_its_result(store: Store, experiment_id: str) -> None:
    run_id = claimed(store)
    assert store.finish_run(run_id, made_up.result(0.5), attempt=1)
    run = store.run(run_id)
    assert (run.state, run.result, run.progress) == ("finished", made_up.result(0.5), None)
    assert run.finished_at == "2026-11-22T12:00:00.000000+00:00"
    assert not store.fail(run_id, "too late")
    assert store.run(run_id).error is None
    assert experiment_id in run_id


def test_a_former_attempt_cannot_write_into_a_later_one(store: Store, experiment_id: str) -> None:
    run_id = claimed(store)
    store.fail(run_id, "broke", attempt=1)
    store.retry(run_id)
    while store.run(run_id).state == "queued":
        store.claim_next("worker")
    assert store.run(run_id).attempts == 2
    assert not store.add_epoch(run_id, made_up.epoch(1), attempt=1)
    assert not store.set_progress(run_id, Progress("late"), attempt=1)
    assert not store.finish_run(run_id, made_up.result(), attempt=1)
    assert store.cancel_requested(run_id, attempt=1)
    assert not store.cancel_requested(run_id, attempt=2)
    assert store.epochs(run_id) == ()
    assert store.experiment(experiment_id).is_active


def test_cancel_before_the_start_twice_and_after_the_end(store: Store, experiment_id: str) -> None:
    waiting = f"{experiment_id}-cnn-0"
    assert store.request_cancel(waiting).state == "cancelled"
    assert store.request_cancel(waiting).state == "cancelled"
    run_id = claimed(store)
    store.finish_run(run_id, made_up.result())
    assert store.request_cancel(run_id).state == "finished"
    assert not store.run(run_id).cancel_requested


def test_cancel_during_a_run_is_a_request(store: Store, experiment_id: str) -> None:
    run_id = claimed(store)
    assert not store.cancel_requested(run_id)
    for _ in range(2):
        asked = store.request_cancel(run_id)
        assert (asked.state, asked.cancel_requested) == ("running", True)
    assert store.cancel_requested(run_id)
    assert store.mark_cancelled(run_id, attempt=1)
    assert store.run(run_id).state == "cancelled"
    assert store.experiment(experiment_id).state_counts == {"cancelled": 1, "queued": 5}


def test_cancelling_an_experiment_ends_all_that_waits(store: Store, experiment_id: str) -> None:
    run_id = claimed(store)
    runs = store.request_cancel_experiment(experiment_id)
    assert [run.state for run in runs] == ["running", *["cancelled"] * 5]
    assert store.cancel_requested(run_id)


@pytest.mark.parametrize("end", ["failed", "cancelled", "interrupted"])
def test_retry_queues_an_ended_run_without_its_epochs(
    store: Store, experiment_id: str, end: str
) -> None:
    run_id = claimed(store)
    store.add_epoch(run_id, made_up.epoch(1))
    endings = {
        "failed": lambda: store.fail(run_id, "broke"),
        "cancelled": lambda: store.mark_cancelled(run_id),
        "interrupted": lambda: store.mark_interrupted(run_id, "stopped"),
    }
    endings[end]()
    assert store.run(run_id).state == end
    run = store.retry(run_id)
    assert (run.state, run.error, run.progress, run.attempts) == ("queued", None, None, 1)
    assert store.epochs(run_id) == ()
    assert store.queue_place(run_id) == 6  # behind the five that wait already
    assert experiment_id in run_id


@pytest.mark.parametrize("state", ["queued", "running", "finished"])
def test_retry_is_refused_in_any_other_state(store: Store, experiment_id: str, state: str) -> None:
    run_id = f"{experiment_id}-majority-0"
    if state != "queued":
        assert claimed(store) == run_id
    if state == "finished":
        store.finish_run(run_id, made_up.result())
    with pytest.raises(BadInput, match=f"is {state}; only a run that is failed, cancelled, interr"):
        store.retry(run_id)
    assert store.run(run_id).state == state
    assert state in STATES


def test_a_smaller_batch_keeps_the_run_and_says_so(store: Store, experiment_id: str) -> None:
    run_id = claimed(store)
    store.add_epoch(run_id, made_up.epoch(1))
    assert store.restart_run(run_id, "halved", attempt=1, batch_size=16)
    run = store.run(run_id)
    assert (run.state, run.settings["batch_size"], run.notes) == ("running", 16, ("halved",))
    assert store.epochs(run_id) == ()
    assert experiment_id in run_id


def test_active_runs_of_a_dataset(store: Store, experiment_id: str) -> None:
    assert len(store.active_runs_of_dataset(made_up.DATASET_ID)) == 6
    store.request_cancel_experiment(experiment_id)
    assert store.active_runs_of_dataset(made_up.DATASET_ID) == []


def test_opening_the_same_store_again_finds_everything(store: Store, experiment_id: str) -> None:
    again = Store(store.url)
    assert [run.id for run in again.runs()] == [run.id for run in store.runs(experiment_id)]
