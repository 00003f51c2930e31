"""A network as files that need no Headstart: the answers stay those of the run."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.datasets.dataset import Dataset
from core.datasets.prepare import prepare_images
from core.networks import keras_export
from core.networks.keras_export import (
    inside_words,
    portable_network,
    probabilities_of_file,
    save_onnx,
)
from core.networks.restore import RestoredModel, restored_model
from core.training.engine import train
from core.training.events import TrainingOutcome
from core.training.spec import TrainingSpec
from tests.networks.test_explain import branched_network
from tests.training.test_engine import specify

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]
LOAD_ANYWHERE = """
import sys, numpy, keras
model = keras.models.load_model(sys.argv[1])
numpy.save(sys.argv[3], numpy.asarray(model.predict_on_batch(numpy.load(sys.argv[2]))))
print(keras.backend.backend(), "core" in sys.modules)
"""


def trained(spec: TrainingSpec, dataset: Dataset) -> tuple[np.ndarray, RestoredModel]:
    """The probabilities that the run kept for its test images, and its network."""
    outcome = list(train(spec, dataset, spec.subsets_of(dataset)))[-1]
    assert isinstance(outcome, TrainingOutcome)
    network = restored_model(spec, outcome.trained_weights, dataset)
    return outcome.predictions.probabilities, network


def pictures_of_the_test(spec: TrainingSpec, dataset: Dataset) -> np.ndarray:
    prepared = prepare_images(dataset, spec.image_size, spec.resize)
    return prepared.take(spec.subsets_of(dataset).test)


@pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")
@pytest.mark.parametrize(
    "name", ["mlp", "cnn", "vgg16_probe", "vgg16_finetune", "stand_in_probe", "stand_in_freeze"]
)
@pytest.mark.usefixtures("random_weights", "stand_in")
def test_both_files_answer_as_the_run_did(tiny_dataset: Dataset, tmp_path: Path, name: str) -> None:
    spec = specify(tiny_dataset, name)
    kept, restored = trained(spec, tiny_dataset)
    network = portable_network(restored)
    pictures = pictures_of_the_test(spec, tiny_dataset)

    network.save(tmp_path / "model.keras")
    found = probabilities_of_file(tmp_path / "model.keras", pictures, 5)
    np.testing.assert_allclose(found, kept, atol=1e-4)

    onnxruntime = pytest.importorskip("onnxruntime")
    assert save_onnx(network, tmp_path / "model.onnx") is None
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [entry.name for entry in session.get_inputs()] == ["pictures"]
    (found,) = session.run(None, {"pictures": pictures})
    np.testing.assert_allclose(found, kept, atol=1e-3)


@pytest.mark.usefixtures("random_weights")
def test_the_file_loads_on_another_backend_without_headstart(
    tiny_dataset: Dataset, tmp_path: Path
) -> None:
    pytest.importorskip("jax")
    spec = specify(tiny_dataset, "vgg16_probe", features="pooled")
    kept, restored = trained(spec, tiny_dataset)
    portable_network(restored).save(tmp_path / "model.keras")
    np.save(tmp_path / "pictures.npy", pictures_of_the_test(spec, tiny_dataset))
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    told = subprocess.run(
        [sys.executable, "-c", LOAD_ANYWHERE, "model.keras", "pictures.npy", "found.npy"],
        cwd=tmp_path,
        env=environment | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "jax False"
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), kept, atol=1e-4)


@pytest.mark.usefixtures("random_weights")
def test_no_layer_of_our_own_and_no_dropout_is_left(tiny_dataset: Dataset) -> None:
    _, restored = trained(specify(tiny_dataset, "vgg16_features"), tiny_dataset)
    network = portable_network(restored)
    assert network.input_shape == (None, 32, 32, 3)
    assert network.output_shape == (None, 3)
    kinds = {type(layer) for layer in network.layers}
    assert all(kind.__module__.startswith("keras.") for kind in kinds)
    assert "Dropout" not in {kind.__name__ for kind in kinds}
    assert inside_words(restored) == (
        "the mean colour (RGB 123.68, 116.779, 103.939) subtracted",
        "channels reordered to blue, green, red",
    )


def test_a_network_that_branches_answers_the_same_from_its_file(tmp_path: Path) -> None:
    restored = branched_network()
    pictures = np.random.default_rng(6).integers(0, 256, (3, 8, 8, 1), dtype=np.uint8)
    portable_network(restored).save(tmp_path / "model.keras")
    found = probabilities_of_file(tmp_path / "model.keras", pictures, 2)
    np.testing.assert_allclose(found, restored.probabilities(pictures), atol=1e-6)


def test_what_cannot_be_converted_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Broken:
        name, input_shape = "broken", (None, 2, 2, 3)

        def __call__(self, _pictures: np.ndarray) -> None: ...

        def export(self, path: Path, **_options: object) -> None:
            path.write_bytes(b"half a file")
            raise ValueError("No such operation\nand more")

    reason = save_onnx(Broken(), tmp_path / "model.onnx")
    assert reason == ("tf2onnx could not convert this network (ValueError: No such operation).")
    assert not (tmp_path / "model.onnx").exists()
    monkeypatch.setattr(keras_export, "_CONVERTERS", {"tensorflow": "not_a_library"})
    assert save_onnx(Broken(), tmp_path / "model.onnx") == (
        "The library not_a_library, which makes it, is not installed here."
    )
