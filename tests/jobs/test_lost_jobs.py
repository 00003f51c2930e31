"""Jobs of lost workers where machines share a database: started again, elsewhere, at most twice."""

import pytest

from core.jobs.progress import Progress
from core.jobs.queue import MOST_STARTS, JobQueue
from core.jobs.records import NewJob
from core.settings import current_settings
from tests.jobs.conftest import WallClock

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def queue(timed_queue: JobQueue) -> JobQueue:
    return timed_queue


@pytest.fixture
def elsewhere(queue: JobQueue, clock: WallClock) -> JobQueue:
    """The same queue as another machine sees it."""
    assert queue.host == "here"
    return JobQueue(current_settings().database_url, now=clock, lease_seconds=15, host="there")


def lose(queue: JobQueue, clock: WallClock, worker_id: str = "worker") -> None:
    """A worker takes the first job and is not heard of again."""
    job = queue.claim_next(worker_id)
    assert job is not None
    assert queue.set_progress(job.id, Progress("Epoch 3 of 5"), job.attempts)
    clock.advance(15)
    assert queue.reap_expired() == [job.id]


def test_another_machine_starts_it_before_all_that_wait(
    queue: JobQueue, elsewhere: JobQueue, clock: WallClock
) -> None:
    for job_id in ("a", "b"):
        queue.add_job(NewJob(job_id, "train", {}))
    lose(queue, clock)
    waiting = queue.job("a")
    assert (waiting.state, waiting.progress, waiting.attempts) == ("queued", None, 1)
    again = elsewhere.claim_next("other")
    assert again is not None
    assert (again.id, again.host, again.attempts) == ("a", "there", 2)
    # The first worker was only slow: what it says now belongs to nobody.
    assert queue.heartbeat("worker") == set()
    assert queue.cancel_requested("a", 1)
    assert not queue.finish("a", {"of": "the first"}, 1)
    assert elsewhere.finish("a", {"of": "the second"}, 2)
    assert queue.job("a").result == {"of": "the second"}


def test_a_job_that_loses_each_worker_is_not_started_for_ever(
    queue: JobQueue, clock: WallClock
) -> None:
    queue.add_job(NewJob("poison", "train", {}))
    for number in range(MOST_STARTS):
        lose(queue, clock, f"worker {number}")
    job = queue.job("poison")
    assert (job.state, job.attempts, job.can_retry) == ("interrupted", 3, True)
    assert job.error == (
        "The worker of this run was silent for 15 s: it died, or the machine was asleep. It was "
        "started 3 times. Start the run again."
    )
    assert queue.claim_next("worker") is None


def test_one_that_waits_again_can_be_cancelled(
    queue: JobQueue, elsewhere: JobQueue, clock: WallClock
) -> None:
    queue.add_job(NewJob("a", "train", {}))
    lose(queue, clock)
    assert elsewhere.cancel_job("a").state == "cancelled"
    assert queue.heartbeat("worker") == set()
    assert elsewhere.claim_next("other") is None


def test_an_error_of_its_own_is_not_started_again(queue: JobQueue, clock: WallClock) -> None:
    queue.add_job(NewJob("a", "train", {}))
    assert queue.claim_next("worker") is not None
    assert queue.fail("a", "its own fault", 1)
    clock.advance(60)
    assert queue.reap_expired() == []
    assert queue.job("a").state == "failed"
    assert queue.claim_next("worker") is None


def test_a_live_process_belongs_to_its_machine(
    queue: JobQueue, elsewhere: JobQueue, clock: WallClock
) -> None:
    queue.add_job(NewJob("live", "live", {}, host="here"))
    lose(queue, clock)
    assert queue.job("live").state == "interrupted"
    assert elsewhere.claim_next("other") is None
