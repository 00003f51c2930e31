"""Forecasts of accuracies and how good they were, in sentences."""

from collections.abc import Sequence

from core.analysis.advice.forecasts import ENOUGH_CASES, Coverage, Graded
from core.analysis.comparison import title_of
from core.analysis.words.verdicts import points_text
from core.experiments.accuracy_forecasts import AccuracyForecast
from core.text import count_text, percent_text

NOTHING_GRADED = (
    "Not enough experience: no forecast has been graded yet. One is graded when the first "
    "experiment after it has its probe on the same split and image size."
)


def describe_forecast(made: AccuracyForecast) -> str:
    """``EfficientNet-Lite0 probe: 64.0 % (80 % interval 60.0 to 68.0, 95 % 58.0 to 70.0).``"""
    return (
        f"{title_of(made.strategy)}: {percent_text(made.predicted)} "
        f"(80 % interval {points_text(made.low_80)} to {points_text(made.high_80)}, "
        f"95 % {points_text(made.low_95)} to {points_text(made.high_95)})."
    )


def describe_coverage(coverage: Coverage | None) -> str:
    """How often the intervals held what came out, or that there are too few cases to say."""
    if coverage is None:
        return NOTHING_GRADED
    cases = count_text(coverage.cases, "graded forecast")
    hits = (
        f"{coverage.hits_80} of {cases} lay in the 80 % interval and {coverage.hits_95} in the "
        "95 % interval"
    )
    if coverage.cases < ENOUGH_CASES:
        return (
            f"Not enough experience ({coverage.cases} of {ENOUGH_CASES} cases): {hits}; what came "
            f"out was {points_text(coverage.lowest)} to {points_text(coverage.highest)} points "
            "from the forecast."
        )
    (low_80, high_80), (low_95, high_95) = coverage.interval_80, coverage.interval_95
    return (
        f"{hits}: {percent_text(coverage.hits_80 / coverage.cases)} where 80 % was promised "
        f"(95 % interval {points_text(low_80)} to {points_text(high_80)}), "
        f"{percent_text(coverage.hits_95 / coverage.cases)} where 95 % was ({points_text(low_95)} "
        f"to {points_text(high_95)}). New forecasts are as wide as these errors ask for."
    )


def hit_words(one: Graded) -> str:
    """For a cell of a table."""
    if one.is_hit_80:
        return "hit"
    return "hit at 95 %" if one.is_hit_95 else "miss"


def describe_forecasts(made: Sequence[AccuracyForecast]) -> str:
    """What the forecasts are about."""
    if not made:
        return "There is no forecast: too few images were measured, or it was before this version."
    return (
        "Forecast of the test accuracy of each probe on the default split, stored when the dataset "
        "was measured and never changed. Experiments that are begun later grade it."
    )
