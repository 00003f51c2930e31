"""Where a network looked: Grad-CAM (Selvaraju et al. 2017, "Grad-CAM: Visual explanations from
deep networks via gradient-based localization"). Only workers call this.

The map is taken at the output of the last convolution. For VGG16 that is block5_conv3, as in the
paper, and not the pooled output above it: it has twice as many places along each side (6 by 6
against 3 by 3 at 96 pixels).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.errors import BadInput
from core.networks.restore import RestoredModel

EXPLAINED_TOGETHER = 16
"""Pictures in one batch: the maps below the last convolution are held for all of them."""


def explain(
    restored: RestoredModel, pictures: np.ndarray, class_positions: np.ndarray
) -> np.ndarray:
    """What spoke for a class, float32 ``(n, h, w)`` from 0 to 1, at the size of the feature map.

    ``pictures`` as ``restored.probabilities`` takes them; ``class_positions`` int ``(n,)`` names
    one class for each. 1 is the place that spoke most for the class in that picture; a map is
    all 0 where nothing spoke for it. Raises ``BadInput`` for a network without a convolution.
    """
    restored.check_pictures(pictures)
    layers = layer_chain(restored.model)
    last = _last_convolution(layers, restored.strategy)
    below, above = layers[: last + 1], layers[last + 1 :]
    maps = []
    for start in range(0, len(pictures), EXPLAINED_TOGETHER):
        batch = slice(start, start + EXPLAINED_TOGETHER)
        feature_maps = _through(below, _tensor(pictures[batch]))
        chosen = np.asarray(class_positions[batch], np.int64)
        gradient = _gradient(_score_of(above, chosen), feature_maps)
        maps.append(heat_maps_of(_as_array(feature_maps), _as_array(gradient)))
    return np.concatenate(maps)


def heat_maps_of(feature_maps: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Equations 1 and 2 of the paper, each map divided by its largest value.

    Both arguments are float32 ``(n, h, w, filters)``; the result is ``(n, h, w)``. Each filter
    counts by its mean gradient over the places; only what speaks for the class is kept.
    """
    importance = gradient.mean(axis=(1, 2), keepdims=True)
    heat = np.maximum((importance * feature_maps).sum(axis=-1), 0.0)
    largest = heat.max(axis=(1, 2), keepdims=True)
    return np.divide(heat, largest, out=np.zeros_like(heat), where=largest > 0)


def layer_chain(model: Any) -> list[Any]:
    """The layers from picture to probabilities, models inside models opened; each feeds the next.

    All networks of the ladder are such chains. Raises ``ValueError`` for one that branches.
    """
    import keras

    chain: list[Any] = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        # Paths that part must meet again in a layer of several inputs.
        if isinstance(layer.input, list) and len(layer.input) > 1:
            raise ValueError(f"{model.name} is no chain: {layer.name} has several inputs")
        chain += layer_chain(layer) if isinstance(layer, keras.Model) else [layer]
    return chain


def _last_convolution(layers: Sequence[Any], strategy: str) -> int:
    import keras

    places = [place for place, layer in enumerate(layers) if isinstance(layer, keras.layers.Conv2D)]
    if not places:
        raise BadInput(
            f"{strategy} has no convolutional layer, so there is no map of where it looked.",
            "strategy",
        )
    return places[-1]


def _through(layers: Sequence[Any], tensor: Any) -> Any:
    for layer in layers:
        tensor = layer(tensor)
    return tensor


def _score_of(above: Sequence[Any], chosen: np.ndarray) -> Callable[[Any], Any]:
    """From feature maps to the sum over pictures of the logit of the chosen class.

    Logits and not probabilities: where a softmax is nearly sure its gradient vanishes, and it
    would also show what speaks against the other classes. Pictures do not mix, so the gradient
    of the sum holds the gradient of each.
    """
    from keras import ops

    classifier = above[-1]

    def score(feature_maps: Any) -> Any:
        features = ops.cast(_through(above[:-1], feature_maps), "float32")
        logits = ops.matmul(features, classifier.kernel) + classifier.bias
        return ops.sum(logits * ops.one_hot(chosen, logits.shape[-1], dtype="float32"))

    return score


def _tensor(pictures: np.ndarray) -> Any:
    from keras import ops

    return ops.convert_to_tensor(pictures, dtype="uint8")


def _as_array(tensor: Any) -> np.ndarray:
    from keras import ops

    return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32")), dtype=np.float32)


def _gradient(score: Callable[[Any], Any], at: Any) -> Any:
    """The gradient of ``score`` at a tensor, by the Keras backend that is running."""
    import keras

    return _GRADIENTS[keras.backend.backend()](score, at)


def _gradient_in_tensorflow(score: Callable[[Any], Any], at: Any) -> Any:
    import tensorflow

    with tensorflow.GradientTape() as tape:
        tape.watch(at)
        value = score(at)
    return tape.gradient(value, at)


def _gradient_in_jax(score: Callable[[Any], Any], at: Any) -> Any:
    import jax

    return jax.grad(score)(at)


def _gradient_in_torch(score: Callable[[Any], Any], at: Any) -> Any:
    import torch

    start = at.detach().requires_grad_(True)
    return torch.autograd.grad(score(start), start)[0].detach()


_GRADIENTS = {
    "tensorflow": _gradient_in_tensorflow,
    "jax": _gradient_in_jax,
    "torch": _gradient_in_torch,
}
