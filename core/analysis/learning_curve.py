"""How much data is needed: accuracy against the number of training images, and where lines cross.

A learning curve is a series of experiments (``core.experiments.planning``) that differ
in how many of the same training images they were trained on; all are scored on the same test
images.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.analysis.choice import headline_of
from core.analysis.comparison import title_of
from core.analysis.evidence import ladder_order
from core.analysis.significance import mean_interval
from core.experiments.planning import series_of
from core.experiments.records import ExperimentRecord, RunRecord, finished_runs
from core.experiments.store import Store
from core.experiments.used_backbones import saw_test_images


@dataclass(frozen=True)
class CurvePoint:
    """One strategy at one size: ``values`` (0 to 1) by seed, their mean and its Wilson interval."""

    experiment_id: str
    fraction: float
    train_images: int
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class StrategyCurve:
    """The points of one strategy, the fewest images first."""

    strategy: str
    title: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class LearningCurve:
    """``curves`` in ladder order; ``test_images`` and ``majority_accuracy`` are the same for all.

    ``done`` of ``total`` runs of the series are over. ``saw_test_images`` are the strategies on a
    backbone of one's own that has seen test images, or may have.
    """

    series: str
    dataset_name: str
    test_images: int
    majority_accuracy: float | None
    curves: tuple[StrategyCurve, ...]
    done: int
    total: int
    saw_test_images: frozenset[str] = frozenset()

    def of(self, strategy: str) -> StrategyCurve | None:
        return next((curve for curve in self.curves if curve.strategy == strategy), None)


@dataclass(frozen=True)
class Crossing:
    """Between ``before`` and ``after`` training images ``leader`` goes ahead, at about ``images``.

    ``certain``: on each side of it the intervals of the two are apart at least once.
    """

    leader: str
    before: int
    after: int
    images: int
    certain: bool


def load_learning_curve(store: Store, series: str) -> LearningCurve:
    """All points that are finished; ``UnknownName`` for a series that is not in the store."""
    members = [(member, store.runs(member.id)) for member in series_of(store, series)]
    return learning_curve_of(series, members)


def learning_curve_of(
    series: str, members: Sequence[tuple[ExperimentRecord, Sequence[RunRecord]]]
) -> LearningCurve:
    """``members`` are the experiments with their runs, the fewest images first, at least one."""
    spec = members[0][0].spec
    every = [run for _, runs in members for run in runs]
    curves = []
    for name in ladder_order(run.strategy for run in every):
        points = [
            point
            for experiment, runs in members
            if (point := _point(experiment, [run for run in runs if run.strategy == name]))
        ]
        if points:
            curves.append(StrategyCurve(name, title_of(name), tuple(points)))
    return LearningCurve(
        series=series,
        dataset_name=spec.dataset_name,
        test_images=spec.images["test"],
        majority_accuracy=spec.majority_accuracy,
        curves=tuple(curves),
        done=sum(not run.is_active for run in every),
        total=len(every),
        saw_test_images=frozenset(
            entry.strategy for entry in curves if saw_test_images(entry.strategy, spec)
        ),
    )


def headline_curves(curve: LearningCurve) -> tuple[StrategyCurve, StrategyCurve] | None:
    """The headline pair by the accuracy with the most images; None with fewer than two. A strategy
    that has seen test images is in it only where there is none without."""
    fair = [entry for entry in curve.curves if entry.strategy not in curve.saw_test_images]
    among = fair if len(fair) > 1 else curve.curves
    pair = headline_of({entry.strategy: entry.points[-1].mean for entry in among})
    known = {entry.strategy: entry for entry in curve.curves}
    return None if pair is None else (known[pair[0]], known[pair[1]])


def crossings(first: StrategyCurve, second: StrategyCurve) -> tuple[Crossing, ...]:
    """Where one of the two overtakes the other, the fewest images first.

    Between two sizes the lines are straight over the logarithm of the images, as they are drawn.
    Sizes at which both are equal do not count: who leads before and after them does.
    """
    apart = [pair for pair in shared_points(first, second) if pair[0].mean != pair[1].mean]
    found = []
    for place_before, (before, after) in enumerate(pairwise(apart)):
        gap_before, gap_after = (pair[1].mean - pair[0].mean for pair in (before, after))
        if (gap_before > 0) == (gap_after > 0):
            continue
        start, end = (math.log(pair[0].train_images) for pair in (before, after))
        place = start + (end - start) * gap_before / (gap_before - gap_after)
        found.append(
            Crossing(
                leader=(second if gap_after > 0 else first).title,
                before=before[0].train_images,
                after=after[0].train_images,
                images=round(math.exp(place)),
                certain=_led_clearly(apart[: place_before + 1][::-1])
                and _led_clearly(apart[place_before + 1 :]),
            )
        )
    return tuple(found)


def shared_points(
    first: StrategyCurve, second: StrategyCurve
) -> list[tuple[CurvePoint, CurvePoint]]:
    """The points of both with the same number of images, the fewest first."""
    known = {point.train_images: point for point in second.points}
    return [
        (point, known[point.train_images]) for point in first.points if point.train_images in known
    ]


def _led_clearly(pairs: Sequence[tuple[CurvePoint, CurvePoint]]) -> bool:
    """Whether the leader of the first pair is clearly ahead before the other one leads."""
    ahead = pairs[0][1].mean > pairs[0][0].mean
    for first, second in pairs:
        if (second.mean > first.mean) != ahead:
            return False
        if not overlap(first, second):
            return True
    return False


def _point(experiment: ExperimentRecord, runs: Sequence[RunRecord]) -> CurvePoint | None:
    finished = sorted(finished_runs(runs), key=lambda found: found[0].seed)
    if not finished:
        return None
    values = tuple(result.scores.test.accuracy for _, result in finished)
    low, high = mean_interval(values, experiment.spec.images["test"])
    return CurvePoint(
        experiment_id=experiment.id,
        fraction=experiment.spec.train_share,
        train_images=experiment.spec.images["train"],
        seeds=tuple(run.seed for run, _ in finished),
        values=values,
        mean=statistics.fmean(values),
        low=low,
        high=high,
    )


def overlap(first: CurvePoint, second: CurvePoint) -> bool:
    """Whether the intervals of the two have a value in common."""
    return first.low <= second.high and second.low <= first.high
