"""Keras layers of our own; importing this module loads Keras, so only builders do."""

from typing import Any

import keras
import numpy as np
from keras import ops

SMALL = 1e-2  # features reach hundreds


def softmax_layer(class_count: int) -> keras.layers.Dense:
    """The last layer of every network: class probabilities in float32 under every policy."""
    return keras.layers.Dense(
        class_count, activation="softmax", dtype="float32", name="predictions"
    )


@keras.saving.register_keras_serializable(package="headstart")
class RootNormalise(keras.layers.Layer):
    """Square root, then unit Euclidean length times ``scale``: ``(n, width)`` to ``(n, width)``.

    For inputs >= 0 (features after ReLU). ``scale`` gives the linear layer after it inputs of a
    size at which Adam converges in tens of epochs. Source: power and length normalisation of
    Perronnin et al. 2010, "Improving the Fisher kernel".
    """

    def __init__(self, scale: float = 10.0, **options: Any) -> None:
        super().__init__(**options)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        # The square root is infinitely steep at 0, where most features are: a small number
        # keeps the gradient finite when the network below is trained too.
        rooted = ops.sqrt(ops.maximum(ops.cast(inputs, self.compute_dtype), 0.0) + SMALL)
        length = ops.sqrt(ops.sum(ops.square(rooted), axis=-1, keepdims=True))
        return self.scale * rooted / length

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable(package="headstart")
class RoundAsKept(keras.layers.Layer):
    """What the feature cache does to features: float32 rounded to float16 and back, any shape.

    A head that was fitted on cached features and is put on the network that they came from meets
    the same numbers again. The gradient goes through unrounded: in float16 small ones vanish.
    """

    def call(self, inputs: Any) -> Any:
        largest = float(np.finfo(np.float16).max)
        rounded = ops.cast(ops.cast(ops.clip(inputs, -largest, largest), "float16"), "float32")
        return inputs + ops.stop_gradient(rounded - inputs)
