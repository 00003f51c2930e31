"""Steady epochs measured again: what is asked for, what the job changes, and what it leaves."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from core.conditions import Reading
from core.errors import BadInput, UnknownName
from core.experiments.records import RecordedRun, result_of, run_id_of
from core.experiments.remeasure import job_of, obstacle, request_remeasure
from core.experiments.run_files import predictions_path, weights_path
from core.experiments.store import Store
from core.jobs.child import execute
from core.training.events import EpochRecord, Progress, RunConditions, RunResult
from core.training.spec import TrainingSpec
from tests import made_up
from tests.stored_home import long_spec, majority_spec

DISTURBED = made_up.result(
    steady_epoch_seconds=45.0,
    notes=(
        "2 of the 5 epochs after the first were disturbed by other work on the machine: the steady "
        "epoch is the median of the others.",
        "Another note.",
    ),
    conditions=made_up.run_conditions(other_load=0.4, left_out_epochs=2),
)
QUIET, BUSY = made_up.conditions(0.02), made_up.conditions(0.5)


def finished(store: Store, result: RunResult = DISTURBED) -> str:
    """A finished run of an MLP on the arrows."""
    store.create_experiment(long_spec(epochs=2))
    run = store.claim_next("worker")
    assert run is not None
    store.finish_run(run.id, result)
    return run.id


def measured(store: Store, run_id: str) -> int:
    """The job, claimed and done in this process; its exit status."""
    job = request_remeasure(store, run_id)
    claimed = store.claim_next("worker")
    assert claimed is not None
    assert (claimed.id, claimed.pool) == (job.id, "device")
    return execute(store, job.id)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Stands in for the engine: ``engine.epochs`` are what it measures, ``engine.asked`` what it
    was asked for."""
    module = ModuleType("core.training.engine")
    module.asked = []  # type: ignore[attr-defined]

    def measure_again(spec: TrainingSpec, *_given: Any, **_options: Any) -> Iterator[Any]:
        module.asked.append(spec)
        yield Progress("Training, epoch 1 of 4")
        yield from module.epochs

    module.measure_again = measure_again  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "core.training.engine", module)
    return module


def epochs(*entries: tuple[float, Any]) -> list[EpochRecord]:
    """One for each ``(seconds, conditions)``; a first one is put before."""
    first = made_up.epoch(1, train_seconds=99.0, conditions=BUSY)
    return [first] + [
        made_up.epoch(number, train_seconds=seconds, validation_seconds=0.5, conditions=found)
        for number, (seconds, found) in enumerate(entries, start=2)
    ]


def test_the_steady_epochs_are_replaced_and_nothing_else(
    arrows_store: Store, engine: ModuleType
) -> None:
    run_id = finished(arrows_store)
    engine.epochs = epochs((28.0, QUIET), (29.0, QUIET), (27.0, QUIET))  # type: ignore[attr-defined]
    assert measured(arrows_store, run_id) == 0
    run = arrows_store.run(run_id)
    result = result_of(run)
    assert (result.steady_epoch_seconds, result.validation_seconds) == (28.0, 0.5)
    assert "steady_epoch_seconds" not in result.disturbed
    # The whole run took as long as it took.
    assert {"total_seconds", "end_to_end_seconds", "first_epoch_seconds"} <= result.disturbed
    note = result.notes[-1]
    assert note.startswith("Its steady epochs were measured again on 20")
    assert note.endswith("; the run itself took 45.0 s (disturbed).")
    assert result.notes[:-1] == ("Another note.",)
    same = {"steady_epoch_seconds", "validation_seconds", "conditions", "notes"}
    before, after = vars(DISTURBED), vars(result)
    assert {name for name in before if before[name] != after[name]} == same
    assert (run.state, run.attempts) == ("finished", 1)
    assert arrows_store.epochs(run_id) == ()
    assert arrows_store.job(job_of(run_id)).state == "finished"


def test_the_epochs_have_the_settings_and_precision_of_the_run(
    arrows_store: Store, engine: ModuleType
) -> None:
    run_id = finished(arrows_store, replace(DISTURBED, precision="mixed_bfloat16"))
    engine.epochs = epochs((28.0, QUIET), (28.0, QUIET))  # type: ignore[attr-defined]
    measured(arrows_store, run_id)
    run = arrows_store.run(run_id)
    (spec,) = engine.asked
    assert (spec.strategy, spec.seed, spec.settings) == (run.strategy, run.seed, run.settings)
    assert spec.precision == "mixed_bfloat16"


def test_a_disturbed_epoch_among_them_is_left_out(arrows_store: Store, engine: ModuleType) -> None:
    run_id = finished(arrows_store)
    engine.epochs = epochs((28.0, QUIET), (44.0, BUSY), (29.0, QUIET))  # type: ignore[attr-defined]
    assert measured(arrows_store, run_id) == 0
    result = result_of(arrows_store.run(run_id))
    assert result.steady_epoch_seconds == 28.5
    assert result.conditions is not None
    assert result.conditions.left_out_epochs == 1
    assert result.notes[1].startswith("1 of the 3 epochs after the first were disturbed")


def test_where_it_is_disturbed_again_nothing_changes_and_it_can_be_asked_for_again(
    arrows_store: Store, engine: ModuleType
) -> None:
    run_id = finished(arrows_store)
    engine.epochs = epochs((40.0, BUSY), (41.0, BUSY), (28.0, QUIET))  # type: ignore[attr-defined]
    assert measured(arrows_store, run_id) == 1
    job = arrows_store.job(job_of(run_id))
    assert job.state == "failed"
    assert (job.error or "").startswith("The epochs were disturbed again (others used 34 %")
    assert result_of(arrows_store.run(run_id)) == DISTURBED
    engine.epochs = epochs((28.0, QUIET), (28.0, QUIET))  # type: ignore[attr-defined]
    assert measured(arrows_store, run_id) == 0
    assert result_of(arrows_store.run(run_id)).steady_epoch_seconds == 28.0


def test_asked_for_twice_it_is_one_job(arrows_store: Store) -> None:
    run_id = finished(arrows_store)
    first, second = (request_remeasure(arrows_store, run_id) for _ in range(2))
    assert (first.id, second.state) == (second.id, "queued")
    assert len(arrows_store.jobs("remeasure")) == 1


def test_it_waits_for_the_device(arrows_store: Store) -> None:
    run_id = finished(arrows_store)
    arrows_store.create_experiment(majority_spec())
    running = arrows_store.claim_next("worker", pools={"device": 1})
    assert running is not None
    request_remeasure(arrows_store, run_id)
    assert arrows_store.claim_next("worker", pools={"device": 1}) is None
    arrows_store.finish_run(running.id, made_up.result())
    again = arrows_store.claim_next("worker", pools={"device": 1})
    assert again is not None
    assert again.kind == "remeasure"


def test_what_cannot_be_measured_again_is_refused(arrows_store: Store) -> None:
    with pytest.raises(UnknownName):
        request_remeasure(arrows_store, "nothing")
    arrows_store.create_experiment(majority_spec())
    waiting = arrows_store.runs()[0].id
    with pytest.raises(BadInput, match="it is queued"):
        request_remeasure(arrows_store, waiting)
    arrows_store.claim_next("worker")
    arrows_store.finish_run(waiting, made_up.result(steady_epoch_seconds=None))
    with pytest.raises(BadInput, match="no epoch after the first"):
        request_remeasure(arrows_store, waiting)
    entry = RecordedRun("cnn", 0, {}, made_up.result(), (), "2026", None, None)
    arrows_store.add_recorded("abcd1234", made_up.spec(), "2026", made_up.origin(), [entry])
    recorded = arrows_store.run(run_id_of("abcd1234", "cnn", 0))
    assert obstacle(arrows_store, recorded) == "it was recorded on another machine"


@pytest.mark.tensorflow
def test_a_real_network_is_measured_again_on_a_quiet_machine(
    arrows_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine is one that the test makes up; the training is real."""
    from core.training import engine

    ticks = iter(range(1000))

    def look() -> Reading:
        now = float(next(ticks))
        return Reading(wall=now, own=1.5 * now, busy=1.52 * now, idle=0.48 * now)

    monkeypatch.setattr(engine, "look_at_machine", look)
    run_id = finished(arrows_store, replace(DISTURBED, precision="float32"))
    assert measured(arrows_store, run_id) == 0
    result = result_of(arrows_store.run(run_id))
    assert result.steady_epoch_seconds is not None
    assert 0 < result.steady_epoch_seconds < 45
    assert result.conditions is not None
    assert result.conditions.steady_epochs is not None
    assert result.conditions.steady_epochs.wall_seconds == engine.EPOCHS_AGAIN - 1
    assert result.scores == DISTURBED.scores
    assert not predictions_path(run_id).exists()
    assert not weights_path(run_id).exists()


def test_old_results_are_not_marked() -> None:
    assert made_up.result().disturbed == frozenset()
    assert RunConditions().as_dict() == {}
