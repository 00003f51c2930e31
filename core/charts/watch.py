"""The curves of a training that is watched, fit for a projector."""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.charts.style import (
    MAJORITY_COLOUR,
    appearance_of,
    percent_text,
    plain,
)
from core.comparison.curves import Curve
from core.comparison.watching import share_of

# Readable from the back of a room.
FONT_SIZE = 15
# From this share on the words have room below the line, where hardly a curve ever comes.
ROOM_BELOW = 0.08
FONTS = {"title_font_size": FONT_SIZE, "tickfont_size": FONT_SIZE}


def watch_chart(curves: Sequence[Curve], majority: float | None, height: int) -> go.Figure:
    """Validation accuracy (%) over the share of each run's own epochs (%), one line a run.

    ``majority`` (0 to 1) is the dotted line. Both axes are fixed, so that nothing moves but the
    lines; ``height`` is in pixels. Epochs of a head that was fitted first are left out.
    """
    figure = go.Figure()
    for curve in curves:
        main = curve.main_epochs
        look, title = appearance_of(curve.strategy), plain(curve.title)
        figure.add_scatter(
            name=title,
            x=[100 * share_of(epoch) for epoch in main],
            y=[100 * epoch["validation_accuracy"] for epoch in main],
            customdata=[[epoch["epoch"], epoch["epochs"]] for epoch in main],
            mode="lines+markers",
            line={"color": look.colour, "dash": look.dash, "width": 3},
            marker={"symbol": look.marker, "size": 9, "color": look.colour},
            hovertemplate=(
                f"{title}, seed {curve.seed}<br>epoch %{{customdata[0]}} of %{{customdata[1]}}: "
                "%{y:.1f} %<extra></extra>"
            ),
        )
    if majority is not None:
        figure.add_hline(
            y=100 * majority,
            line={"dash": "dot", "width": 2, "color": MAJORITY_COLOUR},
            annotation={
                "text": f"always the commonest class: {percent_text(majority)}",
                "xanchor": "right",
                "showarrow": False,
                "font": {"size": FONT_SIZE},
            },
            annotation_position=f"{'bottom' if majority >= ROOM_BELOW else 'top'} right",
        )
    figure.update_xaxes(
        title="its own training done (%)", range=[0, 102], dtick=20, fixedrange=True, **FONTS
    )
    figure.update_yaxes(title="named right (%)", range=[0, 102], dtick=20, fixedrange=True, **FONTS)
    figure.update_layout(
        height=height,
        font={"size": FONT_SIZE},
        margin={"l": 8, "r": 8, "t": 8, "b": 40},
        # Its rows would come and go with the runs and push the axes up; whoever shows the chart
        # names the strategies beside it, with their marks.
        showlegend=False,
    )
    return figure


def watch_words(curves: Sequence[Curve], majority: float | None) -> str:
    """The chart for those who hear the page."""
    lines = []
    for curve in curves:
        main = curve.main_epochs
        if main:
            last = main[-1]
            lines.append(
                f"{curve.title}, seed {curve.seed}: {percent_text(last['validation_accuracy'])} "
                f"after epoch {last['epoch']} of {last['epochs']}"
            )
    baseline = "" if majority is None else f" Always the commonest class: {percent_text(majority)}."
    return f"Accuracy on the validation images. {'; '.join(lines) or 'No epoch yet'}.{baseline}"
