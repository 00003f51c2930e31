import numpy as np
import pytest

from core.backbones.backbone import build_backbone
from core.backbones.backend import load_keras
from core.backbones.vgg16 import TOP_WEIGHTS, VGG16

pytestmark = pytest.mark.tensorflow


def test_the_base_has_the_published_arrays_in_place(random_base):
    model = build_backbone(VGG16, 32, random_base)
    assert model.output_shape == (None, 1, 1, 512)
    assert len(model.weights) == 26
    for layer in model.layers:
        for part, variable in zip(("kernel", "bias"), layer.weights, strict=False):
            expected = random_base[f"{layer.name}/{part}"]
            np.testing.assert_array_equal(variable.numpy(), expected)


def test_the_first_eight_layers_end_with_block3_conv1():
    """The tutorial's k = 8, counted as Keras does, the input layer included."""
    layers = build_backbone(VGG16, 32, None).layers[:8]
    assert VGG16.frozen_through("block3_conv1") == 8
    assert type(layers[0]).__name__ == "InputLayer"
    assert [layer.name for layer in layers[1:]] == [
        "block1_conv1",
        "block1_conv2",
        "block1_pool",
        "block2_conv1",
        "block2_conv2",
        "block2_pool",
        "block3_conv1",
    ]


def test_precision_is_of_the_base_alone(random_base):
    keras = load_keras()
    before = keras.config.dtype_policy().name
    model = build_backbone(VGG16, 32, random_base, precision="mixed_bfloat16")
    assert model.get_layer("block3_conv2").compute_dtype == "bfloat16"
    assert model.get_layer("block3_conv2").variable_dtype == "float32"
    assert keras.config.dtype_policy().name == before == "float32"


def test_arrays_that_do_not_match_are_an_error(random_base):
    arrays = dict(random_base)
    del arrays["block5_conv3/bias"]
    arrays["fc1/bias"] = np.zeros(4096, np.float32)
    with pytest.raises(ValueError, match="do not match in: block5_conv3/bias, fc1/bias"):
        build_backbone(VGG16, 32, arrays)


@pytest.mark.slow
def test_the_full_network_ends_with_fc2():
    """138 million random numbers: seconds and 600 MB."""
    model = build_backbone(VGG16, 224, None, include_top=True)
    assert model.input_shape == (None, 224, 224, 3)
    assert model.output_shape == (None, 4096)
    shapes = {
        f"{layer.name}/{part}": tuple(variable.shape)
        for layer in model.layers
        for part, variable in zip(("kernel", "bias"), layer.weights, strict=False)
    }
    assert shapes == {name: entry.shape for name, entry in TOP_WEIGHTS.arrays.items()}
