"""The record of one backbone, a pre-trained network, and the Keras model made of it.

The record names the Keras builder by its dotted path, so that the web process can show and draw
backbones without loading TensorFlow.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from math import prod
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import numpy as np

from core.backbones.backend import dtype_policy, load_keras
from core.backbones.weights.digests import WeightSet
from core.errors import BadInput, WeightsRefused
from core.layers.record import LayerRecord, blocks_of, connect, image_layer, make_layers
from core.text import percent_text

if TYPE_CHECKING:
    from core.backbones.own import OwnOrigin


@dataclass(frozen=True)
class Preparation:
    """What a backbone does to pixels (0 to 255) first: minus the mean, divided by the deviation.

    All values are 0 to 255, red first; ``blue_first`` reverses the channels after that.
    ``input_range``: the resulting range in words.
    """

    mean_rgb: tuple[float, float, float]
    deviation_rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blue_first: bool = False
    input_range: str = ""


@dataclass(frozen=True)
class Top:
    """The layers above the last feature map, without the softmax of ImageNet's 1000 classes.

    ``layer``: the one whose output can be kept as features. ``size``: the only image side in
    pixels that it takes; smaller images are enlarged to it. ``words``: its layers, for people.
    """

    weights: WeightSet
    layer: str
    size: int
    words: str


@dataclass(frozen=True)
class Backbone:
    """A pre-trained network.

    ``name`` begins the names of its strategies; ``title`` and ``about`` are for people.
    ``builder``: ``"module:function"`` with the interface of ``keras.applications``: called with
    ``include_top``, ``weights=None``, ``builder_options`` and, without top, ``input_shape``. Or,
    for a network that is built here, the function that gives its layers one by one for a side.
    ``layers(side, include_top)``: the records of its layers for images of ``side`` pixels, from
    its own input to ``feature_layer`` or ``top.layer``. A record may stand for a whole block; it
    then has the name and the output of the last Keras layer of the block. Each record is a freeze
    point: the first k can be frozen.
    ``feature_layer``: the layer whose output can be kept as features, without the top.
    ``smallest_size``, ``size_reason``: fewest pixels of an image's side, and why.
    ``multiply_adds``: of the whole published network for one image of ``published_size`` pixels.
    ``published_accuracy``: top-1 on ImageNet, 0 to 1, as ``accuracy_source`` states it, of the
    network as it was published; it was not measured here. ``None`` where no source was found.
    ``licence``: of the weights, in short. ``attribution``: network, authors and licence as whoever
    passes the weights on has to name them; it continues "ImageNet weights of".
    ``colour``: of its strategies on every chart, ``#RRGGBB``; see ``core.charts.style``.
    ``features_can_be_negative``: the last feature map does not come out of a ReLU.
    ``depthwise``: it has depthwise convolutions; see ``DevicePolicy.backbone_precision``.
    ``top``: None where the network is used without its top only.
    ``trained_on``: ImageNet, or the name of the dataset that a backbone of one's own was trained
    on. ``network``: the backbone of Headstart that has the same layers as one of one's own.
    ``origin``: the run that it comes from; None for one that Headstart comes with.
    ``is_offered``: can be chosen for new experiments; one that was removed is there for old ones.
    """

    name: str
    title: str
    about: str
    builder: str | Callable[[int], tuple[LayerRecord, ...]]
    preparation: Preparation
    layers: Callable[[int, bool], tuple[LayerRecord, ...]]
    weights: WeightSet
    feature_layer: str
    smallest_size: int
    size_reason: str
    published_size: int
    multiply_adds: int
    published_accuracy: float | None
    accuracy_source: str
    licence: str
    attribution: str
    colour: str
    features_can_be_negative: bool = False
    depthwise: bool = False
    builder_options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    top: Top | None = None
    trained_on: str = "ImageNet"
    network: str = ""
    origin: "OwnOrigin | None" = None
    is_offered: bool = True

    @property
    def accuracy_words(self) -> str:
        """The published accuracy with its source, and what was not measured, in sentences."""
        if self.origin is not None:
            return "It was not measured on ImageNet."
        if self.published_accuracy is None:
            return "No source was found for its accuracy on ImageNet."
        stated = percent_text(self.published_accuracy)
        words = f"Top-1 accuracy on ImageNet {stated}, as {self.accuracy_source} states it."
        if self.weights.folder_url is None:
            words += " The accuracy of this conversion of its weights was not measured on ImageNet."
        return words

    @property
    def weight_sets(self) -> tuple[WeightSet, ...]:
        """The sets of weights that exist, the one without top first."""
        return (self.weights, self.top.weights) if self.top else (self.weights,)

    def weight_set(self, include_top: bool) -> WeightSet:
        """The weights with or without top."""
        return self._required_top().weights if include_top else self.weights

    def tapped_layer(self, include_top: bool) -> str:
        """Name of the layer that gives the features."""
        return self._required_top().layer if include_top else self.feature_layer

    def _required_top(self) -> Top:
        if self.top is None:
            raise BadInput(f"{self.title} is used without its top only.", "include_top")
        return self.top

    def side(self, image_size: int, include_top: bool) -> int:
        """Pixels of the side that the network sees. Raises ``BadInput`` for a size that does not
        fit, naming ``image_size``."""
        if image_size < self.smallest_size:
            raise BadInput(
                f"image_size is {image_size}; {self.title} needs at least {self.smallest_size} "
                f"pixels, because {self.size_reason}.",
                "image_size",
            )
        if not include_top:
            return image_size
        largest = self._required_top().size
        if image_size > largest:
            raise BadInput(
                f"image_size is {image_size}; the whole {self.title} works at {largest} pixels and "
                "takes no larger images.",
                "image_size",
            )
        return largest

    def feature_width(
        self, image_size: int, include_top: bool = False, pooled: bool = False
    ) -> int:
        """Numbers for each image that the features have: one for each place and channel of the
        last feature map, or ``pooled`` one for each channel."""
        output = self.layers(self.side(image_size, include_top), include_top)[-1].output
        return output[-1] if pooled else prod(output)

    @property
    def blocks(self) -> tuple[LayerRecord, ...]:
        """A record for each block, with the name and the output of its last layer; none where its
        layers are in no blocks."""
        layers = self.layers(self.published_size, False)
        return tuple(block for block in blocks_of(layers) if block.group)

    def frozen_through(self, layer: str) -> int:
        """How many of its layers, counted from its input, end with ``layer``."""
        names = [one.name for one in self.layers(self.published_size, False)]
        return names.index(layer) + 1

    def tapped_width(self, taps: Sequence[str]) -> int:
        """Numbers for each image that the pooled outputs of these layers have together."""
        channels = {one.name: one.output[-1] for one in self.layers(self.published_size, False)}
        return sum(channels[name] for name in taps)

    def parameters(self, include_top: bool = False) -> int:
        """All weights up to the layer that gives the features."""
        layers = self.layers(self.side(self.published_size, include_top), include_top)
        return sum(layer.parameters for layer in layers)

    def preparing_layer(
        self, image_size: int, side: int, mean_rgb: tuple[float, float, float] | None = None
    ) -> LayerRecord:
        """Makes ``(side, side, 3)`` float32 in the network's range of a stored uint8 image.

        ``mean_rgb`` (0 to 255, red first) is subtracted in place of ImageNet's mean colour.
        """
        return image_layer(
            "PrepareForBackbone",
            f"prepare_for_{self.name}",
            image_size,
            side,
            mean_rgb=mean_rgb or self.preparation.mean_rgb,
            deviation_rgb=self.preparation.deviation_rgb,
            blue_first=self.preparation.blue_first,
        )


def build_backbone(
    backbone: Backbone,
    image_size: int,
    arrays: Mapping[str, np.ndarray] | None,
    include_top: bool = False,
    precision: str | None = None,
) -> Any:
    """The Keras model up to the layer that gives its features: ``(n, S, S, 3)`` float32 in.

    Without top the output is a feature map ``(n, s, s, channels)``; with top it is a row
    ``(n, units)`` and S is the top's size. ``arrays`` as ``core.backbones.weights.access`` loads
    them; None leaves the random start. ``precision`` is a Keras dtype policy for these layers, None
    the current one. Only workers call this.
    """
    keras = load_keras()
    side = backbone.side(image_size, include_top)
    with dtype_policy(precision):
        if isinstance(backbone.builder, str):
            options = {**backbone.builder_options, "include_top": include_top, "weights": None}
            if not include_top:
                options["input_shape"] = (side, side, 3)
            whole = resolve_name(backbone.builder)(**options)
        else:
            own, *others = backbone.builder(side)
            images = keras.Input(own.output, name=own.name)
            whole = keras.Model(images, connect(others, make_layers(others), images))
        tapped = backbone.tapped_layer(include_top)
        if tapped not in {layer.name for layer in whole.layers}:
            whole = _with_last_layer_named(whole, tapped)
        features = whole.get_layer(tapped).output
        model = keras.Model(whole.inputs[0], features, name=backbone.name)
    if arrays is None:
        return model
    if backbone.weight_set(include_top).arrays:
        _assign(model, arrays)
    else:
        _assign_in_order(model, arrays, backbone.title)
    return model


def _with_last_layer_named(model: Any, name: str) -> Any:
    """A copy of a network whose last layer Keras numbers through the whole process, and with it
    the names of its weights, by which runs are stored."""
    import keras

    def copied(layer: Any) -> Any:
        config = layer.get_config()
        if layer is model.layers[-1]:
            config["name"] = name
        return layer.__class__.from_config(config)

    return keras.models.clone_model(model, clone_function=copied)


def _assign_in_order(model: Any, arrays: Mapping[str, np.ndarray], title: str) -> None:
    """Assign the arrays as Keras does: layer by layer in the order of the file, names aside.

    Raises ``WeightsRefused`` where the file is one of another network.
    """
    found: dict[str, list[np.ndarray]] = {}
    for name, array in arrays.items():
        found.setdefault(name.partition("/")[0], []).append(array)
    layers = [layer for layer in model.layers if layer.weights]
    # The order of the files: what is trained first, then moving averages.
    variables = [layer.trainable_weights + layer.non_trainable_weights for layer in layers]
    expected = [[tuple(one.shape) for one in of_layer] for of_layer in variables]
    given = [[array.shape for array in of_layer] for of_layer in found.values()]
    if expected != given:
        pairs = zip_longest([layer.name for layer in layers], expected, given)
        name, shapes, others = next(pair for pair in pairs if pair[1] != pair[2])
        raise WeightsRefused(
            f"The weights file of {title} is one of another network: at {name or 'its end'} it has "
            f"arrays of {others}, expected {shapes}."
        )
    for of_layer, values in zip(variables, found.values(), strict=True):
        for variable, value in zip(of_layer, values, strict=True):
            variable.assign(value)


def _assign(model: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Assign every array; a layer without arrays or arrays without a layer is a ``ValueError``."""
    layers = [layer for layer in model.layers if layer.weights]
    expected = {f"{layer.name}/{weight.name}" for layer in layers for weight in layer.weights}
    if expected != set(arrays):
        difference = ", ".join(sorted(expected ^ set(arrays)))
        raise ValueError(f"{model.name} and the arrays given do not match in: {difference}")
    for layer in layers:
        layer.set_weights([arrays[f"{layer.name}/{weight.name}"] for weight in layer.weights])
