"""What past forecasts and past learning curves say about the next ones.

Three things are learned: how exponents of learning curves were distributed, how strategies compare
with all training images, and how far forecasts were off. Intervals are widened until as many past
cases as promised would have been hit (split conformal, Vovk et al. 2005), and never made narrower
than chance alone allows. Past cases come from this installation and from the recorded series
(``replay``).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from scipy.stats import binom

from core.analysis.advice.power_law import (
    FEWEST_CURVES,
    FLAT,
    TIME_DEVIATION,
    CurvePoint,
    Prior,
    prior_of,
)
from core.analysis.advice.usual_order import Result, UsualOrder, usual_order
from core.analysis.significance import SIGNIFICANCE
from core.experiments.accuracy_forecasts import Caution, Kind
from core.strategies.registry import STRATEGIES
from core.strategies.strategy import Role

# With fewer graded forecasts nobody knows how far off they are.
ENOUGH_CASES = 20
LEVELS = (0.80, 0.95)
# A single miss of a 95 % interval is exactly 1 in 20, whatever the last digits say.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Case:
    """A forecast that was graded: ``actual`` came out (accuracies, 0 to 1).

    ``origin``: the dataset, or the source of several datasets that share images. ``time_error``:
    the logarithm of the seconds that it took over those that were forecast; None where unknown.
    """

    origin: str
    kind: Kind
    strategy: str
    predicted: float
    deviation: float
    actual: float
    time_error: float | None = None

    @property
    def error(self) -> float:
        """What came out minus the forecast."""
        return self.actual - self.predicted


@dataclass(frozen=True)
class PastCurve:
    """The learning curve of a strategy on a dataset of ``origin``."""

    origin: str
    strategy: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class PastResults:
    """What strategies reached on one dataset of ``origin`` with all training images."""

    origin: str
    results: Mapping[str, Result]


@dataclass(frozen=True)
class OwnRecord:
    """Forecasts of this installation with their grades.

    ``hits``: in the interval of each of ``LEVELS``, the fraction of the forecasts on a dataset that
    were hit, summed over ``datasets``. Forecasts on one dataset err together, so that a dataset
    counts once.
    """

    cases: tuple[Case, ...] = ()
    datasets: int = 0
    hits: tuple[float, float] = (0.0, 0.0)

    @property
    def caution(self) -> Caution:
        """``widened`` or ``silent`` where fewer were hit than chance allows."""
        if not any(
            too_few_hits(math.ceil(hits - _ROUNDING), self.datasets, level)
            for hits, level in zip(self.hits, LEVELS, strict=True)
        ):
            return ""
        return "widened" if len(self.cases) >= ENOUGH_CASES else "silent"


@dataclass(frozen=True)
class Experience:
    """``cases`` are those of this installation and of the recorded series, ``own`` the former
    alone, with their hits."""

    cases: tuple[Case, ...] = ()
    curves: tuple[PastCurve, ...] = ()
    own: OwnRecord = OwnRecord()
    results: tuple[PastResults, ...] = ()

    def without(self, origin: str) -> "Experience":
        """Without what was learned on that dataset or source."""
        return Experience(
            tuple(case for case in self.cases if case.origin != origin),
            tuple(curve for curve in self.curves if curve.origin != origin),
            self.own,
            tuple(past for past in self.results if past.origin != origin),
        )

    def of_kind(self, kind: Kind) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.kind == kind)

    def prior(self, strategy: str) -> Prior:
        """Of the exponent: from curves of the strategy, else of those of the same role, else of
        all, whichever are enough first."""
        role = _role_of(strategy)
        if role is Role.BASELINE:
            return FLAT
        curves = [curve for curve in self.curves if _role_of(curve.strategy) is not Role.BASELINE]
        own = [curve for curve in curves if curve.strategy == strategy]
        alike = [curve for curve in curves if _role_of(curve.strategy) is role]
        chosen = next((some for some in (own, alike) if len(some) >= FEWEST_CURVES), curves)
        return prior_of(curve.points for curve in chosen)

    def order(self) -> UsualOrder:
        """How strategies that learn usually compare."""
        return usual_order(
            {
                name: result
                for name, result in past.results.items()
                if _role_of(name) is not Role.BASELINE
            }
            for past in self.results
        )

    def widths(self, kind: Kind) -> tuple[float, float]:
        """How many standard deviations to either side an interval reaches, for each of
        ``LEVELS``."""
        cases = self.of_kind(kind)
        first, second = (conformal_width(level, _ratios(cases)) for level in LEVELS)
        if self.own.caution == "widened":
            # Of both kinds together, which are enough: errors are in standard deviations.
            own = _ratios(self.own.cases)
            first = max(first, conformal_width(LEVELS[0], own))
            second = max(second, conformal_width(LEVELS[1], own))
        return first, second

    def time_widths(self) -> tuple[float, float]:
        """The same for the logarithm of the seconds, as multiples of ``TIME_DEVIATION``."""
        errors = [case.time_error for case in self.cases if case.time_error is not None]
        ratios = [abs(error) / TIME_DEVIATION for error in errors]
        first, second = (conformal_width(level, ratios) for level in LEVELS)
        return first, second


def conformal_width(level: float, ratios: Sequence[float]) -> float:
    """The number of standard deviations that ``level`` of past ``ratios`` (error over deviation)
    stayed within; never below that of a normal distribution, which also stands where there are
    fewer than ``ENOUGH_CASES``."""
    usual = NormalDist().inv_cdf((1 + level) / 2)
    if len(ratios) < ENOUGH_CASES:
        return usual
    place = min(len(ratios), math.ceil((len(ratios) + 1) * level))
    return max(usual, sorted(ratios)[place - 1])


def too_few_hits(hits: int, cases: int, level: float) -> bool:
    """Whether so few hits would be rarer than 1 in 20 if the intervals held what they promise."""
    chance = binom.cdf(hits, cases, level)
    return cases > 0 and bool(chance < SIGNIFICANCE - _ROUNDING)


def _ratios(cases: Sequence[Case]) -> list[float]:
    return [abs(case.error) / case.deviation for case in cases]


def _role_of(strategy: str) -> Role | None:
    return STRATEGIES[strategy].role if strategy in STRATEGIES else None
