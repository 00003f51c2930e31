"""``worker``: serve the queue of runs."""

import argparse
import math

from core.cli import stop_on_termination
from core.cli.output import say
from core.errors import BadInput
from core.experiments.store import open_store
from core.runs.launchers import ProcessLauncher
from core.runs.worker import serve


def worker(arguments: argparse.Namespace) -> int:
    idle = arguments.exit_when_idle
    if idle is not None and not (math.isfinite(idle) and idle >= 0):
        raise BadInput(
            f"--exit-when-idle is {idle}; it must be seconds, 0 or more.", "--exit-when-idle"
        )
    stop_on_termination()
    serve(
        open_store(),
        ProcessLauncher(),
        exit_when_idle=idle,
        report=say,
        worker_id=arguments.worker_id,
    )
    return 0
