"""How charts look: colour and marker of each strategy, error bars, axes, legends.

The colours were found by ``benchmarks/palette.py``: each keeps 3:1 against the light and the dark
page (WCAG 1.4.11), and the closest pair is as far apart as possible for usual vision, protanopia,
deuteranopia and tritanopia together; a test holds the numbers. Marker and dash repeat the
distinction (WCAG 1.4.1).
"""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.strategies.registry import MAJORITY, STRATEGIES
from core.strategies.strategy import Appearance
from core.text import escape_plotly, shorten

LOOKS = {name: strategy.appearance for name, strategy in STRATEGIES.items()}
MAJORITY_COLOUR = LOOKS[MAJORITY].colour
# The colours of the other strategies.
PALETTE = tuple(look.colour for name, look in LOOKS.items() if name != MAJORITY)
# For a run whose strategy is not in the registry any more.
_SPARE = (Appearance("#C81432", "cross", "dot"), Appearance("#643CFA", "bowtie", "dot"))

ROW_HEIGHT = 46
MARGIN = {"l": 8, "r": 16, "t": 56, "b": 48}
# A rim with 3.5:1 on white and on the dark page sets off bars and markers that touch each other.
OUTLINE = {"width": 1, "color": "#808890"}
# The line of the majority class, and other lines to compare with.
DOTTED = {"dash": "dot", "width": 2, "color": MAJORITY_COLOUR}
LEGEND_ABOVE = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None}
# Under the title of the x axis, where it takes no width from the plot.
LEGEND_BELOW = {"orientation": "h", "yanchor": "top", "y": -0.2, "x": 0, "title": None}
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


def appearance_of(strategy: str) -> Appearance:
    """The look in the strategy's record; an unknown name gets a spare look, always the same one."""
    return LOOKS.get(strategy) or _SPARE[sum(strategy.encode()) % len(_SPARE)]


def axis_name(name: str, place: int, longest: int = 22) -> str:
    """A class name for a category axis: at most ``longest`` characters, different for each place.

    Plotly merges categories with equal names. A zero-width space for each place keeps them apart
    and is not seen.
    """
    return escape_plotly(shorten(name, longest)) + "\u200b" * place


def hundredfold(fraction: float | None) -> float | None:
    """A fraction in percent or points; None stays None."""
    return None if fraction is None else 100 * fraction


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


def line_of(strategy: str, width: float = 2) -> dict[str, Any]:
    """Plotly's line of a strategy, ``width`` in pixels."""
    look = appearance_of(strategy)
    return {"color": look.colour, "dash": look.dash, "width": width}


def white_pattern(shape: str, solidity: float = 0.25, size: int = 8) -> dict[str, Any]:
    """A white pattern on a bar of any colour, which repeats what the colour says."""
    pattern = {"shape": shape, "solidity": solidity, "size": size}
    return pattern | {"fillmode": "overlay", "fgcolor": "#FFFFFF"}


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


def list_on_rows(figure: go.Figure, labels: Sequence[str], row_height: int = ROW_HEIGHT) -> None:
    """Rows at positions 0, 1, ... from the bottom, with their labels; ``row_height`` in pixels."""
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=list(labels),
        range=[-0.7, len(labels) - 0.3],
        automargin=True,
        fixedrange=True,
        title=None,
    )
    figure.update_layout(
        height=MARGIN["t"] + MARGIN["b"] + row_height * max(2, len(labels)),
        margin=MARGIN,
        showlegend=False,
    )


def percent_axis(title: str, highest: float = 102) -> dict[str, Any]:
    """A fixed axis from 0 % to a little over 100 %."""
    return {"title": title, "range": [0, highest], "fixedrange": True}


def log_seconds(figure: go.Figure, title: str) -> None:
    """A log x axis over whole decades, with a tick on either side of every point."""
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
