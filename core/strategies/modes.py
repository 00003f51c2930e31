"""How far a backbone is trained (``Mode``): layers, fits and settings of each mode."""

from dataclasses import replace

from core.backbones.backbone import Backbone
from core.layers.record import BACKBONE_PART, Origin, softmax
from core.strategies.heads import (
    DENSE_HEAD_SETTINGS,
    FULL_HEAD,
    HEAD_L2,
    Layers,
    are_pooled,
    dense_head,
    features_layer,
    linear_head,
)
from core.strategies.settings import Setting, number
from core.strategies.strategy import Fit, FitOptions, Need, Settings, fit_options, loss_options

HEAD_BATCH_SIZE = 128
HEAD_LEARNING_RATE = 1e-3
# As many of its layers as the tutorial froze of VGG16: 8 of 19.
FROZEN_FRACTION = 8 / 19


# The layers ---------------------------------------------------------------------------------------


def backbone_layers(
    backbone: Backbone,
    image_size: int,
    frozen: int | None,
    origin: Origin = "pretrained",
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
                trained_on=backbone.trained_on if origin == "pretrained" else "",
            )
            for place, layer in enumerate(network)
        ),
    )


def probe_layers(
    backbone: Backbone, settings: Settings, image_size: int, class_count: int
) -> Layers:
    """Multinomial logistic regression on square-rooted, length-normalised features; flattened
    features keep the place of things, which themes16 rewards."""
    layers = _on_features(backbone, settings, image_size)
    return (*layers, *_linear_head(backbone, layers, settings["l2"], class_count))


def dense_layers(
    backbone: Backbone, settings: Settings, image_size: int, class_count: int
) -> Layers:
    """The tutorial's dense head on the features."""
    layers = _on_features(backbone, settings, image_size)
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
    """The network of the backbone with the dense head, from random weights."""
    layers = _on_features(backbone, settings, image_size, 0, "random")
    return (*layers, *dense_head(layers[-1], settings, class_count))


def trained_layers(
    backbone: Backbone, settings: Settings, image_size: int, class_count: int
) -> Layers:
    """The first ``k`` layers are frozen, none where there is no such setting."""
    frozen = settings.get("k", 0)
    if settings["head"] == FULL_HEAD:
        layers = backbone_layers(backbone, image_size, frozen, include_top=True)
        return (*layers, softmax(layers[-1], class_count))
    layers = _on_features(backbone, settings, image_size, frozen)
    if settings["head"] == "linear":
        return (*layers, *_linear_head(backbone, layers, HEAD_L2, class_count))
    return (*layers, *dense_head(layers[-1], settings, class_count))


def _on_features(
    backbone: Backbone,
    settings: Settings,
    image_size: int,
    frozen: int | None = None,
    origin: Origin = "pretrained",
) -> Layers:
    layers = backbone_layers(backbone, image_size, frozen, origin)
    return (*layers, features_layer(layers[-1], are_pooled(settings)))


def _linear_head(backbone: Backbone, layers: Layers, l2: float, class_count: int) -> Layers:
    return linear_head(layers[-1], l2, class_count, signed=backbone.features_can_be_negative)


# How they are fitted, and what that needs ---------------------------------------------------------


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


# The settings -------------------------------------------------------------------------------------


def frozen_setting(backbone: Backbone, count: int | None = None) -> Setting:
    """How many layers stay frozen, ``count`` in every preset; None is the usual fraction."""
    layers = backbone.layers(backbone.published_size, False)
    if count is None:
        count = round(FROZEN_FRACTION * len(layers))
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
    backbone: Backbone, article_head: str = "linear", article_start: str = "probe"
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
