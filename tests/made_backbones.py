"""Two more backbones beside VGG16, with made-up predictions for 400 images and made-up costs."""

from dataclasses import replace

import numpy as np
import pytest

from core.analysis.backbones import BackboneCost
from core.analysis.evidence import ExperimentPredictions
from core.strategies.registry import STRATEGIES
from core.strategies.strategy import Appearance
from tests.made_evidence import evidence_of

IMAGES = 400
# Of 400 images, how many each gets right, and how many of those the strongest one gets wrong.
RIGHT = {
    "vgg16_scratch": (100, 0),
    "vgg16_probe": (270, 20),
    "vgg16_finetune": (290, 0),
    "small_probe": (276, 20),
    "small_finetune": (280, 20),
    "tiny_probe": (200, 0),
}
_LOOKS = {"small": ("#0F7FBF", "Small"), "tiny": ("#B45A00", "Tiny")}


def add_backbones(patch: pytest.MonkeyPatch) -> None:
    """Register the probe and the fine-tuned mode of ``small`` and ``tiny`` for one test."""
    for backbone, (colour, title) in _LOOKS.items():
        for mode in ("probe", "finetune"):
            like = STRATEGIES[f"vgg16_{mode}"]
            assert like.backbone is not None
            made = replace(
                like,
                name=f"{backbone}_{mode}",
                title=f"{title} {mode}",
                backbone=replace(like.backbone, name=backbone, title=title),
                appearance=Appearance(colour, like.appearance.marker),
            )
            patch.setitem(STRATEGIES, made.name, made)


def evidence(*names: str) -> ExperimentPredictions:
    """Predictions of one seed of ``names``, in the order of the ladder."""
    rights = {}
    for name in names:
        count, other = RIGHT[name]
        right = np.zeros((1, IMAGES), bool)
        right[0, : count - other] = True
        right[0, IMAGES - other :] = other > 0
        rights[name] = right
    return evidence_of(rights, majority_right=40)


def cost(seconds: float, image_seconds: float | None = 0.012, megabytes: int = 14) -> BackboneCost:
    return BackboneCost(
        whole_run_seconds=2 * seconds,
        extraction_seconds=seconds,
        image_seconds=image_seconds,
        parameters=megabytes * 250_000,
        file_bytes=None if image_seconds is None else megabytes * 1_000_000,
        is_disturbed=False,
    )
