"""How good forecasts and advice were, in sentences."""

from dataclasses import replace

from core.analysis.advice.experience import ENOUGH_CASES
from core.analysis.advice.grades import Graded, Quote, advice_record, coverage_of, own_record
from core.analysis.advice.replay import replayed
from core.analysis.words.grades import (
    describe_caution,
    describe_coverage,
    describe_quote,
    describe_record,
    describe_replay,
    describe_rules,
)
from tests import made_series
from tests.analysis.advice.made_forecasts import graded, trained
from tests.analysis.advice.test_grades import on_datasets, outcome
from tests.analysis.words.conftest import Held


def test_the_sentences(held: Held) -> None:
    some = [graded(0.02), graded(-0.09), graded(0.2)]
    timed = Graded(trained("cnn", 0.7), "shapes", "d", "e", 0.71, 90.0)
    record = advice_record([outcome()])
    saved = advice_record([outcome(seconds={**outcome().seconds, "cnn": 200.0})])
    nothing = advice_record([outcome(forecasts=(trained("cnn", 0.5),))])
    assert record is not None
    quote = Quote(graded(0.02), True, 0.012)
    held(
        {
            "nothing graded": describe_coverage(None),
            "few graded": describe_coverage(coverage_of(some)),
            "one graded": describe_coverage(coverage_of(some[:1])),
            "enough graded": describe_coverage(coverage_of(some * ENOUGH_CASES)),
            "with times": describe_coverage(coverage_of([timed] * ENOUGH_CASES)),
            "silent": describe_caution(own_record(on_datasets(3, 0.2, 0.3))) or "",
            "widened": describe_caution(own_record(on_datasets(ENOUGH_CASES, 0.2, 0.3))) or "",
            "no advice graded": "\n".join(describe_record(None)),
            "advice graded": "\n".join([*describe_record(record), *describe_rules(record)]),
            "time saved": "\n".join(describe_record(saved)),
            "nothing named": "\n".join(describe_record(nothing)),
            "no series": "\n".join(describe_replay(None)),
            "a series": "\n".join(describe_replay(replayed(made_series.series()))),
            "quoted": describe_quote(quote),
            "quoted, the best": describe_quote(replace(quote, regret=0.0)),
            "quoted, no advice": describe_quote(Quote(graded(0.01), False, None)),
            "quoted, near": describe_quote(Quote(graded(-0.09), True, 0.0)),
            "quoted, a miss": describe_quote(Quote(graded(0.2), False, None)),
        }
    )


def test_where_forecasts_hold_there_is_nothing_to_be_cautious_about() -> None:
    assert describe_caution(own_record([])) is None
    assert describe_caution(own_record([graded(0.01)] * 30)) is None


def test_a_promise_is_held_but_for_luck() -> None:
    for hits, verdict in ((80, "as promised"), (60, "fewer than promised")):
        cases = [graded(0.01)] * hits + [graded(0.2)] * (100 - hits)
        said = f"{hits} lay in the range for 8 of 10, {verdict}"
        assert said in describe_coverage(coverage_of(cases))
    every = describe_coverage(coverage_of([graded(0.01)] * 100))
    assert "100 lay in the range for 8 of 10, more than promised" in every
    assert "100 lay in the range for 19 of 20, more than promised" in every


def test_without_rules_nothing_is_set_beside_the_advice() -> None:
    assert describe_rules(None) == []
    assert describe_rules(advice_record([outcome(forecasts=(trained("cnn", 0.5),))])) == []
