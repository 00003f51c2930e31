"""A learning curve carried on to more images: a power law whose exponent is shrunk.

The error ``e(n) = c * n ** -b`` is a straight line over the logarithms (Hestness et al. 2017,
arXiv 1712.00409). Few images say little about ``b``: it is drawn towards the exponents of past
curves, by as much as these agree and this curve does not know better (a Gaussian prior on ``b``,
none on ``c``). Pure functions of numbers.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, variance
from typing import Any

import numpy as np

# Power laws extrapolate badly from few images (arXiv 2207.01725): never further than this.
MOST_TIMES = 4
# All points of a curve are scored on the same images, so their errors are not independent. How
# much is a convention; the grades of forecasts correct what it gets wrong.
CORRELATION = 0.5
FEWEST_CURVES = 5
# What was measured on past datasets never agrees better than this, however alike a few of them are.
SMALLEST_DEVIATION = 0.05
# How far times of the same work differ, as a standard deviation of their logarithm: a convention.
TIME_DEVIATION = 0.2


@dataclass(frozen=True)
class CurvePoint:
    """One strategy trained on ``train_images``: its accuracy (0 to 1) on ``scored_images`` others
    (near duplicates counted once), and the seconds of that training; None where not known."""

    strategy: str
    train_images: int
    accuracy: float
    scored_images: int
    seconds: float | None = None


@dataclass(frozen=True)
class Prior:
    """What is known of an exponent before its curve is seen: mean and standard deviation."""

    mean: float
    deviation: float


# Published exponents lie between 0.07 and 0.35 for deep networks (Hestness et al. 2017); those of
# small sets were up to 0.5 and more. Only used until ``FEWEST_CURVES`` were seen.
USUAL = Prior(0.25, 0.2)
# For what does not learn from images, such as the majority class.
FLAT = Prior(0.0, 1e-6)


@dataclass(frozen=True)
class Carried:
    """A curve carried on to more images.

    ``error``: the expected fraction of wrong predictions; ``log_deviation``: the standard deviation
    of its logarithm. ``exponent``: the shrunk one. ``own_exponent``: that of the curve alone, None
    for a single size. ``own_weight``: how much the curve counted against the prior, 0 to 1.
    """

    error: float
    log_deviation: float
    exponent: float
    own_exponent: float | None
    own_weight: float

    def deviation(self, scored: int) -> float:
        """Standard deviation of the accuracy on ``scored`` images: of the curve, and their luck."""
        # Half an image keeps it above 0 where no error is expected.
        error = min(max(self.error, 0.5 / scored), 1 - 0.5 / scored)
        return math.hypot(error * self.log_deviation, math.sqrt(error * (1 - error) / scored))


def carried(points: Sequence[CurvePoint], prior: Prior, images: int) -> Carried | None:
    """The curve of one strategy at ``images``; None where there is no point, or that is more than
    ``MOST_TIMES`` the largest, or less than it."""
    if not points:
        return None
    largest = max(point.train_images for point in points)
    if not largest <= images <= MOST_TIMES * largest:
        return None
    log_errors, covariance = _observed(points)
    design = _design(points, largest)
    weighted = np.linalg.solve(covariance, np.column_stack([design, log_errors]))
    precision, score = design.T @ weighted[:, :2], design.T @ weighted[:, 2]
    own, own_variance = own_exponent(points)
    certainty = 1 / prior.deviation**2
    posterior = np.linalg.inv(precision + np.diag([0.0, certainty]))
    level, exponent = posterior @ (score + np.array([0.0, certainty * prior.mean]))
    if exponent < 0:
        # More images do no harm in the long run: a curve that falls is luck, or carried on flat.
        exponent = 0.0
        level = float(np.average(log_errors, weights=1 / np.diag(covariance)))
    step = np.array([1.0, -math.log(images / largest)])
    return Carried(
        error=float(min(1.0, math.exp(level + step[1] * exponent))),
        log_deviation=math.sqrt(step @ posterior @ step),
        exponent=float(exponent),
        own_exponent=own,
        own_weight=0.0 if own is None else prior.deviation**2 / (prior.deviation**2 + own_variance),
    )


def own_exponent(points: Sequence[CurvePoint]) -> tuple[float | None, float]:
    """The exponent of a curve alone, with its variance; None and infinite for a single size."""
    return _own_exponent(tuple(points))


# A replay asks for that of each past curve hundreds of times.
@lru_cache(maxsize=4096)
def _own_exponent(points: tuple[CurvePoint, ...]) -> tuple[float | None, float]:
    if len({point.train_images for point in points}) < 2:
        return None, math.inf
    log_errors, covariance = _observed(points)
    design = _design(points, max(point.train_images for point in points))
    weighted = np.linalg.solve(covariance, np.column_stack([design, log_errors]))
    inverse = np.linalg.inv(design.T @ weighted[:, :2])
    return float((inverse @ (design.T @ weighted[:, 2]))[1]), float(inverse[1, 1])


def prior_of(curves: Iterable[Sequence[CurvePoint]]) -> Prior:
    """What past curves say: the mean of their exponents, and how far these differ beyond what the
    uncertainty of each explains (method of moments); the usual one with too few curves."""
    found = [own_exponent(points) for points in curves]
    known = [(exponent, own_variance) for exponent, own_variance in found if exponent is not None]
    if len(known) < FEWEST_CURVES:
        return USUAL
    exponents = [exponent for exponent, _ in known]
    return Prior(fmean(exponents), spread_of(known))


def curves_of(points: Iterable[CurvePoint]) -> dict[str, list[CurvePoint]]:
    """By strategy, the fewest images first."""
    found: dict[str, list[CurvePoint]] = defaultdict(list)
    for point in sorted(points, key=lambda point: point.train_images):
        found[point.strategy].append(point)
    return dict(found)


def seconds_at(points: Sequence[CurvePoint], images: int) -> float | None:
    """How long the training takes on ``images``: a part that is always the same, and one that grows
    with them, of which neither is negative (least squares of the relative error). From one point
    all of it grows. None where no point has a time, or further than ``MOST_TIMES``."""
    # A relative error of nothing cannot be computed.
    timed = [
        (point.train_images, max(point.seconds, 1e-3))
        for point in points
        if point.seconds is not None
    ]
    if not timed or images > MOST_TIMES * max(count for count, _ in timed):
        return None
    counts, seconds = np.array(timed, np.float64).T
    if len(np.unique(counts)) == 1:
        return float(seconds.mean() * images / counts[0])
    from scipy.optimize import nnls

    design = np.column_stack([1 / seconds, counts / seconds])
    (fixed, each), _ = nnls(design, np.ones(len(counts)))
    return float(fixed + each * images)


def _observed(points: Sequence[CurvePoint]) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the errors ``(n,)`` and their covariance ``(n, n)``, by the delta method."""
    images = np.array([point.scored_images for point in points], np.float64)
    accuracy = np.array([point.accuracy for point in points])
    errors = smoothed_error(accuracy, images)
    return np.log(errors), covariance_of(np.sqrt(log_variance(errors, images)))


def smoothed_error(accuracy: Any, images: Any) -> Any:
    """The fraction of wrong predictions, numbers or arrays, with half a wrong and half a correct
    image more: no logarithm of 0."""
    return ((1 - accuracy) * images + 0.5) / (images + 1)


def log_variance(error: Any, images: Any) -> Any:
    """The variance of the logarithm of an error on so many images, by the delta method."""
    return (1 - error) / (error * images)


def covariance_of(deviations: np.ndarray) -> np.ndarray:
    """``(n, n)``, of errors with these standard deviations ``(n,)`` on the same images."""
    found = CORRELATION * np.outer(deviations, deviations)
    np.fill_diagonal(found, deviations**2)
    return found


def spread_of(found: Sequence[tuple[float, float]]) -> float:
    """Of pairs of a value and its variance: the standard deviation of the values beyond what their
    variances explain."""
    between = variance(value for value, _ in found) - fmean(each for _, each in found)
    return max(SMALLEST_DEVIATION, math.sqrt(max(0.0, between)))


def _design(points: Sequence[CurvePoint], largest: int) -> np.ndarray:
    """``(n, 2)``: for the level at the largest size, and the exponent."""
    steps = [-math.log(point.train_images / largest) for point in points]
    return np.column_stack([np.ones(len(points)), steps])
