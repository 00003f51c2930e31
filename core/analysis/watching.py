"""Snapshots of each strategy of an experiment at one moment of its training.

Strategies train for 2 epochs or for 40. A moment is therefore a fraction of each one's own
training: at 0.5 the one has done its first epoch and the other its twentieth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.analysis.comparison import title_of
from core.analysis.curves import Curve
from core.datasets.dataset import Dataset
from core.experiments.records import ExperimentSpec, RunRecord, finished_runs
from core.strategies.registry import MAJORITY
from core.training.events import EpochRecord
from core.training.scoring import tracked_rows

END = 1.0
# Epoch 1 of 3 is over at a third, which no two floating-point numbers agree upon.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class TrackedPrediction:
    """The prediction for one tracked image.

    ``predicted``: position in the classes. ``probability``: 0 to 1, None where nothing was
    computed. ``changed``: the prediction was another one an epoch before.
    """

    predicted: int
    probability: float | None
    correct: bool
    changed: bool


@dataclass(frozen=True)
class TrainingSnapshot:
    """The run that stands for a strategy, as it was at the moment.

    ``epoch`` of ``epochs`` belong to ``stage`` (``head`` or ``main``) and are None before the
    first one is over. ``accuracy`` (0 to 1) is that on all validation images. ``answers`` are the
    tracked images by position in the dataset. ``test_accuracy`` is known once the run is finished.
    """

    strategy: str
    title: str
    seed: int
    state: str
    stage: str | None = None
    epoch: int | None = None
    epochs: int | None = None
    accuracy: float | None = None
    test_accuracy: float | None = None
    answers: Mapping[int, TrackedPrediction] = field(default_factory=dict)

    @property
    def correct(self) -> int:
        """How many of the tracked images are predicted correctly."""
        return sum(answer.correct for answer in self.answers.values())


def epochs_up_to(curve: Curve, moment: float) -> Curve:
    """The epochs that are over at ``moment`` (0 to 1); the head's come before all of them."""
    return replace(
        curve,
        epochs=tuple(
            epoch for epoch in curve.epochs if finished_fraction(epoch) <= moment + TOLERANCE
        ),
    )


def finished_fraction(epoch: EpochRecord) -> float:
    """How much of the training is over after this epoch record, 0 to 1."""
    return epoch.epoch / epoch.epochs if epoch.stage == "main" else 0.0


def has_tracked_images(curves: Sequence[Curve]) -> bool:
    """False for epochs of older versions, which tracked no images."""
    return any(epoch.tracked for curve in curves for epoch in curve.epochs)


def tracked_images(
    curves: Sequence[Curve], spec: ExperimentSpec, dataset: Dataset
) -> tuple[int, ...]:
    """Positions in the dataset: as recorded in the epochs; before the first one, as chosen by
    ``core.training.scoring``."""
    for curve in curves:
        for epoch in curve.epochs:
            if epoch.tracked:
                return tuple(answer.image for answer in epoch.tracked)
    validation = spec.split.of(dataset).validation
    return tuple(int(image) for image in validation[tracked_rows(dataset.labels[validation])])


def majority_fraction(
    runs: Sequence[RunRecord], spec: ExperimentSpec, dataset: Dataset | None
) -> float | None:
    """The fraction (0 to 1) of the *validation* images that is of the commonest training class.

    None where neither a majority run nor the dataset is known.
    """
    for run, result in finished_runs(runs):
        if run.strategy == MAJORITY:
            return result.scores.validation.accuracy
    if dataset is None or spec.majority_class not in dataset.classes:
        return None
    labels = dataset.labels[spec.split.of(dataset).validation]
    return float(np.mean(labels == dataset.classes.index(spec.majority_class)))


def snapshots(
    runs: Sequence[RunRecord],
    curves: Sequence[Curve],
    dataset: Dataset | None,
    seed: int | None = None,
) -> tuple[TrainingSnapshot, ...]:
    """One for each strategy that learns, in the order of the runs, from ``curves`` as far as they
    go.

    Of several seeds it is ``seed`` that is shown; with None the run at work, or else the last
    that has begun. Without the dataset no answer can be judged, so there are none.
    """
    epochs = {(curve.strategy, curve.seed): curve.epochs for curve in curves}
    labels = None if dataset is None else dataset.labels
    found = []
    for strategy in dict.fromkeys(run.strategy for run in runs):
        if strategy != MAJORITY:
            own = [run for run in runs if run.strategy == strategy]
            run = _shown(own, seed)
            found.append(_snapshot(run, epochs.get((strategy, run.seed), ()), labels))
    return tuple(found)


def _shown(runs: Sequence[RunRecord], seed: int | None) -> RunRecord:
    wanted = [run for run in runs if run.seed == seed]
    begun = [run for run in runs if run.state != "queued"]
    at_work = [run for run in runs if run.state == "running"]
    return (wanted or at_work or begun[-1:] or runs)[0]


def _snapshot(
    run: RunRecord, epochs: Sequence[EpochRecord], labels: np.ndarray | None
) -> TrainingSnapshot:
    snapshot = TrainingSnapshot(
        strategy=run.strategy,
        title=title_of(run.strategy),
        seed=run.seed,
        state=run.state,
        test_accuracy=run.test_accuracy,
    )
    if not epochs:
        return snapshot
    last, before = epochs[-1], epochs[-2] if len(epochs) > 1 else None
    return replace(
        snapshot,
        stage=last.stage,
        epoch=last.epoch,
        epochs=last.epochs,
        accuracy=last.validation_accuracy,
        answers={} if labels is None else _answers(last, before, labels),
    )


def _answers(
    last: EpochRecord, before: EpochRecord | None, labels: np.ndarray
) -> dict[int, TrackedPrediction]:
    former = {entry.image: entry.predicted for entry in (before.tracked if before else ())}
    return {
        entry.image: TrackedPrediction(
            predicted=entry.predicted,
            probability=entry.probability,
            correct=bool(labels[entry.image] == entry.predicted),
            changed=former.get(entry.image, entry.predicted) != entry.predicted,
        )
        for entry in last.tracked
    }
