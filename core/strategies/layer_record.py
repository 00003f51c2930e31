"""One layer of a network as data: shapes and parameters worked out without Keras.

Each strategy declares its layers with the makers below, so that pages can draw a network without
loading TensorFlow. A contract test builds the real networks and compares layer by layer.
"""

from dataclasses import dataclass, replace
from itertools import groupby
from math import prod
from typing import Literal

Origin = Literal["ImageNet", "random", "zeros", "none"]
Part = Literal["picture", "VGG16", "own"]

VGG16_PART: Part = "VGG16"


@dataclass(frozen=True)
class LayerRecord:
    """One layer, in the order in which a picture goes through.

    ``name`` and ``kind`` are Keras' name and class; ``output`` is the shape of one picture's
    output, ``(height, width, channels)`` or ``(units,)``. ``frozen``: training leaves its
    parameters as they are. ``origin`` says where the parameters start: ``none`` where there are
    none, ``zeros`` for a layer that starts at nothing. ``part``: preparing the picture, the
    VGG16 network, or what the strategy adds itself. Layers with the same ``group`` belong
    together (a block); groups that repeat can be folded. ``words`` is what the layer does, in
    the line that ``outline_of`` makes; empty where it is not worth a word there.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int = 0
    frozen: bool = False
    origin: Origin = "none"
    part: Part = "own"
    group: str = ""
    words: str = ""

    @property
    def is_trained(self) -> bool:
        return self.parameters > 0 and not self.frozen


def picture_layer(kind: str, name: str, image_size: int, side: int | None = None) -> LayerRecord:
    """What makes ``(side, side, 3)`` of a stored picture; ``side`` is ``image_size`` if not given.

    Nothing is learned there.
    """
    side = side or image_size
    words = f"{side}×{side}×3 pixels"
    if side != image_size:
        words = f"{image_size}×{image_size} pixels, enlarged to {side}×{side}"
    return LayerRecord(name, kind, (side, side, 3), part="picture", words=words)


def convolution(
    before: LayerRecord, name: str, filters: int, kernel: int, padding: str = "same"
) -> LayerRecord:
    """``kernel`` × ``kernel`` filters, stride 1; ``valid`` padding loses a border."""
    side, _, channels = before.output
    if padding == "valid":
        side = max(0, side - kernel + 1)
    return LayerRecord(
        name,
        "Conv2D",
        (side, side, filters),
        parameters=kernel * kernel * channels * filters + filters,
        origin="random",
        words=f"convolution {filters} of {kernel}×{kernel}, {padding} padding, ReLU",
    )


def max_pooling(before: LayerRecord, name: str, pool: int) -> LayerRecord:
    """The largest of each ``pool`` × ``pool`` places; what does not fill a square is left out."""
    side, _, channels = before.output
    shape = (side // pool, side // pool, channels)
    return LayerRecord(name, "MaxPooling2D", shape, words=f"max pooling {pool}×{pool}")


def flatten(before: LayerRecord, name: str = "flatten") -> LayerRecord:
    """All numbers of a picture in one row."""
    units = prod(before.output)
    return LayerRecord(name, "Flatten", (units,), words=f"flatten {units_text(before.output)}")


def dense(before: LayerRecord, name: str, units: int) -> LayerRecord:
    """Every unit sees every number before it."""
    (inputs,) = before.output
    return LayerRecord(
        name,
        "Dense",
        (units,),
        parameters=inputs * units + units,
        origin="random",
        words=f"dense {units}",
    )


def dropout(before: LayerRecord, name: str, rate: float) -> LayerRecord:
    return LayerRecord(name, "Dropout", before.output, words=f"dropout {rate:g}")


def softmax(before: LayerRecord, class_count: int) -> LayerRecord:
    """The last layer of every network: a probability for each class."""
    return replace(dense(before, "predictions", class_count), words="softmax")


def units_text(shape: tuple[int, ...]) -> str:
    """``3×3×512 = 4608`` for a picture's shape, ``500`` for a row of units."""
    if len(shape) == 1:
        return str(shape[0])
    return f"{'×'.join(str(side) for side in shape)} = {prod(shape)}"


def outline_of(layers: tuple[LayerRecord, ...]) -> str:
    """The network in one line: VGG16 as one thing, blocks that repeat counted and said once."""
    steps: list[str] = []
    for part, members in groupby(layers, key=lambda layer: layer.part):
        found = list(members)
        steps += [_vgg16_words(found)] if part == VGG16_PART else _folded(found)
    return " → ".join(steps)


def _vgg16_words(layers: list[LayerRecord]) -> str:
    frozen = sum(layer.frozen for layer in layers)
    if frozen == len(layers):
        state = " (frozen)"
    elif frozen:
        state = f" (first {frozen} layers frozen)"
    elif any(layer.origin == "random" for layer in layers):
        state = " from random weights"
    else:
        state = " from ImageNet"
    return layers[0].words + state


def _folded(layers: list[LayerRecord]) -> list[str]:
    """The words of each block; of equal neighbours one, with how often it stands there."""
    blocks = [
        tuple(layer.words for layer in members if layer.words)
        for _, members in groupby(layers, key=lambda layer: layer.group or layer.name)
    ]
    steps: list[str] = []
    for words, equal in groupby(block for block in blocks if block):
        count = len(list(equal))
        if count == 1:
            steps += words
        elif len(words) == 1:
            steps.append(f"{count} × {words[0]}")
        else:
            steps.append(f"{count} × ({', '.join(words)})")
    return steps
