"""The heads that stand on a backbone: how its last feature map becomes class probabilities.

The same head serves a network on cached features and a network on images, so that a head fitted on
features is already in place when everything is trained.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.layers.record import LayerRecord, dense, dropout, flatten, softmax
from core.strategies.settings import Setting, number
from core.strategies.settings import dropout as dropout_setting

Layers = tuple[LayerRecord, ...]

HEAD_L2 = 1e-3
FULL_HEAD = "fc"
POOLED = "pooled"

DENSE_HEAD_SETTINGS = (
    *(
        Setting(
            f"hidden_{place}",
            "int",
            f"{ordinal} hidden layer",
            f"Units of the head's {ordinal.lower()} dense layer ({source}).",
            units,
            units,
            low=8,
            high=4096,
            unit="units",
        )
        for place, ordinal, units, source in (
            (1, "First", 1000, "1000 in the tutorial"),
            (2, "Second", 500, "not given in the tutorial; 500 is customary"),
            (3, "Third", 150, "not given in the tutorial; 150 is customary"),
        )
    ),
    dropout_setting("dropout_1", "Dropout after the first layer", 0.3),
    dropout_setting("dropout_2", "Dropout after the second layer", 0.4),
    dropout_setting("dropout_3", "Dropout after the third layer", 0.2),
)
L2_SETTING = number(
    "l2", "L2 regularisation", "Keeps the linear layer's weights small.", 1e-3, (0, 1)
)


def features_setting(usual: str) -> Setting:
    """What the head stands on; ``usual``: the value of every preset, flattened or pooled."""
    return Setting(
        "features",
        "choice",
        "Features",
        "All places of the last feature map side by side, or their average.",
        usual,
        usual,
        choices=("flattened", POOLED),
    )


def are_pooled(settings: Mapping[str, Any]) -> bool:
    """Whether the features are averaged over the places of the last feature map."""
    return settings.get("features") == POOLED


def features_layer(before: LayerRecord, pooled: bool = False) -> LayerRecord:
    """The last feature map as one row.

    Flattened it has every place, 7×7×512 = 25088 numbers of VGG16 at 224 pixels; pooled it has the
    average over the places, 512.
    """
    if pooled:
        channels = before.output[-1]
        words = f"averaged over places to {channels} features"
        return LayerRecord(
            "features",
            "GlobalAveragePooling2D",
            (channels,),
            words=words,
            options={"dtype": "float32"},
        )
    row = flatten(before, "features")
    return replace(row, words=row.words.removeprefix("flatten ") + " features")


def dense_head(before: LayerRecord, settings: Mapping[str, Any], class_count: int) -> Layers:
    """The tutorial's head on features: three dense layers with ReLU and uniform initialiser, each
    followed by its dropout (created but never added in the printed code), and a softmax."""
    layers = [before]
    for place in (1, 2, 3):
        hidden = dense(
            layers[-1],
            f"head_dense_{place}",
            settings[f"hidden_{place}"],
            kernel_initializer="random_uniform",
        )
        dropped = dropout(hidden, f"head_dropout_{place}", settings[f"dropout_{place}"])
        layers += [replace(layer, group=f"head_{place}") for layer in (hidden, dropped)]
    return (*layers[1:], softmax(layers[-1], class_count))


def linear_head(before: LayerRecord, l2: float, class_count: int, signed: bool) -> Layers:
    """The probe: square root, unit length, softmax with L2, which starts at zero.

    The square root tames the few units that fire very strongly; unit length makes one L2 strength
    and one learning rate fit every image size and dataset. ``signed``: features can be negative,
    as they cannot after ReLU, and keep their sign.
    """
    root = "signed square root" if signed else "square root"
    normalised = LayerRecord(
        "power_normalization",
        "PowerNormalization",
        before.output,
        words=f"{root}, unit length",
        options={"dtype": "float32"} | ({"signed": True} if signed else {}),
    )
    classifier = softmax(
        normalised,
        class_count,
        kernel_initializer="zeros",
        kernel_regularizer={"class_name": "L2", "config": {"l2": l2}},
    )
    return normalised, replace(classifier, origin="zeros", words=f"softmax, L2 {l2:g}")
