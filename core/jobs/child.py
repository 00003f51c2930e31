"""The child process of one job, or of one after the other: calls the handler, and reports to the
queue how each ended.

``python -m core.jobs.child ID --parent PID``, started by a worker. It ends with the worker: a job
without one would hold the device and nobody could cancel it. With ``--jobs`` it stays after a job
that ended well, says so to the worker, and does the next one that the worker names. It ends after
any other: what a failure leaves behind in a process is not known.
"""

import argparse
import ctypes
import gc
import os
import signal
import socket
import sys
import traceback
from typing import Any

from core.errors import Cancelled, HeadstartError, StoreError, StoreLost
from core.jobs.cached import push_output
from core.jobs.context import (
    EXIT_AGAIN,
    EXIT_ORPHANED,
    JobContext,
    JobFailed,
    ParentWatch,
    StartAgain,
)
from core.jobs.kinds import find_kind
from core.jobs.launchers import WAITING, log_path
from core.jobs.queue import JobQueue, open_queue
from core.jobs.records import JobRecord
from core.storage.shared import push_cached

PROCESSOR_ONLY = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
LONGEST_ID_BYTES = 1024


def execute(
    queue: JobQueue, job_id: str, parent: ParentWatch | None = None, process_is_used: bool = False
) -> int:
    """Do the job and store its end; returns the exit status of the process.

    When the worker is gone, its lease decides about the job (``EXIT_ORPHANED``); after
    ``EXIT_AGAIN`` the job continues, or begins again, in a new process. A handler may have ended
    the job itself, in the transaction that stored its result.
    """
    job = queue.job(job_id)
    if job.state != "running":
        return 0
    kind = find_kind(job.kind)
    context = JobContext(queue, job, parent, process_is_used)
    try:
        result = kind.load()(job.arguments, context)
        push_output(job.arguments)
        context.finish(result)
    except (StartAgain, StoreLost):  # a server that started again is no fault of the job's own
        return EXIT_AGAIN
    except (Cancelled, KeyboardInterrupt) as error:
        if context.orphaned:
            return EXIT_ORPHANED
        if isinstance(error, Cancelled) or context.should_stop():
            queue.mark_cancelled(job.id, job.attempts)
        else:
            queue.mark_interrupted(job.id, kind.stopped_message(), job.attempts)
    except Exception as error:  # noqa: BLE001 - whatever it is, the job must get its end
        if isinstance(error, HeadstartError):
            print(error, file=sys.stderr)  # noqa: T201 - the process's output is its log
        else:
            traceback.print_exc()
        result = error.result if isinstance(error, JobFailed) else None
        queue.fail(job.id, kind.failure_message(error), job.attempts, result)
        return 1
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m core.jobs.child", description=__doc__)
    parser.add_argument("job_id")
    parser.add_argument("--parent", type=int, default=None, help="process id of the worker")
    parser.add_argument("--jobs", type=int, default=None, help="socket that names further jobs")
    parsed = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _work(parsed.job_id, parsed.parent, parsed.jobs)
    except StoreError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the process's output is its log
        return EXIT_AGAIN  # the job has no end yet, and the worker knows when the store is back


def _work(job_id: str, parent_id: int | None, jobs: int | None) -> int:
    queue = open_queue()
    job = queue.job(job_id)
    kind = find_kind(job.kind)
    if kind.pool != "device":
        os.environ.update(PROCESSOR_ONLY)  # a training may be using the GPU
    os.nice(kind.niceness)
    parent = None if parent_id is None else ParentWatch(parent_id)
    status = _do(queue, job, parent)
    if jobs is not None:
        with socket.socket(fileno=jobs) as worker:
            while _ended_well(queue, job, status) and (further := _next_job(worker)):
                job = queue.job(further)
                _write_into_its_log(job)
                status = _do(queue, job, parent, process_is_used=True)
    return status


def _do(
    queue: JobQueue, job: JobRecord, parent: ParentWatch | None, process_is_used: bool = False
) -> int:
    status = execute(queue, job.id, parent, process_is_used)
    if log_path(job).is_file():
        push_cached(log_path(job))
    return status


def _ended_well(queue: JobQueue, job: JobRecord, status: int) -> bool:
    if status != 0:
        return False
    now = queue.find_job(job.id)
    return now is not None and (now.state, now.attempts) == ("finished", job.attempts)


def _next_job(worker: socket.socket) -> str:
    """Wait for the id of the next job; empty where the worker has none for this process, or died.

    Meanwhile memory is given back, and SIGTERM ends the process at once: it has nothing to tidy.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _give_back_memory()
    try:
        worker.sendall(WAITING)
        job_id = worker.recv(LONGEST_ID_BYTES).decode()
    except ConnectionError:  # the worker died
        return ""
    signal.signal(signal.SIGTERM, _interrupt)
    return job_id


def _give_back_memory() -> None:
    """What the job before held, so that no job begins with less."""
    gc.collect()
    # glibc keeps what was freed; other C libraries have no such call.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _write_into_its_log(job: JobRecord) -> None:
    """From here on the job's log gets the output of this process, that of C libraries included."""
    log = log_path(job)
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    with open(log, "ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())


def _interrupt(_number: int, _frame: Any) -> None:
    # Once: a second signal would disturb the clean-up after the first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
