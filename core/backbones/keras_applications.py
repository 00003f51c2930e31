"""The backbones of ``keras.applications`` beside VGG16: one entry each, and how an entry is read.

Only the hash of the official file is published of most weights, so the file is checked as a whole,
and Keras' order assigns its arrays. The blocks of each network are data
(``data/keras_applications.json``): a test builds the networks and compares.
Sources: file names, hashes and preprocessing from ``keras/src/applications``; licences from Keras'
documentation of 2019 (docs/templates/applications.md) and the authors' repositories; multiply-adds
from the convolutions and dense layers of the network, counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from core.backbones.backbone import Backbone, Preparation
from core.backbones.weights.digests import WeightSet, read_document
from core.layers.record import LayerRecord
from core.settings import BUNDLED_DATA
from core.text import size_text

FOLDER_URL = "https://storage.googleapis.com/tensorflow/keras-applications/"
BLOCKS = read_document(BUNDLED_DATA / "keras_applications.json")
KERAS_IO = "keras.io/api/applications"
PUBLISHED_SIZE = 224

# Means and deviations of the ImageNet training images, as PyTorch and the authors use them.
_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
_DEVIATION = (0.229 * 255, 0.224 * 255, 0.225 * 255)
TO_ONE = Preparation((127.5,) * 3, (127.5,) * 3, input_range="-1 to 1, red first")
STANDARDISED = Preparation(_MEAN, _DEVIATION, input_range="about -2.1 to 2.6, red first")
CAFFE = Preparation(
    (123.68, 116.779, 103.939), blue_first=True, input_range="about -124 to 151, blue first"
)
# Preprocessing that Keras puts inside some networks is left out there: it belongs to the record.
OUTSIDE = {"include_preprocessing": False}


@dataclass(frozen=True)
class Entry:
    """What is said of one network of ``keras.applications``; the fields are those of ``Backbone``.

    ``file``: folder and name of the official weights without top. ``hash``: None where Keras'
    source has none. ``by``: authors, paper and form of the weights, for ``attribution``.
    """

    name: str
    title: str
    about: str
    function: str
    file: str
    hash: str | None
    preparation: Preparation
    accuracy: float
    multiply_adds: int
    licence: str
    by: str
    colour: str
    accuracy_source: str = KERAS_IO
    signed: bool = False
    depthwise: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


def _layers(name: str, title: str, side: int, _include_top: bool) -> tuple[LayerRecord, ...]:
    """The input and one record for each block."""
    found = [LayerRecord("input_layer", "InputLayer", (side, side, 3), words=title)]
    for block in BLOCKS[name]:
        divided = -(-side // block["divide"]) if block["round"] == "up" else side // block["divide"]
        side = divided
        found.append(
            LayerRecord(
                block["name"],
                block["kind"],
                (side, side, block["channels"]),
                parameters=block["parameters"],
                normalization=block["normalization"],
                origin="random" if block["parameters"] else "none",
                group=block["name"],
            )
        )
    return tuple(found)


def backbone_of(entry: Entry) -> Backbone:
    """The record of an entry."""
    blocks = BLOCKS[entry.name]
    folder, _, file_name = entry.file.rpartition("/")
    values = sum(block["parameters"] for block in blocks)
    weights = WeightSet(
        backbone=entry.name,
        include_top=False,
        title=f"{entry.title} without top (ImageNet, {size_text(4 * values)})",
        file_name=file_name,
        folder_url=f"{FOLDER_URL}{folder}/",
        file_hash=entry.hash,
        digest=entry.hash or f"file:{file_name}",
        arrays={},
        values=values,
    )
    return Backbone(
        name=entry.name,
        title=entry.title,
        about=f"{entry.about}, trained on the photographs of ImageNet.",
        builder=f"keras.applications:{entry.function}",
        builder_options=entry.options,
        preparation=entry.preparation,
        layers=partial(_layers, entry.name, entry.title),
        weights=weights,
        feature_layer=blocks[-1]["name"],
        smallest_size=32,
        size_reason="it halves the image five times",
        published_size=PUBLISHED_SIZE,
        multiply_adds=entry.multiply_adds,
        published_accuracy=entry.accuracy,
        accuracy_source=entry.accuracy_source,
        licence=f"{entry.licence}; ImageNet is for non-commercial research",
        attribution=f"{entry.title} by {entry.by}",
        colour=entry.colour,
        features_can_be_negative=entry.signed,
        depthwise=entry.depthwise,
    )


ENTRIES = (
    Entry(
        name="resnet50",
        title="ResNet50",
        about="A network of 50 layers with shortcuts (Microsoft, 2015)",
        function="ResNet50",
        file="resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        hash="md5:4d473c1dd8becc155b73f8504c6f6626",
        preparation=CAFFE,
        accuracy=0.749,
        multiply_adds=3_857_973_248,
        licence="MIT (Kaiming He)",
        by="K. He and others (2015), under MIT, in the form that Keras publishes",
        colour="#B4288C",
    ),
    Entry(
        name="resnet50v2",
        title="ResNet50V2",
        about="ResNet50 with each convolution after its normalisation (Microsoft, 2016)",
        function="ResNet50V2",
        file="resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        hash="md5:fac2f116257151a9d068a22e544a4917",
        preparation=TO_ONE,
        accuracy=0.760,
        multiply_adds=3_482_255_360,
        licence="BSD (Facebook)",
        by="K. He and others (2016), weights by Facebook under BSD, in the form that Keras "
        "publishes",
        colour="#64A064",
    ),
    Entry(
        name="mobilenet_v2",
        title="MobileNetV2",
        about="A small network for telephones (Google, 2018)",
        function="MobileNetV2",
        depthwise=True,
        file="mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        hash=None,
        preparation=TO_ONE,
        accuracy=0.713,
        multiply_adds=300_774_272,
        licence="Apache-2.0 (Google)",
        by="Google (M. Sandler and others, 2018), under Apache-2.0, in the form that Keras "
        "publishes",
        colour="#FA3C8C",
    ),
    Entry(
        name="mobilenet_v3_large",
        title="MobileNetV3 large",
        about="A small network for telephones, found by a search (Google, 2019)",
        function="MobileNetV3Large",
        depthwise=True,
        file="mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
        hash="md5:07fb09a5933dd0c8eaafa16978110389",
        preparation=TO_ONE,
        accuracy=0.756,
        accuracy_source="the source of Keras (mobilenet_v3.py)",
        multiply_adds=216_589_760,
        licence="Apache-2.0 (Google)",
        by="Google (A. Howard and others, 2019), under Apache-2.0, in the form that Keras "
        "publishes",
        colour="#506E3C",
        signed=True,
        options=OUTSIDE,
    ),
    Entry(
        name="densenet121",
        title="DenseNet121",
        about="A network in which each layer sees all before it (Cornell and others, 2017)",
        function="DenseNet121",
        file="densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        hash="md5:30ee3e1110167f948a6b9946edeeb738",
        preparation=STANDARDISED,
        accuracy=0.750,
        multiply_adds=2_834_161_664,
        licence="BSD-3-Clause (Zhuang Liu)",
        by="G. Huang and others (2017), under BSD-3-Clause, in the form that Keras publishes",
        colour="#826EB4",
    ),
    Entry(
        name="efficientnet_v2_b0",
        title="EfficientNetV2-B0",
        about="A network that trains fast for its accuracy (Google, 2021)",
        function="EfficientNetV2B0",
        depthwise=True,
        file="efficientnet_v2/efficientnetv2-b0_notop.h5",
        hash="md5:893217f2bb855e2983157299931e43ff",
        preparation=STANDARDISED,
        accuracy=0.787,
        multiply_adds=718_086_176,
        licence="Apache-2.0 (Google)",
        by="Google (M. Tan and Q. Le, 2021), under Apache-2.0, in the form that Keras publishes",
        colour="#B482B4",
        signed=True,
        options=OUTSIDE,
    ),
    Entry(
        name="convnext_tiny",
        title="ConvNeXt-Tiny",
        about="A convolutional network of the year 2022 with ideas of transformers (Facebook)",
        function="ConvNeXtTiny",
        depthwise=True,
        file="convnext/convnext_tiny_notop.h5",
        hash="sha256:d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        preparation=STANDARDISED,
        accuracy=0.813,
        multiply_adds=4_455_531_264,
        licence="MIT (Facebook AI Research)",
        by="Facebook AI Research (Z. Liu and others, 2022), under MIT, in the form that Keras "
        "publishes",
        colour="#C82864",
        signed=True,
        options=OUTSIDE,
    ),
)

KERAS_APPLICATIONS = tuple(backbone_of(entry) for entry in ENTRIES)
