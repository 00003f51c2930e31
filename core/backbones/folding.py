"""Batch normalisation worked into the convolution before it, for networks that are only used.

In inference mode normalisation multiplies each channel by a number and adds another. A convolution
with other weights and a bias gives the same, and libraries compute it in one step together with the
activation behind it: EfficientNet-Lite0 takes two thirds of the time in float32, and a fifth in
bfloat16. Features in float32 differ in the sixth digit. See docs/decisions/0004.
"""

from collections.abc import Collection
from typing import Any

import numpy as np


def folded(model: Any, kept: Collection[str] = ()) -> Any:
    """A copy of a functional Keras model in which convolutions have their batch normalisation in
    them, or the model itself where there is nothing to fold.

    Names of layers (save the input's) and dtype policies stay; a layer that was folded away passes
    on what it gets. ``kept``: names of layers whose own outputs are wanted. For inference alone:
    there is nothing left to train normalisation with.
    """
    import keras

    pairs = _pairs(model, kept)
    if not pairs:
        return model
    normalised = {layer.name for layer in pairs.values()}

    def copied(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name in normalised:
            return keras.layers.Identity(name=layer.name, dtype=config["dtype"])
        if layer.name in pairs:
            config["use_bias"] = True
        return layer.__class__.from_config(config)

    def called(layer: Any, *arguments: Any, **options: Any) -> Any:
        if layer.name in normalised:
            return layer(arguments[0])  # without the mask, which normalisation alone takes
        return layer(*arguments, **options)

    copy = keras.models.clone_model(model, clone_function=copied, call_function=called)
    for layer in model.layers:
        if layer.name in pairs:
            copy.get_layer(layer.name).set_weights(_folded_weights(layer, pairs[layer.name]))
        elif layer.name not in normalised and layer.weights:
            copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy


def _pairs(model: Any, kept: Collection[str]) -> dict[str, Any]:
    """By the name of a convolution, the normalisation that alone takes its output."""
    import keras

    found: dict[str, Any] = {}
    for layer in model.layers:
        if not isinstance(layer, keras.layers.BatchNormalization) or len(layer._inbound_nodes) > 1:
            continue
        before = layer.input._keras_history.operation
        if (
            type(before) in (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
            and before.activation is keras.activations.linear
            and len(before._outbound_nodes) == 1
            and before.name not in kept
        ):
            found[before.name] = layer
    return found


def _folded_weights(convolution: Any, normalisation: Any) -> list[np.ndarray]:
    """Kernel and bias of the convolution that does the work of both."""
    import keras

    def array(variable: Any) -> np.ndarray:
        return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)

    scale = 1.0 / np.sqrt(array(normalisation.moving_variance) + normalisation.epsilon)
    if normalisation.scale:
        scale = scale * array(normalisation.gamma)
    bias = -array(normalisation.moving_mean)
    if convolution.use_bias:
        bias = bias + array(convolution.bias)
    bias = bias * scale
    if normalisation.center:
        bias = bias + array(normalisation.beta)
    kernel = array(convolution.kernel)
    if isinstance(convolution, keras.layers.DepthwiseConv2D):
        scale = scale.reshape(kernel.shape[2:])  # (channels, filters of each)
    return [kernel * scale, bias]
