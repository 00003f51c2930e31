"""Work beside the web process, with real processes."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from core.runs import side_work as subject
from core.runs.side_work import STOPPED, SideWork, forget, remove_oldest, side_folder, side_work

MODULE = "tests.runs.side_module"


@pytest.fixture
def result(home: Path) -> Iterator[Path]:  # noqa: ARG001 - it lies in that home
    path = side_folder() / "made" / "answer.txt"
    yield path
    for process in processes_of(path):
        process.kill()


def ask(result: Path, kind: str) -> SideWork:
    return side_work(result, MODULE, [kind])


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def processes_of(result: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if str(result) in (process.info["cmdline"] or [])
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def starts(result: Path) -> list[str]:
    return (result.parent / "starts.txt").read_text().split()


def begin_waiting(result: Path) -> psutil.Process:
    ask(result, "wait")
    wait_for(lambda: ask(result, "wait").step == "Waiting")
    (process,) = processes_of(result)
    return process


def test_the_first_who_asks_starts_it_and_all_see_how_it_stands(result: Path) -> None:
    assert ask(result, "wait") == SideWork(result, "working", "Starting")
    wait_for(lambda: ask(result, "wait").step == "Waiting")
    assert ask(result, "wait") == SideWork(result, "working", "Waiting", 3, 7)
    (process,) = processes_of(result)
    assert process.nice() == 19
    assert os.getsid(process.pid) == process.pid  # it outlives who asked
    (result.parent / "go").touch()
    wait_for(lambda: ask(result, "wait").state == "ready")
    assert ask(result, "wait") == SideWork(result, "ready")
    assert result.read_text() == "done"
    assert starts(result) == ["wait"]
    wait_for(lambda: not processes_of(result))
    assert not result.with_name("answer.txt.progress").exists()


def test_callers_who_ask_at_once_start_one_process(result: Path) -> None:
    together = threading.Barrier(8)
    states: list[str] = []

    def caller() -> None:
        together.wait()
        states.append(ask(result, "wait").state)

    threads = [threading.Thread(target=caller) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == ["working"] * 8
    assert len(processes_of(result)) == 1
    wait_for(lambda: ask(result, "wait").step == "Waiting")
    (result.parent / "go").touch()
    wait_for(lambda: ask(result, "wait").state == "ready")
    assert starts(result) == ["wait"]


def test_a_second_process_on_the_same_work_leaves_at_once(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "LOCK_SECONDS", 0.1)
    monkeypatch.setattr(os, "nice", lambda _by: 0)
    result.parent.mkdir(parents=True)
    with (
        FileLock(result.with_name("answer.txt.lock")),
        pytest.raises(SystemExit) as left,
        subject.side_process(result),
    ):
        pytest.fail("the work is being done already")
    assert left.value.code == 0


def test_a_killed_one_is_noticed_and_can_be_started_again(result: Path) -> None:
    process = begin_waiting(result)
    forget(result)  # not while it works
    assert ask(result, "wait").state == "working"
    process.send_signal(signal.SIGKILL)
    wait_for(lambda: not processes_of(result))
    # A process that is killed lets go of its files a moment after it is gone from the list.
    wait_for(lambda: ask(result, "wait").state != "working")
    assert ask(result, "wait") == SideWork(result, "failed", error=STOPPED)
    assert starts(result) == ["wait"]
    forget(result)
    assert ask(result, "quick").state == "working"
    wait_for(lambda: ask(result, "quick").state == "ready")
    assert starts(result) == ["wait", "quick"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("refuse", "This picture is not one of ours."),
        (
            "break",
            "It stopped with an unexpected ZeroDivisionError: division by zero. See its log.",
        ),
        ("memory", "There was not enough memory for it. Close other work and start it again."),
    ],
)
def test_an_error_is_shown_until_it_is_forgotten(result: Path, kind: str, error: str) -> None:
    ask(result, kind)
    wait_for(lambda: ask(result, kind).state == "failed")
    assert ask(result, kind) == SideWork(result, "failed", error=error)
    assert starts(result) == [kind]
    assert "Traceback" in result.with_name("answer.txt.log").read_text()
    forget(result)
    assert ask(result, "quick").state == "working"
    wait_for(lambda: ask(result, "quick").state == "ready")


def test_a_process_that_never_came_to_its_work_is_given_up(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert side_work(result, "tests.runs.no_such_module", []).state == "working"
    wait_for(lambda: not processes_of(result))
    assert ask(result, "wait").state == "working"  # it may only be slow to start
    monkeypatch.setattr(subject, "START_SECONDS", 0.0)
    assert ask(result, "wait") == SideWork(result, "failed", error=STOPPED)


def test_a_process_that_cannot_be_started_leaves_nothing(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError("no more processes")

    with monkeypatch.context() as patch:
        patch.setattr(subject, "start_detached", refuse)
        with pytest.raises(OSError, match="no more processes"):
            ask(result, "quick")
    assert list(result.parent.iterdir()) == []


def test_progress_is_written_for_each_step_and_at_most_twice_a_second(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, int]] = []
    clock = iter(range(1000))
    monkeypatch.setattr(subject.time, "monotonic", lambda: next(clock) / 10)
    monkeypatch.setattr(
        subject, "_write_progress", lambda _result, step, done, _total: written.append((step, done))
    )
    work = subject.SideProcess(result)
    for done in range(12):
        work.report("Reading", done, 12)
    work.report("Writing", 0, 1)
    assert written == [("Reading", 0), ("Reading", 5), ("Reading", 10), ("Writing", 0)]


def made(name: str, size_bytes: int, age: int) -> Path:
    path = side_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size_bytes)
    os.utime(path, (1_000_000 - age, 1_000_000 - age))
    path.with_name(path.name + ".log").write_text("log")
    return path


@pytest.mark.usefixtures("home")
def test_the_oldest_results_go_first_and_their_companions_with_them() -> None:
    oldest, old, young = made("a/1.npz", 40, 9), made("a/2.npz", 40, 5), made("a/3.npz", 40, 1)
    of_another_kind = made("b/4.npz", 400, 12)
    remove_oldest(keep=young, limit_bytes=120)
    assert oldest.exists()
    remove_oldest(keep=oldest, limit_bytes=80)
    assert [path.exists() for path in (oldest, old, young)] == [True, False, True]
    assert not old.with_name("2.npz.log").exists()
    remove_oldest(keep=young, limit_bytes=10)
    assert [path.exists() for path in (oldest, young)] == [False, True]
    assert of_another_kind.exists()


@pytest.mark.usefixtures("home")
def test_being_asked_twenty_times_a_second_is_cheap(result: Path) -> None:
    begin_waiting(result)
    started = time.perf_counter()
    for _ in range(20):
        ask(result, "wait")
    assert time.perf_counter() - started < 1.0
    (result.parent / "go").touch()
    wait_for(lambda: not processes_of(result))
