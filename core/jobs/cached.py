"""Jobs whose result is a file in the cache: asked for by pages, made once however many ask.

The name of the file depends on everything that the result depends on, and gives the job its id:
the same question is the same job. Each kind of result has a folder; the oldest files in it go when
it grows too large.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.errors import BadInput, HeadstartError, StorageUnavailable, UnknownName
from core.files import PART_SUFFIX, make_way, remove_parts
from core.jobs.context import job_folder
from core.jobs.launchers import ensure_worker
from core.jobs.progress import progress_text
from core.jobs.queue import JobQueue
from core.jobs.records import JobRecord, NewJob
from core.settings import current_settings
from core.storage.shared import forget, pull_cached, push_cached

LIMIT_BYTES = 256 * 1024**2
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class CachedWork:
    """The state of a piece of work; ``text`` is the sentence about it while it is ``working``, and
    ``fraction`` (0 to 1) how far its step is.

    ``result`` exists, whole, where the state is ``ready``. ``error`` tells people what went wrong
    where it is ``failed``; it stays so until ``make_again``.
    """

    result: Path
    state: Literal["ready", "working", "failed", "cancelled"]
    text: str = ""
    fraction: float = 0.0
    error: str = ""
    job_id: str = ""


def cache_folder() -> Path:
    return current_settings().cache_folder / "side"


def cached_work(queue: JobQueue, kind: str, arguments: dict[str, Any], result: Path) -> CachedWork:
    """The state of the work that makes ``result``; queued unless it was before.

    ``result`` is a path below ``cache_folder()``, which the handler finds with ``output_of``; or
    any other in the home, which the handler writes and pushes by itself. Fast enough to be asked on
    every refresh of a page. Raises ``OSError`` if no worker can be started.
    """
    known = known_work(queue, kind, result)
    if known is not None:
        return known
    if result.is_relative_to(cache_folder()):
        arguments = {**arguments, "output": result.relative_to(cache_folder()).as_posix()}
    job = queue.add_job_once(NewJob(_job_id(kind, result), kind, arguments))
    if job.is_active:
        ensure_worker(queue)
    return _work(queue, result, queue.job(job.id))


def known_work(queue: JobQueue, kind: str, result: Path) -> CachedWork | None:
    """``cached_work`` that somebody has asked for; None where nobody has, and nothing is queued."""
    job_id = _job_id(kind, result)
    if result.is_file():
        return CachedWork(result, "ready", job_id=job_id)
    job = queue.find_job(job_id)
    if job is None or (job.state == "finished" and not _is_there(result)):
        return None
    if job.is_active:
        # Also where it was queued before: the worker may have died since.
        ensure_worker(queue)
    return _work(queue, result, queue.job(job_id))


def wait_for(queue: JobQueue, ask: Callable[[], CachedWork], say: Callable[[str], None]) -> Path:
    """The result once it is ready, with a line to ``say`` for each step; for a person who waits.

    What failed at an earlier request is tried once more. Raises ``HeadstartError`` with the error.
    """
    work, shown = ask(), ""
    if work.state in ("failed", "cancelled"):
        make_again(queue, work)
        work = ask()
    while work.state == "working":
        if work.text != shown:
            say(shown := work.text)
        time.sleep(POLL_SECONDS)
        work = ask()
    if work.state != "ready":
        raise HeadstartError(work.error)
    return work.result


def make_again(queue: JobQueue, work: CachedWork) -> None:
    """Drop a result or an error, and start again. Work that waits or runs is left alone."""
    if queue.find_job(work.job_id) is None:
        _drop(work.result)
    elif queue.requeue_job(work.job_id):
        _drop(work.result)
        ensure_worker(queue)


def output_of(arguments: dict[str, Any]) -> Path:
    """Where the handler leaves its result, by renaming a whole file to that name."""
    output = cache_folder() / arguments["output"]
    output.parent.mkdir(parents=True, exist_ok=True)
    make_way(output)
    remove_parts(output)  # of an attempt that was killed: a job has one process at a time
    return output


def push_output(arguments: dict[str, Any]) -> None:
    """Give other machines the result of a handler that called ``output_of``."""
    if "output" in arguments:
        push_cached(cache_folder() / arguments["output"])


@contextmanager
def unfinished_folder(output: Path) -> Iterator[Path]:
    """A folder for files on the way to ``output``; it is removed when the block ends.

    Where the process was killed, the next attempt removes it, or the next ``remove_oldest``.
    """
    folder = output.with_name(output.name + PART_SUFFIX)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def remove_oldest(queue: JobQueue, kind: str, keep: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Bring the results beside ``keep`` under the limit, the oldest first, with their jobs.

    Work of another kind has a folder and a limit of its own: a package of a gigabyte must not
    displace every heat map. ``keep`` stays whatever its size. Anybody who reads another one has
    it open, or makes it again. ``unfinished_folder``s of killed processes are removed too.
    """
    ages: list[tuple[float, int, Path]] = []
    for path in keep.parent.iterdir():
        with suppress(FileNotFoundError):  # another process makes room at this moment
            status = path.stat()
            if path.is_file() and path.suffix != PART_SUFFIX:
                ages.append((status.st_mtime, status.st_size, path))
            elif path.is_dir() and path.suffix == PART_SUFFIX:
                job = queue.find_job(_job_id(kind, path.with_suffix("")))
                if job is None or not job.is_active:
                    shutil.rmtree(path)
    total = sum(size for _, size, _ in ages)
    for _, size, path in sorted(ages):
        if total <= limit_bytes:
            return
        if path != keep:
            path.unlink(missing_ok=True)
            with suppress(StorageUnavailable):  # what stays there is asked for by nobody
                forget(path)
            _forget(queue, _job_id(kind, path))
            total -= size


def _is_there(result: Path) -> bool:
    """Here, or pulled from the machine that made it."""
    return pull_cached(result) or result.is_file()


def _drop(result: Path) -> None:
    make_way(result)
    result.unlink(missing_ok=True)
    forget(result)


def _job_id(kind: str, result: Path) -> str:
    return f"{kind}-{result.stem}"


def _work(queue: JobQueue, result: Path, job: JobRecord) -> CachedWork:
    if job.state == "queued":
        return CachedWork(result, "working", queue.waiting_text(job.id), job_id=job.id)
    if job.state == "running":
        fraction = job.progress.fraction if job.progress else 0.0
        return CachedWork(result, "working", progress_text(job.progress), fraction, job_id=job.id)
    if job.state == "finished":
        return CachedWork(result, "ready", job_id=job.id)
    if job.state == "cancelled":
        return CachedWork(result, "cancelled", error="It was cancelled.", job_id=job.id)
    return CachedWork(result, "failed", error=job.error or "", job_id=job.id)


def _forget(queue: JobQueue, job_id: str) -> None:
    try:
        job = queue.job(job_id)
        queue.forget_job(job_id)
    except (UnknownName, BadInput):
        return  # made by an older version, or asked for again at this moment
    if job_folder(job).exists():
        shutil.rmtree(job_folder(job))
