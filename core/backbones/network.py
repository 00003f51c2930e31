"""A backbone as a Keras model, with checked arrays put in. Only workers call this."""

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.backbones.backbone import Backbone
from core.backbones.backend import dtype_policy, load_keras


def build_backbone(
    backbone: Backbone,
    image_size: int,
    arrays: Mapping[str, np.ndarray] | None,
    include_top: bool = False,
    precision: str | None = None,
) -> Any:
    """The network up to the layer that gives its features: ``(n, S, S, 3)`` float32 in.

    Without top the output is a feature map ``(n, s, s, channels)``; with top it is a row
    ``(n, units)`` and S is ``backbone.top_size``. The softmax of 1000 classes is left off.
    ``arrays`` as ``core.backbones.weights.access.load_weights`` gives them; None leaves the random
    start. ``precision`` is a Keras dtype policy for these layers, None the one that is set.
    """
    keras = load_keras()
    module, function = backbone.builder.split(":")
    build = getattr(importlib.import_module(module), function)
    side = backbone.side(image_size, include_top)
    with dtype_policy(precision):
        if include_top:
            whole = build(include_top=True, weights=None)
        else:
            whole = build(include_top=False, weights=None, input_shape=(side, side, 3))
        features = whole.get_layer(backbone.tapped_layer(include_top)).output
        model = keras.Model(whole.inputs[0], features, name=backbone.name)
    if arrays is not None:
        _put_in(model, arrays)
    return model


def _put_in(model: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Put every array in; a layer without arrays or arrays without a layer is a ``ValueError``."""
    layers = [layer for layer in model.layers if layer.weights]
    expected = {f"{layer.name}/{weight.name}" for layer in layers for weight in layer.weights}
    if expected != set(arrays):
        difference = ", ".join(sorted(expected ^ set(arrays)))
        raise ValueError(f"{model.name} and the arrays given do not match in: {difference}")
    for layer in layers:
        layer.set_weights([arrays[f"{layer.name}/{weight.name}"] for weight in layer.weights])
