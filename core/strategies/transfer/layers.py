"""The layers that transfer strategies share: a backbone as it is used, and heads on top of it.

The same head serves a network on cached features and a network on images, so that a head fitted on
features is already in place when everything is trained.
"""

from dataclasses import replace

from core.backbones.backbone import Backbone
from core.backbones.preprocessing import preparing_layer
from core.layers.record import BACKBONE_PART, LayerRecord, Origin, dense, dropout, flatten, softmax
from core.strategies.settings import Setting
from core.strategies.settings import dropout as dropout_setting
from core.strategies.strategy import Settings

DENSE_HEAD_SETTINGS = (
    Setting(
        "hidden_1",
        "int",
        "First hidden layer",
        "Units of the head's first dense layer (1000 in the tutorial).",
        1000,
        1000,
        low=8,
        high=4096,
        unit="units",
    ),
    Setting(
        "hidden_2",
        "int",
        "Second hidden layer",
        "Units of the head's second dense layer (the text does not say; 500 is customary).",
        500,
        500,
        low=8,
        high=4096,
        unit="units",
    ),
    Setting(
        "hidden_3",
        "int",
        "Third hidden layer",
        "Units of the head's third dense layer (the text does not say; 150 is customary).",
        150,
        150,
        low=8,
        high=4096,
        unit="units",
    ),
    dropout_setting("dropout_1", "Dropout after the first layer", 0.3),
    dropout_setting("dropout_2", "Dropout after the second layer", 0.4),
    dropout_setting("dropout_3", "Dropout after the third layer", 0.2),
)


def backbone_layers(
    backbone: Backbone,
    image_size: int,
    frozen: int | None,
    origin: Origin = "ImageNet",
    include_top: bool = False,
) -> tuple[LayerRecord, ...]:
    """From the stored image to the layer that gives the features.

    The first ``frozen`` records of the backbone are frozen, its own input included; None freezes
    all. The top fixes the side of the image: smaller ones are enlarged. Raises ``BadInput`` for a
    size that does not fit.
    """
    side = backbone.side(image_size, include_top)
    network = backbone.layers(side, include_top)
    count = len(network) if frozen is None else frozen
    return (
        preparing_layer(backbone, image_size, side),
        *(
            replace(
                layer,
                part=BACKBONE_PART,
                frozen=place < count,
                origin=origin if layer.parameters else "none",
            )
            for place, layer in enumerate(network)
        ),
    )


def features_layer(layers: tuple[LayerRecord, ...]) -> LayerRecord:
    """The last feature map in one row: 7×7×512 = 25088 numbers of VGG16 at 224 pixels."""
    row = flatten(layers[-1], "features")
    return replace(row, words=row.words.removeprefix("flatten ") + " features")


def dense_head(
    before: LayerRecord, settings: Settings, class_count: int
) -> tuple[LayerRecord, ...]:
    """The tutorial's head on flattened features: three dense layers with ReLU and uniform
    initialiser, each followed by its dropout (created but never added in the printed code), and
    a softmax."""
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


def linear_head(before: LayerRecord, l2: float, class_count: int) -> tuple[LayerRecord, ...]:
    """The probe: square root, unit length, softmax with L2, which starts at zero.

    The square root tames the few units that fire very strongly (after ReLU all features are
    >= 0); unit length makes one L2 strength and one learning rate fit every image size and dataset.
    """
    normalised = LayerRecord(
        "power_normalization",
        "PowerNormalization",
        before.output,
        words="square root, unit length",
        options={"dtype": "float32"},
    )
    classifier = softmax(
        normalised,
        class_count,
        kernel_initializer="zeros",
        kernel_regularizer={"class_name": "L2", "config": {"l2": l2}},
    )
    return normalised, replace(classifier, origin="zeros", words=f"softmax, L2 {l2:g}")
