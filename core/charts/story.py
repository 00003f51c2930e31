"""The charts of the story: a hundred squares, bars that grow from scene to scene, time.

All have the height that the page gives them and fixed axes, so that nothing jumps between scenes.
"""

import pandas as pd

from core.analysis.story import Bars, Squares, Times
from core.charts.accuracy import accuracy_scores
from core.charts.exhibit import Exhibit
from core.charts.style import (
    FLAT_MARGIN,
    LEGEND_BELOW,
    MAJORITY_COLOUR,
    OUTLINE,
    bar_of,
    empty_chart,
    hundredfold,
    percent_axis,
    whisker,
)
from core.charts.time import accuracy_time_chart
from core.text import escape_plotly, percent_text

SQUARES_A_ROW = 10
# Pixels of letters on the page, and where it is projected.
FONT_SIZE, PRESENTED_FONT_SIZE = 15, 22
HEIGHT, PRESENTED_HEIGHT = 460, 640
# Of the room of one bar: the bar itself, the rest is for its words above it.
_BAR_WIDTH, _GAP = 0.42, 0.04


def story_chart(scene: Squares | Bars | Times, presented: bool = False) -> Exhibit:
    """The chart of one scene, larger where it is ``presented``."""
    size = PRESENTED_FONT_SIZE if presented else FONT_SIZE
    if isinstance(scene, Squares):
        exhibit = _squares_chart(scene)
    elif isinstance(scene, Bars):
        exhibit = _bars_chart(scene)
    else:
        rows = scene.comparison.finished_rows
        known = [row for row in rows if row.end_to_end_seconds is not None]
        seconds = {row.strategy: row.end_to_end_seconds or 0.0 for row in known}
        spoilt = {row.strategy for row in known if "end_to_end_seconds" in row.disturbed}
        scores = accuracy_scores(scene.comparison)
        exhibit = accuracy_time_chart(scores, seconds, with_front=False, disturbed=spoilt)
    figure = exhibit.figure
    figure.update_layout(
        height=PRESENTED_HEIGHT if presented else HEIGHT,
        margin=FLAT_MARGIN,
        font={"size": size},
        legend={"font": {"size": size - 2}},
    )
    figure.update_xaxes(title_font_size=size, tickfont_size=size - 2)
    figure.update_yaxes(title_font_size=size, tickfont_size=size - 2)
    return exhibit


def marked_squares(squares: Squares) -> int:
    """How many of a hundred; 0 and 100 only where really none or all are correct."""
    marked = round(100 * squares.fraction)
    if 0 < squares.fraction < 1:
        return min(max(marked, 1), 99)
    return marked


def _squares_chart(squares: Squares) -> Exhibit:
    marked = marked_squares(squares)
    figure = empty_chart(
        HEIGHT,
        {"visible": False, "range": [-0.7, SQUARES_A_ROW - 0.3]},
        {"visible": False, "range": [SQUARES_A_ROW - 0.3, -0.7]}
        | {"scaleanchor": "x", "constrain": "domain"},
        legend=LEGEND_BELOW | {"x": 0.5, "xanchor": "center"},
    )
    for name, colour, squares_of in (
        ("correct", MAJORITY_COLOUR, range(marked)),
        ("wrong", "rgba(0,0,0,0)", range(marked, 100)),
    ):
        figure.add_scatter(
            name=f"{name}: {len(squares_of)} of 100",
            x=[number % SQUARES_A_ROW for number in squares_of],
            y=[number // SQUARES_A_ROW for number in squares_of],
            mode="markers",
            marker={"symbol": "square", "size": 26, "line": OUTLINE, "color": colour},
            hovertemplate=f"{name}<extra></extra>",
        )
    words = (
        f"A hundred squares for a hundred pictures; {marked} of them are marked: "
        f"{squares.label} is correct for these."
    )
    return Exhibit(figure, words, pd.DataFrame({"correct": [marked], "wrong": [100 - marked]}))


def _bars_chart(scene: Bars) -> Exhibit:
    title = f"correctly classified pictures of {escape_plotly(scene.dataset)} (%)"
    figure = empty_chart(
        HEIGHT,
        percent_axis(title) | {"tickvals": [0, 20, 40, 60, 80, 100]},
        {"visible": False, "range": [scene.places - 0.45, -0.6]},
    )
    texts = []
    for place, bar in enumerate(scene.bars):
        mean, accuracy = 100 * bar.accuracy, percent_text(bar.accuracy)
        interval = whisker(mean, hundredfold(bar.low), hundredfold(bar.high))
        between = f"{percent_text(bar.low)} to {percent_text(bar.high)}" if interval else ""
        texts.append(f"{bar.label} {accuracy}" + (f" ({between})" if between else ""))
        label = escape_plotly(bar.label)
        hover = f"{label}<br>{accuracy}" + (f", interval {between}" if between else "")
        figure.add_bar(
            x=[mean],
            y=[place],
            orientation="h",
            width=_BAR_WIDTH,
            error_x=interval and interval | {"color": "#FFFFFF", "thickness": 5, "width": 7},
            marker=bar_of(bar.strategy),
            hovertemplate=f"{hover}<extra></extra>",
        )
        if interval:
            # Dark on that white rim: seen on every bar and on both pages, while no colour that is
            # set here follows the theme when it is switched.
            figure.add_scatter(
                x=[mean],
                y=[place],
                error_x=interval | {"color": "#11171D"},
                mode="markers",
                marker={"size": 1, "color": "#11171D"},
                hoverinfo="skip",
            )
        # Above the bar: long names beside it would take the width from narrow screens.
        figure.add_scatter(
            x=[0],
            y=[place - _BAR_WIDTH / 2 - _GAP],
            mode="text",
            text=[f"<b>{accuracy}</b>  {label}"],
            textposition="top right",
            cliponaxis=False,
            hoverinfo="skip",
        )
    frame = pd.DataFrame(
        {
            "strategy": bar.label,
            "test accuracy (%)": 100 * bar.accuracy,
            "low (%)": hundredfold(bar.low),
            "high (%)": hundredfold(bar.high),
        }
        for bar in scene.bars
    )
    words = f"Test accuracy on {scene.dataset}, bars with 95 % intervals. {'; '.join(texts)}."
    return Exhibit(figure, words, frame)
