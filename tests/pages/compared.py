"""A stored experiment with predictions on real test images, for the pages that compare."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.datasets.add import add_pixels
from core.datasets.dataset import Dataset
from core.experiments.planning import plan_experiment
from core.experiments.records import ExperimentSpec, RecordedRun, run_id_of
from core.experiments.run_files import write_predictions
from core.experiments.store import Store
from core.training.events import Predictions
from tests import made_up

EXPERIMENT = "cccc3333"
MOMENT = "2026-11-20T10:00:00.000000+00:00"
HOSTILE = ("**md** [x](http://x)", "<script>alert(1)</script>", "=cmd()&<b>")
# How often each strategy is right on the arrows: the second pair cannot be told apart.
SKILL = {"majority": None, "mlp": 0.55, "cnn": 0.9, "vgg16_probe": 0.92}


def add_hostile() -> Dataset:
    """90 grey pictures in three classes with names that want to be Markdown, HTML or a formula."""
    random = np.random.default_rng(3)
    pixels = random.integers(0, 255, size=(90, 8, 8)).astype(np.uint8)
    return add_pixels(pixels, np.repeat(np.arange(3), 30), list(HOSTILE), "*hostile*", "a test")


def spec_on(dataset: Dataset, names: Sequence[str], seeds: Sequence[int]) -> ExperimentSpec:
    """A plan for strategies that could not all run here: only their names are needed."""
    spec = plan_experiment(dataset.id, ["majority"], seeds=seeds, image_size=64)
    return spec.model_copy(update={"strategies": tuple((name, {}) for name in names)})


def store_compared(
    store: Store,
    dataset: Dataset,
    names: Sequence[str] = tuple(SKILL),
    seeds: Sequence[int] = (0, 1),
    experiment_id: str = EXPERIMENT,
) -> ExperimentSpec:
    """Finished runs of ``names`` with the predictions of their test images."""
    spec = spec_on(dataset, names, seeds)
    test = spec.split.of(dataset).test
    labels = dataset.labels[test].astype(np.int32)
    random = np.random.default_rng(0)
    runs = []
    for seed in seeds:
        for name in names:
            probabilities = _probabilities(random, labels, SKILL[name], len(dataset.classes))
            accuracy = float((probabilities.argmax(axis=1) == labels).mean())
            other: dict[str, Any] = {}
            if name == "majority":
                other = {"steady_epoch_seconds": None, "parameters": 0}
            elif name == "cnn" and seed == seeds[0]:
                other = {"deployment": made_up.deployment()}
            result = made_up.result(accuracy, **other)
            epochs = (made_up.epoch(1), made_up.epoch(2)) if name != "majority" else ()
            runs.append(RecordedRun(name, seed, {}, result, epochs, MOMENT, MOMENT, MOMENT))
            write_predictions(
                run_id_of(experiment_id, name, seed), Predictions(test, labels, probabilities)
            )
    store.add_recorded(experiment_id, spec, MOMENT, made_up.origin(date=MOMENT), runs)
    return spec


def _probabilities(
    random: np.random.Generator, labels: np.ndarray, skill: float | None, classes: int
) -> np.ndarray:
    """float32 ``(N, classes)``; with a skill of None the first class for every image."""
    wrong = (labels + random.integers(1, classes, len(labels))) % classes
    predicted = np.where(random.random(len(labels)) < (skill or 0.0), labels, wrong)
    if skill is None:
        predicted = np.zeros_like(labels)
    found = random.random((len(labels), classes)) * 0.2
    found[np.arange(len(labels)), predicted] += 1
    return (found / found.sum(axis=1, keepdims=True)).astype(np.float32)
