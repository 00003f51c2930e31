"""The Keras network of layer records, branches included."""

import keras
import numpy as np
import pytest

from core.layers.build import build_network, connect, make_layers
from core.layers.record import LayerRecord, addition, convolution, dense, flatten, image_layer

PICTURE = image_layer("RescaleToUnit", "rescale_to_unit", 8)
FIRST = convolution(PICTURE, "first", 4, kernel=3)
SECOND = convolution(FIRST, "second", 4, kernel=3, padding="valid")


def test_names_shapes_and_parameters_are_those_of_the_records():
    records = (PICTURE, FIRST, SECOND)
    model = build_network(records, (5, 5, 1), "small")
    assert [layer.name for layer in model.layers[1:]] == [record.name for record in records]
    assert model.output_shape == (None, *SECOND.output)
    assert model.count_params() == FIRST.parameters + SECOND.parameters
    assert [variable.path for variable in model.variables][:2] == [
        "small/first/kernel",
        "small/first/bias",
    ]


def test_the_same_seed_gives_the_same_start():
    def kernels():
        keras.utils.set_random_seed(7)
        model = build_network((PICTURE, FIRST, SECOND), (8, 8, 3), "small")
        return [np.array(variable) for variable in model.variables]

    for one, two in zip(kernels(), kernels(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_record_takes_the_outputs_that_it_names():
    same = convolution(FIRST, "same", 4, kernel=3)
    total = addition(same, "total", ("first", "same"))
    model = build_network((PICTURE, FIRST, same, total), (8, 8, 3), "branched")
    pictures = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    parts = keras.Model(
        model.inputs, [model.get_layer(name).output for name in ("first", "same", "total")]
    )
    first, second, summed = parts.predict_on_batch(pictures)
    np.testing.assert_array_equal(summed, first + second)


def test_layers_that_are_connected_twice_share_their_weights():
    row = LayerRecord("row", "Dense", (3,))
    head = (dense(row, "head", 2),)
    layers = make_layers(head)
    one, two = keras.Input((3,)), keras.Input((3,))
    first = keras.Model(one, connect(head, layers, one))
    second = keras.Model(two, connect(head, layers, two))
    first.get_layer("head").kernel.assign(np.ones((3, 2), np.float32))
    assert second.predict_on_batch(np.ones((1, 3), np.float32)).tolist() == [[3.0, 3.0]]


def test_an_input_that_is_not_there_and_a_kind_that_is_not_there_are_named():
    with pytest.raises(ValueError, match="total takes third, which is not before it"):
        build_network(
            (PICTURE, FIRST, addition(FIRST, "total", ("first", "third"))), (8, 8, 3), "broken"
        )
    with pytest.raises(ValueError, match="no layer of the kind Convolute"):
        make_layers((LayerRecord("odd", "Convolute", (1,)),))
    assert flatten(FIRST).output == (256,)
