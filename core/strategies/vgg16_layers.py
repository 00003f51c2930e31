"""The layers of VGG16 as data (Simonyan and Zisserman 2014, configuration D)."""

from dataclasses import replace

from core.backbones.vgg16 import FULL_IMAGE_SIZE
from core.errors import BadInput
from core.strategies.layer_record import (
    VGG16_PART,
    LayerRecord,
    Origin,
    convolution,
    dense,
    flatten,
    max_pooling,
    picture_layer,
)

# Filters and number of convolutions of each block.
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
FC_UNITS = 4096
SMALLEST_SIZE = 2 ** len(BLOCKS)


def vgg16_layers(
    image_size: int, frozen: int | None, origin: Origin = "ImageNet", with_fc: bool = False
) -> tuple[LayerRecord, ...]:
    """From the stored picture to ``block5_pool``, or to ``fc2``.

    The first ``frozen`` layers are frozen, counted as Keras counts ``model.layers``, VGG16's own
    input layer included; None freezes all. ``with_fc`` fixes the picture to 224 pixels: smaller
    ones are enlarged. Raises ``BadInput`` for a size that does not fit.
    """
    if image_size < SMALLEST_SIZE:
        raise BadInput(
            f"image_size is {image_size}; VGG16 needs at least {SMALLEST_SIZE} pixels, because its "
            "five poolings each halve the picture.",
            "image_size",
        )
    if with_fc and image_size > FULL_IMAGE_SIZE:
        raise BadInput(
            f"image_size is {image_size}; the whole VGG16 works at {FULL_IMAGE_SIZE} pixels "
            "and takes no larger pictures.",
            "image_size",
        )
    side = FULL_IMAGE_SIZE if with_fc else image_size
    picture = picture_layer("PrepareForVgg16", "prepare_for_vgg16", image_size, side)
    network = _convolutional(picture)
    if with_fc:
        words = "VGG16 with fc1 and fc2"
        network = [replace(network[0], words=words), *network[1:], *_fully_connected(network[-1])]
    count = len(network) if frozen is None else frozen
    return (
        picture,
        *(
            replace(
                layer,
                part=VGG16_PART,
                frozen=place < count,
                origin=origin if layer.parameters else "none",
            )
            for place, layer in enumerate(network)
        ),
    )


def features_layer(layers: tuple[LayerRecord, ...]) -> LayerRecord:
    """The last feature map in one row: 7×7×512 = 25088 numbers at 224 pixels."""
    row = flatten(layers[-1], "features")
    return replace(row, words=row.words.removeprefix("flatten ") + " features")


def _convolutional(picture: LayerRecord) -> list[LayerRecord]:
    layers = [LayerRecord("input_layer", "InputLayer", picture.output, words="VGG16 base")]
    for number, (filters, convolutions) in enumerate(BLOCKS, start=1):
        block = f"block{number}"
        for place in range(1, convolutions + 1):
            layer = convolution(layers[-1], f"{block}_conv{place}", filters, kernel=3)
            layers.append(replace(layer, group=block))
        layers.append(replace(max_pooling(layers[-1], f"{block}_pool", 2), group=block))
    return layers


def _fully_connected(last: LayerRecord) -> list[LayerRecord]:
    row = flatten(last)
    first = dense(row, "fc1", FC_UNITS)
    second = dense(first, "fc2", FC_UNITS)
    return [replace(layer, group="fc") for layer in (row, first, second)]


_WHOLE = vgg16_layers(FULL_IMAGE_SIZE, None, with_fc=True)
BASE_LAYER_COUNT = sum(layer.part == VGG16_PART and layer.group != "fc" for layer in _WHOLE)
BASE_PARAMETERS = sum(layer.parameters for layer in _WHOLE if layer.group != "fc")
FC_PARAMETERS = sum(layer.parameters for layer in _WHOLE if layer.group == "fc")
