"""The record that describes one backbone: a network pre-trained on ImageNet.

It names the Keras builder by its dotted path and imports none, so that the web process can show
and draw backbones without loading TensorFlow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from core.backbones.weights.digests import WeightSet
from core.errors import BadInput
from core.layers.record import LayerRecord


@dataclass(frozen=True)
class Preparation:
    """What a backbone does to pixels (0 to 255) first: minus the mean, by the deviation.

    All values are 0 to 255, red first; ``blue_first`` turns the channels round after that.
    ``input_range`` says in words what comes out.
    """

    mean_rgb: tuple[float, float, float]
    deviation_rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blue_first: bool = False
    input_range: str = ""


@dataclass(frozen=True)
class Backbone:
    """A pre-trained network.

    ``name`` begins the names of its strategies; ``title`` and ``about`` are for people.
    ``builder``: ``"module:function"`` with the interface of ``keras.applications``: called with
    ``include_top``, ``weights=None`` and, without top, ``input_shape``.
    ``layers(side, include_top)``: the records of its layers for images of ``side`` pixels, from
    its own input to ``feature_layer`` or ``top_layer``. A record may stand for a whole block; it
    then has the name and the output of the last Keras layer of the block. Each record is a freeze
    point: the first k can be frozen.
    ``feature_layer``, ``top_layer``: the layers whose output can be kept as features, without and
    with the top; ``top_layer`` is None where the top is not used.
    ``smallest_size``, ``size_reason``: fewest pixels of an image's side, and why.
    ``top_size``: the one side that the top takes; smaller images are enlarged to it.
    ``multiply_adds``: of the whole published network for one image of ``published_size`` pixels.
    ``published_accuracy``: top-1 on ImageNet, 0 to 1, as ``accuracy_source`` states it; it was not
    measured here.
    """

    name: str
    title: str
    about: str
    builder: str
    preparation: Preparation
    layers: Callable[[int, bool], tuple[LayerRecord, ...]]
    weights: WeightSet
    feature_layer: str
    smallest_size: int
    size_reason: str
    published_size: int
    multiply_adds: int
    published_accuracy: float
    accuracy_source: str
    licence: str
    top_weights: WeightSet | None = None
    top_layer: str | None = None
    top_size: int | None = None

    @property
    def weight_sets(self) -> tuple[WeightSet, ...]:
        """The sets of weights that exist, the one without top first."""
        return (self.weights,) if self.top_weights is None else (self.weights, self.top_weights)

    def weight_set(self, include_top: bool) -> WeightSet:
        """The weights with or without top; ``BadInput`` where there are none with top."""
        if not include_top:
            return self.weights
        if self.top_weights is None:
            raise BadInput(f"{self.title} is used without its top only.", "include_top")
        return self.top_weights

    def tapped_layer(self, include_top: bool) -> str:
        """Name of the layer that gives the features."""
        if not include_top:
            return self.feature_layer
        if self.top_layer is None:
            raise BadInput(f"{self.title} is used without its top only.", "include_top")
        return self.top_layer

    def side(self, image_size: int, include_top: bool) -> int:
        """Pixels of the side that the network sees. Raises ``BadInput`` for a size that does not
        fit, naming ``image_size``."""
        if image_size < self.smallest_size:
            raise BadInput(
                f"image_size is {image_size}; {self.title} needs at least {self.smallest_size} "
                f"pixels, because {self.size_reason}.",
                "image_size",
            )
        if not include_top or self.top_size is None:
            return image_size
        if image_size > self.top_size:
            raise BadInput(
                f"image_size is {image_size}; the whole {self.title} works at {self.top_size} "
                "pixels and takes no larger pictures.",
                "image_size",
            )
        return self.top_size

    def feature_width(self, image_size: int, include_top: bool = False) -> int:
        """Numbers for each image that the features have, flattened."""
        return prod(self.layers(self.side(image_size, include_top), include_top)[-1].output)

    def parameters(self, include_top: bool = False) -> int:
        """All weights up to the layer that gives the features."""
        layers = self.layers(self.side(self.published_size, include_top), include_top)
        return sum(layer.parameters for layer in layers)
