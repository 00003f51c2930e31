"""How charts look: every strategy its own marker, and intervals."""

import plotly.graph_objects as go

from core.charts.style import (
    OUTLINE,
    add_majority_line,
    appearance_of,
    marker_of,
    whisker,
    whiskers,
)


def test_a_new_strategy_keeps_its_spare_look():
    assert appearance_of("vgg19") == appearance_of("vgg19")
    assert appearance_of("vgg19").marker == "cross"


def test_markers_are_filled_with_a_rim_or_open():
    colour = appearance_of("cnn").colour
    assert marker_of("cnn", 11) == {
        "symbol": "triangle-up",
        "size": 11,
        "color": colour,
        "line": OUTLINE,
    }
    assert marker_of("cnn", 8, is_open=True) == {
        "symbol": "triangle-up-open",
        "size": 8,
        "color": colour,
    }
    assert marker_of("majority")["symbol"] == "diamond-tall"


def test_error_bars_reach_from_low_to_high():
    bars = whiskers([50.0, 20.0], [40.0, None], [70.0, None])
    assert (bars["array"], bars["arrayminus"]) == ([20.0, 0.0], [10.0, 0.0])
    assert whisker(50.0, None, 70.0) is None
    assert whisker(50.0, 40.0, 70.0) == whiskers([50.0], [40.0], [70.0])


def test_the_majority_line_has_its_text_on_the_side_asked_for():
    figure = go.Figure()
    add_majority_line(figure, 30.0, "majority class: 30.0 %", False)
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == 30.0
    assert figure.layout.annotations[0].xanchor == "left"
