"""The strategies of one experiment side by side: one row each, over all its seeds.

Frames are for pages and notebooks: in percent, with the unit in each column name.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any, TypeVar

import pandas as pd

from core.analysis.significance import mean_interval
from core.errors import UnknownName
from core.experiments.records import (
    ExperimentRecord,
    ExperimentSpec,
    Origin,
    RunRecord,
    UsedBackbone,
    deployment_of,
    finished_runs,
)
from core.experiments.store import Store
from core.experiments.used_backbones import saw_test_images, used_under
from core.strategies.registry import find_strategy
from core.text import seconds_text
from core.training.events import TIME_TITLES, Deployment
from core.training.steady import median_times

Value = TypeVar("Value")


@dataclass(frozen=True)
class SeedResult:
    """One run of a row. ``test_accuracy`` is 0 to 1, None while the run is not finished."""

    run_id: str
    seed: int
    state: str
    test_accuracy: float | None
    error: str | None


@dataclass(frozen=True)
class Row:
    """One strategy over all its seeds. Fractions are 0 to 1, times seconds, None is not known.

    Accuracies and losses are means over the finished seeds, times are medians over them.
    ``test_accuracy_low`` and ``test_accuracy_high`` are the 95 % Wilson interval of the *rounded
    mean number of correct test images* of one seed. Seeds are not pooled: they are scored on the
    same images, so three seeds are not three times the evidence. ``feature_seconds`` is what the
    extraction cost when it was done, also where this experiment found the features in the cache;
    ``end_to_end_seconds`` is the total with that cost always counted. ``deployment`` is what the
    network of one of its seeds costs where it is used. ``backbone_origin``: the run that a backbone
    of one's own comes from; None for other backbones, and without one. ``saw_test_images``: that
    backbone has seen test images of the experiment, or may have.

    Each time is the median over the seeds in which it was not disturbed. ``disturbed`` names the
    fields of those that were disturbed in every seed: they are shown with a mark and not compared.
    """

    strategy: str
    title: str
    status: str
    seeds: tuple[int, ...]
    test_accuracy: float | None
    test_accuracy_low: float | None
    test_accuracy_high: float | None
    validation_accuracy: float | None
    train_accuracy: float | None
    log_loss: float | None
    lift_over_majority: float | None
    first_epoch_seconds: float | None
    steady_epoch_seconds: float | None
    validation_seconds: float | None
    feature_seconds: float | None
    feature_cache: str | None
    total_seconds: float | None
    end_to_end_seconds: float | None
    epochs: int | None
    best_epochs: tuple[int, ...]
    parameters: int | None
    trainable_parameters: int | None
    peak_memory_bytes: int | None
    deployment: Deployment | None
    device: str | None
    backbone_origin: str | None
    notes: tuple[str, ...]
    runs: tuple[SeedResult, ...]
    disturbed: tuple[str, ...] = ()
    saw_test_images: bool = False

    def time_text(self, name: str) -> str:
        """One of the times in words, with a mark where it was disturbed."""
        return seconds_text(getattr(self, name), name in self.disturbed)

    def undisturbed(self, name: str) -> float | None:
        """One of the times; None where it was disturbed or is not known."""
        return None if name in self.disturbed else getattr(self, name)


@dataclass(frozen=True)
class Comparison:
    """One experiment with its strategies.

    ``images`` counts the images of ``train``, ``validation`` and ``test``. ``majority_accuracy`` is
    the test accuracy of always predicting ``majority_class``, the commonest class of the training
    images. ``given_split`` is true where the dataset came with a split that was used; ``split``
    then says nothing about the test images. ``backbones`` are those of one's own, by name.
    """

    experiment: str
    dataset: str
    dataset_id: str
    images: dict[str, int]
    classes: tuple[str, ...]
    majority_class: str | None
    majority_accuracy: float | None
    preset: str
    seeds: tuple[int, ...]
    image_size: int
    resize: str
    split: dict[str, float]
    given_split: bool
    device: str | None
    precision: str
    backend: str | None
    versions: dict[str, str]
    created_at: str
    recorded: bool
    origin: Origin | None
    unavailable: dict[str, str]
    backbones: Mapping[str, UsedBackbone]
    rows: tuple[Row, ...]

    @property
    def finished_rows(self) -> tuple[Row, ...]:
        """Rows that have a test accuracy to show."""
        return tuple(row for row in self.rows if row.test_accuracy is not None)

    @property
    def is_active(self) -> bool:
        """True while a run of the experiment is queued or running."""
        return any(run.state in ("queued", "running") for row in self.rows for run in row.runs)

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON: the document of ``compare --format json``."""
        backbones = {name: used.model_dump(mode="json") for name, used in self.backbones.items()}
        without = asdict(replace(self, backbones={}))
        return without | {
            "origin": asdict(self.origin) if self.origin else {},
            "backbones": backbones,
        }

    def frame(self) -> pd.DataFrame:
        """One line a strategy, in percent and seconds; see ``results_frame``."""
        return results_frame(self)


# The state that a row shows is the first of these that one of its runs is in.
STATE_ORDER = ("running", "queued", "failed", "interrupted", "cancelled", "finished")


def compare_experiment(store: Store, experiment_id: str) -> Comparison:
    """The comparison of one experiment as it stands now, finished or not.

    Raises ``UnknownName`` for an id that is not in the store.
    """
    return compare(store.experiment(experiment_id), store.runs(experiment_id))


def compare(experiment: ExperimentRecord, runs: Sequence[RunRecord]) -> Comparison:
    """The comparison of one experiment; strategies in the order of their first ``runs``."""
    spec = experiment.spec
    results = [result for _, result in finished_runs(runs)]
    # The majority class is counted, not trained: while a network is still to come, its backend says
    # nothing about the experiment.
    trained = [result for result in results if result.epochs]
    if not trained and not any(run.is_active for run in runs):
        trained = results
    return Comparison(
        experiment=experiment.id,
        dataset=spec.dataset_name,
        dataset_id=spec.dataset_id,
        images=dict(spec.images),
        classes=spec.classes,
        majority_class=spec.majority_class or None,
        majority_accuracy=spec.majority_accuracy,
        preset=spec.preset,
        seeds=spec.seeds,
        image_size=spec.image_size,
        resize=spec.resize,
        split=spec.split.model_dump(),
        given_split=spec.given_split,
        device=_joined(result.device for result in trained),
        precision=_joined(result.precision for result in trained) or spec.precision,
        backend=_joined(result.backend for result in trained),
        versions={
            name: _joined(result.versions.get(name) for result in results) or ""
            for name in sorted({name for result in results for name in result.versions})
        },
        created_at=experiment.created_at,
        recorded=experiment.recorded,
        origin=experiment.origin,
        unavailable=dict(spec.unavailable),
        backbones=spec.backbones,
        rows=tuple(
            _row([run for run in runs if run.strategy == strategy], spec)
            for strategy in dict.fromkeys(run.strategy for run in runs)
        ),
    )


def title_of(strategy: str) -> str:
    """The title in the registry, or the name of a strategy that the registry no longer has."""
    try:
        return find_strategy(strategy).title
    except UnknownName:
        return strategy


def split_text(spec: ExperimentSpec) -> str:
    """How the images were split."""
    if spec.given_split:
        return "came with the dataset"
    test, validation = spec.split.test, spec.split.validation
    return f"{100 * test:g} % test, {100 * validation:g} % validation, seed {spec.split.seed}"


def _row(runs: Sequence[RunRecord], spec: ExperimentSpec) -> Row:
    majority_accuracy = spec.majority_accuracy
    used = used_under(runs[0].strategy, spec)
    results = [result for _, result in finished_runs(runs)]
    accuracies = [result.scores.test.accuracy for result in results]
    mean = low = high = lift = None
    if accuracies:
        mean = statistics.fmean(accuracies)
        low, high = mean_interval(accuracies, results[0].scores.test.images)
        lift = None if majority_accuracy is None else mean - majority_accuracy
    states = {run.state for run in runs}
    noted = [run.notes for run in runs] + [result.notes for result in results]
    times, disturbed = median_times(results)
    return Row(
        strategy=runs[0].strategy,
        title=title_of(runs[0].strategy),
        status=next(state for state in STATE_ORDER if state in states),
        seeds=tuple(run.seed for run in runs),
        test_accuracy=mean,
        test_accuracy_low=low,
        test_accuracy_high=high,
        validation_accuracy=_mean(r.scores.validation.accuracy for r in results),
        train_accuracy=_mean(r.scores.train.accuracy for r in results),
        log_loss=_mean(r.scores.test.log_loss for r in results),
        lift_over_majority=lift,
        **times,
        feature_cache=_joined(r.feature_cache for r in results),
        epochs=_whole_median(r.epochs for r in results),
        best_epochs=tuple(_known(r.best_epoch for r in results)),
        parameters=_whole_median(r.parameters for r in results),
        trainable_parameters=_whole_median(r.trainable_parameters for r in results),
        peak_memory_bytes=max((r.peak_memory_bytes for r in results), default=None),
        deployment=deployment_of(runs, runs[0].strategy),
        device=_joined(r.device for r in results),
        backbone_origin=used.record.origin.short if used else None,
        notes=tuple(dict.fromkeys(chain(*noted))),
        runs=tuple(
            SeedResult(run.id, run.seed, run.state, run.test_accuracy, run.error) for run in runs
        ),
        disturbed=disturbed,
        saw_test_images=saw_test_images(runs[0].strategy, spec),
    )


def _known(values: Iterable[Value | None]) -> list[Value]:
    return [value for value in values if value is not None]


def _mean(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return statistics.fmean(known) if known else None


def _whole_median(values: Iterable[int | None]) -> int | None:
    known = _known(values)
    return int(statistics.median_low(known)) if known else None


def _joined(values: Iterable[str | None]) -> str | None:
    known = dict.fromkeys(_known(values))
    return ", ".join(known) if known else None


MEGABYTE = 1_000_000
ORIGIN = "backbone trained on"
DISTURBED = "disturbed times"


def results_frame(comparison: Comparison) -> pd.DataFrame:
    """One line a strategy with the columns of ``COLUMN_HELP``; unknown values are missing.

    ``ORIGIN`` and ``DISTURBED`` are left out where they would be empty.
    """
    has_any = {
        ORIGIN: any(row.backbone_origin for row in comparison.rows),
        DISTURBED: any(row.disturbed for row in comparison.rows),
    }
    columns = [name for name in COLUMN_HELP if has_any.get(name, True)]
    return pd.DataFrame([_line(row) for row in comparison.rows], columns=columns)


def seeds_frame(comparison: Comparison) -> pd.DataFrame:
    """One line a run: strategy, seed, state, test accuracy (%), id, error."""
    return pd.DataFrame(
        [
            (
                row.title,
                run.seed,
                run.state,
                _percent(run.test_accuracy),
                run.run_id,
                run.error or "",
            )
            for row in comparison.rows
            for run in row.runs
        ],
        columns=["strategy", "seed", "state", "test accuracy (%)", "run", "message"],
    )


def _line(row: Row) -> dict[str, object]:
    memory = row.peak_memory_bytes
    return {
        "strategy": row.title,
        "state": _state(row),
        ORIGIN: row.backbone_origin or "",
        "test accuracy (%)": _percent(row.test_accuracy),
        "low (%)": _percent(row.test_accuracy_low),
        "high (%)": _percent(row.test_accuracy_high),
        "over majority (points)": _percent(row.lift_over_majority),
        "validation accuracy (%)": _percent(row.validation_accuracy),
        "training accuracy (%)": _percent(row.train_accuracy),
        "log loss (nats)": row.log_loss,
        "steady epoch (s)": row.steady_epoch_seconds,
        "first epoch (s)": row.first_epoch_seconds,
        "features (s)": row.feature_seconds,
        "whole run (s)": row.end_to_end_seconds,
        "epochs": row.epochs,
        "parameters": row.parameters,
        "trained parameters": row.trainable_parameters,
        "peak memory (MB)": None if memory is None else memory / MEGABYTE,
        DISTURBED: ", ".join(TIME_TITLES[name] for name in row.disturbed),
    }


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _state(row: Row) -> str:
    """``finished``; or ``running, 1 of 3 seeds done`` while some seeds are finished."""
    done = sum(run.state == "finished" for run in row.runs)
    if row.status == "finished" or not done:
        return row.status
    return f"{row.status}, {done} of {len(row.runs)} seeds done"


COLUMN_HELP = {
    "strategy": "One step of the ladder; the page 'The ladder' describes each.",
    "state": "finished, or the state of the run that is not.",
    ORIGIN: "The run that a backbone of your own comes from; others were trained on ImageNet.",
    "test accuracy (%)": "Fraction of test images predicted correctly: mean over the seeds.",
    "low (%)": "Lower end of the 95 % Wilson interval: on very many images from the same source, "
    "the accuracy is plausibly no lower than this.",
    "high (%)": "Upper end of the 95 % Wilson interval: on very many images from the same source, "
    "the accuracy is plausibly no higher than this. It belongs to the rounded mean number of "
    "correct test images; seeds are not pooled, because they share the test images.",
    "over majority (points)": "Test accuracy minus that of the majority class, in "
    "percentage points: what was really learned.",
    "steady epoch (s)": "Median training time of the epochs after the first; validation excluded.",
    "features (s)": "What extracting the features of all images with the backbone cost, once.",
    "whole run (s)": "Everything from start to score, with extraction counted also where its "
    "result was already in the cache.",
    DISTURBED: "Times that other work made longer in every seed, or of another device than most.",
    "log loss (nats)": "Price of wrong confidence on test images: 0 is perfect, lower is better.",
    "validation accuracy (%)": "On the images that chose the epoch.",
    "training accuracy (%)": "On its training images; far above test accuracy means overfitting.",
    "first epoch (s)": "Training time of the first epoch, with tracing and compiling.",
    "epochs": "Epochs that were trained (median over the seeds): fewer than planned where early "
    "stopping ended a run, whose note says so.",
    "parameters": "Numbers in the model.",
    "trained parameters": "Numbers in the model that training may change.",
    "peak memory (MB)": "The most main memory that the process held.",
}
