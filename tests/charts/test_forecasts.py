"""Forecasts as tables, and the regret of advice and rules as a chart."""

from core.analysis.advice.grades import Rule, advice_record
from core.charts.forecasts import (
    THIS_ADVICE,
    forecast_details_frame,
    forecasts_frame,
    graded_frame,
    regret_chart,
)
from core.ui.advice.columns import OF_FORECASTS, OF_GRADES
from tests.analysis.advice.made_forecasts import forecast, graded, trained
from tests.analysis.advice.test_grades import outcome
from tests.charts.test_advice import is_whole

MADE = [trained("vgg16_probe", 0.8, verdict="worth"), forecast(strategy="squeezenet_probe")]


def test_a_forecast_is_a_verdict_a_range_and_a_time():
    frame = forecasts_frame(MADE)
    assert frame["verdict"].tolist() == ["worth running", "not compared"]
    assert [round(value, 6) for value in frame.iloc[0, 2:5]] == [80, 76, 84]
    assert frame["time"].fillna("").tolist() == ["2 min", ""]
    details = forecast_details_frame(MADE)
    assert [round(value, 6) for value in details.iloc[0, 1:3]] == [72, 88]
    assert details["largest training (images)"].tolist()[0] == 200
    assert "time" not in forecasts_frame(MADE[1:])  # of which nothing is known


def test_every_column_is_explained_but_the_names():
    names = {"strategy", "dataset", "experiment"}
    for frame in (forecasts_frame(MADE), forecast_details_frame(MADE)):
        assert set(frame) - names <= set(OF_FORECASTS)
    assert set(graded_frame([graded(0.1)])) - names <= set(OF_GRADES)


def test_the_regret_of_the_advice_stands_above_that_of_the_rules():
    record = advice_record([outcome()])
    exhibit = is_whole(regret_chart(record))
    (bars,) = exhibit.figure.data
    assert exhibit.frame["what is run"].tolist() == [THIS_ADVICE, *record.rules]
    assert [round(x, 6) for x in bars.x] == [
        round(100 * regret, 6) for regret in [*reversed(record.rules.values()), record.regret]
    ]
    assert set(exhibit.frame) <= set(OF_GRADES)
    assert exhibit.words.startswith("This advice: 4.0 points.")
    assert f"{Rule.FINETUNE} 2.0" in exhibit.words
