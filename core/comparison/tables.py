"""Runs of the store become rows: one for each strategy, seeds taken together."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from core.comparison.curves import Curve
from core.comparison.metrics import wilson_interval
from core.comparison.model import Comparison, Row, SeedResult
from core.errors import UnknownName
from core.runs.records import ExperimentRecord, RunRecord
from core.runs.store import Store
from core.strategies.registry import find_strategy

# The state that a row shows is the first of these that one of its runs is in.
STATE_ORDER = ("running", "queued", "failed", "interrupted", "cancelled", "finished")


def compare_experiment(store: Store, experiment_id: str) -> Comparison:
    """The comparison of one experiment as it stands now, finished or not.

    Raises ``UnknownName`` for an id that is not in the store.
    """
    return compare(store.experiment(experiment_id), store.runs(experiment_id))


def compare(experiment: ExperimentRecord, runs: Sequence[RunRecord]) -> Comparison:
    """Lay the runs of one experiment side by side, strategies in the order of their runs."""
    spec = experiment.spec
    results = [run.result for run in runs if run.state == "finished" and run.result]
    # The majority class is counted, not trained: it has no precision or backend of its own.
    trained = [result for result in results if result["epochs"]] or results
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
        device=_joined(result["device"] for result in trained),
        precision=_joined(result["precision"] for result in trained) or spec.precision,
        backend=_joined(result["backend"] for result in trained),
        versions={
            name: _joined(result["versions"].get(name) for result in results) or ""
            for name in sorted({name for result in results for name in result["versions"]})
        },
        created_at=experiment.created_at,
        recorded=experiment.recorded,
        origin=dict(experiment.origin or {}),
        unavailable=dict(spec.unavailable),
        rows=rows_of(runs, spec.majority_accuracy),
    )


def curves_of(store: Store, runs: Sequence[RunRecord]) -> list[Curve]:
    """The epochs so far of every run that has any."""
    curves = [
        Curve(run.strategy, title_of(run.strategy), run.seed, tuple(store.epochs(run.id)))
        for run in runs
        if run.state != "queued"
    ]
    return [curve for curve in curves if curve.epochs]


def rows_of(runs: Sequence[RunRecord], majority_accuracy: float | None) -> tuple[Row, ...]:
    """The rows in the order in which strategies first appear among ``runs``."""
    strategies = list(dict.fromkeys(run.strategy for run in runs))
    return tuple(
        _row([run for run in runs if run.strategy == strategy], majority_accuracy)
        for strategy in strategies
    )


def title_of(strategy: str) -> str:
    """The title in the registry; the name itself for a strategy that is no longer there."""
    try:
        return find_strategy(strategy).title
    except UnknownName:
        return strategy


def mean_interval(accuracies: Sequence[float], images: int) -> tuple[float, float]:
    """95 % Wilson interval of a mean accuracy over seeds scored on the same ``images``.

    It is that of the rounded mean number of right images out of ``images``. Pooling the seeds
    would pretend that the pictures were new each time.
    """
    right = round(statistics.fmean(accuracies) * images)
    return wilson_interval(right, images)


def _row(runs: Sequence[RunRecord], majority_accuracy: float | None) -> Row:
    results = [run.result for run in runs if run.state == "finished" and run.result]
    tests = [_score(result, "test", "accuracy") for result in results]
    accuracies = [value for value in tests if value is not None]
    low = high = None
    if accuracies:
        low, high = mean_interval(accuracies, results[0]["scores"]["test"]["images"])
    mean = _mean(accuracies)
    states = {run.state for run in runs}
    return Row(
        strategy=runs[0].strategy,
        title=title_of(runs[0].strategy),
        status=next(state for state in STATE_ORDER if state in states),
        seeds=tuple(run.seed for run in runs),
        test_accuracy=mean,
        test_accuracy_low=low,
        test_accuracy_high=high,
        validation_accuracy=_mean(_score(r, "validation", "accuracy") for r in results),
        train_accuracy=_mean(_score(r, "train", "accuracy") for r in results),
        log_loss=_mean(_score(r, "test", "log_loss") for r in results),
        lift_over_majority=None
        if mean is None or majority_accuracy is None
        else mean - majority_accuracy,
        first_epoch_seconds=_median(r["first_epoch_seconds"] for r in results),
        steady_epoch_seconds=_median(r["steady_epoch_seconds"] for r in results),
        validation_seconds=_median(r["validation_seconds"] for r in results),
        feature_seconds=_median(r["feature_seconds"] for r in results),
        feature_cache=_joined(r["feature_cache"] for r in results),
        total_seconds=_median(r["total_seconds"] for r in results),
        end_to_end_seconds=_median(end_to_end_seconds(r) for r in results),
        epochs=_whole_median(r["epochs"] for r in results),
        best_epochs=tuple(r["best_epoch"] for r in results if r["best_epoch"] is not None),
        parameters=_whole_median(r["parameters"] for r in results),
        trainable_parameters=_whole_median(r["trainable_parameters"] for r in results),
        peak_memory_bytes=max((r["peak_memory_bytes"] for r in results), default=None),
        device=_joined(r["device"] for r in results),
        notes=tuple(
            dict.fromkeys(
                [note for run in runs for note in run.notes]
                + [note for r in results for note in r["notes"]]
            )
        ),
        runs=tuple(
            SeedResult(
                run_id=run.id,
                seed=run.seed,
                state=run.state,
                test_accuracy=_score(run.result, "test", "accuracy")
                if run.state == "finished"
                else None,
                error=run.error,
            )
            for run in runs
        ),
    )


def end_to_end_seconds(result: Mapping[str, Any]) -> float:
    """The total of a run with feature extraction counted, also where the cache had the result."""
    total = float(result["total_seconds"])
    if result["feature_cache"] == "hit":
        total += float(result["feature_seconds"] or 0.0)
    return total


def _score(result: Mapping[str, Any] | None, split: str, measure: str) -> float | None:
    score = (result or {}).get("scores", {}).get(split)
    return None if score is None else float(score[measure])


def _known(values: Any) -> list[Any]:
    return [value for value in values if value is not None]


def _mean(values: Any) -> float | None:
    known = _known(values)
    return statistics.fmean(known) if known else None


def _median(values: Any) -> float | None:
    known = _known(values)
    return float(statistics.median(known)) if known else None


def _whole_median(values: Any) -> int | None:
    known = _known(values)
    return int(statistics.median_low(known)) if known else None


def _joined(values: Any) -> str | None:
    known = dict.fromkeys(_known(values))
    return ", ".join(known) if known else None
