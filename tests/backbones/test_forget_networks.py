"""What TensorFlow keeps of a trained network, and how it is let go."""

import gc
import weakref

import numpy as np
import pytest

from core.backbones.backend import forget_networks, load_keras


@pytest.mark.tensorflow
def test_nothing_of_a_trained_network_stays() -> None:
    keras = load_keras()
    from tensorflow.python.framework.func_graph import FuncGraph

    def graphs() -> list[weakref.ref]:
        return [weakref.ref(each) for each in gc.get_objects() if isinstance(each, FuncGraph)]

    network = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, activation="softmax")])
    network.compile("adam", "sparse_categorical_crossentropy")
    network.train_on_batch(np.zeros((2, 8), np.float32), np.zeros(2, np.int32))
    found = graphs()
    assert found
    del network
    forget_networks()
    assert [each() for each in found] == [None] * len(found)
