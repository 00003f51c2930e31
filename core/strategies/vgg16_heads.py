"""What stands on top of the VGG16 base, and the sizes that come out of it.

The same head objects serve a model on cached features and a model on pictures, so that a head
fitted on features is already in place when everything is trained.
"""

from collections.abc import Mapping
from typing import Any

from core.errors import BadInput
from core.pretrained.vgg16 import FULL_IMAGE_SIZE
from core.strategies import common
from core.strategies.plan import BuildContext
from core.strategies.settings import Setting

BASE_PARAMETERS = 14_714_688
FC_PARAMETERS = 25_088 * 4_096 + 4_096 + 4_096 * 4_096 + 4_096
SMALLEST_SIZE = 32

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
    common.dropout("dropout_1", "Dropout after the first layer", 0.3),
    common.dropout("dropout_2", "Dropout after the second layer", 0.4),
    common.dropout("dropout_3", "Dropout after the third layer", 0.2),
)


def feature_side(image_size: int) -> int:
    """Side of the base's output: five poolings halve the side, 224 gives 7, 96 gives 3.

    Raises ``BadInput`` below 32 pixels, where nothing would be left.
    """
    if image_size < SMALLEST_SIZE:
        raise BadInput(
            f"image_size is {image_size}; VGG16 needs at least {SMALLEST_SIZE} pixels, because its "
            "five poolings each halve the picture.",
            "image_size",
        )
    return image_size // 32


def check_full_size(image_size: int) -> None:
    """fc1 fixes the picture to 224: smaller ones are enlarged, larger ones are ``BadInput``."""
    feature_side(image_size)
    if image_size > FULL_IMAGE_SIZE:
        raise BadInput(
            f"image_size is {image_size}; the whole VGG16 works at {FULL_IMAGE_SIZE} pixels "
            "and takes no larger pictures.",
            "image_size",
        )


def feature_text(image_size: int) -> str:
    side = feature_side(image_size)
    return f"VGG16 base → {side}×{side}×512 = {side * side * 512} features"


def dense_head_text(settings: Mapping[str, Any]) -> str:
    return " → ".join(
        f"dense {settings[f'hidden_{place}']} → dropout {settings[f'dropout_{place}']:g}"
        for place in (1, 2, 3)
    )


def dense_head(settings: Mapping[str, Any], class_count: int) -> list[Any]:
    """The tutorial's head on flattened features: three dense layers with ReLU and uniform
    initialiser, each followed by its dropout (created but never added in the printed code), and
    a softmax in float32."""
    import keras

    from core.strategies.layers import softmax_layer

    layers: list[Any] = []
    for place in (1, 2, 3):
        layers.append(
            keras.layers.Dense(
                settings[f"hidden_{place}"],
                activation="relu",
                kernel_initializer="random_uniform",
                name=f"head_dense_{place}",
            )
        )
        layers.append(
            keras.layers.Dropout(settings[f"dropout_{place}"], name=f"head_dropout_{place}")
        )
    return [*layers, softmax_layer(class_count)]


def linear_head(l2: float, class_count: int) -> list[Any]:
    """The probe: square root, unit length, softmax with L2 in float32.

    The square root tames the few units that fire very strongly (after ReLU all features are
    >= 0); unit length makes one L2 strength and one learning rate fit every image size and dataset.
    """
    import keras

    from core.strategies.layers import RootNormalise

    classifier = keras.layers.Dense(
        class_count,
        activation="softmax",
        dtype="float32",
        kernel_regularizer=keras.regularizers.L2(l2),
        kernel_initializer="zeros",
        name="predictions",
    )
    return [RootNormalise(dtype="float32"), classifier]


def on_features(head: list[Any], width: int) -> Any:
    """A model of ``head`` over cached features: ``(n, width)`` float32 in, probabilities out."""
    import keras

    features = keras.Input((width,), dtype="float32", name="features")
    return keras.Model(features, _applied(head, features), name="head")


def on_images(context: BuildContext, base: Any, head: list[Any], image_size: int) -> Any:
    """A model of ``head`` over ``base`` over prepared pictures, uint8 in, probabilities out."""
    import keras

    from core.pretrained.preprocessing import PrepareForVgg16

    images = keras.Input(context.image_shape, dtype="uint8", name="images")
    outputs = base(PrepareForVgg16(image_size, context.mean_rgb)(images))
    if len(outputs.shape) == 4:
        outputs = keras.layers.Flatten()(outputs)
    return keras.Model(images, _applied(head, outputs), name="vgg16")


def _applied(head: list[Any], tensor: Any) -> Any:
    for layer in head:
        tensor = layer(tensor)
    return tensor
