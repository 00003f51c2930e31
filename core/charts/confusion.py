"""The confusion matrix as a heat map with printed counts, whose cells can be chosen by a click."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale, unlabel_rgb

from core.analysis.confusion import Confusion, confusion_frame
from core.analysis.words.images import describe_confusion
from core.charts.exhibit import Exhibit
from core.charts.style import axis_name
from core.text import escape_plotly, number_text, percent_text

# Above this the printed counts could no longer be read.
MOST_CLASSES = 30
COLOUR_SCALE = "Cividis"
WHITE, BLACK = "#FFFFFF", "#000000"
TRANSPARENT = "rgba(0,0,0,0)"
# Over 3:1 against the middle of the colour scale and against both pages.
MARK = "#D55E00"
_SMALLEST_CELL = 24
_LARGEST_CELL = 56
_SMALLEST_HEIGHT = 320
_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}
# Where black and white have the same contrast, 4.58:1.
_BRIGHT_FROM = 0.179
_LEVELS = 256


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
    values = (100 * matrix.fractions if normalised else matrix.counts)[np.ix_(shown, shown)]
    names = [axis_name(matrix.classes[place], row) for row, place in enumerate(shown)]
    largest = 100.0 if normalised else max(1.0, float(values.max(initial=0)))
    figure = go.Figure()
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
    inks = _inks(values / largest)
    _add_numbers(figure, values, names, inks, normalised)
    _add_choices(figure, matrix, shown, names, inks)
    _lay_out(figure, len(shown))
    return Exhibit(figure, describe_confusion(matrix), confusion_frame(matrix))


def mark_cell(figure: go.Figure, matrix: Confusion, true: int, predicted: int) -> None:
    """Draw a frame around one cell, given by positions in all classes, if the chart shows it."""
    shown = charted_classes(matrix)
    if true not in shown or predicted not in shown:
        return
    row, column = shown.index(true), shown.index(predicted)
    figure.add_shape(
        type="rect",
        x0=column - 0.5,
        x1=column + 0.5,
        y0=row - 0.5,
        y1=row + 0.5,
        line={"color": MARK, "width": 3},
    )


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


def _lay_out(figure: go.Figure, size: int) -> None:
    axis = {"type": "category", "automargin": True, "fixedrange": True, "showgrid": False}
    figure.update_xaxes(
        title="predicted", side="top", tickangle=-45, range=[-0.5, size - 0.5], **axis
    )
    figure.update_yaxes(title="label", range=[size - 0.5, -0.5], **axis)
    cell = min(_LARGEST_CELL, max(_SMALLEST_CELL, 720 // max(1, size)))
    figure.update_layout(
        height=max(_SMALLEST_HEIGHT, cell * size + 160),
        margin=_MARGIN,
        showlegend=False,
        hovermode="closest",
        # However large a cell is, a click or a touch anywhere in it finds its middle.
        hoverdistance=-1,
        clickmode="event+select",
        dragmode=False,
    )


def _inks(fractions: np.ndarray) -> np.ndarray:
    """Black on bright cells and white on dark ones: at least 4.5:1 on each (WCAG 1.4.3).

    ``fractions`` are places on the colour scale, 0 to 1; NaN, which is not drawn, counts as 0.
    Plotly's own choice for text in a heat map is a grey that falls below that on middling cells.
    """
    bright = _bright_levels()
    nearest = np.rint(np.nan_to_num(fractions) * (_LEVELS - 1)).astype(np.int64)
    return np.where(bright[nearest], BLACK, WHITE)


@cache
def _bright_levels() -> np.ndarray:
    """bool ``(_LEVELS,)``: which places of the colour scale are bright."""
    shades = sample_colorscale(COLOUR_SCALE, np.linspace(0.0, 1.0, _LEVELS))
    return np.array([_luminance(shade) > _BRIGHT_FROM for shade in shades])


def _add_numbers(
    figure: go.Figure,
    values: np.ndarray,
    names: list[str],
    inks: np.ndarray,
    normalised: bool,
) -> None:
    """Nothing for 0: a table of mostly zeros is easier to read without them.

    The numbers are those of transparent heat maps, because Plotly fits such numbers into their
    cells, on a telephone too; those of scatter points would lie over each other there.
    """
    for ink in (WHITE, BLACK):
        mine = (values > 0) & (inks == ink)
        figure.add_heatmap(
            z=np.where(mine, 1.0, np.nan),
            x=names,
            y=names,
            text=[
                [
                    _printed(value, normalised) if here else ""
                    for value, here in zip(*line, strict=True)
                ]
                for line in zip(values, mine, strict=True)
            ],
            texttemplate="%{text}",
            textfont={"color": ink},
            colorscale=[[0.0, TRANSPARENT], [1.0, TRANSPARENT]],
            showscale=False,
            hoverinfo="skip",
        )


def _printed(value: float, normalised: bool) -> str:
    return f"{value:.0f}" if normalised else number_text(value)


def _luminance(shade: str) -> float:
    """Relative luminance of an ``rgb(...)`` colour, 0 to 1 (WCAG 2)."""
    parts = np.array(unlabel_rgb(shade)) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _add_choices(
    figure: go.Figure, matrix: Confusion, shown: list[int], names: list[str], inks: np.ndarray
) -> None:
    """A point on each cell, unseen until chosen: Plotly selects points, never heat-map cells."""
    cells = [(row, column) for row in range(len(shown)) for column in range(len(shown))]
    data = []
    for row, column in cells:
        true, predicted = shown[row], shown[column]
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
    figure.add_scatter(
        x=[names[column] for _, column in cells],
        y=[names[row] for row, _ in cells],
        mode="markers",
        marker={
            "symbol": "circle-open",
            "size": 22,
            "opacity": 0,
            "color": inks.ravel(),
            "line": {"width": 3, "color": inks.ravel()},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0}},
        customdata=data,
        hovertemplate="%{customdata[2]}<extra></extra>",
    )
