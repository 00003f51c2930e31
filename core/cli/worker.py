"""``worker``: serve the queue of jobs."""

import argparse
import math

from core.cli import stop_on_termination
from core.cli.output import say
from core.errors import BadInput
from core.jobs.launchers import current_launcher
from core.jobs.queue import open_queue
from core.jobs.worker import serve


def worker(arguments: argparse.Namespace) -> int:
    idle = arguments.exit_when_idle
    if idle is not None and not (math.isfinite(idle) and idle >= 0):
        raise BadInput(
            f"--exit-when-idle is {idle}; it must be seconds, 0 or more.", "--exit-when-idle"
        )
    stop_on_termination()
    serve(
        open_queue(),
        current_launcher(),
        exit_when_idle=idle,
        report=say,
        worker_id=arguments.worker_id,
    )
    return 0
