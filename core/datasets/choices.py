"""What people choose about the images of an experiment, with the defaults.

Imports nothing heavy: the command line reads its help texts from here.
"""

from typing import Literal, get_args

Resize = Literal["stretch", "pad", "crop"]
"""How an image becomes square: proportions change, white is added, or the long sides are cut."""
RESIZES: tuple[Resize, ...] = get_args(Resize)

SUBSETS = ("train", "validation", "test")

SeveralLabels = Literal["leave-out", "combine", "first"]
"""What becomes of an image with several labels: left out, each combination is a class, the first
label counts."""
SEVERAL_LABELS: tuple[SeveralLabels, ...] = get_args(SeveralLabels)

DEFAULT_TEST_FRACTION = 0.30
DEFAULT_VALIDATION_FRACTION = 0.07
"""Of all images; the rest is trained on."""
