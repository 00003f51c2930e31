"""What the handler of runs does, called in this process by the very function of the child."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from core.errors import CacheLost, Cancelled, HeadstartError, OutOfMemory, TrainingDiverged
from core.experiments.planning import plan_experiment
from core.experiments.records import RunRecord
from core.experiments.run_files import read_predictions
from core.experiments.store import Store
from core.experiments.train_job import LOADING, MOST_LEFT_BYTES
from core.jobs.child import execute
from core.jobs.context import EXIT_AGAIN
from core.jobs.queue import JobQueue
from core.training import policy
from core.training.events import Deployment, Event, Predictions, Progress, TrainingOutcome
from core.training.spec import TrainingSpec
from tests import made_up
from tests.stored_home import long_spec, majority_spec


def claimed(store: Store, spec: Any) -> str:
    store.create_experiment(spec)
    run = store.claim_next("worker")
    assert run is not None
    return run.id


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Stands in for the engine: ``engine.train`` is set by the test."""
    module = ModuleType("core.training.engine")
    monkeypatch.setitem(sys.modules, "core.training.engine", module)
    return module


def test_a_real_run_ends_finished_with_its_predictions(arrows_store: Store) -> None:
    spec = majority_spec()
    run_id = claimed(arrows_store, spec)
    assert execute(arrows_store, run_id) == 0
    run = arrows_store.run(run_id)
    assert run.state == "finished", run.error
    assert run.result is not None
    assert run.result.scores.test.images == spec.images["test"]
    assert run.result.scores.test.accuracy == pytest.approx(spec.majority_accuracy)
    predictions = read_predictions(run_id)
    assert predictions.probabilities.shape == (spec.images["test"], 3)
    assert predictions.probabilities.dtype == np.float32
    assert predictions.labels.dtype == np.int32
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1, atol=1e-6)
    hits = predictions.probabilities.argmax(axis=1) == predictions.labels
    assert hits.mean() == pytest.approx(spec.majority_accuracy)


def test_a_run_that_is_not_in_work_is_left_alone(arrows_store: Store) -> None:
    experiment_id = arrows_store.create_experiment(majority_spec())
    run_id = arrows_store.runs(experiment_id)[0].id
    assert execute(arrows_store, run_id) == 0
    assert arrows_store.run(run_id).state == "queued"


def test_a_run_is_not_made_on_another_split_than_its_siblings(arrows_store: Store) -> None:
    other = majority_spec().model_copy(update={"split_fingerprint": "0" * 64})
    run_id = claimed(arrows_store, other)
    assert execute(arrows_store, run_id) == 1
    run = arrows_store.run(run_id)
    assert run.state == "failed"
    assert (run.error or "").startswith("The split that this experiment was made with is gone")


def test_later_runs_take_the_precision_of_the_first(
    arrows_store: Store, engine: ModuleType
) -> None:
    spec = plan_experiment("arrows", ["mlp"], seeds=(0, 1), image_size=8)
    experiment_id = arrows_store.create_experiment(spec)
    first = arrows_store.claim_next("worker")
    assert first is not None
    arrows_store.finish_run(first.id, made_up.result(precision="mixed_bfloat16"))
    second = arrows_store.claim_next("worker")
    assert second is not None
    seen = []

    def train(spec: TrainingSpec, *_given: Any, **_options: Any) -> Iterator[Event]:
        seen.append(spec.precision)
        yield Progress("Starting", 0, 1)

    engine.train = train  # type: ignore[attr-defined]
    execute(arrows_store, second.id)
    assert seen == ["mixed_bfloat16"]
    assert arrows_store.experiment(experiment_id).spec.precision == "auto"


def raising(error: BaseException) -> Any:
    def train(*_arguments: Any, **_options: Any) -> Iterator[Event]:
        yield Progress("Starting", 0, 1)
        raise error

    return train


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TrainingDiverged("The loss became NaN in epoch 2."), "The loss became NaN in epoch 2."),
        (
            ZeroDivisionError("division by zero\nmore"),
            "The run stopped with an unexpected ZeroDivisionError: division by zero. See its log.",
        ),
    ],
)
def test_an_error_fails_the_run_with_its_sentence(
    arrows_store: Store, engine: ModuleType, error: Exception, message: str
) -> None:
    engine.train = raising(error)  # type: ignore[attr-defined]
    run_id = claimed(arrows_store, majority_spec())
    assert execute(arrows_store, run_id) == 1
    run = arrows_store.run(run_id)
    assert (run.state, run.error) == ("failed", message)


def test_a_cancelled_run_says_so(arrows_store: Store, engine: ModuleType) -> None:
    engine.train = raising(Cancelled("stopped"))  # type: ignore[attr-defined]
    run_id = claimed(arrows_store, majority_spec())
    assert execute(arrows_store, run_id) == 0
    assert arrows_store.run(run_id).state == "cancelled"


def test_out_of_memory_halves_the_batch_down_to_one(
    arrows_store: Store, engine: ModuleType
) -> None:
    engine.train = raising(OutOfMemory("ran out of memory"))  # type: ignore[attr-defined]
    run_id = claimed(arrows_store, long_spec())
    sizes = []
    while execute(arrows_store, run_id) == EXIT_AGAIN:
        sizes.append(arrows_store.run(run_id).settings["batch_size"])
    assert sizes == [16, 8, 4, 2, 1]
    run = arrows_store.run(run_id)
    assert run.state == "failed"
    assert re.fullmatch(
        r"ran out of memory A batch of 1 image was tried too; there are [\d.]+ GB of memory "
        r"in all\.",
        run.error or "",
    )
    assert run.notes[0] == "Ran out of memory with batch_size 32; started again with 16."
    assert len(run.notes) == 5


def test_a_run_whose_process_was_killed_goes_on_with_half_the_batch(
    arrows_store: Store, engine: ModuleType
) -> None:
    engine.train = raising(Cancelled("far enough"))  # type: ignore[attr-defined]
    run_id = claimed(arrows_store, long_spec())
    assert arrows_store.note_death(run_id, "It was killed.", 1)
    assert not arrows_store.note_death(run_id, "And again.", 1)
    assert execute(arrows_store, run_id) == EXIT_AGAIN
    run = arrows_store.run(run_id)
    assert (run.state, run.error, run.settings["batch_size"]) == ("running", None, 16)
    note = "Ran out of memory, most likely, with batch_size 32; started again with 16."
    assert run.notes == (note,)
    assert execute(arrows_store, run_id) == 0
    other = claimed(arrows_store, majority_spec())  # it has no batch to halve
    assert arrows_store.note_death(other, "It was killed.", 1)
    assert execute(arrows_store, other) == 1
    assert arrows_store.run(other).error == "It was killed."


def test_a_cache_that_is_lost_meanwhile_is_made_anew_once(
    arrows_store: Store, engine: ModuleType
) -> None:
    lost = "Cached features were deleted or damaged while they were used (x)."
    engine.train = raising(CacheLost(lost))  # type: ignore[attr-defined]
    run_id = claimed(arrows_store, long_spec())
    batch_size = arrows_store.run(run_id).settings["batch_size"]
    assert execute(arrows_store, run_id) == EXIT_AGAIN
    run = arrows_store.run(run_id)
    assert run.settings["batch_size"] == batch_size
    assert run.notes == (f"{lost} They were made anew, and the run started again.",)
    assert execute(arrows_store, run_id) == 1
    assert (arrows_store.run(run_id).state, arrows_store.run(run_id).error) == ("failed", lost)


def test_a_process_that_did_other_runs_hands_over_what_it_has_no_memory_for(
    arrows_store: Store, engine: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests before it leave more in this process than runs may.
    monkeypatch.setattr(policy, "left_behind_bytes", lambda: 0)

    def train(*_arguments: Any, **_options: Any) -> Iterator[Event]:
        yield made_up.epoch(1)
        raise OutOfMemory("ran out of memory")

    engine.train = train  # type: ignore[attr-defined]
    run_id = claimed(arrows_store, long_spec())
    assert execute(arrows_store, run_id, process_is_used=True) == EXIT_AGAIN
    run = arrows_store.run(run_id)
    assert (run.state, run.settings["batch_size"], run.notes) == ("running", 32, ())
    assert len(arrows_store.epochs(run_id)) == 1
    engine.train = raising(Cancelled("far enough"))  # type: ignore[attr-defined]
    assert execute(arrows_store, run_id) == 0
    assert arrows_store.epochs(run_id) == ()  # the new process began at the first


def test_what_needs_no_library_gets_a_process_without_them(arrows_store: Store) -> None:
    run_id = claimed(arrows_store, majority_spec())
    assert execute(arrows_store, run_id, process_is_used=True) == EXIT_AGAIN
    assert arrows_store.run(run_id).state == "running"
    assert execute(arrows_store, run_id) == 0
    assert arrows_store.run(run_id).state == "finished"


def test_a_process_in_which_other_runs_left_much_takes_no_further_one(
    arrows_store: Store, engine: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.train = raising(Cancelled("far enough"))  # type: ignore[attr-defined]
    run_id = claimed(arrows_store, long_spec())
    monkeypatch.setattr(policy, "left_behind_bytes", lambda: MOST_LEFT_BYTES + 1)
    assert execute(arrows_store, run_id, process_is_used=True) == EXIT_AGAIN
    monkeypatch.setattr(policy, "left_behind_bytes", lambda: MOST_LEFT_BYTES)
    assert execute(arrows_store, run_id, process_is_used=True) == 0
    assert arrows_store.run(run_id).state == "cancelled"


@pytest.mark.parametrize("text", ["", "mlp ran out of memory in scoring"])
def test_memory_that_runs_out_elsewhere_counts_too(
    arrows_store: Store, engine: ModuleType, text: str
) -> None:
    engine.train = raising(MemoryError(text))  # type: ignore[attr-defined]
    spec = long_spec()
    run_id = claimed(arrows_store, spec)
    assert execute(arrows_store, run_id) == EXIT_AGAIN
    assert arrows_store.run(run_id).settings["batch_size"] == 16
    other = claimed(arrows_store, majority_spec())
    assert execute(arrows_store, other) == 1
    assert arrows_store.run(other).error == (
        text
        or "The run ran out of memory: choose a smaller batch_size or image size, and start the "
        "run again."
    )


def test_what_the_engine_tells_reaches_the_job(
    arrows_store: Store, engine: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Progress] = []
    monkeypatch.setattr(JobQueue, "set_progress", lambda *given: written.append(given[2]))
    extracting = Progress("Extracting", 1, 100, 50.0, 2.0)
    training = Progress("Training", 0, 100, epoch=1, epochs=2)

    def train(*_arguments: Any, **_options: Any) -> Iterator[Event]:
        yield from (extracting, training)
        raise Cancelled("enough")

    engine.train = train  # type: ignore[attr-defined]
    execute(arrows_store, claimed(arrows_store, majority_spec()))
    assert written == [Progress(LOADING), extracting, training]


class Measuring:
    """Stands in for the measurement: ``answer`` is returned, or raised."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.folders: list[Path] = []

    def __call__(self, *given: Any) -> Deployment:
        *_, folder, _ = given
        assert folder.is_dir()
        self.folders.append(folder)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def trained(
    arrows_store: Store, engine: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Any], tuple[Measuring, list[RunRecord]]]:
    """Two seeds of a network that need no training, with a measurement that gives ``answer``."""
    predictions = Predictions(np.arange(2), np.zeros(2, np.int32), np.ones((2, 3), np.float32))
    weights = {"mlp/kernel": np.zeros((2, 2), np.float32)}

    def train(*_given: Any, **_options: Any) -> Iterator[Event]:
        yield TrainingOutcome(made_up.result(), predictions, weights)

    def run_both(answer: Any) -> tuple[Measuring, list[RunRecord]]:
        engine.train = train  # type: ignore[attr-defined]
        module, measuring = ModuleType("core.networks.deployment"), Measuring(answer)
        module.measure_deployment = measuring  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        spec = plan_experiment("arrows", ["mlp"], seeds=(0, 1), image_size=8)
        experiment_id = arrows_store.create_experiment(spec)
        for _ in spec.seeds:
            run = arrows_store.claim_next("worker")
            assert run is not None
            execute(arrows_store, run.id)
        return measuring, arrows_store.runs(experiment_id)

    return run_both


def test_a_network_is_measured_once_for_all_seeds(trained: Any) -> None:
    measuring, runs = trained(made_up.deployment())
    assert [run.result.deployment for run in runs] == [made_up.deployment(), None]
    assert [folder.exists() for folder in measuring.folders] == [False]
    assert all(run.result.weights.size_bytes > 0 for run in runs)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (HeadstartError("The disk has no room."), "The disk has no room."),
        (MemoryError(), "an unexpected MemoryError; see its log."),
    ],
)
def test_a_run_is_finished_where_its_network_cannot_be_measured(
    trained: Any, error: Exception, reason: str
) -> None:
    measuring, runs = trained(error)
    note = f"What the network costs where it is used was not measured: {reason}"
    for run in runs:
        assert (run.state, run.result.deployment, run.result.notes) == ("finished", None, (note,))
        assert run.result.scores == made_up.result().scores
    assert len(measuring.folders) == 2


def test_a_run_that_is_stopped_while_it_measures_is_cancelled(trained: Any) -> None:
    _, runs = trained(Cancelled("The run was stopped."))
    assert [run.state for run in runs] == ["cancelled", "cancelled"]
