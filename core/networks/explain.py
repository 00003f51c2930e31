"""Where a network looked: Grad-CAM (Selvaraju et al. 2017, "Grad-CAM: Visual explanations from
deep networks via gradient-based localization"). Only workers call this.

The map is taken at the last output that has the size of the last convolution: after the
activation or the sum that follows it, before it is pooled. For VGG16 that is block5_conv3, as in
the paper, and not the pooled output above it: it has twice as many places along each side (6 by 6
against 3 by 3 at 96 pixels).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.errors import BadInput
from core.networks.graph import IMAGES, Step, run_steps, steps_of
from core.networks.restore import RestoredModel

EXPLAINED_TOGETHER = 16
"""Images in one batch: feature maps are held in memory for all of them."""


def explain(restored: RestoredModel, images: np.ndarray, class_positions: np.ndarray) -> np.ndarray:
    """Which places support a class: float32 ``(n, h, w)``, 0 to 1, as large as the feature map.

    ``images`` as ``restored.probabilities`` takes them; ``class_positions`` int ``(n,)`` has one
    class for each. 1 is the place that supports the class most in that image; a map is all 0
    where nothing supports it. Raises ``BadInput`` for a network without a convolution.
    """
    import keras

    restored.check_images(images)
    steps = steps_of(restored.model)
    target = _last_feature_map(steps, restored.strategy)
    maps = []
    for start in range(0, len(images), EXPLAINED_TOGETHER):
        batch = slice(start, start + EXPLAINED_TOGETHER)
        tensor = keras.ops.convert_to_tensor(images[batch], dtype="uint8")
        below = run_steps(steps, {IMAGES: tensor}, stop=target + 1)
        chosen = np.asarray(class_positions[batch], np.int64)
        gradient = _gradient(_score_of(steps, target, below, chosen), below[target])
        maps.append(heat_maps_of(_as_array(below[target]), _as_array(gradient)))
    return np.concatenate(maps)


def heat_maps_of(feature_maps: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Equations 1 and 2 of the paper, each map divided by its largest value.

    Both arguments are float32 ``(n, h, w, filters)``; the result is ``(n, h, w)``. Each filter
    is weighted by its mean gradient over the places; only what supports the class is kept.
    """
    importance = gradient.mean(axis=(1, 2), keepdims=True)
    heat = np.maximum((importance * feature_maps).sum(axis=-1), 0.0)
    largest = heat.max(axis=(1, 2), keepdims=True)
    return np.divide(heat, largest, out=np.zeros_like(heat), where=largest > 0)


def _last_feature_map(steps: Sequence[Step], strategy: str) -> int:
    """The number of the last output as large as that of the last convolution."""
    import keras

    convolutions = [
        place for place, step in enumerate(steps) if isinstance(step.layer, keras.layers.Conv2D)
    ]
    if not convolutions:
        raise BadInput(
            f"{strategy} has no convolutional layer, so there is no map of where it looked.",
            "strategy",
        )
    last = convolutions[-1]
    size = steps[last].layer.output.shape[1:3]
    return max(
        place
        for place, step in enumerate(steps)
        if place >= last
        and len(step.layer.output.shape) == 4
        and step.layer.output.shape[1:3] == size
    )


def _score_of(
    steps: Sequence[Step], target: int, below: dict[int, Any], chosen: np.ndarray
) -> Callable[[Any], Any]:
    """From feature maps to the sum over images of the logit of the chosen class.

    Paths round the feature map count as constants. Logits and not probabilities: the gradient of a
    softmax near 1 vanishes, and it would also show evidence against the other classes.
    Images do not mix, so the gradient of the sum holds the gradient of each.
    """
    from keras import ops

    classifier = steps[-1].layer

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        if layer is not classifier:
            return layer(*arguments, **options)
        features = ops.cast(arguments[0], "float32")
        return ops.matmul(features, classifier.kernel) + classifier.bias

    def score(feature_maps: Any) -> Any:
        outputs = run_steps(steps, below | {target: feature_maps}, target + 1, call=call)
        logits = outputs[len(steps) - 1]
        return ops.sum(logits * ops.one_hot(chosen, logits.shape[-1], dtype="float32"))

    return score


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
