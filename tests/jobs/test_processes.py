"""Real processes: the contract of launchers, and what happens when one of them is killed."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.errors import UnknownName
from core.jobs import cached, launchers
from core.jobs.cached import cache_folder, cached_work, remove_oldest, unfinished_folder
from core.jobs.kinds import KINDS
from core.jobs.launchers import (
    Launcher,
    LocalProcess,
    ProcessLauncher,
    child_environment,
    current_launcher,
    ensure_worker,
    log_path,
    shorten_log,
)
from core.jobs.queue import JobQueue, open_queue
from core.jobs.records import JobRecord, NewJob
from core.jobs.worker import serve
from tests.jobs.conftest import processes_of, wait_for
from tests.postgres import BOTH_DATABASES

pytestmark = pytest.mark.slow

STAND_IN = "tests.jobs.stand_in"
LAUNCHERS = {"local process": ProcessLauncher}


def add(queue: JobQueue, job_id: str, kind: str, do: str, **arguments: Any) -> None:
    queue.add_job(NewJob(job_id, kind, {"do": do, **arguments}))


def claimed(queue: JobQueue, job_id: str, do: str, kind: str = "explain") -> JobRecord:
    add(queue, job_id, kind, do)
    job = queue.claim_next("worker")
    assert job is not None
    return job


@contextmanager
def worker_process(*arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "tests.jobs.worker_process", *arguments]
    process = subprocess.Popen(command, env=child_environment())
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def serving() -> Iterator[None]:
    """A worker in a thread of this process, from the first job until the queue is empty."""
    queue, over = open_queue(), threading.Event()

    def wait_for_the_first_job() -> None:
        # A worker that looks before the test has added it would leave at once.
        while not queue.jobs() and not over.wait(0.02):
            pass

    thread = threading.Thread(
        target=serve,
        args=(queue, ProcessLauncher(module=STAND_IN)),
        kwargs={"exit_when_idle": 0, "watch": wait_for_the_first_job},
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
    thread.join(timeout=30)
    assert not thread.is_alive()


@pytest.fixture(params=LAUNCHERS)
def launcher(request: pytest.FixtureRequest) -> Launcher:
    return LAUNCHERS[request.param](module=STAND_IN)


def test_launcher_contract_a_job_is_done_and_its_status_known(
    queue: JobQueue, launcher: Launcher
) -> None:
    handle = launcher.start(claimed(queue, "contract-done", "quick"))
    assert handle.poll() is None
    wait_for(lambda: handle.poll() is not None)
    assert handle.poll() == 0
    assert queue.job("contract-done").state == "finished"
    handle.stop()  # after the end: nothing to do, no error


def test_launcher_contract_stop_leaves_nothing(queue: JobQueue, launcher: Launcher) -> None:
    handle = launcher.start(claimed(queue, "contract-stop", "wait"))
    wait_for(lambda: queue.job("contract-stop").progress is not None)
    handle.stop()
    assert handle.poll() is not None
    assert processes_of("contract-stop") == []
    handle.stop()
    assert (queue.job("contract-stop").state, queue.job("contract-stop").error) == (
        "interrupted",
        "The heat map was stopped before its end. Start the heat map again.",
    )


def test_launcher_contract_the_last_line_are_those_of_the_log(
    queue: JobQueue, launcher: Launcher
) -> None:
    job = claimed(queue, "contract-words", "quick")
    queue.fail(job.id, "over")
    queue.forget_job(job.id)
    handle = launcher.start(job)
    wait_for(lambda: handle.poll() is not None)
    assert handle.poll() == 1
    assert handle.last_line() == (
        "core.errors.UnknownName: There is no job named 'contract-words'. Known: none yet."
    )


def test_the_launcher_is_a_setting(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home
    assert isinstance(current_launcher(), ProcessLauncher)
    monkeypatch.setenv("HEADSTART_LAUNCHER", "tests.jobs.test_processes:KilledAtOnce")
    assert type(current_launcher()).__name__ == "KilledAtOnce"


class KilledAtOnce(ProcessLauncher):
    """Its children meet what the kernel does when memory runs out."""

    def start(self, job: JobRecord) -> LocalProcess:
        handle = super().start(job)
        os.kill(handle.process_id, signal.SIGKILL)
        return handle


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_child_fails_its_job_and_says_what_killed_it(queue: JobQueue, kind: str) -> None:
    add(queue, f"killed-{kind}", kind, "wait")
    serve(queue, KilledAtOnce(), exit_when_idle=0)
    job, noun = queue.job(f"killed-{kind}"), KINDS[kind].noun
    assert (job.state, job.can_retry) == ("failed", True)
    assert job.error == (
        f"The process of this {noun} was killed by signal 9 (SIGKILL). Most likely the machine ran "
        f"out of memory: {KINDS[kind].saves_memory}, and start the {noun} again."
    )


def test_what_a_killed_child_made_on_the_way_is_removed_by_the_next(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached, "ensure_worker", lambda _queue: False)
    folder = cache_folder() / "made"
    first, other = folder / "first.zip", folder / "other.zip"
    for result in (first, other):
        cached_work(queue, "export", {"do": "write on the way"}, result)
    with serving():
        for job_id, left in (
            ("export-first", "first.zip.part"),
            ("export-other", "other.zip.part"),
        ):
            wait_for((folder / left / "half").exists)
            wait_for(lambda job_id=job_id: queue.job(job_id).progress is not None)
            (process,) = processes_of(job_id)
            process.kill()
            wait_for(lambda job_id=job_id: queue.job(job_id).state == "failed")
    assert sorted(path.name for path in folder.iterdir()) == ["first.zip.part", "other.zip.part"]
    queue.requeue_job("export-other")
    first.touch()
    remove_oldest(queue, "export", keep=first)
    assert sorted(path.name for path in folder.iterdir()) == ["first.zip", "other.zip.part"]
    with unfinished_folder(other) as left:
        assert list(left.iterdir()) == []
    assert list(folder.iterdir()) == [first]


def test_every_kind_hears_a_cancel_and_leaves_no_process(queue: JobQueue) -> None:
    first = set({kind.pool: name for name, kind in KINDS.items()}.values())
    at_work = [f"cancel-{name}" for name in first]
    with serving():
        for name in first:  # one of each pool: they work side by side
            add(queue, f"cancel-{name}", name, "wait")
        wait_for(lambda: all(queue.job(job_id).progress for job_id in at_work))
        for name in set(KINDS) - first:  # these wait behind one of their pool
            add(queue, f"cancel-{name}", name, "wait")
        for name in KINDS:
            queue.cancel_job(f"cancel-{name}")
        wait_for(lambda: all(not job.is_active for job in queue.jobs()), seconds=30)
    assert {job.state for job in queue.jobs()} == {"cancelled"}
    assert [processes_of(job_id) for job_id in at_work] == [[]] * len(at_work)
    assert queue.live_workers() == []


def test_work_that_does_not_ask_is_interrupted_and_tidies_up(
    queue: JobQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Beside other tests a process that tidies up may wait long for a processor.
    monkeypatch.setattr(launchers, "STOP_GRACE_SECONDS", 20)
    mark = tmp_path / "half"
    with serving():
        add(queue, "deaf", "import", "deaf", mark=str(mark))
        wait_for(mark.exists)
        queue.cancel_job("deaf")
        wait_for(lambda: queue.job("deaf").state == "cancelled", seconds=30)
    assert not mark.exists()


def test_a_child_that_hears_nothing_at_all_is_killed(queue: JobQueue) -> None:
    with serving():
        add(queue, "stone", "export", "stone deaf")
        wait_for(lambda: queue.job("stone").progress is not None)
        queue.cancel_job("stone")
        wait_for(lambda: queue.job("stone").state == "cancelled", seconds=15)
        assert processes_of("stone") == []


def test_a_killed_worker_leaves_interrupted_jobs_that_can_be_tried_again(queue: JobQueue) -> None:
    jobs = {f"left-{kind}": kind for kind in ("train", "import", "explain")}
    for job_id, kind in jobs.items():
        add(queue, job_id, kind, "wait")
    with worker_process("2", "0") as worker:
        wait_for(lambda: all(queue.job(job_id).progress for job_id in jobs))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert {queue.job(job_id).state for job_id in jobs} == {"running"}
    reaped: list[str] = []

    def all_are_reaped() -> bool:
        # Leases that were not renewed yet end one after the other, as the jobs were claimed.
        reaped.extend(queue.reap_expired())
        return sorted(reaped) == sorted(jobs)

    wait_for(all_are_reaped, seconds=30)
    # The orphans leave by themselves and write nothing more.
    wait_for(lambda: [processes_of(job_id) for job_id in jobs] == [[], [], []], seconds=30)
    assert {queue.job(job_id).state for job_id in jobs} == {"interrupted"}
    for job_id in jobs:
        assert queue.requeue_job(job_id, {"do": "quick"})
    serve(queue, ProcessLauncher(module=STAND_IN), exit_when_idle=0)
    assert {(job.state, job.attempts) for job in queue.jobs()} == {("finished", 2)}


def test_two_workers_do_twenty_jobs_once_each(queue: JobQueue, tmp_path: Path) -> None:
    tally = tmp_path / "tally.txt"
    for number in range(20):
        kind = list(KINDS)[number % len(KINDS)]
        add(queue, f"job-{number}", kind, "quick", tally=str(tally))
    with worker_process("15", "20") as one, worker_process("15", "20") as other:
        assert (one.wait(timeout=120), other.wait(timeout=120)) == (0, 0)
    jobs = queue.jobs()
    assert {(job.state, job.attempts) for job in jobs} == {("finished", 1)}
    assert Counter(tally.read_text().split()) == Counter(job.id for job in jobs)
    assert len(jobs) == 20


def test_a_job_goes_on_in_a_new_process(queue: JobQueue) -> None:
    add(queue, "again", "train", "again")
    said: list[str] = []
    launcher = ProcessLauncher(module=STAND_IN)
    serve(queue, launcher, exit_when_idle=0, report=said.append)
    assert said == ["again: started", "again: again in a new process", "again: finished"]
    assert queue.job("again").attempts == 1


def test_a_child_runs_at_the_niceness_of_its_kind_in_a_session_of_its_own(queue: JobQueue) -> None:
    with serving():
        add(queue, "niceness", "explain", "wait")
        wait_for(lambda: queue.job("niceness").progress is not None)
        (process,) = processes_of("niceness")
        assert process.nice() == KINDS["explain"].niceness == 19
        assert os.getsid(process.pid) == process.pid
        assert process.environ()["PYTHONUNBUFFERED"] == "1"
        queue.cancel_job("niceness")


def test_a_worker_is_started_once_detached_and_ends_on_request(queue: JobQueue) -> None:
    assert ensure_worker(queue)
    assert not ensure_worker(queue)
    wait_for(lambda: [entry.process_id > 0 for entry in queue.live_workers()] == [True])
    worker = psutil.Process(queue.live_workers()[0].process_id)
    assert os.getsid(worker.pid) == worker.pid
    worker.terminate()
    # Gone, not a zombie, though nobody here waits for it.
    wait_for(lambda: not psutil.pid_exists(worker.pid), seconds=10)
    assert queue.live_workers() == []


@BOTH_DATABASES
def test_the_worker_of_a_page_leaves_training_to_others_where_machines_share_the_database(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        launchers,
        "start_detached",
        lambda *_arguments, variables: asked.append(variables.get("HEADSTART_POOLS", "all")),
    )
    assert ensure_worker(queue)
    assert asked == ["all" if queue.database.file else "import,cpu,live"]
    queue.forget_worker(queue.live_workers()[0].id)
    monkeypatch.setenv("HEADSTART_POOLS", "device,live")
    assert ensure_worker(queue)
    assert asked[1:] == ["all"]  # the setting itself is handed on


def test_a_worker_that_cannot_be_started_keeps_no_place(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise OSError("no more processes")

    with monkeypatch.context() as patch:
        patch.setattr("core.jobs.launchers.start_detached", refuse)
        with pytest.raises(OSError, match="no more processes"):
            ensure_worker(queue)
    assert queue.live_workers() == []


def test_a_log_keeps_its_end_under_the_limit(queue: JobQueue, home: Path) -> None:
    log = log_path(claimed(queue, "logged", "quick"))
    assert log.is_relative_to(home)
    log.parent.mkdir(parents=True)
    log.write_bytes(b"first\n" + b"x" * 1000 + b"\nlast\n")
    shorten_log(log, limit_bytes=2000)
    assert log.stat().st_size == 1012
    shorten_log(log, limit_bytes=200)
    assert log.read_bytes().startswith(b"[the beginning of this log was cut off]\nxxx")
    assert log.read_bytes().endswith(b"x\nlast\n")
    assert log.stat().st_size == 100 + len(b"[the beginning of this log was cut off]\n")


def test_an_unknown_kind_is_refused_when_it_is_added(queue: JobQueue) -> None:
    with pytest.raises(UnknownName, match="no kind of job named 'dance'"):
        add(queue, "a", "dance", "quick")
    assert queue.jobs() == []
