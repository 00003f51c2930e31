"""The child process of one run: trains, and tells the store what happens.

``python -m core.runs.child RUN_ID --parent PID``, started by a worker. It ends with the worker:
a run without one would hold the device and nobody could cancel it.
"""

import argparse
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from core.errors import Cancelled, HeadstartError, OutOfMemory, StoreError
from core.runs.kept_models import write_weights
from core.runs.predictions import Predictions, write_predictions
from core.runs.records import RunRecord
from core.runs.store import Store, open_store
from core.settings import current_settings
from core.training.events import EpochRecord, Event, Progress, RunResult
from core.training.spec import TrainingSpec

EXIT_SMALLER_BATCH = 75
EXIT_ORPHANED = 76
CANCEL_POLL_SECONDS = 0.2
PROGRESS_SECONDS = 0.5
ORPHAN_POLL_SECONDS = 0.5
ORPHAN_GRACE_SECONDS = 5.0
TIMED_NEEDS = frozenset({"gradient", "features"})


class StopSignal:
    """Says whether the work should stop: a person asked, or the worker is gone.

    The store is asked at most every ``CANCEL_POLL_SECONDS``; ``parent`` is the worker's process id,
    None for a caller that runs the child's work in its own process.
    """

    def __init__(self, store: Store, run: RunRecord, parent: int | None) -> None:
        self._store = store
        self._run = run
        self._parent = parent
        self._asked_at = float("-inf")
        self._stop = False
        self.orphaned = False

    def __call__(self) -> bool:
        if not self._stop and time.monotonic() - self._asked_at >= CANCEL_POLL_SECONDS:
            self._asked_at = time.monotonic()
            try:
                self._stop = self._store.cancel_requested(self._run.id, self._run.attempts)
            except StoreError as error:
                # A store that is away for a moment must not end hours of work; asked again soon.
                print(error, file=sys.stderr)  # noqa: T201 - the process's output is its log
        return self._stop or self.orphaned

    def watch_parent(self) -> None:
        """Notice in a thread that the worker died; leave by force if the work does not hear it."""
        threading.Thread(target=self._watch_parent, daemon=True).start()

    def _watch_parent(self) -> None:
        while os.getppid() == self._parent:
            time.sleep(ORPHAN_POLL_SECONDS)
        self.orphaned = True
        time.sleep(ORPHAN_GRACE_SECONDS)
        os._exit(EXIT_ORPHANED)


def execute(store: Store, run_id: str, parent: int | None = None) -> int:
    """Do the run and store its end; returns the exit status of the process.

    The end is left to the worker's lease when the worker is gone (``EXIT_ORPHANED``), and the
    run goes on in a new process after ``EXIT_SMALLER_BATCH``.
    """
    run = store.run(run_id)
    if run.state != "running":
        return 0
    stop = StopSignal(store, run, parent)
    if parent is not None:
        stop.watch_parent()
    spec = store.experiment(run.experiment_id).training_spec(run)
    try:
        with _device_to_itself(store, run, stop):
            _train(store, run, spec, stop)
    except Cancelled:
        if stop.orphaned:
            return EXIT_ORPHANED
        store.mark_cancelled(run.id, run.attempts)
    except (OutOfMemory, MemoryError) as error:
        return _after_out_of_memory(store, run, error)
    except HeadstartError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the process's output is the run's log
        store.fail(run.id, str(error), run.attempts)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must get its end
        traceback.print_exc()
        store.fail(run.id, _surprise(error), run.attempts)
        return 1
    return 0


def _train(store: Store, run: RunRecord, spec: TrainingSpec, stop: StopSignal) -> None:
    # Imported here: the engine brings in scikit-learn, and the module is read by workers too.
    from core.training.engine import train

    _same_split(store, run, spec)
    spec = _same_precision(store, run, spec)
    told = Told(store, run)
    for event in train(spec, should_stop=stop):
        told.hear(event)
        if isinstance(event, RunResult):
            _finish(store, run, spec, event)


def _same_split(store: Store, run: RunRecord, spec: TrainingSpec) -> None:
    """Runs of one experiment are compared image by image: another split would spoil that."""
    from core.datasets.store import open_dataset

    expected = store.experiment(run.experiment_id).spec.split_fingerprint
    split = spec.split.of(open_dataset(spec.dataset_id))
    if expected and split.fingerprint != expected:
        raise HeadstartError(
            "The split that this experiment was made with is gone, so this run cannot be compared "
            "with the others. Start a new experiment."
        )


def _same_precision(store: Store, run: RunRecord, spec: TrainingSpec) -> TrainingSpec:
    """What the experiment's first trained run chose holds for all that are compared with it."""
    if spec.precision != "auto":
        return spec
    for other in store.runs(run.experiment_id, ["finished"]):
        if other.result and other.result["epochs"]:
            return spec.model_copy(update={"precision": other.result["precision"]})
    return spec


class Told:
    """Writes what the engine tells into the store, progress at most twice a second."""

    def __init__(self, store: Store, run: RunRecord) -> None:
        self._store = store
        self._run = run
        self._step = ""
        self._written_at = float("-inf")

    def hear(self, event: Event) -> None:
        if isinstance(event, EpochRecord):
            self._store.add_epoch(self._run.id, event.as_dict(), self._run.attempts)
        elif isinstance(event, Progress):
            late = time.monotonic() - self._written_at >= PROGRESS_SECONDS
            if late or event.step != self._step:
                self._written_at = time.monotonic()
                try:
                    self._store.set_progress(self._run.id, event.as_dict(), self._run.attempts)
                except StoreError as error:
                    print(error, file=sys.stderr)  # noqa: T201 - the process's output is its log
                self._step = event.step


def _finish(store: Store, run: RunRecord, spec: TrainingSpec, result: RunResult) -> None:
    from core.datasets.store import open_dataset

    now = store.run(run.id)
    if now.state != "running" or now.attempts != run.attempts:
        return  # taken back: the files beside the run belong to the attempt that counts
    dataset = open_dataset(spec.dataset_id)
    split = spec.split.of(dataset)
    write_predictions(
        run.id, Predictions(split.test, dataset.labels[split.test], result.test_probabilities)
    )
    document: dict[str, Any] = result.as_dict()
    document["notes"] = [*run.notes, *document["notes"]]
    if result.trained_weights:
        # After the run's clock stopped: what is kept of a run costs none of its seconds.
        document["weights_bytes"], note = _keep_weights(run.id, result.trained_weights)
        document["notes"] += [note] if note else []
    store.finish(run.id, document, run.attempts)


def _keep_weights(run_id: str, weights: dict[str, np.ndarray]) -> tuple[int | None, str]:
    """The bytes that were written, and a note where there was no room: the results stand."""
    try:
        return write_weights(run_id, weights), ""
    except (OSError, HeadstartError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the process's output is the run's log
        return None, f"The trained weights could not be kept: {error}"


@contextmanager
def _device_to_itself(store: Store, run: RunRecord, stop: StopSignal) -> Iterator[None]:
    """Timed runs never share the device; cheap ones need no lock."""
    from core.strategies.registry import find_strategy

    if not TIMED_NEEDS & find_strategy(run.strategy).needs(run.settings):
        yield
        return
    folder = current_settings().locks_folder
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "device.lock")
    waiting = False
    while not lock.is_locked:
        try:
            lock.acquire(timeout=CANCEL_POLL_SECONDS)
        except Timeout:
            if not waiting:
                progress = Progress("Waiting for the device: another run is using it", 0, 0)
                store.set_progress(run.id, progress.as_dict(), run.attempts)
                waiting = True
            if stop():
                raise Cancelled("The run was cancelled while it waited for the device.") from None
    try:
        yield
    finally:
        lock.release()


def _after_out_of_memory(store: Store, run: RunRecord, error: Exception) -> int:
    batch_size = run.settings.get("batch_size")
    if batch_size is None or batch_size <= 1:
        store.fail(run.id, str(error) or "The run ran out of memory.", run.attempts)
        return 1
    smaller = batch_size // 2
    note = f"Ran out of memory with batch_size {batch_size}; started again with {smaller}."
    print(f"{error} {note}", file=sys.stderr)  # noqa: T201 - the process's output is the run's log
    store.reduce_batch(run.id, smaller, note, run.attempts)
    return EXIT_SMALLER_BATCH


def _surprise(error: Exception) -> str:
    text = str(error).strip().splitlines()
    detail = f": {text[0][:300]}" if text else ""
    return f"The run stopped with an unexpected {type(error).__name__}{detail}. See its log."


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m core.runs.child", description=__doc__)
    parser.add_argument("run_id")
    parser.add_argument("--parent", type=int, default=None, help="process id of the worker")
    parsed = parser.parse_args(arguments)
    return execute(open_store(), parsed.run_id, parsed.parent)


if __name__ == "__main__":
    sys.exit(main())
