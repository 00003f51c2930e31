"""What strategies will reach on the test images, and in what time, forecast before their runs.

A forecast goes out from points of a learning curve: those of the linear probes in the facts, or
trainings on a part of the images, which are drawn towards how strategies usually compare. It is
stored when it is made and never changed; ``grades`` says how good it was.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from core.analysis.advice.experience import ENOUGH_CASES, Experience
from core.analysis.advice.facts import Facts
from core.analysis.advice.placing import AS_GOOD
from core.analysis.advice.power_law import (
    TIME_DEVIATION,
    Carried,
    CurvePoint,
    carried,
    curves_of,
    seconds_at,
)
from core.analysis.advice.usual_order import drawn_to
from core.experiments.accuracy_forecasts import AccuracyForecast, Kind, Verdict, read_forecasts
from core.experiments.race_points import RacePoint
from core.experiments.store import Store
from core.strategies.registry import MAJORITY, names_with
from core.strategies.strategy import Role


@dataclass(frozen=True)
class Target:
    """What is forecast: trainings on all ``train_images`` of a dataset, scored on
    ``test_images``."""

    dataset_id: str
    split_fingerprint: str
    image_size: int
    train_images: int
    test_images: int


def points_of_facts(facts: Facts) -> list[CurvePoint]:
    """The learning curves by cross-validation, as those of the probe of each backbone."""
    return [
        CurvePoint(strategy, point.images, point.probe.accuracy, facts.distinct_images)
        for one in facts.backbones
        for strategy in names_with(Role.LINEAR_PROBE, backbone=one.name)
        for point in one.curve
    ]


def points_of_race(points: Sequence[RacePoint]) -> list[CurvePoint]:
    """The points of one race; a time that was disturbed is not known."""
    return [
        CurvePoint(
            point.strategy,
            point.train_images,
            point.accuracy,
            point.distinct_images,
            None if point.is_disturbed else point.seconds,
        )
        for point in points
    ]


def forecasts_of(
    points: Sequence[CurvePoint],
    target: Target,
    kind: Kind,
    experience: Experience,
    settings: Mapping[str, dict[str, Any]] | None = None,
) -> list[AccuracyForecast]:
    """One of each strategy that has points, the highest first, with verdicts where they are made
    from trainings. None of a strategy whose curve ends too far below all training images.

    ``experience`` should know nothing of this dataset. ``settings`` by strategy are those of the
    trainings. The same points give the same ids.
    """
    moment = datetime.now(UTC).isoformat(timespec="microseconds")
    curves = curves_of(points)
    mark = _mark(target, kind, curves)
    priors = {strategy: experience.prior(strategy) for strategy in curves}
    alone = {
        strategy: carried_on
        for strategy, curve in curves.items()
        if (carried_on := carried(curve, priors[strategy], target.train_images)) is not None
    }
    # The facts are of probes that are fitted in another way: not what was compared in the past.
    together = drawn_to(experience.order(), alone) if kind == "trained" else alone
    widths, cases = experience.widths(kind), len(experience.of_kind(kind))
    found = []
    for strategy, carried_on in together.items():
        one = replace(
            _forecast(strategy, curves[strategy], carried_on, target, widths),
            id=f"{mark}-{strategy}",
            made_at=moment,
            kind=kind,
            batch=mark,
            settings=(settings or {}).get(strategy),
            cases=cases if cases >= ENOUGH_CASES else 0,
            own_predicted=1 - alone[strategy].error,
            prior_exponent=priors[strategy].mean,
            caution=experience.own.caution,
        )
        found.append(_with_time(one, curves[strategy], target, experience.time_widths()))
    if kind == "trained":
        verdicts = verdicts_of(found)
        found = [replace(one, verdict=verdicts[one.strategy]) for one in found]
    return sorted(found, key=lambda one: -one.predicted)


def _mark(target: Target, kind: Kind, curves: dict[str, list[CurvePoint]]) -> str:
    """Names what forecasts are made from."""
    parts = [asdict(target), kind, {name: list(map(asdict, some)) for name, some in curves.items()}]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _forecast(
    strategy: str,
    curve: Sequence[CurvePoint],
    carried_on: Carried,
    target: Target,
    widths: tuple[float, float],
) -> AccuracyForecast:
    predicted = 1 - carried_on.error
    deviation = carried_on.deviation(target.test_images)
    (low_80, high_80), (low_95, high_95) = (
        (max(0.0, predicted - width * deviation), min(1.0, predicted + width * deviation))
        for width in widths
    )
    return AccuracyForecast(
        id="",
        made_at="",
        dataset_id=target.dataset_id,
        strategy=strategy,
        image_size=target.image_size,
        split_fingerprint=target.split_fingerprint,
        predicted=predicted,
        deviation=deviation,
        low_80=low_80,
        high_80=high_80,
        low_95=low_95,
        high_95=high_95,
        cases=0,
        largest=max(point.train_images for point in curve),
        train_images=target.train_images,
        exponent=carried_on.exponent,
        own_exponent=carried_on.own_exponent,
        own_weight=carried_on.own_weight,
    )


def _with_time(
    one: AccuracyForecast, curve: Sequence[CurvePoint], target: Target, widths: tuple[float, float]
) -> AccuracyForecast:
    """The same with its seconds, and what a training on twice as many images would take."""
    seconds = seconds_at(curve, target.train_images)
    if seconds is None:
        return one
    factors = [math.exp(width * TIME_DEVIATION) for width in widths]
    (low_80, high_80), (low_95, high_95) = ((seconds / by, seconds * by) for by in factors)
    spent = [point.seconds for point in curve if point.seconds is not None]
    # The largest training may be the whole one, which is known then.
    following = min(target.train_images, 2 * max(point.train_images for point in curve))
    return replace(
        one,
        seconds=seconds,
        seconds_80=(low_80, high_80),
        seconds_95=(low_95, high_95),
        spent_seconds=sum(spent) if len(spent) == len(curve) else None,
        next_images=following,
        next_seconds=seconds_at(curve, following),
    )


# Verdicts -----------------------------------------------------------------------------------------


def leader_of(forecasts: Sequence[AccuracyForecast]) -> AccuracyForecast | None:
    """The highest, of equals the one that takes less time."""
    return max(forecasts, key=lambda one: (one.predicted, -(one.seconds or math.inf)), default=None)


def room_between(behind: AccuracyForecast, ahead: AccuracyForecast) -> float:
    """By how much both forecasts together may be off at 95 %, as if they erred independently.

    They are about the same test images, so they err together, and this is wider than it need be.
    """
    return math.hypot(behind.high_95 - behind.predicted, ahead.predicted - ahead.low_95)


def verdicts_of(forecasts: Sequence[AccuracyForecast]) -> dict[str, Verdict]:
    """By strategy, among forecasts that were made together.

    Worth running: the leader, where it is expected to beat the majority class, and what is expected
    to come within ``AS_GOOD`` of it. Cannot win: further behind the leader than both may be off.
    Nothing can be told with too few graded cases, or where forecasts are silent.
    """
    leader = leader_of(forecasts)
    if leader is None:
        return {}
    if not leader.cases or leader.caution == "silent":
        return {one.strategy: "cannot_tell" for one in forecasts}
    majority = next((one.predicted for one in forecasts if one.strategy == MAJORITY), 0.0)
    found: dict[str, Verdict] = {}
    for one in forecasts:
        behind = leader.predicted - one.predicted
        if behind > room_between(one, leader):
            found[one.strategy] = "cannot_win"
        elif behind <= AS_GOOD and one.low_80 > majority:
            found[one.strategy] = "worth"
        else:
            found[one.strategy] = "cannot_tell"
    return found


# Those that are stored ----------------------------------------------------------------------------


def newest_forecasts(store: Store, dataset_id: str, image_size: int) -> list[AccuracyForecast]:
    """The newest of each strategy on a dataset, the highest first; one from the facts only where
    there is none from trainings, which have verdicts among each other."""
    about = [
        one
        for one in read_forecasts(store.database)
        if (one.dataset_id, one.image_size) == (dataset_id, image_size)
    ]
    newest = {one.strategy: one for one in sorted(about, key=lambda one: one.kind == "trained")}
    return sorted(newest.values(), key=lambda one: -one.predicted)
