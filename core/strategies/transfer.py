"""Strategies on a backbone: how far it is trained (``Mode``), its layers, and the heads on top.

The same head serves a network on cached features and a network on images, so that a head fitted on
features is already in place when everything is trained.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from core.backbones.backbone import Backbone
from core.layers.record import BACKBONE_PART, LayerRecord, Origin, dense, dropout, flatten, softmax
from core.strategies.augmentation import AUGMENTATION_SETTINGS
from core.strategies.settings import Setting, number
from core.strategies.settings import dropout as dropout_setting
from core.strategies.strategy import (
    Fit,
    FitOptions,
    Mode,
    Need,
    Role,
    Settings,
    Strategy,
    fit_options,
    loss_options,
    one_fit,
)

HEAD_BATCH_SIZE = 128
HEAD_LEARNING_RATE = 1e-3
HEAD_L2 = 1e-3
FULL_HEAD = "fc"
Layers = tuple[LayerRecord, ...]

DENSE_HEAD_SETTINGS = (
    *(
        Setting(
            f"hidden_{place}",
            "int",
            f"{ordinal} hidden layer",
            f"Units of the head's {ordinal.lower()} dense layer ({source}).",
            units,
            units,
            low=8,
            high=4096,
            unit="units",
        )
        for place, ordinal, units, source in (
            (1, "First", 1000, "1000 in the tutorial"),
            (2, "Second", 500, "not given in the tutorial; 500 is customary"),
            (3, "Third", 150, "not given in the tutorial; 150 is customary"),
        )
    ),
    dropout_setting("dropout_1", "Dropout after the first layer", 0.3),
    dropout_setting("dropout_2", "Dropout after the second layer", 0.4),
    dropout_setting("dropout_3", "Dropout after the third layer", 0.2),
)


def probe_settings(features: str) -> tuple[Setting, ...]:
    """``features``: the value of both presets, ``flattened`` or ``pooled``."""
    return (
        Setting(
            "features",
            "choice",
            "Features",
            "All places of the last feature map side by side, or their average.",
            features,
            features,
            choices=("flattened", "pooled"),
        ),
        number("l2", "L2 regularisation", "Keeps the linear layer's weights small.", 1e-3, (0, 1)),
    )


def frozen_setting(backbone: Backbone, count: int) -> Setting:
    """How many layers stay frozen, ``count`` in both presets."""
    layers = backbone.layers(backbone.published_size, False)
    return Setting(
        "k",
        "int",
        "Frozen layers k",
        f"Counted from the input layer of {backbone.title}, which is the first: {count} ends with "
        f"{layers[count - 1].name}, {len(layers)} is all of it.",
        count,
        count,
        low=0,
        high=len(layers),
        unit="layers",
        changes_work=True,
    )


def trained_settings(
    backbone: Backbone, article_head: str, article_start: str
) -> tuple[Setting, ...]:
    """The head, its start and the optimiser where the backbone is trained too.

    The head ``fc`` is offered only where the backbone has a top.
    """
    choices: tuple[str, ...] = ("linear", "dense")
    heads = (
        "'linear' is the softmax of the probe, 'dense' a new head 1000-500-150 (it needs a "
        "learning rate ten times smaller)"
    )
    if top := backbone.top:
        choices = (*choices, FULL_HEAD)
        heads += (
            f", '{FULL_HEAD}' is {top.words} of {backbone.title} under a new softmax (needs the "
            f"{top.weights.title}; enlarges images to {top.size}×{top.size})"
        )
    return (
        Setting(
            "head",
            "choice",
            "Head",
            f"{heads}.",
            "linear",
            article_head,
            choices=choices,
            changes_work=True,
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
            changes_work=True,
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
        number("momentum", "Momentum", "Nesterov momentum, used with 'sgd'.", 0.9, (0, 0.999)),
        number(
            "decay",
            "Decay of the learning rate",
            "The learning rate is divided by 1 + decay × steps; used with 'sgd' and the schedule "
            "'constant'.",
            1e-6,
            (0, 1),
        ),
        *(
            replace(setting, help=f"{setting.help} Used with head 'dense'.")
            for setting in DENSE_HEAD_SETTINGS
        ),
    )


def backbone_layers(
    backbone: Backbone,
    image_size: int,
    frozen: int | None,
    origin: Origin = "ImageNet",
    include_top: bool = False,
) -> Layers:
    """From the stored image to the layer that gives the features.

    The first ``frozen`` records of the backbone are frozen, its own input included; None freezes
    all. The top fixes the side of the image: smaller ones are enlarged. Raises ``BadInput`` for a
    size that does not fit.
    """
    side = backbone.side(image_size, include_top)
    network = backbone.layers(side, include_top)
    count = len(network) if frozen is None else frozen
    return (
        backbone.preparing_layer(image_size, side),
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


def features_layer(before: LayerRecord) -> LayerRecord:
    """The last feature map in one row: 7×7×512 = 25088 numbers of VGG16 at 224 pixels."""
    row = flatten(before, "features")
    return replace(row, words=row.words.removeprefix("flatten ") + " features")


def dense_head(before: LayerRecord, settings: Settings, class_count: int) -> Layers:
    """The tutorial's head on flattened features: three dense layers with ReLU and uniform
    initialiser, each followed by its dropout (created but never added in the printed code), and
    a softmax."""
    layers = [before]
    for place in (1, 2, 3):
        hidden = dense(
            layers[-1],
            f"head_dense_{place}",
            settings[f"hidden_{place}"],
            kernel_initializer="random_uniform",
        )
        dropped = dropout(hidden, f"head_dropout_{place}", settings[f"dropout_{place}"])
        layers += [replace(layer, group=f"head_{place}") for layer in (hidden, dropped)]
    return (*layers[1:], softmax(layers[-1], class_count))


def linear_head(before: LayerRecord, l2: float, class_count: int) -> Layers:
    """The probe: square root, unit length, softmax with L2, which starts at zero.

    The square root tames the few units that fire very strongly (after ReLU all features are
    >= 0); unit length makes one L2 strength and one learning rate fit every image size and dataset.
    """
    normalised = LayerRecord(
        "power_normalization",
        "PowerNormalization",
        before.output,
        words="square root, unit length",
        options={"dtype": "float32"},
    )
    classifier = softmax(
        normalised,
        class_count,
        kernel_initializer="zeros",
        kernel_regularizer={"class_name": "L2", "config": {"l2": l2}},
    )
    return normalised, replace(classifier, origin="zeros", words=f"softmax, L2 {l2:g}")


def _on_features(backbone: Backbone, image_size: int) -> Layers:
    layers = backbone_layers(backbone, image_size, None)
    return (*layers, features_layer(layers[-1]))


def probe_layers(
    backbone: Backbone, settings: Settings, image_size: int, class_count: int
) -> Layers:
    """Multinomial logistic regression on square-rooted, length-normalised features; flattened
    features keep the place of things, which themes16 rewards."""
    layers = _on_features(backbone, image_size)
    if settings["features"] == "pooled":
        (width,) = layers[-1].output
        channels = layers[-2].output[-1]
        shape = (width // channels, channels)
        words = f"averaged over places to {channels}"
        layers += (
            LayerRecord("places", "Reshape", shape, options={"target_shape": (-1, channels)}),
            LayerRecord("average_places", "GlobalAveragePooling1D", (channels,), words=words),
        )
    return (*layers, *linear_head(layers[-1], settings["l2"], class_count))


def dense_layers(
    backbone: Backbone, settings: Settings, image_size: int, class_count: int
) -> Layers:
    """The tutorial's dense head on the flattened features."""
    layers = _on_features(backbone, image_size)
    return (*layers, *dense_head(layers[-1], settings, class_count))


def softmax_layers(
    backbone: Backbone, _settings: Settings, image_size: int, class_count: int
) -> Layers:
    """The backbone with its top; only the softmax of ImageNet is replaced, and trained."""
    layers = backbone_layers(backbone, image_size, None, include_top=True)
    return (*layers, softmax(layers[-1], class_count))


def scratch_layers(
    backbone: Backbone, settings: Settings, image_size: int, class_count: int
) -> Layers:
    """The network of the backbone with the dense head, from random weights.

    Without batch normalisation it often stays at the majority class on small sets: that is the
    result, and it is shown as it comes.
    """
    layers = backbone_layers(backbone, image_size, 0, "random")
    features = features_layer(layers[-1])
    return (*layers, features, *dense_head(features, settings, class_count))


def trained_layers(
    backbone: Backbone, settings: Settings, image_size: int, class_count: int
) -> Layers:
    """The first ``k`` layers are frozen, none where there is no such setting."""
    include_top = settings["head"] == FULL_HEAD
    layers = backbone_layers(backbone, image_size, settings.get("k", 0), include_top=include_top)
    if include_top:
        return (*layers, softmax(layers[-1], class_count))
    features = features_layer(layers[-1])
    if settings["head"] == "linear":
        return (*layers, features, *linear_head(features, HEAD_L2, class_count))
    return (*layers, features, *dense_head(features, settings, class_count))


def fit_on_features(settings: Settings) -> tuple[Fit, ...]:
    """The head alone, on cached features."""
    return (Fit("main", fit_options(settings), on_features=True),)


def trained_fits(settings: Settings) -> tuple[Fit, ...]:
    """The head first, on cached features, unless it starts ``fresh``; then all that is not frozen.

    A random head sends large gradients through the pre-trained layers and spoils what they know.
    Source of that order of work: Kumar et al. 2022, "Fine-tuning can distort pretrained features".
    """
    main = Fit("main", fit_options(settings))
    if settings["start"] != "probe":
        return (main,)
    head = FitOptions(
        settings["head_epochs"], HEAD_BATCH_SIZE, HEAD_LEARNING_RATE, **loss_options(settings)
    )
    return Fit("head", head, on_features=True), main


def trained_needs(settings: Settings) -> frozenset[Need]:
    """The head ``fc`` is the top of the backbone; a ``fresh`` head is not fitted on features."""
    found: set[Need] = {"gradient", "weights"}
    if settings.get("start") != "fresh":
        found.add("features")
    if settings.get("head") == FULL_HEAD:
        found.add("full_weights")
    return frozenset(found)


@dataclass(frozen=True)
class _ModeParts:
    """The parts of a strategy that follow from its mode; see ``Strategy``."""

    role: Role
    layers: Callable[[Backbone, Settings, int, int], Layers]
    needs: Callable[[Settings], frozenset[Need]]
    fits: Callable[[Settings], tuple[Fit, ...]]


def _always(*needs: Need) -> Callable[[Settings], frozenset[Need]]:
    return lambda _settings: frozenset(needs)


_ON_FEATURES = _always("gradient", "weights", "features")
_ON_TOP_FEATURES = _always("gradient", "weights", "full_weights", "features")
_PARTS = {
    Mode.SCRATCH: _ModeParts(Role.RANDOM_START, scratch_layers, _always("gradient"), one_fit),
    Mode.PROBE: _ModeParts(Role.LINEAR_PROBE, probe_layers, _ON_FEATURES, fit_on_features),
    Mode.DENSE: _ModeParts(Role.FROZEN_FEATURES, dense_layers, _ON_FEATURES, fit_on_features),
    Mode.SOFTMAX: _ModeParts(
        Role.FROZEN_FEATURES, softmax_layers, _ON_TOP_FEATURES, fit_on_features
    ),
    Mode.FREEZE: _ModeParts(Role.FINE_TUNED, trained_layers, trained_needs, trained_fits),
    Mode.FINETUNE: _ModeParts(Role.FINE_TUNED, trained_layers, trained_needs, trained_fits),
}


def transfer_strategy(
    backbone: Backbone, mode: Mode, settings: tuple[Setting, ...], **fields: Any
) -> Strategy:
    """A strategy on ``backbone``; ``settings`` and ``fields`` are those of ``Strategy`` that do not
    follow from the mode. Augmentation is a setting where images go through the network."""
    parts = _PARTS[mode]
    if parts.fits is not fit_on_features:
        settings += AUGMENTATION_SETTINGS
    return Strategy(
        settings=settings,
        role=parts.role,
        needs=parts.needs,
        architecture=partial(parts.layers, backbone),
        fits=parts.fits,
        backbone=backbone,
        mode=mode,
        **fields,
    )
