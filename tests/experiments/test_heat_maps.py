"""Heat maps of a finished run: once by the real process, else by its handler in this one."""

import time
from unittest.mock import Mock

import numpy as np
import pytest

from core.datasets.storage import open_dataset
from core.experiments.heat_maps import HeatMaps, heat_maps, read_heat_maps
from core.experiments.planning import plan_experiment
from core.experiments.run_files import write_predictions, write_weights
from core.experiments.store import Store
from core.jobs import cached
from core.jobs.cached import CachedWork, make_again
from core.training.events import Predictions
from tests import made_up
from tests.stored_home import do_next

pytestmark = pytest.mark.tensorflow

SHAPES = {
    "cnn/convolution_1": (5, 5, 3, 32),
    "cnn/convolution_2": (5, 5, 32, 32),
    "cnn/convolution_3": (5, 5, 32, 32),
    "cnn/dense_1": (32, 64),
    "cnn/predictions": (64, 3),
}


def random_weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(11)
    kept: dict[str, np.ndarray] = {}
    for layer, shape in SHAPES.items():
        scale = np.sqrt(2 / np.prod(shape[:-1]))
        kept[f"{layer}/kernel"] = (random.normal(0, scale, shape)).astype(np.float32)
        kept[f"{layer}/bias"] = np.zeros(shape[-1], np.float32)
    return kept


@pytest.fixture
def finished_run(arrows_store: Store) -> str:
    """A CNN of random weights that answered "down" to every test picture, all but surely."""
    spec = plan_experiment("arrows", ["cnn"], image_size=64, precision="mixed_bfloat16")
    arrows_store.create_experiment(spec)
    run = arrows_store.claim_next("worker")
    assert run is not None
    dataset = open_dataset("arrows")
    test = spec.split.of(dataset).test
    answers = np.tile(np.array([[0.875, 0.0625, 0.0625]], np.float32), (len(test), 1))
    write_predictions(run.id, Predictions(test, dataset.labels[test], answers))
    write_weights(run.id, random_weights())
    arrows_store.finish_run(run.id, made_up.result())
    return run.id


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Maps are made in this process, which has TensorFlow."""
    monkeypatch.setattr(cached, "ensure_worker", do_next)


def waited_for(store: Store, run_id: str, positions: list[int]) -> CachedWork:
    deadline = time.monotonic() + 120
    while (work := heat_maps(store, run_id, positions)).state == "working":
        assert time.monotonic() < deadline, work
        time.sleep(0.1)
    return work


def test_where_the_network_looked(arrows_store: Store, finished_run: str) -> None:
    dataset = open_dataset("arrows")
    split = plan_experiment("arrows", ["cnn"], image_size=64).split.of(dataset)
    positions = [int(split.test[3]), int(split.train[5]), int(split.test[20])]
    work = waited_for(arrows_store, finished_run, positions)
    assert work.state == "ready", work.error
    maps = read_heat_maps(work.result)
    assert maps.positions.tolist() == positions
    np.testing.assert_array_equal(maps.labels, dataset.labels[positions])
    # The run's own answers where it was tested, the restored network's elsewhere.
    np.testing.assert_array_equal(maps.probabilities[[0, 2]], [[0.875, 0.0625, 0.0625]] * 2)
    assert maps.probabilities[1].sum() == pytest.approx(1, abs=1e-5)
    assert maps.predicted.tolist() == [0, int(maps.probabilities[1].argmax()), 0]
    for found in (maps.for_predicted, maps.for_label):
        assert (found.shape, found.dtype) == ((3, 4, 4), np.float32)
        assert set(found.max(axis=(1, 2)).tolist()) <= {0.0, 1.0}
        assert found.min() >= 0
    assert maps.for_predicted.max() == 1.0
    for place in range(3):
        if maps.predicted[place] == maps.labels[place]:
            np.testing.assert_array_equal(maps.for_predicted[place], maps.for_label[place])
    assert heat_maps(arrows_store, finished_run, positions).state == "ready"


@pytest.mark.usefixtures("at_once")
def test_weights_of_another_version_are_said_and_can_be_tried_again(
    arrows_store: Store, finished_run: str
) -> None:
    kept = random_weights()
    kept["cnn/conv2d/bias"] = kept.pop("cnn/convolution_1/bias")
    write_weights(finished_run, kept)
    work = waited_for(arrows_store, finished_run, [0])
    assert work.state == "failed"
    assert work.error == (
        "The kept weights do not fit CNN, three blocks as this version of "
        "Headstart builds it "
        "(cnn/conv2d/bias, cnn/convolution_1/bias). Run the benchmark again to make new ones."
    )
    write_weights(finished_run, random_weights())
    make_again(arrows_store, work)
    assert waited_for(arrows_store, finished_run, [0]).state == "ready"


@pytest.mark.usefixtures("at_once")
def test_other_pictures_are_other_work(
    arrows_store: Store, finished_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [
        waited_for(arrows_store, finished_run, positions).result for positions in ([1, 2], [2, 1])
    ]
    monkeypatch.setattr(cached, "ensure_worker", Mock())
    single = {heat_maps(arrows_store, finished_run, [place]).result for place in (1, 2)}
    assert len({*single, *both}) == 4
    one, other = (read_heat_maps(path) for path in both)
    np.testing.assert_allclose(one.for_label, other.for_label[::-1], rtol=0, atol=1e-5)
    assert set(HeatMaps.__dataclass_fields__) == set(vars(one))
