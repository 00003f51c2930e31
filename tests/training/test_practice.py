"""Good practice in whole runs: reproducible, in training only, the same on other backends."""

import os
import subprocess
import sys

import numpy as np
import pytest

from core.datasets.prepare import prepare_images
from core.layers.augmentation import Augmentation
from core.networks.restore import restored_model
from core.training.fitting import Fitting
from core.training.steady import without_steady_notes
from tests.training.test_engine import outcome, specify, train_on

CAREFUL = {
    "augment": "strong",
    "flip": "on",
    "class_weights": True,
    "label_smoothing": 0.1,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "schedule": "cosine",
    "warmup_epochs": 1,
}


@pytest.mark.tensorflow
def test_a_careful_run_is_repeated_by_its_seed_and_restored_without_augmentation(tiny_dataset):
    plain, *_ = outcome(train_on(tiny_dataset, specify(tiny_dataset, "mlp")))
    spec = specify(tiny_dataset, "mlp", **CAREFUL)
    first, records, _ = outcome(train_on(tiny_dataset, spec))
    again, *_ = outcome(train_on(tiny_dataset, spec))
    chances = first.predictions.probabilities
    np.testing.assert_array_equal(again.predictions.probabilities, chances)
    assert (plain.predictions.probabilities != chances).any()
    assert first.trained_weights.keys() == plain.trained_weights.keys()

    # validation is plain: scored once more from the images as they are, it is the same
    best = records[first.result.best_epoch - 1]
    assert first.result.scores.validation.log_loss == pytest.approx(best.validation_loss, abs=1e-6)
    prepared = prepare_images(tiny_dataset, spec.image_size, spec.resize)
    images = prepared.take(first.predictions.test_indices)
    restored = restored_model(spec, first.trained_weights, tiny_dataset)
    np.testing.assert_allclose(restored.probabilities(images), chances, rtol=0, atol=2e-6)


@pytest.mark.tensorflow
def test_each_kind_of_practice_changes_the_training(tiny_dataset):
    kinds = ("augment", "label_smoothing", "schedule")  # the classes are of one size already
    changes = [{}, {"optimizer": "sgd"}, *({name: CAREFUL[name]} for name in kinds)]
    found = [
        outcome(train_on(tiny_dataset, specify(tiny_dataset, "mlp", **one))) for one in changes
    ]
    assert len({one.predictions.probabilities.tobytes() for one, *_ in found}) == len(changes)


@pytest.mark.tensorflow
def test_early_stopping_is_stored_with_the_planned_epochs(tiny_dataset):
    spec = specify(tiny_dataset, "mlp", epochs=200, patience=1, learning_rate=0.03)
    found, records, _ = outcome(train_on(tiny_dataset, spec))
    result = found.result
    done = result.epochs
    assert result.best_epoch <= done < 200
    assert (result.epochs, result.planned_epochs, len(records)) == (done, 200, done)
    assert without_steady_notes(result.notes) == (  # other work may disturb a test
        f"Stopped early after {done} of 200 epochs: none of the last 1 was better on the "
        "validation images.",
    )


@pytest.mark.tensorflow
@pytest.mark.usefixtures("random_weights")
def test_a_head_on_cached_features_is_not_augmented(tiny_dataset, monkeypatch):
    seen = {}
    fit = Fitting.fit

    def noting(self, stage, data):
        seen[stage.name] = data.augmentation
        return fit(self, stage, data)

    monkeypatch.setattr(Fitting, "fit", noting)
    spec = specify(tiny_dataset, "vgg16_freeze", k=18, head="linear", augment="light")
    outcome(train_on(tiny_dataset, spec))
    assert list(seen) == ["head", "main"]
    assert seen["head"] is None
    assert seen["main"] == Augmentation(10.0, 0.05, 0.1, 0.1, 0.1, mirror=True)


ELSEWHERE = """
import os
import sys
from core.datasets.storage import open_dataset
from tests.training.test_engine import outcome, specify, train_on
from tests.training.test_practice import CAREFUL

os.environ["HEADSTART_HOME"] = sys.argv[1]  # the tests that were imported set another
dataset = open_dataset("tiny")
spec = specify(dataset, "mlp", **CAREFUL)
result = outcome(train_on(dataset, spec))[0].result
print(result.backend, result.epochs, 0 < result.scores.validation.log_loss < 5)
"""


@pytest.mark.tensorflow
@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.usefixtures("tiny_dataset")
def test_a_careful_run_on_another_backend(home, backend):
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(home)],
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_BACKEND": backend},
        check=False,
    )
    assert done.stdout.split() == [backend, "2", "True"], done.stderr[-2000:]
