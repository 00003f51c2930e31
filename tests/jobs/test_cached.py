"""Work whose result is a file in the cache, whoever asks for it and however often."""

import os
import threading
import time
from pathlib import Path

import pytest

from core.jobs import cached as subject
from core.jobs.cached import (
    CachedWork,
    cache_folder,
    cached_work,
    known_work,
    make_again,
    remove_oldest,
)
from core.jobs.child import execute
from core.jobs.context import job_folder
from core.jobs.progress import Progress
from core.jobs.queue import JobQueue
from core.jobs.records import NewJob
from tests.postgres import BOTH_DATABASES

pytestmark = BOTH_DATABASES

JOB_ID = "explain-answer"


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often a worker was asked for; none is started."""
    asked: list[int] = []
    monkeypatch.setattr(subject, "ensure_worker", lambda _queue: asked.append(1))
    return asked


@pytest.fixture
def result(queue: JobQueue, woken: list[int]) -> Path:  # noqa: ARG001 - no worker
    return cache_folder() / "made" / "answer.txt"


def ask(queue: JobQueue, result: Path, do: str = "write") -> CachedWork:
    return cached_work(queue, "explain", {"do": do}, result)


def do_it(queue: JobQueue) -> int:
    job = queue.claim_next("worker")
    assert job is not None
    return execute(queue, job.id)


def test_who_only_looks_queues_nothing(queue: JobQueue, result: Path) -> None:
    assert known_work(queue, "explain", result) is None
    assert queue.jobs() == []
    asked = ask(queue, result)
    assert known_work(queue, "explain", result) == asked
    assert do_it(queue) == 0
    assert known_work(queue, "explain", result) == ask(queue, result)
    result.unlink()  # cleared away: as if nobody had asked
    assert known_work(queue, "explain", result) is None


def test_a_result_outside_the_cache_is_left_there_by_its_handler(
    queue: JobQueue, home: Path, woken: list[int]
) -> None:
    result = home / "datasets" / "arrows" / "answer.txt"
    assert cached_work(queue, "explain", {"do": "nothing"}, result).state == "working"
    assert queue.job(JOB_ID).arguments == {"do": "nothing"}
    assert len(woken) == 1
    assert do_it(queue) == 0
    result.parent.mkdir(parents=True)
    result.write_text("done")
    assert cached_work(queue, "explain", {"do": "nothing"}, result).state == "ready"


def test_the_first_who_asks_queues_it_and_all_see_how_it_stands(
    queue: JobQueue, result: Path, woken: list[int]
) -> None:
    assert ask(queue, result) == CachedWork(result, "working", "Next in the queue", job_id=JOB_ID)
    assert ask(queue, result).state == "working"
    assert len(woken) == 2
    assert queue.job(JOB_ID).arguments == {"do": "write", "output": "made/answer.txt"}
    job = queue.claim_next("worker")
    assert job is not None
    assert ask(queue, result).text == "Starting"
    queue.set_progress(JOB_ID, Progress("Looking", 3, 12))
    assert ask(queue, result) == CachedWork(
        result, "working", "Looking · 3 of 12 images", 0.25, job_id=JOB_ID
    )
    assert execute(queue, JOB_ID) == 0
    assert ask(queue, result) == CachedWork(result, "ready", job_id=JOB_ID)
    assert result.read_text() == "done"


def test_callers_who_ask_at_once_make_one_job(queue: JobQueue, result: Path) -> None:
    together = threading.Barrier(8)
    states: list[str] = []

    def caller() -> None:
        together.wait()
        states.append(ask(queue, result).state)

    threads = [threading.Thread(target=caller) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == ["working"] * 8
    assert [job.id for job in queue.jobs()] == [JOB_ID]


def test_a_failure_stays_until_it_is_tried_again(queue: JobQueue, result: Path) -> None:
    ask(queue, result, "refuse")
    assert do_it(queue) == 1
    failed = ask(queue, result, "refuse")
    assert failed == CachedWork(result, "failed", error="This is not one of ours.", job_id=JOB_ID)
    assert queue.claim_next("worker") is None
    make_again(queue, failed)
    assert ask(queue, result).state == "working"
    make_again(queue, failed)  # not while it works
    assert queue.job(JOB_ID).attempts == 1


def test_a_cancelled_work_says_so_and_can_be_tried_again(queue: JobQueue, result: Path) -> None:
    ask(queue, result)
    queue.cancel_job(JOB_ID)
    cancelled = ask(queue, result)
    assert (cancelled.state, cancelled.error) == ("cancelled", "It was cancelled.")
    make_again(queue, cancelled)
    do_it(queue)
    assert ask(queue, result).state == "ready"


def test_a_result_that_was_swept_away_or_is_damaged_is_made_anew(
    queue: JobQueue, result: Path
) -> None:
    ask(queue, result)
    do_it(queue)
    result.unlink()
    assert ask(queue, result).state == "working"
    do_it(queue)
    result.write_text("damaged")
    make_again(queue, ask(queue, result))
    assert not result.exists()
    do_it(queue)
    assert result.read_text() == "done"
    queue.forget_job(JOB_ID)  # as in a home of an older version
    assert ask(queue, result).state == "ready"
    make_again(queue, ask(queue, result))
    assert ask(queue, result).state == "working"


def test_a_folder_in_the_place_of_a_result_is_moved_aside(queue: JobQueue, result: Path) -> None:
    for _ in range(2):  # before the first result, and in place of one
        result.unlink(missing_ok=True)
        (result / "inside").mkdir(parents=True)
        assert ask(queue, result).state == "working"
        assert do_it(queue) == 0
        assert result.read_text() == "done"
    assert len([path for path in result.parent.iterdir() if "strange-" in path.name]) == 2


def test_what_a_killed_attempt_left_is_taken_away(queue: JobQueue, result: Path) -> None:
    result.parent.mkdir(parents=True)
    result.with_name(f".{result.name}.{'0' * 32}.part").write_text("half")
    ask(queue, result)
    do_it(queue)
    assert list(result.parent.iterdir()) == [result]


def test_a_worker_that_died_is_said(queue: JobQueue, result: Path) -> None:
    ask(queue, result)
    queue.claim_next("worker")
    queue.mark_interrupted(JOB_ID, "It died.")
    assert ask(queue, result).error == "It died."


def made(queue: JobQueue, name: str, size_bytes: int, age: int) -> Path:
    path = cache_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size_bytes)
    os.utime(path, (1_000_000 - age, 1_000_000 - age))
    job = queue.add_job(NewJob(f"explain-{path.stem}", "explain", {}))
    job_folder(job).mkdir(parents=True)
    queue.cancel_job(job.id)
    return path


def test_the_oldest_results_go_first_and_their_jobs_with_them(queue: JobQueue) -> None:
    oldest, old, young = (
        made(queue, name, 40, age) for name, age in (("a/1.npz", 9), ("a/2.npz", 5), ("a/3.npz", 1))
    )
    of_another_kind = made(queue, "b/4.npz", 400, 12)
    remove_oldest(queue, "explain", keep=young, limit_bytes=120)
    assert oldest.exists()
    remove_oldest(queue, "explain", keep=oldest, limit_bytes=80)
    assert [path.exists() for path in (oldest, old, young)] == [True, False, True]
    assert sorted(job.id for job in queue.jobs()) == ["explain-1", "explain-3", "explain-4"]
    remove_oldest(queue, "explain", keep=young, limit_bytes=10)
    assert [path.exists() for path in (oldest, young)] == [False, True]
    assert of_another_kind.exists()
    (young.parent / "nobody knows it.npz").touch()  # as in a home of an older version
    os.utime(young.parent / "nobody knows it.npz", (1, 1))
    remove_oldest(queue, "explain", keep=young, limit_bytes=10)
    assert [path.name for path in young.parent.iterdir()] == ["3.npz"]


def test_being_asked_twenty_times_a_second_is_cheap(queue: JobQueue, result: Path) -> None:
    ask(queue, result)
    started = time.perf_counter()
    for _ in range(20):
        ask(queue, result)
    assert time.perf_counter() - started < 1.0
