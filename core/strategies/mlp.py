"""The multilayer perceptron on raw pixels."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.strategies import common
from core.strategies.layer_record import (
    LayerRecord,
    dense,
    dropout,
    flatten,
    picture_layer,
    softmax,
)
from core.strategies.plan import BuildContext, Plan, Stage
from core.strategies.settings import Setting
from core.strategies.strategy import Strategy


def architecture(
    settings: Mapping[str, Any], image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    layers = [picture_layer("RescaleToUnit", "rescale_to_unit", image_size)]
    layers.append(flatten(layers[-1]))
    for place in range(1, settings["hidden_layers"] + 1):
        group = f"hidden_{place}"
        hidden = dense(layers[-1], f"dense_{place}", settings["hidden_width"])
        layers.append(replace(hidden, group=group))
        if settings["dropout"]:
            dropped = dropout(hidden, f"dropout_{place}", settings["dropout"])
            layers.append(replace(dropped, group=group))
    return (*layers, softmax(layers[-1], class_count))


def build(context: BuildContext) -> Plan:
    """Flatten, hidden dense layers with ReLU (and dropout where asked for), softmax; Adam."""
    import keras

    from core.backbones.preprocessing import RescaleToUnit
    from core.strategies.layers import softmax_layer

    settings = context.settings
    layers: list[Any] = [
        keras.Input(context.image_shape, dtype="uint8"),
        RescaleToUnit(context.image_size, name="rescale_to_unit"),
        keras.layers.Flatten(name="flatten"),
    ]
    for place in range(1, settings["hidden_layers"] + 1):
        layers.append(
            keras.layers.Dense(settings["hidden_width"], activation="relu", name=f"dense_{place}")
        )
        if settings["dropout"]:
            layers.append(keras.layers.Dropout(settings["dropout"], name=f"dropout_{place}"))
    layers.append(softmax_layer(context.class_count))
    optimizer = keras.optimizers.Adam(settings["learning_rate"])
    model = keras.Sequential(layers, name="mlp")
    return Plan((Stage("main", model, optimizer, settings["epochs"], settings["batch_size"]),))


MLP = Strategy(
    name="mlp",
    title="MLP",
    teaches="A network that sees only a long row of pixels knows nothing of shapes: it shows how "
    "far colour and position alone go.",
    tutorial="Case 1: flatten to 150528, three hidden layers of 500, softmax; 10 epochs. The "
    "number and width of the hidden layers and dropout were varied there without gain.",
    settings=(
        Setting(
            "hidden_layers", "int", "Hidden layers", "How many dense layers.", 3, 3, low=1, high=6
        ),
        Setting(
            "hidden_width",
            "int",
            "Units in each hidden layer",
            "Width of the dense layers.",
            500,
            500,
            low=8,
            high=2048,
            unit="units",
        ),
        common.dropout("dropout", "Dropout", 0.0),
        common.epochs(quick=10, article=10),
        common.batch_size(quick=32, article=32),
        common.learning_rate(quick=1e-4, article=1e-3),
    ),
    needs=frozenset({"gradient"}),
    cost=10,
    builder="core.strategies.mlp:build",
    architecture=architecture,
    convolutional=False,
)
