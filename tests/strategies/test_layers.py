"""The layers of each strategy as data; that the real networks agree is tests/training's part."""

from dataclasses import replace

from core.backbones.vgg16 import VGG16
from core.layers.record import outline_of
from core.strategies.modes import backbone_layers, frozen_setting, trained_settings
from core.strategies.registry import STRATEGIES, find_strategy

BASE_PARAMETERS = VGG16.parameters()


def layers_of(name, image_size=96, preset="quick", **overrides):
    entry = find_strategy(name)
    return entry.layers(entry.resolve(preset, overrides), image_size, 16)


def test_the_majority_class_has_no_layers():
    assert layers_of("majority") == ()
    assert find_strategy("majority").describe({}, 96) == ""


def test_the_tutorials_first_eight_layers_end_with_block3_conv1():
    base = [layer for layer in layers_of("vgg16_freeze", k=8) if layer.part == "backbone"]
    assert [layer.name for layer in base if layer.frozen] == [
        "input_layer",
        "block1_conv1",
        "block1_conv2",
        "block1_pool",
        "block2_conv1",
        "block2_conv2",
        "block2_pool",
        "block3_conv1",
    ]
    assert {layer.origin for layer in base if layer.parameters} == {"pretrained"}


def test_what_is_trained_of_each_strategy():
    trained = {
        name: sum(layer.trained_parameters for layer in layers_of(name, 224)) for name in STRATEGIES
    }
    probe = 25_088 * 16 + 16
    first_eight = 1_792 + 36_928 + 73_856 + 147_584 + 295_168
    assert trained["majority"] == 0
    assert trained["mlp"] == 150_528 * 500 + 500 + 2 * (500 * 500 + 500) + 500 * 16 + 16
    assert trained["vgg16_probe"] == probe
    assert trained["vgg16_softmax"] == 4_096 * 16 + 16
    assert trained["vgg16_freeze"] == BASE_PARAMETERS - first_eight + probe
    assert trained["vgg16_finetune"] == BASE_PARAMETERS + probe


def test_where_the_parameters_start():
    def origins(name, **overrides):
        return {layer.origin for layer in layers_of(name, **overrides) if layer.parameters}

    assert origins("mlp") == {"random"}
    assert origins("vgg16_scratch") == {"random"}
    assert origins("vgg16_probe") == {"pretrained", "zeros"}
    assert origins("vgg16_freeze", head="dense") == {"pretrained", "random"}


def test_smaller_pictures_are_enlarged_for_fc1():
    picture, first, *_ = layers_of("vgg16_softmax", 96)
    assert picture.output == first.output == (224, 224, 3)
    assert picture.words == "96×96 pixels, enlarged to 224×224"


def test_the_outline_says_how_vgg16_starts_and_what_is_frozen():
    def state(origin="pretrained", frozen=0):
        return outline_of(backbone_layers(VGG16, 96, frozen, origin)).split(" → ")[1]

    assert state() == "VGG16 base from ImageNet"
    assert state("random") == "VGG16 base from random weights"
    assert state(frozen=19) == state(frozen=None) == "VGG16 base (frozen)"
    assert state(frozen=8) == "VGG16 base (first 8 layers frozen)"


def test_the_settings_of_a_trained_backbone_are_worded_for_that_backbone():
    layers = VGG16.layers(224, False)[:8]
    other = replace(VGG16, title="Another", top=None, layers=lambda *_size_and_top: layers)
    settings = (frozen_setting(other, 5), *trained_settings(other, "linear", "probe"))
    by_name = {setting.name: setting for setting in settings}
    assert by_name["head"].choices == ("linear", "dense")
    assert by_name["k"].high == 8
    assert "layer of Another, which is the first: 5 ends with block2_conv1" in by_name["k"].help
    assert not [one for one in settings if "VGG16" in one.help or "fc" in one.help]
    whole = trained_settings(VGG16, "fc", "fresh")[0]
    assert whole.choices == ("linear", "dense", "fc")
    assert "'fc' is fc1 and fc2 of VGG16 under a new softmax (needs the full VGG16" in whole.help
