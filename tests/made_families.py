"""Eighteen strategies, three backbones with five modes each, with made-up predictions."""

import numpy as np

from core.analysis.evidence import ExperimentPredictions
from tests.made_evidence import evidence_of

IMAGES = 400
# Of 400 images, how many each gets right: always the first ones.
RIGHT = {
    "majority": 40,
    "mlp": 100,
    "cnn": 160,
    "vgg16_scratch": 120,
    "vgg16_probe": 240,
    "vgg16_features": 230,
    "vgg16_freeze": 242,
    "vgg16_finetune": 280,
    "efficientnet_lite0_scratch": 60,
    "efficientnet_lite0_probe": 250,
    "efficientnet_lite0_dense": 252,
    "efficientnet_lite0_freeze": 262,
    "efficientnet_lite0_finetune": 254,
    "squeezenet_scratch": 70,
    "squeezenet_probe": 161,
    "squeezenet_dense": 162,
    "squeezenet_freeze": 130,
    "squeezenet_finetune": 164,
}
NAMES = tuple(RIGHT)
ALONE = ("majority", "mlp", "cnn")
MAIN_ONES = (
    *ALONE,
    "vgg16_probe",
    "vgg16_finetune",
    "efficientnet_lite0_probe",
    "efficientnet_lite0_finetune",
    "squeezenet_probe",
    "squeezenet_finetune",
)


def evidence() -> ExperimentPredictions:
    """One seed each, in the order of the ladder."""
    rights = {name: (np.arange(IMAGES) < count)[np.newaxis] for name, count in RIGHT.items()}
    return evidence_of(rights, majority_right=40)
