"""From the record of a strategy to Keras networks. Only workers call this: it loads Keras."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.backbones.backbone import Backbone, build_backbone
from core.backbones.weights import access as weights
from core.layers.record import BACKBONE_PART, LayerRecord, build_network, connect, make_layers
from core.strategies.settings import INITIALIZER, NORMALIZATION_MOMENTUM
from core.strategies.strategy import FitOptions, Settings, Strategy


@dataclass(frozen=True)
class BuildContext:
    """What a network depends on beside the record of its strategy.

    ``image_shape``: ``(height, width, channels)`` of the stored uint8 images, which are never
    larger than ``image_size`` and are enlarged to it inside the network.
    ``settings``: complete and validated.
    ``mean_rgb``: the mean colour that a backbone subtracts, 0 to 255.
    ``backbone_precision``: Keras dtype policy of the backbone's layers, None the current one.
    """

    image_shape: tuple[int, int, int]
    image_size: int
    class_count: int
    settings: Settings
    mean_rgb: tuple[float, float, float]
    backbone_precision: str | None = None


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

    @property
    def changed_variables(self) -> list[Any]:
        """The variables that fitting changes: the trainable ones, and the moving averages of batch
        normalisation in layers that are not frozen."""
        frozen = {
            id(w) for layer in _leaves(self.model) if not layer.trainable for w in layer.weights
        }
        return [weight for weight in self.model.weights if id(weight) not in frozen]


def _leaves(model: Any) -> Iterator[Any]:
    """The layers of a model, models inside it opened."""
    for layer in model.layers:
        yield from _leaves(layer) if hasattr(layer, "layers") else [layer]


@dataclass(frozen=True)
class Plan:
    """The stages in order, the last one named ``main``.

    ``frozen_parameters`` are weights that are needed to predict but stand outside the main
    stage's model, because their output comes from the feature cache.
    """

    stages: tuple[Stage, ...]
    frozen_parameters: int = 0


def build_plan(strategy: Strategy, context: BuildContext) -> Plan:
    """The networks of a strategy, ready to be fitted; call it with backend, dtype policy and seed
    set. Raises ``WeightsUnavailable`` or ``WeightsRefused`` without the weights of the backbone."""
    records = strategy.layers(context.settings, context.image_size, context.class_count)
    frozen_parameters = 0
    if strategy.backbone is None:
        models = {False: build_network(records, context.image_shape, strategy.name)}
    else:
        models = _models_on(strategy.backbone, strategy, context, records)
    if False not in models:
        inside = [record for record in records if record.part == BACKBONE_PART]
        frozen_parameters = sum(record.parameters for record in inside)
    fits = strategy.fits(context.settings)
    stages = (
        Stage(fit.name, models[fit.on_features], fit.options, fit.on_features) for fit in fits
    )
    return Plan(tuple(stages), frozen_parameters)


def _models_on(
    backbone: Backbone, strategy: Strategy, context: BuildContext, records: Sequence[LayerRecord]
) -> dict[bool, Any]:
    """The models that the fits need, by ``on_features``: the head on cached features, and the same
    head on the backbone."""
    import keras

    needed = {fit.on_features for fit in strategy.fits(context.settings)}
    inside = [record for record in records if record.part == BACKBONE_PART]
    own = [record for record in records if record.part == "own"]
    base = _base(backbone, strategy, context, inside) if False in needed else None
    layers = make_layers(own)
    models: dict[bool, Any] = {}
    if base is not None:
        options = {**records[0].options, "mean_rgb": context.mean_rgb}
        prepare = [replace(records[0], options=options)]
        images = keras.Input(context.image_shape, dtype="uint8", name="images")
        features = base(connect(prepare, make_layers(prepare), images))
        models[False] = keras.Model(images, connect(own, layers, features), name=strategy.name)
    if True in needed:
        # Features are kept as rows: what makes a row of a feature map is not part of the head.
        first = 1 if len(inside[-1].output) > 1 else 0
        width = own[0].output if first else inside[-1].output
        row = keras.Input(width, dtype="float32", name="features")
        models[True] = keras.Model(row, connect(own[first:], layers[first:], row), name="head")
    return models


def _base(
    backbone: Backbone, strategy: Strategy, context: BuildContext, records: Sequence[LayerRecord]
) -> Any:
    """The backbone with its weights, unless it starts at random, frozen as the records are.

    A frozen layer runs in inference mode also where the layers above it are trained. So does all
    batch normalisation that starts from ImageNet: see ``LayerRecord.trained_parameters``.
    """
    import keras

    weight_set = strategy.weights(context.settings)
    arrays = None if weight_set is None else weights.load_weights(weight_set)
    include_top = strategy.include_top(context.settings)
    base = build_backbone(
        backbone, context.image_size, arrays, include_top, context.backbone_precision
    )
    if arrays is None:
        _begin_at_random(base, context.settings)
    names = [layer.name for layer in base.layers]
    start = 0
    for record in records:
        # Keras numbers input layers through the whole process. A record may stand for a block.
        stop = 1 if record.kind == "InputLayer" else names.index(record.name) + 1
        for layer in base.layers[start:stop]:
            is_kept = arrays is not None and isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = not record.frozen and not is_kept
        start = stop
    return base


def _begin_at_random(model: Any, settings: Settings) -> None:
    """As the settings say; runs of before there were these settings began as Keras begins.

    'he': He and others (2015), arXiv 1502.01852.
    """
    import keras

    draws_anew = settings.get(INITIALIZER.name) == "he"
    for layer in _leaves(model):
        # Depthwise ones are followed by batch normalisation, which undoes any scale.
        if draws_anew and type(layer) is keras.layers.Conv2D:
            # One of these draws the same again each time it is called.
            layer.kernel.assign(keras.initializers.HeNormal()(layer.kernel.shape))
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = settings.get(NORMALIZATION_MOMENTUM.name, layer.momentum)
