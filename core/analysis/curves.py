"""Training curves: the epochs of each run, and what every strategy had learned at one moment.

Strategies train for 2 epochs or for 40. A moment is therefore a fraction of each one's own
training: at 0.5 the one has done its first epoch and the other its twentieth.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.analysis.comparison import title_of
from core.datasets.dataset import Dataset
from core.errors import StoreError
from core.experiments.records import ExperimentSpec, RunRecord, finished_runs
from core.experiments.store import Store
from core.strategies.registry import MAJORITY
from core.training.events import EpochRecord
from core.training.scoring import tracked_rows

END = 1.0
# One third, the end of epoch 1 of 3, differs in its last digits by how it was computed.
TOLERANCE = 1e-9

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Curve:
    """The epochs of one run in order, as stored."""

    strategy: str
    title: str
    seed: int
    epochs: tuple[EpochRecord, ...]

    @property
    def main_epochs(self) -> tuple[EpochRecord, ...]:
        """Without the epochs of a head that was fitted first on cached features."""
        return tuple(epoch for epoch in self.epochs if epoch.stage == "main")


@dataclass(frozen=True)
class TrackedPrediction:
    """The prediction for one tracked image.

    ``predicted``: position in the classes. ``probability``: 0 to 1, None where nothing was
    computed. ``changed``: the epoch before had predicted another class.
    """

    predicted: int
    probability: float | None
    correct: bool
    changed: bool


@dataclass(frozen=True)
class TrainingSnapshot:
    """The shown run of a strategy, as it was at the moment.

    ``epoch`` of ``epochs`` in ``stage`` (``head`` or ``main``), all None before the first one is
    over. ``accuracy`` (0 to 1) is that on all validation images. ``answers`` are the tracked
    images by position in the dataset. ``test_accuracy`` is known once the run is finished.
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


def curves_of(store: Store, runs: Sequence[RunRecord]) -> list[Curve]:
    """The epochs so far of every run that has any; damaged ones are left out (logged)."""
    started = (run for run in runs if run.state != "queued")
    return [
        Curve(run.strategy, title_of(run.strategy), run.seed, epochs)
        for run in started
        if (epochs := _own_epochs(run, store))
    ]


def readable_epochs(store: Store, run_id: str) -> tuple[EpochRecord, ...] | None:
    """The epochs of a run; None, logged, where they are damaged in the store."""
    try:
        return store.epochs(run_id)
    except StoreError as error:
        log.warning("left out: %s", error)
        return None


def _own_epochs(run: RunRecord, store: Store) -> tuple[EpochRecord, ...] | None:
    """Of a finished run that stopped before its planned end, the last epoch counts as the end."""
    epochs = readable_epochs(store, run.id)
    if run.state != "finished" or not epochs:
        return epochs
    done = sum(epoch.stage == "main" for epoch in epochs)
    return tuple(
        replace(epoch, epochs=done) if epoch.stage == "main" else epoch for epoch in epochs
    )


def epochs_up_to(curve: Curve, moment: float) -> Curve:
    """The epochs that are over at ``moment`` (0 to 1); the head's come before all of them."""
    over = (epoch for epoch in curve.epochs if finished_fraction(epoch) <= moment + TOLERANCE)
    return replace(curve, epochs=tuple(over))


def finished_fraction(epoch: EpochRecord) -> float:
    """How much of the training is over after this epoch record, 0 to 1."""
    return epoch.epoch / epoch.epochs if epoch.stage == "main" else 0.0


def has_tracked_images(curves: Sequence[Curve]) -> bool:
    """False for epochs of older versions, which tracked no images."""
    return any(epoch.tracked for curve in curves for epoch in curve.epochs)


def tracked_images(
    curves: Sequence[Curve], spec: ExperimentSpec, dataset: Dataset
) -> tuple[int, ...]:
    """Positions in the dataset: those in the epochs; before the first, those that training will
    choose."""
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
    """One for each strategy that learns, in the order of the runs, at the end of its ``curves``.

    Of several seeds ``seed`` is shown; with None the run at work, or else the last that has begun.
    There are no answers without the dataset, which has the labels.
    """
    epochs = {(curve.strategy, curve.seed): curve.epochs for curve in curves}
    by_strategy: dict[str, list[RunRecord]] = {}
    for run in runs:
        if run.strategy != MAJORITY:
            by_strategy.setdefault(run.strategy, []).append(run)
    shown = [_shown(of_strategy, seed) for of_strategy in by_strategy.values()]
    labels = None if dataset is None else dataset.labels
    return tuple(_snapshot(run, epochs.get((run.strategy, run.seed), ()), labels) for run in shown)


def _shown(runs: Sequence[RunRecord], seed: int | None) -> RunRecord:
    wanted = [run for run in runs if run.seed == seed]
    begun = [run for run in runs if run.state != "queued"]
    at_work = [run for run in runs if run.state == "running"]
    return (wanted or at_work or begun[-1:] or runs)[0]


def _snapshot(
    run: RunRecord, epochs: Sequence[EpochRecord], labels: np.ndarray | None
) -> TrainingSnapshot:
    snapshot = TrainingSnapshot(
        run.strategy, title_of(run.strategy), run.seed, run.state, test_accuracy=run.test_accuracy
    )
    if not epochs:
        return snapshot
    last = epochs[-1]
    return replace(
        snapshot,
        stage=last.stage,
        epoch=last.epoch,
        epochs=last.epochs,
        accuracy=last.validation_accuracy,
        answers={} if labels is None else _answers(last, epochs[-2:-1], labels),
    )


def _answers(
    last: EpochRecord, before: Sequence[EpochRecord], labels: np.ndarray
) -> dict[int, TrackedPrediction]:
    former = {entry.image: entry.predicted for epoch in before for entry in epoch.tracked}
    return {
        entry.image: TrackedPrediction(
            predicted=entry.predicted,
            probability=entry.probability,
            correct=bool(labels[entry.image] == entry.predicted),
            changed=former.get(entry.image, entry.predicted) != entry.predicted,
        )
        for entry in last.tracked
    }
