"""The leaderboard of datasets, and the results of one over time."""

from core.analysis.datasets import dataset_gains, results_over_time, winners_of
from core.analysis.words.datasets import NO_GAINS, NO_RESULTS
from core.charts.datasets import gains_chart, results_chart, winners_frame
from tests.analysis.test_datasets import HISTORY, experiment, result

GAINS = dataset_gains(
    [
        (experiment("a", "birds"), result(difference=0.3)),
        (experiment("b", "noise", images={"train": 900, "test": 100}), result(difference=-0.2)),
        (experiment("c", "<b>mugs</b>"), result(difference=0.0)),
    ]
)


def test_the_marker_says_what_the_test_finds():
    exhibit = gains_chart(GAINS)
    looks = {trace.name: trace for trace in exhibit.figure.data}
    assert {name: trace.marker.symbol for name, trace in looks.items()} == {
        "pre-training helps": "triangle-up",
        "from scratch is ahead": "triangle-down",
        "the two cannot be told apart": "circle-open",
    }
    ahead = looks["pre-training helps"]
    assert (ahead.x, ahead.y, ahead.text) == ((200,), (30.0,), ("birds",))
    assert [round(ahead.error_y.arrayminus[0], 6), round(ahead.error_y.array[0], 6)] == [4.0, 5.0]
    assert looks["the two cannot be told apart"].text == ("&lt;b&gt;mugs&lt;/b&gt;",)
    assert list(exhibit.frame["pre-training helps"]) == ["cannot tell", "yes", "no"]
    assert "birds, 200 training images: VGG16 probe +30.0 points over CNN" in exhibit.words
    low, high = exhibit.figure.layout.yaxis.range
    assert low < -24.0
    assert high > 35.0


def test_of_many_datasets_the_names_are_in_the_table_alone():
    many = dataset_gains(
        [(experiment(f"e{number}", f"set{number}"), result()) for number in range(13)]
    )
    assert [trace.mode for trace in gains_chart(many).figure.data] == ["markers"]
    assert len(gains_chart(many).frame) == 13


def test_the_best_so_far_is_a_line_and_a_filled_marker():
    results = results_over_time(HISTORY)
    exhibit = results_chart(results)
    line, markers, _, others = exhibit.figure.data
    assert line.y == (80.0, 85.0, 90.0, 90.0)
    assert line.x[0] == "2026-11-20T10:00:00"
    assert line.x[-1] == "2026-11-25T10:00:00"
    # a day to either side: one experiment alone would be shown in fractions of a second
    days = exhibit.figure.layout.xaxis.range
    assert days == ("2026-11-19 10:00:00", "2026-11-26 10:00:00")
    assert list(markers.marker.symbol) == [
        *("circle", "circle-open", "circle", "circle", "circle-open")
    ]
    assert (others.name, list(others.marker.symbol)) == ("finches", ["square"])
    assert list(exhibit.frame["best so far"]) == ["yes", "no", "yes", "yes", "yes", "no"]
    assert "2026-11-23, birds: VGG16 probe 90.0 % (87.0 % to 92.0 %)" in exhibit.words
    frame = winners_frame(winners_of(results))
    assert list(frame["strategy"]) == ["CNN", "MLP", "VGG16 probe", "VGG16 probe"]
    assert list(frame["of (experiments)"]) == [5, 5, 5, 1]


def test_nothing_is_drawn_of_nothing():
    assert gains_chart(()).words == NO_GAINS
    assert results_chart(()).words == NO_RESULTS
    assert gains_chart(()).figure.data == results_chart(()).figure.data == ()
    assert gains_chart(()).frame.empty
    assert winners_frame(()).empty
