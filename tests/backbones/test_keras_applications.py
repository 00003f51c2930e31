"""The backbones of ``keras.applications``: official files are fetched and assigned as by Keras."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from core.backbones.backbone import build_backbone
from core.backbones.backend import load_keras
from core.backbones.keras_applications import ENTRIES
from core.backbones.registry import find_backbone
from core.backbones.weights import access
from core.backbones.weights.files import file_hash
from core.errors import WeightsRefused
from core.layers.record import connect, make_layers
from tests.backbones.blocks import multiply_adds
from tests.backbones.test_registry import built_as_recorded
from tests.backbones.weights.test_download import send, serving

pytestmark = pytest.mark.tensorflow


def written_by_keras(model, path):
    """The weights of a model as Keras 2 wrote the official files."""
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path


def as_keras_builds_it(entry, side):
    options = {"include_top": False, "weights": None, "input_shape": (side, side, 3)}
    return getattr(load_keras().applications, entry.function)(**options, **entry.options)


def layers_with_weights(model):
    return [layer.name for layer in model.layers if layer.weights]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_blocks_and_multiply_adds_are_those_of_the_network(entry):
    backbone = find_backbone(entry.name)
    model = built_as_recorded(backbone, backbone.published_size)
    width = model.output_shape[-1]
    top = {"mobilenet_v3_large": width * 1280 + 1280 * 1000}.get(entry.name, width * 1000)
    assert sum(map(multiply_adds, model.layers)) + top == backbone.multiply_adds


def test_a_renamed_last_layer_leaves_the_order_of_the_others():
    """Arrays are assigned in the order of the layers, and the last one of ConvNeXt has some."""
    (entry,) = (one for one in ENTRIES if one.name == "convnext_tiny")
    theirs = layers_with_weights(as_keras_builds_it(entry, 32))
    ours = layers_with_weights(build_backbone(find_backbone(entry.name), 32, None))
    assert ours == [*theirs[:-1], "layernorm"]
    assert theirs[-1].startswith("layer_normalization")


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3_large"])
@pytest.mark.usefixtures("weights_home")
def test_an_official_file_is_fetched_and_assigned_as_keras_would(tmp_path, monkeypatch, name):
    """Random weights of Keras' own network, in a file that Keras itself writes, stand in for the
    official ones."""
    backbone = find_backbone(name)
    (entry,) = (one for one in ENTRIES if one.name == name)
    source = as_keras_builds_it(entry, 32)
    generator = np.random.default_rng(1)
    for weight in source.weights:
        weight.assign(generator.random(weight.shape, np.float32))
    path = written_by_keras(source, tmp_path / backbone.weights.file_name)
    known = backbone.weights.file_hash and file_hash(path, backbone.weights.file_hash)
    stand_in = replace(backbone, weights=replace(backbone.weights, file_hash=known))
    content = path.read_bytes()
    with serving(lambda handler, _released: send(handler, content)) as (url, asked):
        monkeypatch.setenv("HEADSTART_WEIGHTS_SOURCE", url)
        assert access.fetch(stand_in.weights).source == "official download"
    assert asked == [f"/vgg16/{backbone.weights.file_name}"]
    found = build_backbone(stand_in, 32, access.load_weights(stand_in.weights))
    assert len(found.weights) == len(source.weights) > 100
    for weight, expected in zip(found.weights, source.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), np.asarray(expected))


@pytest.mark.usefixtures("weights_home")
def test_a_file_of_another_network_is_refused_by_name():
    keras = load_keras()
    layers = [keras.layers.Dense(units, name=f"layer_{units}") for units in (2, 5)]
    other = keras.Sequential([keras.Input((3,)), *layers])
    backbone = find_backbone("mobilenet_v2")
    values = other.count_params()
    weights = replace(backbone.weights, values=values)
    path = access.files.placed_path(weights)
    path.parent.mkdir(parents=True)
    written_by_keras(other, path)
    arrays = access.load_weights(weights)
    assert sum(array.size for array in arrays.values()) == values
    with pytest.raises(
        WeightsRefused,
        match=r"^The weights file of MobileNetV2 is one of another network: at Conv1 it has arrays "
        r"of \[\(3, 2\), \(2,\)\], expected \[\(3, 3, 3, 32\)\]\.$",
    ):
        build_backbone(replace(backbone, weights=weights), 32, arrays)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_preparation_is_that_of_keras(entry):
    """What stands before the network here, and inside or before it in Keras."""
    keras = load_keras()
    pixels = np.random.default_rng(2).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    record = find_backbone(entry.name).preparing_layer(8, 8)
    found = np.asarray(connect([record], make_layers([record]), pixels))
    modules = {"mobilenet_v3_large": "tf", "efficientnet_v2_b0": "torch", "convnext_tiny": "torch"}
    if entry.name in modules:
        expected = keras.applications.imagenet_utils.preprocess_input(
            pixels.astype(np.float32), mode=modules[entry.name]
        )
    else:
        module = entry.file.split("/")[0] + ("_v2" if entry.name == "resnet50v2" else "")
        prepare = getattr(keras.applications, module).preprocess_input
        expected = prepare(pixels.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())
