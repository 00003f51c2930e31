"""Forecasts and verdicts, in sentences."""

from core.analysis.words.forecasts import (
    HOW_CARRIED_ON,
    SILENT,
    describe_each,
    describe_forecast,
    describe_forecasts,
    describe_verdict,
    hit_words,
)
from tests.analysis.advice.made_forecasts import forecast, graded, trained
from tests.analysis.words.conftest import Held

LEADER = trained("vgg16_probe", 0.8, verdict="worth")
NEAR = trained("squeezenet_probe", 0.795, verdict="worth")
OPEN = trained("cnn", 0.74)
WHOLE = trained("efficientnet_lite0_finetune", 0.74, next_images=800, next_seconds=210.0)
HOPELESS = trained("mlp", 0.6, verdict="cannot_win")
TOGETHER = [LEADER, NEAR, OPEN, WHOLE, HOPELESS]


def test_the_sentences(held: Held) -> None:
    few = trained("cnn", 0.74, cases=0)
    alone = trained("cnn", 0.5)
    untimed = trained("cnn", 0.74, next_images=None, next_seconds=None)
    held(
        {
            "one": describe_forecast(forecast()),
            "one with its time": describe_forecast(LEADER),
            "what they are about": describe_forecasts([forecast()]),
            "none": describe_forecasts([]),
            "the leader": describe_verdict(LEADER, TOGETHER),
            "near it": describe_verdict(NEAR, TOGETHER),
            "open": describe_verdict(OPEN, TOGETHER),
            "open, all images": describe_verdict(WHOLE, TOGETHER),
            "hopeless": describe_verdict(HOPELESS, TOGETHER),
            "too few cases": describe_verdict(few, [few, HOPELESS]),
            "no better than the majority": describe_verdict(alone, [alone]),
            "not timed": describe_verdict(untimed, [LEADER, untimed]),
            "how they are carried on": HOW_CARRIED_ON,
            "silent": SILENT,
            "grades": ", ".join(hit_words(graded(error)) for error in (0.02, -0.09, 0.2)),
        }
    )


def test_verdicts_are_those_of_the_newest_that_were_made_together() -> None:
    older = trained("mlp", 0.9, batch="a", made_at="2026-01-01", verdict="worth")
    found = describe_each([older, LEADER, OPEN, forecast()])
    assert found[0] == f"MLP: {describe_forecast(older)}."
    assert found[1:3] == [
        f"{describe_verdict(one, [LEADER, OPEN])} Forecast: {describe_forecast(one)}."
        for one in (LEADER, OPEN)
    ]
    assert found[3] == f"VGG16 probe: {describe_forecast(forecast())}."
    assert describe_each([]) == []
