"""A recorded series, made up: eight datasets of four sources, curves that follow a power law."""

from typing import Any

import numpy as np

from core.analysis.advice.series import FORMAT, Series, SeriesDataset, Training
from core.experiments.race_points import packed
from tests.made_facts import facts

TRAIN, VALIDATION, TEST = 320, 200, 500
FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
# Error on 20 images, exponent, seconds for an image.
STRATEGIES = {
    "majority": (0.70, 0.0, 0.0),
    "cnn": (0.60, 0.15, 0.05),
    "vgg16_probe": (0.45, 0.30, 0.01),
    "squeezenet_finetune": (0.55, 0.45, 0.10),
}


def training(strategy: str, fraction: float, shift: float) -> Training:
    """``shift`` is added to the error of all sizes."""
    error, exponent, seconds = STRATEGIES[strategy]
    images = round(fraction * TRAIN)
    wrong = (error + shift) * (images / 20) ** -exponent
    is_final = fraction == 1
    return Training(
        strategy=strategy,
        fraction=fraction,
        train_images=images,
        validation=packed(np.arange(VALIDATION) >= round(wrong * VALIDATION)),
        test=packed(np.arange(TEST) >= round(wrong * TEST)) if is_final else None,
        seconds=1 + seconds * images,
        is_disturbed=False,
    )


def dataset(number: int, **changes: Any) -> SeriesDataset:
    """Two of each source have numbers that follow each other."""
    shift = 0.02 * (number % 5)
    values: dict[str, Any] = {
        "name": f"set {number}",
        "source": f"source {number // 2}",
        "packages": ("shapes 1.0 (npm)",),
        "licence": "MIT",
        "made": "By shape.",
        "dataset_id": f"{number:064d}",
        "images": TRAIN + VALIDATION + TEST,
        "classes": 3,
        "train_images": TRAIN,
        "validation_images": VALIDATION,
        "distinct_validation_images": VALIDATION - 10,
        "test_images": TEST,
        "facts": facts(dataset_id=f"{number:064d}", train_images=TRAIN),
        "trainings": tuple(
            training(strategy, fraction, shift) for fraction in FRACTIONS for strategy in STRATEGIES
        ),
    }
    return SeriesDataset(**(values | changes))


def series(*datasets: SeriesDataset) -> Series:
    return Series(
        format=FORMAT,
        image_size=64,
        preset="quick",
        machine="two test cores",
        versions={"keras": "3.15.1"},
        made_at="2026-12-01",
        datasets=datasets or tuple(map(dataset, range(8))),
    )
