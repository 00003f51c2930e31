"""How a job gets a process of its own: a small interface, and processes on this machine."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Protocol

import psutil

from core.jobs.context import EXIT_AGAIN, job_folder
from core.jobs.kinds import POOLS, find_kind
from core.jobs.queue import JobQueue
from core.jobs.records import JobRecord
from core.jobs.workers import new_worker_id
from core.settings import POOLS_VARIABLE, PROJECT_ROOT, current_settings

LOG_LIMIT_BYTES = 2 * 1024 * 1024
# For large files that it removes first. With the worker's CANCEL_GRACE_SECONDS a cancel takes under
# five seconds also where a child hears nothing, as while a library is loaded.
STOP_GRACE_SECONDS = 2.5
# What was killed is gone once the system has taken back its memory.
GONE_SECONDS = 10.0
WORKER_IDLE_SECONDS = 300
# What a child process sends when its job ended well and it can do another.
WAITING = b"w"


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
        """Start the job in a process of its own, or in one that waits for another of its group.

        Raises ``OSError`` if it cannot be started.
        """

    def end_waiting(self) -> None:
        """End the processes that wait for another job: there is none for them."""


def current_launcher() -> Launcher:
    """The launcher that ``settings.launcher`` names (``module:class``)."""
    module, _, name = current_settings().launcher.partition(":")
    return getattr(import_module(module), name)()


def log_path(job: JobRecord) -> Path:
    return job_folder(job) / "log.txt"


class ChildProcess:
    """A child process on this machine, which does one job, or one after the other.

    ``job`` is the one at work, or the last one. A kind that ``keeps_process`` has a socket to it:
    the child sends ``WAITING`` when its job ended well, and gets the id of the next job.
    """

    def __init__(self, module: str, job: JobRecord) -> None:
        self.job = job
        self.is_waiting = False
        self._is_used = self._was_stopped = False
        arguments = [job.id, "--parent", str(os.getpid())]
        self._socket: socket.socket | None = None
        if not find_kind(job.kind).keeps_process:
            self.process = _start_process(log_path(job), module, *arguments)
            return
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        with theirs:
            arguments += ["--jobs", str(theirs.fileno())]
            self.process = _start_process(log_path(job), module, *arguments, keep=theirs.fileno())

    def take(self, job: JobRecord) -> bool:
        """Do this job next; False where it cannot: of another kind or group, busy, or over."""
        if self._socket is None or not self.is_waiting or self.process.poll() is not None:
            return False
        if (job.kind, job.group_id) != (self.job.kind, self.job.group_id):
            return False
        try:
            self._socket.sendall(job.id.encode())
        except OSError:
            return False
        self.job, self.is_waiting, self._is_used = job, False, True
        return True

    def status(self) -> int | None:
        """The exit status, 0 where it waits for another job, or None while it works.

        A process that had done other jobs and died by itself says little about this one: it is
        ``EXIT_AGAIN``, so that the job starts in a process of its own.
        """
        if self.is_waiting or self._says_it_waits():
            self.is_waiting = True
            return 0
        status = self.process.poll()
        if status is not None:
            self._hang_up()
        return EXIT_AGAIN if status and self._is_used and not self._was_stopped else status

    def stop(self) -> None:
        """End it and all that it started."""
        self._was_stopped = True
        if self.process.poll() is None:
            self._end_family()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _says_it_waits(self) -> bool:
        if self._socket is None:
            return False
        try:
            return self._socket.recv(len(WAITING)) == WAITING
        except (BlockingIOError, ConnectionError):
            return False

    def _end_family(self) -> None:
        family: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):  # here and below: it may end by itself meanwhile
            parent = psutil.Process(self.process.pid)
            family = [*parent.children(recursive=True), parent]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.terminate()
        _, alive = psutil.wait_procs(family, timeout=STOP_GRACE_SECONDS)
        for member in alive:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(alive, timeout=GONE_SECONDS)
        self.process.wait(timeout=GONE_SECONDS)


class LocalProcess:
    """One job of a child process on this machine; its log file is kept under a limit."""

    def __init__(self, child: ChildProcess) -> None:
        self._child = child
        self._log = log_path(child.job)
        self._status: int | None = None

    @property
    def process_id(self) -> int:
        return self._child.process.pid

    def poll(self) -> int | None:
        shorten_log(self._log)
        if self._status is None:  # afterwards the child may do another job
            self._status = self._child.status()
        return self._status

    def stop(self) -> None:
        if self.poll() is None:
            self._child.stop()

    def last_line(self) -> str:
        if not self._log.exists():
            return ""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1].strip()[:500] if lines else ""


class ProcessLauncher:
    """Jobs in child processes: only the end of one gives back all memory of a device.

    A process that waits for another job is ended before one for another experiment is started.
    """

    def __init__(self, module: str = "core.jobs.child") -> None:
        self._module = module
        self._kept: list[ChildProcess] = []

    def start(self, job: JobRecord) -> LocalProcess:
        for child in self._kept:
            if child.take(job):
                return LocalProcess(child)
        keeps = find_kind(job.kind).keeps_process
        if keeps:
            self.end_waiting()
        child = ChildProcess(self._module, job)
        if keeps:
            self._kept.append(child)
        return LocalProcess(child)

    def end_waiting(self) -> None:
        for child in self._kept:
            if child.is_waiting:
                child.stop()
        self._kept = [child for child in self._kept if child.process.poll() is None]


def ensure_worker(queue: JobQueue) -> bool:
    """Start a detached worker unless one serves the queue; True if one was started.

    It outlives this process, and ends by itself after five idle minutes. Call it after the jobs
    were queued: a worker that is about to end looks at the queue once more. Jobs of dead workers
    are marked first. Where machines share the database, it does not train unless
    ``HEADSTART_POOLS`` says so: the machine of a page must not decide on which kind of device an
    experiment takes its times.
    """
    queue.reap_expired()
    worker_id = new_worker_id()
    if not queue.announce_worker(worker_id):
        return False
    arguments = ("worker", "--exit-when-idle", str(WORKER_IDLE_SECONDS), "--worker-id", worker_id)
    settings = current_settings()
    leaves_training = queue.database.file is None and not settings.pools
    others = ",".join(name for name in POOLS if name != "device")
    variables = {POOLS_VARIABLE: others} if leaves_training else {}
    try:
        start_detached(settings.home / "worker.log", "core", *arguments, variables=variables)
    except OSError:
        queue.forget_worker(worker_id)
        raise
    return True


def start_detached(log: Path, module: str, *arguments: str, variables: Mapping[str, str]) -> None:
    """Run a module of this project in a process that outlives this one, its output in ``log``,
    with ``variables`` beside those of this environment.

    Raises ``OSError`` if it cannot be started.
    """
    shorten_log(log)
    process = _start_process(log, module, *arguments, variables=variables)
    # Somebody has to wait for it, or a zombie process is left when it ends.
    threading.Thread(target=process.wait, name=f"waits for {module}", daemon=True).start()


def _start_process(
    log: Path,
    module: str,
    *arguments: str,
    keep: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a process with a session of its own; its output is appended to ``log``. It gets the
    open file descriptor ``keep``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as output:
        return subprocess.Popen(
            # -P ignores the current folder.
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=child_environment() | dict(variables or {}),
            pass_fds=() if keep is None else (keep,),
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
