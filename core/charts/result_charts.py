"""Plotly figures over a ``Comparison``: colour, marker and words say the same thing.

Functions return figures and show nothing, so that a notebook draws what a page draws. Font and
background come from whoever shows them (Streamlit's theme, or Plotly's own).
"""

import math

import plotly.graph_objects as go

from core.charts.style import (
    MAJORITY_COLOUR,
    appearance_of,
    percent_text,
    plain,
    seconds_text,
)
from core.comparison.model import Comparison, Row

ROW_HEIGHT = 46
# A rim with 3.5:1 on white and on the dark page sets off bars and markers that touch each other.
OUTLINE = {"width": 1, "color": "#808890"}
SMALLEST_SECONDS = 1e-3
_SECOND_TICKS = {
    0.001: "1 ms",
    0.01: "10 ms",
    0.1: "0.1 s",
    1: "1 s",
    10: "10 s",
    100: "100 s",
    1000: "17 min",
    10_000: "2.8 h",
    100_000: "28 h",
}
MARGIN = {"l": 8, "r": 16, "t": 56, "b": 48}
LEGEND_ABOVE = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None}


def accuracy_chart(comparison: Comparison) -> go.Figure:
    """Test accuracy in percent, one line a strategy: mean with Wilson interval, a point a seed.

    The dotted vertical line is the majority class. Rows without a result are left out.
    """
    figure = go.Figure()
    rows = comparison.finished_rows
    for row in rows:
        _add_accuracy(figure, row)
    if comparison.majority_accuracy is not None and rows:
        share = 100 * comparison.majority_accuracy
        figure.add_vline(x=share, line={"dash": "dot", "width": 2, "color": MAJORITY_COLOUR})
        figure.add_annotation(
            x=share,
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="left" if share < 50 else "right",
            showarrow=False,
            text=f"majority class: {percent_text(comparison.majority_accuracy)}",
        )
    figure.update_xaxes(title="test accuracy (%)", range=[0, 103], fixedrange=True)
    _list_rows(figure, rows)
    # The number stands under the name: beside its point it would collide with bars and line.
    figure.update_yaxes(
        tickmode="array",
        tickvals=[plain(row.title) for row in rows],
        ticktext=[
            f"{plain(row.title)}<br><b>{percent_text(row.test_accuracy)}</b>" for row in rows
        ],
    )
    return figure


def _add_accuracy(figure: go.Figure, row: Row) -> None:
    look, title = appearance_of(row.strategy), plain(row.title)
    seeds = [run for run in row.runs if run.test_accuracy is not None]
    if len(seeds) > 1:
        figure.add_scatter(
            x=[100 * (run.test_accuracy or 0.0) for run in seeds],
            y=[title] * len(seeds),
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 18, "color": look.colour},
            customdata=[run.seed for run in seeds],
            hovertemplate=f"{title}<br>seed %{{customdata}}: %{{x:.1f}} %<extra></extra>",
        )
    mean = 100 * (row.test_accuracy or 0.0)
    interval = None
    if row.test_accuracy_low is not None and row.test_accuracy_high is not None:
        low, high = 100 * row.test_accuracy_low, 100 * row.test_accuracy_high
        interval = {
            "type": "data",
            "symmetric": False,
            "array": [high - mean],
            "arrayminus": [mean - low],
            "thickness": 2,
            "width": 6,
        }
    figure.add_scatter(
        x=[mean],
        y=[title],
        mode="markers",
        error_x=interval,
        marker={
            "symbol": solid_marker(look.marker),
            "size": 12,
            "color": look.colour,
            "line": OUTLINE,
        },
        hovertemplate=(
            f"{title}<br>mean %{{x:.1f}} %, interval {percent_text(row.test_accuracy_low)} to "
            f"{percent_text(row.test_accuracy_high)}<extra></extra>"
        ),
    )


def epoch_time_chart(comparison: Comparison) -> go.Figure:
    """Seconds of a steady epoch beside the seconds of feature extraction, on a log axis.

    An epoch on cached features looks nearly free; the diamond beside it is what the features
    cost once. Strategies without a clock (the majority class) are left out.
    """
    figure = go.Figure()
    timed = [
        row
        for row in comparison.finished_rows
        if row.steady_epoch_seconds is not None or row.feature_seconds is not None
    ]
    for name, field, symbol, colour, place in (
        ("one epoch of training", "steady_epoch_seconds", "circle", "#643CFA", "top center"),
        ("extracting features, once", "feature_seconds", "diamond", "#D26E14", "bottom center"),
    ):
        known = [row for row in timed if getattr(row, field) is not None]
        figure.add_scatter(
            name=name,
            x=[max(getattr(row, field), SMALLEST_SECONDS) for row in known],
            y=[plain(row.title) for row in known],
            text=[seconds_text(getattr(row, field)) for row in known],
            mode="markers+text",
            textposition=place,
            marker={"symbol": symbol, "size": 12, "color": colour},
            hovertemplate=f"%{{y}}<br>{name}: %{{text}}<extra></extra>",
        )
    log_seconds(figure, "time (log scale)")
    _list_rows(figure, tuple(timed))
    figure.update_layout(showlegend=True, legend=LEGEND_ABOVE)
    return figure


def accuracy_against_time_chart(comparison: Comparison) -> go.Figure:
    """Test accuracy in percent against the whole time of a run, extraction always counted."""
    figure = go.Figure()
    for row in comparison.finished_rows:
        if row.end_to_end_seconds is None or row.test_accuracy is None:
            continue
        look, title = appearance_of(row.strategy), plain(row.title)
        figure.add_scatter(
            name=title,
            x=[max(row.end_to_end_seconds, SMALLEST_SECONDS)],
            y=[100 * row.test_accuracy],
            mode="markers",
            marker={
                "symbol": solid_marker(look.marker),
                "size": 15,
                "color": look.colour,
                "line": OUTLINE,
            },
            hovertemplate=(
                f"{title}<br>%{{y:.1f}} % after {seconds_text(row.end_to_end_seconds)}"
                "<extra></extra>"
            ),
        )
    if comparison.majority_accuracy is not None and figure.data:
        figure.add_hline(
            y=100 * comparison.majority_accuracy,
            line={"dash": "dot", "width": 2, "color": MAJORITY_COLOUR},
        )
    log_seconds(figure, "whole time of one run (log scale)")
    figure.update_yaxes(title="test accuracy (%)", range=[0, 102], fixedrange=True)
    figure.update_layout(
        height=460, margin=MARGIN | {"t": 24}, showlegend=True, legend={"title": None}
    )
    legend_below(figure)
    return figure


def legend_below(figure: go.Figure) -> None:
    """Under the axis title, where it takes no width from the plot."""
    figure.update_layout(
        legend={"orientation": "h", "yanchor": "top", "y": -0.2, "x": 0, "title": None}
    )


def log_seconds(figure: go.Figure, title: str) -> None:
    """A log axis over whole decades, so that there is always a tick on either side."""
    known = [seconds for trace in figure.data for seconds in trace.x]
    low = math.floor(math.log10(min(known, default=1.0)))
    high = max(low + 1, math.ceil(math.log10(max(known, default=1.0)) + 0.05))
    figure.update_xaxes(
        title=title,
        type="log",
        range=[low - 0.1, high + 0.4],
        fixedrange=True,
        tickvals=list(_SECOND_TICKS),
        ticktext=list(_SECOND_TICKS.values()),
    )


def _list_rows(figure: go.Figure, rows: tuple[Row, ...]) -> None:
    titles = [plain(row.title) for row in rows]
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=titles[::-1],
        range=[-0.7, len(titles) - 0.3],
        automargin=True,
        fixedrange=True,
        title=None,
    )
    figure.update_layout(
        height=MARGIN["t"] + MARGIN["b"] + ROW_HEIGHT * max(2, len(titles)),
        margin=MARGIN,
        showlegend=False,
    )


def solid_marker(marker: str) -> str:
    """Line markers have no body of their own; the mean needs one."""
    return "diamond-tall" if marker == "line-ns" else marker
