"""Charts of the page "How it is measured": intervals, bootstrap, clocks, the tutorial."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.analysis.measured import Segment, WidthAt, epochs_alone
from core.analysis.significance import CONFIDENCE, percentile_interval
from core.analysis.tutorial import Beside
from core.analysis.words.verdicts import points_text
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    LEGEND_ABOVE,
    MAJORITY_COLOUR,
    OUTLINE,
    appearance_of,
    hundredfold,
    list_on_rows,
    percent_axis,
    whiskers,
)
from core.charts.time import PART_LOOKS, parts_text
from core.text import escape_plotly, percent_text, seconds_text

_MARGIN = {"l": 8, "r": 16, "t": 16, "b": 48}
MOST_BARS = 50
LEGEND_LINE = 20
# Heights of the three marks of a tutorial model, so that none hides another.
TUTORIAL_AT, TRAINING_AT, TEST_AT = 0.22, 0.0, -0.22
_TUTORIAL_ROW, _LEGEND_ROOM = 60, 40


def widths_chart(found: Sequence[WidthAt], accuracy: float, strategy: str) -> Exhibit:
    """The interval of one ``accuracy`` (0 to 1) of ``strategy`` by the number of test images.

    The number that the experiment has is filled.
    """
    figure = go.Figure()
    means = [100 * accuracy] * len(found)
    figure.add_scatter(
        x=means,
        y=list(range(len(found))),
        mode="markers",
        error_x=whiskers(
            means, [100 * entry.low for entry in found], [100 * entry.high for entry in found]
        ),
        marker={
            "symbol": ["circle" if entry.is_own else "circle-open" for entry in found],
            "size": [13 if entry.is_own else 8 for entry in found],
            "color": appearance_of(strategy).colour,
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
        tickvals=list(range(len(found))),
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
    figure.update_layout(height=100 + 28 * len(found), margin=_MARGIN, showlegend=False)
    intervals = "; ".join(
        f"{entry.images:,} images{' (this experiment)' if entry.is_own else ''} "
        f"{percent_text(entry.low)} to {percent_text(entry.high)}"
        for entry in found
    )
    frame = pd.DataFrame(
        {"test images": entry.images, "low (%)": 100 * entry.low, "high (%)": 100 * entry.high}
        for entry in found
    )
    words = f"The 95 % interval of the same accuracy by the number of test images: {intervals}."
    return Exhibit(figure, words, frame)


def bootstrap_chart(differences: np.ndarray, images: int, strategy: str) -> Exhibit:
    """How often each difference in accuracy was drawn; dashed lines hold the middle 95 %.

    ``differences`` float ``(draws,)`` are fractions, drawn in the colour of ``strategy``. A bar is
    as wide as a whole number of the ``images``: differences come in steps of one image, and other
    widths would draw a comb.
    """
    points = 100 * differences
    one_image = 100 / images
    steps = max(1, math.ceil(float(np.ptp(points)) / one_image / MOST_BARS))
    low, high = percentile_interval(points)
    figure = go.Figure()
    figure.add_histogram(
        x=points,
        xbins={"start": -100 - one_image / 2, "size": steps * one_image},
        marker={"color": appearance_of(strategy).colour, "line": OUTLINE},
        hovertemplate="%{x} points: %{y} draws<extra></extra>",
    )
    for value in (low, high):
        figure.add_vline(x=value, line=DOTTED | {"dash": "dash"})
    figure.add_vline(x=0, line=DOTTED)
    figure.update_xaxes(title="difference in accuracy (points)", fixedrange=True, automargin=True)
    figure.update_yaxes(title="draws", fixedrange=True, automargin=True)
    figure.update_layout(height=280, margin=_MARGIN, showlegend=False, bargap=0)
    words = (
        f"{len(differences):,} draws; the middle {100 * CONFIDENCE:.0f} % of the differences lie "
        f"between {points_text(low / 100)} and {points_text(high / 100)} points."
    )
    found, draws = np.unique(points, return_counts=True)
    frame = pd.DataFrame({"difference (points)": found, "draws": draws})
    return Exhibit(figure, words, frame)


def time_line_chart(title: str, segments: Sequence[Segment]) -> Exhibit:
    """One run of the strategy ``title``: the whole run, and below it the epochs alone, enlarged."""
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
                marker=look.bar | {"line": OUTLINE | {"width": 0.5}},
                customdata=[
                    [escape_plotly(entry.words), seconds_text(entry.seconds)] for entry in found
                ],
                hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
                row=number,
                col=1,
            )
    figure.update_xaxes(rangemode="tozero", fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True)
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    legend_height = LEGEND_LINE * sum(bool(trace.showlegend) for trace in figure.data)
    figure.update_layout(
        barmode="overlay",
        height=230 + legend_height,
        margin={"l": 8, "r": 16, "t": 32, "b": 40 + legend_height},
        showlegend=True,
        # One line a part: on a small screen a row of them would wrap over the axis.
        legend={"orientation": "v", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0}
        | {"title": None, "traceorder": "normal"},
    )
    totals = {
        part: sum(entry.seconds for entry in segments if entry.part == part) for part in PART_LOOKS
    }
    frame = pd.DataFrame(
        {"what": entry.words, "from (s)": entry.start, "took (s)": entry.seconds}
        for entry in segments
    )
    return Exhibit(figure, f"One run of {title} in time: {parts_text(totals)}.", frame)


def tutorial_chart(found: Sequence[Beside]) -> Exhibit:
    """Three marks a model: the tutorial's training accuracy, ours, and ours on test images."""
    figure = go.Figure()
    rows = list(enumerate(found[::-1]))
    figure.add_scatter(
        name="tutorial, on training images",
        x=[100 * entry.model.accuracy for _, entry in rows],
        y=[place + TUTORIAL_AT for place, _ in rows],
        mode="markers",
        marker={"symbol": "diamond-open", "size": 11, "color": MAJORITY_COLOUR},
        hovertemplate="tutorial, on training images: %{x:.1f} %<extra></extra>",
    )
    ours = [(place, entry.row) for place, entry in rows if entry.row is not None]
    trained = [(place, row) for place, row in ours if row.train_accuracy is not None]
    figure.add_scatter(
        name="here, on training images",
        x=[hundredfold(row.train_accuracy) for _, row in trained],
        y=[place + TRAINING_AT for place, _ in trained],
        mode="markers",
        marker={
            "symbol": "circle-open",
            "size": 11,
            "color": [appearance_of(row.strategy).colour for _, row in trained],
            "line": {"width": 2},
        },
        hovertemplate="here, on training images: %{x:.1f} %<extra></extra>",
    )
    tested = [100 * (row.test_accuracy or 0.0) for _, row in ours]
    figure.add_scatter(
        name="here, on test images",
        x=tested,
        y=[place + TEST_AT for place, _ in ours],
        mode="markers",
        error_x=whiskers(
            tested,
            [hundredfold(row.test_accuracy_low) for _, row in ours],
            [hundredfold(row.test_accuracy_high) for _, row in ours],
        )
        | {"color": OUTLINE["color"]},
        marker={
            "symbol": "circle",
            "size": 12,
            "color": [appearance_of(row.strategy).colour for _, row in ours],
            "line": OUTLINE,
        },
        hovertemplate="here, on test images: %{x:.1f} %<extra></extra>",
    )
    list_on_rows(
        figure,
        [escape_plotly(entry.model.title).replace(", ", ",<br>") for _, entry in rows],
        _TUTORIAL_ROW,
    )
    figure.update_xaxes(percent_axis("accuracy (%)", 103))
    figure.update_layout(
        showlegend=True,
        legend=LEGEND_ABOVE | {"orientation": "v"},
        height=figure.layout.height + _LEGEND_ROOM,
    )
    frame = pd.DataFrame([_tutorial_line(entry) for entry in found])
    words = ". ".join(_tutorial_words(entry) for entry in found)
    return Exhibit(figure, f"{words}.", frame)


def _tutorial_words(entry: Beside) -> str:
    theirs = f"{entry.model.title}: {percent_text(entry.model.accuracy)} in the tutorial"
    if entry.row is None:
        return f"{theirs}, not in this experiment"
    return (
        f"{theirs}, here {percent_text(entry.row.train_accuracy)} on training images and "
        f"{percent_text(entry.row.test_accuracy)} on test images"
    )


def _tutorial_line(entry: Beside) -> dict[str, object]:
    """A dash for what the experiment does not have."""
    row = entry.row
    line: dict[str, object] = {
        "tutorial": entry.model.title,
        "tutorial, training (%)": hundredfold(entry.model.accuracy),
        "here": "—" if row is None else row.title,
        "here, training (%)": None if row is None else hundredfold(row.train_accuracy),
        "here, test (%)": None if row is None else hundredfold(row.test_accuracy),
        "95 % interval": "—",
        "tutorial, epoch": entry.model.epoch,
        "here, epoch": "—" if row is None else seconds_text(row.steady_epoch_seconds),
        "here, features": "—" if row is None else seconds_text(row.feature_seconds),
    }
    if row is not None and row.test_accuracy_low is not None:
        low, high = percent_text(row.test_accuracy_low), percent_text(row.test_accuracy_high)
        line["95 % interval"] = f"{low} to {high}"
    return line
