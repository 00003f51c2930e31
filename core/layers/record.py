"""One layer of a network as data: what it is, and what comes out of it, worked out without Keras.

A tuple of ``LayerRecord``s is the specification of a network. Pages draw it, ``outline_of`` puts it
into one line, its shapes say whether an image size fits, and ``core.layers.build.build_network``
makes the Keras network from it. No network is written twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import prod
from typing import Any, Literal

Origin = Literal["ImageNet", "random", "zeros", "none"]
Part = Literal["picture", "backbone", "own"]

BACKBONE_PART: Part = "backbone"


@dataclass(frozen=True)
class LayerRecord:
    """One layer; a network lists its layers in the order in which an image goes through.

    ``name`` and ``kind`` are the name of the Keras layer and its class.
    ``output`` is the shape of one image's output: ``(height, width, channels)`` or ``(units,)``.
    ``parameters`` counts all weights of the layer.
    ``frozen``: training leaves the parameters as they are.
    ``origin``: where the parameters start; ``none`` where there are none, ``zeros`` for a layer
    that starts at nothing.
    ``part``: ``picture`` prepares the image, ``backbone`` is pre-trained or could be, ``own`` is
    what the strategy adds.
    ``group``: layers with the same group form a block; blocks that repeat can be folded.
    ``words``: what the layer does, for ``outline_of``; empty where that is not worth a word.
    ``options``: the arguments of the Keras class, names and plain values.
    ``inputs``: names of the layers whose outputs it takes; empty means the layer before it.
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
    options: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()

    @property
    def is_trained(self) -> bool:
        return self.parameters > 0 and not self.frozen


def image_layer(
    kind: str, name: str, image_size: int, side: int | None = None, **options: Any
) -> LayerRecord:
    """Makes ``(side, side, 3)`` of a stored image; ``side`` is ``image_size`` if not given.

    ``kind`` is a layer of ``core.layers.own``; nothing is learned there.
    """
    side = side or image_size
    words = f"{side}×{side}×3 pixels"
    if side != image_size:
        words = f"{image_size}×{image_size} pixels, enlarged to {side}×{side}"
    return LayerRecord(
        name,
        kind,
        (side, side, 3),
        part="picture",
        words=words,
        options={"image_size": side, **options},
    )


def convolution(
    before: LayerRecord, name: str, filters: int, kernel: int, padding: str = "same"
) -> LayerRecord:
    """``kernel`` × ``kernel`` filters with ReLU, stride 1; ``valid`` padding loses a border."""
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
        options={
            "filters": filters,
            "kernel_size": kernel,
            "padding": padding,
            "activation": "relu",
        },
    )


def max_pooling(before: LayerRecord, name: str, pool: int) -> LayerRecord:
    """The largest of each ``pool`` × ``pool`` places; a square that is not full is left out."""
    side, _, channels = before.output
    return LayerRecord(
        name,
        "MaxPooling2D",
        (side // pool, side // pool, channels),
        words=f"max pooling {pool}×{pool}",
        options={"pool_size": pool},
    )


def flatten(before: LayerRecord, name: str = "flatten") -> LayerRecord:
    """All numbers of an image in one row."""
    units = prod(before.output)
    return LayerRecord(name, "Flatten", (units,), words=f"flatten {units_text(before.output)}")


def dense(before: LayerRecord, name: str, units: int, **options: Any) -> LayerRecord:
    """Every unit sees every number before it; ReLU unless ``options`` say otherwise."""
    (inputs,) = before.output
    return LayerRecord(
        name,
        "Dense",
        (units,),
        parameters=inputs * units + units,
        origin="random",
        words=f"dense {units}",
        options={"units": units, "activation": "relu", **options},
    )


def dropout(before: LayerRecord, name: str, rate: float) -> LayerRecord:
    """Switches off the fraction ``rate`` of the numbers at random, in training only."""
    return LayerRecord(
        name, "Dropout", before.output, words=f"dropout {rate:g}", options={"rate": rate}
    )


def addition(before: LayerRecord, name: str, inputs: tuple[str, ...]) -> LayerRecord:
    """The sum of the outputs of the layers named ``inputs``, all of the shape of ``before``."""
    return LayerRecord(name, "Add", before.output, inputs=inputs)


def softmax(before: LayerRecord, class_count: int, **options: Any) -> LayerRecord:
    """The last layer of every network: a probability for each class, float32 under every policy."""
    layer = dense(
        before, "predictions", class_count, activation="softmax", dtype="float32", **options
    )
    return replace(layer, words="softmax")


def units_text(shape: tuple[int, ...]) -> str:
    """``3×3×512 = 4608`` for the shape of a feature map, ``500`` for a row of units."""
    if len(shape) == 1:
        return str(shape[0])
    return f"{'×'.join(str(side) for side in shape)} = {prod(shape)}"


def outline_of(layers: tuple[LayerRecord, ...]) -> str:
    """The backbone as one thing, blocks that repeat counted and described once."""
    steps: list[str] = []
    for part, members in groupby(layers, key=lambda layer: layer.part):
        found = list(members)
        steps += [_backbone_words(found)] if part == BACKBONE_PART else _folded(found)
    return " → ".join(steps)


def _backbone_words(layers: list[LayerRecord]) -> str:
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
    """The words of each block; equal neighbours are described once, with their number."""
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
