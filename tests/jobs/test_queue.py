"""The queue by itself: claims, leases, pools, ends; the same for every kind."""

import pytest

from core.errors import BadInput, UnknownName
from core.jobs.kinds import KINDS, POOLS, find_kind
from core.jobs.progress import Progress
from core.jobs.queue import JobQueue
from core.jobs.records import NewJob
from tests.jobs.conftest import WallClock
from tests.postgres import BOTH_DATABASES

pytestmark = BOTH_DATABASES


@pytest.fixture
def queue(timed_queue: JobQueue) -> JobQueue:
    return timed_queue


def added(queue: JobQueue, *ids: str, kind: str = "explain", group_id: str | None = None) -> None:
    for job_id in ids:
        queue.add_job(NewJob(job_id, kind, {"n": job_id}, group_id))


def lost(queue: JobQueue, kind: str = "explain") -> str:
    """The state of a job whose worker was lost: machines that share a database start it again."""
    return "interrupted" if queue.database.file or kind == "live" else "queued"


def claimed(queue: JobQueue, job_id: str = "a", kind: str = "explain") -> str:
    added(queue, job_id, kind=kind)
    job = queue.claim_next("worker")
    assert job is not None
    return job.id


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_waits_is_claimed_and_finishes(queue: JobQueue, kind: str, clock: WallClock) -> None:
    waiting = queue.add_job(NewJob("a", kind, {"n": 1}, "group"))
    assert (waiting.state, waiting.kind, waiting.pool) == ("queued", kind, KINDS[kind].pool)
    assert (waiting.arguments, waiting.group_id, waiting.attempts) == ({"n": 1}, "group", 0)
    clock.advance(1)
    job = queue.claim_next("worker")
    assert job is not None
    assert (job.state, job.attempts, job.worker_id, job.host) == ("running", 1, "worker", "here")
    assert job.lease_expires_at == "2026-11-22T12:00:16.000000+00:00"
    assert queue.set_progress("a", Progress("Reading", 1, 2), 1)
    assert queue.job("a").progress == Progress("Reading", 1, 2)
    assert queue.job("a").progress_at == "2026-11-22T12:00:01.000000+00:00"
    assert queue.finish("a", {"found": 3}, 1)
    done = queue.job("a")
    assert (done.state, done.result, done.progress) == ("finished", {"found": 3}, None)
    assert done.finished_at == "2026-11-22T12:00:01.000000+00:00"
    assert not queue.fail("a", "too late")
    assert not queue.set_progress("a", Progress("late"))
    assert queue.job("a") == done


def test_claims_follow_the_queue_and_end_with_none(queue: JobQueue) -> None:
    added(queue, "c", "a", "b")
    assert [queue.queue_place(job_id) for job_id in "cab"] == [1, 2, 3]
    claims = [queue.claim_next("worker") for _ in range(4)]
    assert [job.id if job else None for job in claims] == ["c", "a", "b", None]
    assert queue.queue_place("a") is None


def test_a_claim_can_be_for_one_group(queue: JobQueue) -> None:
    added(queue, "a", group_id="one")
    added(queue, "b", group_id="other")
    job = queue.claim_next("worker", "other")
    assert job is not None
    assert job.id == "b"
    assert queue.claim_next("worker", "other") is None
    assert [entry.id for entry in queue.jobs(group_id="one")] == ["a"]


def test_a_pool_has_its_limit_on_each_machine(queue: JobQueue) -> None:
    added(queue, "map", kind="feature_map")
    added(queue, "heat", kind="explain")
    added(queue, "run", kind="train")
    names = [job.id if (job := queue.claim_next("w", None, POOLS)) else None for _ in range(3)]
    assert names == ["map", "run", None]
    assert queue.queue_place("heat") == 1
    assert (queue.is_taken("device"), queue.is_taken("cpu"), queue.is_taken("import")) == (
        True, True, False
    )  # fmt: skip
    elsewhere = JobQueue(queue.url, host="elsewhere")
    assert not elsewhere.is_taken("device")
    job = elsewhere.claim_next("v", None, {"device": 1})
    assert job is None  # only heat waits, and that worker has no place for it
    job = elsewhere.claim_next("v", None, POOLS)
    assert job is not None
    assert job.id == "heat"
    queue.finish("map", None)
    assert not queue.is_taken("cpu")


def test_a_machine_with_two_devices_trains_on_each(queue: JobQueue) -> None:
    for job_id in ("a", "b", "c"):
        added(queue, job_id, kind="train")
    added(queue, "heat", "map", kind="explain")
    zero, one, all_of_it, elsewhere = (
        JobQueue(queue.url, host=host, device=device)
        for host, device in (("here", "0"), ("here", "1"), ("here", ""), ("elsewhere", ""))
    )

    def took(queue: JobQueue) -> str | None:
        job = queue.claim_next(f"worker of {queue.device}", pools=POOLS)
        return job.id if job else None

    assert [took(zero), took(zero), took(zero)] == ["a", "heat", None]
    assert [took(one), took(one)] == ["b", None]  # heat maps are counted for the machine
    assert took(all_of_it) is None  # who has no device of its own waits for all of them
    assert (queue.job("a").device, queue.job("b").device, queue.job("b").host) == ("0", "1", "here")
    assert (zero.is_taken("device"), all_of_it.is_taken("device")) == (True, True)
    assert took(elsewhere) == "c"
    queue.fail("b", "broke")
    queue.requeue_job("b")
    assert (queue.job("b").device, queue.job("b").host) == ("", None)


def test_an_unknown_job_lists_the_known_ones(queue: JobQueue) -> None:
    added(queue, "a")
    for verb in (queue.job, queue.cancel_job, queue.requeue_job, queue.forget_job):
        with pytest.raises(UnknownName, match=r"no job named 'nope'\. Known: a"):
            verb("nope")
    assert queue.find_job("nope") is None
    with pytest.raises(
        UnknownName, match=r"no kind of job named 'nope'\. Known: advice, backbone, explain"
    ):
        find_kind("nope")


def test_a_former_attempt_cannot_write_into_a_later_one(queue: JobQueue) -> None:
    claimed(queue)
    queue.fail("a", "broke", 1, {"more": 1})
    assert (queue.job("a").error, queue.job("a").result) == ("broke", {"more": 1})
    assert queue.requeue_job("a", {"n": 2})
    again = queue.job("a")
    assert (again.state, again.error, again.result) == ("queued", None, None)
    assert (again.arguments, again.attempts) == ({"n": 2}, 1)
    assert not queue.requeue_job("a")
    queue.claim_next("worker")
    assert queue.job("a").attempts == 2
    assert not queue.set_progress("a", Progress("late"), 1)
    assert not queue.finish("a", None, 1)
    assert queue.cancel_requested("a", 1)
    assert not queue.cancel_requested("a", 2)


def test_cancel_before_the_start_in_work_and_after_the_end(queue: JobQueue) -> None:
    added(queue, "waits", "works")
    assert queue.cancel_job("waits").state == "cancelled"
    assert queue.cancel_job("waits").state == "cancelled"
    queue.claim_next("worker")
    assert not queue.cancel_requested("works")
    for _ in range(2):
        asked = queue.cancel_job("works")
        assert (asked.state, asked.cancel_requested) == ("running", True)
    assert queue.cancel_requested("works")
    assert queue.mark_cancelled("works", 1)
    assert queue.cancel_job("works").state == "cancelled"
    assert queue.cancel_requested("works")  # it is no longer in work


def test_the_same_job_is_added_once_and_done_again_when_asked(queue: JobQueue) -> None:
    first = queue.add_job_once(NewJob("a", "explain", {}))
    assert queue.add_job_once(NewJob("a", "explain", {})) == first
    queue.claim_next("worker")
    queue.finish("a", None)
    assert queue.add_job_once(NewJob("a", "explain", {})).state == "queued"
    queue.claim_next("worker")
    queue.fail("a", "broke")
    assert queue.add_job_once(NewJob("a", "explain", {})).state == "failed"


def test_forgetting_is_refused_while_it_is_at_work(queue: JobQueue) -> None:
    claimed(queue)
    with pytest.raises(BadInput, match="The heat map a is running; cancel it first"):
        queue.forget_job("a")
    queue.fail("a", "broke")
    queue.forget_job("a")
    assert queue.jobs() == []


def test_a_heartbeat_keeps_the_jobs_of_its_worker_alone(queue: JobQueue, clock: WallClock) -> None:
    for job_id in ("a", "b"):
        added(queue, job_id, kind="train", group_id=job_id)
        assert queue.claim_next(f"worker of {job_id}", job_id, pools=None) is not None
    clock.advance(10)
    assert queue.heartbeat("worker of a") == {"a"}
    clock.advance(5)
    assert queue.reap_expired() == ["b"]
    assert (queue.job("a").state, queue.job("b").state) == ("running", lost(queue))


@pytest.mark.parametrize("kind", KINDS)
def test_a_silent_worker_loses_its_job_when_the_lease_ends(
    queue: JobQueue, kind: str, clock: WallClock
) -> None:
    queue.register_worker("worker", 1)
    claimed(queue, kind=kind)
    clock.advance(10)
    assert queue.heartbeat("worker") == {"a"}
    clock.advance(14.9)
    assert queue.reap_expired() == []
    assert [worker.id for worker in queue.live_workers()] == ["worker"]
    clock.advance(0.1)
    assert queue.reap_expired() == ["a"]
    noun, job = KINDS[kind].noun, queue.job("a")
    assert job.state == lost(queue, kind)
    if job.state == "interrupted":
        assert job.error == (
            f"The worker of this {noun} was silent for 15 s: it died, or the machine was asleep. "
            f"Start the {noun} again."
        )
    assert job.can_retry == (job.state == "interrupted")
    assert queue.live_workers() == []
    assert queue.reap_expired() == []


def test_a_worker_that_comes_back_goes_on_with_what_nobody_has_taken(
    queue: JobQueue, clock: WallClock
) -> None:
    claimed(queue)
    clock.advance(25)
    assert queue.reap_expired() == ["a"]
    assert queue.job("a").state == lost(queue)
    assert not queue.cancel_requested("a", 1)  # its process goes on meanwhile
    assert queue.heartbeat("worker") == {"a"}
    back = queue.job("a")
    assert (back.state, back.error, back.finished_at, back.attempts) == ("running", None, None, 1)
    assert queue.finish("a", {"n": 1}, 1)


def test_the_process_of_a_silent_worker_may_report_first(queue: JobQueue, clock: WallClock) -> None:
    claimed(queue)
    clock.advance(25)
    queue.reap_expired()
    assert not queue.set_progress("a", Progress("of another attempt"), 2)
    assert queue.job("a").state == lost(queue)
    assert queue.set_progress("a", Progress("going on"), 1)
    assert queue.job("a").state == "running"
    clock.advance(14)
    assert queue.reap_expired() == []


@pytest.mark.parametrize("how", ["retried", "interrupted by its worker"])
def test_what_was_taken_or_given_up_does_not_come_back(
    queue: JobQueue, clock: WallClock, how: str
) -> None:
    claimed(queue)
    if how == "retried":
        clock.advance(25)
        queue.reap_expired()
        queue.cancel_job("a")
        queue.requeue_job("a")
    else:
        queue.mark_interrupted("a", "stopped", 1)
    state = queue.job("a").state
    assert queue.cancel_requested("a", 1)
    assert queue.heartbeat("worker") == set()
    assert not queue.set_progress("a", Progress("late"), 1)
    assert queue.job("a").state == state


def test_a_dead_workers_job_that_was_to_be_cancelled_is_cancelled(
    queue: JobQueue, clock: WallClock
) -> None:
    claimed(queue)
    queue.cancel_job("a")
    clock.advance(16)
    assert queue.reap_expired() == ["a"]
    assert (queue.job("a").state, queue.job("a").error) == ("cancelled", None)


def test_only_one_of_two_gets_to_start_a_worker(queue: JobQueue, clock: WallClock) -> None:
    assert queue.announce_worker("a")
    assert not queue.announce_worker("b")
    queue.register_worker("a", 42)
    assert [worker.process_id for worker in queue.live_workers()] == [42]
    clock.advance(16)
    assert queue.announce_worker("b")
    queue.forget_worker("b")
    queue.register_worker("c", 43, group_id="experiment")
    assert queue.announce_worker("d")  # one that serves a group does not stand for all


def test_each_machine_and_each_device_has_a_worker_of_its_own(queue: JobQueue) -> None:
    zero, one = (JobQueue(queue.url, host="there", device=device) for device in "01")
    page = JobQueue(queue.url, host="there")
    assert queue.announce_worker("here")
    assert page.announce_worker("there")
    assert not page.announce_worker("another")
    assert [zero.announce_worker("zero"), one.announce_worker("one")] == [True, True]
    assert not zero.announce_worker("another")
    page.forget_worker("there")
    assert not page.announce_worker("another")  # any worker of its machine serves a page
    found = {worker.id: (worker.host, worker.device) for worker in queue.live_workers()}
    assert found == {"here": ("here", ""), "zero": ("there", "0"), "one": ("there", "1")}
