"""VGG16 from ``keras.applications``, with checked arrays put in. Only workers call this."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.backbones.backend import dtype_policy, load_keras

FULL_IMAGE_SIZE = 224


def build_base(
    arrays: Mapping[str, np.ndarray] | None, image_size: int, precision: str | None = None
) -> Any:
    """VGG16 up to ``block5_pool``: ``(n, S, S, 3)`` to ``(n, S // 32, S // 32, 512)``.

    Input: blue first, minus the mean (``PrepareForVgg16``). ``arrays`` as ``load_base`` gives them;
    None leaves the random start. ``precision`` is a Keras dtype policy for these layers, None the
    one that is set. ``image_size`` must be at least 32.
    """
    keras = load_keras()
    with dtype_policy(precision):
        model = keras.applications.VGG16(
            include_top=False, weights=None, input_shape=(image_size, image_size, 3)
        )
    return _with_arrays(model, arrays)


def build_full(arrays: Mapping[str, np.ndarray] | None, precision: str | None = None) -> Any:
    """VGG16 up to ``fc2``: ``(n, 224, 224, 3)`` to ``(n, 4096)``; the softmax of 1000 is left off.

    ``arrays`` as ``load_full`` gives them; the rest as in ``build_base``.
    """
    keras = load_keras()
    with dtype_policy(precision):
        whole = keras.applications.VGG16(include_top=True, weights=None)
        model = keras.Model(whole.inputs[0], whole.get_layer("fc2").output, name="vgg16_full")
    return _with_arrays(model, arrays)


def _with_arrays(model: Any, arrays: Mapping[str, np.ndarray] | None) -> Any:
    """Put every array in; a layer without arrays or arrays without a layer is a ``ValueError``."""
    if arrays is None:
        return model
    layers = [layer for layer in model.layers if layer.weights]
    expected = {f"{layer.name}/{part}" for layer in layers for part in ("kernel", "bias")}
    if expected != set(arrays):
        difference = ", ".join(sorted(expected ^ set(arrays)))
        raise ValueError(f"{model.name} and the arrays given do not match in: {difference}")
    for layer in layers:
        layer.set_weights([arrays[f"{layer.name}/kernel"], arrays[f"{layer.name}/bias"]])
    return model
