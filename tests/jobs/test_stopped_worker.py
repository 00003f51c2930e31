"""A worker and its children that are really stopped, as by a laptop that is closed, and go on."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from core.errors import StoreError
from core.jobs.database import Database
from core.jobs.queue import JobQueue, open_queue
from core.settings import current_settings
from tests.jobs.conftest import processes_of, wait_for
from tests.jobs.test_processes import add, serving, worker_process

LEASE_SECONDS = 1


@contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[None]:
    """Stopped between two transactions: in one, they would keep everybody from the database."""
    stop(processes)
    try:
        while database_is_held():
            go_on(processes)
            time.sleep(0.05)
            stop(processes)
        yield
    finally:
        go_on(processes)


def stop(processes: list[psutil.Process]) -> None:
    for process in processes:
        process.send_signal(signal.SIGSTOP)


def go_on(processes: list[psutil.Process]) -> None:
    for process in processes:
        process.send_signal(signal.SIGCONT)


def database_is_held() -> bool:
    try:
        with Database(current_settings().database_url, busy_timeout_seconds=0.2).writing():
            return False
    except StoreError:
        return True


def processes_at_work(worker_id: int, job_id: str) -> list[psutil.Process]:
    (child,) = processes_of(job_id)
    return [psutil.Process(worker_id), child]


def wait_until_it_is_missed(queue: JobQueue, job_id: str) -> None:
    """Until another process, which looks again and again, marks the job."""
    other = open_queue(lease_seconds=LEASE_SECONDS)
    stopped_at = time.monotonic()
    wait_for(lambda: other.reap_expired() == [job_id])
    assert time.monotonic() - stopped_at > LEASE_SECONDS / 4
    job = queue.job(job_id)
    assert job.state == "interrupted"
    assert job.error is not None
    assert job.error.startswith("The worker of this run was silent for 1 s")


def test_a_worker_that_was_stopped_goes_on_with_its_job(queue: JobQueue, tmp_path: Path) -> None:
    mark, tally = tmp_path / "mark", tmp_path / "tally"
    add(queue, "asleep", "train", "until", mark=str(mark), tally=str(tally))
    with worker_process(str(LEASE_SECONDS), "0") as worker:
        wait_for(lambda: queue.job("asleep").progress is not None)
        with stopped(processes_at_work(worker.pid, "asleep")):
            wait_until_it_is_missed(queue, "asleep")
        wait_for(lambda: queue.job("asleep").state == "running")
        assert queue.job("asleep").error is None
        mark.touch()
        wait_for(lambda: queue.job("asleep").state == "finished")
        assert worker.poll() is None
    assert queue.job("asleep").attempts == 1
    assert tally.read_text().split() == ["asleep"]


def test_a_worker_that_was_stopped_tells_nothing_of_a_job_that_another_did(
    queue: JobQueue, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    add(queue, "taken", "train", "until", mark=str(mark))
    with worker_process(str(LEASE_SECONDS), "0") as late:
        wait_for(lambda: queue.job("taken").progress is not None)
        processes = processes_at_work(late.pid, "taken")
        with stopped(processes):
            wait_until_it_is_missed(queue, "taken")
            assert queue.requeue_job("taken")
            mark.touch()
            with serving():
                wait_for(lambda: queue.job("taken").state == "finished")
            done = queue.job("taken")
        wait_for(lambda: not processes[1].is_running())
        wait_for(lambda: [entry.process_id for entry in queue.live_workers()] == [late.pid])
    assert (done.attempts, done.result) == (2, {"attempt": 2})
    assert queue.job("taken") == done
