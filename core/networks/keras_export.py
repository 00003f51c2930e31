"""A trained network as files that need no Headstart: ``.keras`` and ONNX. Only workers call this.

Layers of our own are replaced by operations of Keras that compute the same, so that the file loads
with Keras alone, in its safe mode, on every backend. It holds what predicts and no more: dropout,
optimiser and training state are left out.
"""

import importlib.util
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.networks.graph import IMAGES, run_steps, steps_of
from core.networks.restore import RestoredModel

INPUT_NAME = "pictures"
# What the computing of ONNX files asks for beside Keras, by backend; see ``keras.src.export.onnx``.
_CONVERTERS = {"tensorflow": "tf2onnx", "jax": "jax2onnx", "torch": "onnxscript"}

log = logging.getLogger(__name__)


def portable_network(restored: RestoredModel) -> Any:
    """A Keras model of built-in layers and operations that gives the same probabilities.

    uint8 ``(n, *restored.image_shape)`` in, float32 ``(n, classes)`` out. It shares its
    weights with ``restored``. The network may branch.
    """
    import keras

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(layer, keras.layers.Dropout):
            return arguments[0]  # does nothing but in training
        own = _OF_OUR_OWN.get(type(layer).__name__)
        return own(layer, arguments[0]) if own else layer(*arguments, **options)

    images = keras.Input(restored.image_shape, dtype="uint8", name=INPUT_NAME)
    steps = steps_of(restored.model)
    outputs = run_steps(steps, {IMAGES: images}, call=call)
    return keras.Model(images, outputs[len(steps) - 1], name=restored.strategy)


def inside_words(restored: RestoredModel) -> tuple[str, ...]:
    """What the network does to the pixels before its first layer with weights, in order."""
    height, width, channels = restored.image_shape
    first = steps_of(restored.model)[0].layer
    size = first.image_size
    steps = [] if (height, width) == (size, size) else [f"enlarged bilinearly to {size}x{size}"]
    if channels == 1:
        steps.append("grey made three equal colours")
    if not hasattr(first, "mean_rgb"):
        return (*steps, "divided by 255")
    mean = ", ".join(f"{value:g}" for value in first.mean_rgb)
    steps.append(f"the mean colour (RGB {mean}) taken off")
    if first.blue_first:
        steps.append("turned to blue, green, red")
    if first.deviation_rgb != (1.0, 1.0, 1.0):
        deviation = ", ".join(f"{value:g}" for value in first.deviation_rgb)
        steps.append(f"divided by the deviation (RGB {deviation})")
    return tuple(steps)


def save_keras(model: Any, path: Path) -> None:
    """Write ``model`` to ``path``, which ends in ``.keras``."""
    model.save(path)


def save_onnx(model: Any, path: Path) -> str | None:
    """Write ``model`` as ONNX; None where that went well, else a sentence that says why it is not
    there. A part of a file is never left."""
    import keras

    converter = _CONVERTERS.get(keras.backend.backend(), "tf2onnx")
    if importlib.util.find_spec(converter) is None:
        return f"The library {converter}, which makes it, is not installed here."
    try:
        # Keras 3.15 converts no model that has not been called yet.
        model(np.zeros((1, *model.input_shape[1:]), np.uint8))
        model.export(path, format="onnx", verbose=False)
        _check_onnx(path)
    except Exception as error:
        path.unlink(missing_ok=True)
        log.exception("no ONNX file of %s", model.name)
        lines = str(error).strip().splitlines()
        detail = f": {lines[0][:200]}" if lines else ""
        return f"{converter} could not convert this network ({type(error).__name__}{detail})."
    return None


def probabilities_of_file(path: Path, pictures: np.ndarray, batch_size: int) -> np.ndarray:
    """float32 ``(n, classes)`` that the ``.keras`` file gives for ``pictures``, loaded as anybody
    would load it."""
    import keras

    model = keras.models.load_model(path)
    model.compile(jit_compile=False)
    return np.concatenate(
        [
            np.asarray(model.predict_on_batch(pictures[start : start + batch_size]), np.float32)
            for start in range(0, len(pictures), batch_size)
        ]
    )


def _check_onnx(path: Path) -> None:
    import onnx

    onnx.checker.check_model(str(path))


def _enlarged(layer: Any, pictures: Any) -> Any:
    from keras import ops

    height, width, channels = pictures.shape[1:]
    pixels = ops.cast(pictures, "float32")
    side = layer.image_size
    if (height, width) != (side, side):
        pixels = ops.image.resize(
            pixels, (side, side), interpolation="bilinear", data_format="channels_last"
        )
    return ops.repeat(pixels, 3, axis=-1) if channels == 1 else pixels


def _rescaled(layer: Any, pictures: Any) -> Any:
    return _enlarged(layer, pictures) / 255.0


def _prepared_for_backbone(layer: Any, pictures: Any) -> Any:
    from keras import ops

    step = -1 if layer.blue_first else 1
    pixels = _enlarged(layer, pictures)
    if layer.blue_first:
        pixels = ops.flip(pixels, axis=-1)
    pixels = ops.subtract(pixels, np.array(layer.mean_rgb[::step], np.float32))
    if layer.deviation_rgb == (1.0, 1.0, 1.0):
        return pixels
    return ops.divide(pixels, np.array(layer.deviation_rgb[::step], np.float32))


def _power_normalized(layer: Any, features: Any) -> Any:
    from keras import ops

    from core.layers.own import SMALL

    rooted = ops.sqrt(ops.maximum(features, 0.0) + SMALL)
    return layer.scale * rooted / ops.sqrt(ops.sum(ops.square(rooted), axis=-1, keepdims=True))


def _rounded_to_float16(_layer: Any, features: Any) -> Any:
    from keras import ops

    largest = float(np.finfo(np.float16).max)
    return ops.cast(ops.cast(ops.clip(features, -largest, largest), "float16"), "float32")


_OF_OUR_OWN: dict[str, Callable[[Any, Any], Any]] = {
    "RescaleToUnit": _rescaled,
    "PrepareForBackbone": _prepared_for_backbone,
    "PowerNormalization": _power_normalized,
    "Float16RoundTrip": _rounded_to_float16,
}
