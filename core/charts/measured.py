"""Figures of "How it is measured": the split to scale, the best epoch, a run in time, intervals.

Functions return figures and show nothing. Each has its words for those who hear the page.
"""

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.charts.dataset import SIDE_LOOKS
from core.charts.result_charts import LEGEND_ABOVE, OUTLINE
from core.charts.style import (
    MAJORITY_COLOUR,
    appearance_of,
    percent_text,
    plain,
    seconds_text,
)
from core.charts.time import PART_LOOKS
from core.comparison.curves import Curve
from core.comparison.resampling import CONFIDENCE, percentile_interval
from core.comparison.split_facts import SideFacts
from core.comparison.statistics_examples import WidthAt
from core.comparison.time_line import Segment, epochs_alone
from core.comparison.verdict_words import points_text

_MARGIN = {"l": 8, "r": 16, "t": 40, "b": 48}
_LINE = 20
MOST_BARS = 50


def split_chart(sides: Sequence[SideFacts]) -> go.Figure:
    """One bar to scale: the images of each side."""
    figure = go.Figure()
    for entry in sides:
        colour, pattern = SIDE_LOOKS[entry.side]
        figure.add_bar(
            name=f"{entry.side}: {entry.images:,} ({percent_text(entry.share)})",
            x=[entry.images],
            y=[""],
            orientation="h",
            marker={
                "color": colour,
                "line": OUTLINE,
                "pattern": {"shape": pattern, "solidity": 0.25}
                | {"fillmode": "overlay", "fgcolor": "#FFFFFF"},
            },
            hovertemplate=f"{entry.side}: {entry.images:,} images<extra></extra>",
        )
    figure.update_xaxes(
        title="images", fixedrange=True, tickformat=",d", range=[0, sum(e.images for e in sides)]
    )
    figure.update_yaxes(visible=False, fixedrange=True)
    legend = LEGEND_ABOVE | {"orientation": "v", "traceorder": "normal"}
    figure.update_layout(
        barmode="stack",
        height=170 + _LINE,
        margin=_MARGIN | {"t": 24 + _LINE * len(sides)},
        showlegend=True,
        legend=legend,
    )
    return figure


def split_words(sides: Sequence[SideFacts]) -> str:
    said = ", ".join(
        f"{entry.side} {entry.images:,} ({percent_text(entry.share)})" for entry in sides
    )
    return f"Images of each side: {said}."


def best_epoch_chart(curve: Curve, best_epoch: int) -> go.Figure:
    """Validation accuracy after each epoch of one run; the epoch that was kept is filled."""
    epochs = curve.main_epochs
    look = appearance_of(curve.strategy)
    figure = go.Figure()
    figure.add_scatter(
        x=[epoch["epoch"] for epoch in epochs],
        y=[100 * epoch["validation_accuracy"] for epoch in epochs],
        mode="lines+markers",
        line={"color": look.colour, "width": 2},
        marker={
            "symbol": [
                "circle" if epoch["epoch"] == best_epoch else "circle-open" for epoch in epochs
            ],
            "size": [14 if epoch["epoch"] == best_epoch else 7 for epoch in epochs],
            "color": look.colour,
        },
        hovertemplate="epoch %{x}: %{y:.1f} % of the validation images<extra></extra>",
    )
    kept = next((epoch for epoch in epochs if epoch["epoch"] == best_epoch), None)
    if kept is not None:
        figure.add_annotation(
            x=best_epoch,
            y=100 * kept["validation_accuracy"],
            text=f"kept: epoch {best_epoch}",
            showarrow=False,
            yshift=18,
            xanchor="right" if best_epoch > len(epochs) / 2 else "left",
        )
    figure.update_xaxes(title="epoch", fixedrange=True, tickformat="d", rangemode="tozero")
    figure.update_yaxes(
        title="validation accuracy (%)", range=[0, 105], fixedrange=True, automargin=True
    )
    figure.update_layout(height=280, margin=_MARGIN | {"t": 16}, showlegend=False)
    return figure


def time_line_chart(segments: Sequence[Segment]) -> go.Figure:
    """Two bars from left to right: the whole run, and below it the epochs alone, enlarged."""
    rows = (tuple(segments), epochs_alone(tuple(segments)))
    figure = make_subplots(
        rows=2,
        cols=1,
        vertical_spacing=0.45,
        subplot_titles=("the whole run (seconds)", "the epochs alone, enlarged (seconds)"),
    )
    for part, look in PART_LOOKS.items():
        for number, row in enumerate(rows, start=1):
            found = [entry for entry in row if entry.part == part and entry.seconds > 0]
            if not found:
                continue
            figure.add_bar(
                name=look.title,
                legendgroup=part,
                showlegend=number == 1,
                x=[entry.seconds for entry in found],
                base=[entry.start for entry in found],
                y=[""] * len(found),
                orientation="h",
                marker={
                    "color": look.colour,
                    "pattern": {"shape": look.pattern, "solidity": 0.25},
                    "line": OUTLINE | {"width": 0.5},
                },
                customdata=[[plain(entry.words), seconds_text(entry.seconds)] for entry in found],
                hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
                row=number,
                col=1,
            )
    figure.update_xaxes(rangemode="tozero", fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True)
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    legend_height = _LINE * sum(bool(trace.showlegend) for trace in figure.data)
    figure.update_layout(
        barmode="overlay",
        height=230 + legend_height,
        margin=_MARGIN | {"t": 32, "b": 40 + legend_height},
        showlegend=True,
        # One line a part: on a small screen a row of them would wrap over the axis.
        legend={"orientation": "v", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0}
        | {"title": None, "traceorder": "normal"},
    )
    return figure


def time_line_words(title: str, segments: Sequence[Segment]) -> str:
    totals = {
        part: sum(entry.seconds for entry in segments if entry.part == part) for part in PART_LOOKS
    }
    said = ", ".join(
        f"{PART_LOOKS[part].title} {seconds_text(seconds)}"
        for part, seconds in totals.items()
        if seconds > 0
    )
    return f"One run of {title} in time: {said}."


def widths_chart(found: Sequence[WidthAt], accuracy: float, colour: str) -> go.Figure:
    """The interval of one accuracy by the number of test images; the experiment's own is filled."""
    figure = go.Figure()
    places = list(range(len(found)))
    figure.add_scatter(
        x=[100 * accuracy] * len(found),
        y=places,
        mode="markers",
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, 100 * (entry.high - accuracy)) for entry in found],
            "arrayminus": [max(0.0, 100 * (accuracy - entry.low)) for entry in found],
            "thickness": 2,
            "width": 6,
        },
        marker={
            "symbol": ["circle" if entry.is_own else "circle-open" for entry in found],
            "size": [13 if entry.is_own else 8 for entry in found],
            "color": colour,
        },
        customdata=[
            [f"{entry.images:,}", percent_text(entry.low), percent_text(entry.high)]
            for entry in found
        ],
        hovertemplate=(
            "%{customdata[0]} images: %{customdata[1]} to %{customdata[2]}<extra></extra>"
        ),
    )
    figure.update_yaxes(
        tickvals=places,
        ticktext=[
            f"<b>{entry.images:,}</b> (here)" if entry.is_own else f"{entry.images:,}"
            for entry in found
        ],
        title="test images",
        fixedrange=True,
        automargin=True,
    )
    lowest, highest = min(entry.low for entry in found), max(entry.high for entry in found)
    figure.update_xaxes(
        title="accuracy and its 95 % interval (%)",
        range=[max(0.0, 100 * lowest - 4), min(102.0, 100 * highest + 4)],
        fixedrange=True,
    )
    figure.update_layout(height=100 + 28 * len(found), margin=_MARGIN | {"t": 16}, showlegend=False)
    return figure


def widths_words(found: Sequence[WidthAt]) -> str:
    said = "; ".join(
        f"{entry.images:,} images{' (this experiment)' if entry.is_own else ''} "
        f"{percent_text(entry.low)} to {percent_text(entry.high)}"
        for entry in found
    )
    return f"The 95 % interval of the same accuracy by the number of test images: {said}."


def bootstrap_chart(differences: np.ndarray, images: int, colour: str) -> go.Figure:
    """How often each difference came out of the draws; dashed lines hold the middle 95 %.

    A bar is as wide as some whole number of ``images`` is worth: differences come in such steps,
    and other widths would make a comb of them.
    """
    points = 100 * differences
    one_image = 100 / images
    steps = max(1, math.ceil(float(np.ptp(points)) / one_image / MOST_BARS))
    low, high = percentile_interval(points)
    figure = go.Figure()
    figure.add_histogram(
        x=points,
        xbins={"start": -100 - one_image / 2, "size": steps * one_image},
        marker={"color": colour, "line": OUTLINE},
        hovertemplate="%{x} points: %{y} draws<extra></extra>",
    )
    for value in (low, high):
        figure.add_vline(x=value, line={"dash": "dash", "width": 2, "color": MAJORITY_COLOUR})
    figure.add_vline(x=0, line={"dash": "dot", "width": 2, "color": MAJORITY_COLOUR})
    figure.update_xaxes(title="difference in accuracy (points)", fixedrange=True, automargin=True)
    figure.update_yaxes(title="draws", fixedrange=True, automargin=True)
    figure.update_layout(height=280, margin=_MARGIN | {"t": 16}, showlegend=False, bargap=0)
    return figure


def bootstrap_words(differences: np.ndarray) -> str:
    low, high = percentile_interval(differences)
    return (
        f"{len(differences):,} draws; the middle {100 * CONFIDENCE:.0f} % of the differences lie "
        f"between {points_text(low)} and {points_text(high)} points."
    )
