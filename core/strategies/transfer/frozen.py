"""A backbone used as it is: its features are extracted once and only a head is fitted on them."""

from core.backbones.backbone import Backbone
from core.layers.record import LayerRecord, softmax
from core.strategies.settings import Setting
from core.strategies.strategy import Fit, Need, Settings, adam
from core.strategies.transfer.layers import backbone_layers, dense_head, features_layer, linear_head


def probe_settings(features: str) -> tuple[Setting, ...]:
    """``features``: what both presets take, ``flattened`` or ``pooled``."""
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
    )


def needs(_settings: Settings) -> frozenset[Need]:
    return frozenset({"gradient", "weights", "features"})


def needs_with_top(_settings: Settings) -> frozenset[Need]:
    return frozenset({"gradient", "weights", "full_weights", "features"})


def fit_on_features(settings: Settings) -> tuple[Fit, ...]:
    """The head alone, on cached features, with Adam."""
    return (Fit("main", adam(settings), on_features=True),)


def probe_layers(
    backbone: Backbone, settings: Settings, image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    """Multinomial logistic regression on square-rooted, length-normalised features; flattened
    features keep the place of things, which themes16 rewards."""
    layers = _frozen_features(backbone, image_size)
    if settings["features"] == "pooled":
        (width,) = layers[-1].output
        _, _, channels = layers[-2].output
        places = (width // channels, channels)
        layers = (
            *layers,
            LayerRecord("places", "Reshape", places, options={"target_shape": (-1, channels)}),
            LayerRecord(
                "average_places",
                "GlobalAveragePooling1D",
                (channels,),
                words=f"averaged over places to {channels}",
            ),
        )
    return (*layers, *linear_head(layers[-1], settings["l2"], class_count))


def dense_layers(
    backbone: Backbone, settings: Settings, image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    """The tutorial's dense head on the flattened features."""
    layers = _frozen_features(backbone, image_size)
    return (*layers, *dense_head(layers[-1], settings, class_count))


def softmax_layers(
    backbone: Backbone, _settings: Settings, image_size: int, class_count: int
) -> tuple[LayerRecord, ...]:
    """The backbone with its top; only the softmax of ImageNet is replaced, and trained."""
    layers = backbone_layers(backbone, image_size, None, include_top=True)
    return (*layers, softmax(layers[-1], class_count))


def _frozen_features(backbone: Backbone, image_size: int) -> tuple[LayerRecord, ...]:
    layers = backbone_layers(backbone, image_size, None)
    return (*layers, features_layer(layers))
