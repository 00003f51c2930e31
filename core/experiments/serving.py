"""Workers: one for the whole queue, and one that runs an experiment to its end, with a line for
each step of its runs."""

import time
from collections.abc import Callable

from core.experiments.records import RunRecord
from core.experiments.store import Store, open_store
from core.files import sweep_parts
from core.jobs.launchers import current_launcher
from core.jobs.progress import device_wait_text, progress_text
from core.jobs.queue import JobQueue
from core.jobs.worker import serve
from core.settings import current_settings
from core.text import percent_text

PROGRESS_SECONDS = 1.0
WAITING = "waiting for the device: another run is using it"
Say = Callable[[str], None]


def serve_queue(
    queue: JobQueue,
    report: Say,
    *,
    exit_when_idle: float | None = None,
    worker_id: str | None = None,
    watch: Callable[[], None],
) -> None:
    """Remove what dead processes left in the home, then serve the whole queue (see ``serve``)."""
    # Imported here: pages import this room, and these bring in libraries for images.
    from core.datasets.storage import sweep_datasets
    from core.experiments.sharing import sweep_shared
    from core.experiments.uploads import sweep_broken_off

    sweep_datasets()
    sweep_broken_off()
    sweep_shared(open_store())
    sweep_parts(current_settings().cache_folder)
    serve(
        queue,
        current_launcher(),
        exit_when_idle=exit_when_idle,
        report=report,
        worker_id=worker_id,
        watch=watch,
    )


def run_to_end(store: Store, experiment_id: str, say: Say) -> None:
    """Serve the queued runs of one experiment until each has ended, here or at another worker.

    ``say`` gets a line at each step of a run. Ctrl-C stops the running one, which becomes
    ``interrupted``.
    """
    shown: dict[str, str] = {}
    looked_at = float("-inf")

    def watch() -> None:
        nonlocal looked_at
        if time.monotonic() - looked_at >= PROGRESS_SECONDS:
            looked_at = time.monotonic()
            _say_changes(store, experiment_id, say, shown)

    serve(store, current_launcher(), group_id=experiment_id, watch=watch)
    _say_changes(store, experiment_id, say, shown)


def _say_changes(store: Store, experiment_id: str, say: Say, shown: dict[str, str]) -> None:
    """A line for each run that is not as in ``shown``, which is kept up to date."""
    runs = store.runs(experiment_id)
    waits = _why_all_wait(store, runs)
    for run in runs:
        line = waits if run.state == "queued" else _run_text(run)
        if line and shown.get(run.id) != line:
            shown[run.id] = line
            say(f"{run.strategy}, seed {run.seed}: {line}")


def _why_all_wait(store: Store, runs: list[RunRecord]) -> str:
    """Empty where one of them is at work, or about to be."""
    if any(run.state == "running" for run in runs):
        return ""
    if (wait := store.device_wait(runs[0].experiment_id)) is not None:
        return device_wait_text(wait)
    return WAITING if store.is_taken("device") else ""


def _run_text(run: RunRecord) -> str:
    """The status of a run that does not wait, in a line."""
    if run.state == "running":
        return progress_text(run.progress)
    if (result := run.finished_result) is not None:
        accuracy = percent_text(result.scores.test.accuracy)
        return f"finished, test accuracy {accuracy}, {result.total_seconds:.1f} s"
    return f"{run.state}: {run.error}" if run.error else run.state
