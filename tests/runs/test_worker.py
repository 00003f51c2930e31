"""The worker's loop, with children that do as they are told."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from core.errors import StoreError
from core.experiments.store import Store
from core.runs import worker
from core.runs.child import EXIT_SMALLER_BATCH
from core.runs.worker import death_message, serve
from tests import made_up

Script = Callable[[Store, str], int | None]


@dataclass
class ScriptedHandle:
    """Runs its script at each poll until that gives a status."""

    store: Store
    run_id: str
    script: Script
    stopped: bool = False

    def poll(self) -> int | None:
        return -15 if self.stopped else self.script(self.store, self.run_id)

    def stop(self) -> None:
        self.stopped = True

    def last_words(self) -> str:
        return "the end is near"


@dataclass
class ScriptedLauncher:
    store: Store
    scripts: list[Script]
    started: list[str] = field(default_factory=list)
    handles: list[ScriptedHandle] = field(default_factory=list)

    def start(self, run_id: str) -> ScriptedHandle:
        script = self.scripts[min(len(self.started), len(self.scripts) - 1)]
        self.started.append(run_id)
        self.handles.append(ScriptedHandle(self.store, run_id, script))
        return self.handles[-1]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(worker, "IDLE_POLL_SECONDS", 0.001)
    monkeypatch.setattr(worker, "STORE_RETRY_SECONDS", 0.001)
    monkeypatch.setattr(worker, "CANCEL_GRACE_SECONDS", 0.01)


@pytest.fixture
def run_id(store: Store) -> str:
    spec = made_up.spec(strategies=(("mlp", {"batch_size": 8}),), seeds=(0,))
    return f"{store.create_experiment(spec)}-mlp-0"


def finishes(store: Store, run_id: str) -> int:
    store.finish(run_id, made_up.result())
    return 0


def asks_for_a_smaller_batch(store: Store, run_id: str) -> int:
    store.reduce_batch(run_id, 4, "halved")
    return EXIT_SMALLER_BATCH


def never_ends(_store: Store, _run_id: str) -> None:
    return None


def test_serves_what_is_queued_and_leaves_when_idle(store: Store, run_id: str) -> None:
    launcher = ScriptedLauncher(store, [finishes])
    said: list[str] = []
    assert serve(store, launcher, exit_when_idle=0, report=said.append) == 1
    assert said == [f"{run_id}: started", f"{run_id}: finished"]
    assert store.live_workers() == []


def test_is_registered_while_it_works(store: Store, run_id: str) -> None:
    seen: list[tuple[int, str | None]] = []

    def looks(store: Store, run_id: str) -> int:
        seen.extend((entry.process_id, entry.experiment_id) for entry in store.live_workers())
        return finishes(store, run_id)

    experiment_id = store.run(run_id).experiment_id
    serve(store, ScriptedLauncher(store, [looks]), experiment_id=experiment_id)
    assert seen == [(os.getpid(), experiment_id)]


def test_with_an_experiment_other_runs_are_left_alone(store: Store, run_id: str) -> None:
    other = store.create_experiment(made_up.spec(seeds=(0,)))
    launcher = ScriptedLauncher(store, [finishes])
    assert serve(store, launcher, experiment_id=other) == 3
    assert [run.state for run in store.runs(other)] == ["finished"] * 3
    assert store.run(run_id).state == "queued"


def test_out_of_memory_goes_on_in_a_new_process(store: Store, run_id: str) -> None:
    launcher = ScriptedLauncher(store, [asks_for_a_smaller_batch, finishes])
    serve(store, launcher, exit_when_idle=0)
    assert launcher.started == [run_id, run_id]
    run = store.run(run_id)
    assert (run.state, run.settings["batch_size"], run.attempts) == ("finished", 4, 1)
    assert run.notes == ("halved",)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (
            -9,
            "The process of this run was killed by signal 9 (SIGKILL). Most likely the machine ran "
            "out of memory: choose a smaller batch_size or image size, and start the run again.",
        ),
        (-11, "The process of this run was killed by signal 11 (SIGSEGV)."),
        (
            3,
            "The process of this run ended early, with exit status 3. "
            "Its last words: the end is near",
        ),
    ],
)
def test_a_child_that_dies_without_a_word_fails_its_run(
    store: Store, run_id: str, status: int, message: str
) -> None:
    launcher = ScriptedLauncher(store, [lambda _store, _run_id: status])
    serve(store, launcher, exit_when_idle=0)
    run = store.run(run_id)
    assert (run.state, run.error) == ("failed", message)
    assert death_message(0, "") == "The process of this run ended early, with exit status 0."


def test_a_child_that_cannot_be_started_fails_its_run(store: Store, run_id: str) -> None:
    class Broken(ScriptedLauncher):
        def start(self, run_id: str) -> ScriptedHandle:
            raise OSError(12, "Cannot allocate memory", run_id)

    serve(store, Broken(store, []), exit_when_idle=0)
    run = store.run(run_id)
    assert run.state == "failed"
    assert "could not be started: [Errno 12] Cannot allocate memory" in (run.error or "")


def test_a_child_that_does_not_hear_a_cancel_is_stopped(store: Store, run_id: str) -> None:
    def cancelled_but_deaf(store: Store, run_id: str) -> None:
        store.request_cancel(run_id)

    launcher = ScriptedLauncher(store, [cancelled_but_deaf])
    serve(store, launcher, exit_when_idle=0)
    assert store.run(run_id).state == "cancelled"
    assert [handle.stopped for handle in launcher.handles] == [True]


def test_a_child_killed_after_a_cancel_request_is_cancelled(store: Store, run_id: str) -> None:
    def dies(store: Store, run_id: str) -> int:
        store.request_cancel(run_id)
        return -15

    serve(store, ScriptedLauncher(store, [dies]), exit_when_idle=0)
    assert store.run(run_id).state == "cancelled"


def test_a_run_that_was_taken_away_is_stopped(store: Store, run_id: str) -> None:
    store.lease_seconds = 0.0  # every look is time for a heartbeat, and every lease is over

    def taken(store: Store, _run_id: str) -> None:
        store.reap_expired()

    launcher = ScriptedLauncher(store, [taken])
    serve(store, launcher, exit_when_idle=0)
    assert [handle.stopped for handle in launcher.handles] == [True]
    assert store.run(run_id).state == "interrupted"


def test_a_stopped_worker_stops_its_child_and_says_interrupted(store: Store, run_id: str) -> None:
    looks = iter(range(100))

    def watch() -> None:
        if next(looks) == 5:
            raise KeyboardInterrupt

    launcher = ScriptedLauncher(store, [never_ends])
    with pytest.raises(KeyboardInterrupt):
        serve(store, launcher, exit_when_idle=0, watch=watch)
    assert [handle.stopped for handle in launcher.handles] == [True]
    run = store.run(run_id)
    assert (run.state, run.error) == (
        "interrupted",
        "The worker was stopped. Start the run again.",
    )
    assert store.live_workers() == []


def test_a_store_that_cannot_be_reached_for_a_while_is_tried_again(
    store: Store, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, fails, said = store.claim_next, iter([True, True]), list[str]()

    def sometimes(worker_id: str, experiment_id: str | None = None) -> object:
        if next(fails, False):
            raise StoreError("The run store is held by another process.")
        return claim(worker_id, experiment_id)

    monkeypatch.setattr(store, "claim_next", sometimes)
    serve(store, ScriptedLauncher(store, [finishes]), exit_when_idle=0, report=said.append)
    assert store.run(run_id).state == "finished"
    assert said[:2] == ["The run store is held by another process. Trying again."] * 2


def test_work_that_comes_while_the_worker_leaves_is_done(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget, late = store.forget_worker, list[str]()

    def queue_one_and_forget(worker_id: str) -> None:
        forget(worker_id)
        if not late:
            spec = made_up.spec(strategies=(("majority", {}),), seeds=(0,))
            late.append(store.create_experiment(spec))

    monkeypatch.setattr(store, "forget_worker", queue_one_and_forget)
    registered: list[int] = []

    def looks(store: Store, run_id: str) -> int:
        registered.append(len(store.live_workers()))
        return finishes(store, run_id)

    assert serve(store, ScriptedLauncher(store, [looks]), exit_when_idle=0) == 1
    assert store.experiment(late[0]).state_counts == {"finished": 1}
    assert registered == [1]
    assert store.live_workers() == []


def test_an_experiment_that_another_worker_took_is_waited_for(store: Store, run_id: str) -> None:
    claimed = store.claim_next("page worker")
    assert claimed is not None
    looks: list[str] = []

    def watch() -> None:
        looks.append(store.run(run_id).state)
        if len(looks) == 5:
            finishes(store, run_id)

    launcher = ScriptedLauncher(store, [finishes])
    assert serve(store, launcher, experiment_id=claimed.experiment_id, watch=watch) == 0
    assert looks[:5] == ["running"] * 5
    assert launcher.started == []
