"""Real processes: launchers, killed workers, cancelled runs, two workers on one queue."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from core.experiments.store import Store, open_store
from core.runs import child
from core.runs.launchers import (
    Launcher,
    LocalProcess,
    ProcessLauncher,
    child_environment,
    ensure_worker,
    log_path,
    shorten_log,
)
from core.runs.worker import serve
from tests.stored_home import long_spec, majority_spec

WORKER_PROCESS = Path(__file__).with_name("worker_process.py")
LAUNCHERS = {"local process": ProcessLauncher}


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def claimed(store: Store) -> str:
    run = store.claim_next("worker")
    assert run is not None
    return run.id


def processes_of(run_id: str) -> list[psutil.Process]:
    """Those on this machine whose command line names the run."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if run_id in (process.info["cmdline"] or [])
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


@contextmanager
def worker_process(*arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, str(WORKER_PROCESS), *arguments], env=child_environment()
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=LAUNCHERS)
def launcher(request: pytest.FixtureRequest) -> Launcher:
    return LAUNCHERS[request.param]()


def test_launcher_contract_a_run_is_done_and_its_status_known(
    arrows_store: Store, launcher: Launcher
) -> None:
    arrows_store.create_experiment(majority_spec())
    run_id = claimed(arrows_store)
    handle = launcher.start(run_id)
    assert handle.poll() is None
    wait_for(lambda: handle.poll() is not None)
    assert handle.poll() == 0
    assert arrows_store.run(run_id).state == "finished"
    handle.stop()  # after the end: nothing to do, no error


def test_launcher_contract_stop_leaves_nothing(arrows_store: Store, launcher: Launcher) -> None:
    arrows_store.create_experiment(long_spec())
    run_id = claimed(arrows_store)
    handle = launcher.start(run_id)
    wait_for(lambda: arrows_store.run(run_id).progress is not None)
    handle.stop()
    assert handle.poll() is not None
    assert processes_of(run_id) == []
    handle.stop()


def test_launcher_contract_the_last_words_are_those_of_the_log(
    arrows_store: Store, launcher: Launcher
) -> None:
    handle = launcher.start("no-such-run")
    wait_for(lambda: handle.poll() is not None)
    assert handle.poll() == 1
    assert handle.last_words() == (
        "core.errors.UnknownName: There is no run named 'no-such-run'. Known: none yet."
    )
    assert arrows_store.runs() == []


class KilledAtOnce(ProcessLauncher):
    """Its children meet what the kernel does when memory runs out."""

    def start(self, run_id: str) -> LocalProcess:
        handle = super().start(run_id)
        os.kill(handle.process_id, signal.SIGKILL)
        return handle


def test_a_killed_child_fails_its_run_and_says_what_killed_it(arrows_store: Store) -> None:
    experiment_id = arrows_store.create_experiment(majority_spec())
    serve(arrows_store, KilledAtOnce(), experiment_id=experiment_id)
    run = arrows_store.runs(experiment_id)[0]
    assert run.state == "failed"
    assert (run.error or "").startswith(
        "The process of this run was killed by signal 9 (SIGKILL). Most likely the machine ran out"
    )


def test_cancel_in_an_epoch_is_heard_and_leaves_no_process(arrows_store: Store) -> None:
    experiment_id = arrows_store.create_experiment(long_spec())
    run_id = arrows_store.runs(experiment_id)[0].id
    serving = threading.Thread(
        target=serve, args=(open_store(), ProcessLauncher()), kwargs={"exit_when_idle": 0}
    )
    serving.start()
    wait_for(lambda: len(arrows_store.epochs(run_id)) > 2)
    asked_at = time.monotonic()
    arrows_store.request_cancel(run_id)
    arrows_store.request_cancel(run_id)
    wait_for(lambda: arrows_store.run(run_id).state == "cancelled", seconds=4)
    serving.join(timeout=10)
    assert not serving.is_alive()
    assert time.monotonic() - asked_at < 8
    assert processes_of(run_id) == []
    assert arrows_store.request_cancel(run_id).state == "cancelled"
    assert 2 < len(arrows_store.epochs(run_id)) < 1000


@pytest.mark.slow
def test_a_killed_worker_leaves_an_interrupted_run_that_retry_finishes(
    arrows_store: Store,
) -> None:
    experiment_id = arrows_store.create_experiment(long_spec(epochs=60))
    run_id = arrows_store.runs(experiment_id)[0].id
    with worker_process("2") as worker:
        wait_for(lambda: len(arrows_store.epochs(run_id)) > 2)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        killed_at = time.monotonic()
    assert arrows_store.run(run_id).state == "running"
    wait_for(lambda: arrows_store.reap_expired() == [run_id], seconds=5)
    assert time.monotonic() - killed_at < 4
    assert arrows_store.run(run_id).state == "interrupted"
    # The orphan leaves by itself and writes nothing more.
    wait_for(lambda: processes_of(run_id) == [], seconds=10)
    assert arrows_store.run(run_id).state == "interrupted"

    arrows_store.retry(run_id)
    serve(arrows_store, ProcessLauncher(), exit_when_idle=0)
    run = arrows_store.run(run_id)
    assert (run.state, run.attempts) == ("finished", 2), run.error
    assert [record["epoch"] for record in arrows_store.epochs(run_id)] == list(range(1, 61))


def test_two_workers_do_twenty_runs_once_each(arrows_store: Store, tmp_path: Path) -> None:
    experiment_id = arrows_store.create_experiment(majority_spec(seeds=tuple(range(20))))
    tally = tmp_path / "tally.txt"
    with worker_process("15", str(tally)) as one, worker_process("15", str(tally)) as other:
        assert (one.wait(timeout=120), other.wait(timeout=120)) == (0, 0)
    runs = arrows_store.runs(experiment_id)
    assert [(run.state, run.attempts) for run in runs] == [("finished", 1)] * 20
    assert Counter(tally.read_text().split()) == Counter(run.id for run in runs)
    assert len({run.worker_id for run in runs}) == 2


def test_a_worker_is_started_once_detached_and_ends_on_request(store: Store) -> None:
    assert ensure_worker(store)
    assert not ensure_worker(store)
    wait_for(lambda: [entry.process_id > 0 for entry in store.live_workers()] == [True])
    worker = psutil.Process(store.live_workers()[0].process_id)
    assert os.getsid(worker.pid) == worker.pid
    worker.terminate()
    worker.wait(timeout=10)
    assert store.live_workers() == []


def test_a_child_whose_parent_is_gone_stops(
    arrows_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    monkeypatch.setattr(child, "ORPHAN_POLL_SECONDS", 0.01)
    monkeypatch.setattr(child, "ORPHAN_GRACE_SECONDS", 0.01)
    monkeypatch.setattr(child.os, "_exit", left.append)
    arrows_store.create_experiment(majority_spec())
    run = arrows_store.run(claimed(arrows_store))
    stop = child.StopSignal(arrows_store, run, parent=os.getppid() + 1)
    assert not stop()
    stop.watch_parent()
    wait_for(lambda: left == [child.EXIT_ORPHANED], seconds=5)
    assert stop()
    assert arrows_store.run(run.id).state == "running"  # its lease decides


def test_a_log_keeps_its_end_under_the_limit(home: Path) -> None:
    log = log_path("run")
    assert log.is_relative_to(home)
    log.parent.mkdir(parents=True)
    log.write_bytes(b"first\n" + b"x" * 1000 + b"\nlast\n")
    shorten_log(log, limit_bytes=2000)
    assert log.stat().st_size == 1012
    shorten_log(log, limit_bytes=200)
    assert log.read_bytes().startswith(b"[the beginning of this log was cut off]\nxxx")
    assert log.read_bytes().endswith(b"x\nlast\n")
    assert log.stat().st_size == 100 + len(b"[the beginning of this log was cut off]\n")
