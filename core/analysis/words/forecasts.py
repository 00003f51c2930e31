"""Forecasts of accuracies, and the verdicts that follow from them, in sentences."""

from collections.abc import Sequence

from core.analysis.advice.experience import ENOUGH_CASES
from core.analysis.advice.first_choice import made_together
from core.analysis.advice.forecasts import leader_of, room_between
from core.analysis.advice.grades import Graded
from core.analysis.comparison import title_of
from core.analysis.words.verdicts import points_text, points_words
from core.experiments.accuracy_forecasts import AccuracyForecast, Verdict
from core.text import count_text, percent_text, rough_seconds_text

VERDICTS: dict[Verdict, str] = {
    "worth": "worth running",
    "cannot_win": "cannot win here",
    "cannot_tell": "cannot tell",
}
WHAT_IT_IS = (
    "What each strategy will most likely get right of the test images, once it has learned from "
    "all training images. In 8 of 10 cases what comes out should lie between low and high. Each "
    "forecast is stored before the run and never changed; the run grades it."
)
HOW_CARRIED_ON = (
    "How they are made: results on parts of the images are continued to all of them. Each doubling "
    "of the training images is expected to leave the same fraction of the errors (a power law): 84 "
    "% with an exponent of 0.25, 71 % with 0.5. The exponent is a mean of that of the strategy "
    "here, by its weight, and that of past datasets. Then the forecasts are drawn towards how "
    "strategies usually compare, the more the fewer images they were scored on."
)
SILENT = (
    "No forecast is shown: too many of those that were checked here missed. They are still stored "
    "and checked, and shown again once they hold."
)


def range_words(low: float, high: float) -> str:
    """``76.0 to 84.0 %``, of two fractions."""
    return f"{points_text(low)} to {percent_text(high)}"


def describe_forecast(made: AccuracyForecast) -> str:
    """``64.0 % (in 8 of 10 cases 60.0 to 68.0 %, in 19 of 20 58.0 to 70.0 %), in about 4 min (3 min
    to 5 min)``; without a time where none is known."""
    found = (
        f"{percent_text(made.predicted)} (in 8 of 10 cases {range_words(made.low_80, made.high_80)}"
        f", in 19 of 20 {range_words(made.low_95, made.high_95)})"
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
        return f"{title}: worth running. It is expected {points_words(behind)} below the highest."
    if made.verdict == "cannot_win":
        return (
            f"{title}: cannot win here. It is {_behind(made, leader)}, more than both forecasts "
            f"are likely to be off together ({_room(made, leader)})."
        )
    return f"{title}: cannot tell. {why_not(made, leader)}. {_next_step(made)}"


def verdict_words(made: AccuracyForecast, together: Sequence[AccuracyForecast]) -> str:
    """For a cell of a table; ``together`` are the newest that were made together."""
    return VERDICTS[made.verdict] if made.verdict and made in together else "not compared"


def describe_each(made: Sequence[AccuracyForecast]) -> list[str]:
    """A line for each: what it is expected to reach, with the verdict where it was made together
    with the newest that have one."""
    together = made_together(made)
    return [
        f"{describe_verdict(one, together)} Forecast: {describe_forecast(one)}."
        if one in together
        else f"{title_of(one.strategy)}: {describe_forecast(one)}."
        for one in made
    ]


def why_not(made: AccuracyForecast, leader: AccuracyForecast) -> str:
    """Why nobody can tell whether it is worth running."""
    if not made.cases:
        return (
            f"Fewer than {ENOUGH_CASES} forecasts were checked, so nobody knows how far off it is"
        )
    if made.caution == "silent":
        return "Too many earlier forecasts had missed when it was made"
    if made is leader:
        return "It has the highest forecast, but the majority class may be as good"
    return (
        f"It is {_behind(made, leader)}, and both forecasts together may be off by more "
        f"({_room(made, leader)})"
    )


def _behind(made: AccuracyForecast, leader: AccuracyForecast) -> str:
    behind = leader.predicted - made.predicted
    return f"expected {points_words(behind)} behind {title_of(leader.strategy)}"


def _room(made: AccuracyForecast, leader: AccuracyForecast) -> str:
    return points_words(room_between(made, leader))


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
    return WHAT_IT_IS


def hit_words(one: Graded) -> str:
    """For a cell of a table: in the range for 8 of 10, in that for 19 of 20 alone, or in none."""
    if one.is_hit_80:
        return "hit"
    return "near" if one.is_hit_95 else "miss"
