"""How strategies usually compare, and forecasts drawn towards that.

A hundred validation images cannot tell strategies apart that are a few points from each other, and
whoever runs the highest of ten forecasts runs the luckiest. Past datasets know more: how far each
strategy lies from the others there, and how much that differs from dataset to dataset. So the
logarithms of the errors that are forecast on one dataset are taken together: a level of that
dataset, of which nothing is known before, plus how each strategy usually compares, plus its own
deviation from that (a mixed model, Laird and Ware 1982). The less a curve says, the more the usual
order counts. Pure functions of numbers.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from core.analysis.advice.power_law import (
    FEWEST_CURVES,
    Carried,
    covariance_of,
    log_variance,
    smoothed_error,
    spread_of,
)


@dataclass(frozen=True)
class Result:
    """What a strategy reached on one dataset with all training images: its accuracy (0 to 1) on
    ``images`` test images."""

    accuracy: float
    images: int

    @property
    def log_error(self) -> float:
        return math.log(self._error)

    @property
    def log_variance(self) -> float:
        return float(log_variance(self._error, self.images))

    @property
    def _error(self) -> float:
        return float(smoothed_error(self.accuracy, self.images))


@dataclass(frozen=True)
class UsualOrder:
    """By strategy, the logarithm of its error less that of all on the same dataset: ``means`` over
    past datasets, and ``deviations`` from dataset to dataset beyond the luck of test images."""

    means: Mapping[str, float]
    deviations: Mapping[str, float]


def usual_order(datasets: Iterable[Mapping[str, Result]]) -> UsualOrder:
    """From the results of past datasets by strategy; of strategies on fewer than
    ``FEWEST_CURVES`` datasets nothing is known."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for results in datasets:
        level = fmean(one.log_error for one in results.values()) if results else 0.0
        for name, one in results.items():
            found[name].append((one.log_error - level, one.log_variance))
    known = {name: some for name, some in found.items() if len(some) >= FEWEST_CURVES}
    return UsualOrder(
        {name: fmean(each for each, _ in some) for name, some in known.items()},
        {name: spread_of(some) for name, some in known.items()},
    )


def drawn_to(order: UsualOrder, curves: Mapping[str, Carried]) -> dict[str, Carried]:
    """The same curves with their errors drawn towards the usual order, and less uncertain by it."""
    names = [name for name in curves if name in order.means]
    if len(names) < 2:
        return dict(curves)
    log_errors = np.log([max(curves[name].error, 1e-6) for name in names])
    deviations = np.array([curves[name].log_deviation for name in names])
    # Scored on the same images, so they err together.
    measured = np.linalg.inv(covariance_of(deviations))
    certain = np.diag([order.deviations[name] ** -2.0 for name in names])
    # Nothing is known of the level: what all have in common is taken out of the prior.
    common = certain.sum(axis=1)
    prior = certain - np.outer(common, common) / certain.sum()
    posterior = np.linalg.inv(measured + prior)
    means = np.array([order.means[name] for name in names])
    expected = posterior @ (measured @ log_errors + prior @ means)
    return dict(curves) | {
        name: replace(
            curves[name],
            error=float(min(1.0, math.exp(expected[place]))),
            log_deviation=math.sqrt(posterior[place, place]),
        )
        for place, name in enumerate(names)
    }
