"""Networks with their batch normalisation folded give what they gave before."""

import keras
import numpy as np
import pytest

from core.backbones.backbone import build_backbone
from core.backbones.efficientnet_lite0 import EFFICIENTNET_LITE0
from core.backbones.features import FeatureRequest, build_extractor
from core.backbones.folding import folded
from core.backbones.weights import access as weights

pytestmark = pytest.mark.tensorflow


def shaken(model):
    """``model`` with statistics as training leaves them, in place of zeros and ones."""
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, one.shape) for one in layer.weights])
    return model


def normalisations(model):
    return [one.name for one in model.layers if isinstance(one, keras.layers.BatchNormalization)]


def branching():
    """What can be folded, and beside it every reason not to."""
    layers = keras.layers
    images = keras.Input((12, 12, 3))
    first = layers.Conv2D(6, 3, strides=2, use_bias=False, name="plain")(images)
    first = layers.ReLU(6.0)(layers.BatchNormalization(name="after_plain")(first))
    spread = layers.DepthwiseConv2D(
        3, depth_multiplier=2, padding="same", bias_initializer="ones", name="depthwise"
    )
    second = layers.BatchNormalization(scale=False, name="after_depthwise")(spread(first))
    active = layers.Conv2D(6, 1, activation="relu", name="active")(second)
    third = layers.BatchNormalization(name="after_activation")(active)
    twice = layers.Conv2D(6, 1, name="taken_twice")(third)
    fourth = layers.BatchNormalization(name="after_taken_twice")(twice)
    alone = layers.BatchNormalization(center=False, name="alone")(first)
    row = layers.Add()([fourth, twice, alone])
    return shaken(keras.Model(images, row, name="branching"))


@pytest.fixture
def pixels():
    return np.random.default_rng(1).normal(size=(3, 12, 12, 3)).astype(np.float32)


def test_only_what_a_convolution_alone_gives_is_folded_into_it(pixels):
    model = branching()
    copy = folded(model)
    assert normalisations(copy) == ["after_activation", "after_taken_twice", "alone"]
    inside = [[layer.name for layer in each.layers[1:]] for each in (copy, model)]
    assert inside[0] == inside[1]
    assert copy.name == model.name
    expected = np.asarray(keras.ops.convert_to_numpy(model(pixels)))
    found = np.asarray(keras.ops.convert_to_numpy(copy(pixels)))
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_layer_whose_own_output_is_wanted_is_kept(pixels):
    model = branching()
    copy = folded(model, kept=["plain"])
    assert "after_plain" in normalisations(copy)
    for name in ("plain", "after_depthwise"):
        one, other = (
            keras.Model(each.inputs[0], each.get_layer(name).output) for each in (model, copy)
        )
        expected = keras.ops.convert_to_numpy(one(pixels))
        found = keras.ops.convert_to_numpy(other(pixels))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_network_without_normalisation_is_not_copied():
    images = keras.Input((8, 8, 3))
    model = keras.Model(images, keras.layers.Conv2D(2, 3)(images))
    assert folded(model) is model


@pytest.mark.usefixtures("weights_home")
def test_the_extractor_of_a_network_of_depthwise_convolutions(monkeypatch):
    backbone, mean = EFFICIENTNET_LITE0, EFFICIENTNET_LITE0.preparation.mean_rgb
    network = shaken(build_backbone(backbone, 32, None, precision="float32"))
    arrays = {
        f"{layer.name}/{weight.name}": keras.ops.convert_to_numpy(weight)
        for layer in network.layers
        for weight in layer.weights
    }
    monkeypatch.setattr(weights, "load_weights", lambda _: arrays)
    images = np.random.default_rng(2).integers(0, 256, (2, 32, 32, 3), np.uint8)
    pixels = (images.astype(np.float32) - 127) / 128
    expected = keras.ops.convert_to_numpy(network(pixels)).mean(axis=(1, 2))
    assert expected.std() > 0.01
    for precision, tolerance in (("float32", 1e-5), ("mixed_bfloat16", 2e-2)):
        request = FeatureRequest(backbone, False, 32, mean, precision, False, 2, pooled=True)
        extractor = build_extractor(request, (32, 32, 3))
        assert normalisations(extractor.get_layer(backbone.name)) == []
        found = extractor.predict_on_batch(images)
        assert np.abs(found - expected).max() < tolerance * np.abs(expected).max()
