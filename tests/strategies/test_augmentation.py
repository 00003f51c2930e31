"""Augmentation as a setting: which strategies have it, and when mirrored images are left out."""

import pytest

from core.strategies.augmentation import LEVELS, augmentation_of, mirror_warning
from core.strategies.registry import STRATEGIES

ANIMALS = ("cat", "dog", "left-handed")


def test_it_is_offered_where_images_go_through_the_network():
    for entry in STRATEGIES.values():
        fits = entry.fits(entry.resolve("quick"))
        names = {setting.name for setting in entry.settings}
        through = any(not fit.on_features for fit in fits)
        assert ({"augment", "flip"} <= names) == through, entry.name


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        (tuple("0123456789"), "numbers or letters (0, 1, 2 and 7 more)"),
        (("zero", "one", "Two"), "numbers or letters (zero, one, two)"),
        (("digit_1", "digit_2", "other"), "numbers or letters (digit_1, digit_2)"),
        (("A", "b", "nothing"), "numbers or letters (a, b)"),
        (("turn left", "turn right", "stop"), "left or right (turn left, turn right)"),
        (("LEFT", "up"), "left or right (left)"),
    ],
)
def test_signs_and_directions_are_not_mirrored(classes, says):
    assert says in mirror_warning(classes)
    assert augmentation_of({"augment": "light", "flip": "auto"}, classes).mirror is False
    assert augmentation_of({"augment": "light", "flip": "on"}, classes).mirror is True


@pytest.mark.parametrize(
    "classes", [("cat", "dog"), ("cleft palate", "bright"), ("狗", "猫"), ("class 1", "class 2")]
)
def test_other_classes_are(classes):
    assert mirror_warning(classes) is None
    assert augmentation_of({"augment": "strong", "flip": "auto"}, classes).mirror is True
    assert augmentation_of({"augment": "strong", "flip": "off"}, classes) == LEVELS["strong"]


def test_it_is_off_unless_asked_for():
    assert augmentation_of({}, ANIMALS) is None
    assert augmentation_of({"augment": "off", "flip": "on"}, ANIMALS) is None
