"""What running jobs hold, so that no two do the same work at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.jobs.holds import Holds
from core.jobs.queue import JobQueue
from core.jobs.records import JobRecord, NewJob
from tests.jobs.conftest import WallClock
from tests.postgres import BOTH_DATABASES

pytestmark = BOTH_DATABASES


def running(queue: JobQueue, job_id: str) -> JobRecord:
    queue.add_job(NewJob(job_id, "explain", {}))
    job = queue.claim_next(f"worker of {job_id}")
    assert job is not None
    assert job.id == job_id
    return job


def test_two_jobs_never_hold_the_same_name(timed_queue: JobQueue) -> None:
    one, two = (Holds(timed_queue, running(timed_queue, name)) for name in ("a", "b"))
    assert one.take([["x"], ["y"]]) == 0
    assert two.take([["x"], ["y"]]) == 1
    assert two.take([["x"]]) is None
    assert two.take([["x", "z"], ["y", "z"]]) == 1  # all names of a choice, or none
    one.give_back()
    assert two.take([["x"]]) == 0
    assert one.take([["x"], ["y"], ["z"]]) is None


@pytest.mark.parametrize("end", ["finished", "failed", "lost"])
def test_the_end_of_a_job_is_the_end_of_what_it_holds(
    timed_queue: JobQueue, clock: WallClock, end: str
) -> None:
    job = running(timed_queue, "a")
    assert Holds(timed_queue, job).take([["x"]]) == 0
    other = Holds(timed_queue, running(timed_queue, "b"))
    assert other.take([["x"]]) is None
    if end == "finished":
        timed_queue.finish("a", None)
    elif end == "failed":
        timed_queue.fail("a", "broke")
    else:
        clock.advance(10)
        timed_queue.heartbeat("worker of b")
        clock.advance(10)
        assert timed_queue.reap_expired() == ["a"]
    assert other.take([["x"]]) == 0


def test_another_start_of_a_job_holds_nothing_of_the_one_before(timed_queue: JobQueue) -> None:
    running(timed_queue, "b")
    first = running(timed_queue, "a")
    assert Holds(timed_queue, first).take([["x"]]) == 0
    again = Holds(timed_queue, first)  # another process of the same start
    assert again.take([["x"]]) == 0
    timed_queue.fail("a", "broke")
    timed_queue.requeue_job("a")
    second = timed_queue.claim_next("worker")
    assert second is not None
    assert Holds(timed_queue, timed_queue.job("b")).take([["x"]]) == 0
    assert Holds(timed_queue, second).take([["x"]]) is None
    assert Holds(timed_queue, second).take([["y"]]) == 0
    again.give_back()  # a process that was forgotten wakes up
    assert Holds(timed_queue, timed_queue.job("b")).take([["y"]]) is None


def test_many_at_once_take_each_name_once(timed_queue: JobQueue) -> None:
    jobs = [running(timed_queue, f"job-{number}") for number in range(8)]
    names = [[f"x-{number}"] for number in range(5)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda job: Holds(timed_queue, job).take(names), jobs))
    assert sorted(place for place in taken if place is not None) == [0, 1, 2, 3, 4]
    assert taken.count(None) == 3
