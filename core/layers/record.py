"""One layer of a network as data, with the shape of its output, worked out without Keras.

A tuple of ``LayerRecord``s specifies a network. Pages draw it, ``outline_of`` describes it in one
line, its shapes tell whether an image size fits, and ``build_network`` makes the Keras network. No
network is written twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import prod
from typing import Any, Literal

Origin = Literal["pretrained", "random", "zeros", "none"]
Part = Literal["image", "backbone", "own"]

BACKBONE_PART: Part = "backbone"


@dataclass(frozen=True)
class LayerRecord:
    """One layer; a network lists its layers in the order in which an image goes through.

    ``name`` and ``kind`` are the name of the Keras layer and its class.
    ``output`` is the shape of one image's output: ``(height, width, channels)`` or ``(units,)``.
    ``parameters`` counts all weights of the layer.
    ``normalization`` counts those of them that belong to batch normalisation.
    ``frozen``: training leaves the parameters as they are.
    ``origin``: the initial values of the parameters; ``none`` for a layer without parameters.
    ``trained_on``: where pre-trained values were learned: ImageNet, or the name of a dataset.
    ``part``: ``image`` prepares the image, ``backbone`` is the network that can be pre-trained,
    ``own`` is what the strategy adds.
    ``group``: layers with the same group form a block; ``outline_of`` folds blocks that repeat.
    ``words``: what the layer does, for ``outline_of``; empty leaves the layer out there.
    ``options``: the arguments of the Keras class, names and plain values.
    ``inputs``: names of the layers whose outputs it takes, for a network that branches; empty
    means the layer before it.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int = 0
    normalization: int = 0
    frozen: bool = False
    origin: Origin = "none"
    trained_on: str = ""
    part: Part = "own"
    group: str = ""
    words: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()

    @property
    def trained_parameters(self) -> int:
        """How many of the parameters training changes.

        Batch normalisation that was pre-trained stays as it is and runs in inference mode
        where the layers around it are trained: a few small batches would spoil its averages.
        """
        if self.frozen:
            return 0
        return self.parameters - (self.normalization if self.origin == "pretrained" else 0)

    @property
    def is_trained(self) -> bool:
        return self.trained_parameters > 0


def image_layer(
    kind: str, name: str, image_size: int, side: int | None = None, **options: Any
) -> LayerRecord:
    """Makes ``(side, side, 3)`` of a stored image; ``side`` is ``image_size`` if not given.

    ``kind`` is a layer of ``core.layers.own``; it has no parameters.
    """
    side = side or image_size
    words = f"{side}×{side}×3 pixels"
    if side != image_size:
        words = f"{image_size}×{image_size} pixels, enlarged to {side}×{side}"
    options = {"image_size": side, **options}
    return LayerRecord(name, kind, (side, side, 3), part="image", words=words, options=options)


def convolution(
    before: LayerRecord, name: str, filters: int, kernel: int, padding: str = "same", **options: Any
) -> LayerRecord:
    """``kernel`` × ``kernel`` filters with ReLU; ``valid`` padding loses a border.

    ``options`` may name ``strides``, another ``activation`` and ``use_bias``.
    """
    channels = before.output[-1]
    side = _size_after(before, kernel, options.get("strides", 1), padding)
    options = {
        "filters": filters,
        "kernel_size": kernel,
        "padding": padding,
        "activation": "relu",
        **options,
    }
    biases = filters if options.get("use_bias", True) else 0
    words = f"convolution {filters} of {kernel}×{kernel}, {padding} padding"
    return LayerRecord(
        name,
        "Conv2D",
        (side, side, filters),
        parameters=kernel * kernel * channels * filters + biases,
        origin="random",
        words=f"{words}, ReLU" if options["activation"] == "relu" else words,
        options=options,
    )


def depthwise_convolution(
    before: LayerRecord, name: str, kernel: int, strides: int = 1
) -> LayerRecord:
    """One ``kernel`` × ``kernel`` filter for each channel, ``same`` padding, without bias."""
    channels = before.output[-1]
    side = _size_after(before, kernel, strides, "same")
    return LayerRecord(
        name,
        "DepthwiseConv2D",
        (side, side, channels),
        parameters=kernel * kernel * channels,
        origin="random",
        words=f"depthwise convolution of {kernel}×{kernel}",
        options={"kernel_size": kernel, "strides": strides, "padding": "same", "use_bias": False},
    )


def _size_after(before: LayerRecord, kernel: int, strides: int, padding: str) -> int:
    side = before.output[0]
    if padding == "valid":
        return max(0, (side - kernel) // strides + 1)
    return -(-side // strides)


def batch_normalization(before: LayerRecord, name: str, epsilon: float) -> LayerRecord:
    """Scale, shift, moving mean and moving variance of each channel."""
    count = 4 * before.output[-1]
    return LayerRecord(
        name,
        "BatchNormalization",
        before.output,
        parameters=count,
        normalization=count,
        origin="random",
        options={"epsilon": epsilon},
    )


def merged(
    before: Sequence[LayerRecord], name: str, kind: Literal["Add", "Concatenate"]
) -> LayerRecord:
    """The outputs of several layers added up, or their channels side by side."""
    *shape, channels = before[0].output
    if kind == "Concatenate":
        channels = sum(layer.output[-1] for layer in before)
    return LayerRecord(name, kind, (*shape, channels), inputs=tuple(layer.name for layer in before))


def max_pooling(
    before: LayerRecord, name: str, pool: int, strides: int | None = None
) -> LayerRecord:
    """The maximum of each full ``pool`` × ``pool`` square; an incomplete one is left out.

    The squares lie side by side, or ``strides`` pixels apart.
    """
    side = _size_after(before, pool, strides or pool, "valid")
    words = f"max pooling {pool}×{pool}"
    options = {"pool_size": pool} | ({"strides": strides} if strides else {})
    return LayerRecord(
        name, "MaxPooling2D", (side, side, before.output[-1]), words=words, options=options
    )


def flatten(before: LayerRecord, name: str = "flatten") -> LayerRecord:
    """All numbers of an image in one row."""
    words = f"flatten {units_text(before.output)}"
    return LayerRecord(name, "Flatten", (prod(before.output),), words=words)


def dense(before: LayerRecord, name: str, units: int, **options: Any) -> LayerRecord:
    """A fully connected layer with ReLU, unless ``options`` name another activation."""
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
    """Sets the fraction ``rate`` of the numbers to 0 at random, in training only."""
    words = f"dropout {rate:g}"
    return LayerRecord(name, "Dropout", before.output, words=words, options={"rate": rate})


def softmax(before: LayerRecord, class_count: int, **options: Any) -> LayerRecord:
    """The last layer of every network: a probability for each class, float32 under every policy."""
    layer = dense(
        before, "predictions", class_count, activation="softmax", dtype="float32", **options
    )
    return replace(layer, words="softmax")


def blocks_of(layers: Sequence[LayerRecord]) -> tuple[LayerRecord, ...]:
    """One record for each ``group`` of neighbours: name, kind and output of its last layer, all its
    parameters. What later layers take must leave a block through its last layer."""
    found = []
    for _, members in groupby(layers, key=lambda layer: layer.group or layer.name):
        block = list(members)
        parameters = sum(layer.parameters for layer in block)
        folded = replace(
            block[-1],
            parameters=parameters,
            normalization=sum(layer.normalization for layer in block),
            origin="random" if parameters else "none",
            words=", ".join(layer.words for layer in block if layer.words),
            options={},
            inputs=(),
        )
        found.append(folded)
    return tuple(found)


def units_text(shape: tuple[int, ...]) -> str:
    """``3×3×512 = 4608`` for the shape of a feature map, ``500`` for a row of units."""
    if len(shape) == 1:
        return str(shape[0])
    return f"{'×'.join(str(side) for side in shape)} = {prod(shape)}"


def outline_of(layers: tuple[LayerRecord, ...]) -> str:
    """The layers in one line: the backbone as one step, blocks that repeat counted."""
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
        trained_on = next((layer.trained_on for layer in layers if layer.trained_on), "")
        state = f" from {trained_on}"
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


def build_network(records: Sequence[LayerRecord], input_shape: tuple[int, ...], name: str) -> Any:
    """A Keras model: uint8 ``(n, *input_shape)`` in, the output of the last of ``records`` out.

    Only workers call this: it loads Keras. The weights are called ``name/layer/variable``, which is
    how checkpoints know them.
    """
    import keras

    inputs = keras.Input(input_shape, dtype="uint8")
    with keras.name_scope(name):
        outputs = connect(records, make_layers(records), inputs)
    return keras.Model(inputs, outputs, name=name)


def make_layers(records: Sequence[LayerRecord]) -> list[Any]:
    """One Keras layer for each record, not yet connected.

    Keras draws a random seed for each layer as it is made, so the same records in the same order
    and the same seed give the same starting weights.
    """
    return [_class_of(record.kind)(name=record.name, **record.options) for record in records]


def connect(records: Sequence[LayerRecord], layers: Sequence[Any], tensor: Any) -> Any:
    """The output of the last of ``layers``, the first one fed with ``tensor``.

    Calling this twice with the same layers gives two networks that share their weights. Raises
    ``ValueError`` where a record's ``inputs`` name no earlier layer.
    """
    outputs: dict[str, Any] = {}
    for record, layer in zip(records, layers, strict=True):
        unknown = [name for name in record.inputs if name not in outputs]
        if unknown:
            raise ValueError(f"{record.name} takes {', '.join(unknown)}, which is not before it")
        taken = [outputs[name] for name in record.inputs] or [tensor]
        tensor = outputs[record.name] = layer(taken if len(taken) > 1 else taken[0])
    return tensor


def _class_of(kind: str) -> Any:
    import keras

    from core.layers import own

    found = getattr(own, kind, None) or getattr(keras.layers, kind, None)
    if found is None:
        raise ValueError(f"there is no layer of the kind {kind}")
    return found
