"""Learning curves: the same strategies on ever more of the training images, tested on the same.

Each point of the curve is an experiment of its own; they share their ``series``.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput, UnknownName
from core.experiments.planning import plan_experiment
from core.experiments.records import ExperimentRecord
from core.experiments.spec import ExperimentSpec
from core.experiments.store import Store
from core.text import exact_percent_text

FRACTIONS = (0.05, 0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class LearningCurvePlan:
    """``specs`` in the order of their fractions, the smallest first; ``dropped`` says in sentences
    which fractions were left out, and why."""

    series: str
    specs: tuple[ExperimentSpec, ...]
    dropped: tuple[str, ...]


def plan_learning_curve(
    dataset_name: str, fractions: Sequence[float] = FRACTIONS, **options: Any
) -> LearningCurvePlan:
    """One experiment for each fraction (0.01 to 1) of the training images, the smaller ones inside
    the larger; nothing is stored but the split.

    ``options`` are those of ``plan_experiment``. Every fraction holds an image of every class. One
    that gives the same images as a larger fraction is dropped; a batch size that is larger than
    the images of a fraction is made to fit them. Raises ``UnknownName`` or ``BadInput`` as
    ``plan_experiment``, and where fewer than two fractions are left.
    """
    series = secrets.token_hex(4)
    specs: list[ExperimentSpec] = []
    dropped: list[str] = []
    for fraction in sorted(set(fractions), reverse=True):
        spec = plan_experiment(dataset_name, train_share=fraction, series=series, **options)
        images = spec.images["train"]
        if specs and specs[-1].images["train"] == images:
            dropped.append(
                f"{exact_percent_text(fraction)} of the training images was left out: with at "
                f"least one of each class it is the same {images} images as "
                f"{exact_percent_text(specs[-1].train_share)}."
            )
        else:
            specs.append(spec)
    if len(specs) < 2:
        raise BadInput(
            "A learning curve needs at least two fractions that give different numbers of "
            f"training images. {' '.join(dropped)}".strip(),
            "fractions",
        )
    return LearningCurvePlan(series, tuple(reversed(specs)), tuple(reversed(dropped)))


def series_of(store: Store, series: str) -> list[ExperimentRecord]:
    """The experiments of one learning curve, the smallest fraction first; else ``UnknownName``."""
    experiments = store.experiments()
    found = [
        experiment for experiment in experiments if series and experiment.spec.series == series
    ]
    if not found:
        known = {entry.spec.series for entry in experiments if entry.spec.series}
        raise UnknownName("learning curve", series, known)
    return sorted(found, key=lambda experiment: experiment.spec.train_share)
