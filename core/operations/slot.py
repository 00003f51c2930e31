"""A slot of a cluster: one device, or some processors, of one machine, and the worker on it.

Nothing here imports Ray: it makes an actor of ``Slot`` and starts it again when its process ends.
"""

import os
import secrets
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput, HeadstartError
from core.experiments.serving import serve_queue
from core.files import write_bytes
from core.jobs.child import PROCESSOR_ONLY
from core.jobs.queue import open_queue
from core.operations.versions import Versions, difference, versions_here
from core.settings import Settings, current_settings

MARK = "cluster.txt"
# A worker that ends by an error is started again by Ray, which does not wait.
FAILED_SECONDS = 3.0


@dataclass(frozen=True)
class Wanted:
    """What each machine must have in common with the one where ``cluster up`` was called.

    ``mark`` is what a file of the home says that they share on one disk; empty where they share
    their files through ``storage_url``.
    """

    versions: Versions
    storage_url: str
    mark: str


def wanted_here() -> Wanted:
    """What is here; writes the mark into the home the first time. ``BadInput`` without a server."""
    settings = current_settings()
    if reason := _why_no_server(settings):
        raise BadInput(f"A cluster needs {reason}.", "HEADSTART_DATABASE_URL")
    return Wanted(versions_here(), settings.storage_url, _mark(settings, make=True))


def why_refused(wanted: Wanted) -> str | None:
    """Why this machine cannot serve, as the end of a sentence about it; None if it can."""
    settings = current_settings()
    if reason := difference(wanted.versions, versions_here()):
        return reason
    if reason := _why_no_server(settings):
        return f"it needs {reason}"
    if settings.storage_url != wanted.storage_url:
        there, here = (url or "not set" for url in (settings.storage_url, wanted.storage_url))
        return f"its HEADSTART_STORAGE_URL is {there} instead of {here}"
    if _mark(settings, make=False) != wanted.mark:
        return f"its home, {settings.home}, is not the shared one: set HEADSTART_HOME or mount it"
    return None


def _why_no_server(settings: Settings) -> str | None:
    if settings.database_url.startswith("postgresql"):
        return None
    return (
        "PostgreSQL (HEADSTART_DATABASE_URL=postgresql://...), as SQLite is a file of one machine"
    )


def _mark(settings: Settings, make: bool) -> str:
    if settings.storage_url:
        return ""
    file: Path = settings.home / MARK
    if make and not file.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        write_bytes(file, secrets.token_hex(16).encode())
    return file.read_text(encoding="utf-8") if file.exists() else "none"


class _Stopped(Exception):
    """Somebody ends the cluster."""


class Slot:
    """A worker in a thread of this process, from the moment it is made until ``stop``.

    ``name`` is its device, where that is no GPU: then its jobs see none. ``threads`` is how many
    the libraries of a job may take. Raises ``HeadstartError`` on a machine that is refused. Where
    the worker ends by an error, so does the process, and what keeps it alive starts it again.
    """

    def __init__(self, name: str, wanted: Wanted, threads: int, gpus: bool) -> None:
        if reason := why_refused(wanted):
            raise HeadstartError(f"This machine cannot serve: {reason}.")
        os.environ |= _environment(name, threads, gpus)
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._worker.start()

    def stop(self) -> None:
        """End the worker; its jobs become ``interrupted``. Returns when nothing of it is left."""
        self._stopping.set()
        self._worker.join()

    def _work(self) -> None:
        try:
            serve_queue(open_queue(), report=_log, watch=self._watch)
        except _Stopped:
            return
        except Exception:  # noqa: BLE001 - whatever it is, only a new process can go on
            traceback.print_exc()
            time.sleep(FAILED_SECONDS)
            os._exit(1)

    def _watch(self) -> None:
        if self._stopping.is_set():
            raise _Stopped


def _environment(name: str, threads: int, gpus: bool) -> dict[str, str]:
    """What the processes of jobs find. Ray allows one thread, and hides a GPU from nobody."""
    limits = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = dict.fromkeys(limits, str(threads))
    if gpus:  # Ray has chosen them
        return environment | {"HEADSTART_DEVICE": f"gpu-{os.environ['CUDA_VISIBLE_DEVICES']}"}
    return environment | PROCESSOR_ONLY | {"HEADSTART_DEVICE": name}


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the process's output is its log
