"""Jobs of one group that are done by one process, one after the other, and what ends that."""

import socket
from typing import Any

import pytest

from core.jobs import child
from core.jobs.launchers import ProcessLauncher, log_path
from core.jobs.queue import JobQueue
from core.jobs.records import NewJob
from core.jobs.worker import serve
from tests.jobs.conftest import processes_of, wait_for

pytestmark = pytest.mark.slow


def add(queue: JobQueue, job_id: str, do: str, group_id: str = "one", kind: str = "train") -> None:
    queue.add_job(NewJob(job_id, kind, {"do": do}, group_id))


def result_of(queue: JobQueue, job_id: str) -> dict[str, Any]:
    job = queue.job(job_id)
    assert (job.state, job.attempts) == ("finished", 1), job.error
    return job.result or {}


def served(queue: JobQueue) -> list[str]:
    """Serve until nothing is left; what the worker said."""
    said: list[str] = []
    launcher = ProcessLauncher(module="tests.jobs.stand_in")
    serve(queue, launcher, exit_when_idle=0, report=said.append)
    return said


def test_runs_of_one_experiment_share_a_process_and_the_order_of_the_queue_stays(
    queue: JobQueue,
) -> None:
    for job_id, group_id in (("a", "one"), ("b", "one"), ("c", "other"), ("d", "one")):
        add(queue, job_id, "where", group_id)
    said = served(queue)
    assert said == [f"{each}: {word}" for each in "abcd" for word in ("started", "finished")]
    found = {each: result_of(queue, each) for each in "abcd"}
    assert [found[each]["is_used"] for each in "abcd"] == [False, True, False, False]
    assert found["a"]["process"] == found["b"]["process"]
    assert len({found[each]["process"] for each in "acd"}) == 3
    for each in "abcd":  # each has its own log
        log = log_path(queue.job(each)).read_text()
        assert log == f"done in {found[each]['process']}\n"
        assert processes_of(each) == []


def test_a_process_ends_with_a_job_that_fails_or_dies(queue: JobQueue) -> None:
    for job_id, do in (
        ("first", "where"),
        ("broken", "break"),
        ("after", "where"),
        ("killed", "die in a used process"),
        ("last", "where"),
    ):
        add(queue, job_id, do)
    said = served(queue)
    assert said[4:9] == [
        "after: started",
        "after: finished",
        "killed: started",
        "killed: again in a new process",
        "killed: finished",
    ]
    assert queue.job("broken").state == "failed"
    # What others left in a process is no reason to give the job less.
    assert queue.job("killed").error is None
    found = {each: result_of(queue, each) for each in ("first", "after", "killed", "last")}
    assert [one["is_used"] for one in found.values()] == [False, False, False, True]
    assert found["killed"]["process"] == found["last"]["process"]


def test_other_kinds_and_jobs_without_a_second_one_get_a_process_each(queue: JobQueue) -> None:
    add(queue, "heat", "where", kind="explain")
    add(queue, "other heat", "where", kind="explain")
    served(queue)
    assert [result_of(queue, each)["is_used"] for each in ("heat", "other heat")] == [False] * 2


def test_a_used_process_hears_a_cancel_and_the_next_job_gets_a_new_one(queue: JobQueue) -> None:
    launcher = ProcessLauncher(module="tests.jobs.stand_in")
    for job_id, do in (("first", "where"), ("long", "stone deaf"), ("next", "where")):
        add(queue, job_id, do)

    def cancel_once_it_works() -> None:
        if queue.job("long").progress is not None:
            queue.cancel_job("long")

    serve(queue, launcher, exit_when_idle=0, watch=cancel_once_it_works)
    assert queue.job("long").state == "cancelled"
    found = [result_of(queue, each) for each in ("first", "next")]
    assert [one["is_used"] for one in found] == [False, False]
    assert found[0]["process"] != found[1]["process"]
    assert processes_of("first") == processes_of("next") == []


def test_a_process_that_waits_ends_on_request_and_with_its_worker(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = ProcessLauncher(module="tests.jobs.stand_in")
    add(queue, "waits", "where")
    job = queue.claim_next("worker")
    assert job is not None
    handle = launcher.start(job)
    wait_for(lambda: handle.poll() == 0)
    handle.stop()  # its job is over, so nothing happens
    assert len(processes_of("waits")) == 1
    launcher.end_waiting()
    assert processes_of("waits") == []
    assert handle.poll() == 0
    monkeypatch.setattr(child.signal, "signal", lambda *_given: None)
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()  # as when the worker is killed
        assert child._next_job(theirs) == ""
