"""The layers that a strategy declares are those that its builder makes: one contract for all."""

import re

import numpy as np
import pytest

from core.backbones.features import FeatureRequest, build_extractor
from core.backbones.vgg16 import build_base, build_full
from core.backbones.weights import access as weights
from core.strategies.plan import BuildContext
from core.strategies.registry import STRATEGIES, find_strategy

CLASSES = 7
CASES = [
    *((name, {}, 96) for name in STRATEGIES if name not in ("majority", "vgg16_softmax")),
    ("vgg16_softmax", {}, 96),
    ("mlp", {"dropout": 0.5, "hidden_layers": 2, "hidden_width": 40}, 32),
    ("cnn", {"padding": "valid"}, 224),
    ("cnn", {"padding": "valid"}, 148),
    ("vgg16_probe", {"features": "pooled"}, 100),
    ("vgg16_freeze", {"k": 0}, 32),
    ("vgg16_freeze", {"k": 19, "head": "dense"}, 64),
    ("vgg16_freeze", {"k": 8, "head": "fc", "start": "fresh"}, 96),
    ("vgg16_finetune", {"head": "dense", "start": "fresh"}, 224),
]


def opened(model):
    """The layers of a model in order, models inside it opened; its own input is left out.

    The input layer of a model inside stays: Keras counts it in ``model.layers``.
    """
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layer.layers
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def seen(layer):
    """What a record says of a layer: name, kind, output shape, parameters.

    Keras numbers input layers through the whole process.
    """
    shape = layer.output.shape if hasattr(layer, "output") else layer.batch_shape
    name = re.sub(r"^(input_layer)_\d+$", r"\1", layer.name)
    return name, type(layer).__name__, tuple(shape[1:]), layer.count_params()


def start_of(layer, arrays):
    """Where the parameters of a freshly built layer come from."""
    if not layer.weights:
        return "none"
    kernel = np.asarray(layer.kernel)
    known = arrays.get(f"{layer.name}/kernel")
    if known is not None and np.array_equal(kernel, known):
        return "ImageNet"
    return "random" if kernel.any() else "zeros"


@pytest.mark.usefixtures("random_weights")
@pytest.mark.parametrize(("name", "overrides", "image_size"), CASES)
def test_declared_layers_are_the_built_ones(name, overrides, image_size):
    settings = find_strategy(name).resolve("quick", overrides)
    context = BuildContext(
        image_shape=(image_size, image_size, 3),
        image_size=image_size,
        class_count=CLASSES,
        settings=settings,
        mean_rgb=(0.0, 0.0, 0.0),
        load_base=weights.load_base,
        load_full=weights.load_full,
    )
    plan = find_strategy(name).load_builder()(context)
    main = plan.stages[-1]
    declared = find_strategy(name).layers(settings, image_size, CLASSES)
    built = list(opened(main.model))
    arrays = weights.load_full() if main.feature_layer == "fc2" else {}
    if main.feature_layer is None:
        compared = list(declared)
    else:
        # The frozen network stands outside the plan: only its output is trained on.
        frozen = [layer for layer in declared if layer.part == "VGG16"]
        outside = (
            build_full(arrays) if main.feature_layer == "fc2" else build_base(None, image_size)
        )
        assert [(layer.name, layer.kind, layer.output, layer.parameters) for layer in frozen] == [
            seen(layer) for layer in outside.layers
        ]
        assert all(layer.frozen for layer in frozen)
        assert {layer.origin for layer in frozen} == {"ImageNet", "none"}
        assert sum(layer.parameters for layer in frozen) == plan.frozen_parameters
        compared = [layer for layer in declared if layer.part == "own" and layer.name != "features"]
        assert (np.prod(main.model.input_shape[1:])) == np.prod(declared[-len(compared) - 1].output)

    assert [(layer.name, layer.kind, layer.output, layer.parameters) for layer in compared] == [
        seen(layer) for layer in built
    ]
    assert [layer.is_trained for layer in compared] == [
        bool(layer.trainable_weights) for layer in built
    ]
    # Also of layers without parameters: k counts them.
    assert [layer.frozen for layer in compared] == [not layer.trainable for layer in built]
    if "weights" in find_strategy(name).needs:
        arrays = weights.load_full() if settings.get("head") == "fc" else weights.load_base()
    assert [layer.origin for layer in compared] == [start_of(layer, arrays) for layer in built]
    total = main.model.count_params() + plan.frozen_parameters
    assert sum(layer.parameters for layer in declared) == total


def test_what_gives_the_features_is_declared_too(monkeypatch):
    """The rows of the extractor: the picture prepared, and the last map in one row."""
    request = FeatureRequest("block5_pool", 64, (0.0, 0.0, 0.0), "float32", False, 8)
    monkeypatch.setattr(weights, "load_base", lambda: None)
    built = list(opened(build_extractor(request, (32, 32, 1))))
    probe = find_strategy("vgg16_probe")
    declared = probe.layers(probe.resolve("quick"), 64, CLASSES)[: len(built)]
    assert [(layer.name, layer.kind, layer.output) for layer in declared] == [
        seen(layer)[:3] for layer in built
    ]
