"""The convolutional network of three blocks, trained from nothing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.errors import BadInput
from core.strategies import common
from core.strategies.layer_record import (
    LayerRecord,
    convolution,
    dense,
    dropout,
    flatten,
    max_pooling,
    picture_layer,
    softmax,
)
from core.strategies.plan import BuildContext, Plan, Stage
from core.strategies.settings import Setting
from core.strategies.strategy import Strategy

FILTERS = 32
KERNEL = 5
POOL = 4
BLOCKS = 3
DENSE_UNITS = 64


def blocks(image_size: int, padding: str) -> tuple[LayerRecord, ...]:
    """From the picture to the last pooling: its side is 2 of 224 with ``valid``, 3 with ``same``,
    and 0 of a picture that is too small."""
    layers = [picture_layer("RescaleToUnit", "rescale_to_unit", image_size)]
    for place in range(1, BLOCKS + 1):
        filters = convolution(layers[-1], f"convolution_{place}", FILTERS, KERNEL, padding)
        pooled = max_pooling(filters, f"pooling_{place}", POOL)
        layers += [replace(layer, group=f"block_{place}") for layer in (filters, pooled)]
    return tuple(layers)


def architecture(
    settings: Mapping[str, Any], image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    """``BadInput`` where the poolings leave nothing of the picture."""
    padding = settings["padding"]
    layers = blocks(image_size, padding)
    if layers[-1].output[0] < 1:
        smallest = next(size for size in range(1, 512) if blocks(size, padding)[-1].output[0] >= 1)
        raise BadInput(
            f"image_size is {image_size}; cnn with padding {padding} needs at least {smallest} "
            f"pixels, or its three {POOL}×{POOL} poolings leave nothing. "
            + ("Padding 'same' needs 64." if padding == "valid" else "Choose a larger image size."),
            "image_size",
        )
    row = flatten(layers[-1])
    hidden = dense(row, "dense_1", DENSE_UNITS)
    dropped = dropout(hidden, "dropout", settings["dropout"])
    return (*layers, row, hidden, dropped, softmax(dropped, class_count))


def build(context: BuildContext) -> Plan:
    """Three blocks of convolution, ReLU and max pooling; dense 64, dropout, softmax; Adam."""
    import keras

    from core.backbones.preprocessing import RescaleToUnit
    from core.strategies.layers import softmax_layer

    settings = context.settings
    layers: list[Any] = [
        keras.Input(context.image_shape, dtype="uint8"),
        RescaleToUnit(context.image_size, name="rescale_to_unit"),
    ]
    for place in range(1, BLOCKS + 1):
        layers.append(
            keras.layers.Conv2D(
                FILTERS,
                KERNEL,
                padding=settings["padding"],
                activation="relu",
                name=f"convolution_{place}",
            )
        )
        layers.append(keras.layers.MaxPooling2D(POOL, name=f"pooling_{place}"))
    layers += [
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(DENSE_UNITS, activation="relu", name="dense_1"),
        keras.layers.Dropout(settings["dropout"], name="dropout"),
        softmax_layer(context.class_count),
    ]
    optimizer = keras.optimizers.Adam(settings["learning_rate"])
    model = keras.Sequential(layers, name="cnn")
    return Plan((Stage("main", model, optimizer, settings["epochs"], settings["batch_size"]),))


CNN = Strategy(
    name="cnn",
    title="CNN, three blocks",
    teaches="Filters that are learned from your images alone see edges and shapes, but a few "
    "thousand pictures teach them little.",
    tutorial="Case 1: three blocks of 32 filters 5×5 with max pooling 4×4, dense 64, dropout 0.5. "
    "The text flattens to 256; the blocks as described give 128 at 224×224 ('same' padding: 288).",
    settings=(
        Setting(
            "padding",
            "choice",
            "Padding",
            "'valid' as in the tutorial loses a border in each block and needs 148 pixels or more; "
            "'same' keeps it and works from 64 pixels.",
            "same",
            "valid",
            choices=("same", "valid"),
        ),
        common.dropout("dropout", "Dropout", 0.5),
        common.epochs(quick=15, article=10),
        common.batch_size(quick=32, article=32),
        common.learning_rate(quick=1e-3, article=1e-3),
    ),
    needs=frozenset({"gradient"}),
    cost=20,
    builder="core.strategies.cnn:build",
    architecture=architecture,
)
