"""SqueezeNet 1.1 (Iandola and others, 2016): layers, weights and record.

The weights are those that the authors published for Caffe, in Keras layout, out of a source
archive; each array is known by its digest. Convolution 1 loses a border, and poolings leave an
incomplete square out, as in Keras' ports; Caffe fills it up, which makes other image sizes differ.
Source of the layers: github.com/forresti/SqueezeNet, SqueezeNet_v1.1.
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
from core.backbones.weights.pickles import read_numpy_pickle
from core.layers.record import LayerRecord, blocks_of, convolution, max_pooling, merged
from core.settings import BUNDLED_DATA

# Filters of the first convolution of each fire module, and of each of the two after it.
FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128)}
FIRES |= {6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
POOLED_AFTER = (3, 5)

PUBLISHED = read_document(BUNDLED_DATA / "squeezenet_digests.json")
PKL_FILE = "The source archive's .pkl file"
CLASSIFIER = "conv10"


def network(side: int) -> tuple[LayerRecord, ...]:
    """From the prepared image of ``side`` pixels to ``fire9_concat``, each fire module a group."""
    found = [LayerRecord("input_layer", "InputLayer", (side, side, 3), words="SqueezeNet")]
    found.append(convolution(found[-1], "conv1", 64, kernel=3, padding="valid", strides=2))
    found.append(max_pooling(found[-1], "pool1", 3, strides=2))
    for number, (squeezed, expanded) in FIRES.items():
        found += _fire(found[-1], f"fire{number}", squeezed, expanded)
        if number in POOLED_AFTER:
            found.append(max_pooling(found[-1], f"pool{number}", 3, strides=2))
    return tuple(found)


def _fire(before: LayerRecord, name: str, squeezed: int, expanded: int) -> list[LayerRecord]:
    squeeze = convolution(before, f"{name}_squeeze1x1", squeezed, kernel=1)
    taken = (squeeze.name,)
    small = replace(convolution(squeeze, f"{name}_expand1x1", expanded, kernel=1), inputs=taken)
    large = replace(convolution(squeeze, f"{name}_expand3x3", expanded, kernel=3), inputs=taken)
    joined = merged((small, large), f"{name}_concat", "Concatenate")
    return [replace(layer, group=name) for layer in (squeeze, small, large, joined)]


def layers(side: int, _include_top: bool) -> tuple[LayerRecord, ...]:
    """One record for each block; it is used without its top only."""
    return blocks_of(network(side))


def keras_name(name: str) -> str:
    """``fire2_squeeze1x1/kernel`` of ``fire2/squeeze1x1/kernel``."""
    layer, _, part = name.rpartition("/")
    return f"{layer.replace('/', '_')}/{part}"


def arrays_from_pkl(member: bytes, expected: WeightSet) -> dict[str, np.ndarray]:
    """All arrays of ``expected`` and its classifier out of the archive's ``.pkl`` file, float32."""
    found = {
        keras_name(f"{layer}/{part}"): array
        for layer, arrays in read_numpy_pickle(member, PKL_FILE).items()
        for part, array in zip(("kernel", "bias"), arrays, strict=False)
    }
    return published_arrays(found, expected.content, PKL_FILE)


_CONTENT = digests_of(PUBLISHED, keras_name)

WEIGHTS = WeightSet(
    backbone="squeezenet",
    include_top=False,
    title="SqueezeNet 1.1 (ImageNet, 5 MB)",
    file_name="squeezenet_imagenet.h5",
    digest=PUBLISHED["all"],
    arrays={name: entry for name, entry in _CONTENT.items() if not name.startswith(CLASSIFIER)},
    classifier={name: entry for name, entry in _CONTENT.items() if name.startswith(CLASSIFIER)},
    package=package_of(PUBLISHED, arrays_from_pkl),
)

SQUEEZENET = Backbone(
    name="squeezenet",
    title="SqueezeNet",
    about="A very small network (Berkeley and Stanford, 2016), trained on the photographs of "
    "ImageNet.",
    builder=network,
    # Source: the digests, from Caffe's mean of the ImageNet training images.
    preparation=Preparation(
        mean_rgb=(122.679, 116.669, 104.006),
        blue_first=True,
        input_range="about -123 to 151, blue first",
    ),
    layers=layers,
    weights=WEIGHTS,
    feature_layer="fire9_concat",
    smallest_size=32,
    size_reason="its convolution and poolings halve the image four times",
    published_size=227,
    multiply_adds=352_540_352,
    published_accuracy=0.575,
    accuracy_source="the paper of its authors (version 1.0, which they call as accurate as 1.1)",
    licence="MIT (ndf; the authors' own weights: BSD-2-Clause); ImageNet is for non-commercial "
    "research",
    attribution="SqueezeNet 1.1 by F. Iandola and others (2016), in the form of ndf by P. Godec, "
    "under MIT",
    colour="#C81432",
)
