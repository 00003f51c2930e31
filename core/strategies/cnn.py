"""The convolutional network of three blocks, trained from nothing."""

from collections.abc import Mapping
from typing import Any

from core.errors import BadInput
from core.strategies import common
from core.strategies.plan import BuildContext, Plan, Stage
from core.strategies.settings import Setting
from core.strategies.strategy import Strategy

FILTERS = 32
KERNEL = 5
POOL = 4
BLOCKS = 3


def side_after_blocks(image_size: int, padding: str) -> int:
    """Side in pixels of the last block's output: 224 gives 2 with ``valid``, 3 with ``same``."""
    side = image_size
    for _ in range(BLOCKS):
        if padding == "valid":
            side -= KERNEL - 1
        side = max(side, 0) // POOL
    return side


def outline(settings: Mapping[str, Any], image_size: int) -> str:
    """The architecture with its flattened size; ``BadInput`` where nothing would be left."""
    padding = settings["padding"]
    side = side_after_blocks(image_size, padding)
    if side < 1:
        smallest = next(size for size in range(1, 512) if side_after_blocks(size, padding) >= 1)
        raise BadInput(
            f"image_size is {image_size}; cnn with padding {padding} needs at least {smallest} "
            f"pixels, or its three {POOL}×{POOL} poolings leave nothing. "
            + ("Padding 'same' needs 64." if padding == "valid" else "Choose a larger image size."),
            "image_size",
        )
    return (
        f"{image_size}×{image_size}×3 pixels → {BLOCKS} × (convolution {FILTERS} of "
        f"{KERNEL}×{KERNEL}, {padding} padding, ReLU, max pooling {POOL}×{POOL}) → "
        f"flatten {side}×{side}×{FILTERS} = {side * side * FILTERS} → dense 64 → "
        f"dropout {settings['dropout']:g} → softmax"
    )


def build(context: BuildContext) -> Plan:
    """Three blocks of convolution, ReLU and max pooling; dense 64, dropout, softmax; Adam."""
    import keras

    from core.pretrained.preprocessing import RescaleToUnit
    from core.strategies.layers import softmax_layer

    settings = context.settings
    layers: list[Any] = [
        keras.Input(context.image_shape, dtype="uint8"),
        RescaleToUnit(context.image_size),
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
        layers.append(keras.layers.MaxPooling2D(POOL))
    layers += [
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu", name="dense_1"),
        keras.layers.Dropout(settings["dropout"]),
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
    outline=outline,
)
