"""One class against the rest: ROC and precision-recall curves, and what a threshold costs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.analysis.ranking import NO_SKILL, ClassCurve
from core.analysis.threshold import THRESHOLDS, ThresholdCosts
from core.analysis.words.ranking import NOTHING_TO_FIND, cost_text, describe_curves
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    GREY,
    LEGEND_BELOW,
    MARGIN,
    empty_chart,
    line_of,
    marker_of,
    percent_axis,
    zero_axis,
)
from core.text import escape_plotly, exact_percent_text, percent_text

HEIGHT = 460
# Steps smaller than this part of an axis cannot be seen.
_FINEST = 500
# Rows of the tables: at most these false alarms, at least this much of the class.
FALSE_ALARM_RATES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SENSITIVITIES = (0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.99, 1.0)
# Lines of the chart of costs: readable on both pages, and repeated by the dash.
_COST_LINES = {
    "false alarms": {"color": "#D55E00", "dash": "dash", "width": 2},
    "misses": {"color": "#3B7DD8", "dash": "dashdot", "width": 2},
    "both": {"color": GREY, "dash": "solid", "width": 3},
}
# Thresholds in the table of costs, in steps of 5 %.
_COST_STEP = 50


def roc_chart(curves: Sequence[ClassCurve], against: str) -> Exhibit:
    """Sensitivity over the false-alarm rate, one line a run, seeds of a strategy alike.

    ``against`` says which class is set against what. The marker is where the run's own predictions
    lie: with more than two classes that may be off its curve. The dotted diagonal is that of giving
    every image the same answer.
    """
    figure = _empty("false-alarm rate (%)", "sensitivity (%)")
    figure.add_scatter(
        name=f"majority class (ROC AUC {percent_text(NO_SKILL, 0)})",
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line=DOTTED,
        hoverinfo="skip",
    )
    for curve in curves:
        shown = _seen(curve.false_alarm_rate, curve.sensitivity)
        own = (curve.own_false_alarms / curve.others, curve.own_found / curve.images)
        _add_run(
            figure,
            curve,
            (100 * curve.false_alarm_rate[shown], 100 * curve.sensitivity[shown]),
            own,
            [_threshold_text(cut) for cut in curve.thresholds[shown]],
            "false-alarm rate %{x:.1f} %, sensitivity %{y:.1f} %",
        )
    lines = [
        {
            "strategy": curve.title,
            "seed": curve.seed,
            "ROC AUC (%)": 100 * curve.auc,
            "false-alarm rate at most (%)": 100 * limit,
            "sensitivity (%)": 100 * curve.sensitivity[place],
            # None where no image may be called the class.
            "threshold (%)": 100 * curve.thresholds[place] if place else None,
        }
        for curve in curves
        for limit in FALSE_ALARM_RATES
        # The last that keeps to the limit finds most.
        for place in [int(np.flatnonzero(curve.false_alarm_rate <= limit)[-1])]
    ]
    return _exhibit(figure, curves, against, "Sensitivity against the false-alarm rate.", lines)


def precision_recall_chart(curves: Sequence[ClassCurve], against: str) -> Exhibit:
    """Precision over recall, one line a run, as ``roc_chart``.

    The dotted line is the fraction of the images that is of the class: the precision of calling
    every image the class.
    """
    figure = _empty("recall (%)", "precision (%)")
    if curves:
        first = curves[0]
        prevalence = first.images / (first.images + first.others)
        figure.add_scatter(
            name=f"every image called it ({percent_text(prevalence)})",
            x=[0, 100],
            y=[100 * prevalence, 100 * prevalence],
            mode="lines",
            line=DOTTED,
            hoverinfo="skip",
        )
    for curve in curves:
        shown = _seen(curve.sensitivity, curve.precision)
        shown = shown[shown > 0]  # Where nothing is called the class there is no precision.
        called = curve.own_found + curve.own_false_alarms
        own = (curve.own_found / curve.images, curve.own_found / called) if called else None
        _add_run(
            figure,
            curve,
            (100 * curve.sensitivity[shown], 100 * curve.precision[shown]),
            own,
            [_threshold_text(cut) for cut in curve.thresholds[shown]],
            "recall %{x:.1f} %, precision %{y:.1f} %",
            # Between two thresholds the precision is that of the second, as average precision has.
            shape="vh",
        )
    lines = []
    for curve in curves:
        for least in SENSITIVITIES:
            enough = np.flatnonzero(curve.sensitivity >= least)
            place = int(enough[curve.precision[enough].argmax()])
            lines.append(
                {
                    "strategy": curve.title,
                    "seed": curve.seed,
                    "average precision (%)": 100 * curve.average_precision,
                    "recall at least (%)": 100 * least,
                    "precision (%)": 100 * curve.precision[place],
                    "threshold (%)": 100 * curve.thresholds[place],
                }
            )
    return _exhibit(figure, curves, against, "Precision against recall.", lines)


def costs_chart(costs: ThresholdCosts, threshold: float) -> Exhibit:
    """What false alarms, misses and both cost at every threshold; ``threshold`` is marked.

    The dotted line is the cost of always predicting the commonest training class.
    """
    figure = empty_chart(
        HEIGHT,
        percent_axis("threshold (%)", 101, lowest=-1),
        zero_axis("cost of the mistakes"),
        margin=MARGIN | {"t": 32},
        legend=LEGEND_BELOW,
    )
    parts = {
        "false alarms": costs.false_alarm_cost * costs.false_alarms,
        "misses": costs.miss_cost * costs.misses,
        "both": costs.total,
    }
    for name, values in parts.items():
        figure.add_scatter(
            name=name,
            x=100 * THRESHOLDS,
            y=values,
            mode="lines",
            line=_COST_LINES[name],
            hovertemplate=f"threshold %{{x:.1f}} %: {name} cost %{{y:,.1f}}<extra></extra>",
        )
    figure.add_scatter(
        name=f"majority class ({cost_text(costs.majority_cost)})",
        x=[0, 100],
        y=[costs.majority_cost] * 2,
        mode="lines",
        line=DOTTED,
        hoverinfo="skip",
    )
    best = float(THRESHOLDS[costs.best])
    for name, place, symbol in (("lowest", best, "star"), ("chosen", threshold, "circle-open")):
        figure.add_scatter(
            name=f"{name} ({exact_percent_text(place)})",
            x=[100 * place],
            y=[costs.cost_at(place)],
            mode="markers",
            marker={"symbol": symbol, "size": 15, "color": GREY, "line": {"width": 2}},
            hovertemplate=f"{name}: threshold %{{x:.1f}} %, cost %{{y:,.1f}}<extra></extra>",
        )
    rows = sorted({*range(0, len(THRESHOLDS), _COST_STEP), costs.best, round(1000 * threshold)})
    frame = pd.DataFrame(
        {
            "threshold (%)": 100 * THRESHOLDS[rows],
            "false alarms (images)": costs.false_alarms[rows],
            "misses (images)": costs.misses[rows],
            "cost of false alarms": parts["false alarms"][rows],
            "cost of misses": parts["misses"][rows],
            "cost of both": parts["both"][rows],
        }
    )
    words = (
        f"Cost of the mistakes at every threshold. At {exact_percent_text(threshold)}: "
        f"{cost_text(costs.cost_at(threshold))}. Lowest at {exact_percent_text(best)}: "
        f"{cost_text(costs.cost_at(best))}. Never calling it: {cost_text(costs.never_cost)}; "
        f"always: {cost_text(costs.always_cost)}. Majority class: "
        f"{cost_text(costs.majority_cost)}."
    )
    return Exhibit(figure, words, frame)


def _empty(x: str, y: str) -> go.Figure:
    margin = MARGIN | {"t": 24}
    axes = (percent_axis(x, lowest=-2), percent_axis(y, lowest=-2))
    return empty_chart(HEIGHT, *axes, margin=margin, legend=LEGEND_BELOW)


def _add_run(
    figure: go.Figure,
    curve: ClassCurve,
    points: tuple[np.ndarray, np.ndarray],
    own: tuple[float, float] | None,
    thresholds: Sequence[str],
    hover: str,
    shape: str = "linear",
) -> None:
    """The line of one run, in percent, and the marker of its ``own`` predictions (0 to 1)."""
    title = escape_plotly(curve.title)
    is_first = not any(trace.legendgroup == curve.strategy for trace in figure.data)
    named = f"{title}, seed {curve.seed}"
    figure.add_scatter(
        name=title,
        legendgroup=curve.strategy,
        showlegend=is_first,
        x=points[0],
        y=points[1],
        mode="lines",
        cliponaxis=False,
        line=line_of(curve.strategy) | {"shape": shape},
        customdata=thresholds,
        hovertemplate=f"{named}<br>{hover}<br>threshold %{{customdata}}<extra></extra>",
    )
    if own is not None:
        figure.add_scatter(
            legendgroup=curve.strategy,
            showlegend=False,
            x=[100 * own[0]],
            y=[100 * own[1]],
            mode="markers",
            cliponaxis=False,
            marker=marker_of(curve.strategy, 11),
            hovertemplate=f"{named}<br>its own predictions: {hover}<extra></extra>",
        )


def _threshold_text(threshold: float) -> str:
    return percent_text(threshold) if np.isfinite(threshold) else "that no image reaches"


def _seen(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Places of the points that differ on a screen; the first and the last always."""
    cells = np.stack([np.rint(_FINEST * x), np.rint(_FINEST * y)])
    moved = (np.diff(cells) != 0).any(axis=0)
    # Both ends of every step, so that corners stay where they are.
    kept = np.append(moved, True) | np.insert(moved, 0, True)
    return np.flatnonzero(kept)


def _exhibit(
    figure: go.Figure,
    curves: Sequence[ClassCurve],
    against: str,
    lead: str,
    lines: list[dict[str, object]],
) -> Exhibit:
    words = f"{lead} {describe_curves(curves, against)}" if curves else NOTHING_TO_FIND
    return Exhibit(figure, words, pd.DataFrame(lines))
