"""Keras layers of our own; importing this module loads Keras, so only builders do."""

from typing import Any

import keras
from keras import ops

SMALL = 1e-2  # features reach hundreds


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
