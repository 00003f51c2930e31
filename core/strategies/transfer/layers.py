"""The layers of a backbone as a strategy uses them: prepared image, frozen part, features."""

from dataclasses import replace

from core.backbones.backbone import Backbone
from core.backbones.preprocessing import preparing_layer
from core.layers.record import BACKBONE_PART, LayerRecord, Origin, flatten


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
