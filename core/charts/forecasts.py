"""Forecasts, what came out, and what it would have cost to follow advice or a fixed rule."""

from collections.abc import Sequence

import pandas as pd

from core.analysis.advice.first_choice import made_together
from core.analysis.advice.grades import AdviceRecord, Graded
from core.analysis.comparison import title_of
from core.analysis.words.forecasts import hit_words, verdict_words
from core.analysis.words.grades import describe_rules
from core.charts.exhibit import Exhibit
from core.charts.style import (
    GREY,
    OUTLINE,
    PALETTE,
    chart_of_rows,
    hundredfold,
    row_label,
    zero_axis,
)
from core.experiments.accuracy_forecasts import AccuracyForecast
from core.text import escape_plotly, rough_seconds_text

THIS_ADVICE = "this advice"


def forecasts_frame(made: Sequence[AccuracyForecast]) -> pd.DataFrame:
    """One line a forecast: what to do, what to expect in 8 of 10 cases, and how long it takes.

    A column without any value is left out.
    """
    together = made_together(made)
    return pd.DataFrame(
        {
            "strategy": title_of(one.strategy),
            "verdict": verdict_words(one, together),
            "expected (%)": 100 * one.predicted,
            "low (%)": 100 * one.low_80,
            "high (%)": 100 * one.high_80,
            "time": None if one.seconds is None else rough_seconds_text(one.seconds),
        }
        for one in made
    ).dropna(axis="columns", how="all")


def forecast_details_frame(made: Sequence[AccuracyForecast]) -> pd.DataFrame:
    """One line a forecast: its wider intervals, and what it goes out from. A column without any
    value is left out."""
    return pd.DataFrame(
        {
            "strategy": title_of(one.strategy),
            "19 of 20, low (%)": 100 * one.low_95,
            "19 of 20, high (%)": 100 * one.high_95,
            "time, low (s)": None if one.seconds_80 is None else one.seconds_80[0],
            "time, high (s)": None if one.seconds_80 is None else one.seconds_80[1],
            "largest training (images)": one.largest,
            "by its results alone (%)": hundredfold(one.own_predicted),
            "exponent": one.exponent,
            "exponent here": one.own_exponent,
            "weight of that": one.own_weight,
            "exponent of past datasets": one.prior_exponent,
            "checked forecasts behind it": one.cases,
        }
        for one in made
    ).dropna(axis="columns", how="all")


def graded_frame(graded: Sequence[Graded]) -> pd.DataFrame:
    """One line a graded forecast: what was expected and what came out."""
    return pd.DataFrame(
        {
            "dataset": one.dataset_name,
            "strategy": title_of(one.forecast.strategy),
            "expected (%)": 100 * one.forecast.predicted,
            "came out (%)": 100 * one.actual,
            "grade": hit_words(one),
            "error (points)": 100 * one.error,
            "8 of 10, width (points)": 100 * (one.forecast.high_80 - one.forecast.low_80),
            "19 of 20, width (points)": 100 * (one.forecast.high_95 - one.forecast.low_95),
            "time expected (s)": one.forecast.seconds,
            "time it took (s)": one.seconds,
            "experiment": one.experiment_id,
        }
        for one in graded
    )


def regret_chart(record: AdviceRecord) -> Exhibit:
    """How far below the best that was run the advice and each rule end, a row each, in points on
    average over the same datasets; the advice at the top."""
    rows = [(THIS_ADVICE, record.regret)] if record.regret is not None else []
    rows += [(rule.value, regret) for rule, regret in record.rules.items()]
    shown = rows[::-1]
    figure = chart_of_rows(
        [row_label(name, f"{100 * regret:.1f} points") for name, regret in shown],
        zero_axis("points below the best that was run"),
    )
    figure.add_bar(
        x=[100 * regret for _, regret in shown],
        y=list(range(len(shown))),
        orientation="h",
        width=0.5,
        marker={
            "color": [PALETTE[0] if name == THIS_ADVICE else GREY for name, _ in shown],
            "line": OUTLINE,
        },
        hovertext=[f"{escape_plotly(name)}: {100 * regret:.1f} points" for name, regret in shown],
        hoverinfo="text",
    )
    frame = pd.DataFrame(
        {"what is run": name, "below the best (points)": 100 * regret} for name, regret in rows
    )
    return Exhibit(figure, " ".join(_regret_words(record)), frame)


def _regret_words(record: AdviceRecord) -> list[str]:
    found = [] if record.regret is None else [f"This advice: {100 * record.regret:.1f} points."]
    return [*found, *describe_rules(record)]
