"""Weights out of pickles: the right ones give arrays, all others a sentence, none runs code."""

import os
import pickle

import numpy as np
import pytest

from core.backbones.weights.pickles import read_numpy_pickle, read_torch_pickle
from core.errors import WeightsRefused
from tests.backbones.weights.pickled import numpy_file, text, torch_file


@pytest.fixture
def tensors():
    generator = np.random.default_rng(0)
    stored_by_channel = generator.normal(size=(2, 2, 3, 4)).astype(np.float32)
    return {
        "conv.weight": stored_by_channel.transpose(3, 2, 0, 1),
        "bn.bias": np.array([1.5, -2.0], np.float32),
        "bn.num_batches_tracked": np.array(7, np.int64),
    }


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_tensors_come_out_in_their_own_shape_and_order_of_memory(tensors):
    found = read_torch_pickle(torch_file(tensors), "It")
    assert list(found) == list(tensors)
    for name, array in found.items():
        np.testing.assert_array_equal(array, tensors[name])
        assert array.dtype == tensors[name].dtype


@pytest.mark.parametrize("order", ["C", "F"])
def test_lists_of_arrays_come_out(order):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = read_numpy_pickle(numpy_file({"conv1": [np.asarray(array, order=order)]}), "It")
    np.testing.assert_array_equal(found["conv1"][0], array)


@pytest.mark.parametrize("read", [read_torch_pickle, read_numpy_pickle])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_runs_a_command_is_refused_and_nothing_runs(tmp_path, read, protocol):
    marker = tmp_path / "ran"
    content = pickle.dumps({"conv1": Hostile(marker)}, protocol=protocol)
    if read is read_torch_pickle:
        content = torch_file({}, state=content)
    with pytest.raises(
        WeightsRefused,
        match=r"^The file was refused: it asks for \w+\.system, which weights do not need\.$",
    ):
        read(content, "The file")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["builtins\neval", "torch\nload", "numpy\nfromfile", "core\nos"])
def test_every_other_name_is_refused(name):
    module = name.replace("\n", ".")
    content = b"\x80\x02c" + name.encode() + b"\n" + text("1") + b"\x85R."
    with pytest.raises(WeightsRefused, match=f"it asks for {module}, which weights do not need"):
        read_numpy_pickle(content, "The file")
    with pytest.raises(WeightsRefused, match=f"it asks for {module}, which weights do not need"):
        read_torch_pickle(torch_file({}, state=content), "The file")


@pytest.mark.parametrize("kept", [0, 10, 60, 200, -1])
def test_a_truncated_file_is_refused(tensors, kept):
    for read, content in (
        (read_torch_pickle, torch_file(tensors)),
        (read_numpy_pickle, numpy_file({"conv1": [np.ones((40, 3), np.float32)]})),
    ):
        with pytest.raises(
            WeightsRefused, match=r"^It was refused: it is incomplete or damaged \("
        ):
            read(content[:kept], "It")


def test_what_does_not_fit_together_is_refused(tensors):
    whole = torch_file(tensors)
    small = np.ones(2, np.float32)
    bad = {
        "follow its end": whole + b"x",
        "instead of 119547037146038801333356": pickle.dumps({}, protocol=2),
        "list of storages": torch_file(tensors, keys=["0", "1"]),
        "reaches beyond its storage": torch_file({"a": np.broadcast_to(small, (9, 2))}).replace(
            b"J\x00\x00\x00\x00J", b"J\x09\x00\x00\x00J"
        ),
    }
    for reason, content in bad.items():
        with pytest.raises(WeightsRefused, match=reason):
            read_torch_pickle(content, "It")
    for lists, reason in (
        ({"conv1": [np.ones(2)]}, "an array of <f8 instead of <f4"),
        ({"conv1": [np.array([object()])]}, "which weights do not need|instead of <f4"),
        ({"conv1": 5}, "not iterable"),
        ([1, 2], "no attribute"),
    ):
        with pytest.raises(WeightsRefused, match=reason):
            read_numpy_pickle(numpy_file(lists), "It")
