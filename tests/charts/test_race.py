"""A race as a chart: every point is drawn and in the table, and who was dropped is faint."""

from core.charts.race import FADED, race_chart, race_frame
from tests.charts.test_advice import is_whole
from tests.made_race import race


def test_each_strategy_is_a_line_and_the_dropped_are_faint_with_the_line_that_was_not_enough():
    exhibit = is_whole(race_chart(race()))
    lines = {trace.name: trace for trace in exhibit.figure.data if trace.name}
    assert list(lines) == [
        "Majority class",
        "MLP (dropped)",
        "CNN, three blocks",
        "SqueezeNet probe (dropped)",
        "VGG16 probe",
        "VGG16 features, dense head",
    ]
    assert list(lines["CNN, three blocks"].x) == [100, 200, 400]
    assert [round(y) for y in lines["CNN, three blocks"].y] == [40, 50, 60]
    assert {trace.opacity for name, trace in lines.items() if "dropped" in name} == {FADED}
    assert lines["VGG16 probe"].opacity == 1
    dotted = [trace for trace in exhibit.figure.data if not trace.name]
    assert [(trace.x[0], trace.x[-1]) for trace in dotted] == [(200, 1600)] * 2
    racers = {one.strategy: one for one in race().status.racers}
    assert [trace.y[-1] for trace in dotted] == [
        100 * racers[name].dropped.line for name in ("mlp", "squeezenet_probe")
    ]
    assert list(exhibit.figure.layout.xaxis.tickvals) == [100, 200, 400, 1600]
    assert len(exhibit.frame) == 14
    assert "VGG16 probe 80.0 % of 100, 82.0 % of 200, 84.0 % of 400, leads" in exhibit.words


def test_the_table_has_every_strategy_with_its_verdict():
    frame = race_frame(race())
    assert len(frame) == 7
    assert frame["training images"].tolist()[:3] == [400, 200, 400]
    assert frame["optimistic, on all images (%)"].tolist()[2] == 100
    assert frame["verdict"].tolist()[4] == "leads"


def test_before_the_first_point_it_says_so():
    exhibit = race_chart(race({"mlp": ()}))
    assert exhibit.words == "No training is done yet."
    assert len(exhibit.figure.data) == len(exhibit.frame) == 0
