"""Who serves the queue and how much waits, read from the database without a change."""

from datetime import timedelta

import pytest

from core.jobs.overview import overview
from core.jobs.queue import JobQueue, open_queue
from core.jobs.records import NewJob
from core.jobs.workers import utc_now


@pytest.fixture
def queue(home) -> JobQueue:  # noqa: ARG001 - sets the home
    return open_queue()


def pools(queue: JobQueue) -> dict[str, tuple[int, int]]:
    return {pool.name: (pool.waiting, pool.running) for pool in overview(queue).pools}


def test_an_empty_queue(queue: JobQueue) -> None:
    found = overview(queue)
    assert (found.workers, found.abandoned, found.waiting) == ((), (), 0)
    nothing = (0, 0)
    assert pools(queue) == dict.fromkeys(("device", "import", "cpu", "live"), nothing)


def test_workers_with_their_jobs_and_pools_with_what_waits(queue: JobQueue) -> None:
    for number in range(3):
        queue.add_job(NewJob(f"run-{number}", "train", {}))
    queue.add_job(NewJob("map", "feature_map", {}))
    queue.register_worker("first", 11)
    queue.register_worker("second", 12)
    assert queue.claim_next("first") is not None
    assert queue.claim_next("second") is not None
    found = overview(queue)
    assert [(one.worker.id, [job.id for job in one.at_work]) for one in found.workers] == [
        ("first", ["run-0"]),
        ("second", ["run-1"]),
    ]
    assert pools(queue) == {"device": (1, 2), "import": (0, 0), "cpu": (1, 0), "live": (0, 0)}
    assert (found.waiting, len(found.live_workers), found.abandoned) == (2, 2, ())


def test_a_silent_worker_and_a_job_without_one(queue: JobQueue) -> None:
    queue.add_job(NewJob("run", "train", {}))
    queue.register_worker("gone", 11)
    queue.claim_next("gone")
    later = JobQueue(queue.url, now=lambda: utc_now() + timedelta(seconds=40))
    (one,) = overview(later).workers
    assert one.is_silent
    assert one.silent_seconds == pytest.approx(40, abs=5)
    assert overview(later).live_workers == ()
    queue.forget_worker("gone")
    assert [job.id for job in overview(queue).abandoned] == ["run"]
    assert queue.job("run").state == "running"
