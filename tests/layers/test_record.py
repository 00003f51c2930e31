"""Layers as data, the line that describes them, and the Keras network made of them."""

import numpy as np
import pytest

from core.layers.record import (
    LayerRecord,
    build_network,
    connect,
    convolution,
    dense,
    flatten,
    image_layer,
    make_layers,
    outline_of,
)
from core.strategies.registry import STRATEGIES, find_strategy

IMAGE = image_layer("RescaleToUnit", "rescale_to_unit", 8)
FIRST = convolution(IMAGE, "first", 4, kernel=3)
SECOND = convolution(FIRST, "second", 4, kernel=3, padding="valid")


def total_of(*inputs):
    return LayerRecord("total", "Add", FIRST.output, inputs=inputs)


def layers_of(name, image_size=96, preset="quick", **overrides):
    entry = find_strategy(name)
    return entry.layers(entry.resolve(preset, overrides), image_size, 16)


def test_every_network_ends_with_a_probability_for_each_class():
    for name, entry in STRATEGIES.items():
        if entry.has_network:
            last = layers_of(name)[-1]
            assert (last.name, last.kind, last.output) == ("predictions", "Dense", (16,))
            assert last.is_trained


def test_the_outline_counts_blocks_that_repeat():
    assert outline_of(layers_of("cnn", 224, "article")) == (
        "224×224×3 pixels → 3 × (convolution 32 of 5×5, valid padding, ReLU, max pooling 4×4) → "
        "flatten 2×2×32 = 128 → dense 64 → dropout 0.5 → softmax"
    )
    assert outline_of(layers_of("mlp")) == (
        "96×96×3 pixels → flatten 96×96×3 = 27648 → 3 × dense 500 → softmax"
    )
    assert "3 × (dense 500, dropout 0.2)" in outline_of(layers_of("mlp", dropout=0.2))


def test_only_layers_with_parameters_that_are_not_frozen_are_trained():
    assert not LayerRecord("pool", "MaxPooling2D", (1, 1, 1)).is_trained
    assert not LayerRecord("kept", "Dense", (1,), 2, frozen=True, origin="pretrained").is_trained
    assert LayerRecord("new", "Dense", (1,), 2, origin="random").is_trained


@pytest.mark.tensorflow
def test_names_shapes_and_parameters_are_those_of_the_records():
    records = (IMAGE, FIRST, SECOND)
    model = build_network(records, (5, 5, 1), "small")
    assert [layer.name for layer in model.layers[1:]] == [record.name for record in records]
    assert model.output_shape == (None, *SECOND.output)
    assert model.count_params() == FIRST.parameters + SECOND.parameters
    assert [variable.path for variable in model.variables][:2] == [
        "small/first/kernel",
        "small/first/bias",
    ]


@pytest.mark.tensorflow
def test_the_same_seed_gives_the_same_start():
    import keras

    def kernels():
        keras.utils.set_random_seed(7)
        model = build_network((IMAGE, FIRST, SECOND), (8, 8, 3), "small")
        return [np.array(variable) for variable in model.variables]

    for one, two in zip(kernels(), kernels(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.tensorflow
def test_a_record_takes_the_outputs_that_it_names():
    import keras

    same = convolution(FIRST, "same", 4, kernel=3)
    total = total_of("first", "same")
    model = build_network((IMAGE, FIRST, same, total), (8, 8, 3), "branched")
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    parts = keras.Model(
        model.inputs, [model.get_layer(name).output for name in ("first", "same", "total")]
    )
    first, second, summed = parts.predict_on_batch(images)
    np.testing.assert_array_equal(summed, first + second)


@pytest.mark.tensorflow
def test_layers_that_are_connected_twice_share_their_weights():
    import keras

    row = LayerRecord("row", "Dense", (3,))
    head = (dense(row, "head", 2),)
    layers = make_layers(head)
    one, two = keras.Input((3,)), keras.Input((3,))
    first = keras.Model(one, connect(head, layers, one))
    second = keras.Model(two, connect(head, layers, two))
    first.get_layer("head").kernel.assign(np.ones((3, 2), np.float32))
    assert second.predict_on_batch(np.ones((1, 3), np.float32)).tolist() == [[3.0, 3.0]]


@pytest.mark.tensorflow
def test_an_input_that_is_not_there_and_a_kind_that_is_not_there_are_named():
    with pytest.raises(ValueError, match="total takes third, which is not before it"):
        build_network((IMAGE, FIRST, total_of("first", "third")), (8, 8, 3), "broken")
    with pytest.raises(ValueError, match="no layer of the kind Convolute"):
        make_layers((LayerRecord("odd", "Convolute", (1,)),))
    assert flatten(FIRST).output == (256,)
