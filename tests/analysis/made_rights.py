"""Evidence, and stories, whose right and wrong predictions are rows of so many images."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.analysis.comparison import compare
from core.analysis.evidence import ExperimentPredictions
from core.analysis.story import StoryFacts
from tests import made_up
from tests.made_evidence import CLASSES, evidence_of

STORY_IMAGES = 100


def row(right: int, images: int, start: int = 0) -> list[bool]:
    """``correct`` images in a row, from ``start`` on."""
    return [start <= number < start + right for number in range(images)]


def clear() -> ExperimentPredictions:
    """200 images; mlp 60 right, cnn 64, probe 150: inside one another, one seed each."""
    rights = {"mlp": 60, "cnn": 64, "vgg16_probe": 150}
    return evidence_of({name: [row(right, 200)] for name, right in rights.items()}, 50)


_ONE = evidence_of({"cnn": [[True]]})
EMPTY = dataclasses.replace(
    _ONE, labels=_ONE.labels[:0], test_indices=_ONE.test_indices[:0], answers=()
)


def right(count: int, start: int = 0) -> np.ndarray:
    """One seed that got ``count`` of a hundred images right, from ``start`` on."""
    places = np.arange(STORY_IMAGES)
    return ((places >= start) & (places < start + count))[np.newaxis]


def facts_of(
    rights: Mapping[str, Any], dataset: str = "insects", kept: bool = True, **changes: Any
) -> StoryFacts:
    """A hundred test images, 20 of them ants, the commonest; without predictions if not ``kept``"""
    found = evidence_of(rights, majority_right=20)
    if not kept:
        found = dataclasses.replace(found, answers=())
    spec = made_up.spec(
        dataset_name=dataset,
        strategies=tuple((name, {}) for name in rights),
        classes=CLASSES,
        majority_class="ant",
        majority_accuracy=0.2,
        seeds=(0,),
    )
    runs = [
        made_up.run(name, seed, result=made_up.result(float(row.mean()), **changes))
        for name, table in rights.items()
        for seed, row in enumerate(table)
    ]
    return StoryFacts(compare(made_up.experiment(spec=spec), runs), lambda: found)


CLIMBING = {"mlp": right(40), "cnn": right(55), "vgg16_probe": right(90)}
WON, TIED, LOST = (
    {"cnn": right(50), "vgg16_probe": right(90)},
    {"cnn": right(50), "vgg16_probe": right(51)},
    {"cnn": right(90), "vgg16_probe": right(50)},
)
