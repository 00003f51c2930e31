"""Charts that are matrices: the confusion matrix, and every pair of strategies.

The cells of both can be chosen by a click: ``customdata`` says which cell it is.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale, unlabel_rgb

from core.analysis.confusion import Confusion, confusion_frame
from core.analysis.verdicts import PairVerdict
from core.analysis.words.images import describe_confusion
from core.analysis.words.verdicts import TOLD_APART, describe_pair, points_text
from core.charts.exhibit import Exhibit
from core.charts.style import axis_name, empty_chart, wrapped
from core.text import escape_plotly, number_text, percent_text, shorten

# Above this the printed counts could no longer be read.
MOST_CLASSES = 30
COLOUR_SCALE = "Cividis"
WHITE, BLACK = "#FFFFFF", "#000000"
TRANSPARENT = "rgba(0,0,0,0)"
# Over 3:1 against the middle of the colour scale and against both pages.
MARK = "#D55E00"
_SMALLEST_CELL, _LARGEST_CELL, _SMALLEST_HEIGHT = 24, 56, 320
# Where black and white have the same contrast, 4.58:1.
_BRIGHT_FROM = 0.179
_LEVELS = 256
# Of the pairs: light fills that black text is legible on, in either theme.
BEHIND, ALIKE, AHEAD = "#F5B78A", "#D9D9D9", "#9ECAE9"
PAIR_CELL = 64
# Names over the columns are level where they fit, else upright: slanted ones lean out of the chart.
LABEL_ANGLES = [0, -90]


def charted_classes(matrix: Confusion) -> list[int]:
    """Positions of the classes that the chart shows: all, or the ``MOST_CLASSES`` most confused."""
    if len(matrix.classes) <= MOST_CLASSES:
        return list(range(len(matrix.classes)))
    return matrix.most_confused(MOST_CLASSES)


def left_out_sentence(matrix: Confusion, elsewhere: str = "the table below has") -> str | None:
    """What the chart does not show and where it is, or None where it shows every class."""
    if len(matrix.classes) <= MOST_CLASSES:
        return None
    return (
        f"There are {len(matrix.classes):,} classes. The chart shows the {MOST_CLASSES} with most "
        f"mistakes; {elsewhere} all of them."
    )


def confusion_chart(matrix: Confusion, normalised: bool = False) -> Exhibit:
    """Rows are labels, columns are predictions, images are printed in each cell; brighter is more.

    ``normalised`` colours and prints the fraction of the label's images in percent instead. Every
    cell can be chosen: the point that Plotly selects has the ``customdata`` that
    ``chosen_cell`` reads.
    """
    shown = charted_classes(matrix)
    size = len(shown)
    values = (100 * matrix.fractions if normalised else matrix.counts)[np.ix_(shown, shown)]
    names = [axis_name(matrix.classes[place], row) for row, place in enumerate(shown)]
    largest = 100.0 if normalised else max(1.0, float(values.max(initial=0)))
    axis = {"type": "category", "automargin": True, "showgrid": False}
    across = {"title": "predicted", "side": "top", "range": [-0.5, size - 0.5]}
    across |= {"autotickangles": LABEL_ANGLES}
    down = {"title": "label", "range": [size - 0.5, -0.5], "tickvals": list(range(size))}
    down |= {"ticktext": [wrapped(shorten(matrix.classes[place], 22)) for place in shown]}
    cell = min(_LARGEST_CELL, max(_SMALLEST_CELL, 720 // max(1, size)))
    figure = empty_chart(
        max(_SMALLEST_HEIGHT, cell * size + 160),
        axis | across,
        axis | down,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        hovermode="closest",
        # However large a cell is, a click or a touch anywhere in it finds its middle.
        hoverdistance=-1,
        clickmode="event+select",
        dragmode=False,
    )
    figure.add_heatmap(
        z=values,
        x=names,
        y=names,
        colorscale=COLOUR_SCALE,
        zmin=0,
        zmax=largest,
        xgap=1,
        ygap=1,
        showscale=False,
        hoverinfo="skip",
    )
    inks = inks_of(values / largest)
    _add_numbers(figure, values, names, inks, normalised)
    _add_choices(figure, matrix, shown, names, inks)
    return Exhibit(figure, describe_confusion(matrix), confusion_frame(matrix))


def mark_cell(figure: go.Figure, matrix: Confusion, true: int, predicted: int) -> None:
    """Draw a frame around one cell, given by positions in all classes, if the chart shows it."""
    shown = charted_classes(matrix)
    if true not in shown or predicted not in shown:
        return
    row, column = shown.index(true), shown.index(predicted)
    corners = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
    figure.add_shape(type="rect", line={"color": MARK, "width": 3}, **corners)


def chosen_cell(points: list[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Positions of label and prediction of the cell that was chosen, or None.

    ``points`` is what ``st.plotly_chart(..., on_select="rerun")`` returns as
    ``selection["points"]``. The positions are in all classes, also where the chart shows some.
    """
    for point in points:
        chosen = point.get("customdata")
        if chosen is not None and len(chosen) >= 2:
            return int(chosen[0]), int(chosen[1])
    return None


def pairs_chart(pairs: Sequence[PairVerdict]) -> Exhibit:
    """Every pair in a matrix: how many points the row is ahead of the column.

    An arrow up: the row is clearly ahead; down: clearly behind; ≈: neither.
    ``customdata`` of a cell holds the two names, row and column.
    """
    titles = {pair.first: pair.first_title for pair in pairs}
    titles |= {pair.second: pair.second_title for pair in pairs if pair.second not in titles}
    names = list(titles)
    size = len(names)
    shade: list[list[int | None]] = [[None] * size for _ in names]
    text = [[""] * size for _ in names]
    hover = [[""] * size for _ in names]
    for pair in pairs:
        first, second = names.index(pair.first), names.index(pair.second)
        for row, column, ahead in (
            (first, second, -pair.difference),
            (second, first, pair.difference),
        ):
            direction = (1 if ahead > 0 else -1) if pair.told_apart else 0
            shade[row][column] = direction
            sign = {1: "▲", -1: "▼", 0: "≈"}[direction]
            # On two lines, which a cell on a telephone has room for.
            text[row][column] = f"{sign}<br>{points_text(abs(ahead))}"
            hover[row][column] = escape_plotly(describe_pair(pair))
    places = list(range(size))
    across = {"ticktext": [escape_plotly(title) for title in titles.values()], "side": "top"}
    down = {"ticktext": [wrapped(title) for title in titles.values()], "autorange": "reversed"}
    axis = {"tickvals": places, "automargin": True, "showgrid": False, "zeroline": False}
    figure = empty_chart(
        160 + PAIR_CELL * max(2, size),
        axis | across | {"autotickangles": LABEL_ANGLES},
        axis | down,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )
    figure.add_heatmap(
        z=shade,
        x=places,
        y=places,
        zmin=-1,
        zmax=1,
        colorscale=[[0.0, BEHIND], [0.5, ALIKE], [1.0, AHEAD]],
        showscale=False,
        text=text,
        texttemplate="%{text}",
        textfont={"color": BLACK},
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
        customdata=[[[row, column] for column in names] for row in names],
        xgap=2,
        ygap=2,
    )
    frame = pd.DataFrame(
        {
            "first": pair.first_title,
            "second": pair.second_title,
            "second minus first (points)": 100 * pair.difference,
            TOLD_APART: "yes" if pair.told_apart else "no",
            "p after Holm": pair.adjusted_p_value,
            "p": pair.p_value,
            "fixed (images)": pair.fixed,
            "regressed (images)": pair.regressed,
            "in words": describe_pair(pair),
        }
        for pair in pairs
    )
    words = " ".join(describe_pair(pair) for pair in pairs) or "There is no pair to compare yet."
    return Exhibit(figure, words, frame)


def inks_of(fractions: np.ndarray) -> np.ndarray:
    """Black on bright cells and white on dark ones: at least 4.5:1 on each (WCAG 1.4.3).

    ``fractions`` are places on the colour scale, 0 to 1; NaN, which is not drawn, counts as 0.
    Plotly's own choice for text in a heat map is a grey that falls below that on middling cells.
    """
    nearest = np.rint(np.nan_to_num(fractions) * (_LEVELS - 1)).astype(np.int64)
    return np.where(_bright_levels()[nearest], BLACK, WHITE)


@cache
def _bright_levels() -> np.ndarray:
    """bool ``(_LEVELS,)``: which places of the colour scale are bright."""
    shades = sample_colorscale(COLOUR_SCALE, np.linspace(0.0, 1.0, _LEVELS))
    parts = np.array([unlabel_rgb(shade) for shade in shades]) / 255
    # Relative luminance, 0 to 1 (WCAG 2).
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    bright: np.ndarray = linear @ [0.2126, 0.7152, 0.0722] > _BRIGHT_FROM
    return bright


def _add_numbers(
    figure: go.Figure, values: np.ndarray, names: list[str], inks: np.ndarray, normalised: bool
) -> None:
    """Nothing for 0: a table of mostly zeros is easier to read without them.

    The numbers are those of transparent heat maps, because Plotly fits such numbers into their
    cells, on a telephone too; those of scatter points would lie over each other there.
    """
    printed = np.vectorize("{:.0f}".format if normalised else number_text, otypes=[object])
    for ink in (WHITE, BLACK):
        here = (values > 0) & (inks == ink)
        figure.add_heatmap(
            z=np.where(here, 1.0, np.nan),
            x=names,
            y=names,
            text=np.where(here, printed(values), "").tolist(),
            texttemplate="%{text}",
            textfont={"color": ink},
            colorscale=[[0.0, TRANSPARENT], [1.0, TRANSPARENT]],
            showscale=False,
            hoverinfo="skip",
        )


def _add_choices(
    figure: go.Figure, matrix: Confusion, shown: list[int], names: list[str], inks: np.ndarray
) -> None:
    """A point on each cell, unseen until chosen: Plotly selects points, never heat-map cells."""
    data = []
    for true in shown:
        for predicted in shown:
            count, fraction = matrix.counts[true, predicted], matrix.fractions[true, predicted]
            of_label = number_text(matrix.images_of_label[true])
            text = (
                f"label {escape_plotly(matrix.classes[true])}<br>"
                f"predicted {escape_plotly(matrix.classes[predicted])}<br>"
                f"{number_text(count)} of {of_label} with that label"
            )
            if not np.isnan(fraction):
                text += f": {percent_text(float(fraction))}"
            data.append((true, predicted, text))
    ink = inks.ravel()
    ring = {"symbol": "circle-open", "size": 22, "color": ink, "line": {"width": 3, "color": ink}}
    figure.add_scatter(
        x=names * len(names),
        y=[name for name in names for _ in names],
        mode="markers",
        marker=ring | {"opacity": 0},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0}},
        customdata=data,
        hovertemplate="%{customdata[2]}<extra></extra>",
    )
