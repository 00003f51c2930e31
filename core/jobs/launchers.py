"""How a job gets a process of its own: a small interface, and processes on this machine."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Protocol

import psutil

from core.jobs.context import job_folder
from core.jobs.queue import JobQueue
from core.jobs.records import JobRecord
from core.jobs.workers import new_worker_id
from core.settings import PROJECT_ROOT, current_settings

LOG_LIMIT_BYTES = 2 * 1024 * 1024
# A child that is ended may have large files to remove first.
STOP_GRACE_SECONDS = 5.0
WORKER_IDLE_SECONDS = 300


class JobHandle(Protocol):
    """A job that was started."""

    def poll(self) -> int | None:
        """The exit status (negative: killed by that signal), or None while it lives."""

    def stop(self) -> None:
        """End it and all that it started; returns when nothing of it is left."""

    def last_line(self) -> str:
        """The last line of its log, empty if there is none."""


class Launcher(Protocol):
    """Starts jobs; one implementation for each place where they can work."""

    def start(self, job: JobRecord) -> JobHandle:
        """Start the job's process. Raises ``OSError`` if it cannot be started."""


def current_launcher() -> Launcher:
    """The launcher that ``settings.launcher`` names (``module:class``)."""
    module, _, name = current_settings().launcher.partition(":")
    return getattr(import_module(module), name)()


def log_path(job: JobRecord) -> Path:
    return job_folder(job) / "log.txt"


class LocalProcess:
    """A child process on this machine; its log file is kept under a limit."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def process_id(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        shorten_log(self._log)
        return self._process.poll()

    def stop(self) -> None:
        if self._process.poll() is not None:
            return
        family: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):  # here and below: it may end by itself meanwhile
            parent = psutil.Process(self._process.pid)
            family = [*parent.children(recursive=True), parent]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.terminate()
        _, alive = psutil.wait_procs(family, timeout=STOP_GRACE_SECONDS)
        for member in alive:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(alive, timeout=STOP_GRACE_SECONDS)
        self._process.wait(timeout=STOP_GRACE_SECONDS)

    def last_line(self) -> str:
        if not self._log.exists():
            return ""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1].strip()[:500] if lines else ""


class ProcessLauncher:
    """Each job in a child process of its own: only its end gives back all memory of a device."""

    def __init__(self, module: str = "core.jobs.child") -> None:
        self._module = module

    def start(self, job: JobRecord) -> LocalProcess:
        log = log_path(job)
        process = _start_process(log, self._module, job.id, "--parent", str(os.getpid()))
        return LocalProcess(process, log)


def ensure_worker(queue: JobQueue) -> bool:
    """Start a detached worker unless one serves the queue; True if one was started.

    It outlives this process, and ends by itself after five idle minutes. Call it after the jobs
    were queued: a worker that is about to end looks at the queue once more. Jobs of dead workers
    are marked first.
    """
    queue.reap_expired()
    worker_id = new_worker_id()
    if not queue.announce_worker(worker_id):
        return False
    arguments = ("worker", "--exit-when-idle", str(WORKER_IDLE_SECONDS), "--worker-id", worker_id)
    try:
        start_detached(current_settings().home / "worker.log", "core", *arguments)
    except OSError:
        queue.forget_worker(worker_id)
        raise
    return True


_detached: list["subprocess.Popen[bytes]"] = []
"""Processes that this one started: kept so that their exit status can be collected."""
_detached_lock = threading.Lock()


def start_detached(log: Path, module: str, *arguments: str) -> None:
    """Run a module of this project in a process that outlives this one, its output in ``log``.

    Raises ``OSError`` if it cannot be started.
    """
    shorten_log(log)
    process = _start_process(log, module, *arguments)
    with _detached_lock:
        # poll() collects those that ended, so that no zombie processes are left.
        _detached[:] = [process, *(one for one in _detached if one.poll() is None)]


def _start_process(log: Path, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a process with a session of its own; its output is appended to ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as output:
        return subprocess.Popen(
            # -P ignores the current folder.
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=child_environment(),
        )


def child_environment() -> dict[str, str]:
    paths = [str(PROJECT_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def shorten_log(log: Path, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """Keep the end of a log that outgrew its limit; processes may be appending to it."""
    if not log.exists() or log.stat().st_size <= limit_bytes:
        return
    with open(log, "r+b") as file:
        file.seek(-limit_bytes // 2, os.SEEK_END)
        tail = file.read(limit_bytes)
        file.seek(0)
        file.truncate()
        file.write(b"[the beginning of this log was cut off]\n" + tail)
