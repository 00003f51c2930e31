"""The job ``train``: one run, from its spec to its stored result."""

import sys
import traceback
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.backbones.backend import forget_networks
from core.datasets.dataset import Dataset
from core.datasets.split import Split
from core.datasets.storage import open_dataset
from core.errors import CacheLost, Cancelled, HeadstartError, OutOfMemory
from core.experiments.extract_job import same_precision, sharing_of
from core.experiments.records import RunRecord, deployment_of
from core.experiments.run_files import write_predictions, write_weights
from core.experiments.store import Store, open_store
from core.experiments.used_backbones import why_not_here, why_other_features
from core.jobs.cached import unfinished_folder
from core.jobs.context import JobContext, StartAgain
from core.jobs.kinds import find_kind
from core.strategies.registry import find_strategy
from core.text import size_text
from core.training.events import Deployment, EpochRecord, KeptWeights, Progress, TrainingOutcome
from core.training.spec import TrainingSpec

LOADING = "Starting: loading the libraries takes some seconds"
MEASURING = "Measuring what the network costs where it is used"
# The first run leaves 200 MB of its own: threads, and what TensorFlow makes when it first computes.
MOST_LEFT_BYTES = 400 * 1024**2
MADE_ANEW = "They were made anew, and the run started again."


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """Train the run named ``run``; it keeps its result itself, and ends its job with it."""
    store = open_store()
    found = store.run(arguments["run"])
    experiment = store.experiment(found.experiment_id)
    others = store.runs(experiment.id)
    if reason := (
        why_not_here(found.strategy, experiment.spec)
        or why_other_features([found.strategy], experiment.spec, others)
    ):
        raise HeadstartError(reason)
    if context.process_is_used and not _can_follow(found):
        raise StartAgain
    spec = experiment.training_spec(found)
    if context.job.error:  # the process before this one was killed
        _halve_the_batch(store, found, OutOfMemory(context.job.error), ", most likely,")
    store.begin_run(found.id, found.attempts)
    context.report(LOADING)
    try:
        _train(store, found, spec, context)
    except (OutOfMemory, MemoryError) as error:
        if context.process_is_used:  # a new one may have more room
            print(error, file=sys.stderr)  # noqa: T201 - its log
            raise StartAgain from error
        _halve_the_batch(store, found, error)
    except CacheLost as error:
        _make_the_cache_anew(store, found, error)
    forget_networks()  # the next run of this process has the memory to itself


def _can_follow(run: RunRecord) -> bool:
    """Whether a process that did other runs measures this one as a new process would.

    Its peak memory must begin anew; libraries that the run does not need would be part of it, and
    so would what a library keeps of earlier networks.
    """
    # Imported here: they are only of use in a worker's child process.
    from core.training.policy import left_behind_bytes, reset_peak_memory

    if find_strategy(run.strategy).estimator is not None or left_behind_bytes() > MOST_LEFT_BYTES:
        return False
    return reset_peak_memory()


def _train(store: Store, run: RunRecord, spec: TrainingSpec, context: JobContext) -> None:
    # Imported here: the engine brings in scikit-learn, and pages read this room.
    from core.training.engine import train

    dataset = open_dataset(spec.dataset_id)
    split = spec.subsets_of(dataset)
    _check_split(store, run, split)
    spec = same_precision(store, run, spec)
    sharing = sharing_of(store, context)
    for event in train(spec, dataset, split, should_stop=context.should_stop, sharing=sharing):
        if isinstance(event, Progress):
            context.report_progress(event)
        elif isinstance(event, EpochRecord):
            store.add_epoch(run.id, event, run.attempts)
        else:
            _keep(store, run, event, _Trained(spec, dataset, context))


def _check_split(store: Store, run: RunRecord, split: Split) -> None:
    """Runs of one experiment are compared image by image, which needs the same split."""
    expected = store.experiment(run.experiment_id).spec.split_fingerprint
    if expected and split.fingerprint != expected:
        raise HeadstartError(
            "The split that this experiment was made with is gone, so this run cannot be compared "
            "with the others. Start a new experiment."
        )


@dataclass(frozen=True)
class _Trained:
    """What a network was trained as and on, and by which job."""

    spec: TrainingSpec
    dataset: Dataset
    context: JobContext


def _keep(store: Store, run: RunRecord, outcome: TrainingOutcome, trained: _Trained) -> None:
    now = store.run(run.id)
    if now.state != "running" or now.attempts != run.attempts:
        return  # taken back: the files beside the run belong to the attempt that counts
    write_predictions(run.id, outcome.predictions)
    result, notes = outcome.result, (*run.notes, *outcome.result.notes)
    if outcome.trained_weights:
        # After the run's clock stopped: this costs none of its seconds.
        kept, failures = _keep_weights(run.id, outcome.trained_weights)
        measured, more = _measure_deployment(store, run, outcome.trained_weights, trained)
        result = replace(result, weights=kept, deployment=measured)
        notes += (*failures, *more)
    store.finish_run(run.id, replace(result, notes=notes), run.attempts)


def _measure_deployment(
    store: Store, run: RunRecord, weights: dict[str, np.ndarray], trained: _Trained
) -> tuple[Deployment | None, tuple[str, ...]]:
    """None where another seed's network was measured; a note where this one could not be.

    Seeds differ in the numbers in the network, not in how many there are.
    """
    if deployment_of(store.runs(run.experiment_id), run.strategy) is not None:
        return None, ()
    from core.networks.deployment import measure_deployment

    context = trained.context
    context.report(MEASURING)
    try:
        with unfinished_folder(context.folder / "network") as folder:
            given = (trained.spec, weights, trained.dataset, folder, context.should_stop)
            return measure_deployment(*given), ()
    except Cancelled:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the scores of the run are valid
        traceback.print_exc()  # the process's output is the run's log
        known = isinstance(error, HeadstartError)
        reason = str(error) if known else f"an unexpected {type(error).__name__}; see its log."
        return None, (f"What the network costs where it is used was not measured: {reason}",)


def _keep_weights(
    run_id: str, weights: dict[str, np.ndarray]
) -> tuple[KeptWeights, tuple[str, ...]]:
    """The size written, and a note where they could not be written: the results are valid."""
    try:
        return KeptWeights(write_weights(run_id, weights)), ()
    except (OSError, HeadstartError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the process's output is the run's log
        return KeptWeights(None), (f"The trained weights could not be kept: {error}",)


def _halve_the_batch(store: Store, run: RunRecord, error: Exception, doubt: str = "") -> None:
    """Continue in a new process with half the batch; raise ``error`` where it cannot be halved.

    ``doubt``: words for the note, where memory is only the likeliest cause.
    """
    batch_size = run.settings.get("batch_size")
    if batch_size is None:
        raise error
    message = find_kind("train").failure_message(error)
    if batch_size <= 1:
        from core.training.policy import memory_limit_bytes

        raise OutOfMemory(
            f"{message} A batch of 1 image was tried too; there are "
            f"{size_text(memory_limit_bytes())} of memory in all."
        ) from error
    smaller = batch_size // 2
    note = f"Ran out of memory{doubt} with batch_size {batch_size}; started again with {smaller}."
    print(message, note, file=sys.stderr)  # noqa: T201 - its log
    store.restart_run(run.id, note, run.attempts, batch_size=smaller)
    raise StartAgain from error


def _make_the_cache_anew(store: Store, run: RunRecord, error: CacheLost) -> None:
    """Start again, so that all its clocks count one whole run; raise ``error`` a second time."""
    if sum(note.endswith(MADE_ANEW) for note in run.notes) >= run.attempts:
        raise error
    note = f"{error} {MADE_ANEW}"
    print(note, file=sys.stderr)  # noqa: T201 - its log
    store.restart_run(run.id, note, run.attempts)
    raise StartAgain from error
