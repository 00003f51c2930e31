"""Training curves: a value after each epoch, of every run, of watched runs, or of one run."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from core.analysis.curves import Curve, finished_fraction
from core.charts.exhibit import Exhibit
from core.charts.style import DOTTED, LEGEND_BELOW, appearance_of, line_of, percent_axis
from core.text import escape_plotly, percent_text
from core.training.events import EpochRecord

CurveMetric = Literal["validation_accuracy", "train_accuracy", "validation_loss", "train_loss"]
CURVE_METRICS: dict[CurveMetric, str] = {
    "validation_accuracy": "validation accuracy",
    "train_accuracy": "training accuracy",
    "validation_loss": "validation loss",
    "train_loss": "training loss",
}
# Legible from the back of a room.
WATCH_FONT_SIZE = 15
# Above this majority accuracy its label has room below the line, where curves hardly ever come.
ROOM_BELOW = 0.08


def curve_chart(curves: Sequence[Curve], metric: CurveMetric, height: int = 420) -> Exhibit:
    """``metric`` after each epoch, one line a run, seeds of a strategy in one colour.

    Accuracies are in percent, losses in nats; ``height`` in pixels. Epochs of a head that was
    fitted first on cached features are left out: they take milliseconds.
    """
    figure = go.Figure()
    is_percent = metric.endswith("accuracy")
    unit, factor = ("%", 100) if is_percent else ("nats", 1)
    trained = [curve for curve in curves if curve.main_epochs]
    shown: set[str] = set()
    for curve in trained:
        title = escape_plotly(curve.title)
        look = appearance_of(curve.strategy)
        figure.add_scatter(
            name=title,
            legendgroup=curve.strategy,
            showlegend=curve.strategy not in shown,
            x=[epoch.epoch for epoch in curve.main_epochs],
            y=[_value(epoch, metric) * factor for epoch in curve.main_epochs],
            mode="lines+markers",
            line=line_of(curve.strategy),
            marker={"symbol": look.marker, "size": 7, "color": look.colour},
            hovertemplate=(
                f"{title}, seed {curve.seed}<br>epoch %{{x}}: %{{y:.2f}} {unit}<extra></extra>"
            ),
        )
        shown.add(curve.strategy)
    figure.update_yaxes(title=f"{CURVE_METRICS[metric]} ({unit})", fixedrange=True)
    figure.update_yaxes(**({"range": [0, 102]} if is_percent else {"rangemode": "tozero"}))
    # The axis is as long as the longest planned run, so that a live curve grows into it.
    last = max((epoch.epochs for curve in trained for epoch in curve.main_epochs), default=1)
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
        legend=LEGEND_BELOW,
    )
    frame = pd.DataFrame(
        {
            "strategy": curve.title,
            "seed": curve.seed,
            "epoch": epoch.epoch,
            f"{CURVE_METRICS[metric]} ({unit})": _value(epoch, metric) * factor,
        }
        for curve in trained
        for epoch in curve.main_epochs
    )
    return Exhibit(figure, _curve_words(trained, metric), frame)


def _value(epoch: EpochRecord, metric: CurveMetric) -> float:
    value: float = getattr(epoch, metric)
    return value


def _curve_words(trained: Sequence[Curve], metric: CurveMetric) -> str:
    is_percent = metric.endswith("accuracy")
    runs = []
    for curve in trained:
        pick = max if is_percent else min
        best = pick(curve.main_epochs, key=lambda epoch: _value(epoch, metric))
        value = _value(best, metric)
        text = percent_text(value) if is_percent else f"{value:.2f} nats"
        runs.append(
            f"{curve.title}, seed {curve.seed}: best {text} after epoch {best.epoch} of "
            f"{len(curve.main_epochs)}"
        )
    title = CURVE_METRICS[metric].capitalize()
    return f"{title} after each epoch. {'; '.join(runs) or 'No epoch has finished yet'}."


def watch_chart(curves: Sequence[Curve], majority: float | None, height: int) -> Exhibit:
    """Validation accuracy (%) over the completed fraction of each run (%), one line a run.

    ``majority`` (0 to 1) is the dotted line. Both axes are fixed, so that nothing moves but the
    lines; ``height`` is in pixels. Epochs of a head that was fitted first are left out.
    """
    figure = go.Figure()
    for curve in curves:
        main, title = curve.main_epochs, escape_plotly(curve.title)
        look = appearance_of(curve.strategy)
        figure.add_scatter(
            name=title,
            x=[100 * finished_fraction(epoch) for epoch in main],
            y=[100 * epoch.validation_accuracy for epoch in main],
            customdata=[[epoch.epoch, epoch.epochs] for epoch in main],
            mode="lines+markers",
            line=line_of(curve.strategy, 3),
            marker={"symbol": look.marker, "size": 9, "color": look.colour},
            hovertemplate=(
                f"{title}, seed {curve.seed}<br>epoch %{{customdata[0]}} of %{{customdata[1]}}: "
                "%{y:.1f} %<extra></extra>"
            ),
        )
    if majority is not None:
        figure.add_hline(
            y=100 * majority,
            line=DOTTED,
            annotation={
                "text": f"majority class: {percent_text(majority)}",
                "xanchor": "right",
                "showarrow": False,
                "font": {"size": WATCH_FONT_SIZE},
            },
            annotation_position=f"{'bottom' if majority >= ROOM_BELOW else 'top'} right",
        )
    fonts = {"title_font_size": WATCH_FONT_SIZE, "tickfont_size": WATCH_FONT_SIZE, "dtick": 20}
    figure.update_xaxes(**percent_axis("training completed (%)"), **fonts)
    figure.update_yaxes(**percent_axis("validation accuracy (%)"), **fonts)
    figure.update_layout(
        height=height,
        font={"size": WATCH_FONT_SIZE},
        margin={"l": 8, "r": 8, "t": 8, "b": 40},
        # A legend would come and go with the runs and move the axes; the page names the
        # strategies beside the chart, with their markers.
        showlegend=False,
    )
    lines = [
        {
            "strategy": curve.title,
            "seed": curve.seed,
            "epoch": curve.main_epochs[-1].epoch,
            "of epochs": curve.main_epochs[-1].epochs,
            "validation accuracy (%)": 100 * curve.main_epochs[-1].validation_accuracy,
        }
        for curve in curves
        if curve.main_epochs
    ]
    runs = "; ".join(
        f"{line['strategy']}, seed {line['seed']}: {line['validation accuracy (%)']:.1f} % after "
        f"epoch {line['epoch']} of {line['of epochs']}"
        for line in lines
    )
    baseline = "" if majority is None else f" Majority class: {percent_text(majority)}."
    return Exhibit(
        figure,
        f"Accuracy on the validation images. {runs or 'No epoch yet'}.{baseline}",
        pd.DataFrame(lines),
    )


def best_epoch_chart(curve: Curve, best_epoch: int) -> Exhibit:
    """Validation accuracy after each epoch of one run; the epoch that was kept is filled."""
    epochs = [epoch.epoch for epoch in curve.main_epochs]
    accuracies = [100 * epoch.validation_accuracy for epoch in curve.main_epochs]
    is_best = [epoch == best_epoch for epoch in epochs]
    colour = appearance_of(curve.strategy).colour
    figure = go.Figure()
    figure.add_scatter(
        x=epochs,
        y=accuracies,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={
            "symbol": ["circle" if best else "circle-open" for best in is_best],
            "size": [14 if best else 7 for best in is_best],
            "color": colour,
        },
        hovertemplate="epoch %{x}: %{y:.1f} % of the validation images<extra></extra>",
    )
    words = f"Validation accuracy of {curve.title}, seed {curve.seed}, after each epoch."
    if best_epoch in epochs:
        best = accuracies[epochs.index(best_epoch)]
        words += f" Kept: epoch {best_epoch} of {len(epochs)} with {best:.1f} %."
        figure.add_annotation(
            x=best_epoch,
            y=best,
            text=f"kept: epoch {best_epoch}",
            showarrow=False,
            yshift=18,
            xanchor="right" if best_epoch > len(epochs) / 2 else "left",
        )
    figure.update_xaxes(title="epoch", fixedrange=True, tickformat="d", rangemode="tozero")
    figure.update_yaxes(percent_axis("validation accuracy (%)", 105), automargin=True)
    figure.update_layout(height=280, margin={"l": 8, "r": 16, "t": 16, "b": 48}, showlegend=False)
    frame = pd.DataFrame({"epoch": epochs, "validation accuracy (%)": accuracies})
    return Exhibit(figure, words, frame)
