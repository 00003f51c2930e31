"""Augmentation as settings of a strategy: how strongly images vary, and whether mirrored ones do.

Where mirroring would change what an image shows, it is off by default. That is read from the names
of the classes: nothing else in a dataset says what its images are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.layers.augmentation import Augmentation
from core.strategies.settings import Setting
from core.text import some_text

OFF = "off"
LEVELS = {
    "light": Augmentation(10.0, 0.05, 0.1, 0.1, 0.1, mirror=False),
    "strong": Augmentation(20.0, 0.1, 0.25, 0.25, 0.2, mirror=False),
}
AUGMENTATION_SETTINGS = (
    Setting(
        "augment",
        "choice",
        "Augmentation",
        "Varies each training image anew in every epoch, a little ('light') or more ('strong'): "
        "rotated, shifted, zoomed, lighter or darker, with more or less contrast. It needs more "
        "epochs before it can help: on the two bundled datasets it gained nothing in as many as "
        "'quick' has, and 'strong' lost some points.",
        OFF,
        OFF,
        choices=(OFF, *LEVELS),
        changes_work=True,
    ),
    Setting(
        "flip",
        "choice",
        "Mirrored images",
        "Augmentation mirrors half of the images, at random, left to right; 'auto' does so unless "
        "the names of the classes are numbers or letters, or say left and right.",
        "auto",
        "auto",
        choices=("auto", "on", "off"),
    ),
)
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SIGN = re.compile(
    rf"((digit|number|letter|char)[ _-]*)?(\d{{1,2}}|[a-zα-ωа-яё]|{'|'.join(_NUMBERS)})"
)
_DIRECTION = re.compile(r"(?<![a-z])(left|right)(?![a-z])")
_NAMED = 3


def augmentation_of(settings: Mapping[str, Any], classes: Sequence[str]) -> Augmentation | None:
    """What ``settings`` ask for on a dataset of these ``classes``; None where it is off."""
    level = settings.get("augment", OFF)
    if level == OFF:
        return None
    flip = settings.get("flip", "auto")
    mirror = flip == "on" or (flip == "auto" and mirror_warning(classes) is None)
    return replace(LEVELS[level], mirror=mirror)


def mirror_warning(classes: Sequence[str]) -> str | None:
    """Why a mirrored image may belong to another class, a sentence; None where nothing says so."""
    names = [name.strip().lower() for name in classes]
    signs = [name for name in names if _SIGN.fullmatch(name)]
    if 2 * len(signs) >= len(names):
        return (
            f"The classes are named like numbers or letters ({some_text(signs, _NAMED)}), and a "
            "mirrored digit or letter is another sign."
        )
    directions = [name for name in names if _DIRECTION.search(name)]
    if directions:
        named = some_text(directions, _NAMED)
        return f"Classes say left or right ({named}), which a mirror exchanges."
    return None
