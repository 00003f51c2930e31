"""Figures of the ledger: where the time went, and accuracy against time. With words and frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from core.charts.chart_rows import list_on_rows
from core.charts.result_charts import (
    LEGEND_ABOVE,
    MARGIN,
    OUTLINE,
    SMALLEST_SECONDS,
    legend_below,
    log_seconds,
    solid_marker,
)
from core.charts.style import (
    MAJORITY_COLOUR,
    appearance_of,
    percent_text,
    plain,
    seconds_text,
)
from core.comparison.frames import MEGABYTE
from core.comparison.ladder import MAJORITY
from core.comparison.ledger import Ledger, pareto_front
from core.comparison.score_kinds import SCORES
from core.comparison.scores import StrategyScore
from core.comparison.several_words import ratio_text

# Room for a legend of two lines above the bars.
LEGEND_HEIGHT = 48


@dataclass(frozen=True)
class PartLook:
    """How one part of the time looks; the pattern repeats the distinction."""

    title: str
    colour: str
    pattern: str


# By the fields of ``TimeParts``, in the order in which a run spends them.
PART_LOOKS = {
    "other": PartLook("starting, building and scoring", MAJORITY_COLOUR, ""),
    "extraction": PartLook("extracting features, once", "#D26E14", "/"),
    "head": PartLook("fitting the head on features", "#B482B4", "."),
    "first_epoch": PartLook("first epoch", "#5A82FA", "-"),
    "steady_epochs": PartLook("later epochs", "#643CFA", ""),
    "validation": PartLook("validation", "#007864", "x"),
}


def ledger_chart(ledger: Ledger) -> go.Figure:
    """Seconds of one whole run of each strategy, stacked by what they were spent on."""
    figure = go.Figure()
    rows = ledger.rows[::-1]
    for name, look in PART_LOOKS.items():
        seconds = [getattr(row.parts, name) for row in rows]
        figure.add_bar(
            name=look.title,
            x=seconds,
            y=list(range(len(rows))),
            orientation="h",
            marker={
                "color": look.colour,
                "pattern": {"shape": look.pattern, "solidity": 0.25},
                "line": OUTLINE,
            },
            text=[plain(row.title) for row in rows],
            customdata=[seconds_text(value) for value in seconds],
            textposition="none",
            hovertemplate=f"%{{text}}<br>{look.title}: %{{customdata}}<extra></extra>",
        )
    list_on_rows(
        figure,
        [f"{plain(row.title)}<br><b>{seconds_text(row.parts.end_to_end)}</b>" for row in rows],
    )
    figure.update_xaxes(title="one whole run (seconds)", rangemode="tozero", fixedrange=True)
    figure.update_layout(
        barmode="stack", showlegend=True, legend=LEGEND_ABOVE | {"traceorder": "normal"}
    )
    figure.update_layout(
        height=figure.layout.height + LEGEND_HEIGHT,
        margin=MARGIN | {"t": MARGIN["t"] + LEGEND_HEIGHT},
        bargap=0.35,
    )
    return figure


def ledger_words(ledger: Ledger) -> str:
    """Every part of every strategy that took any time."""
    if not ledger.rows:
        return "No run has finished yet."
    rows = []
    for row in ledger.rows:
        parts = ", ".join(
            f"{look.title} {seconds_text(getattr(row.parts, name))}"
            for name, look in PART_LOOKS.items()
            if getattr(row.parts, name) > 0
        )
        rows.append(f"{row.title}: {seconds_text(row.parts.end_to_end)} ({parts})")
    return f"Time of one whole run. {'; '.join(rows)}."


def ledger_summary(ledger: Ledger) -> str:
    """One sentence: the quickest and the slowest that train anything, and how far apart they are;
    empty where none does."""
    rows = [row for row in ledger.rows if row.strategy != MAJORITY]
    if not rows:
        return ""
    quickest = min(rows, key=lambda row: row.parts.end_to_end)
    slowest = max(rows, key=lambda row: row.parts.end_to_end)
    shortest, longest = quickest.parts.end_to_end, slowest.parts.end_to_end
    if len(rows) == 1:
        return f"One whole run of {quickest.title} took {seconds_text(shortest)}."
    return (
        f"One whole run took from {seconds_text(shortest)} ({quickest.title}) to "
        f"{seconds_text(longest)} ({slowest.title}), {ratio_text(longest / shortest)}."
    )


def ledger_frame(ledger: Ledger) -> pd.DataFrame:
    """One line a strategy: the parts in seconds, what the cache saved, speed, memory."""
    lines = []
    for row in ledger.rows:
        line: dict[str, object] = {
            "strategy": row.title,
            "seeds": "one seed" if len(row.seeds) == 1 else f"{len(row.seeds)} seeds",
            "whole run (s)": row.parts.end_to_end,
        }
        line |= {f"{look.title} (s)": getattr(row.parts, n) for n, look in PART_LOOKS.items()}
        line |= {
            "fastest (s)": row.fastest,
            "slowest (s)": row.slowest,
            "saved by the cache, all seeds (s)": row.cache_saved,
            "training speed (images/s)": row.images_per_second,
            "trained on": _trained_on(row.images_per_second, row.trains_on_features),
            "peak memory (MB)": None
            if row.peak_memory_bytes is None
            else row.peak_memory_bytes / MEGABYTE,
        }
        lines.append(line)
    return pd.DataFrame(lines)


def costs_frame(ledger: Ledger) -> pd.DataFrame:
    """One line a strategy, one column a target: the time as text, ``never`` where it was not met.

    With several seeds it says how many of them got there.
    """
    lines = []
    for row in ledger.rows:
        line = {"strategy": row.title}
        for cost in ledger.costs_of(row.strategy):
            column = f"{cost.target.title} ({percent_text(cost.target.accuracy)})"
            text = "never" if cost.seconds is None else seconds_text(cost.seconds)
            partly = 0 < cost.reached < cost.seeds
            line[column] = f"{text} ({cost.reached} of {cost.seeds} seeds)" if partly else text
        lines.append(line)
    return pd.DataFrame(lines)


def costs_words(ledger: Ledger) -> str:
    """For each target, who got there and how soon."""
    sentences = []
    for target in ledger.targets:
        costs = [cost for cost in ledger.costs if cost.target == target]
        reached = sorted((cost.seconds, cost.title) for cost in costs if cost.seconds is not None)
        never = [cost.title for cost in costs if cost.seconds is None]
        words = ", ".join(f"{title} after {seconds_text(seconds)}" for seconds, title in reached)
        missed = f"; never: {', '.join(never)}" if never else ""
        sentences.append(
            f"{percent_text(target.accuracy)} ({target.title}): {words or 'nobody'}{missed}."
        )
    return "Time until validation first reached a mark. " + " ".join(sentences)


def front_of(ledger: Ledger, scores: Sequence[StrategyScore]) -> frozenset[str]:
    """The strategies that no other beats in both the measure and the time of a whole run."""
    if not scores:
        return frozenset()
    return pareto_front(
        {row.strategy: row.parts.end_to_end for row in ledger.rows},
        {score.strategy: score.mean for score in scores},
        SCORES[scores[0].score].better == "higher",
    )


def pareto_chart(ledger: Ledger, scores: Sequence[StrategyScore]) -> go.Figure:
    """A measure against the time of a whole run; the line joins those that no other beats.

    Filled markers are on that front; open ones are beaten by another in time and measure.
    """
    figure = go.Figure()
    points = _points(ledger, scores)
    if not points:
        return figure
    kind, front = SCORES[scores[0].score], front_of(ledger, scores)
    line = sorted((seconds, value) for name, _, seconds, value in points if name in front)
    figure.add_scatter(
        name="not beaten in both",
        x=[seconds for seconds, _ in line],
        y=[value for _, value in line],
        mode="lines",
        line={"width": 2, "color": MAJORITY_COLOUR, "dash": "dot"},
        hoverinfo="skip",
    )
    for name, title, seconds, value in points:
        look, symbol = appearance_of(name), solid_marker(appearance_of(name).marker)
        figure.add_scatter(
            name=plain(title),
            x=[seconds],
            y=[value],
            mode="markers",
            cliponaxis=False,
            marker={
                "symbol": symbol if name in front else f"{symbol}-open",
                "size": 15,
                "color": look.colour,
                "line": OUTLINE if name in front else {"width": 2, "color": look.colour},
            },
            hovertemplate=(
                f"{plain(title)}<br>%{{y:.2f}} after {seconds_text(seconds)}<extra></extra>"
            ),
        )
    log_seconds(figure, "whole time of one run (log scale)")
    unit = "%" if kind.unit == "percent" else kind.unit
    figure.update_yaxes(title=f"{kind.title} ({unit})", rangemode="tozero", fixedrange=True)
    if kind.unit == "percent":
        figure.update_yaxes(range=[0, 102])
    figure.update_layout(height=480, margin=MARGIN | {"t": 24}, showlegend=True)
    legend_below(figure)
    return figure


def pareto_words(ledger: Ledger, scores: Sequence[StrategyScore]) -> str:
    """Every strategy with its measure and time; those on the front are named first."""
    points, front = _points(ledger, scores), front_of(ledger, scores)
    if not points:
        return "No run has finished yet."
    kind = SCORES[scores[0].score]
    means = {score.strategy: kind.text(score.mean) for score in scores}
    said = {
        name: f"{title} {means[name]} after {seconds_text(seconds)}"
        for name, title, seconds, _ in sorted(points, key=lambda point: point[2])
    }
    best = "; ".join(text for name, text in said.items() if name in front)
    beaten = "; ".join(text for name, text in said.items() if name not in front)
    return (
        f"{kind.title.capitalize()} against the time of a whole run. No other is better in both "
        f"than: {best}." + (f" Beaten in both: {beaten}." if beaten else "")
    )


def pareto_frame(ledger: Ledger, scores: Sequence[StrategyScore]) -> pd.DataFrame:
    """One line a strategy, the fastest first."""
    if not scores:
        return pd.DataFrame()
    kind, front = SCORES[scores[0].score], front_of(ledger, scores)
    unit = "%" if kind.unit == "percent" else kind.unit
    return pd.DataFrame(
        [
            {
                "strategy": title,
                "whole run (s)": seconds,
                f"{kind.title} ({unit})": value,
                "beaten in both": "no" if name in front else "yes",
            }
            for name, title, seconds, value in sorted(
                _points(ledger, scores), key=lambda point: point[2]
            )
        ]
    )


def _points(ledger: Ledger, scores: Sequence[StrategyScore]) -> list[tuple[str, str, float, float]]:
    """Name, title, seconds of a whole run, measure as shown; for those that have both."""
    seconds = {row.strategy: row.parts.end_to_end for row in ledger.rows}
    return [
        (
            score.strategy,
            score.title,
            max(seconds[score.strategy], SMALLEST_SECONDS),
            SCORES[score.score].shown(score.mean),
        )
        for score in scores
        if score.strategy in seconds
    ]


def _trained_on(speed: float | None, on_features: bool) -> str | None:
    if speed is None:
        return None
    return "cached features" if on_features else "pictures"
