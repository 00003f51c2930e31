"""The map of the test images, coloured by class or by correct and wrong predictions.

Plotly cannot show images on hover without a network, so each point carries the position of its
image, and the page shows the image of the chosen point beside the chart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.analysis.consensus import consensus
from core.analysis.evidence import ExperimentPredictions
from core.analysis.feature_map import FeatureMap, map_frame, rows_on_map
from core.analysis.words.images import describe_map
from core.charts.exhibit import Exhibit
from core.charts.style import FLAT_MARGIN, GREY, LEGEND_BELOW, MAJORITY_COLOUR, PALETTE, empty_chart
from core.text import escape_plotly, percent_text

# People cannot tell more colours and markers than this apart in one legend.
MOST_NAMED = 24
MANY_POINTS = 1500
# Seven with the eight colours of the palette: only after 56 classes would a pair come again.
_MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star")
_OUTLINE = {"width": 0.5, "color": GREY}
_RESULT_LOOKS = (
    ("correct", "#643CFA", "circle"),
    ("correct for some seeds", "#64A064", "diamond"),
    ("wrong", "#C81432", "x"),
)


@dataclass(frozen=True)
class _Group:
    """Points that look the same: name, colour, marker, and which rows of the map they are."""

    name: str
    colour: str
    marker: str
    rows: np.ndarray


def map_chart(
    layout: FeatureMap,
    evidence: ExperimentPredictions,
    file_names: Sequence[str],
    strategy: str | None = None,
) -> Exhibit:
    """The map, coloured by class, or with ``strategy`` by whether its predictions are correct.

    ``file_names`` are those of the dataset. The ``customdata`` of a point starts with the
    position of its image in the dataset; ``chosen_image`` reads it. Raises ``UnknownName`` for a
    strategy that is not there and ``StoreError`` where map and runs do not belong together.
    """
    rows = rows_on_map(layout, evidence)
    labels, classes = evidence.labels[rows], [escape_plotly(name) for name in evidence.classes]
    texts = [
        f"{escape_plotly(file_names[position])}<br>label {classes[label]}"
        for position, label in zip(layout.positions, labels, strict=True)
    ]
    if strategy is None:
        groups = _by_class(evidence.classes, labels)
    else:
        found = consensus(evidence.of(strategy))
        groups = _by_result(found.fraction_correct[rows])
        texts = [
            f"{text}<br>predicted {classes[found.predicted[row]]}, "
            f"confidence {percent_text(float(found.confidence[row]))}"
            for text, row in zip(texts, rows, strict=True)
        ]
    # The one chart that can be moved and zoomed: its points may lie close together.
    bare = {"showticklabels": False, "zeroline": False, "showgrid": False, "fixedrange": False}
    figure = empty_chart(
        620,
        bare,
        # One unit is as long downwards as across: nearness is all that the map says.
        bare | {"scaleanchor": "x"},
        margin=FLAT_MARGIN | {"r": 8, "b": 8},
        legend=LEGEND_BELOW,
        hovermode="closest",
        clickmode="event+select",
        dragmode="pan",
    )
    for group in groups:
        figure.add_scatter(
            name=escape_plotly(group.name),
            x=layout.xy[group.rows, 0],
            y=layout.xy[group.rows, 1],
            mode="markers",
            marker={
                "symbol": group.marker,
                "color": group.colour,
                "size": 9 if len(rows) <= MANY_POINTS else 6,
                "line": _OUTLINE,
            },
            # Plotly's own fading would hide the map around the point that was chosen.
            selected={"marker": {"size": 18}},
            unselected={"marker": {"opacity": 0.6}},
            customdata=[(int(layout.positions[row]), texts[row]) for row in group.rows],
            hovertemplate="%{customdata[1]}<extra></extra>",
        )
    frame = map_frame(layout, evidence, file_names)
    return Exhibit(figure, describe_map(layout, evidence), frame)


def left_out_sentence(evidence: ExperimentPredictions) -> str | None:
    """Which classes have no colour of their own on the map, or None where all have one."""
    extra = len(evidence.classes) - MOST_NAMED
    if extra <= 0:
        return None
    return (
        f"The {MOST_NAMED} classes with most points have a colour of their own; the {extra:,} "
        "others are grey, their names show on the points."
    )


def chosen_image(points: Sequence[Mapping[str, Any]]) -> int | None:
    """Position in the dataset of the image whose point was chosen, or None.

    ``points`` is what ``st.plotly_chart(..., on_select="rerun")`` returns as
    ``selection["points"]``.
    """
    for point in points:
        chosen = point.get("customdata")
        if chosen:
            return int(chosen[0])
    return None


def _by_class(classes: Sequence[str], labels: np.ndarray) -> list[_Group]:
    """One group a class, in the order of the classes; the classes with fewest points are grey."""
    counts = np.bincount(labels, minlength=len(classes))
    named = np.argsort(-counts, kind="stable")[:MOST_NAMED]
    groups = [
        _Group(
            classes[place],
            PALETTE[place % len(PALETTE)],
            _MARKERS[place % len(_MARKERS)],
            np.flatnonzero(labels == place),
        )
        for place in sorted(int(place) for place in named)
        if counts[place]
    ]
    others = np.flatnonzero(~np.isin(labels, named))
    if len(others):
        # Drawn first, so that they lie below the points that have a name.
        groups.insert(0, _Group("other classes", MAJORITY_COLOUR, "circle-open", others))
    return groups


def _by_result(correct: np.ndarray) -> list[_Group]:
    """``correct``: for each row of the map the fraction of the seeds that are correct, 0 to 1."""
    kinds = np.where(correct == 1, 0, np.where(correct > 0, 1, 2))
    return [
        _Group(name, colour, marker, np.flatnonzero(kinds == kind))
        for kind, (name, colour, marker) in enumerate(_RESULT_LOOKS)
        if (kinds == kind).any()
    ]
