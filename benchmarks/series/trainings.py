"""The trainings of one dataset of the series: on ever more images, test images at the end alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.analysis.advice.facts import default_split
from core.analysis.advice.probes import FEWEST_A_CLASS, FRACTIONS
from core.analysis.advice.series import SeriesDataset, Training
from core.datasets.dataset import Dataset
from core.datasets.split import Split
from core.experiments.race_points import packed
from core.strategies.registry import find_strategy
from core.training.engine import train
from core.training.events import Event, RunResult, TrainingOutcome
from core.training.spec import TrainingSpec, nested_subset

Train = Callable[[TrainingSpec, Dataset, Split], Iterator[Event]]


@dataclass(frozen=True, eq=False)
class Step:
    """One training that is to be made, of ``strategy`` on the images of ``split``.

    The test images of ``split`` are those to be predicted: validation images, and at full size the
    test images after them.
    """

    strategy: str
    fraction: float
    split: Split
    validation_images: int

    @property
    def is_final(self) -> bool:
        return len(self.split.test) > self.validation_images


def steps_of(dataset: Dataset, strategies: Sequence[str]) -> list[Step]:
    """The fewest images first, all strategies on them, then more; each part is inside the next.

    At least ``FEWEST_A_CLASS`` images of each class, or all that it has. Fractions that would have
    the same images are made once; all images come last, so that no test image is touched before
    everything else is known.
    """
    proportions = default_split()
    split = proportions.of(dataset)
    parts: dict[int, tuple[float, np.ndarray]] = {}
    for fraction in FRACTIONS:
        images = nested_subset(
            split.train, dataset.labels, fraction, proportions.seed, FEWEST_A_CLASS
        )
        parts.setdefault(len(images), (fraction, images))
    parts.pop(len(split.train), None)
    held_out = len(split.validation)
    found = [
        Step(name, fraction, replace(split, train=images, test=split.validation), held_out)
        for fraction, images in parts.values()
        for name in strategies
    ]
    whole = replace(split, test=np.concatenate([split.validation, split.test]))
    return found + [Step(name, 1.0, whole, held_out) for name in strategies]


def missing_steps(dataset: Dataset, strategies: Sequence[str], made: SeriesDataset) -> list[Step]:
    """Those of ``steps_of`` that ``made`` does not have."""
    return [
        step
        for step in steps_of(dataset, strategies)
        if made.training(step.strategy, len(step.split.train)) is None
    ]


def trained(
    step: Step, dataset: Dataset, image_size: int, preset: str, by: Train = train
) -> tuple[Training, RunResult]:
    """Make one training, with seed 0. ``by`` trains: the engine."""
    settings = find_strategy(step.strategy).resolve(preset)
    if "batch_size" in settings:
        settings["batch_size"] = min(settings["batch_size"], len(step.split.train))
    spec = TrainingSpec(
        dataset_id=dataset.id,
        strategy=step.strategy,
        settings=settings,
        image_size=image_size,
        split=default_split(),
        train_share=step.fraction,
    )
    *_, outcome = by(spec, dataset, step.split)
    if not isinstance(outcome, TrainingOutcome):
        raise TypeError(f"the training of {step.strategy} ended without an outcome")
    predictions, result = outcome.predictions, outcome.result
    correct = predictions.probabilities.argmax(axis=1) == predictions.labels
    held_out = step.validation_images
    return (
        Training(
            strategy=step.strategy,
            fraction=step.fraction,
            train_images=len(step.split.train),
            validation=packed(correct[:held_out]),
            test=packed(correct[held_out:]) if step.is_final else None,
            seconds=round(result.end_to_end_seconds, 2),
            is_disturbed="end_to_end_seconds" in result.disturbed,
        ),
        result,
    )
