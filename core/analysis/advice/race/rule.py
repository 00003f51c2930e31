"""Who can still win a race: worked out from its points alone, in the order in which they came.

The rule is that of learning-curve cross-validation (Mohr and van Rijn 2021, arXiv 2111.13914). A
learning curve is concave where each further image adds no more than the image before. Then it never
rises above the straight line through two of its points, beyond them. A strategy is dropped only
where even the *optimistic* line ends, at all training images, below the lower end of the leader's
interval: the line starts at the upper end of the interval of the last point and rises as steeply as
the upper end of the gain between the last two points. The leader's accuracy is taken to fall with
no further image.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import NormalDist

from core.analysis.significance import CONFIDENCE, mean_interval
from core.experiments.race_points import RacePoint
from core.strategies.registry import STRATEGIES
from core.strategies.strategy import Role

_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


class Kept(StrEnum):
    """Why a strategy stays in a race whatever its points say."""

    BASELINE = "baseline"
    BEST_PROBE = "best probe"
    FROM_SCRATCH = "from scratch"


@dataclass(frozen=True)
class Scored:
    """A point as it is judged: accuracy on the validation images with its 95 % interval, 0 to 1."""

    images: int
    accuracy: float
    low: float
    high: float
    seconds: float


@dataclass(frozen=True)
class Drop:
    """Why a strategy was dropped: its optimistic ``line`` ends below ``leader_low``, the lower end
    of ``leader``, as both were when it had been trained on ``images``."""

    images: int
    line: float
    leader: str
    leader_low: float


@dataclass
class Racer:
    """One strategy in a race. ``line``: the end of its optimistic line at all training images, 0 to
    1; None before its second point. ``kept``: why it is never dropped, None for others."""

    strategy: str
    points: list[RacePoint] = field(default_factory=list)
    line: float | None = None
    kept: Kept | None = None
    dropped: Drop | None = None

    @property
    def scored(self) -> list[Scored]:
        """Its points, the fewest images first."""
        return [scored(point) for point in self.points]

    @property
    def last(self) -> Scored | None:
        return scored(self.points[-1]) if self.points else None


@dataclass(frozen=True)
class RaceStatus:
    """Who leads, who is left and who was dropped. ``leader`` has the highest accuracy at its last
    point; None before the first point. ``train_images``: all that there are."""

    racers: tuple[Racer, ...]
    train_images: int
    leader: Racer | None

    @property
    def remaining(self) -> tuple[str, ...]:
        return tuple(one.strategy for one in self.racers if one.dropped is None)

    @property
    def validation_images(self) -> int:
        """0 before the first point."""
        return max(
            (one.points[-1].validation_images for one in self.racers if one.points), default=0
        )


def status_of(
    points: Sequence[RacePoint],
    strategies: Sequence[str],
    train_images: int,
    failed: Collection[str] = (),
) -> RaceStatus:
    """The status after ``points`` of one dataset and split, the oldest first.

    After each point everybody is judged again. Who was dropped stays so: later points of it, from
    another race, change nothing. Those that ``failed`` lead nobody out: they cannot be run.
    """
    racers = {name: Racer(name) for name in strategies}
    leader: Racer | None = None
    for point in points:
        racer = racers.get(point.strategy)
        if racer is None:
            continue
        racer.points = sorted([*racer.points, point], key=lambda one: one.train_images)
        if len(racer.points) > 1:
            racer.line = optimistic_end(racer.points[-2], racer.points[-1], train_images)
        able = [one for one in racers.values() if one.strategy not in failed]
        leader = _best(able)
        _keep(able)
        for one in able:
            _judge(one, leader)
    return RaceStatus(tuple(racers.values()), train_images, leader)


def scored(point: RacePoint) -> Scored:
    """Wilson's interval, for as many images as there are distinct ones."""
    low, high = mean_interval([point.accuracy], point.distinct_images)
    # Rounded to whole images an interval may miss the accuracy by a hair.
    accuracy = point.accuracy
    return Scored(
        point.train_images, accuracy, min(low, accuracy), max(high, accuracy), point.seconds
    )


def optimistic_end(before: RacePoint, last: RacePoint, train_images: int) -> float:
    """Where the optimistic line through two points ends at ``train_images``, at most 1."""
    step = last.train_images - before.train_images
    times = (train_images - last.train_images) / step
    return min(1.0, scored(last).high + times * max(0.0, most_gained(before, last)))


def most_gained(before: RacePoint, last: RacePoint) -> float:
    """The upper end of the 95 % interval of the gain, -1 to 1, from one point to the next.

    Both predicted the same validation images, so only those that changed count (Bonett and Price
    2012: an adjusted Wald interval of paired proportions; one image more on either side keeps it
    honest where few changed, or none). Near duplicates count once.
    """
    distinct = last.distinct_images / last.validation_images
    fixed = distinct * float((last.right & ~before.right).sum())
    regressed = distinct * float((before.right & ~last.right).sum())
    images = last.distinct_images + 2
    up, down = (fixed + 1) / images, (regressed + 1) / images
    return up - down + _Z * math.sqrt((up + down - (up - down) ** 2) / images)


def _judge(one: Racer, leader: Racer | None) -> None:
    if one.dropped or one.kept or one.line is None or leader is None or leader.last is None:
        return
    if one is not leader and one.line < leader.last.low:
        images = one.points[-1].train_images
        one.dropped = Drop(images, one.line, leader.strategy, leader.last.low)


def _keep(racers: Sequence[Racer]) -> None:
    """Mark who is never dropped: the baseline, the probe that is best by now, and of the networks
    that start at random the best one, at first of those without a backbone."""
    for one in racers:
        one.kept = Kept.BASELINE if _has_role(one, Role.BASELINE) else None
    groups = (
        (Kept.BEST_PROBE, (Role.LINEAR_PROBE,)),
        (Kept.FROM_SCRATCH, (Role.FROM_SCRATCH, Role.RANDOM_START)),
    )
    for reason, roles in groups:
        for role in roles:
            best = _best(one for one in racers if _has_role(one, role) and not one.dropped)
            if best is not None:
                best.kept = reason
                break


def _has_role(one: Racer, role: Role) -> bool:
    return one.strategy in STRATEGIES and STRATEGIES[one.strategy].role == role


def _best(racers: Iterable[Racer]) -> Racer | None:
    """The highest accuracy at the last point; of equals the first, which is the cheapest."""
    return max(
        (one for one in racers if one.points), key=lambda one: one.points[-1].accuracy, default=None
    )
