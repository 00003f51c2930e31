"""Training curves: the epochs of every run of an experiment, and the figure that shows them."""

from collections.abc import Sequence
from typing import Literal

import plotly.graph_objects as go

from core.charts.style import appearance_of, plain
from core.comparison.curves import Curve

Measure = Literal["validation_accuracy", "train_accuracy", "validation_loss", "train_loss"]
MEASURES: dict[Measure, str] = {
    "validation_accuracy": "validation accuracy",
    "train_accuracy": "training accuracy",
    "validation_loss": "validation loss",
    "train_loss": "training loss",
}


def curve_chart(curves: Sequence[Curve], measure: Measure, height: int = 420) -> go.Figure:
    """``measure`` after each epoch, one line a run, seeds of a strategy in one colour.

    Accuracies are in percent, losses in nats. Epochs of a head that was fitted first on cached
    features are left out: they take milliseconds and would stretch the axis.
    """
    figure = go.Figure()
    percent = measure.endswith("accuracy")
    shown: set[str] = set()
    for curve in curves:
        look, title = appearance_of(curve.strategy), plain(curve.title)
        main = curve.main_epochs
        if not main:
            continue
        figure.add_scatter(
            name=title,
            legendgroup=curve.strategy,
            showlegend=curve.strategy not in shown,
            x=[epoch["epoch"] for epoch in main],
            y=[epoch[measure] * (100 if percent else 1) for epoch in main],
            mode="lines+markers",
            line={"color": look.colour, "dash": look.dash, "width": 2},
            marker={"symbol": look.marker, "size": 7, "color": look.colour},
            hovertemplate=(
                f"{title}, seed {curve.seed}<br>epoch %{{x}}: %{{y:.2f}}"
                f"{' %' if percent else ' nats'}<extra></extra>"
            ),
        )
        shown.add(curve.strategy)
    unit = "%" if percent else "nats"
    figure.update_yaxes(title=f"{MEASURES[measure]} ({unit})", fixedrange=True)
    figure.update_yaxes(**({"range": [0, 102]} if percent else {"rangemode": "tozero"}))
    # The axis is as long as the longest run is meant to be, so that a live curve grows into it.
    last = max((epoch["epochs"] for curve in curves for epoch in curve.main_epochs), default=1)
    figure.update_xaxes(
        title="epoch",
        fixedrange=True,
        range=[0.5, last + 0.5],
        tick0=1,
        dtick=max(1, round(last / 10)),
    )
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 24, "b": 48},
        showlegend=len(shown) > 1,
        legend={"orientation": "h", "yanchor": "top", "y": -0.2, "x": 0, "title": None},
    )
    return figure
