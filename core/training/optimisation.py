"""What a fit makes small, and how: the loss, class weights, the optimiser, its learning rate."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from core.strategies.strategy import FitOptions

# What has no direction to shrink: shifts and scales.
NOT_DECAYED = ["bias", "beta", "gamma"]


def loss_of(options: FitOptions) -> str | Callable[[Any, Any], Any]:
    """The loss for labels ``(n,)`` and probabilities ``(n, classes)``, as ``compile`` takes it."""
    if not options.label_smoothing:
        return "sparse_categorical_crossentropy"

    def smoothed_crossentropy(labels: Any, probabilities: Any) -> Any:
        import keras

        # Keras hands labels over as floats.
        classes = keras.ops.cast(labels, "int32")
        wanted = keras.ops.one_hot(classes, probabilities.shape[-1])
        return keras.losses.categorical_crossentropy(
            wanted, probabilities, label_smoothing=options.label_smoothing
        )

    return smoothed_crossentropy


def class_weights(labels: np.ndarray) -> np.ndarray:
    """The weight of an image of each class, float32: its mean over the images ``labels`` is 1.

    Classes share it alike, so a class of half as many images weighs twice as much in each.
    """
    counts = np.bincount(labels)
    present = counts > 0
    weights = np.zeros(len(counts), np.float32)
    weights[present] = len(labels) / (present.sum() * counts[present])
    return weights


def optimizer_of(options: FitOptions, images: int) -> Any:
    """A new Keras optimiser for a fit on ``images`` training images."""
    import keras

    rate = _learning_rate(options, images)
    if options.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    if options.optimizer == "adamw":
        found = keras.optimizers.AdamW(rate, weight_decay=options.weight_decay)
    else:
        found = keras.optimizers.SGD(
            rate,
            momentum=options.momentum,
            nesterov=True,
            weight_decay=options.weight_decay or None,
        )
    found.exclude_from_weight_decay(var_names=NOT_DECAYED)
    return found


def _learning_rate(options: FitOptions, images: int) -> Any:
    import keras

    if options.schedule == "cosine":
        steps_of_epoch = math.ceil(images / options.batch_size)
        steps = steps_of_epoch * options.epochs
        warmup = min(steps_of_epoch * options.warmup_epochs, steps - 1)
        if warmup == 0:
            return keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
        return keras.optimizers.schedules.CosineDecay(
            options.learning_rate / warmup,
            steps - warmup,
            warmup_target=options.learning_rate,
            warmup_steps=warmup,
        )
    if options.optimizer == "sgd":
        return keras.optimizers.schedules.InverseTimeDecay(
            options.learning_rate, decay_steps=1, decay_rate=options.decay
        )
    return options.learning_rate
