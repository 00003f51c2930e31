"""Keras layers of our own. Importing this module loads Keras, so only workers do.

The first varies images while a network trains. The next two prepare stored pixels for it: images
are kept as uint8, no larger than their source; these layers make three colours, enlarge, and scale
the numbers to the range of the network behind them. All three compute in float32 under every dtype
policy: bfloat16 has too few digits for pixels. All are written with ``keras.ops`` alone.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from core.layers.augmentation import DRAWS, Augmentation, augmented

SMALL = 1e-2  # features reach hundreds
TINY = 1e-12


class Augment(keras.layers.Layer):
    """Each image varied on its own, uint8 ``(n, size, size, channels)`` in and out, in training
    only. The same seed gives the same variations in the same order."""

    def __init__(self, amounts: Augmentation, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self.amounts = amounts
        self.seeds = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool = False) -> Any:
        if not training:
            return images
        shape = (ops.shape(images)[0], DRAWS)
        draws = keras.random.uniform(shape, -1.0, 1.0, dtype="float32", seed=self.seeds)
        return augmented(images, draws, self.amounts, ops)


def augmenting(model: Any, amounts: Augmentation, seed: int) -> Any:
    """``model`` with an ``Augment`` before it, for training; the two share their weights."""
    images = keras.Input(model.input_shape[1:], dtype="uint8")
    return keras.Model(
        images, model(Augment(amounts, seed)(images)), name=f"augmented_{model.name}"
    )


class _Enlarge(keras.layers.Layer):
    """``(n, h, w, 1 or 3)`` uint8 to ``(n, image_size, image_size, 3)`` float32, 0 to 255, RGB.

    Grey becomes three equal channels; smaller images are enlarged bilinearly. A larger image is a
    ``ValueError``: images are reduced once, with antialiasing, when they are prepared.
    """

    def __init__(self, image_size: int, **options: Any) -> None:
        options.setdefault("dtype", "float32")
        super().__init__(**options)
        self.image_size = int(image_size)

    def enlarged(self, images: Any) -> Any:
        height, width, channels = images.shape[1:]
        if max(height, width) > self.image_size:
            raise ValueError(
                f"{self.name} got images of {height} x {width} pixels, which is more than its "
                f"image_size of {self.image_size}"
            )
        pixels = ops.cast(images, "float32")
        if (height, width) != (self.image_size, self.image_size):
            size = (self.image_size, self.image_size)
            pixels = ops.image.resize(
                pixels, size, interpolation="bilinear", data_format="channels_last"
            )
        if channels == 1:
            pixels = ops.repeat(pixels, 3, axis=-1)
        return pixels

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "image_size": self.image_size}


@keras.saving.register_keras_serializable(package="headstart")
class RescaleToUnit(_Enlarge):
    """uint8 ``(n, h, w, 1 or 3)`` to ``(n, S, S, 3)`` float32 from 0 to 1."""

    def call(self, images: Any) -> Any:
        return self.enlarged(images) / 255.0


@keras.saving.register_keras_serializable(package="headstart")
class PrepareForBackbone(_Enlarge):
    """uint8 ``(n, h, w, 1 or 3)`` to the input of a backbone: ``(n, S, S, 3)`` float32.

    ``mean_rgb`` (0 to 255, red first) is subtracted; the rest is divided by ``deviation_rgb``
    (likewise; 1 leaves it). ``blue_first`` gives the channels in the order blue, green, red.
    """

    def __init__(
        self,
        image_size: int,
        mean_rgb: tuple[float, float, float],
        deviation_rgb: tuple[float, float, float] = (1.0, 1.0, 1.0),
        blue_first: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(image_size, **options)
        self.mean_rgb = tuple(float(value) for value in mean_rgb)
        self.deviation_rgb = tuple(float(value) for value in deviation_rgb)
        self.blue_first = bool(blue_first)

    def call(self, images: Any) -> Any:
        step = -1 if self.blue_first else 1
        pixels = self.enlarged(images)
        if self.blue_first:
            pixels = ops.flip(pixels, axis=-1)
        pixels = pixels - np.array(self.mean_rgb[::step], np.float32)
        if self.deviation_rgb == (1.0, 1.0, 1.0):
            return pixels
        return pixels / np.array(self.deviation_rgb[::step], np.float32)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "mean_rgb": list(self.mean_rgb),
            "deviation_rgb": list(self.deviation_rgb),
            "blue_first": self.blue_first,
        }


@keras.saving.register_keras_serializable(package="headstart")
class PowerNormalization(keras.layers.Layer):
    """Square root, then unit Euclidean length times ``scale``: ``(n, width)`` to ``(n, width)``.

    For inputs >= 0 (features after ReLU), unless ``signed``: then the root has the sign of its
    input. ``scale`` gives the linear layer after it inputs of a size at which Adam converges in
    tens of epochs. Source: power and length normalisation of Perronnin et al. 2010, "Improving the
    Fisher kernel".
    """

    def __init__(self, scale: float = 10.0, signed: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.scale = scale
        self.signed = signed

    def call(self, inputs: Any) -> Any:
        inputs = ops.cast(inputs, self.compute_dtype)
        # The square root is infinitely steep at 0, where most features are: a small number
        # keeps the gradient finite when the network below is trained too.
        if self.signed:
            rooted = inputs / ops.sqrt(ops.abs(inputs) + SMALL)
            squared_length = ops.sum(ops.square(rooted), axis=-1, keepdims=True)
            squared_length = squared_length + TINY  # signed roots can all be 0
        else:
            squares = ops.maximum(inputs, 0.0) + SMALL
            rooted = ops.sqrt(squares)
            squared_length = ops.sum(squares, axis=-1, keepdims=True)
        # Rows are long and a head does little else: one pass over them less.
        return rooted * (self.scale / ops.sqrt(squared_length))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "signed": self.signed}


@keras.saving.register_keras_serializable(package="headstart")
class Float16RoundTrip(keras.layers.Layer):
    """Rounds float32 to float16 and back, any shape, as the feature cache does.

    A head that was fitted on cached features and is put on the network that they came from meets
    the same numbers again. The gradient goes through unrounded: in float16 small ones vanish.
    """

    def call(self, inputs: Any) -> Any:
        return inputs + ops.stop_gradient(self.rounded(inputs) - inputs)

    def rounded(self, inputs: Any) -> Any:
        largest = float(np.finfo(np.float16).max)
        return ops.cast(ops.cast(ops.clip(inputs, -largest, largest), "float16"), "float32")
