"""A frozen part of a network gives bit-equal features before and after the layers above it were
trained, in training as in use: its batch normalisation runs in inference mode."""

import numpy as np
import pytest

from core.strategies.network import BuildContext, build_plan
from core.strategies.registry import find_strategy

pytestmark = pytest.mark.tensorflow

IMAGES = np.random.default_rng(2).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3


def main_model(name, **overrides):
    strategy = find_strategy(name)
    settings = strategy.resolve("quick", overrides)
    context = BuildContext((32, 32, 3), 32, 3, settings, (127.0, 127.0, 127.0))
    return build_plan(strategy, context).stages[-1].model


@pytest.mark.usefixtures("random_weights", "stand_in")
@pytest.mark.parametrize(
    ("k", "layer", "stays"),
    [(2, "stem_relu", True), (3, "branch_add", True), (2, "last_bn", False)],
)
def test_the_frozen_part_gives_the_same_features_after_training(k, layer, stays):
    import keras

    model = main_model("stand_in_freeze", k=k)
    base = model.get_layer("stand_in")
    upto = keras.Model(base.inputs[0], base.get_layer(layer).output)
    pixels = (IMAGES.astype(np.float32) - 127) / 128

    def features(training):
        return np.asarray(upto(pixels, training=training))

    before = features(training=False)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    for _ in range(3):
        model.train_on_batch(IMAGES, LABELS)
    after = features(training=False)
    assert np.array_equal(before, after) == stays
    # in training no batch is normalised by its own mean
    np.testing.assert_array_equal(features(training=True), after)


@pytest.mark.usefixtures("random_weights", "stand_in")
def test_no_average_of_imagenet_changes_while_everything_is_trained():
    import keras

    model = main_model("stand_in_finetune")
    base = model.get_layer("stand_in")
    normalising = [one for one in base.layers if isinstance(one, keras.layers.BatchNormalization)]
    before = [np.asarray(weight) for layer in normalising for weight in layer.weights]
    kernel = np.asarray(base.get_layer("stem_conv").kernel)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    for _ in range(2):  # the head starts at zeros: nothing reaches the backbone in the first step
        model.train_on_batch(IMAGES, LABELS)
    after = [np.asarray(weight) for layer in normalising for weight in layer.weights]
    assert len(before) == 12
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(np.asarray(base.get_layer("stem_conv").kernel), kernel)


@pytest.mark.usefixtures("stand_in")
def test_from_random_weights_the_averages_are_learned_as_fast_as_the_setting_says():
    import keras

    def moved(**overrides):
        model = main_model("stand_in_scratch", **overrides)
        moving = model.get_layer("stand_in").get_layer("stem_bn").moving_variance
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        model.train_on_batch(IMAGES, LABELS)
        return np.abs(np.asarray(moving) - 1).mean()

    assert moved() > 5 * moved(normalization_momentum=0.99) > 0
