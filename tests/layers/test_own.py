import keras
import numpy as np
import pytest

from core.backbones.backend import dtype_policy
from core.backbones.vgg16 import VGG16
from core.layers.own import PowerNormalization, PrepareForBackbone, RescaleToUnit

pytestmark = pytest.mark.tensorflow
IMAGENET_MEAN = VGG16.preparation.mean_rgb


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)


def test_it_does_what_keras_does_for_vgg16(pictures):
    ours = numbers(PrepareForBackbone(32, IMAGENET_MEAN, blue_first=True)(pictures))
    # A copy: Keras changes float arrays in place.
    theirs = keras.applications.vgg16.preprocess_input(pictures.astype(np.float32).copy())
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_blue_comes_first_and_the_mean_is_subtracted():
    red = np.zeros((1, 1, 1, 3), np.uint8)
    red[..., 0] = 200
    values = numbers(PrepareForBackbone(1, (10.0, 20.0, 30.0), blue_first=True)(red))
    assert values.tolist() == [[[[-30.0, -20.0, 190.0]]]]


def test_what_is_left_is_divided_by_the_deviation():
    pixel = np.array([[[[200, 100, 50]]]], np.uint8)
    layer = PrepareForBackbone(1, (10.0, 20.0, 30.0), (10.0, 20.0, 5.0))
    assert numbers(layer(pixel)).tolist() == [[[[19.0, 4.0, 4.0]]]]


def test_grey_becomes_three_equal_channels():
    grey = np.array([[[[0], [255]], [[51], [102]]]], np.uint8)
    values = numbers(RescaleToUnit(2)(grey))
    assert values.shape == (1, 2, 2, 3)
    np.testing.assert_allclose(
        values[0, :, :, 0], np.array([[0, 1], [0.2, 0.4]], np.float32), rtol=1e-6
    )
    np.testing.assert_array_equal(values[..., 0], values[..., 1])
    np.testing.assert_array_equal(values[..., 0], values[..., 2])


def test_small_pictures_are_enlarged_bilinearly():
    edge = np.array([[[[0], [200]], [[0], [200]]]], np.uint8)
    values = numbers(RescaleToUnit(4)(edge)) * 255
    # Half-pixel centres: a quarter and three quarters of the way between the two pixels.
    np.testing.assert_allclose(values[0, 1, :, 0], [0, 50, 150, 200], atol=1e-3)


def test_a_larger_picture_is_an_error():
    with pytest.raises(ValueError, match="images of 4 x 4 pixels, which is more than its image"):
        RescaleToUnit(2)(np.zeros((1, 4, 4, 3), np.uint8))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_pixels_are_computed_in_float32_under_every_policy(pictures, policy):
    expected = numbers(PrepareForBackbone(64, IMAGENET_MEAN)(pictures))
    with dtype_policy(policy):
        values = numbers(PrepareForBackbone(64, IMAGENET_MEAN)(pictures))
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    "layer",
    [PrepareForBackbone(64, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), True), RescaleToUnit(64)],
    ids=lambda e: e.name,
)
def test_a_saved_model_is_loaded_again_safely(pictures, tmp_path, layer):
    inputs = keras.Input((32, 32, 3), dtype="uint8")
    model = keras.Model(inputs, layer(inputs))
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path, safe_mode=True)
    np.testing.assert_array_equal(numbers(loaded(pictures)), numbers(model(pictures)))
    assert loaded.layers[1].get_config() == layer.get_config()


@pytest.mark.parametrize("signed", [False, True])
def test_power_normalisation_is_a_root_then_unit_length_times_the_scale(signed):
    rows = np.random.default_rng(0).normal(0, 50, (4, 300))
    rows = rows if signed else np.maximum(rows, 0)
    rooted = rows / np.sqrt(np.abs(rows) + 1e-2) if signed else np.sqrt(rows + 1e-2)
    expected = 10 * rooted / np.linalg.norm(rooted, axis=1, keepdims=True)
    values = numbers(PowerNormalization(signed=signed)(rows.astype(np.float32)))
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
    nothing = numbers(PowerNormalization(signed=signed)(np.zeros((1, 4), np.float32)))
    np.testing.assert_allclose(nothing, [[0.0 if signed else 5.0] * 4], rtol=1e-6)


def test_the_mean_is_that_of_keras():
    black = np.zeros((1, 1, 3), np.float32)
    theirs = keras.applications.vgg16.preprocess_input(black)
    np.testing.assert_allclose(-theirs[0, 0, ::-1], IMAGENET_MEAN, rtol=1e-6)
