"""The convolutional network of three blocks, trained from nothing."""

from dataclasses import replace

from core.errors import BadInput
from core.layers.record import (
    LayerRecord,
    convolution,
    dense,
    dropout,
    flatten,
    image_layer,
    max_pooling,
    softmax,
)
from core.strategies.augmentation import AUGMENTATION_SETTINGS
from core.strategies.settings import Setting, fit_settings
from core.strategies.settings import dropout as dropout_setting
from core.strategies.strategy import Appearance, Role, Settings, Strategy

FILTERS = 32
KERNEL = 5
POOL = 4
BLOCKS = 3
DENSE_UNITS = 64


def blocks(image_size: int, padding: str) -> tuple[LayerRecord, ...]:
    """From the image to the last pooling: its side is 2 at 224 pixels with ``valid`` padding, 3
    with ``same``, and 0 for an image that is too small."""
    layers = [image_layer("RescaleToUnit", "rescale_to_unit", image_size)]
    for place in range(1, BLOCKS + 1):
        filters = convolution(layers[-1], f"convolution_{place}", FILTERS, KERNEL, padding)
        pooled = max_pooling(filters, f"pooling_{place}", POOL)
        layers += [replace(layer, group=f"block_{place}") for layer in (filters, pooled)]
    return tuple(layers)


def architecture(settings: Settings, image_size: int, class_count: int) -> tuple[LayerRecord, ...]:
    """Three blocks of convolution and max pooling, dense 64, dropout, softmax.

    Raises ``BadInput`` where the poolings leave nothing of the image.
    """
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


CNN = Strategy(
    name="cnn",
    title="CNN, three blocks",
    role=Role.FROM_SCRATCH,
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
        dropout_setting("dropout", "Dropout", 0.5),
        *fit_settings(epochs=(15, 10), batch_size=(32, 32), learning_rate=(1e-3, 1e-3)),
        *AUGMENTATION_SETTINGS,
    ),
    cost=20,
    appearance=Appearance("#5A82FA", "triangle-up"),
    terms=("CNN",),
    architecture=architecture,
    default_chosen=True,
)
