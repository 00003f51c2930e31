"""What a child process does with one run, called in this process."""

import sys
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from core.errors import Cancelled, OutOfMemory, StoreError, TrainingDiverged
from core.experiments.planning import plan_experiment
from core.experiments.predictions import read_predictions
from core.experiments.store import Store
from core.runs import child
from core.runs.child import EXIT_SMALLER_BATCH, execute
from core.settings import current_settings
from core.training.events import Event, Progress
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
    assert run.result["scores"]["test"]["images"] == spec.images["test"]
    assert run.result["scores"]["test"]["accuracy"] == pytest.approx(spec.majority_accuracy)
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
    arrows_store.finish(first.id, made_up.result(precision="mixed_bfloat16"))
    second = arrows_store.claim_next("worker")
    assert second is not None
    seen = []

    def train(spec: TrainingSpec, **_options: Any) -> Iterator[Event]:
        seen.append(spec.precision)
        yield Progress("Starting", 0, 1)

    engine.train = train  # type: ignore[attr-defined]
    execute(arrows_store, second.id)
    assert seen == ["mixed_bfloat16"]
    assert arrows_store.experiment(experiment_id).spec.precision == "auto"


def test_a_store_that_is_away_for_a_moment_does_not_end_the_run(
    arrows_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = claimed(arrows_store, majority_spec())

    def away(*_arguments: Any) -> None:
        raise StoreError("The database is locked.")

    monkeypatch.setattr(arrows_store, "cancel_requested", away)
    monkeypatch.setattr(arrows_store, "set_progress", away)
    stop = child.StopSignal(arrows_store, arrows_store.run(run_id), None)
    assert stop() is False
    child.Told(arrows_store, arrows_store.run(run_id)).hear(Progress("Training", 1, 2))


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
    while execute(arrows_store, run_id) == EXIT_SMALLER_BATCH:
        sizes.append(arrows_store.run(run_id).settings["batch_size"])
    assert sizes == [16, 8, 4, 2, 1]
    run = arrows_store.run(run_id)
    assert (run.state, run.error) == ("failed", "ran out of memory")
    assert run.notes[0] == "Ran out of memory with batch_size 32; started again with 16."
    assert len(run.notes) == 5


@pytest.mark.parametrize("text", ["", "mlp ran out of memory in scoring"])
def test_memory_that_runs_out_elsewhere_counts_too(
    arrows_store: Store, engine: ModuleType, text: str
) -> None:
    engine.train = raising(MemoryError(text))  # type: ignore[attr-defined]
    spec = long_spec()
    run_id = claimed(arrows_store, spec)
    assert execute(arrows_store, run_id) == EXIT_SMALLER_BATCH
    assert arrows_store.run(run_id).settings["batch_size"] == 16
    other = claimed(arrows_store, majority_spec())
    assert execute(arrows_store, other) == 1
    assert arrows_store.run(other).error == (text or "The run ran out of memory.")


def test_progress_is_written_at_most_twice_a_second_but_each_new_step(
    arrows_store: Store, engine: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr(
        arrows_store,
        "set_progress",
        lambda _run_id, progress, _attempt: written.append(
            f"{progress['step']} {progress['done']}"
        ),
    )

    def train(*_arguments: Any, **_options: Any) -> Iterator[Event]:
        for step in ("Extracting", "Training"):
            for done in range(100):
                yield Progress(step, done, 100)
        raise Cancelled("enough")

    engine.train = train  # type: ignore[attr-defined]
    execute(arrows_store, claimed(arrows_store, majority_spec()))
    assert written == ["Extracting 0", "Training 0"]


def test_a_timed_run_waits_for_the_device_and_can_be_cancelled_there(
    arrows_store: Store, engine: ModuleType
) -> None:
    engine.train = raising(AssertionError("must not start"))  # type: ignore[attr-defined]
    run_id = claimed(arrows_store, long_spec())
    folder = current_settings().locks_folder
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "device.lock"):
        statuses: list[int] = []
        waiting = threading.Thread(target=lambda: statuses.append(execute(arrows_store, run_id)))
        waiting.start()
        deadline = time.monotonic() + 10
        while arrows_store.run(run_id).progress is None and time.monotonic() < deadline:
            time.sleep(0.02)
        progress = arrows_store.run(run_id).progress
        assert progress is not None
        assert progress["step"] == "Waiting for the device: another run is using it"
        arrows_store.request_cancel(run_id)
        waiting.join(timeout=10)
    assert statuses == [0]
    assert arrows_store.run(run_id).state == "cancelled"


def test_the_store_is_asked_at_most_five_times_a_second(
    arrows_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = claimed(arrows_store, majority_spec())
    asked: list[str] = []
    monkeypatch.setattr(
        arrows_store, "cancel_requested", lambda run_id, _attempt: bool(asked.append(run_id))
    )
    stop = child.StopSignal(arrows_store, arrows_store.run(run_id), None)
    assert [stop() for _ in range(1000)] == [False] * 1000
    assert asked == [run_id]
