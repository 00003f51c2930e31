"""Where the time of every strategy went, what it bought, and how soon.

Clocks are those that each run kept; nothing is estimated. Energy is left out: without a meter at
the socket there is no honest number for it.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.comparison.accuracy_costs import (
    CostToAccuracy,
    Epochs,
    Target,
    cost_of,
    targets_of,
)
from core.comparison.evidence import ladder_order
from core.comparison.tables import end_to_end_seconds, title_of
from core.runs.records import RunRecord
from core.runs.store import Store


@dataclass(frozen=True)
class TimeParts:
    """The seconds of one whole run in parts; they add up to ``end_to_end``.

    ``extraction``: getting the features from the frozen VGG16, what it cost when it was done,
    also where the run found them in the cache. ``head``: fitting a head on cached features before
    everything is trained. ``first_epoch`` and ``steady_epochs`` (all later ones together):
    training alone, tracing and compiling inside the first. ``validation``: of all epochs.
    ``other`` is all the rest: starting the libraries, loading pictures and weights, building the
    network, keeping records and the best weights, and scoring every image at the end.
    """

    extraction: float
    head: float
    first_epoch: float
    steady_epochs: float
    validation: float
    other: float

    @property
    def end_to_end(self) -> float:
        return math.fsum(
            (
                self.extraction,
                self.head,
                self.first_epoch,
                self.steady_epochs,
                self.validation,
                self.other,
            )
        )


@dataclass(frozen=True)
class LedgerRow:
    """One strategy over its finished seeds.

    ``parts`` are those of the seed in the middle by end-to-end seconds (with an even number the
    mean of the two in the middle), so that they add up to the median. ``fastest`` and ``slowest``
    are the end-to-end seconds of the extremes. ``cache_saved`` is the extraction that runs did
    not have to do again, seconds over all seeds, in ``cache_hits`` runs. ``images_per_second``:
    median training speed of the epochs after the first; of cached features and not of pictures
    where ``trains_on_features``. ``peak_memory_bytes``: the most that any seed held. None means
    that it does not apply.
    """

    strategy: str
    title: str
    seeds: tuple[int, ...]
    parts: TimeParts
    fastest: float
    slowest: float
    cache_saved: float
    cache_hits: int
    images_per_second: float | None
    trains_on_features: bool
    peak_memory_bytes: int | None


@dataclass(frozen=True)
class TimeBreakdown:
    """``rows`` in the order of the ladder, ``costs`` target by target in the same order."""

    rows: tuple[LedgerRow, ...]
    targets: tuple[Target, ...]
    costs: tuple[CostToAccuracy, ...]

    def costs_of(self, strategy: str) -> tuple[CostToAccuracy, ...]:
        return tuple(cost for cost in self.costs if cost.strategy == strategy)


def load_time_breakdown(store: Store, experiment_id: str) -> TimeBreakdown:
    """The ledger of an experiment's finished runs; ``UnknownName`` if it is not in the store."""
    experiment = store.experiment(experiment_id)
    runs = store.runs(experiment_id, ["finished"])
    epochs = {run.id: store.epochs(run.id) for run in runs}
    return time_breakdown_of(runs, epochs, experiment.spec.majority_accuracy)


def time_breakdown_of(
    runs: Sequence[RunRecord], epochs: Mapping[str, Epochs], majority_accuracy: float | None
) -> TimeBreakdown:
    """``epochs`` by run id, as ``EpochRecord.as_dict()`` in order."""
    finished = [run for run in runs if run.state == "finished" and run.result]
    by_strategy: dict[str, list[RunRecord]] = {}
    for run in sorted(finished, key=lambda run: run.seed):
        by_strategy.setdefault(run.strategy, []).append(run)
    order = ladder_order(by_strategy)
    targets = targets_of(by_strategy, epochs, majority_accuracy)
    return TimeBreakdown(
        rows=tuple(_row(by_strategy[name], epochs) for name in order),
        targets=targets,
        costs=tuple(
            cost_of(by_strategy[name], epochs, target) for target in targets for name in order
        ),
    )


def pareto_front(
    seconds: Mapping[str, float], values: Mapping[str, float], higher_is_better: bool = True
) -> frozenset[str]:
    """The strategies that no other beats in time and value at once.

    One is beaten by another that is at least as good in both and better in one; of two that are
    equal in both, both stay.
    """
    sign = 1.0 if higher_is_better else -1.0
    points = {name: (-seconds[name], sign * values[name]) for name in values if name in seconds}
    return frozenset(
        name
        for name, point in points.items()
        if not any(
            other != point and all(theirs >= own for theirs, own in zip(other, point, strict=True))
            for other in points.values()
        )
    )


def time_parts(result: Mapping[str, Any], epochs: Epochs) -> TimeParts:
    """The parts of one run, from its result and its epoch records."""
    main = [epoch["train_seconds"] for epoch in epochs if epoch["stage"] == "main"]
    head = math.fsum(epoch["train_seconds"] for epoch in epochs if epoch["stage"] != "main")
    validation = math.fsum(epoch["validation_seconds"] for epoch in epochs)
    extraction = float(result["feature_seconds"] or 0.0)
    measured = math.fsum([extraction, head, validation, *main])
    return TimeParts(
        extraction=extraction,
        head=head,
        first_epoch=main[0] if main else 0.0,
        steady_epochs=math.fsum(main[1:]),
        validation=validation,
        other=end_to_end_seconds(result) - measured,
    )


def _row(runs: Sequence[RunRecord], epochs: Mapping[str, Epochs]) -> LedgerRow:
    results = [run.result or {} for run in runs]
    whole = [end_to_end_seconds(result) for result in results]
    hits = [result for result in results if result["feature_cache"] == "hit"]
    speeds = [speed for run in runs if (speed := _speed(epochs[run.id])) is not None]
    return LedgerRow(
        strategy=runs[0].strategy,
        title=title_of(runs[0].strategy),
        seeds=tuple(run.seed for run in runs),
        parts=_middle_parts(runs, epochs),
        fastest=min(whole),
        slowest=max(whole),
        cache_saved=math.fsum(float(result["feature_seconds"] or 0.0) for result in hits),
        cache_hits=len(hits),
        images_per_second=statistics.median(speeds) if speeds else None,
        trains_on_features=any(
            run.result is not None
            and run.result["feature_cache"] is not None
            and all(epoch["stage"] == "main" for epoch in epochs[run.id])
            for run in runs
        ),
        peak_memory_bytes=max((result["peak_memory_bytes"] for result in results), default=None),
    )


def _middle_parts(runs: Sequence[RunRecord], epochs: Mapping[str, Epochs]) -> TimeParts:
    """Of the run in the middle, or the mean of two: medians of parts would not add up."""
    parts = sorted(
        (time_parts(run.result or {}, epochs[run.id]) for run in runs),
        key=lambda entry: entry.end_to_end,
    )
    low, high = parts[(len(parts) - 1) // 2], parts[len(parts) // 2]
    return TimeParts(
        **{
            name: (getattr(low, name) + getattr(high, name)) / 2
            for name in TimeParts.__dataclass_fields__
        }
    )


def _speed(epochs: Epochs) -> float | None:
    """Median images a second of the main epochs after the first; of the first if it is alone."""
    speeds = [epoch["images_per_second"] for epoch in epochs if epoch["stage"] == "main"]
    return statistics.median(speeds[1:] or speeds) if speeds else None
