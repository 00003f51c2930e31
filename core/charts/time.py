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
from core.charts.accuracy import NOTHING_YET, heading_of, seeds_text
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    LEGEND_ABOVE,
    LEGEND_BELOW,
    MAJORITY_COLOUR,
    MARGIN,
    OUTLINE,
    SMALLEST_SECONDS,
    chart_of_rows,
    empty_chart,
    marker_of,
    percent_axis,
    row_label,
    seconds_axis,
    wrapped,
    zero_axis,
)
from core.strategies.registry import MAJORITY
from core.text import escape_plotly, percent_text, seconds_text

# Pixels of a legend above the bars: two lines, and on a telephone half of its six.
LEGEND_HEIGHT = 64


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


def parts_text(seconds: Mapping[str, float]) -> str:
    """The parts that took any time, by the keys of ``PART_LOOKS``."""
    return ", ".join(
        f"{look.title} {seconds_text(seconds[name])}"
        for name, look in PART_LOOKS.items()
        if seconds[name] > 0
    )


def time_breakdown_chart(breakdown: TimeBreakdown) -> Exhibit:
    """Seconds of one whole run of each strategy, stacked by what they were spent on.

    The table also has what the cache saved, the speed and the memory.
    """
    rows = breakdown.rows[::-1]
    figure = chart_of_rows(
        [row_label(row.title, seconds_text(row.parts.end_to_end)) for row in rows],
        {"title": "one whole run (seconds)", "rangemode": "tozero"},
        room=LEGEND_HEIGHT,
        legend=LEGEND_ABOVE | {"traceorder": "normal"},
        barmode="stack",
        bargap=0.35,
    )
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
    frame = pd.DataFrame([_breakdown_line(row) for row in breakdown.rows])
    spent = "; ".join(
        f"{row.title}: {seconds_text(row.parts.end_to_end)} ({parts_text(vars(row.parts))})"
        for row in breakdown.rows
    )
    words = f"Time of one whole run. {spent}." if spent else NOTHING_YET
    return Exhibit(figure, words, frame)


def time_summary(breakdown: TimeBreakdown) -> str:
    """One sentence: the fastest and the slowest strategy that trains, and how far apart they are.

    Empty where none trains.
    """
    rows = [row for row in breakdown.rows if row.strategy != MAJORITY]
    if not rows:
        return ""
    rows.sort(key=lambda row: row.parts.end_to_end)
    fastest, slowest = rows[0], rows[-1]
    shortest, longest = fastest.parts.end_to_end, slowest.parts.end_to_end
    if len(rows) == 1:
        return f"One whole run of {fastest.title} took {seconds_text(shortest)}."
    if seconds_text(shortest) == seconds_text(longest):
        return f"One whole run took {seconds_text(longest)} with every strategy that trains."
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
            if 0 < cost.reached < cost.seeds:
                seeds = f"{cost.reached} of {cost.seeds} seeds"
                text = f"only {seeds}" if cost.seconds is None else f"{text} ({seeds})"
            line[column] = text
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


def whole_run_seconds(breakdown: TimeBreakdown) -> dict[str, float]:
    """Seconds of a whole run by strategy, extraction of the features always counted."""
    return {row.strategy: row.parts.end_to_end for row in breakdown.rows}


def accuracy_time_chart(
    scores: Sequence[StrategyScore], seconds: Mapping[str, float], with_front: bool = True
) -> Exhibit:
    """A metric against ``seconds``, the time of a whole run by strategy, on a log axis.

    The line joins the Pareto front: the strategies that no other beats in both. Open markers are
    beaten in both. Without the front all markers are filled and the majority class is a line.
    """
    timed = [score for score in scores if score.strategy in seconds]
    if not timed:
        return Exhibit(go.Figure(), NOTHING_YET, pd.DataFrame())
    kind = METRICS[timed[0].metric]
    heading = heading_of(kind)
    front = pareto_front(
        {score.strategy: seconds[score.strategy] for score in timed},
        {score.strategy: score.mean for score in timed},
        kind.better == "higher",
    )
    taken = {score.strategy: max(seconds[score.strategy], SMALLEST_SECONDS) for score in timed}
    figure = empty_chart(
        480,
        seconds_axis("whole time of one run (log scale)", list(taken.values())),
        percent_axis(heading) if kind.unit == "percent" else zero_axis(heading),
        margin=MARGIN | {"t": 24},
        legend=LEGEND_BELOW,
    )
    by_time = sorted(timed, key=lambda score: taken[score.strategy])
    if with_front:
        on_front = [score for score in by_time if score.strategy in front]
        figure.add_scatter(
            name="Pareto front",
            x=[taken[score.strategy] for score in on_front],
            y=[kind.shown(score.mean) for score in on_front],
            mode="lines",
            line=DOTTED,
            hoverinfo="skip",
        )
    for score in timed:
        is_open = with_front and score.strategy not in front
        marker = marker_of(score.strategy, 15, is_open)
        title, time = escape_plotly(score.title), seconds_text(taken[score.strategy])
        figure.add_scatter(
            name=title,
            x=[taken[score.strategy]],
            y=[kind.shown(score.mean)],
            mode="markers",
            cliponaxis=False,
            marker={"line": {"width": 2, "color": marker["color"]}} | marker,
            hovertemplate=f"{title}<br>%{{y:.2f}} after {time}<extra></extra>",
        )
    majority = timed[0].majority
    if majority is not None and not with_front:
        figure.add_hline(y=kind.shown(majority), line=DOTTED)
    best, beaten = (
        "; ".join(
            f"{score.title} {kind.text(score.mean)} after {seconds_text(taken[score.strategy])}"
            for score in by_time
            if (score.strategy in front) == is_front
        )
        for is_front in (True, False)
    )
    words = f"{kind.heading} against the time of a whole run. On the Pareto front: {best}."
    if beaten:
        words += f" Another strategy is both better and faster than: {beaten}."
    frame = pd.DataFrame(
        {
            "strategy": score.title,
            "whole run (s)": taken[score.strategy],
            heading: kind.shown(score.mean),
            "on the Pareto front": "yes" if score.strategy in front else "no",
        }
        for score in by_time
    )
    return Exhibit(figure, words, frame)


def epoch_time_chart(comparison: Comparison) -> Exhibit:
    """Seconds of a steady epoch beside the seconds of feature extraction, on a log axis.

    An epoch on cached features looks nearly free; the diamond beside it is what the features
    cost once. Strategies without a clock (the majority class) are left out.
    """
    timed = [
        row
        for row in comparison.finished_rows
        if row.steady_epoch_seconds is not None or row.feature_seconds is not None
    ]
    frame = pd.DataFrame(
        [(row.title, row.steady_epoch_seconds, row.feature_seconds) for row in timed],
        columns=["strategy", "epoch (s)", "features (s)"],
    )
    rows = frame[::-1].reset_index(drop=True)
    clocks = (rows["epoch (s)"].dropna(), rows["features (s)"].dropna())
    figure = chart_of_rows(
        [wrapped(title) for title in rows["strategy"]],
        seconds_axis("time (log scale)", [seconds for clock in clocks for seconds in clock]),
        margin=MARGIN | {"r": 32},
        legend=LEGEND_ABOVE,
    )
    looks = (
        ("one epoch of training", "circle", "#643CFA", "top center"),
        ("extracting features, once", "diamond", "#D26E14", "bottom center"),
    )
    for clock, (name, symbol, colour, position) in zip(clocks, looks, strict=True):
        figure.add_scatter(
            name=name,
            x=[max(seconds, SMALLEST_SECONDS) for seconds in clock],
            y=clock.index,
            text=[seconds_text(seconds) for seconds in clock],
            customdata=[escape_plotly(title) for title in rows["strategy"][clock.index]],
            mode="markers+text",
            textposition=position,
            # A time that reaches over the edge of the plot stays legible.
            cliponaxis=False,
            marker={"symbol": symbol, "size": 12, "color": colour},
            hovertemplate=f"%{{customdata}}<br>{name}: %{{text}}<extra></extra>",
        )
    words = "; ".join(
        f"{row.title}: epoch {seconds_text(row.steady_epoch_seconds)}, features "
        f"{seconds_text(row.feature_seconds)}"
        for row in timed
    )
    return Exhibit(figure, f"{words}." if timed else NOTHING_YET, frame)


def _breakdown_line(row: StrategyTime) -> dict[str, object]:
    speed, memory = row.images_per_second, row.peak_memory_bytes
    source = "cached features" if row.trains_on_features else "pictures"
    return {
        "strategy": row.title,
        "seeds": seeds_text(row.seeds),
        "whole run (s)": row.parts.end_to_end,
        **{f"{look.title} (s)": getattr(row.parts, name) for name, look in PART_LOOKS.items()},
        "fastest (s)": row.fastest,
        "slowest (s)": row.slowest,
        "saved by the cache, all seeds (s)": row.cache_saved,
        "training speed (images/s)": speed,
        "trained on": None if speed is None else source,
        "peak memory (MB)": None if memory is None else memory / MEGABYTE,
    }
