"""Tables of forecasts, of what came out, and of the regret of advice and rules."""

from collections.abc import Sequence

import pandas as pd

from core.analysis.advice.grades import AdviceRecord, Graded
from core.analysis.comparison import title_of
from core.analysis.words.forecasts import VERDICTS, hit_words
from core.charts.style import hundredfold
from core.experiments.accuracy_forecasts import AccuracyForecast


def forecasts_frame(made: Sequence[AccuracyForecast]) -> pd.DataFrame:
    """One line a forecast: verdict, accuracy and time with their intervals, and what it goes out
    from."""
    return pd.DataFrame(
        {
            "strategy": title_of(one.strategy),
            "verdict": "" if one.verdict is None else VERDICTS[one.verdict],
            "forecast (%)": 100 * one.predicted,
            "80 %, low (%)": 100 * one.low_80,
            "80 %, high (%)": 100 * one.high_80,
            "95 %, low (%)": 100 * one.low_95,
            "95 %, high (%)": 100 * one.high_95,
            "time (s)": one.seconds,
            "80 %, low (s)": None if one.seconds_80 is None else one.seconds_80[0],
            "80 %, high (s)": None if one.seconds_80 is None else one.seconds_80[1],
            "images of the largest training": one.largest,
            "by its curve alone (%)": hundredfold(one.own_predicted),
            "exponent": one.exponent,
            "exponent of its own curve": one.own_exponent,
            "exponent of past curves": one.prior_exponent,
            "weight of its own curve": one.own_weight,
            "graded cases behind it": one.cases,
        }
        for one in made
    )


def graded_frame(graded: Sequence[Graded]) -> pd.DataFrame:
    """One line a graded forecast: what was expected and what came out."""
    return pd.DataFrame(
        {
            "dataset": one.dataset_name,
            "strategy": title_of(one.forecast.strategy),
            "forecast (%)": 100 * one.forecast.predicted,
            "came out (%)": 100 * one.actual,
            "error (points)": 100 * one.error,
            "80 %, width (points)": 100 * (one.forecast.high_80 - one.forecast.low_80),
            "95 %, width (points)": 100 * (one.forecast.high_95 - one.forecast.low_95),
            "grade": hit_words(one),
            "time, forecast (s)": one.forecast.seconds,
            "time, came out (s)": one.seconds,
            "experiment": one.experiment_id,
        }
        for one in graded
    )


def regret_frame(record: AdviceRecord) -> pd.DataFrame:
    """The advice and each rule with its mean regret on the same datasets."""
    rows = [("this advice", record.regret)] if record.regret is not None else []
    rows += [(rule.value, regret) for rule, regret in record.rules.items()]
    return pd.DataFrame(
        {"what is run": name, "below the best (points)": 100 * regret} for name, regret in rows
    )
