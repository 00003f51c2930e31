"""VGG16 used as it is: its features are extracted once and only a head is fitted on them."""

from collections.abc import Mapping
from typing import Any

from core.strategies import common
from core.strategies.layer_record import LayerRecord, softmax
from core.strategies.plan import BuildContext, FeatureLayer, Plan, Stage
from core.strategies.settings import Setting
from core.strategies.strategy import Need, Strategy
from core.strategies.vgg16_heads import (
    DENSE_HEAD_SETTINGS,
    dense_head,
    dense_head_layers,
    linear_head,
    linear_head_layers,
    on_features,
)
from core.strategies.vgg16_layers import (
    BASE_PARAMETERS,
    BLOCKS,
    FC_PARAMETERS,
    FC_UNITS,
    features_layer,
    vgg16_layers,
)


def _feature_stage(
    context: BuildContext, head: list[Any], layer: FeatureLayer, width: int
) -> Stage:
    import keras

    settings = context.settings
    return Stage(
        "main",
        on_features(head, width),
        keras.optimizers.Adam(settings["learning_rate"]),
        settings["epochs"],
        settings["batch_size"],
        feature_layer=layer,
    )


def _frozen_features(image_size: int) -> tuple[LayerRecord, ...]:
    layers = vgg16_layers(image_size, None)
    return (*layers, features_layer(layers))


def feature_width(image_size: int) -> int:
    """How many numbers the frozen base gives for a picture: 25088 at 224 pixels."""
    return _frozen_features(image_size)[-1].output[0]


def probe_architecture(
    settings: Mapping[str, Any], image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    layers = _frozen_features(image_size)
    if settings["features"] == "pooled":
        (width,) = layers[-1].output
        _, _, channels = layers[-2].output
        layers = (
            *layers,
            LayerRecord("places", "Reshape", (width // channels, channels)),
            LayerRecord(
                "average_places",
                "GlobalAveragePooling1D",
                (channels,),
                words=f"averaged over places to {channels}",
            ),
        )
    return (*layers, *linear_head_layers(layers[-1], settings["l2"], class_count))


def build_probe(context: BuildContext) -> Plan:
    """Multinomial logistic regression on square-rooted, length-normalised features; flattened
    features keep the place of things, which themes16 rewards."""
    import keras

    settings = context.settings
    width = feature_width(context.image_size)
    head: list[Any] = []
    if settings["features"] == "pooled":
        head += [
            keras.layers.Reshape((-1, BLOCKS[-1][0]), name="places"),
            keras.layers.GlobalAveragePooling1D(name="average_places"),
        ]
    head += linear_head(settings["l2"], context.class_count)
    stage = _feature_stage(context, head, "block5_pool", width)
    return Plan((stage,), frozen_parameters=BASE_PARAMETERS)


def features_architecture(
    settings: Mapping[str, Any], image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    layers = _frozen_features(image_size)
    return (*layers, *dense_head_layers(layers[-1], settings, class_count))


def build_features(context: BuildContext) -> Plan:
    """The tutorial's dense head 1000-500-150 on the flattened features of the frozen base."""
    width = feature_width(context.image_size)
    head = dense_head(context.settings, context.class_count)
    stage = _feature_stage(context, head, "block5_pool", width)
    return Plan((stage,), frozen_parameters=BASE_PARAMETERS)


def softmax_architecture(
    _settings: Mapping[str, Any], image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    layers = vgg16_layers(image_size, None, with_fc=True)
    return (*layers, softmax(layers[-1], class_count))


def build_softmax(context: BuildContext) -> Plan:
    """The whole VGG16 with its ImageNet softmax replaced; only the new one is trained.

    fc1 fixes the picture to 224x224, so smaller pictures are enlarged inside the model.
    """
    from core.strategies.layers import softmax_layer

    stage = _feature_stage(context, [softmax_layer(context.class_count)], "fc2", FC_UNITS)
    return Plan((stage,), frozen_parameters=BASE_PARAMETERS + FC_PARAMETERS)


_FROZEN_NEEDS: frozenset[Need] = frozenset({"gradient", "weights", "features"})

VGG16_PROBE = Strategy(
    name="vgg16_probe",
    title="VGG16 probe",
    teaches="One linear layer on features learned from a million other pictures: the cheapest "
    "head start there is.",
    tutorial="Not in the tutorial; it is the standard yardstick for features (linear probe).",
    settings=(
        Setting(
            "features",
            "choice",
            "Features",
            "All places of the last feature map side by side, or their average.",
            "flattened",
            "flattened",
            choices=("flattened", "pooled"),
        ),
        Setting(
            "l2",
            "float",
            "L2 regularisation",
            "Holds the weights of the linear layer small.",
            1e-3,
            1e-3,
            low=0.0,
            high=1.0,
        ),
        common.MEAN,
        common.epochs(quick=40, article=40),
        common.batch_size(quick=128, article=128),
        common.learning_rate(quick=2e-3, article=2e-3),
    ),
    needs=_FROZEN_NEEDS,
    cost=30,
    builder="core.strategies.vgg16_frozen:build_probe",
    architecture=probe_architecture,
)

VGG16_FEATURES = Strategy(
    name="vgg16_features",
    title="VGG16 features, dense head",
    teaches="The same frozen features under a deeper head: does a bigger head help, or does it "
    "only memorise? This rung shows it.",
    tutorial="Case 2a: 7×7×512 = 25088 features, dense 1000 and two more layers with dropouts 0.3, "
    "0.4, 0.2, Adam, 20 epochs, batch 128.",
    settings=(
        *DENSE_HEAD_SETTINGS,
        common.MEAN,
        common.epochs(quick=20, article=20),
        common.batch_size(quick=128, article=128),
        common.learning_rate(quick=1e-3, article=1e-3),
    ),
    needs=_FROZEN_NEEDS,
    cost=40,
    builder="core.strategies.vgg16_frozen:build_features",
    architecture=features_architecture,
)

VGG16_SOFTMAX = Strategy(
    name="vgg16_softmax",
    title="Whole VGG16, new softmax",
    teaches="Even the layers made for ImageNet's own 1000 classes carry over: only the last one is "
    "replaced.",
    tutorial="Case 1: the softmax of 1000 is replaced by one of 16 and only that layer is trained; "
    "70 %, epoch time 'almost negligible'.",
    settings=(
        common.MEAN,
        common.epochs(quick=20, article=20),
        common.batch_size(quick=128, article=128),
        common.learning_rate(quick=1e-3, article=1e-3),
    ),
    needs=frozenset({"full_weights", *_FROZEN_NEEDS}),
    cost=50,
    builder="core.strategies.vgg16_frozen:build_softmax",
    architecture=softmax_architecture,
)
