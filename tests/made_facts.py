"""Facts of a dataset, made up: two backbones, five blocks, a learning curve."""

from typing import Any

from core.analysis.advice.facts import (
    IMAGE_SIZE,
    BackboneFacts,
    BlockFacts,
    Blocks,
    Difference,
    Estimate,
    Facts,
    ProbePoint,
)
from core.datasets.dataset import Dataset

FROZEN = (4, 7, 11, 15, 19)
LAYERS = tuple(f"block{number}_pool" for number in range(1, 6))


def estimate(accuracy: float) -> Estimate:
    return Estimate(accuracy, accuracy - 0.04, accuracy + 0.03)


def difference(points: float, room: float = 2.0) -> Difference:
    """In points, with an interval of ``room`` to either side."""
    return Difference(points / 100, (points - room) / 100, (points + room) / 100)


def backbone(name: str, title: str, probe: float, behind: Difference | None) -> BackboneFacts:
    return BackboneFacts(
        name=name,
        title=title,
        neighbours=estimate(probe - 0.08),
        probe=estimate(probe),
        curve=(
            ProbePoint(30, estimate(probe - 0.15)),
            ProbePoint(45, estimate(probe - 0.06)),
            ProbePoint(90, estimate(probe)),
        ),
        doubling=difference(6),
        behind=behind,
    )


def blocks(gain: Difference, *behind: float | None) -> Blocks:
    """``behind``: how many points each block is behind the best, None for that."""
    behind = behind or (30, 20, 10, 5, None)
    return Blocks(
        backbone="vgg16",
        title="VGG16",
        blocks=tuple(
            BlockFacts(
                number=place + 1,
                layer=LAYERS[place],
                frozen_layers=FROZEN[place],
                probe=estimate(0.7 - (points or 0) / 100),
                behind=None if points is None else difference(points),
            )
            for place, points in enumerate(behind)
        ),
        best_earlier=4,
        gain=gain,
    )


def facts(dataset: Dataset | None = None, **changes: Any) -> Facts:
    """Of 113 training images in three classes, or of the training images of ``dataset``."""
    values: dict[str, Any] = {
        "dataset_id": "e" * 64 if dataset is None else dataset.id,
        "image_size": IMAGE_SIZE,
        "train_images": 113,
        "images": 113,
        "distinct_images": 105,
        "folds": 5,
        "classes": ("cat", "dog", "owl") if dataset is None else dataset.classes,
        "class_counts": (50, 40, 23),
        "majority_accuracy": 50 / 113,
        "exact_duplicates": 3,
        "near_duplicate_groups": 5,
        "images_in_groups": 13,
        "backbones": (
            backbone("efficientnet_lite0", "EfficientNet-Lite0", 0.72, None),
            backbone("vgg16", "VGG16", 0.70, difference(2.0, 3.0)),
        ),
        "not_here": ("ResNet50",),
        "too_small": (),
        "seen": (),
        "blocks": blocks(difference(5.0)),
        "made_at": "2026-11-30T22:00:00+00:00",
        "seconds": 21.4,
        "extraction_seconds": 12.5,
    }
    return Facts(**(values | changes))
