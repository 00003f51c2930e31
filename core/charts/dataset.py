"""Charts of one dataset: images of each class, their sizes, and the subsets of a split."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.analysis.measured import SubsetFacts
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    LEGEND_ABOVE,
    OUTLINE,
    add_majority_line,
    axis_name,
    white_pattern,
)
from core.datasets.choices import SUBSETS
from core.datasets.dataset import Dataset
from core.datasets.health.finding import size_summary
from core.text import dimensions_text, escape_plotly, percent_text

# With more classes than this, only this many of the largest and of the smallest are drawn.
MOST_BARS = 40
BARS_AT_EACH_END = 15
BAR_HEIGHT = 26
LEGEND_HEIGHT = 24
# A bar longer than this fraction of the longest has its number inside.
INSIDE_FROM = 0.8
TEXT_ON_BAR = "#10141A"
# Colour and pattern of each subset; the pattern repeats the distinction.
SUBSET_LOOKS = {
    "images": ("#5A82FA", ""),
    "train": ("#5A82FA", ""),
    "validation": ("#D26E14", "/"),
    "test": ("#007864", "x"),
}
# Sizes are counted in a grid with this many steps on each axis: 100,000 sizes become few points.
SIZE_STEPS = 48
# From this ratio of the largest to the smallest width or height on, the axes are logarithmic.
LOG_FROM_RATIO = 8.0
_MARGIN = {"l": 8, "r": 24, "t": 40, "b": 48}


def charted_classes(dataset: Dataset) -> tuple[list[int], int]:
    """Positions of the classes in the chart, the largest first, and the number of those left out.

    All of them up to ``MOST_BARS``, else ``BARS_AT_EACH_END`` from either end.
    """
    counts = np.bincount(dataset.labels, minlength=len(dataset.classes))
    order = [int(number) for number in np.argsort(-counts, kind="stable")]
    if len(order) <= MOST_BARS:
        return order, 0
    shown = order[:BARS_AT_EACH_END] + order[-BARS_AT_EACH_END:]
    return shown, len(order) - len(shown)


def class_counts_chart(dataset: Dataset) -> Exhibit:
    """Images of each class, the largest on top, stacked by subset if the split is predefined.

    The dotted line is the majority class: what always predicting it gets right. The table has
    every class, also those that are not drawn.
    """
    shown, _ = charted_classes(dataset)
    labels = [axis_name(dataset.classes[number], place) for place, number in enumerate(shown)]
    is_split = dataset.predefined_subsets is not None
    by_subset = counts_by_subset(dataset)
    majority = dataset.class_counts[dataset.majority_class]
    figure = go.Figure()
    for subset, counts in by_subset.items():
        colour, pattern = SUBSET_LOOKS[subset]
        figure.add_bar(
            name=subset,
            x=[int(counts[number]) for number in shown],
            y=labels,
            orientation="h",
            marker={"color": colour, "pattern": white_pattern(pattern)},
            # In stacked bars the numbers would not fit; the table has them. Behind a long bar the
            # number would meet the line of the majority class.
            texttemplate=None if is_split else "%{x:,}",
            textposition=[
                "inside" if counts[number] > INSIDE_FROM * majority else "outside"
                for number in shown
            ],
            insidetextanchor="end",
            # Else Plotly shrinks a number inside a thin bar until nobody can read it.
            constraintext="none",
            textangle=0,
            insidetextfont={"color": TEXT_ON_BAR},
            cliponaxis=False,
            customdata=[escape_plotly(dataset.classes[number]) for number in shown],
            hovertemplate=f"%{{customdata}}<br>%{{x:,}} {subset}<extra></extra>",
        )
    fraction = percent_text(dataset.majority_fraction)
    add_majority_line(figure, majority, f"majority class: {fraction} of all images", True)
    figure.update_xaxes(
        title="images", range=[0, majority * 1.08], fixedrange=True, tickformat=",d"
    )
    order = {"categoryorder": "array", "categoryarray": labels[::-1]}
    figure.update_yaxes(order, automargin=True, fixedrange=True, title=None)
    margin = _MARGIN | {"t": _MARGIN["t"] + (LEGEND_HEIGHT if is_split else 0)}
    figure.update_layout(
        barmode="stack",
        bargap=0.3,
        height=margin["t"] + margin["b"] + BAR_HEIGHT * max(3, len(labels)),
        margin=margin,
        showlegend=is_split,
        legend={"orientation": "h", "traceorder": "normal", "title": None}
        # In pixels above the words of the line, whatever the height of the chart.
        | {"yref": "container", "y": 1, "yanchor": "top", "x": 0},
    )
    frame = pd.DataFrame(
        {"class": dataset.class_counts.keys(), "images": dataset.class_counts.values()}
    )
    frame["fraction (%)"] = 100 * frame["images"] / dataset.image_count
    if is_split:
        frame = frame.assign(**by_subset)
    words = (
        f"Images of each class. Majority class: {dataset.majority_class}, {fraction} of the "
        "images. The table below has every number."
    )
    return Exhibit(figure, words, frame)


def counts_by_subset(dataset: Dataset) -> dict[str, np.ndarray]:
    """Images of each class, int ``(classes,)``, for each subset that has any.

    One entry, ``images``, for a dataset without a predefined split.
    """
    classes = len(dataset.classes)
    if dataset.predefined_subsets is None:
        return {"images": np.bincount(dataset.labels, minlength=classes)}
    return {
        subset: np.bincount(dataset.labels[dataset.predefined_subsets == number], minlength=classes)
        for number, subset in enumerate(SUBSETS)
        if (dataset.predefined_subsets == number).any()
    }


def split_chart(subsets: Sequence[SubsetFacts]) -> Exhibit:
    """One bar to scale: the images of each subset."""
    figure = go.Figure()
    texts = [
        f"{entry.subset}: {entry.images:,} ({percent_text(entry.fraction)})" for entry in subsets
    ]
    for entry, text in zip(subsets, texts, strict=True):
        colour, pattern = SUBSET_LOOKS[entry.subset]
        figure.add_bar(
            name=text,
            x=[entry.images],
            y=[""],
            orientation="h",
            marker={"color": colour, "line": OUTLINE, "pattern": white_pattern(pattern)},
            hovertemplate=f"{entry.subset}: {entry.images:,} images<extra></extra>",
        )
    total = sum(entry.images for entry in subsets)
    figure.update_xaxes(title="images", fixedrange=True, tickformat=",d", range=[0, total])
    figure.update_yaxes(visible=False, fixedrange=True)
    figure.update_layout(
        barmode="stack",
        height=190,
        margin={"l": 8, "r": 16, "t": 24 + 20 * len(subsets), "b": 48},
        showlegend=True,
        legend=LEGEND_ABOVE | {"orientation": "v", "traceorder": "normal"},
    )
    frame = pd.DataFrame(
        {"subset": entry.subset, "images": entry.images, "fraction (%)": 100 * entry.fraction}
        for entry in subsets
    )
    return Exhibit(figure, f"Images in each subset: {', '.join(texts)}.", frame)


def sizes_chart(dataset: Dataset) -> Exhibit:
    """Width against height in pixels; a larger point stands for more images.

    The dotted diagonal is the square: images above it are portrait, below it landscape.
    """
    widths = dataset.widths.astype(np.float64)
    heights = dataset.heights.astype(np.float64)
    smallest = float(min(widths.min(), heights.min()))
    largest = float(max(widths.max(), heights.max()))
    logarithmic = largest / smallest >= LOG_FROM_RATIO
    xs, ys, counts = _gridded(widths, heights, logarithmic)
    figure = go.Figure()
    ends = [smallest, largest]
    figure.add_scatter(x=ends, y=ends, mode="lines", line=DOTTED, hoverinfo="skip")
    figure.add_scatter(
        x=xs,
        y=ys,
        mode="markers",
        marker={
            "color": SUBSET_LOOKS["images"][0],
            "opacity": 0.75,
            "size": 6 + 26 * np.sqrt(counts / counts.max()),
            "line": OUTLINE,
        },
        customdata=counts,
        hovertemplate="about %{x:,.0f} × %{y:,.0f} pixels<br>%{customdata:,} images<extra></extra>",
    )
    axis = _size_axis(smallest, largest, logarithmic)
    figure.update_xaxes(title="width (pixels)", **axis)
    figure.update_yaxes(title="height (pixels)", **axis)
    figure.update_layout(height=380, margin=_MARGIN | {"t": 16}, showlegend=False)
    frame = pd.DataFrame({"width (pixels)": xs, "height (pixels)": ys, "images": counts})
    return Exhibit(figure, f"Width against height of the images. {sizes_words(dataset)}", frame)


def sizes_words(dataset: Dataset) -> str:
    """The smallest, median and largest size, and how many images are portrait or landscape."""
    sizes = size_summary(dataset)
    return (
        f"Smallest {dimensions_text(sizes.smallest)}, median {dimensions_text(sizes.median)},"
        f" largest {dimensions_text(sizes.largest)} pixels (width × height)."
        f" Portrait: {percent_text(sizes.portrait)}, landscape: {percent_text(sizes.landscape)},"
        f" square: {percent_text(sizes.square)}."
    )


def _gridded(
    widths: np.ndarray, heights: np.ndarray, logarithmic: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean width, mean height and number of the images of each cell that has any."""
    both = np.stack([widths, heights])
    scaled = np.log(both) if logarithmic else both
    low, high = scaled.min(), scaled.max()
    step = (high - low) / SIZE_STEPS or 1.0
    cells = np.minimum(((scaled - low) / step).astype(np.int64), SIZE_STEPS - 1)
    points = pd.DataFrame({"width": widths, "height": heights}).groupby(
        cells[0] * SIZE_STEPS + cells[1]
    )
    means = points.mean()
    return means["width"].to_numpy(), means["height"].to_numpy(), points.size().to_numpy()


def _size_axis(smallest: float, largest: float, logarithmic: bool) -> dict[str, object]:
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
