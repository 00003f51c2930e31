"""The network of every strategy is the one that its layer records draw."""

import numpy as np
import pytest

from core.strategies.network import BuildContext, build_plan
from core.strategies.registry import MAJORITY, find_strategy
from tests.strategies.stand_in import REPRESENTATIVE

pytestmark = pytest.mark.tensorflow

CLASSES = 7
CASES = [
    *((name, {}, 64) for name in REPRESENTATIVE if name != MAJORITY),
    ("cnn", {"padding": "valid"}, 148),
    ("vgg16_probe", {"features": "pooled"}, 32),
    ("vgg16_freeze", {"k": 0}, 32),
    ("vgg16_freeze", {"k": 19, "head": "dense", "start": "fresh"}, 32),
    ("stand_in_finetune", {"features": "flattened"}, 33),
]


@pytest.mark.usefixtures("random_weights", "stand_in")
@pytest.mark.parametrize(("name", "overrides", "image_size"), CASES)
def test_what_is_drawn_is_what_is_built(name, overrides, image_size):
    """Parameters in all and trained, the layers that are frozen, the last output."""
    strategy = find_strategy(name)
    settings = strategy.resolve("quick", overrides)
    drawn = strategy.layers(settings, image_size, CLASSES)
    context = BuildContext(
        image_shape=(image_size, image_size, 3),
        image_size=image_size,
        class_count=CLASSES,
        settings=settings,
        mean_rgb=(0.0, 0.0, 0.0),
    )
    plan = build_plan(strategy, context)
    model = plan.stages[-1].model
    built = {layer.name: layer for layer in opened(model)}
    # Where a record stands for a block its parameters are those of several layers.
    whole_layers = {layer.name for layer in drawn if layer.kind in ("Conv2D", "Dense")}
    inside = [layer for layer in drawn if layer.name in built]
    assert inside[-1].name == "predictions"
    for layer in inside:
        if layer.parameters or layer.kind == "Dropout":
            assert built[layer.name].output.shape[1:] == layer.output
        if layer.name in whole_layers:
            assert built[layer.name].count_params() == layer.parameters
            assert built[layer.name].trainable == (not layer.frozen)
    changed = sum(int(np.prod(one.shape)) for one in plan.stages[-1].changed_variables)
    assert sum(layer.trained_parameters for layer in drawn) == changed
    total = model.count_params() + plan.frozen_parameters
    assert sum(layer.parameters for layer in drawn) == total
    assert [stage.name for stage in plan.stages] == [fit.name for fit in strategy.fits(settings)]


def opened(model):
    """The layers of a model in order, models inside it opened."""
    import keras

    for layer in model.layers:
        yield from opened(layer) if isinstance(layer, keras.Model) else [layer]


def test_what_goes_through_random_layers_keeps_its_size_unless_they_begin_as_the_tutorials():
    """The spread of VGG16's last feature map, of pixels in its range."""

    def spread(**overrides):
        settings = find_strategy("vgg16_scratch").resolve("quick", overrides)
        context = BuildContext((32, 32, 3), 32, 3, settings, (127.0, 127.0, 127.0))
        [stage] = build_plan(find_strategy("vgg16_scratch"), context).stages
        pixels = np.random.default_rng(1).uniform(-127, 127, (4, 32, 32, 3)).astype(np.float32)
        return np.asarray(stage.model.get_layer("vgg16")(pixels)).std()

    assert spread() > 10
    assert spread(initializer="glorot") < 1
