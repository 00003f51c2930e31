"""Where the time of every strategy went, what it bought, and how soon.

Clocks are those that each run kept; nothing is estimated. Energy is left out: without a meter at
the socket there is no honest number for it.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.analysis.comparison import title_of
from core.analysis.evidence import ladder_order
from core.experiments.records import RunRecord, finished_runs
from core.experiments.store import Store
from core.training.events import EpochRecord, RunResult

Epochs = Sequence[EpochRecord]

# Accuracies are shares of counts: what lies this near to a target has reached it.
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
    """Seconds until a strategy's validation accuracy first reached a target.

    Extraction (counted also on a cache hit), the head's epochs, training and validation up to and
    with that epoch; starting up and scoring are outside. ``seconds`` is the median over seeds,
    those that never reached it counted as later than all; None means never: at least half of
    the seeds did not. ``reached`` of ``seeds`` did.
    """

    strategy: str
    title: str
    target: Target
    seconds: float | None
    reached: int
    seeds: int


def targets_of(
    by_strategy: Mapping[str, Sequence[RunRecord]],
    epochs: Mapping[str, Epochs],
    majority_accuracy: float | None,
) -> tuple[Target, ...]:
    """Those that make sense: nothing over 100 %, and a best only where something was trained.

    The best is the strategy whose seeds, by their median, got furthest in any epoch: one lucky
    seed does not set a mark that nobody reaches.
    """
    found = []
    if majority_accuracy is not None:
        over = round(100 * POINTS_OVER_MAJORITY)
        found.append(
            Target(
                "over_majority",
                f"majority class + {over} points",
                majority_accuracy + POINTS_OVER_MAJORITY,
            )
        )
    found.append(Target("half", f"{100 * HALF:.0f} %", HALF))
    medians = [
        statistics.median(tops) for runs in by_strategy.values() if (tops := _tops(runs, epochs))
    ]
    if medians:
        under = round(100 * POINTS_UNDER_BEST)
        title = f"best of all strategies minus {under} point"
        found.append(Target("near_best", title, max(medians) - POINTS_UNDER_BEST))
    return tuple(target for target in found if target.accuracy <= 1 + _TINY)


def _tops(runs: Sequence[RunRecord], epochs: Mapping[str, Epochs]) -> list[float]:
    """The highest validation accuracy of each seed that has epochs."""
    return [
        max(epoch.validation_accuracy for epoch in epochs[run.id]) for run in runs if epochs[run.id]
    ]


def cost_of(
    runs: Sequence[RunRecord], epochs: Mapping[str, Epochs], target: Target
) -> CostToAccuracy:
    """The cost of one strategy; ``runs`` are its finished ones."""
    times = [
        _seconds_to(result, epochs[run.id], target.accuracy) for run, result in finished_runs(runs)
    ]
    middle = statistics.median(times)
    return CostToAccuracy(
        strategy=runs[0].strategy,
        title=title_of(runs[0].strategy),
        target=target,
        seconds=None if math.isinf(middle) else middle,
        reached=sum(not math.isinf(seconds) for seconds in times),
        seeds=len(times),
    )


def _seconds_to(result: RunResult, epochs: Epochs, accuracy: float) -> float:
    """Infinite where it was never reached. What has no epochs was there when its run ended."""
    if not epochs:
        there = result.scores.validation.accuracy >= accuracy - _TINY
        return result.end_to_end_seconds if there else math.inf
    spent = [result.feature_seconds or 0.0]
    for epoch in epochs:
        spent += [epoch.train_seconds, epoch.validation_seconds]
        if epoch.validation_accuracy >= accuracy - _TINY:
            return math.fsum(spent)
    return math.inf


@dataclass(frozen=True)
class TimeParts:
    """The seconds of one whole run in parts; they add up to ``end_to_end``.

    ``extraction``: getting the features from the frozen backbone, what it cost when it was done,
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
class StrategyTime:
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

    rows: tuple[StrategyTime, ...]
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
    """``epochs`` by run id, in order."""
    finished = [run for run, _ in finished_runs(runs)]
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


def _row(runs: Sequence[RunRecord], epochs: Mapping[str, Epochs]) -> StrategyTime:
    found = finished_runs(runs)
    whole = [result.end_to_end_seconds for _, result in found]
    hits = [result for _, result in found if result.feature_cache == "hit"]
    speeds = [speed for run in runs if (speed := _speed(epochs[run.id])) is not None]
    return StrategyTime(
        strategy=runs[0].strategy,
        title=title_of(runs[0].strategy),
        seeds=tuple(run.seed for run in runs),
        parts=_middle_parts(runs, epochs),
        fastest=min(whole),
        slowest=max(whole),
        cache_saved=math.fsum(result.feature_seconds or 0.0 for result in hits),
        cache_hits=len(hits),
        images_per_second=statistics.median(speeds) if speeds else None,
        trains_on_features=any(
            result.feature_cache is not None
            and all(epoch.stage == "main" for epoch in epochs[run.id])
            for run, result in found
        ),
        peak_memory_bytes=max((result.peak_memory_bytes for _, result in found), default=None),
    )


def _middle_parts(runs: Sequence[RunRecord], epochs: Mapping[str, Epochs]) -> TimeParts:
    """Of the run in the middle, or the mean of two: medians of parts would not add up."""
    parts = sorted(
        (time_parts(result, epochs[run.id]) for run, result in finished_runs(runs)),
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
    speeds = [epoch.images_per_second for epoch in epochs if epoch.stage == "main"]
    return statistics.median(speeds[1:] or speeds) if speeds else None


@dataclass(frozen=True)
class Segment:
    """``part`` is a field of ``TimeParts``; ``start`` and ``seconds`` are seconds of the run."""

    part: str
    words: str
    start: float
    seconds: float


def time_line(result: RunResult, epochs: Epochs) -> tuple[Segment, ...]:
    """The run from its first second to its last; the segments follow one another.

    A run keeps starting up and scoring as one number, so both stand at the end. Extraction is
    there with what it cost when it was done, also where the features were in the cache.
    """
    parts = time_parts(result, epochs)
    pieces: list[tuple[str, str, float]] = []
    if parts.extraction:
        found = result.feature_cache == "hit"
        words = "extracting features" + (" (done by an earlier run)" if found else "")
        pieces.append(("extraction", words, parts.extraction))
    first = True
    for epoch in epochs:
        if epoch.stage == "main":
            part, words = ("first_epoch" if first else "steady_epochs"), f"epoch {epoch.epoch}"
            first = False
        else:
            part, words = "head", f"epoch {epoch.epoch} of the head alone"
        pieces.append((part, words, epoch.train_seconds))
        pieces.append(("validation", f"validation after {words}", epoch.validation_seconds))
    pieces.append(("other", "starting, building and scoring", max(0.0, parts.other)))
    segments = []
    start = 0.0
    for part, words, seconds in pieces:
        segments.append(Segment(part, words, start, seconds))
        start += seconds
    return tuple(segments)


def epochs_alone(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """The epochs and their validation, from second 0."""
    kept = [entry for entry in segments if entry.part not in ("extraction", "other")]
    begin = kept[0].start if kept else 0.0
    return tuple(
        Segment(entry.part, entry.words, entry.start - begin, entry.seconds) for entry in kept
    )
