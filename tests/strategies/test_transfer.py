"""The strategies that are made of the record of a backbone, shown on a stand-in."""

from dataclasses import replace

import pytest

from core.backbones.vgg16 import VGG16
from core.strategies.registry import STRATEGIES
from core.strategies.strategy import Mode, Role
from core.strategies.transfer import backbone_strategies
from tests.strategies.stand_in import STAND_IN, STAND_IN_STRATEGIES

BY_MODE = {entry.mode: entry for entry in STAND_IN_STRATEGIES}
IMAGE_SIZE, CLASSES = 32, 5


def records(mode, image_size=IMAGE_SIZE, **overrides):
    entry = BY_MODE[mode]
    return entry.layers(entry.resolve("quick", overrides), image_size, CLASSES)


def test_a_record_gives_five_strategies_and_six_where_it_has_a_top():
    assert [(entry.name, entry.title, entry.role) for entry in STAND_IN_STRATEGIES] == [
        ("stand_in_scratch", "Stand-in from random weights", Role.RANDOM_START),
        ("stand_in_probe", "Stand-in probe", Role.LINEAR_PROBE),
        ("stand_in_dense", "Stand-in features, dense head", Role.FROZEN_FEATURES),
        ("stand_in_freeze", "Stand-in, first layers frozen", Role.FINE_TUNED),
        ("stand_in_finetune", "Stand-in, everything fine-tuned", Role.FINE_TUNED),
    ]
    assert all("{" not in entry.teaches for entry in STAND_IN_STRATEGIES)
    with_top = backbone_strategies(replace(STAND_IN, top=VGG16.top))
    assert [entry.mode for entry in with_top].count(Mode.SOFTMAX) == 1
    assert len(with_top) == 6


def test_colour_is_the_backbone_and_marker_and_dash_are_the_mode():
    vgg16 = {entry.mode: entry for entry in STRATEGIES.values() if entry.backbone is VGG16}
    for mode, entry in BY_MODE.items():
        look, other = entry.appearance, vgg16[mode].appearance
        assert (look.colour, other.colour) == (STAND_IN.colour, VGG16.colour)
        assert (look.marker, look.dash) == (other.marker, other.dash)
    looks = {(look.marker, look.dash) for look in (one.appearance for one in vgg16.values())}
    assert len({marker for marker, _ in looks}) == len({dash for _, dash in looks}) == 6


def test_a_smaller_network_runs_before_a_larger_one_in_the_same_mode():
    for entry in STRATEGIES.values():
        if entry.backbone is VGG16 and entry.mode in BY_MODE:
            assert BY_MODE[entry.mode].cost < entry.cost


def test_features_are_pooled_unless_asked_otherwise():
    *_, features, root, classifier = records(Mode.PROBE)
    assert (features.kind, features.output) == ("GlobalAveragePooling2D", (16,))
    assert features.words == "averaged over places to 16 features"
    assert (root.words, classifier.parameters) == ("signed square root, unit length", 16 * 5 + 5)
    *_, features, _, classifier = records(Mode.PROBE, features="flattened")
    assert (features.kind, features.output) == ("Flatten", (8 * 8 * 16,))
    assert classifier.parameters == 8 * 8 * 16 * 5 + 5
    assert STRATEGIES["vgg16_probe"].resolve("quick")["features"] == "flattened"


def test_only_features_that_can_be_negative_keep_their_sign():
    (root,) = [one for one in records(Mode.FINETUNE) if one.kind == "PowerNormalization"]
    assert root.options["signed"] is True
    settings = STRATEGIES["vgg16_finetune"].resolve("quick")
    vgg16 = STRATEGIES["vgg16_finetune"].layers(settings, IMAGE_SIZE, CLASSES)
    (root,) = [one for one in vgg16 if one.kind == "PowerNormalization"]
    assert root.options == {"dtype": "float32"}


@pytest.mark.parametrize(
    ("mode", "trained"),
    [
        (Mode.PROBE, 16 * 5 + 5),
        # the two blocks after the input and the stem, without their batch normalisation
        (Mode.FREEZE, 9 * 8 * 8 + 9 * 8 * 16 + 16 * 5 + 5),
        (Mode.FINETUNE, 9 * 3 * 8 + 9 * 8 * 8 + 9 * 8 * 16 + 16 * 5 + 5),
    ],
)
def test_batch_normalisation_from_imagenet_is_not_trained(mode, trained):
    assert sum(one.trained_parameters for one in records(mode)) == trained


def test_from_random_weights_batch_normalisation_is_trained():
    inside = [one for one in records(Mode.SCRATCH) if one.part == "backbone"]
    assert sum(one.trained_parameters for one in inside) == STAND_IN.parameters()


def test_as_large_a_part_is_frozen_as_the_tutorial_froze_of_vgg16():
    frozen = [one.name for one in records(Mode.FREEZE) if one.part == "backbone" and one.frozen]
    assert frozen == ["images_in", "stem_relu"]
    (k,) = [one for one in BY_MODE[Mode.FREEZE].settings if one.name == "k"]
    assert (k.low, k.high) == (0, 4)
    assert "2 ends with stem_relu, 4 is all of it" in k.help
