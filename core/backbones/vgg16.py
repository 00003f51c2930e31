"""VGG16 (Simonyan and Zisserman 2014, configuration D): layers, weights and record.

The convolution base is known array by array (``data/vgg16_notop_digests.json``). Of the network
with fc1 and fc2 only the md5 of the official file is known, and its convolutions are held to the
digests of the base.
"""

from dataclasses import replace

import numpy as np

from core.backbones.backbone import Backbone, Preparation, Top
from core.backbones.weights.digests import (
    ArrayDigest,
    WeightSet,
    digests_of,
    package_of,
    published_arrays,
    read_document,
)
from core.errors import WeightsRefused
from core.layers.record import LayerRecord, convolution, dense, flatten, max_pooling
from core.settings import BUNDLED_DATA

# Filters and number of convolutions of each block.
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
TOP_UNITS = 4096
TOP_SIZE = 224

ONNX_FILE = "The wheel's ONNX file"
PUBLISHED = read_document(BUNDLED_DATA / "vgg16_notop_digests.json")
# Source of file names, md5s and shapes of the top: keras/src/applications/vgg16.py.
FOLDER_URL = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
TOP_SHAPES: dict[str, tuple[int, ...]] = {
    "fc1/kernel": (25088, 4096),
    "fc1/bias": (4096,),
    "fc2/kernel": (4096, 4096),
    "fc2/bias": (4096,),
}


def layers(side: int, include_top: bool) -> tuple[LayerRecord, ...]:
    """From the prepared image of ``side`` pixels to ``block5_pool``, with top to ``fc2``."""
    words = "VGG16 with fc1 and fc2" if include_top else "VGG16 base"
    found = [LayerRecord("input_layer", "InputLayer", (side, side, 3), words=words)]
    for number, (filters, convolutions) in enumerate(BLOCKS, start=1):
        block = f"block{number}"
        for place in range(1, convolutions + 1):
            layer = convolution(found[-1], f"{block}_conv{place}", filters, kernel=3)
            found.append(replace(layer, group=block))
        found.append(replace(max_pooling(found[-1], f"{block}_pool", 2), group=block))
    if include_top:
        found.append(replace(flatten(found[-1]), group="fc"))
        for name in ("fc1", "fc2"):
            found.append(replace(dense(found[-1], name, TOP_UNITS), group="fc"))
    return tuple(found)


def arrays_from_onnx(member: bytes, expected: WeightSet) -> dict[str, np.ndarray]:
    """The arrays of ``expected`` out of the wheel's ONNX file, float32, each one digest-checked.

    ONNX keeps kernels as (out, in, height, width); Keras wants (height, width, in, out).
    """
    import onnx
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in onnx.load_from_string(member).graph.initializer}
    found: dict[str, np.ndarray] = {}
    for name in expected.arrays:
        layer, part = name.split("/")
        inner = "convolution/ReadVariableOp:0" if part == "kernel" else "Squeeze:0"
        tensor_name = f"functional_1/{layer}_1/{inner}"
        if tensor_name not in tensors:
            raise WeightsRefused(f"{ONNX_FILE} was refused: it has no {tensor_name}.")
        array = numpy_helper.to_array(tensors[tensor_name])
        found[name] = array.transpose(2, 3, 1, 0) if part == "kernel" else array
    return published_arrays(found, expected.arrays, ONNX_FILE)


TOP_WEIGHTS = WeightSet(
    backbone="vgg16",
    include_top=True,
    title="full VGG16 with fc1 and fc2 (ImageNet, 528 MB)",
    file_name="vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    folder_url=FOLDER_URL,
    file_hash="md5:64373286793e3c8b2b4e3219cbf3544b",
    digest="md5:64373286793e3c8b2b4e3219cbf3544b",
    arrays=digests_of(PUBLISHED)
    | {name: ArrayDigest(shape, None) for name, shape in TOP_SHAPES.items()},
)

WEIGHTS = WeightSet(
    backbone="vgg16",
    include_top=False,
    title="VGG16 convolution base (ImageNet, 59 MB)",
    file_name="vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    folder_url=FOLDER_URL,
    file_hash="md5:6d6bbae143d832006294945121d1f1fc",
    digest=PUBLISHED["all"],
    arrays=digests_of(PUBLISHED),
    package=package_of(PUBLISHED, arrays_from_onnx),
    inside=TOP_WEIGHTS,
)

VGG16 = Backbone(
    name="vgg16",
    title="VGG16",
    about="A well-known network of 16 layers (Oxford, 2014), trained on the photographs of "
    "ImageNet.",
    builder="keras.applications:VGG16",
    # Mean of the ImageNet training images; source: keras.applications.imagenet_utils ("caffe").
    preparation=Preparation(
        mean_rgb=(123.68, 116.779, 103.939),
        blue_first=True,
        input_range="about -124 to 151, blue first",
    ),
    layers=layers,
    weights=WEIGHTS,
    feature_layer="block5_pool",
    smallest_size=2 ** len(BLOCKS),
    size_reason="its five poolings each halve the image",
    published_size=TOP_SIZE,
    multiply_adds=15_470_264_320,
    published_accuracy=0.713,
    accuracy_source="keras.io/api/applications",
    licence="CC BY 4.0 (Visual Geometry Group, Oxford); ImageNet is for non-commercial research",
    attribution="VGG16 by the Visual Geometry Group, University of Oxford (K. Simonyan and A. "
    'Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014), under '
    "CC BY 4.0, in the form that Keras publishes",
    colour="#007864",
    top=Top(TOP_WEIGHTS, layer="fc2", size=TOP_SIZE, words="fc1 and fc2"),
)
