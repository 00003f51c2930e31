"""VGG16 used as it is: its features are extracted once and only a head is fitted on them."""

from collections.abc import Mapping
from typing import Any

from core.strategies import common
from core.strategies.plan import BuildContext, FeatureLayer, Plan, Stage
from core.strategies.settings import Setting
from core.strategies.strategy import Need, Strategy
from core.strategies.vgg16_heads import (
    BASE_PARAMETERS,
    DENSE_HEAD_SETTINGS,
    FC_PARAMETERS,
    check_full_size,
    dense_head,
    dense_head_text,
    feature_side,
    feature_text,
    linear_head,
    on_features,
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


def probe_outline(settings: Mapping[str, Any], image_size: int) -> str:
    pooled = "averaged over places to 512 → " if settings["features"] == "pooled" else ""
    return (
        f"{feature_text(image_size)} (frozen) → {pooled}square root, unit length → softmax, "
        f"L2 {settings['l2']:g}"
    )


def build_probe(context: BuildContext) -> Plan:
    """Multinomial logistic regression on square-rooted, length-normalised features; flattened
    features keep the place of things, which themes16 rewards."""
    import keras

    settings = context.settings
    width = feature_side(context.image_size) ** 2 * 512
    head: list[Any] = []
    if settings["features"] == "pooled":
        head += [keras.layers.Reshape((-1, 512)), keras.layers.GlobalAveragePooling1D()]
    head += linear_head(settings["l2"], context.class_count)
    stage = _feature_stage(context, head, "block5_pool", width)
    return Plan((stage,), frozen_parameters=BASE_PARAMETERS)


def features_outline(settings: Mapping[str, Any], image_size: int) -> str:
    return f"{feature_text(image_size)} (frozen) → {dense_head_text(settings)} → softmax"


def build_features(context: BuildContext) -> Plan:
    """The tutorial's dense head 1000-500-150 on the flattened features of the frozen base."""
    width = feature_side(context.image_size) ** 2 * 512
    head = dense_head(context.settings, context.class_count)
    stage = _feature_stage(context, head, "block5_pool", width)
    return Plan((stage,), frozen_parameters=BASE_PARAMETERS)


def softmax_outline(_settings: Mapping[str, Any], image_size: int) -> str:
    check_full_size(image_size)
    return (
        f"{image_size}×{image_size} pixels, enlarged to 224×224 → VGG16 base → 25088 → fc1 4096 → "
        "fc2 4096 (all frozen) → softmax"
    )


def build_softmax(context: BuildContext) -> Plan:
    """The whole VGG16 with its ImageNet softmax replaced; only the new one is trained.

    fc1 fixes the picture to 224x224, so smaller pictures are enlarged inside the model.
    """
    from core.strategies.layers import softmax_layer

    stage = _feature_stage(context, [softmax_layer(context.class_count)], "fc2", 4096)
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
    outline=probe_outline,
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
    outline=features_outline,
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
    outline=softmax_outline,
)
