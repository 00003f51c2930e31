"""Forecasts and their grades, in sentences."""

from core.analysis.advice.forecasts import ENOUGH_CASES, coverage_of
from core.analysis.words.forecasts import (
    describe_coverage,
    describe_forecast,
    describe_forecasts,
    hit_words,
)
from tests.analysis.advice.test_forecasts import forecast, graded
from tests.analysis.words.conftest import Held


def test_the_sentences(held: Held) -> None:
    some = [graded(0.02), graded(-0.09), graded(0.2)]
    held(
        {
            "one": describe_forecast(forecast()),
            "what they are about": describe_forecasts([forecast()]),
            "none": describe_forecasts([]),
            "nothing graded": describe_coverage(None),
            "few graded": describe_coverage(coverage_of(some)),
            "one graded": describe_coverage(coverage_of(some[:1])),
            "enough graded": describe_coverage(coverage_of(some * ENOUGH_CASES)),
            "grades": ", ".join(map(hit_words, some)),
        }
    )
