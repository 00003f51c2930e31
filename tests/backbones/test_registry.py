"""One contract for all backbones: the record says what its Keras network is."""

import re

import numpy as np
import pytest

from core.backbones.backbone import build_backbone
from core.backbones.registry import BACKBONES, find_backbone
from core.errors import BadInput, UnknownName
from tests.backbones.blocks import counted

# Those whose blocks halve a size in ways of their own stand for the others of keras.applications,
# which test_keras_applications builds once.
BUILT = ("vgg16", "efficientnet_lite0", "squeezenet")
ODD = (*BUILT, "mobilenet_v2", "densenet121", "convnext_tiny")


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("name", "more"), [*((name, 0) for name in BUILT), *((name, 33) for name in ODD)]
)
def test_the_layers_of_the_record_are_those_of_the_network(name, more):
    backbone = find_backbone(name)
    built_as_recorded(backbone, backbone.smallest_size + more)


def built_as_recorded(backbone, side):
    """The network, which has the shape of each record's output and the parameters up to it; a
    record may be a block."""
    model = build_backbone(backbone, side, None)
    names = [layer.name for layer in model.layers]
    start = 0
    for record in backbone.layers(side, False):
        stop = 1 if record.kind == "InputLayer" else names.index(record.name) + 1
        inside = model.layers[start:stop]
        found = [record.parameters, record.normalization]
        assert (record.name, found) == (record.name, counted(inside))
        if start:
            assert inside[-1].output.shape[1:] == record.output
            assert type(inside[-1]).__name__ == record.kind
        start = stop
    assert start == len(names)
    assert record.name == backbone.feature_layer
    assert model.count_params() == backbone.parameters()
    assert np.prod(model.output_shape[1:]) == backbone.feature_width(side)
    return model


@pytest.mark.parametrize("name", list(BACKBONES))
def test_the_record_of_each_backbone_is_whole(name):
    backbone = find_backbone(name)
    assert backbone.published_accuracy is None or 0.5 < backbone.published_accuracy < 1
    assert backbone.accuracy_source
    assert re.fullmatch("#[0-9A-F]{6}", backbone.colour)
    assert backbone.licence
    assert backbone.attribution.startswith(backbone.title)
    assert backbone.about.endswith(".")
    assert backbone.multiply_adds > backbone.parameters()
    for weight_set in backbone.weight_sets:
        assert weight_set.backbone == backbone.name
        shapes = [entry.shape for entry in weight_set.arrays.values()]
        values = sum(map(np.prod, shapes)) or weight_set.values
        assert values == backbone.parameters(weight_set.include_top)
        assert weight_set.package or weight_set.folder_url
    with pytest.raises(BadInput, match=f"{backbone.title} needs at least") as caught:
        backbone.side(backbone.smallest_size - 1, False)
    assert caught.value.field == "image_size"


def test_vgg16_is_as_large_as_published():
    vgg16 = find_backbone("vgg16")
    assert (vgg16.parameters(), vgg16.parameters(True)) == (14_714_688, 134_260_544)
    assert len(vgg16.layers(224, False)) == 19
    assert (vgg16.feature_width(224), vgg16.feature_width(96), vgg16.feature_width(96, True)) == (
        25_088,
        4_608,
        4_096,
    )
    assert vgg16.multiply_adds == multiply_adds(vgg16.layers(224, True)) + 4_096 * 1_000


def multiply_adds(records):
    """Each filter of a convolution at every place, and each weight of a dense layer once."""
    found = 0
    for record in records:
        biases = record.output[-1] if record.options.get("use_bias", True) else 0
        if record.kind in ("Conv2D", "DepthwiseConv2D"):
            found += (record.parameters - biases) * record.output[0] ** 2
        elif record.kind == "Dense":
            found += record.parameters - biases
    return found


def test_efficientnet_lite0_is_as_large_as_published():
    """Google states 4.7 million parameters with the classifier, and 407 million multiply-adds:
    somewhat more than convolutions and classifier have."""
    lite0 = find_backbone("efficientnet_lite0")
    classifier = 1_280 * 1_000 + 1_000
    assert lite0.parameters() + classifier == 4_694_024
    assert lite0.multiply_adds == multiply_adds(lite0.builder(224)) + 1_280 * 1_000
    assert len(lite0.layers(224, False)) == 19
    assert (lite0.feature_width(160), lite0.feature_width(160, pooled=True)) == (32_000, 1_280)


def test_squeezenet_is_as_large_as_published():
    squeezenet = find_backbone("squeezenet")
    assert squeezenet.parameters() + 512 * 1_000 + 1_000 == 1_235_496
    classifier = 512 * 1_000 * 13**2
    assert squeezenet.multiply_adds == multiply_adds(squeezenet.builder(227)) + classifier
    assert squeezenet.feature_width(32) == 512


def test_an_unknown_backbone_names_the_known_ones():
    with pytest.raises(UnknownName, match=r"no backbone named 'resnet'. Known: .*vgg16"):
        find_backbone("resnet")


@pytest.mark.tensorflow
def test_arrays_are_assigned_by_name():
    import keras

    backbone = find_backbone("vgg16")
    arrays = {
        name: np.full(entry.shape, place, np.float32)
        for place, (name, entry) in enumerate(backbone.weights.arrays.items())
    }
    model = build_backbone(backbone, 32, arrays)
    assert isinstance(model, keras.Model)
    assert float(np.array(model.get_layer("block1_conv2").bias)[0]) == 3.0
