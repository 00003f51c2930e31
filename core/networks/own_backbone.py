"""The part of a trained network that can stand under another one, taken out of it. Only workers
call this: it loads Keras.

What is taken out is built again as a backbone of its own and must give the features that the
network itself computes, before anybody stores it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.backbones.backbone import Backbone, Preparation, build_backbone
from core.backbones.backend import load_keras
from core.backbones.own import OwnLayer, stored_layers
from core.backbones.registry import own
from core.backbones.weights.digests import ArrayDigest, array_sha256
from core.datasets.dataset import Dataset
from core.errors import BadInput, HeadstartError
from core.layers.record import LayerRecord, connect, make_layers
from core.networks.graph import IMAGES, run_steps, steps_of
from core.networks.restore import RestoredModel, restored_model
from core.strategies.registry import find_strategy
from core.strategies.strategy import Strategy
from core.training.engine import mean_colour
from core.training.spec import TrainingSpec

# Pixels from 0 to 255 become 0 to 1, as ``RescaleToUnit`` makes them.
TO_UNIT = Preparation((0.0, 0.0, 0.0), (255.0, 255.0, 255.0), input_range="0 to 1, red first")
# Of the largest feature. The same operations on the same numbers: hardly any difference is due.
LARGEST_DIFFERENCE = 1e-4


@dataclass(frozen=True)
class TakenNetwork:
    """A network up to its features, for ``core.backbones.own.OwnBackbone``.

    ``arrays``: float32 by ``"layer/variable"``, with their shapes and sha256 in ``digests``.
    """

    network: str
    layers: tuple[OwnLayer, ...]
    preparation: Preparation
    arrays: Mapping[str, np.ndarray]
    digests: Mapping[str, ArrayDigest]


def feature_records(
    strategy: Strategy, spec: TrainingSpec, classes: int
) -> tuple[LayerRecord, ...]:
    """The layers of a convolutional strategy without a backbone, after the image, to its last
    feature map."""
    _, *others = strategy.layers(spec.settings, spec.image_size, classes)
    maps: list[LayerRecord] = []
    for record in others:
        if len(record.output) != 3:
            break
        maps.append(record)
    return tuple(maps)


def take_network(
    spec: TrainingSpec, weights: Mapping[str, np.ndarray], dataset: Dataset
) -> tuple[TakenNetwork, RestoredModel]:
    """The network of a finished run up to its features, and the whole of it.

    ``weights`` are the run's ``TrainingOutcome.trained_weights``. Raises what ``restored_model``
    does, and ``BadInput`` for layers that cannot be kept.
    """
    strategy = find_strategy(spec.strategy)
    restored = restored_model(spec.model_copy(update={"precision": "float32"}), weights, dataset)
    if strategy.backbone is None:
        records = feature_records(strategy, spec, len(dataset.classes))
        inside = [restored.model.get_layer(record.name) for record in records]
        network, layers, preparation = "", stored_layers(records), TO_UNIT
    else:
        inside = _up_to_features(restored.model, strategy.backbone)
        network, layers = _network_of(strategy.backbone)
        preparation = replace(strategy.backbone.preparation, mean_rgb=mean_colour(spec, dataset))
    numbers = load_keras().ops.convert_to_numpy
    arrays = {
        f"{layer.name}/{variable.name}": np.ascontiguousarray(numbers(variable), np.float32)
        for layer in inside
        for variable in layer.weights
    }
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise BadInput(f"{name} has values that are not numbers.", "run")
    digests = {
        name: ArrayDigest(array.shape, array_sha256(array)) for name, array in arrays.items()
    }
    return TakenNetwork(network, layers, preparation, arrays, digests), restored


def _up_to_features(model: Any, backbone: Backbone) -> list[Any]:
    """The layers of the backbone inside a network, without those of its top."""
    inside = model.get_layer(backbone.name).layers
    names = [layer.name for layer in inside]
    return inside[: names.index(backbone.feature_layer) + 1]


def _network_of(backbone: Backbone) -> tuple[str, tuple[OwnLayer, ...]]:
    """The network that a backbone has the layers of, also where it is one of one's own."""
    if backbone.origin is None:
        return backbone.name, ()
    return backbone.network, own().records[backbone.name].layers


def check_features(
    backbone: Backbone,
    arrays: Mapping[str, np.ndarray],
    restored: RestoredModel,
    images: np.ndarray,
) -> None:
    """Compare the features of ``images``, which ``restored.probabilities`` takes, with those that
    ``backbone`` gives with ``arrays``. Raises ``HeadstartError`` where they differ."""
    import keras

    steps = steps_of(restored.model)
    place = next(
        number for number, step in enumerate(steps) if step.layer.name == backbone.feature_layer
    )
    tensor = keras.ops.convert_to_tensor(images, dtype="uint8")
    expected = run_steps(steps, {IMAGES: tensor}, stop=place + 1)[place]
    size = steps[0].layer.image_size
    prepare = [backbone.preparing_layer(size, size)]
    pixels = connect(prepare, make_layers(prepare), tensor)
    found = build_backbone(backbone, size, arrays, precision="float32")(pixels)
    one, other = (np.asarray(keras.ops.convert_to_numpy(each)) for each in (expected, found))
    largest = max(float(np.abs(one).max()), 1e-6)
    if one.shape != other.shape or float(np.abs(one - other).max()) > LARGEST_DIFFERENCE * largest:
        raise HeadstartError(
            "The network that was taken out of the run does not give the features that the run's "
            "own network gives, so nothing was stored."
        )
