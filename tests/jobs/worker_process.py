"""A worker in a process of its own: ``python -m tests.jobs.worker_process LEASE_SECONDS MOST``.

Its jobs do as they are told, ``MOST`` of each pool at a time, until the queue is empty.
"""

import sys

from core.jobs import worker
from core.jobs.launchers import ProcessLauncher
from core.jobs.queue import open_queue
from core.jobs.records import JobRecord
from core.jobs.worker import serve
from tests.jobs import stand_in


class HandleOfDone:
    def __init__(self, status: int) -> None:
        self._status = status

    def poll(self) -> int:
        return self._status

    def stop(self) -> None:
        """It ended before it was handed out."""

    def last_line(self) -> str:
        return ""


class InlineLauncher:
    """Does each job in this process: a hundredth of a second instead of one."""

    def start(self, job: JobRecord) -> HandleOfDone:
        return HandleOfDone(stand_in.child.execute(open_queue(), job.id))

    def end_waiting(self) -> None:
        """It has no processes."""


if __name__ == "__main__":
    stand_in.take_the_place_of_all()
    most = int(sys.argv[2])
    worker.POOLS = dict.fromkeys(worker.POOLS, most or 1)
    serve(
        open_queue(lease_seconds=float(sys.argv[1])),
        InlineLauncher() if most else ProcessLauncher(module="tests.jobs.stand_in"),
        exit_when_idle=0 if most else 60,
    )
