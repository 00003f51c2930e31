"""A race, made up: whoever is right more often is right wherever another is."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.analysis.advice.race.request import Race, RaceSpec
from core.analysis.advice.race.rule import status_of
from core.experiments.race_points import RacePoint, packed
from core.jobs.records import JobRecord

RIGHT = np.array([True, False, True, True, False, False, True, True, True])
SIZES, TRAIN_IMAGES = (100, 200, 400), 1600
# In the order of their cost.
CURVES: dict[str, Sequence[float]] = {
    "majority": (0.3, 0.3, 0.3),
    "mlp": (0.35, 0.36),
    "cnn": (0.4, 0.5, 0.6),
    "squeezenet_probe": (0.5, 0.5),
    "vgg16_probe": (0.8, 0.82, 0.84),
    "vgg16_features": (0.7,),
    "vgg16_finetune": (),
}


def point(**changes: Any) -> RacePoint:
    values: dict[str, Any] = {
        "id": "cnn-30-1",
        "made_at": "2026-12-01T02:00:00.000000+00:00",
        "dataset_id": "e" * 64,
        "split_fingerprint": "f" * 64,
        "image_size": 96,
        "strategy": "cnn",
        "settings": {"epochs": 5, "optimizer": "adam", "learning_rate": 1e-3},
        "weights": "",
        "seed": 0,
        "train_images": 30,
        "validation_images": 9,
        "distinct_images": 8,
        "correct": packed(RIGHT),
        "seconds": 4.5,
    }
    return RacePoint(**(values | changes))


def share(right: int, images: int) -> np.ndarray:
    """The first ``right`` of so many images."""
    return np.arange(images) < right


def at(strategy: str, images: int, right: np.ndarray, **changes: Any) -> RacePoint:
    """A point of a strategy; ``right``: bool, which validation images are."""
    values = {
        "id": f"{strategy}-{images}",
        "strategy": strategy,
        "train_images": images,
        "validation_images": len(right),
        "distinct_images": len(right),
        "correct": packed(right),
    }
    return point(**(values | changes))


def points(
    curves: Mapping[str, Sequence[float]] = CURVES, images: int = 500, **changes: Any
) -> list[RacePoint]:
    """Size after size; ``curves``: the accuracies of each strategy, as far as it got."""
    return [
        at(name, size, share(round(images * curve[place]), images), **changes)
        for place, size in enumerate(SIZES)
        for name, curve in curves.items()
        if place < len(curve)
    ]


def race(curves: Mapping[str, Sequence[float]] = CURVES, **changes: Any) -> Race:
    """One that is over; of its strategies an MLP and a probe cannot win."""
    spec = RaceSpec(
        dataset_id="e" * 64,
        split_fingerprint="f" * 64,
        image_size=96,
        minutes=10,
        sizes=SIZES,
        train_images=TRAIN_IMAGES,
        strategies=tuple((name, {}) for name in curves),
        weights={},
    )
    values: dict[str, Any] = {
        "job": job(),
        "spec": spec,
        "status": status_of(points(curves), list(curves), TRAIN_IMAGES),
        "ended": "done",
        "failed": {},
        "seconds": 93.0,
    }
    return Race(**(values | changes))


def job(**changes: Any) -> JobRecord:
    nothing: dict[str, Any] = dict.fromkeys(JobRecord.__dataclass_fields__)
    usual = {"id": "race-1", "kind": "race", "state": "finished", "cancel_requested": False}
    return JobRecord(**(nothing | usual | changes))
