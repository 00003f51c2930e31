"""Batch normalisation: its moving averages are trained, kept and restored with the rest."""

from dataclasses import replace

import numpy as np
import pytest

from core.datasets.prepare import prepare_images
from core.datasets.split import make_split
from core.layers.record import (
    LayerRecord,
    build_network,
    convolution,
    flatten,
    image_layer,
    softmax,
)
from core.networks.restore import restored_model
from core.strategies.network import Stage
from core.strategies.registry import STRATEGIES, find_strategy
from core.strategies.strategy import FitOptions
from tests.training.test_engine import outcome, specify, train_on


def normalised_network(_settings, image_size, class_count):
    """A convolution, batch normalisation with its four arrays, softmax."""
    image = image_layer("RescaleToUnit", "rescale_to_unit", image_size)
    filters = convolution(image, "convolution", 4, kernel=3)
    normalised = LayerRecord("normalisation", "BatchNormalization", filters.output, 16)
    row = flatten(normalised)
    return image, filters, normalised, row, softmax(row, class_count)


@pytest.mark.tensorflow
def test_the_moving_averages_of_batch_normalisation_are_kept_and_restored(
    tiny_dataset, monkeypatch
):
    mlp = find_strategy("mlp")
    monkeypatch.setitem(STRATEGIES, "mlp", replace(mlp, architecture=normalised_network))
    spec = specify(tiny_dataset, "mlp", epochs=3)
    found, records, _ = outcome(train_on(tiny_dataset, spec))
    kept = found.trained_weights
    averages = {"mlp/normalisation/moving_mean", "mlp/normalisation/moving_variance"}
    assert averages < kept.keys()
    assert found.result.trainable_parameters == sum(
        array.size for name, array in kept.items() if name not in averages
    )
    assert kept["mlp/normalisation/moving_mean"].any()
    # the scored network has the averages of the best epoch, as validation saw them
    best = records[found.result.best_epoch - 1]
    assert found.result.scores.validation.log_loss == pytest.approx(best.validation_loss, abs=1e-6)
    prepared = prepare_images(tiny_dataset, spec.image_size, spec.resize)
    images = prepared.take(make_split(tiny_dataset, 0.3, 0.1, 0).test)
    restored = restored_model(spec, kept, tiny_dataset)
    np.testing.assert_allclose(
        restored.probabilities(images), found.predictions.probabilities, rtol=0, atol=2e-6
    )


@pytest.mark.tensorflow
def test_a_frozen_batch_normalisation_is_not_among_what_is_changed():
    records = normalised_network({}, 8, 2)
    model = build_network(records, (8, 8, 3), "small")
    stage = Stage("main", model, FitOptions(1, 8, 0.1))
    assert len(stage.changed_variables) == len(model.weights) == 8
    model.get_layer("normalisation").trainable = False
    assert [variable.path for variable in stage.changed_variables] == [
        "small/convolution/kernel",
        "small/convolution/bias",
        "small/predictions/kernel",
        "small/predictions/bias",
    ]
