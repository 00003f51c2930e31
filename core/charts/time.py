"""Charts of time: where it went, what accuracy it bought, and what one epoch takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from core.analysis.comparison import MEGABYTE, Comparison
from core.analysis.metrics import METRICS
from core.analysis.scores import StrategyScore
from core.analysis.time_breakdown import StrategyTime, TimeBreakdown, pareto_front
from core.analysis.words.several import ratio_text
from core.charts.accuracy import NOTHING_YET, seeds_text, unit_of
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    LEGEND_ABOVE,
    LEGEND_BELOW,
    MAJORITY_COLOUR,
    MARGIN,
    OUTLINE,
    SMALLEST_SECONDS,
    list_on_rows,
    log_seconds,
    marker_of,
    percent_axis,
)
from core.strategies.registry import MAJORITY
from core.text import escape_plotly, percent_text, seconds_text

# Pixels of a legend of two lines above the bars.
LEGEND_HEIGHT = 48


@dataclass(frozen=True)
class PartLook:
    """How one part of the time looks; the pattern repeats the distinction."""

    title: str
    colour: str
    pattern: str

    @property
    def bar(self) -> dict[str, object]:
        """Plotly's marker of a bar."""
        pattern = {"shape": self.pattern, "solidity": 0.25}
        return {"color": self.colour, "pattern": pattern, "line": OUTLINE}


# By the fields of ``TimeParts``, in the order in which a run spends them.
PART_LOOKS = {
    "other": PartLook("starting, building and scoring", MAJORITY_COLOUR, ""),
    "extraction": PartLook("extracting features, once", "#D26E14", "/"),
    "head": PartLook("fitting the head on features", "#B482B4", "."),
    "first_epoch": PartLook("first epoch", "#5A82FA", "-"),
    "steady_epochs": PartLook("later epochs", "#643CFA", ""),
    "validation": PartLook("validation", "#007864", "x"),
}


def time_breakdown_chart(breakdown: TimeBreakdown) -> Exhibit:
    """Seconds of one whole run of each strategy, stacked by what they were spent on.

    The table also has what the cache saved, the speed and the memory.
    """
    figure = go.Figure()
    rows = breakdown.rows[::-1]
    for name, look in PART_LOOKS.items():
        seconds = [getattr(row.parts, name) for row in rows]
        figure.add_bar(
            name=look.title,
            x=seconds,
            y=list(range(len(rows))),
            orientation="h",
            marker=look.bar,
            text=[escape_plotly(row.title) for row in rows],
            customdata=[seconds_text(value) for value in seconds],
            textposition="none",
            hovertemplate=f"%{{text}}<br>{look.title}: %{{customdata}}<extra></extra>",
        )
    list_on_rows(
        figure,
        [
            f"{escape_plotly(row.title)}<br><b>{seconds_text(row.parts.end_to_end)}</b>"
            for row in rows
        ],
    )
    figure.update_xaxes(title="one whole run (seconds)", rangemode="tozero", fixedrange=True)
    figure.update_layout(
        barmode="stack",
        showlegend=True,
        legend=LEGEND_ABOVE | {"traceorder": "normal"},
        height=figure.layout.height + LEGEND_HEIGHT,
        margin=MARGIN | {"t": MARGIN["t"] + LEGEND_HEIGHT},
        bargap=0.35,
    )
    frame = pd.DataFrame([_breakdown_line(row) for row in breakdown.rows])
    return Exhibit(figure, _breakdown_words(breakdown), frame)


def time_summary(breakdown: TimeBreakdown) -> str:
    """One sentence: the fastest and the slowest strategy that trains, and how far apart they are.

    Empty where none trains.
    """
    rows = [row for row in breakdown.rows if row.strategy != MAJORITY]
    if not rows:
        return ""
    fastest = min(rows, key=lambda row: row.parts.end_to_end)
    slowest = max(rows, key=lambda row: row.parts.end_to_end)
    shortest, longest = fastest.parts.end_to_end, slowest.parts.end_to_end
    if len(rows) == 1:
        return f"One whole run of {fastest.title} took {seconds_text(shortest)}."
    return (
        f"One whole run took from {seconds_text(shortest)} ({fastest.title}) to "
        f"{seconds_text(longest)} ({slowest.title}), {ratio_text(longest / shortest)}."
    )


def costs_frame(breakdown: TimeBreakdown) -> pd.DataFrame:
    """One line a strategy, one column a target: the time as text, ``never`` if it was not reached.

    With several seeds it says how many of them reached it.
    """
    lines = []
    for row in breakdown.rows:
        line = {"strategy": row.title}
        for cost in breakdown.costs_of(row.strategy):
            column = f"{cost.target.title} ({percent_text(cost.target.accuracy)})"
            text = "never" if cost.seconds is None else seconds_text(cost.seconds)
            partly = 0 < cost.reached < cost.seeds
            line[column] = f"{text} ({cost.reached} of {cost.seeds} seeds)" if partly else text
        lines.append(line)
    return pd.DataFrame(lines)


def costs_words(breakdown: TimeBreakdown) -> str:
    """For each target, which strategies reached it and after how long."""
    sentences = []
    for target in breakdown.targets:
        costs = [cost for cost in breakdown.costs if cost.target == target]
        reached = sorted((cost.seconds, cost.title) for cost in costs if cost.seconds is not None)
        never = [cost.title for cost in costs if cost.seconds is None]
        words = ", ".join(f"{title} after {seconds_text(seconds)}" for seconds, title in reached)
        missed = f"; never: {', '.join(never)}" if never else ""
        sentences.append(
            f"{percent_text(target.accuracy)} ({target.title}): {words or 'no strategy'}{missed}."
        )
    return "Time until validation accuracy first reached each target. " + " ".join(sentences)


@dataclass(frozen=True)
class _Point:
    """One strategy in the chart of accuracy and time; ``is_front``: no other is better in both."""

    score: StrategyScore
    seconds: float
    is_front: bool

    @property
    def value(self) -> float:
        """The metric in the unit in which it is shown."""
        return METRICS[self.score.metric].shown(self.score.mean)

    @property
    def text(self) -> str:
        mean = METRICS[self.score.metric].text(self.score.mean)
        return f"{self.score.title} {mean} after {seconds_text(self.seconds)}"


def accuracy_time_chart(
    scores: Sequence[StrategyScore], seconds: Mapping[str, float], with_front: bool = True
) -> Exhibit:
    """A metric against ``seconds``, the time of a whole run by strategy, on a log axis.

    The line joins the Pareto front: the strategies that no other beats in both. Open markers are
    beaten in both. Without the front all markers are filled and the majority class is a line.
    """
    figure = go.Figure()
    points = _points(scores, seconds)
    if not points:
        return Exhibit(figure, NOTHING_YET, pd.DataFrame())
    kind = METRICS[points[0].score.metric]
    front = [point for point in points if point.is_front]
    if with_front:
        figure.add_scatter(
            name="Pareto front",
            x=[point.seconds for point in front],
            y=[point.value for point in front],
            mode="lines",
            line=DOTTED,
            hoverinfo="skip",
        )
    # In the order of ``scores``, which is that of the legend.
    for point in sorted(points, key=lambda point: scores.index(point.score)):
        marker = marker_of(point.score.strategy, 15, is_open=with_front and not point.is_front)
        title = escape_plotly(point.score.title)
        figure.add_scatter(
            name=title,
            x=[point.seconds],
            y=[point.value],
            mode="markers",
            cliponaxis=False,
            marker={"line": {"width": 2, "color": marker["color"]}} | marker,
            hovertemplate=(
                f"{title}<br>%{{y:.2f}} after {seconds_text(point.seconds)}<extra></extra>"
            ),
        )
    majority = points[0].score.majority
    if majority is not None and not with_front:
        figure.add_hline(y=kind.shown(majority), line=DOTTED)
    log_seconds(figure, "whole time of one run (log scale)")
    heading = f"{kind.title} ({unit_of(kind)})"
    figure.update_yaxes(title=heading, rangemode="tozero", fixedrange=True)
    if kind.unit == "percent":
        figure.update_yaxes(percent_axis(heading))
    figure.update_layout(
        height=480, margin=MARGIN | {"t": 24}, showlegend=True, legend=LEGEND_BELOW
    )
    dominated = "; ".join(point.text for point in points if not point.is_front)
    words = (
        f"{kind.title.capitalize()} against the time of a whole run. On the Pareto front: "
        f"{'; '.join(point.text for point in front)}."
        + (f" Another strategy is both better and faster than: {dominated}." if dominated else "")
    )
    frame = pd.DataFrame(
        {
            "strategy": point.score.title,
            "whole run (s)": point.seconds,
            heading: point.value,
            "on the Pareto front": "yes" if point.is_front else "no",
        }
        for point in points
    )
    return Exhibit(figure, words, frame)


def whole_run_seconds(breakdown: TimeBreakdown) -> dict[str, float]:
    """Seconds of a whole run by strategy, extraction of the features always counted."""
    return {row.strategy: row.parts.end_to_end for row in breakdown.rows}


def epoch_time_chart(comparison: Comparison) -> Exhibit:
    """Seconds of a steady epoch beside the seconds of feature extraction, on a log axis.

    An epoch on cached features looks nearly free; the diamond beside it is what the features
    cost once. Strategies without a clock (the majority class) are left out.
    """
    figure = go.Figure()
    timed = [
        row
        for row in comparison.finished_rows
        if row.steady_epoch_seconds is not None or row.feature_seconds is not None
    ]
    for name, field, symbol, colour, place in (
        ("one epoch of training", "steady_epoch_seconds", "circle", "#643CFA", "top center"),
        ("extracting features, once", "feature_seconds", "diamond", "#D26E14", "bottom center"),
    ):
        known = [
            (place, row, getattr(row, field))
            for place, row in enumerate(reversed(timed))
            if getattr(row, field) is not None
        ]
        figure.add_scatter(
            name=name,
            x=[max(seconds, SMALLEST_SECONDS) for *_, seconds in known],
            y=[place for place, *_ in known],
            text=[seconds_text(seconds) for *_, seconds in known],
            customdata=[escape_plotly(row.title) for _, row, _ in known],
            mode="markers+text",
            textposition=place,
            marker={"symbol": symbol, "size": 12, "color": colour},
            hovertemplate=f"%{{customdata}}<br>{name}: %{{text}}<extra></extra>",
        )
    log_seconds(figure, "time (log scale)")
    list_on_rows(figure, [escape_plotly(row.title) for row in reversed(timed)])
    figure.update_layout(showlegend=True, legend=LEGEND_ABOVE)
    words = "; ".join(
        f"{row.title}: epoch {seconds_text(row.steady_epoch_seconds)}, features "
        f"{seconds_text(row.feature_seconds)}"
        for row in timed
    )
    frame = pd.DataFrame(
        {
            "strategy": row.title,
            "epoch (s)": row.steady_epoch_seconds,
            "features (s)": row.feature_seconds,
        }
        for row in timed
    )
    return Exhibit(figure, f"{words}." if timed else NOTHING_YET, frame)


def parts_text(seconds: Mapping[str, float]) -> str:
    """The parts that took any time, by the keys of ``PART_LOOKS``."""
    return ", ".join(
        f"{look.title} {seconds_text(seconds[name])}"
        for name, look in PART_LOOKS.items()
        if seconds[name] > 0
    )


def _breakdown_words(breakdown: TimeBreakdown) -> str:
    if not breakdown.rows:
        return NOTHING_YET
    rows = "; ".join(
        f"{row.title}: {seconds_text(row.parts.end_to_end)} ({parts_text(vars(row.parts))})"
        for row in breakdown.rows
    )
    return f"Time of one whole run. {rows}."


def _breakdown_line(row: StrategyTime) -> dict[str, object]:
    speed, memory = row.images_per_second, row.peak_memory_bytes
    source = "cached features" if row.trains_on_features else "pictures"
    return (
        {
            "strategy": row.title,
            "seeds": seeds_text(row.seeds),
            "whole run (s)": row.parts.end_to_end,
        }
        | {f"{look.title} (s)": getattr(row.parts, name) for name, look in PART_LOOKS.items()}
        | {
            "fastest (s)": row.fastest,
            "slowest (s)": row.slowest,
            "saved by the cache, all seeds (s)": row.cache_saved,
            "training speed (images/s)": speed,
            "trained on": None if speed is None else source,
            "peak memory (MB)": None if memory is None else memory / MEGABYTE,
        }
    )


def _points(scores: Sequence[StrategyScore], seconds: Mapping[str, float]) -> list[_Point]:
    """The strategies that have both, the fastest first."""
    timed = [score for score in scores if score.strategy in seconds]
    if not timed:
        return []
    front = pareto_front(
        {score.strategy: seconds[score.strategy] for score in timed},
        {score.strategy: score.mean for score in timed},
        METRICS[timed[0].metric].better == "higher",
    )
    points = [
        _Point(score, max(seconds[score.strategy], SMALLEST_SECONDS), score.strategy in front)
        for score in timed
    ]
    return sorted(points, key=lambda point: point.seconds)
