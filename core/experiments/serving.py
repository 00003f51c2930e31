"""An experiment run to its end by this process, with a line for each step of its runs."""

import time
from collections.abc import Callable

from core.experiments.records import RunRecord
from core.experiments.store import Store
from core.jobs.launchers import current_launcher
from core.jobs.records import progress_text
from core.jobs.worker import serve
from core.text import percent_text

PROGRESS_SECONDS = 1.0
WAITING = "waiting for the device: another run is using it"
Say = Callable[[str], None]


def run_to_end(store: Store, experiment_id: str, say: Say) -> None:
    """Serve the queued runs of one experiment until each has ended, here or at another worker.

    ``say`` gets a line whenever a run gets further. Ctrl-C stops the run at work, which is then
    ``interrupted``.
    """
    watch = _Watch(store, experiment_id, say)
    serve(store, current_launcher(), group_id=experiment_id, watch=watch)
    watch.look()


def run_text(run: RunRecord) -> str:
    """Where a run stands, in a line; empty while it waits."""
    if run.state == "queued":
        return ""
    if run.state == "running":
        return progress_text(run.progress)
    if (result := run.finished_result) is not None:
        accuracy = percent_text(result.scores.test.accuracy)
        return f"finished, test accuracy {accuracy}, {result.total_seconds:.1f} s"
    return f"{run.state}: {run.error}" if run.error else run.state


class _Watch:
    """Says what the runs of an experiment are doing, whoever serves them."""

    def __init__(self, store: Store, experiment_id: str, say: Say) -> None:
        self._store = store
        self._experiment_id = experiment_id
        self._say = say
        self._looked_at = float("-inf")
        self._lines: dict[str, str] = {}

    def __call__(self) -> None:
        if time.monotonic() - self._looked_at >= PROGRESS_SECONDS:
            self.look()

    def look(self) -> None:
        self._looked_at = time.monotonic()
        runs = self._store.runs(self._experiment_id)
        waits = all(run.state != "running" for run in runs) and self._store.is_taken("device")
        for run in runs:
            line = WAITING if waits and run.state == "queued" else run_text(run)
            if line and self._lines.get(run.id) != line:
                self._lines[run.id] = line
                self._say(f"{run.strategy}, seed {run.seed}: {line}")
