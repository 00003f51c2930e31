"""A backbone trained further, or from nothing: the network is the same, only its start differs."""

from core.backbones.backbone import Backbone
from core.layers.record import LayerRecord, softmax
from core.strategies.settings import Setting
from core.strategies.strategy import Fit, FitOptions, Need, Settings
from core.strategies.transfer.layers import backbone_layers, dense_head, features_layer, linear_head

HEAD_BATCH_SIZE = 128
HEAD_LEARNING_RATE = 1e-3
HEAD_L2 = 1e-3

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


def scratch_needs(_settings: Settings) -> frozenset[Need]:
    return frozenset({"gradient"})


def scratch_layers(
    backbone: Backbone, settings: Settings, image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    """The network of the backbone with the dense head, from random weights.

    Without batch normalisation it often stays at the majority class on small sets: that is the
    result, and it is shown as it comes.
    """
    layers = backbone_layers(backbone, image_size, 0, "random")
    features = features_layer(layers)
    return (*layers, features, *dense_head(features, settings, class_count))


def pretrained_needs(settings: Settings) -> frozenset[Need]:
    """The head ``fc`` is the top of the backbone; a ``fresh`` head is not fitted on features."""
    found: set[Need] = {"gradient", "weights"}
    if settings.get("start") != "fresh":
        found.add("features")
    if settings.get("head") == "fc":
        found.add("full_weights")
    return frozenset(found)


def pretrained_layers(
    backbone: Backbone, settings: Settings, image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    """The first ``k`` layers are frozen, none where there is no such setting."""
    include_top = settings["head"] == "fc"
    layers = backbone_layers(backbone, image_size, settings.get("k", 0), include_top=include_top)
    if include_top:
        return (*layers, softmax(layers[-1], class_count))
    features = features_layer(layers)
    if settings["head"] == "linear":
        return (*layers, features, *linear_head(features, HEAD_L2, class_count))
    return (*layers, features, *dense_head(features, settings, class_count))


def pretrained_fits(settings: Settings) -> tuple[Fit, ...]:
    """The head first, on cached features, unless it starts ``fresh``; then all that is not frozen.

    A random head sends large gradients through the pre-trained layers and spoils what they know.
    Source of that order of work: Kumar et al. 2022, "Fine-tuning can distort pretrained features".
    """
    main = Fit(
        "main",
        FitOptions(
            settings["epochs"],
            settings["batch_size"],
            settings["learning_rate"],
            "sgd",
            settings["momentum"],
            settings["decay"],
        ),
    )
    if settings["start"] != "probe":
        return (main,)
    head = FitOptions(settings["head_epochs"], HEAD_BATCH_SIZE, HEAD_LEARNING_RATE)
    return Fit("head", head, on_features=True), main
