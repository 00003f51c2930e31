"""What a child process does with one job, called in this process."""

import os
import signal
import threading
import time

import pytest

from core.errors import StoreError, StoreLost
from core.jobs import child
from core.jobs import context as subject
from core.jobs.child import execute
from core.jobs.context import EXIT_AGAIN, EXIT_ORPHANED, JobContext, ParentWatch
from core.jobs.kinds import KINDS
from core.jobs.progress import Progress
from core.jobs.queue import JobQueue
from core.jobs.records import NewJob
from tests.jobs import stand_in
from tests.jobs.conftest import wait_for
from tests.postgres import BOTH_DATABASES

pytestmark = BOTH_DATABASES


def claimed(queue: JobQueue, do: str = "nothing", kind: str = "explain") -> str:
    queue.add_job(NewJob("a", kind, {"do": do}))
    assert queue.claim_next("worker") is not None
    return "a"


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_handler_returns_is_the_result(queue: JobQueue, kind: str, home) -> None:
    assert execute(queue, claimed(queue, "quick", kind)) == 0
    assert (queue.job("a").state, queue.job("a").result) == ("finished", {"did": "quick"})
    assert JobContext(queue, queue.job("a")).folder == home / KINDS[kind].folder / "a"


def test_a_handler_may_finish_by_itself(queue: JobQueue) -> None:
    assert execute(queue, claimed(queue, "finish")) == 0
    assert queue.job("a").result == {"by": "the handler"}


def test_a_job_that_is_not_in_work_is_left_alone(queue: JobQueue) -> None:
    queue.add_job(NewJob("a", "explain", {"do": "nothing"}))
    assert execute(queue, "a") == 0
    assert queue.job("a").state == "queued"


@pytest.mark.parametrize(
    ("do", "kind", "error", "result"),
    [
        ("refuse", "explain", "This is not one of ours.", None),
        ("ask", "import", "Which column?", {"columns": ["a", "b"]}),
        (
            "break",
            "train",
            "The run stopped with an unexpected ZeroDivisionError: division by zero. See its log.",
            None,
        ),
        (
            "memory",
            "import",
            "The import ran out of memory: close other programs, or give fewer images at a time, "
            "and start the import again.",
            None,
        ),
        ("full", "export", "The disk is full. Make room, and start the export again.", None),
    ],
)
def test_failures_are_worded(
    queue: JobQueue, do: str, kind: str, error: str, result: dict | None
) -> None:
    assert execute(queue, claimed(queue, do, kind)) == 1
    job = queue.job("a")
    assert (job.state, job.error, job.result) == ("failed", error, result)


def test_it_can_go_on_in_a_new_process(queue: JobQueue) -> None:
    assert execute(queue, claimed(queue, "again")) == EXIT_AGAIN
    assert (queue.job("a").state, queue.job("a").attempts) == ("running", 1)
    assert execute(queue, "a") == 0
    assert queue.job("a").state == "finished"


def test_a_server_that_goes_away_is_no_fault_of_the_job(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed(queue, "quick")

    def lost(*_: object) -> None:
        raise StoreLost("The server ended the connection.")

    with monkeypatch.context() as patch:
        patch.setattr(stand_in, "run", lost)
        assert execute(queue, "a") == EXIT_AGAIN
    assert (queue.job("a").state, queue.job("a").attempts) == ("running", 1)
    assert execute(queue, "a") == 0


def test_a_store_that_cannot_be_opened_gives_the_job_no_end(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    claimed(queue, "quick")

    def away() -> JobQueue:
        raise StoreError("The run store cannot be reached.")

    with monkeypatch.context() as patch:
        patch.setattr(child, "open_queue", away)
        patch.setattr(signal, "signal", lambda *_: None)
        assert child.main(["a"]) == EXIT_AGAIN
    assert "The run store cannot be reached." in capsys.readouterr().err
    assert queue.job("a").state == "running"


def test_a_cancel_is_heard(queue: JobQueue) -> None:
    statuses: list[int] = []
    claimed(queue, "wait")
    working = threading.Thread(target=lambda: statuses.append(execute(queue, "a")), daemon=True)
    working.start()
    wait_for(lambda: queue.job("a").progress is not None, 10)
    queue.cancel_job("a")
    working.join(timeout=10)
    assert statuses == [0]
    assert (queue.job("a").state, queue.job("a").error) == ("cancelled", None)


def test_the_queue_is_asked_at_most_five_times_a_second(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    context = JobContext(queue, queue.job(claimed(queue)))
    monkeypatch.setattr(queue, "cancel_requested", lambda *given: bool(asked.append(given)))
    assert [context.should_stop() for _ in range(1000)] == [False] * 1000
    assert asked == [("a", 1)]


def test_a_queue_that_is_away_for_a_moment_does_not_end_the_work(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = JobContext(queue, queue.job(claimed(queue)))

    def away(*_arguments: object) -> None:
        raise StoreError("The database is locked.")

    monkeypatch.setattr(queue, "cancel_requested", away)
    monkeypatch.setattr(queue, "set_progress", away)
    assert context.should_stop() is False
    context.report("Training", 1, 2)


def test_progress_is_written_for_each_step_and_at_most_twice_a_second(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = JobContext(queue, queue.job(claimed(queue)))
    written: list[Progress] = []
    monkeypatch.setattr(queue, "set_progress", lambda _id, told, _attempt: written.append(told))
    for done in range(24):
        monkeypatch.setattr(time, "monotonic", lambda now=done / 8: now)
        context.report("Reading", done, 24)
    context.report("Writing", 0, 1)
    assert [(told.step, told.done) for told in written] == [
        ("Reading", 0), ("Reading", 4), ("Reading", 8), ("Reading", 12), ("Reading", 16),
        ("Reading", 20), ("Writing", 0),
    ]  # fmt: skip
    # In the first second it is not told; then eight images a second are left to read.
    assert [told.seconds_left for told in written] == [None, None, 2.0, 1.5, 1.0, 0.5, None]


def test_a_child_whose_parent_is_gone_stops(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[object] = []
    monkeypatch.setattr(subject, "ORPHAN_POLL_SECONDS", 0.01)
    monkeypatch.setattr(subject, "ORPHAN_GRACE_SECONDS", 0.01)
    monkeypatch.setattr(subject.os, "_exit", left.append)
    monkeypatch.setattr(subject.os, "kill", lambda process, _signal: left.append(process))
    job = queue.job(claimed(queue))
    assert not JobContext(queue, job).should_stop()
    context = JobContext(queue, job, ParentWatch(os.getppid() + 1))
    wait_for(lambda: left == [os.getpid(), EXIT_ORPHANED], seconds=5)
    assert context.should_stop()
    assert queue.job("a").state == "running"  # its lease decides
