"""Plotly figures over one ``Dataset``: how many images each class has, and how large they are.

Functions return figures and show nothing, so that a notebook draws what a page draws.
"""

import numpy as np
import plotly.graph_objects as go

from core.charts.style import MAJORITY_COLOUR, percent_text, plain
from core.datasets.model import SIDES, Dataset

# Classes that fit one chart; of more, so many of the largest and of the smallest are drawn.
MOST_BARS = 40
BARS_AT_EACH_END = 15
BAR_HEIGHT = 26
LEGEND_HEIGHT = 24
# Names are cut here on the axis, so that one long name does not push the bars off a small screen.
LONGEST_LABEL = 22
# Colour and pattern of each side of a given split; the pattern repeats the distinction.
SIDE_LOOKS = {
    "images": ("#5A82FA", ""),
    "train": ("#5A82FA", ""),
    "validation": ("#D26E14", "/"),
    "test": ("#007864", "x"),
}
# Sizes are counted in a grid of so many steps a side: 100,000 sizes are drawn as few points.
SIZE_STEPS = 48
# From this ratio of the largest to the smallest side on, the axes are logarithmic.
LOG_FROM_RATIO = 8.0
_MARGIN = {"l": 8, "r": 24, "t": 40, "b": 48}


def charted_classes(dataset: Dataset) -> tuple[list[int], int]:
    """Positions of the classes that the chart shows, the largest first, and how many it leaves out.

    All of them up to ``MOST_BARS``, else ``BARS_AT_EACH_END`` from either end.
    """
    counts = np.bincount(dataset.labels, minlength=len(dataset.classes))
    order = [int(number) for number in np.argsort(-counts, kind="stable")]
    if len(order) <= MOST_BARS:
        return order, 0
    shown = order[:BARS_AT_EACH_END] + order[-BARS_AT_EACH_END:]
    return shown, len(order) - len(shown)


def class_counts_chart(dataset: Dataset) -> go.Figure:
    """Images of each class, the largest on top, split by side where the dataset came with sides.

    The dotted line is the commonest class: what always saying its name gets right.
    """
    shown, _ = charted_classes(dataset)
    labels = [_axis_label(dataset.classes[number], place) for place, number in enumerate(shown)]
    figure = go.Figure()
    for side, counts in counts_by_side(dataset).items():
        colour, pattern = SIDE_LOOKS[side]
        figure.add_bar(
            name=side,
            x=[int(counts[number]) for number in shown],
            y=labels,
            orientation="h",
            marker={"color": colour, "pattern": _pattern(pattern)},
            # Above one another the numbers of the sides would not fit; the table has them.
            texttemplate="%{x:,}" if dataset.given_sides is None else None,
            textposition="outside" if dataset.given_sides is None else None,
            cliponaxis=False,
            customdata=[plain(dataset.classes[number]) for number in shown],
            hovertemplate=f"%{{customdata}}<br>%{{x:,}} {side}<extra></extra>",
        )
    majority = dataset.class_counts[dataset.majority_class]
    figure.add_vline(x=majority, line={"dash": "dot", "width": 2, "color": MAJORITY_COLOUR})
    figure.add_annotation(
        x=majority,
        y=1,
        yref="paper",
        yanchor="bottom",
        xanchor="right",
        showarrow=False,
        text=f"commonest class: {percent_text(dataset.majority_share)} of all images",
    )
    figure.update_xaxes(
        title="images", range=[0, majority * 1.08], fixedrange=True, tickformat=",d"
    )
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=labels[::-1],
        automargin=True,
        fixedrange=True,
        title=None,
    )
    has_sides = dataset.given_sides is not None
    margin = _MARGIN | {"t": _MARGIN["t"] + (LEGEND_HEIGHT if has_sides else 0)}
    figure.update_layout(
        barmode="stack",
        bargap=0.3,
        height=margin["t"] + margin["b"] + BAR_HEIGHT * max(3, len(labels)),
        margin=margin,
        showlegend=has_sides,
        legend={"orientation": "h", "traceorder": "normal", "title": None}
        # In pixels above the words of the line, whatever the height of the chart.
        | {"yref": "container", "y": 1, "yanchor": "top", "x": 0},
    )
    return figure


def _pattern(shape: str) -> dict:
    return {"shape": shape, "solidity": 0.25, "fillmode": "overlay", "fgcolor": "#FFFFFF"}


def counts_by_side(dataset: Dataset) -> dict[str, np.ndarray]:
    """Images a class, int ``(classes,)``, for each side that has any.

    One entry, ``images``, for a dataset without a split of its own.
    """
    classes = len(dataset.classes)
    if dataset.given_sides is None:
        return {"images": np.bincount(dataset.labels, minlength=classes)}
    return {
        side: np.bincount(dataset.labels[dataset.given_sides == number], minlength=classes)
        for number, side in enumerate(SIDES)
        if (dataset.given_sides == number).any()
    }


def _axis_label(name: str, place: int) -> str:
    """Short enough for an axis and different for each place, even where two names begin alike."""
    short = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
    # A zero-width space for each place: nothing that is seen, yet Plotly keeps the rows apart.
    return plain(short) + "\u200b" * place


def sizes_chart(dataset: Dataset) -> go.Figure:
    """Width against height in pixels; a larger point stands for more images.

    The dotted diagonal is the square: pictures above it are upright, below it wide.
    """
    widths = dataset.widths.astype(np.float64)
    heights = dataset.heights.astype(np.float64)
    smallest = float(min(widths.min(), heights.min()))
    largest = float(max(widths.max(), heights.max()))
    logarithmic = largest / smallest >= LOG_FROM_RATIO
    xs, ys, counts = _gridded(widths, heights, logarithmic)
    figure = go.Figure()
    figure.add_scatter(
        x=[smallest, largest],
        y=[smallest, largest],
        mode="lines",
        line={"dash": "dot", "width": 2, "color": MAJORITY_COLOUR},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=xs,
        y=ys,
        mode="markers",
        marker={
            "color": SIDE_LOOKS["images"][0],
            "opacity": 0.75,
            "size": 6 + 26 * np.sqrt(counts / counts.max()),
            "line": {"width": 1, "color": "#808890"},
        },
        customdata=counts,
        hovertemplate="about %{x:,.0f} × %{y:,.0f} pixels<br>%{customdata:,} images<extra></extra>",
    )
    axis = _size_axis(smallest, largest, logarithmic)
    figure.update_xaxes(title="width (pixels)", **axis)
    figure.update_yaxes(title="height (pixels)", **axis)
    figure.update_layout(height=380, margin=_MARGIN | {"t": 16}, showlegend=False)
    return figure


def _gridded(
    widths: np.ndarray, heights: np.ndarray, logarithmic: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean width, mean height and number of the images of each cell that has any."""
    both = np.stack([widths, heights])
    scaled = np.log(both) if logarithmic else both
    low, high = scaled.min(), scaled.max()
    step = (high - low) / SIZE_STEPS or 1.0
    cells = np.minimum(((scaled - low) / step).astype(np.int64), SIZE_STEPS - 1)
    _, cell, counts = np.unique(
        cells[0] * SIZE_STEPS + cells[1], return_inverse=True, return_counts=True
    )
    return (
        np.bincount(cell, weights=widths) / counts,
        np.bincount(cell, weights=heights) / counts,
        counts,
    )


def _size_axis(smallest: float, largest: float, logarithmic: bool) -> dict:
    if not logarithmic:
        room = 0.08 * (largest - smallest) or 0.5 * largest
        return {"range": [max(0.0, smallest - room), largest + room], "fixedrange": True}
    ends = np.log10([smallest * 0.8, largest * 1.25])
    # Plotly would write 2 and 5 for 200 and 500.
    ticks = [digit * 10**power for power in range(6) for digit in (1, 2, 5)]
    return {
        "type": "log",
        "range": ends.tolist(),
        "fixedrange": True,
        "tickvals": ticks,
        "ticktext": [f"{tick:,}" for tick in ticks],
    }
