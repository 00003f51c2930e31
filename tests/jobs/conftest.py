"""A queue in a home of its own, its kinds with a handler that does as it is told."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from core.jobs.kinds import KINDS
from core.jobs.queue import JobQueue, open_queue
from core.settings import current_settings
from tests.jobs.stand_in import HANDLER


class WallClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
def home(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str | None,  # noqa: ARG001 - its database
) -> Path:
    """An empty home whose path has a space, an accent and a per cent sign."""
    folder = tmp_path / "été 100% home"
    monkeypatch.setenv("HEADSTART_HOME", str(folder))
    return folder


@pytest.fixture
def timed_queue(home: Path, clock: WallClock) -> JobQueue:  # noqa: ARG001 - it lies in that home
    """A queue whose clock stands still."""
    return JobQueue(current_settings().database_url, now=clock, lease_seconds=15, host="here")


@pytest.fixture
def queue(home: Path, monkeypatch: pytest.MonkeyPatch) -> JobQueue:  # noqa: ARG001 - in that home
    for name, kind in KINDS.items():
        monkeypatch.setitem(KINDS, name, replace(kind, handler=HANDLER))
    return open_queue()


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def processes_of(job_id: str) -> list[psutil.Process]:
    """Those on this machine whose command line names the job."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if job_id in (process.info["cmdline"] or [])
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]
