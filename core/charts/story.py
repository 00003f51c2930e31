"""The charts of the story: a hundred squares, bars that grow from scene to scene, time.

All have the height that the page gives them and fixed axes, so that nothing jumps between scenes.
"""

import pandas as pd
import plotly.graph_objects as go

from core.analysis.story import (
    Bar,
    Bars,
    Squares,
    Times,
)
from core.charts.accuracy import accuracy_scores
from core.charts.exhibit import Exhibit
from core.charts.style import (
    MAJORITY_COLOUR,
    OUTLINE,
    appearance_of,
    hundredfold,
    whisker,
)
from core.charts.time import accuracy_time_chart
from core.text import escape_plotly, percent_text

SQUARES_A_ROW = 10
# Pixels of letters on the page, and where it is projected.
FONT_SIZE, PRESENTED_FONT_SIZE = 15, 22
HEIGHT, PRESENTED_HEIGHT = 460, 640
_MARGIN = {"l": 8, "r": 16, "t": 16, "b": 48}
# Of the room of one bar: the bar itself, the rest is for its words above it.
_BAR_WIDTH, _GAP = 0.42, 0.04


def story_chart(
    picture: Squares | Bars | Times, presented: bool = False, ink: str | None = None
) -> Exhibit:
    """The chart of one scene, larger where it is ``presented``; ``ink`` colours its words.

    Streamlit's own grey for words in charts is too pale on white to be read from afar.
    """
    size = PRESENTED_FONT_SIZE if presented else FONT_SIZE
    if isinstance(picture, Squares):
        exhibit = _squares_chart(picture)
    elif isinstance(picture, Bars):
        exhibit = _bars_chart(picture)
    else:
        seconds = {
            row.strategy: row.end_to_end_seconds
            for row in picture.comparison.finished_rows
            if row.end_to_end_seconds is not None
        }
        scores = accuracy_scores(picture.comparison)
        exhibit = accuracy_time_chart(scores, seconds, with_front=False)
    figure = exhibit.figure
    figure.update_layout(
        height=PRESENTED_HEIGHT if presented else HEIGHT,
        margin=_MARGIN,
        font={"size": size, "color": ink},
        legend={"font": {"size": size - 2}},
    )
    words = {
        "title_font": {"size": size, "color": ink},
        "tickfont": {"size": size - 2, "color": ink},
    }
    figure.update_xaxes(words)
    figure.update_yaxes(words)
    figure.update_traces(error_x_color=ink, selector={"type": "bar"})
    return exhibit


def marked_squares(squares: Squares) -> int:
    """How many of a hundred; 0 and 100 only where really none or all are correct."""
    marked = round(100 * squares.fraction)
    if 0 < squares.fraction < 1:
        return min(max(marked, 1), 99)
    return marked


def _squares_chart(squares: Squares) -> Exhibit:
    marked = marked_squares(squares)
    figure = go.Figure()
    cells = [divmod(number, SQUARES_A_ROW) for number in range(100)]
    for wanted, name in ((True, "correct"), (False, "wrong")):
        shown = [cell for number, cell in enumerate(cells) if (number < marked) == wanted]
        look = {"color": MAJORITY_COLOUR} if wanted else {"color": "rgba(0,0,0,0)"}
        figure.add_scatter(
            name=f"{name}: {marked if wanted else 100 - marked} of 100",
            x=[column for _, column in shown],
            y=[row for row, _ in shown],
            mode="markers",
            marker={"symbol": "square", "size": 26, "line": OUTLINE, **look},
            hovertemplate=f"{name}<extra></extra>",
        )
    figure.update_xaxes(visible=False, range=[-0.7, SQUARES_A_ROW - 0.3], fixedrange=True)
    figure.update_yaxes(
        visible=False,
        range=[SQUARES_A_ROW - 0.3, -0.7],
        fixedrange=True,
        scaleanchor="x",
        constrain="domain",
    )
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "yanchor": "top", "y": -0.02, "x": 0.5, "xanchor": "center"},
    )
    words = (
        f"A hundred squares for a hundred pictures; {marked} of them are marked: "
        f"{squares.label} is correct for these."
    )
    return Exhibit(figure, words, pd.DataFrame({"correct": [marked], "wrong": [100 - marked]}))


def _bars_chart(picture: Bars) -> Exhibit:
    figure = go.Figure()
    for place, bar in enumerate(picture.bars):
        _add_bar(figure, place, bar)
    figure.update_xaxes(
        title=f"correctly classified pictures of {escape_plotly(picture.dataset)} (%)",
        range=[0, 102],
        tickvals=[0, 20, 40, 60, 80, 100],
        fixedrange=True,
    )
    figure.update_yaxes(visible=False, range=[picture.places - 0.45, -0.6], fixedrange=True)
    figure.update_layout(showlegend=False)
    bars = "; ".join(
        f"{bar.label} {percent_text(bar.accuracy)}"
        + ("" if bar.low is None else f" ({percent_text(bar.low)} to {percent_text(bar.high)})")
        for bar in picture.bars
    )
    frame = pd.DataFrame(
        {
            "strategy": bar.label,
            "test accuracy (%)": 100 * bar.accuracy,
            "low (%)": hundredfold(bar.low),
            "high (%)": hundredfold(bar.high),
        }
        for bar in picture.bars
    )
    words = f"Test accuracy on {picture.dataset}, bars with 95 % intervals. {bars}."
    return Exhibit(figure, words, frame)


def _add_bar(figure: go.Figure, place: int, bar: Bar) -> None:
    mean, label = 100 * bar.accuracy, escape_plotly(bar.label)
    interval = whisker(mean, hundredfold(bar.low), hundredfold(bar.high))
    interval_words = ""
    if interval:
        interval_words = f", interval {percent_text(bar.low)} to {percent_text(bar.high)}"
    figure.add_bar(
        x=[mean],
        y=[place],
        orientation="h",
        width=_BAR_WIDTH,
        error_x=interval,
        marker={"color": appearance_of(bar.strategy).colour, "line": OUTLINE},
        hovertemplate=f"{label}<br>{percent_text(bar.accuracy)}{interval_words}<extra></extra>",
    )
    # Above the bar: long names beside it would take the width from narrow screens.
    figure.add_scatter(
        x=[0],
        y=[place - _BAR_WIDTH / 2 - _GAP],
        mode="text",
        text=[f"<b>{percent_text(bar.accuracy)}</b>  {label}"],
        textposition="top right",
        cliponaxis=False,
        hoverinfo="skip",
    )
