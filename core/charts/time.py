"""Charts of time: where it went, what accuracy it bought, and what one epoch takes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from core.analysis.comparison import MEGABYTE, Comparison
from core.analysis.scores import StrategyScore
from core.analysis.time_breakdown import StrategyTime, TimeBreakdown
from core.analysis.words.several import ratio_text
from core.charts.accuracy import NOTHING_YET, seeds_text
from core.charts.cost import WHOLE_RUN, cost_chart
from core.charts.exhibit import Exhibit
from core.charts.style import (
    LEGEND_ABOVE,
    MAJORITY_COLOUR,
    MARGIN,
    OUTLINE,
    SMALLEST_SECONDS,
    chart_of_rows,
    row_label,
    seconds_axis,
    wrapped,
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

    The table also has what the cache saved, the speed and the memory, and where a time was
    disturbed, which ones.
    """
    rows = breakdown.rows[::-1]
    figure = chart_of_rows(
        [row_label(row.title, _whole_run_text(row)) for row in rows],
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
    if disturbed_runs(breakdown):
        frame["disturbed"] = ["yes" if row.is_disturbed else "no" for row in breakdown.rows]
    spent = "; ".join(
        f"{row.title}: {_whole_run_text(row)} ({parts_text(vars(row.parts))})"
        for row in breakdown.rows
    )
    words = f"Time of one whole run. {spent}." if spent else NOTHING_YET
    return Exhibit(figure, words, frame)


def time_summary(breakdown: TimeBreakdown) -> str:
    """One sentence: the fastest and the slowest strategy that trains, and how far apart they are.

    Times that were disturbed are not compared. Empty where none trains.
    """
    trained = [row for row in breakdown.rows if row.strategy != MAJORITY]
    rows = [row for row in trained if not row.is_disturbed]
    if not rows:
        return "All times were disturbed, so they are not compared." if trained else ""
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


def _whole_run_text(row: StrategyTime) -> str:
    return seconds_text(row.parts.end_to_end, row.is_disturbed)


def costs_frame(breakdown: TimeBreakdown) -> pd.DataFrame:
    """One line a strategy, one column a target: the time as text, ``never`` if it was not reached.

    With several seeds it says how many of them reached it.
    """
    lines = []
    for row in breakdown.rows:
        line = {"strategy": row.title}
        for cost in breakdown.costs_of(row.strategy):
            column = f"{cost.target.title} ({percent_text(cost.target.accuracy)})"
            text = "never"
            if cost.seconds is not None:
                text = seconds_text(cost.seconds, cost.is_disturbed)
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
        reached = sorted(
            (cost.seconds, cost.title, cost.is_disturbed)
            for cost in costs
            if cost.seconds is not None
        )
        never = [cost.title for cost in costs if cost.seconds is None]
        words = ", ".join(
            f"{title} after {seconds_text(seconds, is_disturbed)}"
            for seconds, title, is_disturbed in reached
        )
        missed = f"; never: {', '.join(never)}" if never else ""
        sentences.append(
            f"{percent_text(target.accuracy)} ({target.title}): {words or 'no strategy'}{missed}."
        )
    return "Time until validation accuracy first reached each target. " + " ".join(sentences)


def whole_run_seconds(breakdown: TimeBreakdown) -> dict[str, float]:
    """Seconds of a whole run by strategy, extraction of the features always counted."""
    return {row.strategy: row.parts.end_to_end for row in breakdown.rows}


def disturbed_runs(breakdown: TimeBreakdown) -> frozenset[str]:
    """The strategies whose whole run something else made longer, in every seed."""
    return frozenset(row.strategy for row in breakdown.rows if row.is_disturbed)


def accuracy_time_chart(
    scores: Sequence[StrategyScore],
    seconds: Mapping[str, float],
    with_front: bool = True,
    disturbed: Collection[str] = (),
) -> Exhibit:
    """A metric against ``seconds``, the time of a whole run by strategy; see ``cost_chart``."""
    return cost_chart(scores, seconds, WHOLE_RUN, with_front, disturbed=disturbed)


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
        ("one epoch of training", "circle", "#643CFA", "top center", "steady_epoch_seconds"),
        ("extracting features, once", "diamond", "#D26E14", "bottom center", "feature_seconds"),
    )
    for clock, (name, symbol, colour, position, field) in zip(clocks, looks, strict=True):
        spoilt = [field in timed[::-1][place].disturbed for place in clock.index]
        figure.add_scatter(
            name=name,
            x=[max(seconds, SMALLEST_SECONDS) for seconds in clock],
            y=clock.index,
            text=[seconds_text(*entry) for entry in zip(clock, spoilt, strict=True)],
            customdata=[escape_plotly(title) for title in rows["strategy"][clock.index]],
            mode="markers+text",
            textposition=position,
            # A time that reaches over the edge of the plot stays legible.
            cliponaxis=False,
            marker={
                "symbol": [f"{symbol}-open" if each else symbol for each in spoilt],
                "size": 12,
                "color": colour,
            },
            hovertemplate=f"%{{customdata}}<br>{name}: %{{text}}<extra></extra>",
        )
    words = "; ".join(
        f"{row.title}: epoch {row.time_text('steady_epoch_seconds')}, features "
        f"{row.time_text('feature_seconds')}"
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
