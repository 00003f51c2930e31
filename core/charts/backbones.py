"""Backbones beside each other: the matrix of backbone and mode, and what their accuracy costs.

The colour is that of the backbone, the marker that of the mode.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.analysis.backbones import BackboneCell, BackboneCost, BackboneMatrix
from core.analysis.words.backbones import describe_matrix
from core.charts.accuracy import NOTHING_YET
from core.charts.cost import ONE_IMAGE, PARAMETERS, WHOLE_RUN, Cost, cost_chart
from core.charts.differences import differences_chart, differences_frame
from core.charts.exhibit import Exhibit
from core.charts.matrices import COLOUR_SCALE, LABEL_ANGLES, inks_of
from core.charts.style import (
    GREY,
    OUTLINE,
    appearance_of,
    empty_chart,
    hundredfold,
    solid_marker,
    wrapped,
)
from core.strategies.strategy import Mode
from core.text import escape_plotly, percent_text

# Rows of a chart that can be read at a glance.
MOST_PAIRS = 20
ROW_HEIGHT, HEADINGS_HEIGHT = 72, 120
NOT_RUN = "not<br>run"

# What the accuracy is shown against: by name in an address, with the field of ``BackboneCost``.
COSTS = {"run": WHOLE_RUN, "image": ONE_IMAGE, "parameters": PARAMETERS}
_MARKS = {"run": "run_is_disturbed", "image": "is_disturbed"}
_FIELDS = {"run": "whole_run_seconds", "image": "image_seconds", "parameters": "parameters"}


def cost_values(
    costs: Mapping[str, BackboneCost], name: str, with_disturbed: bool = True
) -> dict[str, float]:
    """One of ``COSTS`` by strategy, without those where it is not known."""
    left_out = frozenset() if with_disturbed else disturbed_costs(costs, name)
    found = {strategy: getattr(cost, _FIELDS[name]) for strategy, cost in costs.items()}
    return {
        strategy: float(value)
        for strategy, value in found.items()
        if value is not None and strategy not in left_out
    }


def disturbed_costs(costs: Mapping[str, BackboneCost], name: str) -> frozenset[str]:
    """The strategies whose cost of that name is a time that was disturbed."""
    field = _MARKS.get(name)
    return frozenset(each for each, cost in costs.items() if field and getattr(cost, field))


def backbone_matrix_chart(matrix: BackboneMatrix) -> Exhibit:
    """Test accuracy with its 95 % interval for each backbone (rows) and mode (columns).

    Brighter is better, from the worst cell to the best; what was not run is empty and says so.
    """
    if not matrix.cells:
        return Exhibit(go.Figure(), NOTHING_YET, pd.DataFrame())
    cells = [[matrix.cell(name, mode) for mode in matrix.modes] for name in matrix.backbones]
    titles = [next(cell.title for cell in row if cell is not None) for row in cells]
    means = np.array(
        [[np.nan if cell is None else 100 * cell.score.mean for cell in row] for row in cells]
    )
    low = float(np.nanmin(means))
    spread = max(float(np.nanmax(means)) - low, 1.0)
    inks = inks_of((means - low) / spread)
    places = [list(range(len(matrix.modes))), list(range(len(matrix.backbones)))]
    axis = {"automargin": True, "showgrid": False, "zeroline": False}
    across = {"tickvals": places[0], "ticktext": [str(m) for m in matrix.modes]}
    down = {"tickvals": places[1], "ticktext": [wrapped(title) for title in titles]}
    figure = empty_chart(
        HEADINGS_HEIGHT + ROW_HEIGHT * max(2, len(matrix.backbones)),
        axis | across | {"side": "top", "autotickangles": LABEL_ANGLES},
        axis | down | {"autorange": "reversed"},
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )
    figure.add_heatmap(
        z=means,
        x=places[0],
        y=places[1],
        zmin=low,
        zmax=low + spread,
        colorscale=COLOUR_SCALE,
        showscale=False,
        xgap=2,
        ygap=2,
        hoverinfo="skip",
    )
    for row, column in product(places[1], places[0]):
        cell = cells[row][column]
        # Without a cell the page is behind the text, in its own colour.
        font = {"size": 12} if cell is None else {"size": 12, "color": inks[row, column]}
        figure.add_annotation(x=column, y=row, text=_text(cell), showarrow=False, font=font)
    frame = pd.DataFrame(
        {
            "backbone": cell.title,
            "mode": str(cell.mode),
            "test accuracy (%)": 100 * cell.score.mean,
            "low (%)": hundredfold(cell.score.low),
            "high (%)": hundredfold(cell.score.high),
            "seeds": len(cell.score.seeds),
        }
        for cell in matrix.cells
    )
    return Exhibit(figure, describe_matrix(matrix), frame)


def backbone_cost_chart(
    matrix: BackboneMatrix, costs: Mapping[str, float], cost: Cost, disturbed: Collection[str] = ()
) -> Exhibit:
    """Test accuracy of every cell against one of its ``costs`` by strategy, with the front.

    The legend has a colour for each backbone and a marker for each mode, not one entry for each
    strategy.
    """
    exhibit = cost_chart(matrix.scores, costs, cost, disturbed=disturbed)
    figure = exhibit.figure
    figure.update_traces(showlegend=False, selector={"mode": "markers"})
    looks = {cell: appearance_of(cell.score.strategy) for cell in matrix.cells}
    colours = {cell.title: look.colour for cell, look in looks.items()}
    markers = {str(cell.mode): look.marker for cell, look in looks.items()}
    entries = [(title, {"symbol": "square", "color": colour}) for title, colour in colours.items()]
    entries += [
        (title, {"symbol": solid_marker(marker), "color": GREY})
        for title, marker in markers.items()
    ]
    for title, marker in entries:
        figure.add_scatter(
            name=escape_plotly(title),
            x=[None],
            y=[None],
            mode="markers",
            marker=marker | {"size": 12, "line": OUTLINE},
            hoverinfo="skip",
        )
    return exhibit


def backbone_pairs_chart(matrix: BackboneMatrix, first: Mode | None) -> Exhibit:
    """The pairs that are tested, mode by mode; of many those of the mode ``first`` alone.

    The table always has all of them.
    """
    sections = {str(mode): pairs for mode, pairs in matrix.pairs_by_mode().items()}
    if len(matrix.pairs) <= MOST_PAIRS or first is None:
        return differences_chart(sections)
    exhibit = differences_chart({str(first): sections[str(first)]})
    return replace(exhibit, frame=differences_frame(sections))


def _text(cell: BackboneCell | None) -> str:
    if cell is None:
        return NOT_RUN
    text = f"<b>{percent_text(cell.score.mean)}</b>"
    if cell.score.low is None or cell.score.high is None:
        return text
    return f"{text}<br>{100 * cell.score.low:.0f}–{100 * cell.score.high:.0f}"
