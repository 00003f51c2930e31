"""Curves: a value after each epoch, and test accuracy by the number of training images."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go

from core.analysis.curves import Curve, finished_fraction
from core.analysis.learning_curve import LearningCurve, StrategyCurve
from core.analysis.words.several import describe_curve
from core.charts.accuracy import seeds_text
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    FLAT_MARGIN,
    LEGEND_BELOW,
    MARGIN,
    appearance_of,
    empty_chart,
    line_of,
    marker_of,
    percent_axis,
    whiskers,
    zero_axis,
)
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
# Strategies with the same number of images are drawn a little beside each other, so that no
# interval hides another: decimal orders of magnitude.
_SHIFT = 0.012


def curve_chart(curves: Sequence[Curve], metric: CurveMetric) -> Exhibit:
    """``metric`` after each epoch, one line a run, seeds of a strategy in one colour.

    Accuracies are in percent, losses in nats. Epochs of a head that was fitted first on cached
    features are left out: they take milliseconds.
    """
    is_percent = metric.endswith("accuracy")
    unit, factor = ("%", 100) if is_percent else ("nats", 1)
    heading = f"{CURVE_METRICS[metric]} ({unit})"
    trained = [curve for curve in curves if curve.main_epochs]
    # The axis is as long as the longest planned run, so that a live curve grows into it.
    last = max((epoch.epochs for curve in trained for epoch in curve.main_epochs), default=1)
    ticks = {"tick0": 1, "dtick": max(1, round(last / 10))}
    figure = empty_chart(
        420,
        {"title": "epoch", "range": [0.5, last + 0.5], **ticks},
        percent_axis(heading) if is_percent else zero_axis(heading),
        margin=MARGIN | {"t": 24},
        legend=LEGEND_BELOW,
    )
    shown: set[str] = set()
    for curve in trained:
        figure.add_scatter(
            x=[epoch.epoch for epoch in curve.main_epochs],
            y=[_value(epoch, metric) * factor for epoch in curve.main_epochs],
            legendgroup=curve.strategy,
            showlegend=curve.strategy not in shown,
            hovertemplate=_hover(curve, f"epoch %{{x}}: %{{y:.2f}} {unit}"),
            **_line(curve, 2, 7),
        )
        shown.add(curve.strategy)
    figure.update_layout(showlegend=len(shown) > 1)
    frame = pd.DataFrame(
        {
            "strategy": curve.title,
            "seed": curve.seed,
            "epoch": epoch.epoch,
            heading: _value(epoch, metric) * factor,
        }
        for curve in trained
        for epoch in curve.main_epochs
    )
    return Exhibit(figure, _curve_words(trained, metric), frame)


def watch_chart(curves: Sequence[Curve], majority: float | None, height: int) -> Exhibit:
    """Validation accuracy (%) over the completed fraction of each run (%), one line a run.

    ``majority`` (0 to 1) is the dotted line. Both axes are fixed, so that nothing moves but the
    lines; ``height`` is in pixels. Epochs of a head that was fitted first are left out.
    """
    font = {"size": WATCH_FONT_SIZE}
    axis = {"title_font": font, "tickfont": font, "dtick": 20}
    # Without a legend: it would come and go with the runs and move the axes. The page names the
    # strategies beside the chart, with their markers.
    figure = empty_chart(
        height,
        percent_axis("training completed (%)") | axis,
        percent_axis("validation accuracy (%)") | axis,
        font=font,
        margin={"l": 8, "r": 8, "t": 8, "b": 40},
    )
    for curve in curves:
        main = curve.main_epochs
        figure.add_scatter(
            x=[100 * finished_fraction(epoch) for epoch in main],
            y=[100 * epoch.validation_accuracy for epoch in main],
            customdata=[[epoch.epoch, epoch.epochs] for epoch in main],
            hovertemplate=_hover(curve, "epoch %{customdata[0]} of %{customdata[1]}: %{y:.1f} %"),
            **_line(curve, 3, 9),
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
    words = f"Accuracy on the validation images. {runs or 'No epoch yet'}."
    if majority is not None:
        text = f"majority class: {percent_text(majority)}"
        figure.add_hline(
            y=100 * majority,
            line=DOTTED,
            annotation={"text": text, "xanchor": "right", "showarrow": False, "font": font},
            annotation_position=f"{'bottom' if majority >= ROOM_BELOW else 'top'} right",
        )
        words += f" {text.capitalize()}."
    return Exhibit(figure, words, pd.DataFrame(lines))


def best_epoch_chart(curve: Curve, best_epoch: int) -> Exhibit:
    """Validation accuracy after each epoch of one run; the epoch that was kept is filled."""
    epochs = [epoch.epoch for epoch in curve.main_epochs]
    accuracies = [100 * epoch.validation_accuracy for epoch in curve.main_epochs]
    is_best = [epoch == best_epoch for epoch in epochs]
    colour = appearance_of(curve.strategy).colour
    figure = empty_chart(
        280,
        zero_axis("epoch") | {"tickformat": "d"},
        percent_axis("validation accuracy (%)", 105) | {"automargin": True},
        margin=FLAT_MARGIN,
    )
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
    frame = pd.DataFrame({"epoch": epochs, "validation accuracy (%)": accuracies})
    return Exhibit(figure, words, frame)


def learning_curve_chart(curve: LearningCurve) -> Exhibit:
    """Test accuracy in percent against training images on a log axis, a line a strategy.

    The marker is the mean with its 95 % interval; small open markers are the single seeds.
    """
    points = [(entry, point) for entry in curve.curves for point in entry.points]
    sizes = sorted({point.train_images for _, point in points})
    axis: dict[str, Any] = {"type": "log", "title": "training images (log scale)"}
    axis |= {"tickvals": sizes, "ticktext": [f"{size:,}" for size in sizes]}
    if sizes:
        axis["range"] = [math.log10(sizes[0]) - 0.08, math.log10(sizes[-1]) + 0.08]
    figure = empty_chart(
        520, axis, percent_axis("test accuracy (%)"), margin=MARGIN | {"t": 24}, legend=LEGEND_BELOW
    )
    for number, entry in enumerate(curve.curves):
        _add_strategy(figure, entry, 10 ** (_SHIFT * (number - (len(curve.curves) - 1) / 2)))
    if curve.majority_accuracy is not None and curve.curves:
        figure.add_hline(
            y=100 * curve.majority_accuracy,
            line=DOTTED,
            annotation_text=f"majority class: {percent_text(curve.majority_accuracy)}",
            annotation_position="bottom right",
        )
    # Every seed has a column of its own.
    seeds = sorted({seed for _, point in points for seed in point.seeds})
    frame = pd.DataFrame(
        {
            "strategy": entry.title,
            "training images": point.train_images,
            "fraction (%)": 100 * point.fraction,
            "seeds": seeds_text(point.seeds),
            "test accuracy (%)": 100 * point.mean,
            "low (%)": 100 * point.low,
            "high (%)": 100 * point.high,
        }
        | {f"seed {seed} (%)": None for seed in seeds}
        | {
            f"seed {seed} (%)": 100 * value
            for seed, value in zip(point.seeds, point.values, strict=True)
        }
        for entry, point in points
    )
    return Exhibit(figure, describe_curve(curve), frame)


def _add_strategy(figure: go.Figure, entry: StrategyCurve, shift: float) -> None:
    title, points = escape_plotly(entry.title), entry.points
    means = [100 * point.mean for point in points]
    lows, highs = [100 * point.low for point in points], [100 * point.high for point in points]
    figure.add_scatter(
        name=title,
        legendgroup=entry.strategy,
        x=[point.train_images * shift for point in points],
        y=means,
        mode="lines+markers",
        cliponaxis=False,
        error_y=whiskers(means, lows, highs),
        line=line_of(entry.strategy),
        marker=marker_of(entry.strategy, 11),
        customdata=[
            (point.train_images, percent_text(point.low), percent_text(point.high))
            for point in points
        ],
        hovertemplate=(
            f"{title}<br>%{{customdata[0]:,}} training images: %{{y:.1f}} %<br>"
            "interval %{customdata[1]} to %{customdata[2]}<extra></extra>"
        ),
    )
    several = [point for point in points if len(point.seeds) > 1]
    figure.add_scatter(
        legendgroup=entry.strategy,
        showlegend=False,
        x=[point.train_images * shift for point in several for _ in point.values],
        y=[100 * value for point in several for value in point.values],
        mode="markers",
        cliponaxis=False,
        marker=marker_of(entry.strategy, 6, is_open=True),
        customdata=[seed for point in several for seed in point.seeds],
        hovertemplate=f"{title}<br>seed %{{customdata}}: %{{y:.1f}} %<extra></extra>",
    )


def _line(curve: Curve, width: float, size: float) -> dict[str, object]:
    """Name and look of the line of one run: ``width`` and the markers' ``size`` in pixels."""
    look = appearance_of(curve.strategy)
    marker = {"symbol": look.marker, "size": size, "color": look.colour}
    line = {"mode": "lines+markers", "line": line_of(curve.strategy, width), "marker": marker}
    return {"name": escape_plotly(curve.title), **line}


def _hover(curve: Curve, text: str) -> str:
    return f"{escape_plotly(curve.title)}, seed {curve.seed}<br>{text}<extra></extra>"


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
