"""How good a strategy is against what it costs: time, size, work for one image."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from core.analysis.metrics import METRICS
from core.analysis.scores import StrategyScore
from core.analysis.time_breakdown import pareto_front
from core.charts.accuracy import NOTHING_YET, heading_of
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    LEGEND_BELOW,
    MARGIN,
    SMALLEST_SECONDS,
    count_axis,
    empty_chart,
    marker_of,
    percent_axis,
    seconds_axis,
    zero_axis,
)
from core.text import escape_plotly, large_count_text, milliseconds_text, seconds_text

CHART_HEIGHT = 480


@dataclass(frozen=True)
class Cost:
    """One kind of cost: less is better.

    ``title`` continues "against", ``axis(title, costs)`` is Plotly's, ``text`` shows one cost in
    words behind ``at``, ``column`` and ``scale`` are those of the table, ``least`` is what the axis
    can show; ``cheaper`` is what a strategy with less of it is.
    """

    title: str
    axis_title: str
    axis: Callable[[str, Sequence[float]], dict[str, Any]]
    text: Callable[[float], str]
    at: str
    column: str
    cheaper: str
    scale: float = 1.0
    least: float = 0.0


WHOLE_RUN = Cost(
    "the time of a whole run",
    "whole time of one run (log scale)",
    seconds_axis,
    seconds_text,
    "after",
    "whole run (s)",
    "faster",
    least=SMALLEST_SECONDS,
)
ONE_IMAGE = Cost(
    "the time of one image where the network is used",
    "one image (log scale)",
    seconds_axis,
    milliseconds_text,
    "at",
    "one image (ms)",
    "faster",
    scale=1000.0,
    least=SMALLEST_SECONDS,
)
PARAMETERS = Cost(
    "the number of parameters",
    "parameters (log scale)",
    count_axis,
    lambda count: f"{large_count_text(round(count))} parameters",
    "with",
    "parameters",
    "smaller",
    least=1.0,
)


def cost_chart(
    scores: Sequence[StrategyScore],
    costs: Mapping[str, float],
    cost: Cost,
    with_front: bool = True,
    *,
    disturbed: Collection[str],
) -> Exhibit:
    """A metric against ``costs`` by strategy, on a log axis.

    The line joins the Pareto front: the strategies that no other beats in both. Open markers are
    beaten in both. Without the front all markers are filled and the majority class is a line. The
    costs of ``disturbed`` strategies are times that something else made longer: they are shown with
    an open marker and a mark, and neither beat nor are beaten.
    """
    known = [score for score in scores if score.strategy in costs]
    if not known:
        return Exhibit(go.Figure(), NOTHING_YET, pd.DataFrame())
    kind = METRICS[known[0].metric]
    heading = heading_of(kind)
    compared = [score for score in known if score.strategy not in disturbed]
    front = pareto_front(
        {score.strategy: costs[score.strategy] for score in compared},
        {score.strategy: score.mean for score in compared},
        kind.better == "higher",
    )
    shown = {score.strategy: max(costs[score.strategy], cost.least) for score in known}
    figure = empty_chart(
        CHART_HEIGHT,
        cost.axis(cost.axis_title, list(shown.values())),
        percent_axis(heading) if kind.unit == "percent" else zero_axis(heading),
        margin=MARGIN | {"t": 24},
        legend=LEGEND_BELOW,
    )
    by_cost = sorted(known, key=lambda score: costs[score.strategy])
    if with_front:
        on_front = [score for score in by_cost if score.strategy in front]
        figure.add_scatter(
            name="Pareto front",
            x=[shown[score.strategy] for score in on_front],
            y=[kind.shown(score.mean) for score in on_front],
            mode="lines",
            line=DOTTED,
            hoverinfo="skip",
        )
    for score in known:
        is_disturbed = score.strategy in disturbed
        is_open = is_disturbed or (with_front and score.strategy not in front)
        marker = marker_of(score.strategy, 15, is_open)
        mark = " (disturbed)" if is_disturbed else ""
        title, text = escape_plotly(score.title + mark), cost.text(costs[score.strategy])
        figure.add_scatter(
            name=title,
            x=[shown[score.strategy]],
            y=[kind.shown(score.mean)],
            mode="markers",
            cliponaxis=False,
            marker={"line": {"width": 2, "color": marker["color"]}} | marker,
            hovertemplate=f"{title}<br>%{{y:.2f}} {cost.at} {text}<extra></extra>",
        )
    majority = known[0].majority
    if majority is not None and not with_front:
        figure.add_hline(y=kind.shown(majority), line=DOTTED)
    status = {
        score.strategy: "disturbed"
        if score.strategy in disturbed
        else ("yes" if score.strategy in front else "no")
        for score in by_cost
    }
    best, beaten, spoilt = (
        "; ".join(
            f"{score.title} {kind.text(score.mean)} {cost.at} {cost.text(costs[score.strategy])}"
            for score in by_cost
            if status[score.strategy] == each
        )
        for each in ("yes", "no", "disturbed")
    )
    words = f"{kind.heading} against {cost.title}. On the Pareto front: {best or 'nothing'}."
    if beaten:
        words += f" Another strategy is both better and {cost.cheaper} than: {beaten}."
    if spoilt:
        words += f" Disturbed by other work on the machine, so not compared: {spoilt}."
    frame = pd.DataFrame(
        {
            "strategy": score.title,
            cost.column: cost.scale * costs[score.strategy],
            heading: kind.shown(score.mean),
            "on the Pareto front": status[score.strategy],
        }
        for score in by_cost
    )
    return Exhibit(figure, words, frame)
