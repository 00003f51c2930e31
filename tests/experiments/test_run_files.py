"""The weights that a run keeps: written beside its predictions, missed in plain words."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from core.datasets.dataset import Dataset
from core.datasets.split import Split
from core.errors import BadInput, HeadstartError, StoreError
from core.experiments import run_files, train_job
from core.experiments.heat_maps import heat_maps, read_heat_maps, why_no_heat_maps
from core.experiments.planning import plan_experiment
from core.experiments.records import RecordedRun
from core.experiments.run_files import read_weights, weights_path, why_no_weights, write_weights
from core.experiments.store import Store
from core.jobs.child import execute
from core.settings import PROJECT_ROOT
from core.training.events import Event, KeptWeights, Predictions, TrainingOutcome
from tests import made_up
from tests.stored_home import long_spec, majority_spec

KEPT = {
    "mlp/dense_1/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "mlp/dense_1/bias": np.zeros(3, np.float32),
}


def claimed(store: Store, spec: Any) -> str:
    store.create_experiment(spec)
    run = store.claim_next("worker")
    assert run is not None
    return run.id


def finished(store: Store, strategy: str, **result: Any) -> str:
    """A finished run of that strategy, with nothing kept beside it."""
    run_id = claimed(store, plan_experiment("arrows", [strategy], image_size=64))
    store.finish_run(run_id, made_up.result(**result))
    return run_id


@pytest.fixture
def engine(
    monkeypatch: pytest.MonkeyPatch,
    arrows_store: Store,
    not_measured: None,  # noqa: ARG001 - there is no network that could be measured
) -> Store:
    """The store, and an engine whose runs end at once and hand out ``KEPT``."""
    module = ModuleType("core.training.engine")

    def train(_spec: Any, dataset: Dataset, split: Split, **_options: Any) -> Iterator[Event]:
        chances = np.full((len(split.test), 3), 1 / 3, np.float32)
        predictions = Predictions(split.test, dataset.labels[split.test], chances)
        yield TrainingOutcome(made_up.result(), predictions, KEPT)

    module.train = train  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "core.training.engine", module)
    return arrows_store


def test_a_run_keeps_what_it_trained(engine: Store) -> None:
    run_id = claimed(engine, long_spec())
    assert execute(engine, run_id) == 0
    run = engine.run(run_id)
    assert run.state == "finished", run.error
    assert run.result is not None
    size_bytes = weights_path(run_id).stat().st_size
    assert run.result == made_up.result(weights=KeptWeights(size_bytes))
    assert run.result.as_dict() == made_up.result().as_dict() | {"weights_bytes": size_bytes}
    kept = read_weights(run_id)
    assert list(kept) == list(KEPT)
    for name, array in kept.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, KEPT[name])
    assert why_no_weights(run, engine.experiment(run.experiment_id)) is None
    names = sorted(path.name for path in weights_path(run_id).parent.iterdir())
    assert names == ["predictions.npz", "weights.npz"]


@pytest.mark.parametrize(
    "error", [HeadstartError("The disk has 0.1 GB free."), OSError("No space left on device")]
)
def test_weights_without_room_cost_the_run_nothing_but_a_note(
    engine: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_arguments: object) -> int:
        raise error

    monkeypatch.setattr(train_job, "write_weights", full)
    run_id = claimed(engine, long_spec())
    assert execute(engine, run_id) == 0
    run = engine.run(run_id)
    assert run.state == "finished"
    assert run.result is not None
    assert run.result.notes == (f"The trained weights could not be kept: {error}",)
    assert run.result.weights == KeptWeights(None)
    assert why_no_weights(run, engine.experiment(run.experiment_id)) == (
        "The weights of this run were not kept: they could not be written, as its notes say. "
        "Run the benchmark here to see where it looked."
    )


@pytest.mark.usefixtures("home")
def test_room_is_asked_for_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def no_room(_folder: Path, size_bytes: int, purpose: str) -> None:
        asked.append(size_bytes)
        raise HeadstartError(f"no room for {purpose}")

    monkeypatch.setattr(run_files, "check_room", no_room)
    with pytest.raises(HeadstartError, match="no room for the trained weights"):
        write_weights("a-mlp-0", KEPT)
    assert asked == [36]
    assert list(weights_path("a-mlp-0").parent.iterdir()) == []


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("damage", ["missing", "cut", "text", "pickle"])
def test_weights_that_cannot_be_read_say_so(damage: str) -> None:
    write_weights("a-mlp-0", KEPT)
    path = weights_path("a-mlp-0")
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-30])
    elif damage == "text":
        path.write_text("not an archive")
    else:
        np.savez(path, allow_pickle=True, kernel=np.array([{}], dtype=object))
    with pytest.raises(StoreError, match=r"The weights of run a-mlp-0 cannot be read.*again"):
        read_weights("a-mlp-0")


def test_a_run_without_weights_says_why(arrows_store: Store) -> None:
    tail = " Run the benchmark here to see where it looked."
    before = finished(arrows_store, "cnn")
    assert why_no_heat_maps(arrows_store, before) == (
        "The weights of this run were not kept: it was made by an older version of Headstart."
        f"{tail}"
    )
    removed = finished(arrows_store, "cnn", weights=KeptWeights(100))
    assert why_no_heat_maps(arrows_store, removed) == (
        f"The weights of this run were not kept: their file was removed.{tail}"
    )
    waiting = arrows_store.create_experiment(plan_experiment("arrows", ["cnn"], image_size=64))
    assert why_no_heat_maps(arrows_store, f"{waiting}-cnn-0") == (
        f"Run {waiting}-cnn-0 is queued: only a finished run has a network to look at."
    )


def test_a_recorded_run_says_that_it_was_made_elsewhere(arrows_store: Store) -> None:
    spec = plan_experiment("arrows", ["cnn"], image_size=64)
    run = RecordedRun(
        "cnn", 0, {}, made_up.result(weights=KeptWeights(5)), (), "2026-01-01", None, "2026-01-01"
    )
    arrows_store.add_recorded("abcd1234", spec, "2026-01-01", made_up.origin("another"), [run])
    sentence = (
        "The weights of this run were not kept: it was recorded elsewhere. "
        "Run the benchmark here to see where it looked."
    )
    assert why_no_heat_maps(arrows_store, "abcd1234-cnn-0") == sentence
    with pytest.raises(BadInput) as refused:
        heat_maps(arrows_store, "abcd1234-cnn-0", [0])
    assert str(refused.value) == sentence


@pytest.mark.parametrize(("strategy", "title"), [("mlp", "MLP"), ("majority", "Majority class")])
def test_networks_without_convolutions_have_no_map(
    arrows_store: Store, strategy: str, title: str
) -> None:
    run_id = finished(arrows_store, strategy)
    assert why_no_heat_maps(arrows_store, run_id) == (
        f"{title} has no convolutional layer, so there is no map of where it looked."
    )


def test_majority_has_no_network_to_keep(arrows_store: Store) -> None:
    run_id = claimed(arrows_store, majority_spec())
    assert execute(arrows_store, run_id) == 0
    run = arrows_store.run(run_id)
    assert why_no_weights(run, arrows_store.experiment(run.experiment_id)) == (
        "Majority class has no network: it never looks at a picture."
    )
    assert not weights_path(run_id).exists()


@pytest.mark.parametrize(
    ("positions", "says"),
    [
        ([], "Choose 1 to 16 pictures, not 0."),
        (range(17), "Choose 1 to 16 pictures, not 17."),
        ([3, 120], "There is no picture 120 in arrows, which has 120, counted from 0."),
        ([-1], "There is no picture -1 in arrows, which has 120, counted from 0."),
    ],
)
def test_pictures_that_are_not_there_are_refused(
    arrows_store: Store, positions: list[int], says: str
) -> None:
    run_id = finished(arrows_store, "cnn")
    write_weights(run_id, KEPT)
    with pytest.raises(BadInput) as refused:
        heat_maps(arrows_store, run_id, positions)
    assert str(refused.value) == says


def test_what_pages_import_loads_no_framework() -> None:
    code = (
        "import sys, core.experiments.run_files, core.jobs.cached; "
        "import core.experiments.planning; "
        "print([m for m in ('keras', 'tensorflow', 'jax', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.usefixtures("home")
def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    path = tmp_path / "maps.npz"
    np.savez(path, positions=np.arange(2))
    with pytest.raises(StoreError, match=r"The heat maps in .*maps\.npz cannot be read"):
        read_heat_maps(path)
