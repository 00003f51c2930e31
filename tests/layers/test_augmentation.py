"""Augmentation: the preview in numpy, the layer on the device, and that they are the same."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from core.backbones.backend import load_keras
from core.layers.augmentation import DRAWS, Augmentation, augmented, previewed

NOTHING = Augmentation(0, 0, 0, 0, 0, mirror=False)
EVERYTHING = Augmentation(20, 0.1, 0.25, 0.25, 0.2, mirror=True)
MIRROR, ROTATION, ZOOM, DOWN, RIGHT, CONTRAST, BRIGHTNESS = range(DRAWS)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (4, 9, 9, 3), dtype=np.uint8)


def draws(count=4, **values):
    """The draws of ``count`` images: 0 but for those named."""
    found = np.zeros((count, DRAWS), np.float32)
    for name, value in values.items():
        found[:, globals()[name]] = value
    return found


def test_without_amounts_images_stay_as_they_are(images):
    np.testing.assert_array_equal(previewed(images, NOTHING, 3), images)


def test_a_negative_draw_mirrors_left_to_right(images):
    mirrored = augmented(images, draws(MIRROR=-0.1), replace(NOTHING, mirror=True))
    np.testing.assert_array_equal(mirrored, images[:, :, ::-1])
    as_it_was = augmented(images, draws(MIRROR=0.1), replace(NOTHING, mirror=True))
    np.testing.assert_array_equal(as_it_was, images)
    np.testing.assert_array_equal(augmented(images, draws(MIRROR=-0.1), NOTHING), images)


def test_a_quarter_turn_and_a_shift_move_whole_pixels(images):
    turned = augmented(images, draws(ROTATION=1), replace(NOTHING, rotation=90))
    np.testing.assert_array_equal(turned, np.rot90(images, -1, axes=(1, 2)))
    third = replace(NOTHING, shift=1 / 3)
    down = augmented(images, draws(DOWN=1), third)
    np.testing.assert_array_equal(down[:, 3:], images[:, :6])
    # what comes in is the mirror image at the edge, which is not doubled
    np.testing.assert_array_equal(down[:, :3], images[:, 3:0:-1])
    right = augmented(images, draws(RIGHT=1), third)
    np.testing.assert_array_equal(right[:, :, 3:], images[:, :, :6])


def test_zoom_enlarges_the_middle(images):
    # A factor of 2: every second pixel of the result is one of the middle of the source.
    zoomed = augmented(images, draws(ZOOM=1), replace(NOTHING, zoom=1.0))
    np.testing.assert_array_equal(zoomed[:, ::2, ::2], images[:, 2:7, 2:7])
    between = images[:, 2:7, 2:6].astype(np.float32) + images[:, 2:7, 3:7]
    np.testing.assert_allclose(zoomed[:, ::2, 1::2], between / 2, atol=0.5)


def test_contrast_is_around_the_mean_and_brightness_of_the_whole_range():
    images = np.full((1, 8, 8, 1), 100, np.uint8)
    images[0, :4] = 140
    flat = augmented(images, draws(1, CONTRAST=-1), replace(NOTHING, contrast=0.5))
    assert np.unique(flat).tolist() == [110, 130]
    light = augmented(images, draws(1, BRIGHTNESS=1), replace(NOTHING, brightness=0.5))
    assert np.unique(light).tolist() == [228, 255]  # 100 and 140 and half of 255, cut at white


def test_each_image_is_varied_on_its_own_and_again_by_the_same_seed(images):
    same = np.repeat(images[:1], 4, axis=0)
    varied = previewed(same, EVERYTHING, 1)
    assert varied.dtype == np.uint8
    assert len({one.tobytes() for one in varied}) == 4
    np.testing.assert_array_equal(previewed(same, EVERYTHING, 1), varied)
    assert (previewed(same, EVERYTHING, 2) != varied).any()


def check_the_layer() -> str:
    """The layer on the backend of this process against the preview; gives the backend's name."""
    from keras import backend, ops

    from core.layers.own import Augment

    random = np.random.default_rng(0)
    for channels in (1, 3):
        images = random.integers(0, 256, (8, 24, 24, channels), dtype=np.uint8)
        draws = random.uniform(-1, 1, (8, DRAWS)).astype(np.float32)
        tensor = ops.convert_to_tensor(images)
        there = ops.convert_to_numpy(augmented(tensor, draws, EVERYTHING, ops))
        here = augmented(images, draws, EVERYTHING)
        assert there.dtype == np.uint8
        apart = np.abs(there.astype(int) - here.astype(int))
        assert apart.max() <= 1  # a level where float32 rounds another way
        assert (apart == 0).mean() > 0.999

        layers = [Augment(EVERYTHING, seed) for seed in (5, 5, 6)]
        first, again, other = (
            ops.convert_to_numpy(layer(images, training=True)) for layer in layers
        )
        assert (first == again).all()
        assert (first != other).any()
        assert (ops.convert_to_numpy(layers[0](images, training=True)) != first).any()
        assert (ops.convert_to_numpy(layers[0](images)) == images).all()

    if backend.backend() == "tensorflow":  # GPUs train with XLA, for which JAX compiles anyhow
        import tensorflow

        layer = Augment(EVERYTHING, 5)
        compiled = tensorflow.function(layer.call, jit_compile=True, autograph=False)
        assert compiled(images, training=True).shape == images.shape
    return str(backend.backend())


@pytest.mark.tensorflow
def test_the_layer_does_what_the_preview_does():
    expected = load_keras().backend.backend()
    assert check_the_layer() == expected


CHECKED = "from tests.layers.test_augmentation import check_the_layer; print(check_the_layer())"


@pytest.mark.tensorflow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_layer_does_on_other_backends_what_the_preview_does(backend):
    pytest.importorskip(backend)
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", CHECKED],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == backend
