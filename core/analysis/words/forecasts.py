"""Forecasts of accuracies, and the verdicts that follow from them, in sentences."""

from collections.abc import Sequence

from core.analysis.advice.experience import ENOUGH_CASES
from core.analysis.advice.forecasts import leader_of, room_between
from core.analysis.advice.grades import Graded
from core.analysis.comparison import title_of
from core.analysis.words.verdicts import closed, points_text, points_words
from core.experiments.accuracy_forecasts import AccuracyForecast, Verdict
from core.text import count_text, percent_text, rough_seconds_text

VERDICTS: dict[Verdict, str] = {
    "worth": "worth running",
    "cannot_win": "cannot win here",
    "cannot_tell": "cannot tell",
}
HOW_CARRIED_ON = (
    "The errors are expected to fall by the same factor with each doubling of the training images "
    "(a power law). The factor of its own curve counts by its weight, that of past curves for the "
    "rest: with an exponent of 0.25 a doubling leaves 84 % of the errors, with 0.5 it leaves 71 %. "
    "Then the forecasts are drawn towards how strategies usually compare, the more the fewer "
    "images they were scored on."
)
SILENT = (
    "No forecast is shown: too many of those that were graded here missed their intervals. They "
    "are still stored and graded, and shown again once they hold."
)


def describe_forecast(made: AccuracyForecast) -> str:
    """``64.0 % (80 % interval 60.0 to 68.0, 95 % 58.0 to 70.0), in about 4 min (3 min to 5 min)``;
    without a time where none is known."""
    found = (
        f"{percent_text(made.predicted)} (80 % interval {points_text(made.low_80)} to "
        f"{points_text(made.high_80)}, 95 % {points_text(made.low_95)} to "
        f"{points_text(made.high_95)})"
    )
    if made.seconds is None or made.seconds_80 is None:
        return found
    low, high = map(rough_seconds_text, made.seconds_80)
    return f"{found}, in about {rough_seconds_text(made.seconds)} ({low} to {high})"


def describe_verdict(made: AccuracyForecast, together: Sequence[AccuracyForecast]) -> str:
    """What to do about one strategy, and why; ``together`` are the forecasts made with it."""
    leader = leader_of(together) or made
    title = title_of(made.strategy)
    behind = leader.predicted - made.predicted
    if made.verdict == "worth":
        if made is leader:
            return f"{title}: worth running. It has the highest forecast."
        return f"{title}: worth running. It is forecast {points_words(behind)} below the highest."
    if made.verdict == "cannot_win":
        return f"{title}: cannot win here, because it is {_behind(made, leader)}."
    return f"{title}: cannot tell. {_why_not(made, leader)}. {_next_step(made)}"


def describe_each(made: Sequence[AccuracyForecast]) -> list[str]:
    """A line for each: what it is expected to reach, with the verdict where it was made together
    with the newest that have one."""
    judged = [one for one in made if one.verdict is not None]
    newest = max(judged, key=lambda one: one.made_at).batch if judged else ""
    together = [one for one in judged if one.batch == newest]
    return [
        f"{describe_verdict(one, together)} Forecast: {describe_forecast(one)}."
        if one in together
        else f"{title_of(one.strategy)}: {describe_forecast(one)}."
        for one in made
    ]


def _why_not(made: AccuracyForecast, leader: AccuracyForecast) -> str:
    if not made.cases:
        return f"Fewer than {ENOUGH_CASES} forecasts were graded, so nobody knows how far off it is"
    if made.caution == "silent":
        return "Too many earlier forecasts had missed when it was made"
    if made is leader:
        return "It has the highest forecast, but the majority class may be as good"
    return f"It is {_behind(made, leader)}"


def _behind(made: AccuracyForecast, leader: AccuracyForecast) -> str:
    behind, room = leader.predicted - made.predicted, room_between(made, leader)
    return (
        f"forecast {points_words(behind)} behind {closed(title_of(leader.strategy))} and the 95 % "
        f"intervals of the two leave room for {points_text(room)}"
    )


def _next_step(made: AccuracyForecast) -> str:
    if made.next_images is None or made.next_seconds is None:
        return "No training of it was timed, so what it costs to know is not known."
    images = count_text(made.next_images, "training image")
    time = rough_seconds_text(made.next_seconds)
    if made.next_images == made.train_images:
        return f"The cheapest way to know is to run it on all {images}: about {time}."
    return f"The cheapest way to know is a training on {images}: about {time}."


def describe_forecasts(made: Sequence[AccuracyForecast]) -> str:
    """What the forecasts are about."""
    if not made:
        return "There is no forecast: too few images were measured, or it was before this version."
    return (
        "Forecast of the test accuracy with all training images of the default split, stored "
        "before it is run and never changed. Experiments that are begun later grade it."
    )


def hit_words(one: Graded) -> str:
    """For a cell of a table."""
    if one.is_hit_80:
        return "hit"
    return "hit at 95 %" if one.is_hit_95 else "miss"
