"""What stands on top of the VGG16 base.

The same head objects serve a model on cached features and a model on pictures, so that a head
fitted on features is already in place when everything is trained.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.strategies import common
from core.strategies.layer_record import LayerRecord, dense, dropout, softmax
from core.strategies.plan import BuildContext
from core.strategies.settings import Setting

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


def dense_head_layers(
    before: LayerRecord, settings: Mapping[str, Any], class_count: int
) -> tuple[LayerRecord, ...]:
    """The layers of ``dense_head``."""
    layers = [before]
    for place in (1, 2, 3):
        hidden = dense(layers[-1], f"head_dense_{place}", settings[f"hidden_{place}"])
        dropped = dropout(hidden, f"head_dropout_{place}", settings[f"dropout_{place}"])
        layers += [replace(layer, group=f"head_{place}") for layer in (hidden, dropped)]
    return (*layers[1:], softmax(layers[-1], class_count))


def linear_head_layers(before: LayerRecord, l2: float, class_count: int) -> tuple[LayerRecord, ...]:
    """The layers of ``linear_head``."""
    words = "square root, unit length"
    normalised = LayerRecord("root_normalise", "RootNormalise", before.output, words=words)
    classifier = softmax(normalised, class_count)
    return normalised, replace(classifier, origin="zeros", words=f"softmax, L2 {l2:g}")


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
    return [RootNormalise(dtype="float32", name="root_normalise"), classifier]


def on_features(head: list[Any], width: int) -> Any:
    """A model of ``head`` over cached features: ``(n, width)`` float32 in, probabilities out."""
    import keras

    features = keras.Input((width,), dtype="float32", name="features")
    return keras.Model(features, _applied(head, features), name="head")


def on_images(context: BuildContext, base: Any, head: list[Any], image_size: int) -> Any:
    """A model of ``head`` over ``base`` over prepared pictures, uint8 in, probabilities out."""
    import keras

    from core.backbones.preprocessing import PrepareForVgg16

    images = keras.Input(context.image_shape, dtype="uint8", name="images")
    prepare = PrepareForVgg16(image_size, context.mean_rgb, name="prepare_for_vgg16")
    outputs = base(prepare(images))
    if len(outputs.shape) == 4:
        outputs = keras.layers.Flatten(name="features")(outputs)
    return keras.Model(images, _applied(head, outputs), name="vgg16")


def _applied(head: list[Any], tensor: Any) -> Any:
    for layer in head:
        tensor = layer(tensor)
    return tensor
