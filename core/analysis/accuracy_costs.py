"""How many seconds each strategy needed to reach an accuracy, or that it never did."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.analysis.comparison import end_to_end_seconds, title_of
from core.runs.records import RunRecord

Epochs = Sequence[Mapping[str, Any]]

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
    those that never reached it counted as later than all; None says *never*: at least half of
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
        max(epoch["validation_accuracy"] for epoch in epochs[run.id])
        for run in runs
        if epochs[run.id]
    ]


def cost_of(
    runs: Sequence[RunRecord], epochs: Mapping[str, Epochs], target: Target
) -> CostToAccuracy:
    times = [_seconds_to(run.result or {}, epochs[run.id], target.accuracy) for run in runs]
    middle = statistics.median(times)
    return CostToAccuracy(
        strategy=runs[0].strategy,
        title=title_of(runs[0].strategy),
        target=target,
        seconds=None if math.isinf(middle) else middle,
        reached=sum(not math.isinf(seconds) for seconds in times),
        seeds=len(times),
    )


def _seconds_to(result: Mapping[str, Any], epochs: Epochs, accuracy: float) -> float:
    """Infinite where it was never reached. What has no epochs was there when its run ended."""
    if not epochs:
        validation = result["scores"].get("validation")
        there = validation is not None and validation["accuracy"] >= accuracy - _TINY
        return end_to_end_seconds(result) if there else math.inf
    spent = [float(result["feature_seconds"] or 0.0)]
    for epoch in epochs:
        spent += [epoch["train_seconds"], epoch["validation_seconds"]]
        if epoch["validation_accuracy"] >= accuracy - _TINY:
            return math.fsum(spent)
    return math.inf
