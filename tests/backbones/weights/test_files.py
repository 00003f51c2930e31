from dataclasses import replace

import h5py
import numpy as np
import pytest

from core.backbones.weights.files import file_hash, read_weights_file, write_weights_file
from core.errors import WeightsRefused


def test_what_is_written_is_read_back_exactly(published_small, small_arrays):
    arrays = read_weights_file(published_small["base"], published_small["published"]["base"])
    assert list(arrays) == list(small_arrays)
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, small_arrays[name])


def test_other_names_inside_a_layer_are_followed(tmp_path, published_small, small_arrays):
    """The file of 2016 calls its arrays block1_conv1_W_1:0; weight_names says so."""
    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as file:
        for layer in ("block1_conv1", "block1_conv2"):
            names = [f"{layer}_W_1:0", f"{layer}_b_1:0"]
            group = file.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name in names]
            group[names[0]] = small_arrays[f"{layer}/kernel"]
            group[names[1]] = small_arrays[f"{layer}/bias"]
    arrays = read_weights_file(path, published_small["published"]["base"])
    np.testing.assert_array_equal(
        arrays["block1_conv2/kernel"], small_arrays["block1_conv2/kernel"]
    )


def refusal_of(path, expected):
    before = path.read_bytes()
    with pytest.raises(WeightsRefused) as caught:
        read_weights_file(path, expected)
    assert path.read_bytes() == before
    message = str(caught.value)
    assert message.startswith(f"{path} was refused and left alone: ")
    return message.removeprefix(f"{path} was refused and left alone: ")


def test_an_error_page_is_refused(tmp_path, published_small):
    path = tmp_path / "page.h5"
    path.write_text("<html>Not found</html>")
    assert refusal_of(path, published_small["published"]["base"]) == (
        "it is not an HDF5 file (22 bytes that begin with b'<html>No')."
    )


@pytest.mark.parametrize("kept", [0.3, 0.95])
def test_a_partial_file_is_refused(tmp_path, published_small, kept):
    content = published_small["base"].read_bytes()
    path = tmp_path / "partial.h5"
    path.write_bytes(content[: int(len(content) * kept)])
    reason = refusal_of(path, published_small["published"]["base"])
    assert reason.startswith("it is incomplete or damaged (")
    assert "truncated file" in reason


def test_one_changed_value_is_refused(published_small, changed_copy):
    path = changed_copy(published_small["base"])
    assert refusal_of(path, published_small["published"]["base"]) == (
        "block1_conv1/bias does not hold the published values (its sha256 differs)."
    )


@pytest.mark.parametrize(
    ("replacement", "said"),
    [
        (np.zeros((3, 3, 3, 8), np.float32), "float32 of shape (3, 3, 3, 8)"),
        (np.zeros((3, 3, 3, 4), np.float64), "float64 of shape (3, 3, 3, 4)"),
    ],
)
def test_another_shape_or_type_is_refused_before_it_is_read(
    tmp_path, published_small, small_arrays, replacement, said
):
    path = tmp_path / "other.h5"
    write_weights_file(path, small_arrays | {"block1_conv1/kernel": replacement})
    assert refusal_of(path, published_small["published"]["base"]) == (
        f"block1_conv1/kernel is {said}, expected float32 of (3, 3, 3, 4)."
    )


def test_a_missing_layer_is_refused(tmp_path, published_small, small_arrays):
    path = tmp_path / "short.h5"
    write_weights_file(
        path, {k: v for k, v in small_arrays.items() if k.startswith("block1_conv1")}
    )
    expected = published_small["published"]["base"]
    assert refusal_of(path, expected) == "it has no layer block1_conv2."


@pytest.mark.parametrize("link", ["external", "soft"])
def test_links_are_refused(tmp_path, published_small, link):
    path = tmp_path / "linked.h5"
    path.write_bytes(published_small["base"].read_bytes())
    with h5py.File(path, "r+") as file:
        group = file["block1_conv1/block1_conv1"]
        del group["kernel:0"]
        inner = "/block1_conv1/block1_conv1/kernel:0"
        if link == "external":
            group["kernel:0"] = h5py.ExternalLink(str(published_small["base"]), inner)
        else:
            group["kernel:0"] = h5py.SoftLink("/block1_conv2/block1_conv2/kernel:0")
    expected = published_small["published"]["base"]
    assert refusal_of(path, expected) == "block1_conv1/kernel is a link, not data."


def test_external_storage_is_refused(tmp_path, published_small):
    path = tmp_path / "stored.h5"
    path.write_bytes(published_small["base"].read_bytes())
    raw = tmp_path / "raw.bin"
    raw.write_bytes(bytes(4 * 4))
    with h5py.File(path, "r+") as file:
        group = file["block1_conv1/block1_conv1"]
        del group["bias:0"]
        group.create_dataset("bias:0", (4,), np.float32, external=[(str(raw), 0, 16)])
    expected = published_small["published"]["base"]
    assert refusal_of(path, expected) == "block1_conv1/bias is not plain data."


def test_the_full_file_must_have_the_official_md5(published_small, changed_copy):
    expected = published_small["published"]["full"]
    path = changed_copy(published_small["full"], layer="fc2")
    reason = refusal_of(path, expected)
    assert reason.startswith("its md5 is ")
    assert reason.endswith(
        f", that of the official file is {expected.file_hash.removeprefix('md5:')}."
    )


def test_the_full_file_holds_the_base_too(published_small, small_arrays):
    arrays = read_weights_file(published_small["full"], published_small["published"]["base"])
    assert list(arrays) == list(small_arrays)


@pytest.fixture
def known_by_hash(base, published_small, small_arrays):
    """The small set as Keras publishes most: a hash of the file, nothing of its arrays."""
    count = sum(array.size for array in small_arrays.values())
    sha256 = file_hash(published_small["base"], "sha256")
    return replace(base, arrays={}, values=count, file_hash=sha256, inside=None, package=None)


def test_a_file_known_by_its_hash_gives_its_arrays_in_its_order(
    known_by_hash, published_small, small_arrays
):
    arrays = read_weights_file(published_small["base"], known_by_hash)
    assert list(arrays) == [
        "0/block1_conv1/kernel:0",
        "0/block1_conv1/bias:0",
        "1/block1_conv2/kernel:0",
        "1/block1_conv2/bias:0",
    ]
    for found, expected in zip(arrays.values(), small_arrays.values(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_another_file_than_that_of_the_hash_is_refused(
    known_by_hash, published_small, changed_copy
):
    reason = refusal_of(changed_copy(published_small["base"]), known_by_hash)
    assert reason.startswith("its sha256 is ")
    assert reason.endswith(
        f", that of the official file is {known_by_hash.file_hash.removeprefix('sha256:')}."
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "it has 297 numbers, the network has 300."),
        ({"values": 200}, "block1_conv2/kernel:0 is float32 of shape (3, 3, 4, 5), which the "
         "network does not have."),
    ],
)  # fmt: skip
def test_without_a_hash_the_number_of_values_must_be_right(
    known_by_hash, published_small, change, said
):
    expected = replace(known_by_hash, **{"file_hash": None, "values": 300, **change})
    assert refusal_of(published_small["base"], expected) == said


def test_other_numbers_and_links_are_refused_without_digests_too(
    tmp_path, known_by_hash, small_arrays
):
    path = tmp_path / "other.h5"
    bias = small_arrays["block1_conv1/bias"].astype(np.float64)
    write_weights_file(path, small_arrays | {"block1_conv1/bias": bias})
    unhashed = replace(known_by_hash, file_hash=None)
    assert refusal_of(path, unhashed) == (
        "block1_conv1/bias:0 is float64 of shape (4,), which the network does not have."
    )
    with h5py.File(path, "r+") as file:
        group = file["block1_conv1/block1_conv1"]
        del group["bias:0"]
        group["bias:0"] = h5py.SoftLink("/block1_conv2/block1_conv2/bias:0")
    assert refusal_of(path, unhashed) == "block1_conv1/bias:0 is a link, not data."


def test_nothing_half_written_stays(tmp_path, small_arrays):
    path = tmp_path / "weights.h5"
    small_arrays["block1_conv2/bias"] = np.array([object()])
    with pytest.raises(TypeError):
        write_weights_file(path, small_arrays)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.weights
@pytest.mark.tensorflow
def test_keras_itself_reads_the_file(real_base_file):
    import keras

    from core.backbones.vgg16 import WEIGHTS

    model = keras.applications.VGG16(include_top=False, weights=str(real_base_file))
    arrays = read_weights_file(real_base_file, WEIGHTS)
    assert len(model.weights) == 26
    for variable, array in zip(model.weights, arrays.values(), strict=True):
        np.testing.assert_array_equal(variable.numpy(), array)
