"""Results that travel from one home to another."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.analysis.comparison import compare_experiment
from core.backbones.squeezenet import SQUEEZENET
from core.backbones.vgg16 import VGG16
from core.backbones.weights import files
from core.datasets.prepare import prepare_images
from core.datasets.storage import open_dataset
from core.errors import BadInput, StoreError
from core.experiments.recorded import (
    export_experiment,
    half_precision,
    import_recorded,
    prepare_home,
    prepare_store,
)
from core.experiments.run_files import (
    predictions_path,
    read_predictions,
    read_weights,
    weights_path,
    why_no_weights,
    write_predictions,
    write_weights,
)
from core.experiments.store import Store, open_store
from core.training.events import Predictions
from tests import made_up

INDICES = np.array([1, 4, 9], dtype=np.int64)
LABELS = np.array([0, 1, 1], dtype=np.int32)
CHECKED_IMAGES = 64
# They were computed in bfloat16 and are restored in float32, which makes up to 0.037 here.
TOLERANCE = 0.05


def finished_experiment(store: Store) -> str:
    spec = made_up.spec(strategies=(("majority", {}), ("mlp", {"epochs": 1})), seeds=(0, 1))
    experiment_id = store.create_experiment(spec)
    random = np.random.default_rng(3)
    for position, run in enumerate(store.runs(experiment_id)):
        assert store.claim_next("worker", experiment_id) is not None
        store.add_epoch(run.id, made_up.epoch(1, train_loss=0.1 + position))
        store.finish_run(run.id, made_up.result(0.6 + position / 100))
        probabilities = random.dirichlet((1, 1), size=3).astype(np.float32)
        write_predictions(run.id, Predictions(INDICES, LABELS, probabilities))
    return experiment_id


def another_home(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Store:
    monkeypatch.setenv("HEADSTART_HOME", str(folder))
    return open_store()


def test_an_exported_experiment_is_the_same_in_another_home(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment_id = finished_experiment(store)
    before = compare_experiment(store, experiment_id)
    epochs = {run.id: store.epochs(run.id) for run in store.runs(experiment_id)}
    predictions = {run_id: read_predictions(run_id) for run_id in epochs}
    folder = export_experiment(store, experiment_id, tmp_path / "showcase")
    assert folder.name == f"shapes-quick-{experiment_id}"
    assert sorted(path.name for path in folder.iterdir()) == ["experiment.json", "predictions.npz"]

    other = another_home(monkeypatch, tmp_path / "other")
    assert import_recorded(other, tmp_path / "showcase") == [experiment_id]
    after = compare_experiment(other, experiment_id)
    assert after.rows == before.rows
    assert (after.images, after.classes) == (before.images, before.classes)
    assert (before.recorded, after.recorded) == (False, True)
    assert after.origin is not None
    assert after.origin.machine == before.device
    assert {run_id: other.epochs(run_id) for run_id in epochs} == epochs
    for run_id, kept in predictions.items():
        came = read_predictions(run_id)
        np.testing.assert_array_equal(came.test_indices, INDICES)
        np.testing.assert_array_equal(came.labels, LABELS)
        np.testing.assert_allclose(came.probabilities, kept.probabilities, atol=1e-3)
        assert came.probabilities.dtype == np.float32


def test_importing_twice_changes_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment_id = finished_experiment(store)
    folder = export_experiment(store, experiment_id, tmp_path / "showcase")
    assert import_recorded(store, tmp_path / "showcase") == []
    assert not store.experiment(experiment_id).recorded
    other = another_home(monkeypatch, tmp_path / "other")
    assert import_recorded(other, tmp_path / "showcase") == [experiment_id]
    assert import_recorded(other, tmp_path / "showcase") == []
    folder.rename(folder.with_name("renamed"))
    assert import_recorded(other, tmp_path / "showcase") == []
    assert len(other.experiments()) == 1


def test_small_weights_of_one_seed_travel_also_into_a_home_that_has_the_results(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment_id = finished_experiment(store)
    small, large = f"{experiment_id}-mlp-0", f"{experiment_id}-majority-0"
    for run_id in (small, f"{experiment_id}-mlp-1"):
        write_weights(run_id, {"mlp/dense/kernel": np.arange(6, dtype=np.float32).reshape(2, 3)})
    write_weights(large, {"mlp/dense/kernel": np.zeros((500, 600), np.float32)})
    folder = export_experiment(store, experiment_id, tmp_path / "showcase")
    assert [path.name for path in (folder / "weights").iterdir()] == ["mlp-0.npz"]

    other = another_home(monkeypatch, tmp_path / "other")
    (folder / "weights").rename(tmp_path / "later")
    import_recorded(other, tmp_path / "showcase")
    assert why_no_weights(other.run(small), other.experiment(experiment_id)) is not None
    (tmp_path / "later").rename(folder / "weights")
    assert import_recorded(other, tmp_path / "showcase") == []
    assert why_no_weights(other.run(small), other.experiment(experiment_id)) is None
    assert read_weights(small)["mlp/dense/kernel"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not weights_path(large).exists()


def test_a_recorded_experiment_keeps_its_origin_when_exported_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment_id = finished_experiment(store)
    first = export_experiment(store, experiment_id, tmp_path / "first")
    other = another_home(monkeypatch, tmp_path / "other")
    import_recorded(other, tmp_path / "first")
    second = export_experiment(other, experiment_id, tmp_path / "second")
    name = "experiment.json"
    assert (second / name).read_bytes() == (first / name).read_bytes()


def test_an_unfinished_experiment_is_not_exported(store: Store, tmp_path: Path) -> None:
    experiment_id = store.create_experiment(made_up.spec(seeds=(0,)))
    with pytest.raises(BadInput, match=f"{experiment_id}-majority-0 is queued"):
        export_experiment(store, experiment_id, tmp_path / "showcase")
    assert not (tmp_path / "showcase").exists()


@pytest.mark.parametrize("damage", ["cut", "format", "no predictions", "cut predictions"])
def test_a_damaged_record_is_named_and_nothing_of_it_is_stored(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    folder = export_experiment(store, finished_experiment(store), tmp_path / "showcase")
    document, arrays = folder / "experiment.json", folder / "predictions.npz"
    if damage == "cut":
        document.write_text(document.read_text()[:500])
    elif damage == "format":
        document.write_text(json.dumps(json.loads(document.read_text()) | {"format": 99}))
    elif damage == "no predictions":
        arrays.unlink()
    else:
        arrays.write_bytes(arrays.read_bytes()[:200])
    other = another_home(monkeypatch, tmp_path / "other")
    with pytest.raises(StoreError, match=r"experiment\.json"):
        import_recorded(other, tmp_path / "showcase")
    assert other.experiments() == []


def test_no_showcase_is_no_error(store: Store, tmp_path: Path) -> None:
    assert import_recorded(store, tmp_path / "nothing") == []


def test_rounding_never_changes_an_answer() -> None:
    close = np.array([[0.33339, 0.33331, 0.33341], [0.5, 0.2, 0.3]], dtype=np.float32)
    assert close.astype(np.float16).argmax(axis=1).tolist() != [2, 0]
    assert half_precision(close).argmax(axis=1).tolist() == [2, 0]
    random = np.random.default_rng(0).dirichlet(np.full(16, 50), size=5000).astype(np.float32)
    rounded = half_precision(random)
    assert (rounded.argmax(axis=1) == random.argmax(axis=1)).all()
    assert rounded.dtype == np.float16
    np.testing.assert_allclose(rounded, random, atol=1e-3)


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_predictions_that_cannot_be_read_are_named(home: Path, damage: str) -> None:
    write_predictions("run", Predictions(INDICES, LABELS, np.full((3, 2), 0.5)))
    path = predictions_path("run")
    assert [entry.name for entry in path.parent.iterdir()] == ["predictions.npz"]
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StoreError, match="The predictions of run run cannot be read"):
        read_predictions("run")
    assert home.is_dir()


def test_the_home_is_prepared_once_and_quick_afterwards(home: Path) -> None:
    prepare_home()
    assert (home / "headstart.db").exists()
    first = prepare_store().experiments()
    assert prepare_home().experiments() == first
    assert all(experiment.recorded for experiment in first)


@pytest.fixture
def showcase_home(tmp_path, monkeypatch, session_home, real_file):
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path))
    shutil.copytree(session_home / "datasets", tmp_path / "datasets")
    for weights in (VGG16.weights, SQUEEZENET.weights):
        placed = files.placed_path(weights)
        placed.parent.mkdir(parents=True, exist_ok=True)
        placed.symlink_to(real_file(weights))


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "run_id",
    ["e9933081-cnn-0", "e9933081-vgg16_probe-0", "433aa6b6-cnn-0", "433aa6b6-squeezenet_probe-0"],
)
def test_the_restored_network_answers_as_recorded(showcase_home, run_id):  # noqa: ARG001
    from core.networks.restore import restored_model

    store = prepare_store()
    run = store.run(run_id)
    experiment = store.experiment(run.experiment_id)
    assert why_no_weights(run, experiment) is None
    # As Try it restores them: a processor with bfloat16 would else round more than the tolerance.
    spec = experiment.training_spec(run).model_copy(update={"precision": "float32"})
    dataset = open_dataset(spec.dataset_id)
    recorded = read_predictions(run_id)
    prepared = prepare_images(dataset, spec.image_size, spec.resize)
    restored = restored_model(spec, read_weights(run_id), dataset)
    answers = restored.probabilities(prepared.take(recorded.test_indices[:CHECKED_IMAGES]))
    expected = recorded.probabilities[:CHECKED_IMAGES]
    np.testing.assert_allclose(answers, expected, atol=TOLERANCE)
    # Few are so close that another class comes first.
    assert np.mean(answers.argmax(axis=1) == expected.argmax(axis=1)) >= 0.95
