"""Records with made-up numbers, for tests of what is computed and shown from them."""

from typing import Any

from core.conditions import Conditions
from core.experiments.records import ExperimentRecord, ExperimentSpec, Origin, RunRecord
from core.training.events import (
    Deployment,
    EpochRecord,
    RunConditions,
    RunResult,
    SplitScore,
    SubsetScores,
)

DATASET_ID = "d" * 64


def spec(**changes: Any) -> ExperimentSpec:
    """Two classes, 100 test images, 60 % of them of the commonest class."""
    values: dict[str, Any] = {
        "dataset_id": DATASET_ID,
        "dataset_name": "shapes",
        "strategies": (("majority", {}), ("cnn", {"epochs": 2}), ("vgg16_probe", {"epochs": 4})),
        "preset": "quick",
        "seeds": (0, 1),
        "image_size": 64,
        "precision": "float32",
        "classes": ("round", "square"),
        "images": {"train": 200, "validation": 20, "test": 100},
        "majority_class": "round",
        "majority_accuracy": 0.6,
    }
    return ExperimentSpec.model_validate(values | changes)


def experiment(**changes: Any) -> ExperimentRecord:
    values: dict[str, Any] = {
        "id": "abcd1234",
        "created_at": "2026-11-20T10:00:00.000000+00:00",
        "spec": spec(),
        "recorded": False,
        "origin": None,
        "state_counts": {"finished": 6},
    }
    return ExperimentRecord(**(values | changes))


def origin(machine: str = "none", date: str = "2026-11-20T10:00:00.000000+00:00") -> Origin:
    return Origin(machine, "Linux", {"keras": "3.15.1"}, date)


def result(test_accuracy: float = 0.75, **changes: Any) -> RunResult:
    """The result of a run on ``spec()``."""
    scores = SubsetScores(
        train=SplitScore(200, 0.9, 0.2),
        validation=SplitScore(20, 0.8, 0.5),
        test=SplitScore(100, test_accuracy, 0.7),
    )
    values: dict[str, Any] = {
        "scores": scores,
        "epochs": 2,
        "best_epoch": 2,
        "last_epoch": None,
        "first_epoch_seconds": 3.0,
        "steady_epoch_seconds": 1.5,
        "validation_seconds": 0.25,
        "feature_seconds": None,
        "feature_cache": None,
        "total_seconds": 10.0,
        "parameters": 1000,
        "trainable_parameters": 900,
        "device": "two test cores",
        "device_kind": "cpu",
        "precision": "float32",
        "backend": "tensorflow",
        "batch_size": 32,
        "peak_memory_bytes": 500_000_000,
        "versions": {"keras": "3.15.1"},
    }
    return RunResult(**values | changes)


def conditions(other_load: float = 0.02, **changes: Any) -> Conditions:
    """Those of 2 s on two processors."""
    values: dict[str, Any] = {
        "wall_seconds": 2.0,
        "own_processor_seconds": 3.6,
        "other_processor_seconds": 4.0 * other_load,
        "processor_seconds": 4.0,
        "load": 2.1,
        "waiting_seconds": 0.05,
    }
    return Conditions(**values | changes)


def run_conditions(other_load: float = 0.02, **changes: Any) -> RunConditions:
    """The same during the epochs and the whole run."""
    values = dict.fromkeys(("first_epoch", "steady_epochs", "whole_run"), conditions(other_load))
    return RunConditions(**values | changes)


def deployment(**changes: Any) -> Deployment:
    """A network of 12 ms an image, measured on a quiet machine."""
    values: dict[str, Any] = {
        "file_bytes": 58_900_000,
        "image_seconds": 0.012,
        "image_seconds_low": 0.011,
        "image_seconds_high": 0.0145,
        "timed_images": 83,
        "other_load": 0.02,
        "memory_bytes": 612_000_000,
        "multiply_adds": 407_000_000,
        "processor": "two test cores",
        "measuring_seconds": 4.5,
    }
    return Deployment(**values | changes)


def run(strategy: str = "cnn", seed: int = 0, **changes: Any) -> RunRecord:
    """A finished run of ``experiment()``; pass ``state`` and ``result`` for another."""
    values: dict[str, Any] = {
        "id": f"abcd1234-{strategy}-{seed}",
        "experiment_id": "abcd1234",
        "position": 0,
        "strategy": strategy,
        "seed": seed,
        "settings": {"epochs": 2},
        "state": "finished",
        "progress": None,
        "error": None,
        "result": result(),
        "notes": (),
        "attempts": 1,
        "worker_id": None,
        "lease_expires_at": None,
        "cancel_requested": False,
        "created_at": "2026-11-20T10:00:00.000000+00:00",
        "started_at": "2026-11-20T10:00:01.000000+00:00",
        "finished_at": "2026-11-20T10:00:11.000000+00:00",
    }
    nothing: dict[str, Any] = dict.fromkeys(RunRecord.__dataclass_fields__)
    return RunRecord(**(nothing | values | changes))


def epoch(number: int, stage: str = "main", **changes: Any) -> EpochRecord:
    values: dict[str, Any] = {
        "stage": stage,
        "epoch": number,
        "epochs": 3,
        "train_loss": 1.0 / number,
        "train_accuracy": 0.5 + 0.1 * number,
        "validation_loss": 1.2 / number,
        "validation_accuracy": 0.4 + 0.1 * number,
        "train_seconds": 1.5,
        "validation_seconds": 0.25,
        "images_per_second": 133.0,
    }
    return EpochRecord(**values | changes)
