"""The weights that came with the recorded results give the recorded predictions."""

import shutil

import numpy as np
import pytest

from core.backbones.vgg16 import WEIGHTS
from core.backbones.weights import files
from core.datasets.prepare import prepare_images
from core.datasets.storage import open_dataset
from core.experiments.recorded import prepare_store
from core.experiments.run_files import read_predictions, read_weights, why_no_weights
from core.networks.restore import restored_model

pytestmark = pytest.mark.tensorflow

PICTURES = 64
# Predictions are recorded in float16, whose steps are 0.0005 just below 1; another processor
# rounds another way, hence four times that.
TOLERANCE = 2e-3


@pytest.fixture
def showcase_home(tmp_path, monkeypatch, session_home, real_base_file):
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path))
    shutil.copytree(session_home / "datasets", tmp_path / "datasets")
    placed = files.placed_path(WEIGHTS)
    placed.parent.mkdir(parents=True)
    placed.symlink_to(real_base_file)


@pytest.mark.parametrize(
    "run_id",
    ["c0819b9b-cnn-0", "c0819b9b-vgg16_probe-0", "3d975862-cnn-0", "3d975862-vgg16_probe-0"],
)
def test_the_restored_network_answers_as_recorded(showcase_home, run_id):  # noqa: ARG001
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
    answers = restored.probabilities(prepared.take(recorded.test_indices[:PICTURES]))
    np.testing.assert_allclose(answers, recorded.probabilities[:PICTURES], atol=TOLERANCE)
