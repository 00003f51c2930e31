"""The child process of one job: calls its handler, and reports to the queue how it ended.

``python -m core.jobs.child ID --parent PID``, started by a worker. It ends with the worker: a job
without one would hold the device and nobody could cancel it.
"""

import argparse
import os
import signal
import sys
import traceback
from typing import Any

from core.errors import Cancelled, HeadstartError, StoreError, StoreLost
from core.jobs.cached import push_output
from core.jobs.context import EXIT_ORPHANED, JobContext, JobFailed, StartAgain
from core.jobs.kinds import find_kind
from core.jobs.launchers import log_path
from core.jobs.queue import JobQueue, open_queue
from core.storage.shared import push_cached

EXIT_AGAIN = 75
PROCESSOR_ONLY = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


def execute(queue: JobQueue, job_id: str, parent: int | None = None) -> int:
    """Do the job and store its end; returns the exit status of the process.

    When the worker is gone, its lease decides about the job (``EXIT_ORPHANED``); after
    ``EXIT_AGAIN`` the job continues, or begins again, in a new process. A handler may have ended
    the job itself, in the transaction that stored its result.
    """
    job = queue.job(job_id)
    if job.state != "running":
        return 0
    kind = find_kind(job.kind)
    context = JobContext(queue, job, parent)
    if parent is not None:
        context.watch_parent()
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
    parsed = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _work(parsed.job_id, parsed.parent)
    except StoreError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the process's output is its log
        return EXIT_AGAIN  # the job has no end yet, and the worker knows when the store is back


def _work(job_id: str, parent: int | None) -> int:
    queue = open_queue()
    job = queue.job(job_id)
    kind = find_kind(job.kind)
    if kind.pool != "device":
        os.environ.update(PROCESSOR_ONLY)  # a training may be using the GPU
    os.nice(kind.niceness)
    status = execute(queue, job_id, parent)
    if log_path(job).is_file():
        push_cached(log_path(job))
    return status


def _interrupt(_number: int, _frame: Any) -> None:
    # Once: a second signal would disturb the clean-up after the first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
