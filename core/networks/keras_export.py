"""A trained network as files that need no Headstart: ``.keras`` and ONNX. Only workers call this.

Layers of our own become the Keras operations that they call, so that the file loads with Keras
alone, in its safe mode, on every backend. Dropout, optimiser and training state are left out.
"""

import importlib.util
import logging
from pathlib import Path
from typing import Any

import numpy as np

from core.networks.graph import IMAGES, run_steps, steps_of
from core.networks.restore import RestoredModel, predict_in_batches

INPUT_NAME = "pictures"
# The library that makes ONNX files, by backend; see ``keras.src.export.onnx``.
_CONVERTERS = {"tensorflow": "tf2onnx", "jax": "jax2onnx", "torch": "onnxscript"}

log = logging.getLogger(__name__)


def portable_network(restored: RestoredModel) -> Any:
    """A Keras model of built-in layers and operations that gives the same probabilities.

    uint8 ``(n, *restored.image_shape)`` in, float32 ``(n, classes)`` out. It shares its
    weights with ``restored``. The network may branch.
    """
    import keras

    from core.layers import own

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(layer, keras.layers.Dropout):
            return arguments[0]  # acts in training only
        if isinstance(layer, own.Float16RoundTrip):
            return layer.rounded(arguments[0])
        if type(layer).__module__ == own.__name__:
            return layer.call(arguments[0])
        return layer(*arguments, **options)

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
        steps.append("grey copied to three channels")
    if not hasattr(first, "mean_rgb"):
        return (*steps, "divided by 255")
    mean = ", ".join(f"{value:g}" for value in first.mean_rgb)
    steps.append(f"the mean colour (RGB {mean}) subtracted")
    if first.blue_first:
        steps.append("channels reordered to blue, green, red")
    if first.deviation_rgb != (1.0, 1.0, 1.0):
        deviation = ", ".join(f"{value:g}" for value in first.deviation_rgb)
        steps.append(f"divided by the deviation (RGB {deviation})")
    return tuple(steps)


def save_onnx(model: Any, path: Path) -> str | None:
    """Write ``model`` as ONNX, whole or not at all; returns None, or a sentence with the reason why
    there is no file."""
    import keras

    converter = _CONVERTERS.get(keras.backend.backend(), "tf2onnx")
    if importlib.util.find_spec(converter) is None:
        return f"The library {converter}, which makes it, is not installed here."
    try:
        # Keras 3.15 converts no model that has not been called yet.
        model(np.zeros((1, *model.input_shape[1:]), np.uint8))
        model.export(path, format="onnx", verbose=False)
        import onnx

        onnx.checker.check_model(str(path))
    except Exception as error:
        path.unlink(missing_ok=True)
        log.exception("no ONNX file of %s", model.name)
        lines = str(error).strip().splitlines()
        detail = f": {lines[0][:200]}" if lines else ""
        return f"{converter} could not convert this network ({type(error).__name__}{detail})."
    return None


def probabilities_of_file(path: Path, images: np.ndarray, batch_size: int) -> np.ndarray:
    """float32 ``(n, classes)`` that the ``.keras`` file gives for ``images``, loaded as anybody
    would load it."""
    import keras

    model = keras.models.load_model(path)
    model.compile(jit_compile=False)
    return predict_in_batches(model, images, batch_size)
