"""Rows of pairs: what is told apart is filled, headings stand over their rows."""

from core.analysis.families import key_pairs
from core.analysis.words.families import key_sections
from core.charts.differences import NO_PAIR, differences_chart
from tests.made_families import evidence

HEADINGS = (
    "Over CNN, three blocks, the best from scratch",
    "Trained further, over its own probe",
    "Over SqueezeNet probe, the smallest",
)


def sections():
    return key_sections(key_pairs(evidence()))


def test_a_row_for_each_pair_below_its_heading():
    figure = differences_chart(sections()).figure
    axis = figure.layout.yaxis
    labels = dict(zip(axis.tickvals, axis.ticktext, strict=True))
    assert len(labels) == 8
    headings = {note.text: note.y for note in figure.layout.annotations}
    assert headings == dict(zip((f"<b>{name}</b>" for name in HEADINGS), (10, 6, 2), strict=True))
    assert not labels.keys() & set(headings.values())
    assert max(*labels, *headings.values()) == 8 + 3 - 1
    assert labels[9] == "VGG16 probe"


def test_told_apart_is_filled_and_has_the_look_of_the_second():
    by_row = {trace.y[0]: trace for trace in differences_chart(sections()).figure.data}
    clear, tied = by_row[9], by_row[7]
    assert (round(clear.x[0], 6), clear.marker.symbol, clear.marker.color) == (
        20.0,
        "circle",
        "#007864",
    )
    assert clear.text == ("+20.0",)
    assert (tied.marker.symbol, tied.marker.color) == ("circle-open", "#C81432")
    assert tied.error_x.color == "#C81432"


def test_the_axis_holds_every_whisker_and_zero():
    low, high = differences_chart(sections()).figure.layout.xaxis.range
    frame = differences_chart(sections()).frame
    assert low < min(0, frame["low (points)"].min())
    assert high > frame["high (points)"].max()


def test_the_table_says_which_question_a_pair_answers():
    frame = differences_chart(sections()).frame
    assert list(frame["question"])[::3] == list(HEADINGS)
    assert list(frame["told apart"]) == ["yes", "yes", "no", "yes", "no", "no", "yes", "yes"]


def test_no_pair_is_said():
    exhibit = differences_chart({"Over training from scratch": {}})
    assert exhibit.words == NO_PAIR
    assert exhibit.frame.empty
