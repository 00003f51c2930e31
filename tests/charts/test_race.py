"""A race as a chart: every point is drawn and in the table, and who was dropped is faint."""

from core.charts.race import FADED, race_chart, race_frame
from tests.charts.test_advice import is_whole
from tests.made_race import race


def test_each_strategy_is_a_row_the_best_at_the_top_and_the_dropped_are_faint_below():
    exhibit = is_whole(race_chart(race()))
    figure = exhibit.figure
    assert [label.partition("<br><b>")[0] for label in figure.layout.yaxis.ticktext] == [
        "MLP",
        "SqueezeNet probe",
        "Majority class",
        "CNN, three blocks",
        "VGG16 features,<br>dense head",
        "VGG16 probe",
    ]
    assert figure.layout.yaxis.ticktext[-1].endswith("<b>84.0 %</b> after 400")
    assert figure.layout.yaxis.ticktext[0].endswith("<b>36.0 %</b> after 200, out")
    assert not figure.layout.showlegend
    last = {trace.name: trace for trace in figure.data if trace.name and trace.error_x.array}
    assert [round(last[name].x[0]) for name in ("MLP", "VGG16 probe")] == [36, 84]
    assert {last["MLP"].opacity, last["SqueezeNet probe"].opacity} == {FADED}
    assert last["VGG16 probe"].opacity == 1


def test_what_a_strategy_may_reach_at_best_is_dotted_to_where_the_rule_ends():
    figure = race_chart(race()).figure
    racers = {one.strategy: one for one in race().status.racers}
    dotted = {trace.y[0]: trace for trace in figure.data if not trace.name}
    # The dense head was trained once, so nothing is known of where it goes.
    assert sorted(dotted) == [0, 1, 2, 3, 5]
    assert dotted[0].x[1] == 100 * racers["mlp"].dropped.line
    assert dotted[3].x == (100 * racers["cnn"].last.high, 100 * racers["cnn"].line)
    (leader,) = figure.layout.shapes
    assert leader.x0 == 100 * racers["vgg16_probe"].last.low
    assert dotted[0].x[1] < leader.x0


def test_the_numbers_are_in_words_and_in_the_table():
    exhibit = race_chart(race())
    assert len(exhibit.frame) == 14
    words = "VGG16 probe 80.0 % after 100, 82.0 % after 200, 84.0 % after 400, leads"
    assert words in exhibit.words


def test_the_table_has_every_strategy_with_its_verdict():
    frame = race_frame(race())
    assert len(frame) == 7
    assert frame["training images"].tolist()[:3] == [400, 200, 400]
    assert frame["at best, on all images (%)"].tolist()[2] == 100
    assert frame["verdict"].tolist()[4] == "leads"


def test_before_the_first_point_it_says_so():
    exhibit = race_chart(race({"mlp": ()}))
    assert exhibit.words == "No training is done yet."
    assert len(exhibit.figure.data) == len(exhibit.frame) == 0
