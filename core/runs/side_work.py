"""Work that a page asks for and that must not be done in the web process.

It loads TensorFlow, or takes many seconds. ``side_work`` starts a process for it, once however
many ask, and says how it stands; ``side_process`` is what that process does its work in. What
comes out is a cache: files below ``side_folder()``, a folder for each kind of work, in which the
oldest go when there are too many.

Beside a result stand ``.lock`` (held while a process is at it, so a killed one is noticed),
``.progress``, ``.error`` and ``.log``.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from core.errors import failure_text
from core.files import PART_SUFFIX, is_locked, lock, remove_parts, write_json, written_whole
from core.runs.launchers import python_command, start_detached
from core.settings import current_settings

NICENESS = 19
LIMIT_BYTES = 256 * 1024**2
PROGRESS_SECONDS = 0.5
START_SECONDS = 30.0
LOCK_SECONDS = 10.0
COMPANIONS = (".progress", ".error", ".log", ".lock")
STARTING = "Starting"
STOPPED = "The work was stopped before it was done. Start it again."


@dataclass(frozen=True)
class SideWork:
    """How a piece of work stands; ``step`` is a sentence, ``done`` of ``total`` count within it.

    ``result`` is there, whole, where the state is ``ready``. ``error`` says in plain words what
    went wrong where it is ``failed``; it stays so until ``forget(result)``.
    """

    result: Path
    state: Literal["ready", "working", "failed"]
    step: str = ""
    done: int = 0
    total: int = 0
    error: str = ""


def side_folder() -> Path:
    return current_settings().cache_folder / "side"


def side_work(result: Path, module: str, arguments: Sequence[str]) -> SideWork:
    """The state of the work that makes ``result``; starts it where it is not there yet.

    ``module`` is run with ``arguments`` and ``--output RESULT``; it works inside
    ``side_process``. ``result`` is a path below ``side_folder()`` whose name says all that the
    work depends on. Fast enough to be asked on every refresh of a page. Raises ``OSError`` if the
    process cannot be started.
    """
    if result.exists():
        return SideWork(result, "ready")
    with _deciding():
        found = _standing(result)
        if found is not None:
            return found
        result.parent.mkdir(parents=True, exist_ok=True)
        _write_progress(result, STARTING, 0, 0)
        try:
            start_detached(
                python_command(module, *arguments, "--output", str(result)), _beside(result, ".log")
            )
        except OSError:
            _beside(result, ".progress").unlink(missing_ok=True)
            raise
    return SideWork(result, "working", STARTING)


def forget(result: Path) -> None:
    """Drop a result or an error, so that the next ``side_work`` starts anew.

    Work that is being done is left alone.
    """
    with _deciding():
        found = _standing(result)
        if found is None or found.state == "working":
            return
        # The lock file stays: a process that is about to take it would hold one that is gone.
        for path in (result, *(_beside(result, suffix) for suffix in COMPANIONS[:-1])):
            path.unlink(missing_ok=True)


class SideProcess:
    """What the working process tells about itself."""

    def __init__(self, result: Path) -> None:
        self._result = result
        self._told_at = float("-inf")
        self._step = ""

    def report(self, step: str, done: int = 0, total: int = 0) -> None:
        """Tell how far the work is; written for each new step, else at most twice a second."""
        now = time.monotonic()
        if step != self._step or now - self._told_at >= PROGRESS_SECONDS:
            self._step, self._told_at = step, now
            _write_progress(self._result, step, done, total)


@contextmanager
def side_process(result: Path, limit_bytes: int = LIMIT_BYTES) -> Iterator[SideProcess]:
    """Do the work inside; it must leave ``result`` by renaming a whole file to that name.

    Takes the lock, lets timed runs go first, writes what goes wrong beside the result and ends
    the process with exit status 1 then. A second process on the same work ends with 0, and so
    does one whose result is there already.
    """
    os.nice(NICENESS)
    result.parent.mkdir(parents=True, exist_ok=True)
    own_lock = FileLock(_beside(result, ".lock"))
    try:
        # Those who ask how it stands hold the lock for a moment, hence the wait.
        held = own_lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        print(f"Another process is at work on {result.name}.", file=sys.stderr)  # noqa: T201
        raise SystemExit(0) from None
    with held:
        if result.exists():
            raise SystemExit(0)
        remove_parts(result)
        work = SideProcess(result)
        work.report("Waiting for other work to end")
        try:
            # One at a time, however many pictures somebody opens: each loads its own libraries.
            with lock(current_settings().locks_folder / "side-slot.lock"):
                work.report("Reading what is needed")
                yield work
        except Exception as error:
            traceback.print_exc()
            with written_whole(_beside(result, ".error")) as file:
                file.write(failure_text(error).encode(errors="backslashreplace"))
            raise SystemExit(1) from error
        _beside(result, ".progress").unlink(missing_ok=True)
        remove_oldest(result, limit_bytes)


def remove_oldest(keep: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Bring the results beside ``keep`` under the limit, the oldest first.

    Work of another kind has a folder and a limit of its own: a package of a gigabyte must not
    sweep away every heat map. ``keep`` stays whatever its size. Anybody who reads another one has
    it open, or makes it anew.
    """
    ages: list[tuple[float, int, Path]] = []
    for path in keep.parent.iterdir():
        if path.suffix not in (*COMPANIONS, PART_SUFFIX):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # another process makes room at this moment
            if not path.is_file():
                continue
            ages.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in ages)
    for _, size, path in sorted(ages):
        if total <= limit_bytes:
            return
        if path != keep:
            forget(path)
            total -= size


def _standing(result: Path) -> SideWork | None:
    """How the work stands, or None where nobody has begun it."""
    if result.exists():
        return SideWork(result, "ready")
    error = _beside(result, ".error")
    progress = _read_progress(result)
    if is_locked(_beside(result, ".lock")):
        told = progress or {"step": STARTING, "done": 0, "total": 0}
        return SideWork(result, "working", told["step"], told["done"], told["total"])
    # Between the first look and the lock the work may have come to its end.
    if result.exists():
        return SideWork(result, "ready")
    if error.exists():
        return SideWork(result, "failed", error=error.read_text(encoding="utf-8"))
    if progress is None:
        return None
    if progress["step"] == STARTING and time.time() - progress["at"] < START_SECONDS:
        return SideWork(result, "working", STARTING)
    return SideWork(result, "failed", error=STOPPED)


@contextmanager
def _deciding() -> Iterator[None]:
    """One at a time looks and starts, so that two who ask at once start one process."""
    with lock(current_settings().locks_folder / "side.lock", timeout_seconds=LOCK_SECONDS):
        yield


def _beside(result: Path, suffix: str) -> Path:
    return result.with_name(result.name + suffix)


def _write_progress(result: Path, step: str, done: int, total: int) -> None:
    document = {"step": step, "done": done, "total": total, "at": time.time()}
    write_json(_beside(result, ".progress"), document)


def _read_progress(result: Path) -> dict[str, Any] | None:
    try:
        return json.loads(_beside(result, ".progress").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
