"""The kind of device is part of a claim: the times of one group are taken on one kind."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.jobs.claims import KIND_GONE_SECONDS
from core.jobs.kinds import POOLS
from core.jobs.progress import DeviceWait, waiting_text
from core.jobs.queue import JobQueue
from core.jobs.records import NewJob
from tests.jobs.conftest import WallClock
from tests.postgres import BOTH_DATABASES

pytestmark = BOTH_DATABASES


@pytest.fixture
def queue(timed_queue: JobQueue) -> JobQueue:
    return timed_queue


def worker(queue: JobQueue, clock: WallClock, host: str, kind: str) -> JobQueue:
    """The queue as a worker on another machine has it; the worker is called as its host."""
    found = JobQueue(queue.url, now=clock, lease_seconds=15, host=host)
    found.device_kind = kind
    found.register_worker(host, 1)
    return found


def add(queue: JobQueue, *ids: str, kind: str = "train", group_id: str | None = "one") -> None:
    for job_id in ids:
        queue.add_job(NewJob(job_id, kind, {}, group_id))


def took(queue: JobQueue) -> str | None:
    """The job that the worker takes; it is over at once."""
    job = queue.claim_next(queue.host, None, POOLS)
    if job is None:
        return None
    queue.finish(job.id, None)
    return job.id


def test_the_first_that_starts_one_decides_for_its_group(queue: JobQueue, clock: WallClock) -> None:
    add(queue, "a", "b")
    add(queue, "c", "d", group_id="other")
    add(queue, "map", kind="feature_map")
    add(queue, "alone", group_id=None)
    fast, slow, fast_too = (
        worker(queue, clock, host, kind)
        for host, kind in (("h1", "fast"), ("h2", "slow"), ("h3", "fast"))
    )
    assert took(fast) == "a"
    assert took(slow) == "c"  # b is of a group that fast began
    assert took(fast_too) == "b"
    assert took(fast) == "map"  # a job that takes no times is for everybody
    assert took(fast_too) == "alone"
    assert took(fast) is None  # d is of a group that slow began
    assert took(slow) == "d"


def test_who_does_not_say_its_kind_is_asked_for_none(queue: JobQueue, clock: WallClock) -> None:
    add(queue, "a", "b")
    assert took(worker(queue, clock, "h1", "fast")) == "a"
    assert took(queue) == "b"


def test_what_remains_can_be_claimed_when_the_kind_is_gone(
    queue: JobQueue, clock: WallClock
) -> None:
    add(queue, *"abcd")
    fast, slow = worker(queue, clock, "h1", "fast"), worker(queue, clock, "h2", "slow")
    assert took(fast) == "a"
    fast.forget_worker("h1")
    if queue.database.file is None:
        # A machine that starts again is not gone yet.
        assert took(slow) is None
        clock.advance(KIND_GONE_SECONDS - 1)
        assert took(slow) is None
        clock.advance(1)
    assert took(slow) == "b"
    # Now the group is of the other kind: a machine that comes back decides nothing any more.
    back = worker(queue, clock, "h1", "fast")
    slow.heartbeat("h2")
    assert took(back) is None
    assert took(slow) == "c"


def test_a_lost_worker_is_gone_as_one_that_ended(queue: JobQueue, clock: WallClock) -> None:
    add(queue, *"ab")
    fast, slow = worker(queue, clock, "h1", "fast"), worker(queue, clock, "h2", "slow")
    assert took(fast) == "a"
    clock.advance(16)
    slow.register_worker("h2", 1)
    assert took(slow) is None  # nobody has noticed yet
    slow.reap_expired()
    if queue.database.file is None:
        assert took(slow) is None
        clock.advance(KIND_GONE_SECONDS)
    assert took(slow) == "b"


def test_of_two_kinds_that_start_at_once_one_decides(queue: JobQueue, clock: WallClock) -> None:
    for number in range(5):
        add(queue, *(f"{number}-{each}" for each in range(4)), group_id=f"group {number}")
    hosts = [worker(queue, clock, f"h{number}", f"kind {number % 2}") for number in range(4)]
    done: dict[str, set[str]] = {}
    with ThreadPoolExecutor(4) as pool:
        while any(claimed := list(pool.map(took, hosts))):
            for host, job_id in zip(hosts, claimed, strict=True):
                if job_id is not None:
                    done.setdefault(job_id[0], set()).add(host.device_kind)
    assert [job.state for job in queue.jobs()] == ["finished"] * 20
    assert [len(kinds) for kinds in done.values()] == [1] * 5


def test_whether_a_job_waits_for_a_worker_like_this(queue: JobQueue, clock: WallClock) -> None:
    fast, slow = worker(queue, clock, "h1", "fast"), worker(queue, clock, "h2", "slow")
    assert not fast.has_waiting("device", "extract")
    add(queue, "help", kind="extract")
    add(queue, "map", kind="feature_map")
    assert not fast.has_waiting("device", "extract")
    add(queue, *"ab")
    assert fast.has_waiting("device", "extract")
    assert took(fast) == "help"
    assert fast.has_waiting("device", "extract")
    assert not slow.has_waiting("device", "extract")


def test_why_a_job_waits_while_a_worker_of_another_kind_is_idle(
    queue: JobQueue, clock: WallClock
) -> None:
    add(queue, "a", "b")
    add(queue, "free", group_id="other")
    is_shared = queue.database.file is None
    # With a file, whoever looks starts a worker that trains.
    assert queue.device_wait("one") == (DeviceWait("", 0, 0) if is_shared else None)
    add(queue, "map", kind="feature_map")
    assert queue.waiting_text("map") == "Next in the queue"  # it takes no device
    fast = worker(queue, clock, "h1", "fast")
    assert queue.device_wait("one") is None
    job = fast.claim_next("h1", None, POOLS)
    assert job is not None
    assert job.id == "a"
    assert queue.device_wait("one") is None  # its turn comes: nobody is passed over
    worker(queue, clock, "h2", "slow")
    assert queue.device_wait("one") == DeviceWait("fast", 1, 1)
    assert queue.waiting_text("b") == waiting_text(1, DeviceWait("fast", 1, 1))
    assert queue.waiting_text("free") == "Place 2 in the queue"
    assert queue.device_wait("other") is None
    worker(queue, clock, "h3", "fast")
    assert queue.device_wait("one") is None
    fast.forget_worker("h3")
    fast.finish("a", None)
    assert queue.device_wait("one") is None
    fast.forget_worker("h1")
    assert queue.device_wait("one") == (DeviceWait("fast", 0, 1) if is_shared else None)
    clock.advance(KIND_GONE_SECONDS)
    worker(queue, clock, "h2", "slow").heartbeat("h2")
    assert queue.device_wait("one") is None
