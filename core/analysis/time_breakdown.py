"""Where the time of every strategy went, what it bought, and how soon.

Times are those that each run recorded; nothing is estimated. Energy is left out: without a meter
at the socket there is no honest number for it.
"""

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass

from core.analysis.comparison import title_of
from core.analysis.curves import readable_epochs
from core.analysis.evidence import ladder_order
from core.experiments.records import RunRecord, finished_runs
from core.experiments.store import Store
from core.training.events import EpochRecord, RunResult
from core.training.steady import undisturbed_epochs

Epochs = Sequence[EpochRecord]

# Accuracies are fractions of counts: one this near to a target has reached it.
_TINY = 1e-9
POINTS_OVER_MAJORITY = 0.20
POINTS_UNDER_BEST = 0.01
HALF = 0.50


@dataclass(frozen=True)
class Target:
    """A validation accuracy (0 to 1) to be reached; ``title`` says which."""

    name: str
    title: str
    accuracy: float


@dataclass(frozen=True)
class CostToAccuracy:
    """Seconds until a strategy's validation accuracy first reached a target, over all its seeds.

    Extraction (counted also on a cache hit), the head's epochs, training and validation up to and
    with that epoch; starting up and scoring are outside. ``seconds`` is the median over seeds,
    where a seed that never reached it counts as infinite; None: at least half of the seeds did
    not. ``reached`` of ``seeds`` did. ``is_disturbed``: something else spoilt the time of one.
    """

    strategy: str
    title: str
    target: Target
    seconds: float | None
    reached: int
    seeds: int
    is_disturbed: bool = False


@dataclass(frozen=True)
class TimeParts:
    """The seconds of one whole run in parts; they add up to ``end_to_end``.

    ``extraction``: getting the features from the frozen backbone, what it cost when it was done,
    also where the run found them in the cache. ``head``: fitting a head on cached features before
    everything is trained. ``first_epoch`` and ``steady_epochs`` (all later ones together):
    training alone, tracing and compiling inside the first. ``validation``: of all epochs.
    ``other`` is all the rest: loading the weights, building the network, keeping records and the
    best weights, and scoring every image at the end.
    """

    extraction: float
    head: float
    first_epoch: float
    steady_epochs: float
    validation: float
    other: float

    @property
    def end_to_end(self) -> float:
        return math.fsum(astuple(self))


@dataclass(frozen=True)
class StrategyTime:
    """One strategy over its finished seeds: times are those of the seeds whose whole run was not
    disturbed; of all of them where there is none, and then ``is_disturbed``.

    ``parts`` are those of the median run by end-to-end seconds (the mean of two with an even
    number), so that they add up to the median. ``fastest`` and ``slowest`` are the end-to-end
    seconds of the extremes. ``cache_saved`` is the extraction that runs did not have to do again,
    seconds over all seeds, in ``cache_hits`` runs. ``images_per_second``: median training speed of
    the epochs after the first, of cached features instead of images where ``trains_on_features``.
    ``peak_memory_bytes``: the most that any seed held. None means that it does not apply.
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
    is_disturbed: bool = False


@dataclass(frozen=True)
class TimeBreakdown:
    """``rows`` in the order of the ladder, ``costs`` target by target in the same order."""

    rows: tuple[StrategyTime, ...]
    targets: tuple[Target, ...]
    costs: tuple[CostToAccuracy, ...]

    def costs_of(self, strategy: str) -> tuple[CostToAccuracy, ...]:
        return tuple(cost for cost in self.costs if cost.strategy == strategy)


# A finished run with its result and its epochs.
_Timed = tuple[RunRecord, RunResult, Epochs]


def load_time_breakdown(
    store: Store, experiment_id: str, strategies: Collection[str] | None = None
) -> TimeBreakdown:
    """From the finished runs of an experiment, without those whose epochs are damaged.

    ``strategies``: of these alone; None is all.
    Raises ``UnknownName`` for an experiment that is not in the store.
    """
    experiment = store.experiment(experiment_id)
    runs = [
        run
        for run in store.runs(experiment_id, ["finished"])
        if strategies is None or run.strategy in strategies
    ]
    read = {run.id: readable_epochs(store, run.id) for run in runs}
    epochs = {name: found for name, found in read.items() if found is not None}
    timed = [run for run in runs if run.id in epochs]
    return time_breakdown_of(timed, epochs, experiment.spec.majority_accuracy)


def time_breakdown_of(
    runs: Sequence[RunRecord], epochs: Mapping[str, Epochs], majority_accuracy: float | None
) -> TimeBreakdown:
    """``epochs`` by run id, in order."""
    found: dict[str, list[_Timed]] = {}
    for run, result in sorted(finished_runs(runs), key=lambda entry: entry[0].seed):
        found.setdefault(run.strategy, []).append((run, result, epochs[run.id]))
    by_strategy = [found[name] for name in ladder_order(found)]
    targets = _targets(by_strategy, majority_accuracy)
    return TimeBreakdown(
        rows=tuple(_row(timed) for timed in by_strategy),
        targets=targets,
        costs=tuple(_cost(timed, target) for target in targets for timed in by_strategy),
    )


def pareto_front(
    seconds: Mapping[str, float], values: Mapping[str, float], higher_is_better: bool
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
            other != point and other[0] >= point[0] and other[1] >= point[1]
            for other in points.values()
        )
    )


def time_parts(result: RunResult, epochs: Epochs) -> TimeParts:
    """The parts of one run, from its result and its epoch records."""
    main = [epoch.train_seconds for epoch in epochs if epoch.stage == "main"]
    head = math.fsum(epoch.train_seconds for epoch in epochs if epoch.stage != "main")
    validation = math.fsum(epoch.validation_seconds for epoch in epochs)
    extraction = result.feature_seconds or 0.0
    measured = math.fsum([extraction, head, validation, *main])
    return TimeParts(
        extraction=extraction,
        head=head,
        first_epoch=main[0] if main else 0.0,
        steady_epochs=math.fsum(main[1:]),
        validation=validation,
        other=result.end_to_end_seconds - measured,
    )


def _targets(
    by_strategy: Sequence[Sequence[_Timed]], majority_accuracy: float | None
) -> tuple[Target, ...]:
    """Those up to 100 %; "near the best" only where something was trained.

    The best is the strategy with the highest median over seeds of the best epoch: one lucky seed
    does not set a mark that no other reaches.
    """
    found = []
    if majority_accuracy is not None:
        title = f"majority class + {round(100 * POINTS_OVER_MAJORITY)} points"
        found.append(Target("over_majority", title, majority_accuracy + POINTS_OVER_MAJORITY))
    found.append(Target("half", "half of the images", HALF))
    medians = []
    for timed in by_strategy:
        accuracies = ([epoch.validation_accuracy for epoch in epochs] for _, _, epochs in timed)
        best = [max(of_seed) for of_seed in accuracies if of_seed]
        medians += [statistics.median(best)] if best else []
    if medians:
        title = f"best of these minus {round(100 * POINTS_UNDER_BEST)} point"
        found.append(Target("near_best", title, max(medians) - POINTS_UNDER_BEST))
    return tuple(target for target in found if target.accuracy <= 1 + _TINY)


def _cost(timed: Sequence[_Timed], target: Target) -> CostToAccuracy:
    times = [_seconds_to(result, epochs, target.accuracy) for _, result, epochs in timed]
    middle = statistics.median(times)
    strategy = timed[0][0].strategy
    return CostToAccuracy(
        strategy=strategy,
        title=title_of(strategy),
        target=target,
        seconds=None if math.isinf(middle) else middle,
        reached=sum(not math.isinf(seconds) for seconds in times),
        seeds=len(times),
        is_disturbed=any("end_to_end_seconds" in result.disturbed for _, result, _ in timed),
    )


def _seconds_to(result: RunResult, epochs: Epochs, accuracy: float) -> float:
    """Infinite if it was never reached; a run without epochs reaches its accuracy at its end."""
    if not epochs:
        reached = result.scores.validation.accuracy >= accuracy - _TINY
        return result.end_to_end_seconds if reached else math.inf
    spent = [result.feature_seconds or 0.0]
    for epoch in epochs:
        spent += [epoch.train_seconds, epoch.validation_seconds]
        if epoch.validation_accuracy >= accuracy - _TINY:
            return math.fsum(spent)
    return math.inf


def _row(timed: Sequence[_Timed]) -> StrategyTime:
    results = [result for _, result, _ in timed]
    quiet = [entry for entry in timed if "end_to_end_seconds" not in entry[1].disturbed]
    counted = quiet or timed
    parts = sorted(
        (time_parts(result, epochs) for _, result, epochs in counted),
        key=lambda entry: entry.end_to_end,
    )
    # Medians of single parts would not add up.
    middle = zip(
        astuple(parts[(len(parts) - 1) // 2]), astuple(parts[len(parts) // 2]), strict=True
    )
    whole = [result.end_to_end_seconds for _, result, _ in counted]
    saved = [seconds for one in results if (seconds := one.extraction_saved_seconds)]
    speeds = [speed for _, _, epochs in counted if (speed := _speed(epochs)) is not None]
    strategy = timed[0][0].strategy
    return StrategyTime(
        strategy=strategy,
        title=title_of(strategy),
        seeds=tuple(run.seed for run, _, _ in timed),
        parts=TimeParts(*((low + high) / 2 for low, high in middle)),
        fastest=min(whole),
        slowest=max(whole),
        cache_saved=math.fsum(saved),
        cache_hits=len(saved),
        images_per_second=statistics.median(speeds) if speeds else None,
        trains_on_features=any(
            result.feature_cache is not None and all(epoch.stage == "main" for epoch in epochs)
            for _, result, epochs in timed
        ),
        peak_memory_bytes=max(result.peak_memory_bytes for result in results),
        is_disturbed=not quiet,
    )


def _speed(epochs: Epochs) -> float | None:
    """Median images a second of the main epochs after the first, without disturbed ones where two
    are left; of the first if it is alone."""
    main = [epoch for epoch in epochs if epoch.stage == "main"]
    counted = undisturbed_epochs(main[1:]) or main
    return statistics.median(epoch.images_per_second for epoch in counted) if main else None
