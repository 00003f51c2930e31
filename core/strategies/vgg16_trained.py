"""VGG16 trained further, or from nothing: the network is the same, only its start differs."""

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

from core.backbones.vgg16 import FULL_IMAGE_SIZE
from core.strategies import common
from core.strategies.layer_record import LayerRecord, softmax
from core.strategies.plan import BuildContext, Plan, Stage
from core.strategies.settings import Setting
from core.strategies.strategy import Strategy
from core.strategies.vgg16_heads import (
    DENSE_HEAD_SETTINGS,
    dense_head,
    dense_head_layers,
    linear_head,
    linear_head_layers,
    on_features,
    on_images,
)
from core.strategies.vgg16_layers import BASE_LAYER_COUNT, features_layer, vgg16_layers

HEAD_BATCH_SIZE = 128
HEAD_LEARNING_RATE = 1e-3
HEAD_L2 = 1e-3


def architecture(
    settings: Mapping[str, Any], image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    return _with_head(vgg16_layers(image_size, 0, "random"), settings, class_count)


def pretrained_architecture(
    settings: Mapping[str, Any], image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    """The first ``k`` layers are frozen; the ``fc`` head brings fc1 and fc2 with it."""
    with_fc = settings["head"] == "fc"
    layers = vgg16_layers(image_size, settings.get("k", 0), with_fc=with_fc)
    if with_fc:
        return (*layers, softmax(layers[-1], class_count))
    return _with_head(layers, settings, class_count)


def _with_head(
    layers: tuple[LayerRecord, ...], settings: Mapping[str, Any], class_count: int
) -> tuple[LayerRecord, ...]:
    features = features_layer(layers)
    if settings.get("head") == "linear":
        head = linear_head_layers(features, HEAD_L2, class_count)
    else:
        head = dense_head_layers(features, settings, class_count)
    return (*layers, features, *head)


def _network(context: BuildContext, arrays: Mapping[str, Any] | None) -> tuple[Any, Any, Any]:
    """The base, the head on top of it, and the model of both on pictures."""
    from core.backbones.vgg16 import build_base, build_full
    from core.strategies.layers import softmax_layer

    if context.settings.get("head") == "fc":
        base = build_full(arrays)
        head = [softmax_layer(context.class_count)]
        return base, head, on_images(context, base, head, FULL_IMAGE_SIZE)
    base = build_base(arrays, context.image_size)
    if context.settings.get("head") == "linear":
        head = linear_head(HEAD_L2, context.class_count)
    else:
        head = dense_head(context.settings, context.class_count)
    return base, head, on_images(context, base, head, context.image_size)


def build_scratch(context: BuildContext) -> Plan:
    """The VGG16 base with the dense head from random weights; Adam.

    Without batch normalisation it often stays at the majority class on small sets: that is the
    result, and it is shown as it comes.
    """
    import keras

    settings = context.settings
    _, _, model = _network(context, None)
    optimizer = keras.optimizers.Adam(settings["learning_rate"])
    return Plan((Stage("main", model, optimizer, settings["epochs"], settings["batch_size"]),))


def build_pretrained(context: BuildContext) -> Plan:
    """ImageNet weights with the first ``k`` layers frozen (none where there is no ``k``); SGD.

    The head starts ``fresh``, or is first fitted on cached features (``probe``): a random head
    sends large gradients through the pre-trained layers and spoils what they know.
    Source of that order of work: Kumar et al. 2022, "Fine-tuning can distort pretrained features".
    """
    import keras

    settings = context.settings
    uses_fc = settings["head"] == "fc"
    base, head, model = _network(context, context.load_full() if uses_fc else context.load_base())
    for layer in base.layers[: settings.get("k", 0)]:
        layer.trainable = False
    stages: list[Stage] = []
    if settings["start"] == "probe":
        width = prod(base.output_shape[1:])
        stages.append(
            Stage(
                "head",
                on_features(head, width),
                keras.optimizers.Adam(HEAD_LEARNING_RATE),
                settings["head_epochs"],
                HEAD_BATCH_SIZE,
                feature_layer="fc2" if uses_fc else "block5_pool",
            )
        )
    schedule = keras.optimizers.schedules.InverseTimeDecay(
        settings["learning_rate"], decay_steps=1, decay_rate=settings["decay"]
    )
    optimizer = keras.optimizers.SGD(schedule, momentum=settings["momentum"], nesterov=True)
    stages.append(Stage("main", model, optimizer, settings["epochs"], settings["batch_size"]))
    return Plan(tuple(stages))


def _start_settings(article_head: str, article_start: str) -> tuple[Setting, ...]:
    return (
        Setting(
            "head",
            "choice",
            "Head",
            "'linear' is the softmax of the probe, 'dense' a new head 1000-500-150 (it wants a "
            "learning rate ten times smaller), 'fc' are fc1 and fc2 of the full VGG16 with a new "
            "softmax (full weights, 528 MB; enlarges to 224×224).",
            "linear",
            article_head,
            choices=("linear", "dense", "fc"),
        ),
        Setting(
            "start",
            "choice",
            "Start of the head",
            "'probe' fits the head on cached features before everything is trained, so that a "
            "random head does not spoil the pre-trained layers; 'fresh' starts all at once.",
            "probe",
            article_start,
            choices=("probe", "fresh"),
        ),
        Setting(
            "head_epochs",
            "int",
            "Epochs of the head alone",
            "Epochs on cached features before everything is trained; used with start 'probe'.",
            20,
            20,
            low=1,
            high=1000,
        ),
    )


DENSE_ONLY_SETTINGS = tuple(
    replace(setting, help=f"{setting.help} Used with head 'dense'.")
    for setting in DENSE_HEAD_SETTINGS
)

SGD_SETTINGS = (
    Setting(
        "momentum",
        "float",
        "Momentum",
        "Nesterov momentum of the optimiser (SGD).",
        0.9,
        0.9,
        low=0.0,
        high=0.999,
    ),
    Setting(
        "decay",
        "float",
        "Decay of the learning rate",
        "The learning rate is divided by 1 + decay × steps.",
        1e-6,
        1e-6,
        low=0.0,
        high=1.0,
    ),
)

VGG16_SCRATCH = Strategy(
    name="vgg16_scratch",
    title="VGG16 from random weights",
    teaches="The same large network without the head start: size alone does not help, and it costs "
    "as much time as fine-tuning.",
    tutorial="The fourth of its scenarios, 'large and different: train from scratch', tried on a "
    "small dataset.",
    settings=(
        *DENSE_HEAD_SETTINGS,
        common.MEAN,
        common.epochs(quick=2, article=10),
        common.batch_size(quick=32, article=16),
        common.learning_rate(quick=1e-4, article=1e-4),
    ),
    needs=frozenset({"gradient"}),
    cost=80,
    builder="core.strategies.vgg16_trained:build_scratch",
    architecture=architecture,
)

VGG16_FREEZE = Strategy(
    name="vgg16_freeze",
    title="VGG16, first layers frozen",
    teaches="Early layers see edges and colours that every picture has: keep them, and let the "
    "later ones adapt to yours.",
    tutorial="Case 2b: model.layers[:8] frozen, the rest trained with SGD 1e-3, decay 1e-6, "
    "momentum 0.9, Nesterov, batch 16, 10 epochs.",
    settings=(
        Setting(
            "k",
            "int",
            "Frozen layers k",
            "Counted as Keras counts model.layers, the input layer included: 8 ends with "
            "block3_conv1, 19 is the whole base.",
            8,
            8,
            low=0,
            high=BASE_LAYER_COUNT,
            unit="layers",
        ),
        *_start_settings("fc", "fresh"),
        *SGD_SETTINGS,
        *DENSE_ONLY_SETTINGS,
        common.MEAN,
        common.epochs(quick=2, article=10),
        common.batch_size(quick=16, article=16),
        common.learning_rate(quick=1e-3, article=1e-3),
    ),
    needs=frozenset({"gradient", "weights", "features"}),
    cost=60,
    builder="core.strategies.vgg16_trained:build_pretrained",
    architecture=pretrained_architecture,
)

VGG16_FINETUNE = Strategy(
    name="vgg16_finetune",
    title="VGG16, everything fine-tuned",
    teaches="All layers start from ImageNet and move a little: often the best accuracy, for many "
    "times the probe's time.",
    tutorial="The third of its scenarios, 'large and similar: start from the weights, train "
    "everything'.",
    settings=(
        *_start_settings("linear", "probe"),
        *SGD_SETTINGS,
        *DENSE_ONLY_SETTINGS,
        common.MEAN,
        common.epochs(quick=2, article=10),
        common.batch_size(quick=16, article=16),
        common.learning_rate(quick=1e-3, article=1e-3),
    ),
    needs=frozenset({"gradient", "weights", "features"}),
    cost=70,
    builder="core.strategies.vgg16_trained:build_pretrained",
    architecture=pretrained_architecture,
)
