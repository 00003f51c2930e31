"""How charts look: colour and marker of each strategy, error bars, axes, legends.

The colour of a strategy is that of its backbone, its marker and dash are those of its mode; one
without a backbone has its own. The colours were found by ``benchmarks/palette.py``: each keeps 3:1
against the light and the dark page (WCAG 1.4.11), and the closest pair is as far apart as possible
for usual vision, protanopia, deuteranopia and tritanopia together; a test holds the numbers.
Marker and dash repeat the distinction (WCAG 1.4.1).
"""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.strategies.registry import MAJORITY, STRATEGIES
from core.strategies.strategy import Appearance
from core.text import escape_plotly, large_count_text, shorten

MAJORITY_COLOUR = STRATEGIES[MAJORITY].appearance.colour
# Colours that are as far apart as can be, with the grey of the majority class: those of the MLP, of
# the CNN and of the first backbones, and of classes where there is no strategy.
PALETTE = (
    *("#D26E14", "#5A82FA", "#C81432", "#007864"),
    *("#643CFA", "#B4288C", "#64A064", "#B482B4"),
)
# For more backbones: as far from the others as these leave room.
MORE_COLOURS = ("#FA3C8C", "#826EB4", "#506E3C", "#C82864")
# For a strategy that is not registered: a colour again, with a marker and a dash of its own.
_SPARE = (Appearance("#C81432", "cross", "dot"), Appearance("#643CFA", "bowtie", "dot"))

# On white paper: in reports, and on slides.
_PAPER = {"template": "plotly_white", "paper_bgcolor": "#FFFFFF", "plot_bgcolor": "#FFFFFF"}
_PAPER_FONT = {"family": "system-ui, Arial, sans-serif", "color": "#1A2530"}
# Three lines of a label.
ROW_HEIGHT, LINE_HEIGHT = 54, 18
# Letters on a line of a label, and of a name on an axis: on a telephone longer ones would take the
# room of the chart.
LABEL_LETTERS = 17
LONGEST_AXIS_NAME = 22
MARGIN = {"l": 8, "r": 16, "t": 56, "b": 48}
# The same without room for anything above the plot.
FLAT_MARGIN = MARGIN | {"t": 16}
# 3.5:1 on white and on the dark page.
GREY = "#808890"
# A rim sets off bars and markers that touch each other.
OUTLINE = {"width": 1, "color": GREY}
# The line of the majority class, and other lines to compare with.
DOTTED = {"dash": "dot", "width": 2, "color": MAJORITY_COLOUR}
# At an edge of the whole chart, over or under the plot and its titles. Plotly then reserves the
# lines that a legend needs, also after a window was resized; one placed by the plot would cover it.
_EDGE = {"orientation": "h", "yref": "container", "x": 0}
LEGEND_ABOVE = _EDGE | {"yanchor": "top", "y": 1}
LEGEND_BELOW = _EDGE | {"yanchor": "bottom", "y": 0}
# One entry on each line, in the order of the traces.
UPRIGHT = {"orientation": "v", "traceorder": "normal"}
SMALLEST_SECONDS = 1e-3
_TICK_SECONDS = [10.0**power for power in range(-3, 6)]
_TICK_TEXTS = ["1 ms", "10 ms", "0.1 s", "1 s", "10 s", "100 s", "17 min", "2.8 h", "28 h"]


def appearance_of(strategy: str) -> Appearance:
    """The look of a strategy; one that is not registered gets a spare look, stable for its name."""
    if strategy in STRATEGIES:
        return STRATEGIES[strategy].appearance
    return _SPARE[sum(strategy.encode()) % len(_SPARE)]


def solid_marker(marker: str) -> str:
    """A marker with an area; Plotly's line markers have none."""
    return "diamond-tall" if marker == "line-ns" else marker


def marker_of(strategy: str, size: float = 12, is_open: bool = False) -> dict[str, Any]:
    """Plotly's marker of a strategy, ``size`` in pixels; open for single seeds."""
    look = appearance_of(strategy)
    symbol = solid_marker(look.marker)
    if is_open:
        return {"symbol": f"{symbol}-open", "size": size, "color": look.colour}
    return {"symbol": symbol, "size": size, "color": look.colour, "line": OUTLINE}


def bar_of(strategy: str) -> dict[str, Any]:
    """Plotly's marker of a bar in the colour of a strategy."""
    return {"color": appearance_of(strategy).colour, "line": OUTLINE}


def line_of(strategy: str, width: float = 2) -> dict[str, Any]:
    """Plotly's line of a strategy, ``width`` in pixels."""
    look = appearance_of(strategy)
    return {"color": look.colour, "dash": look.dash, "width": width}


def white_pattern(shape: str, solidity: float = 0.25, size: int = 8) -> dict[str, Any]:
    """A white pattern on a bar of any colour, which repeats what the colour says."""
    pattern = {"shape": shape, "solidity": solidity, "size": size}
    return pattern | {"fillmode": "overlay", "fgcolor": "#FFFFFF"}


def hundredfold(fraction: float | None) -> float | None:
    """A fraction in percent or points; None stays None."""
    return None if fraction is None else 100 * fraction


def whiskers(
    means: Sequence[float], lows: Sequence[float | None], highs: Sequence[float | None]
) -> dict[str, Any]:
    """Plotly's error bars from ``lows`` to ``highs`` around ``means``; no bar where one is None."""
    points = list(zip(means, lows, highs, strict=True))
    return {
        "type": "data",
        "symmetric": False,
        "array": [0.0 if high is None else max(0.0, high - mean) for mean, _, high in points],
        "arrayminus": [0.0 if low is None else max(0.0, mean - low) for mean, low, _ in points],
        "thickness": 2,
        "width": 6,
    }


def whisker(mean: float, low: float | None, high: float | None) -> dict[str, Any] | None:
    """The error bar of one point; None where its interval is not known."""
    return None if low is None or high is None else whiskers([mean], [low], [high])


def empty_chart(height: int, x: dict[str, Any], y: dict[str, Any], **layout: Any) -> go.Figure:
    """A figure ``height`` pixels high with axes that cannot be dragged, and no traces yet.

    ``x`` and ``y`` are Plotly's axes. A legend is shown where ``layout`` has one.
    """
    fixed = {"fixedrange": True}
    usual = {"height": height, "margin": MARGIN, "showlegend": "legend" in layout}
    return go.Figure(layout={**usual, "xaxis": fixed | x, "yaxis": fixed | y, **layout})


def chart_of_rows(
    labels: Sequence[str],
    x: dict[str, Any],
    row_height: int = ROW_HEIGHT,
    room: int = 0,
    **layout: Any,
) -> go.Figure:
    """Labelled rows at positions 0, 1, ... from the bottom, ``row_height`` pixels each, more where
    a label needs it.

    ``room``: more pixels above the rows, for a legend. ``x`` and ``layout`` as in ``empty_chart``.
    """
    rows = {
        "tickvals": list(range(len(labels))),
        "ticktext": list(labels),
        "range": [-0.7, len(labels) - 0.3],
        "automargin": True,
    }
    lines = max((label.count("<br>") + 1 for label in labels), default=1)
    row_height = max(row_height, LINE_HEIGHT * lines)
    height = MARGIN["t"] + MARGIN["b"] + row_height * max(2, len(labels)) + room
    return empty_chart(height, x, rows, **layout)


def add_heading(figure: go.Figure, place: int, text: str) -> None:
    """``text`` (escaped for Plotly) above the rows that follow, in the row at ``place``."""
    figure.add_annotation(
        x=0,
        xref="paper",
        y=place,
        xanchor="left",
        yanchor="middle",
        showarrow=False,
        text=f"<b>{text}</b>",
    )


def wrapped(name: str) -> str:
    """A name for an axis, on lines of at most ``LABEL_LETTERS`` where it has a place to break."""
    lines = textwrap.wrap(name.replace("_", "_ "), LABEL_LETTERS, break_long_words=False)
    return "<br>".join(escape_plotly(line.replace("_ ", "_")) for line in lines)


def row_label(title: str, value: str, more: str = "") -> str:
    """The label of a row: a title, and below it a number that stands out."""
    return f"{wrapped(title)}<br><b>{value}</b>{more}"


def axis_name(name: str, place: int) -> str:
    """A class name for a category axis: cut to fit, and different for each place.

    Plotly merges categories with equal names. A zero-width space for each place keeps them apart
    and is not seen.
    """
    return escape_plotly(shorten(name, LONGEST_AXIS_NAME)) + "\u200b" * place


def percent_axis(title: str, highest: float = 102, lowest: float = 0) -> dict[str, Any]:
    """An axis from 0 % to a little over 100 %."""
    return {"title": title, "range": [lowest, highest]}


def zero_axis(title: str) -> dict[str, Any]:
    """An axis that begins at 0 and is as long as its values need."""
    return {"title": title, "rangemode": "tozero"}


def seconds_axis(title: str, seconds: Sequence[float]) -> dict[str, Any]:
    """A log axis over whole decades, with a tick on either side of each of ``seconds``."""
    shown = [max(entry, SMALLEST_SECONDS) for entry in seconds] or [1.0]
    low = math.floor(math.log10(min(shown)))
    high = max(low + 1, math.ceil(math.log10(max(shown)) + 0.05))
    return {
        "title": title,
        "type": "log",
        "range": [low - 0.1, high + 0.4],
        "tickvals": _TICK_SECONDS,
        "ticktext": _TICK_TEXTS,
    }


def count_axis(title: str, counts: Sequence[float]) -> dict[str, Any]:
    """A log axis of large counts, with a tick at each decade."""
    low = math.floor(math.log10(min(counts, default=1.0)))
    high = max(low + 1, math.ceil(math.log10(max(counts, default=1.0)) + 0.05))
    powers = range(low, high + 1)
    return {
        "title": title,
        "type": "log",
        "range": [low - 0.1, high + 0.1],
        "tickvals": [10.0**power for power in powers],
        "ticktext": [large_count_text(10**power).replace(".0 ", " ") for power in powers],
    }


def add_majority_line(figure: go.Figure, position: float, text: str, on_the_left: bool) -> None:
    """A dotted vertical line at ``position`` with ``text`` above it, to the left or right."""
    figure.add_vline(x=position, line=DOTTED)
    figure.add_annotation(
        x=position,
        y=1,
        yref="paper",
        yanchor="bottom",
        xanchor="right" if on_the_left else "left",
        showarrow=False,
        text=text,
    )


def on_paper(figure: go.Figure, letters: int = 12) -> go.Figure:
    """A copy in dark letters of so many pixels on white, whatever the theme of the pages is."""
    return go.Figure(figure).update_layout(**_PAPER, font={**_PAPER_FONT, "size": letters})
