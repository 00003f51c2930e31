"""From the record of a strategy to Keras networks. Only workers call this: it loads Keras."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from core.backbones.network import build_backbone
from core.backbones.preprocessing import with_mean
from core.backbones.weights import access as weights
from core.layers.build import build_network, connect, make_layers
from core.layers.record import BACKBONE_PART, LayerRecord
from core.strategies.strategy import FitOptions, Strategy


@dataclass(frozen=True)
class BuildContext:
    """What a network depends on beside the record of its strategy.

    ``image_shape``: ``(height, width, channels)`` of the stored uint8 images, which are never
    larger than ``image_size`` and are enlarged to it inside the network.
    ``settings``: complete and validated.
    ``mean_rgb``: the mean colour that a backbone subtracts, 0 to 255.
    """

    image_shape: tuple[int, int, int]
    image_size: int
    class_count: int
    settings: Mapping[str, Any]
    mean_rgb: tuple[float, float, float]


@dataclass(frozen=True)
class Stage:
    """One fit: ``model`` takes images ``(n, height, width, channels)`` uint8 or, where
    ``on_features``, the cached features of the backbone ``(n, features)`` float32; it gives class
    probabilities ``(n, classes)`` float32.
    """

    name: str
    model: Any
    options: FitOptions
    on_features: bool = False


@dataclass(frozen=True)
class Plan:
    """The stages in order, the last one named ``main``; or an estimator of scikit-learn.

    ``frozen_parameters`` are weights that are needed to predict but stand outside the main
    stage's model, because their output comes from the feature cache.
    """

    stages: tuple[Stage, ...] = ()
    frozen_parameters: int = 0
    estimator: Any = None


def build_plan(strategy: Strategy, context: BuildContext) -> Plan:
    """The networks of a strategy, ready to be fitted; call it with backend, dtype policy and seed
    set. Raises ``WeightsUnavailable`` or ``WeightsRefused`` without the weights of the backbone."""
    if strategy.estimator is not None:
        module, name = strategy.estimator.split(":")
        return Plan(estimator=getattr(importlib.import_module(module), name)())
    records = strategy.layers(context.settings, context.image_size, context.class_count)
    if strategy.backbone is not None:
        return _plan_on_backbone(strategy, context, records)
    model = build_network(records, context.image_shape, strategy.name)
    fits = strategy.fits(context.settings)
    return Plan(tuple(Stage(fit.name, model, fit.options) for fit in fits))


def _plan_on_backbone(
    strategy: Strategy, context: BuildContext, records: Sequence[LayerRecord]
) -> Plan:
    """The head on cached features, on the backbone, or first one and then the other: one head."""
    import keras

    fits = strategy.fits(context.settings)
    inside = [record for record in records if record.part == BACKBONE_PART]
    own = [record for record in records if record.part == "own"]
    on_images = not all(fit.on_features for fit in fits)
    base = _base(strategy, context, inside) if on_images else None
    layers = make_layers(own)
    models: dict[bool, Any] = {}
    if base is not None:
        picture = [with_mean(record, context.mean_rgb) for record in records[:1]]
        images = keras.Input(context.image_shape, dtype="uint8", name="images")
        features = base(connect(picture, make_layers(picture), images))
        models[False] = keras.Model(images, connect(own, layers, features), name=strategy.name)
    if any(fit.on_features for fit in fits):
        row = keras.Input((prod(inside[-1].output),), dtype="float32", name="features")
        # Features are kept flattened: what flattens a feature map is not part of the head.
        first = 1 if len(inside[-1].output) > 1 else 0
        models[True] = keras.Model(row, connect(own[first:], layers[first:], row), name="head")
    return Plan(
        tuple(
            Stage(fit.name, models[fit.on_features], fit.options, fit.on_features) for fit in fits
        ),
        0 if base is not None else sum(record.parameters for record in inside),
    )


def _base(strategy: Strategy, context: BuildContext, records: Sequence[LayerRecord]) -> Any:
    """The backbone with its weights, where the strategy starts from any, and frozen as said."""
    if strategy.backbone is None:
        raise ValueError(f"{strategy.name} has no backbone")
    weight_set = strategy.weights(context.settings)
    base = build_backbone(
        strategy.backbone,
        context.image_size,
        None if weight_set is None else weights.load_weights(weight_set),
        strategy.include_top(context.settings),
    )
    names = [layer.name for layer in base.layers]
    start = 0
    for record in records:
        # Keras numbers input layers through the whole process. A record may stand for a block.
        stop = 1 if record.kind == "InputLayer" else names.index(record.name) + 1
        for layer in base.layers[start:stop]:
            layer.trainable = not record.frozen
        start = stop
    return base
