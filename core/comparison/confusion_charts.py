"""The confusion matrix as a heat map with printed counts, whose cells can be chosen by a click.

Functions return figures and show nothing, so that a notebook draws what a page draws.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.comparison.appearance import percent_text, plain
from core.comparison.confusion import Confusion, number_text

# Above this the printed counts could no longer be read.
MOST_CLASSES = 30
LONGEST_NAME = 22
_SMALLEST_CELL = 24
_LARGEST_CELL = 56
_SMALLEST_HEIGHT = 320
_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}
# The ring around a chosen cell: 3:1 against both ends of the colour scale.
_RING_COLOUR = "#D55E00"


def charted_classes(matrix: Confusion) -> list[int]:
    """Positions of the classes that the chart shows: all, or the ``MOST_CLASSES`` most confused."""
    if len(matrix.classes) <= MOST_CLASSES:
        return list(range(len(matrix.classes)))
    return matrix.most_confused(MOST_CLASSES)


def left_out_sentence(matrix: Confusion) -> str | None:
    """What the chart does not show, or None where it shows every class."""
    if len(matrix.classes) <= MOST_CLASSES:
        return None
    return (
        f"There are {len(matrix.classes):,} classes. The chart shows the {MOST_CLASSES} with most "
        "mistakes; the table below has all of them."
    )


def confusion_chart(matrix: Confusion, normalised: bool = False) -> go.Figure:
    """Label downwards, answer across, images printed in each cell, the darkest cell has least.

    ``normalised`` colours and prints the share of the label's images in percent instead. Every
    cell can be chosen: the point that Plotly selects has the ``customdata`` that
    ``chosen_cell`` reads.
    """
    shown = charted_classes(matrix)
    counts = matrix.counts[np.ix_(shown, shown)].astype(np.float64)
    shares = 100 * matrix.shares[np.ix_(shown, shown)]
    names = [_axis_name(matrix.classes[place], row) for row, place in enumerate(shown)]
    figure = go.Figure()
    figure.add_heatmap(
        z=shares if normalised else counts,
        x=names,
        y=names,
        text=[
            [_printed(count, share, normalised) for count, share in zip(*rows, strict=True)]
            for rows in zip(counts, shares, strict=True)
        ],
        texttemplate="%{text}",
        colorscale="Cividis",
        zmin=0,
        zmax=100 if normalised else max(1.0, float(counts.max(initial=0))),
        xgap=1,
        ygap=1,
        showscale=False,
        hoverinfo="skip",
    )
    _add_choices(figure, matrix, shown, names)
    cell = min(_LARGEST_CELL, max(_SMALLEST_CELL, 720 // max(1, len(shown))))
    figure.update_xaxes(
        title="what was said",
        type="category",
        side="top",
        tickangle=-45,
        automargin=True,
        fixedrange=True,
    )
    figure.update_yaxes(
        title="label", type="category", autorange="reversed", automargin=True, fixedrange=True
    )
    figure.update_layout(
        height=max(_SMALLEST_HEIGHT, cell * len(shown) + 160),
        margin=_MARGIN,
        showlegend=False,
        hovermode="closest",
        # However large a cell is, a click or a touch anywhere in it finds its middle.
        hoverdistance=-1,
        clickmode="event+select",
        dragmode=False,
    )
    return figure


def chosen_cell(points: list[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Positions of label and answer of the cell that was chosen, or None.

    ``points`` is what ``st.plotly_chart(..., on_select="rerun")`` returns as
    ``selection["points"]``. The positions are in all classes, also where the chart shows some.
    """
    for point in points:
        chosen = point.get("customdata")
        if chosen is not None and len(chosen) >= 2:
            return int(chosen[0]), int(chosen[1])
    return None


def _add_choices(figure: go.Figure, matrix: Confusion, shown: list[int], names: list[str]) -> None:
    """A point on each cell, unseen until chosen: Plotly selects points, never heat-map cells."""
    cells = [(row, column) for row in range(len(shown)) for column in range(len(shown))]
    data = []
    for row, column in cells:
        true, said = shown[row], shown[column]
        count, share = matrix.counts[true, said], matrix.shares[true, said]
        text = f"label {plain(matrix.classes[true])}<br>said {plain(matrix.classes[said])}<br>"
        text += f"{number_text(count)} images"
        if not np.isnan(share):
            text += f", {percent_text(float(share))} of that label"
        data.append((true, said, text))
    figure.add_scatter(
        x=[names[column] for _, column in cells],
        y=[names[row] for row, _ in cells],
        mode="markers",
        marker={
            "symbol": "circle-open",
            "size": 22,
            "opacity": 0,
            "color": _RING_COLOUR,
            "line": {"width": 3, "color": _RING_COLOUR},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0}},
        customdata=data,
        hovertemplate="%{customdata[2]}<extra></extra>",
    )


def _printed(count: float, share: float, normalised: bool) -> str:
    """Nothing for 0: a table of mostly zeros is easier to read without them."""
    if count == 0:
        return ""
    return f"{share:.0f}" if normalised else number_text(count)


def _axis_name(name: str, place: int) -> str:
    """Short enough for an axis and different for each place, even where two names begin alike."""
    short = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    # A zero-width space for each place: nothing that is seen, yet Plotly keeps the rows apart.
    return plain(short) + "\u200b" * place
