"""The learning curve as a figure and as a frame; ``learning_curve`` has its words."""

import math

import pandas as pd
import plotly.graph_objects as go

from core.charts.result_charts import MARGIN, OUTLINE, legend_below, solid_marker
from core.charts.style import MAJORITY_COLOUR, appearance_of, percent_text, plain
from core.comparison.learning_curve import CurvePoint, LearningCurve, StrategyCurve

# Lines that share a size stand a little beside each other, so that no interval hides another.
_SHIFT = 0.012


def learning_curve_chart(curve: LearningCurve) -> go.Figure:
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
            line={"dash": "dot", "width": 2, "color": MAJORITY_COLOUR},
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
    figure.update_yaxes(title="test accuracy (%)", range=[0, 102], fixedrange=True)
    figure.update_layout(height=520, margin=MARGIN | {"t": 24}, showlegend=True)
    legend_below(figure)
    return figure


def learning_curve_frame(curve: LearningCurve) -> pd.DataFrame:
    """One line a strategy and size, with every seed in a column of its own."""
    seeds = sorted({seed for entry in curve.curves for p in entry.points for seed in p.seeds})
    return pd.DataFrame(
        [_line(entry, point, seeds) for entry in curve.curves for point in entry.points]
    )


def _line(entry: StrategyCurve, point: CurvePoint, seeds: list[int]) -> dict[str, object]:
    by_seed = dict(zip(point.seeds, point.values, strict=True))
    line: dict[str, object] = {
        "strategy": entry.title,
        "training images": point.train_images,
        "share (%)": 100 * point.share,
        "seeds": "one seed" if len(point.seeds) == 1 else f"{len(point.seeds)} seeds",
        "test accuracy (%)": 100 * point.mean,
        "low (%)": 100 * point.low,
        "high (%)": 100 * point.high,
    }
    return line | {
        f"seed {seed} (%)": 100 * by_seed[seed] if seed in by_seed else None for seed in seeds
    }


def _add_strategy(figure: go.Figure, entry: StrategyCurve, shift: float) -> None:
    look, title = appearance_of(entry.strategy), plain(entry.title)
    symbol = solid_marker(look.marker)
    figure.add_scatter(
        name=title,
        legendgroup=entry.strategy,
        x=[point.train_images * shift for point in entry.points],
        y=[100 * point.mean for point in entry.points],
        mode="lines+markers",
        cliponaxis=False,
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [100 * (point.high - point.mean) for point in entry.points],
            "arrayminus": [100 * (point.mean - point.low) for point in entry.points],
            "thickness": 2,
            "width": 5,
        },
        line={"color": look.colour, "dash": look.dash, "width": 2},
        marker={"symbol": symbol, "size": 11, "color": look.colour, "line": OUTLINE},
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
        marker={"symbol": f"{symbol}-open", "size": 6, "color": look.colour},
        customdata=[seed for point in several for seed in point.seeds],
        hovertemplate=f"{title}<br>seed %{{customdata}}: %{{y:.1f}} %<extra></extra>",
    )
