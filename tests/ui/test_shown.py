"""Groups of strategies that Compare can show."""

import pytest

from core.ui.compare.shown import groups_of, holm_words

BESIDE = ", and those without a backbone"


@pytest.mark.usefixtures("stand_in")
def test_each_backbone_and_each_mode_of_several_is_a_group():
    names = ["majority", "cnn", "vgg16_probe", "vgg16_features", "vgg16_finetune"]
    names += ["stand_in_probe", "stand_in_finetune", "gone"]
    alone = ["majority", "cnn"]
    assert groups_of(names) == {
        "vgg16": (
            f"VGG16{BESIDE}",
            [*alone, "vgg16_probe", "vgg16_features", "vgg16_finetune", "gone"],
        ),
        "stand_in": (f"Stand-in{BESIDE}", [*alone, "stand_in_probe", "stand_in_finetune", "gone"]),
        "probe": (
            f"probe of every backbone{BESIDE}",
            [*alone, "vgg16_probe", "stand_in_probe", "gone"],
        ),
        "finetune": (
            f"finetune of every backbone{BESIDE}",
            [*alone, "vgg16_finetune", "stand_in_finetune", "gone"],
        ),
    }


def test_what_would_be_all_is_no_group():
    assert groups_of(["vgg16_probe", "vgg16_features"]) == {}
    assert groups_of(["majority", "cnn", "vgg16_probe"]) == {}


def test_the_family_of_holms_correction_is_said():
    assert holm_words(9) == (
        "Holm's correction is over 36 pairs: all those of the 9 strategies shown."
    )
