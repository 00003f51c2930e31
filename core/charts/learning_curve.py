"""The learning curve: test accuracy of each strategy against the number of training images."""

import math

import pandas as pd
import plotly.graph_objects as go

from core.analysis.learning_curve import CurvePoint, LearningCurve, StrategyCurve
from core.analysis.words.several import describe_curve
from core.charts.accuracy import seeds_text
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    LEGEND_BELOW,
    MARGIN,
    line_of,
    marker_of,
    percent_axis,
    whiskers,
)
from core.text import escape_plotly, percent_text

# Strategies with the same size are drawn a little beside each other, so that no interval hides
# another: decimal orders of magnitude.
_SHIFT = 0.012


def learning_curve_chart(curve: LearningCurve) -> Exhibit:
    """Test accuracy in percent against training images on a log axis, a line a strategy.

    The marker is the mean with its 95 % interval; small open markers are the single seeds.
    """
    figure = go.Figure()
    count = len(curve.curves)
    for number, entry in enumerate(curve.curves):
        _add_strategy(figure, entry, 10 ** (_SHIFT * (number - (count - 1) / 2)))
    if curve.majority_accuracy is not None and count:
        figure.add_hline(
            y=100 * curve.majority_accuracy,
            line=DOTTED,
            annotation_text=f"majority class: {percent_text(curve.majority_accuracy)}",
            annotation_position="bottom right",
        )
    sizes = sorted({point.train_images for entry in curve.curves for point in entry.points})
    figure.update_xaxes(
        type="log",
        title="training images (log scale)",
        tickvals=sizes,
        ticktext=[f"{size:,}" for size in sizes],
        fixedrange=True,
    )
    if sizes:
        figure.update_xaxes(range=[math.log10(sizes[0]) - 0.08, math.log10(sizes[-1]) + 0.08])
    figure.update_yaxes(percent_axis("test accuracy (%)"))
    figure.update_layout(
        height=520, margin=MARGIN | {"t": 24}, showlegend=True, legend=LEGEND_BELOW
    )
    seeds = sorted({seed for entry in curve.curves for p in entry.points for seed in p.seeds})
    frame = pd.DataFrame(
        [_line(entry, point, seeds) for entry in curve.curves for point in entry.points]
    )
    return Exhibit(figure, describe_curve(curve), frame)


def _line(entry: StrategyCurve, point: CurvePoint, seeds: list[int]) -> dict[str, object]:
    """One strategy and size, with every seed in a column of its own."""
    by_seed = dict(zip(point.seeds, point.values, strict=True))
    line: dict[str, object] = {
        "strategy": entry.title,
        "training images": point.train_images,
        "fraction (%)": 100 * point.fraction,
        "seeds": seeds_text(point.seeds),
        "test accuracy (%)": 100 * point.mean,
        "low (%)": 100 * point.low,
        "high (%)": 100 * point.high,
    }
    return line | {
        f"seed {seed} (%)": 100 * by_seed[seed] if seed in by_seed else None for seed in seeds
    }


def _add_strategy(figure: go.Figure, entry: StrategyCurve, shift: float) -> None:
    title, means = escape_plotly(entry.title), [100 * point.mean for point in entry.points]
    figure.add_scatter(
        name=title,
        legendgroup=entry.strategy,
        x=[point.train_images * shift for point in entry.points],
        y=means,
        mode="lines+markers",
        cliponaxis=False,
        error_y=whiskers(
            means,
            [100 * point.low for point in entry.points],
            [100 * point.high for point in entry.points],
        ),
        line=line_of(entry.strategy),
        marker=marker_of(entry.strategy, 11),
        customdata=[
            (point.train_images, percent_text(point.low), percent_text(point.high))
            for point in entry.points
        ],
        hovertemplate=(
            f"{title}<br>%{{customdata[0]:,}} training images: %{{y:.1f}} %<br>"
            "interval %{customdata[1]} to %{customdata[2]}<extra></extra>"
        ),
    )
    several = [point for point in entry.points if len(point.seeds) > 1]
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
