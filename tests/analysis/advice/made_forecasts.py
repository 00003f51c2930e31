"""Forecasts and grades, made up."""

from core.analysis.advice.grades import Graded
from core.experiments.accuracy_forecasts import AccuracyForecast


def forecast(**changes: object) -> AccuracyForecast:
    values = {
        "id": "a-vgg16_probe",
        "made_at": "2026-11-30T22:00:00.000000+00:00",
        "dataset_id": "e" * 64,
        "strategy": "vgg16_probe",
        "image_size": 96,
        "split_fingerprint": "f" * 64,
        "predicted": 0.7,
        "deviation": 0.05,
        "low_80": 0.64,
        "high_80": 0.76,
        "low_95": 0.60,
        "high_95": 0.80,
        "cases": 0,
    }
    return AccuracyForecast(**(values | changes))


def trained(strategy: str, predicted: float, room: float = 0.04, **changes: object):
    """One that was made from trainings, with a verdict: 95 % within twice the ``room`` of 80 %."""
    values = {
        "id": f"b-{strategy}",
        "strategy": strategy,
        "predicted": predicted,
        "low_80": predicted - room,
        "high_80": predicted + room,
        "low_95": predicted - 2 * room,
        "high_95": predicted + 2 * room,
        "cases": 40,
        "kind": "trained",
        "batch": "b",
        "verdict": "cannot_tell",
        "largest": 200,
        "train_images": 800,
        "exponent": 0.3,
        "own_exponent": 0.4,
        "prior_exponent": 0.25,
        "own_weight": 0.33,
        "seconds": 100.0,
        "seconds_80": (75.0, 130.0),
        "seconds_95": (60.0, 160.0),
        "spent_seconds": 20.0,
        "next_images": 400,
        "next_seconds": 55.0,
    }
    return forecast(**(values | changes))


def graded(error: float, **changes: object) -> Graded:
    made = forecast(**changes)
    return Graded(made, "shapes", made.dataset_id, "abcd1234", made.predicted + error)
