"""The worker's loop, with children that do as they are told."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from core.devices import device_kind
from core.errors import StoreError, UnknownName
from core.jobs import worker
from core.jobs.context import EXIT_AGAIN
from core.jobs.kinds import find_kind
from core.jobs.queue import JobQueue
from core.jobs.records import JobRecord, NewJob
from core.jobs.worker import serve
from tests.postgres import BOTH_DATABASES

pytestmark = BOTH_DATABASES

Script = Callable[[JobQueue, str], int | None]


@dataclass
class ScriptedHandle:
    """Runs its script at each poll until that gives a status."""

    queue: JobQueue
    job_id: str
    script: Script
    stopped: bool = False

    def poll(self) -> int | None:
        return -15 if self.stopped else self.script(self.queue, self.job_id)

    def stop(self) -> None:
        self.stopped = True

    def last_line(self) -> str:
        return "the end is near"


@dataclass
class ScriptedLauncher:
    queue: JobQueue
    scripts: list[Script]
    started: list[str] = field(default_factory=list)
    handles: list[ScriptedHandle] = field(default_factory=list)
    ended_waiting_after: list[int] = field(default_factory=list)

    def start(self, job: JobRecord) -> ScriptedHandle:
        script = self.scripts[min(len(self.started), len(self.scripts) - 1)]
        self.started.append(job.id)
        self.handles.append(ScriptedHandle(self.queue, job.id, script))
        return self.handles[-1]

    def end_waiting(self) -> None:
        self.ended_waiting_after.append(len(self.started))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(worker, "STORE_RETRY_SECONDS", 0.001)
    monkeypatch.setattr(worker, "CANCEL_GRACE_SECONDS", 0.01)


@pytest.fixture
def job_id(queue: JobQueue) -> str:
    return queue.add_job(NewJob("a", "train", {}, "group")).id


def finishes(queue: JobQueue, job_id: str) -> int:
    queue.finish(job_id, None)
    return 0


def goes_on(_queue: JobQueue, _job_id: str) -> int:
    return EXIT_AGAIN


def never_ends(_queue: JobQueue, _job_id: str) -> None:
    return None


def test_serves_what_is_queued_and_leaves_when_idle(queue: JobQueue, job_id: str) -> None:
    launcher = ScriptedLauncher(queue, [finishes])
    said: list[str] = []
    assert serve(queue, launcher, exit_when_idle=0, report=said.append) == 1
    assert said == [f"{job_id}: started", f"{job_id}: finished"]
    assert queue.live_workers() == []


def test_is_registered_while_it_works(queue: JobQueue, job_id: str) -> None:
    seen: list[tuple[int, str | None, str]] = []

    def looks(queue: JobQueue, job_id: str) -> int:
        seen.extend(
            (entry.process_id, entry.group_id, entry.device_kind) for entry in queue.live_workers()
        )
        return finishes(queue, job_id)

    assert job_id
    serve(queue, ScriptedLauncher(queue, [looks]), group_id="group")
    assert seen == [(os.getpid(), "group", device_kind())]


def test_with_a_group_other_jobs_are_left_alone(queue: JobQueue, job_id: str) -> None:
    for name in "bcd":
        queue.add_job(NewJob(name, "train", {}, "other"))
    launcher = ScriptedLauncher(queue, [finishes])
    assert serve(queue, launcher, group_id="other") == 3
    assert [job.state for job in queue.jobs(group_id="other")] == ["finished"] * 3
    assert queue.job(job_id).state == "queued"


def test_a_job_goes_on_in_a_new_process(queue: JobQueue, job_id: str) -> None:
    launcher = ScriptedLauncher(queue, [goes_on, finishes])
    serve(queue, launcher, exit_when_idle=0)
    assert launcher.started == [job_id, job_id]
    assert (queue.job(job_id).state, queue.job(job_id).attempts) == ("finished", 1)


def test_no_process_waits_for_another_job_once_the_worker_has_looked_for_one(
    queue: JobQueue, job_id: str
) -> None:
    queue.add_job(NewJob("b", "train", {}, "group"))
    launcher = ScriptedLauncher(queue, [finishes])
    serve(queue, launcher, exit_when_idle=0)
    assert launcher.started == [job_id, "b"]
    # After the first start, after the second in place of the first, and when nothing was left.
    assert sorted(set(launcher.ended_waiting_after)) == [1, 2]


def test_jobs_of_other_pools_are_done_beside_it_and_one_of_its_own_waits(
    queue: JobQueue, job_id: str
) -> None:
    for name, kind in (("heat", "explain"), ("map", "feature_map"), ("pets", "import")):
        queue.add_job(NewJob(name, kind, {}))
    at_work: list[list[str]] = []

    def all_are_there(queue: JobQueue, job_id: str) -> int | None:
        running = sorted(job.id for job in queue.jobs(states=["running"]))
        at_work.append(running)
        return finishes(queue, job_id) if len(running) == 3 or len(at_work) > 3 else None

    serve(queue, ScriptedLauncher(queue, [all_are_there]), exit_when_idle=0)
    assert ["a", "heat", "pets"] in at_work
    assert all(not {"heat", "map"} <= set(running) for running in at_work)
    assert {job.state for job in queue.jobs()} == {"finished"}
    assert queue.job(job_id).attempts == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (
            -9,
            "The process of this run was killed by signal 9 (SIGKILL). Most likely the machine ran "
            "out of memory: choose a smaller batch_size or image size, and start the run again.",
        ),
        (
            -11,
            "The process of this run was killed by signal 11 (SIGSEGV). Most likely the machine "
            "ran out of memory: choose a smaller batch_size or image size, and start the run "
            "again. If it has plenty, a library is at fault: see the log.",
        ),
        (
            3,
            "The process of this run ended early, with exit status 3. "
            "Last line of its log: the end is near",
        ),
    ],
)
def test_a_child_that_dies_without_a_word_fails_its_run(
    queue: JobQueue, job_id: str, status: int, message: str
) -> None:
    launcher = ScriptedLauncher(queue, [lambda _queue, _job_id: status])
    serve(queue, launcher, exit_when_idle=0)
    run = queue.job(job_id)
    assert (run.state, run.error) == ("failed", message)
    assert (
        find_kind("train").death_message(0, "")
        == "The process of this run ended early, with exit status 0."
    )


def test_a_killed_child_is_started_once_more_where_its_kind_takes_less(
    queue: JobQueue, job_id: str
) -> None:
    launcher = ScriptedLauncher(queue, [lambda *_: -9, finishes])
    serve(queue, launcher, exit_when_idle=0)
    assert launcher.started == [job_id, job_id]
    assert (queue.job(job_id).state, queue.job(job_id).attempts) == ("finished", 1)
    queue.add_job(NewJob("heat", "explain", {}))
    launcher = ScriptedLauncher(queue, [lambda *_: -9, finishes])
    serve(queue, launcher, exit_when_idle=0)
    assert launcher.started == ["heat"]
    assert queue.job("heat").state == "failed"


def test_a_child_that_cannot_be_started_fails_its_run(queue: JobQueue, job_id: str) -> None:
    class Broken(ScriptedLauncher):
        def start(self, job: JobRecord) -> ScriptedHandle:
            raise OSError(12, "Cannot allocate memory", job.id)

    serve(queue, Broken(queue, []), exit_when_idle=0)
    run = queue.job(job_id)
    assert run.state == "failed"
    assert "could not be started: [Errno 12] Cannot allocate memory" in (run.error or "")


def test_a_child_that_does_not_hear_a_cancel_is_stopped(queue: JobQueue, job_id: str) -> None:
    def cancelled_but_deaf(queue: JobQueue, job_id: str) -> None:
        queue.cancel_job(job_id)

    launcher = ScriptedLauncher(queue, [cancelled_but_deaf])
    serve(queue, launcher, exit_when_idle=0)
    assert queue.job(job_id).state == "cancelled"
    assert [handle.stopped for handle in launcher.handles] == [True]


def test_a_child_killed_after_a_cancel_request_is_cancelled(queue: JobQueue, job_id: str) -> None:
    def dies(queue: JobQueue, job_id: str) -> int:
        queue.cancel_job(job_id)
        return -15

    serve(queue, ScriptedLauncher(queue, [dies]), exit_when_idle=0)
    assert queue.job(job_id).state == "cancelled"


def test_a_run_that_was_taken_away_is_stopped(queue: JobQueue, job_id: str) -> None:
    other = JobQueue(queue.url)
    queue.lease_seconds = 0.0  # every look is time for a heartbeat, and every lease is over

    def taken(queue: JobQueue, job_id: str) -> None:
        if queue.reap_expired() and queue.job(job_id).attempts == 1:
            queue.requeue_job(job_id)  # with PostgreSQL it waits again already
            other.claim_next("another worker", pools=None)

    launcher = ScriptedLauncher(queue, [taken])
    serve(queue, launcher, exit_when_idle=0)
    assert [handle.stopped for handle in launcher.handles] == [True]
    assert queue.job(job_id).attempts == 2


@pytest.mark.parametrize(("seconds", "is_stopped"), [(60.0, False), (0.0, True)])
def test_a_child_that_has_done_its_job_gets_time_to_tidy_up(
    queue: JobQueue, job_id: str, monkeypatch: pytest.MonkeyPatch, seconds: float, is_stopped: bool
) -> None:
    monkeypatch.setattr(worker, "TIDY_SECONDS", seconds)
    queue.lease_seconds = 0.0  # every look is time for a heartbeat
    looks = []

    def tidies_up(queue: JobQueue, job_id: str) -> int | None:
        queue.finish(job_id, None)
        looks.append(job_id)
        return 0 if len(looks) >= 20 else None

    launcher = ScriptedLauncher(queue, [tidies_up])
    serve(queue, launcher, exit_when_idle=0)
    assert [handle.stopped for handle in launcher.handles] == [is_stopped]
    assert (len(looks) < 20) == is_stopped
    assert queue.job(job_id).state == "finished"


def test_a_worker_that_was_silent_goes_on_and_is_known_again(queue: JobQueue, job_id: str) -> None:
    queue.lease_seconds = 0.0
    seen = []

    def silent_then_done(queue: JobQueue, job_id: str) -> int | None:
        if not seen:
            seen.append(queue.reap_expired())
            return None
        assert queue.job(job_id).state == "running"
        queue.finish(job_id, None)
        return 0

    serve(queue, ScriptedLauncher(queue, [silent_then_done]), exit_when_idle=0)
    assert seen == [[job_id]]
    assert (queue.job(job_id).state, queue.job(job_id).attempts) == ("finished", 1)


def test_a_stopped_worker_stops_its_child_and_says_so(queue: JobQueue, job_id: str) -> None:
    looks = iter(range(100))

    def watch() -> None:
        if next(looks) == 5:
            raise KeyboardInterrupt

    launcher = ScriptedLauncher(queue, [never_ends])
    with pytest.raises(KeyboardInterrupt):
        serve(queue, launcher, exit_when_idle=0, watch=watch)
    assert [handle.stopped for handle in launcher.handles] == [True]
    run = queue.job(job_id)
    assert (run.state, run.error) == (
        "interrupted",
        "The run was stopped before its end. Start the run again.",
    )
    assert queue.live_workers() == []


def test_a_queue_that_cannot_be_reached_for_a_while_is_tried_again(
    queue: JobQueue, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, fails, said = queue.claim_next, iter([True, True]), list[str]()

    def sometimes(*given: object) -> object:
        if next(fails, False):
            raise StoreError("The run queue is held by another process.")
        return claim(*given)

    monkeypatch.setattr(queue, "claim_next", sometimes)
    serve(queue, ScriptedLauncher(queue, [finishes]), exit_when_idle=0, report=said.append)
    assert queue.job(job_id).state == "finished"
    assert said[:2] == ["The run queue is held by another process. Trying again."] * 2


def test_a_worker_whose_home_was_removed_ends(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_given: object) -> None:
        raise StoreError("There is no such file.")

    monkeypatch.setattr(worker, "GIVE_UP_SECONDS", 0.05)
    monkeypatch.setattr(queue, "claim_next", away)
    with pytest.raises(StoreError, match="no such file"):
        serve(queue, ScriptedLauncher(queue, []), exit_when_idle=0)


def test_work_that_comes_while_the_worker_leaves_is_done(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget, late = queue.forget_worker, list[str]()

    def queue_one_and_forget(worker_id: str) -> None:
        forget(worker_id)
        if not late:
            late.append(queue.add_job(NewJob("late", "export", {})).id)

    monkeypatch.setattr(queue, "forget_worker", queue_one_and_forget)
    registered: list[int] = []

    def looks(queue: JobQueue, job_id: str) -> int:
        registered.append(len(queue.live_workers()))
        return finishes(queue, job_id)

    assert serve(queue, ScriptedLauncher(queue, [looks]), exit_when_idle=0) == 1
    assert queue.job("late").state == "finished"
    assert registered == [1]
    assert queue.live_workers() == []


def test_a_group_that_another_worker_took_is_waited_for(queue: JobQueue, job_id: str) -> None:
    claimed = queue.claim_next("page worker")
    assert claimed is not None
    looks: list[str] = []

    def watch() -> None:
        looks.append(queue.job(job_id).state)
        if len(looks) == 5:
            finishes(queue, job_id)

    launcher = ScriptedLauncher(queue, [finishes])
    assert serve(queue, launcher, group_id="group", watch=watch) == 0
    assert looks[:5] == ["running"] * 5
    assert launcher.started == []


def test_a_worker_takes_only_jobs_of_the_pools_of_its_machine(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_POOLS", "import, cpu")
    for job_id, kind in (("training", "train"), ("map", "explain")):
        queue.add_job(NewJob(job_id, kind, {}))
    kinds: list[str] = []

    def looks(queue: JobQueue, job_id: str) -> int:
        kinds.extend(entry.device_kind for entry in queue.live_workers())
        return finishes(queue, job_id)

    serve(queue, ScriptedLauncher(queue, [looks]), exit_when_idle=0)
    assert kinds == [""]  # no experiment waits for a device that does not train
    assert (queue.job("training").state, queue.job("map").state) == ("queued", "finished")


def test_a_pool_that_there_is_not_is_refused(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_POOLS", "gpu")
    with pytest.raises(UnknownName, match="no HEADSTART_POOLS named 'gpu'"):
        serve(queue, ScriptedLauncher(queue, [finishes]), exit_when_idle=0)
    assert queue.live_workers() == []
