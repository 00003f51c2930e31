"""A small backbone with a branch, batch normalisation, blocks and features that can be negative.

Every mode can be trained on it in a second; it stands for the backbones that are registered.
"""

from typing import Any

from core.backbones.backbone import Backbone, Preparation
from core.backbones.vgg16 import VGG16
from core.backbones.weights.digests import ArrayDigest, WeightSet
from core.layers.record import LayerRecord
from core.strategies.registry import STRATEGIES
from core.strategies.transfer import backbone_strategies

STEM, WIDTH = 8, 16
SHAPES = {
    "stem_conv/kernel": (3, 3, 3, STEM),
    "branch_conv/kernel": (3, 3, STEM, STEM),
    "last_conv/kernel": (3, 3, STEM, WIDTH),
} | {
    f"{name}_bn/{part}": (channels,)
    for name, channels in (("stem", STEM), ("branch", STEM), ("last", WIDTH))
    for part in ("gamma", "beta", "moving_mean", "moving_variance")
}


def build(include_top: bool, weights: None, input_shape: tuple[int, int, int]) -> Any:
    """The Keras network, with the interface of ``keras.applications``."""
    import keras

    assert (include_top, weights) == (False, None)
    options = {"padding": "same", "use_bias": False}
    layers = keras.layers
    images = keras.Input(input_shape, name="images_in")
    x = layers.Conv2D(STEM, 3, strides=2, name="stem_conv", **options)(images)
    x = layers.BatchNormalization(name="stem_bn")(x)
    stem = layers.ReLU(name="stem_relu")(x)
    x = layers.Conv2D(STEM, 3, name="branch_conv", **options)(stem)
    x = layers.BatchNormalization(name="branch_bn")(x)
    x = layers.Add(name="branch_add")([x, stem])
    x = layers.Conv2D(WIDTH, 3, strides=2, name="last_conv", **options)(x)
    return keras.Model(images, layers.BatchNormalization(name="last_bn")(x))


def layers(side: int, include_top: bool) -> tuple[LayerRecord, ...]:
    """One record for each block."""
    assert not include_top
    half, quarter = -(-side // 2), -(-side // 4)

    def block(name: str, kind: str, size: int, channels: int, before: int) -> LayerRecord:
        normalization = 4 * channels
        return LayerRecord(
            name,
            kind,
            (size, size, channels),
            parameters=9 * before * channels + normalization,
            normalization=normalization,
            origin="random",
        )

    return (
        LayerRecord("images_in", "InputLayer", (side, side, 3), words="stand-in"),
        block("stem_relu", "ReLU", half, STEM, 3),
        block("branch_add", "Add", half, STEM, STEM),
        block("last_bn", "BatchNormalization", quarter, WIDTH, STEM),
    )


STAND_IN = Backbone(
    name="stand_in",
    title="Stand-in",
    about="A network for tests.",
    builder="tests.strategies.stand_in:build",
    preparation=Preparation(mean_rgb=(127.0, 127.0, 127.0), deviation_rgb=(128.0, 128.0, 128.0)),
    layers=layers,
    weights=WeightSet(
        backbone="stand_in",
        include_top=False,
        title="weights of the stand-in",
        file_name="stand_in.h5",
        digest="stand-in",
        arrays={name: ArrayDigest(shape, None) for name, shape in SHAPES.items()},
    ),
    feature_layer="last_bn",
    smallest_size=8,
    size_reason="it halves the image twice",
    published_size=32,
    multiply_adds=10**6,
    published_accuracy=0.6,
    accuracy_source="nobody",
    licence="none",
    attribution="Stand-in by nobody",
    colour="#123456",
    features_can_be_negative=True,
)
STAND_IN_STRATEGIES = backbone_strategies(STAND_IN)

# What tests run over that build or train a network: every mode of VGG16 and of the stand-in, and
# one strategy of each other backbone whose weights are made here. Use the fixture ``stand_in``.
_ALONE = ("efficientnet_lite0_finetune", "squeezenet_finetune")
REPRESENTATIVE = (
    *(
        name
        for name, entry in STRATEGIES.items()
        if entry.backbone in (None, VGG16) or name in _ALONE
    ),
    *(entry.name for entry in STAND_IN_STRATEGIES),
)
