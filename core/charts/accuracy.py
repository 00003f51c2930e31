"""Plotly figures of the evidence: every single seed, and the steps of the ladder.

Each figure has its words for those who hear the page, and its frame with units in the headings.
Font and background come from whoever shows them; colours are legible on light and dark.
"""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from core.charts.chart_rows import hundredfold, list_on_rows, whisker
from core.charts.result_charts import OUTLINE, solid_marker
from core.charts.style import MAJORITY_COLOUR, appearance_of, percent_text, plain
from core.comparison.ladder import LadderStep
from core.comparison.score_kinds import SCORES, ScoreKind
from core.comparison.scores import StrategyScore
from core.comparison.verdict_words import interval_words, points_text

# Seeds stand under their mean, so that neither hides the other.
SEED_OFFSET = 0.26


def seeds_chart(scores: Sequence[StrategyScore]) -> go.Figure:
    """One measure: every seed as a point, the mean with its interval, the majority class's line."""
    figure = go.Figure()
    if not scores:
        return figure
    kind = SCORES[scores[0].score]
    # From the top: the first rung has the highest position.
    for position, score in zip(range(len(scores) - 1, -1, -1), scores, strict=True):
        _add_score(figure, kind, score, position)
    majority = scores[0].majority
    if majority is not None:
        _add_majority_line(figure, kind, majority)
    unit = "%" if kind.unit == "percent" else kind.unit
    figure.update_xaxes(title=f"{kind.title} ({unit})", fixedrange=True, rangemode="tozero")
    if kind.unit == "percent":
        figure.update_xaxes(range=[0, 103])
    list_on_rows(
        figure,
        [f"{plain(score.title)}<br><b>{kind.text(score.mean)}</b>" for score in reversed(scores)],
    )
    return figure


def seeds_words(scores: Sequence[StrategyScore]) -> str:
    """Every mean with its interval and its seeds."""
    if not scores:
        return "No run has finished yet."
    kind = SCORES[scores[0].score]
    rows = "; ".join(
        f"{score.title} {kind.text(score.mean)} ({_range_words(kind, score)}{score.seeds_words})"
        for score in scores
    )
    majority = scores[0].majority
    start = f"{kind.title.capitalize()} on the test images; {kind.better} is better. "
    if majority is not None:
        start += f"Always the commonest class: {kind.text(majority)}. "
    return f"{start}{rows}."


def seeds_frame(scores: Sequence[StrategyScore]) -> pd.DataFrame:
    """One line a strategy: mean, spread, interval, and every seed in a column of its own."""
    kind = SCORES[scores[0].score] if scores else SCORES["accuracy"]
    unit = "%" if kind.unit == "percent" else kind.unit
    spread = "nats" if kind.unit == "nats" else "points"
    every = sorted({seed for score in scores for seed in score.seeds})
    lines = []
    for score in scores:
        by_seed = dict(zip(score.seeds, score.values, strict=True))
        line: dict[str, object] = {
            "strategy": score.title,
            "seeds": "one seed" if len(score.seeds) == 1 else f"{len(score.seeds)} seeds",
            f"mean ({unit})": kind.shown(score.mean),
            f"standard deviation ({spread})": _shown(kind, score.deviation),
            f"low ({unit})": _shown(kind, score.low),
            f"high ({unit})": _shown(kind, score.high),
        }
        line |= {f"seed {seed} ({unit})": _shown(kind, by_seed.get(seed)) for seed in every}
        lines.append(line)
    return pd.DataFrame(lines)


def ladder_chart(steps: Sequence[LadderStep]) -> go.Figure:
    """From the majority class at the bottom to the best: a bar from each accuracy to the next.

    The whisker is the 95 % interval of the step, drawn around where it ends.
    """
    figure = go.Figure()
    for position, step in enumerate(steps):
        look = appearance_of(step.strategy)
        gain = step.accuracy if step.gain is None else step.gain
        figure.add_bar(
            x=[100 * gain],
            base=[100 * (step.accuracy - gain)],
            y=[position],
            width=0.5,
            orientation="h",
            marker={"color": look.colour, "line": OUTLINE},
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=[100 * step.accuracy],
            y=[position],
            mode="markers",
            marker={
                "symbol": solid_marker(look.marker),
                "size": 11,
                "color": look.colour,
                "line": OUTLINE,
            },
            error_x=_gain_bar(step),
            hovertemplate=f"{plain(step.words)}<extra></extra>",
        )
    figure.update_xaxes(title="test accuracy (%)", range=[0, 103], fixedrange=True)
    list_on_rows(
        figure,
        [
            f"{plain(step.title)}<br><b>{percent_text(step.accuracy)}</b>{_gain_text(step)}"
            for step in steps
        ],
    )
    return figure


def ladder_words(steps: Sequence[LadderStep]) -> str:
    """The sentences of all steps."""
    return " ".join(step.words for step in steps) if steps else "No run has finished yet."


def ladder_frame(steps: Sequence[LadderStep]) -> pd.DataFrame:
    """One line a step, from the majority class up."""
    return pd.DataFrame(
        [
            {
                "step": step.title,
                "test accuracy (%)": 100 * step.accuracy,
                "over": step.over or "",
                "gain (points)": hundredfold(step.gain),
                "low (points)": hundredfold(step.low),
                "high (points)": hundredfold(step.high),
                "over majority (points)": 100 * step.over_majority,
                "what it teaches": step.teaches,
            }
            for step in steps
        ]
    )


def _add_score(figure: go.Figure, kind: ScoreKind, score: StrategyScore, position: int) -> None:
    look, title = appearance_of(score.strategy), plain(score.title)
    figure.add_scatter(
        x=[kind.shown(value) for value in score.values],
        y=[position - SEED_OFFSET] * len(score.values),
        mode="markers",
        cliponaxis=False,
        marker={"symbol": f"{solid_marker(look.marker)}-open", "size": 8, "color": look.colour},
        customdata=list(score.seeds),
        hovertemplate=f"{title}<br>seed %{{customdata}}: %{{x:.2f}}<extra></extra>",
    )
    mean = kind.shown(score.mean)
    interval = None
    if score.low is not None and score.high is not None:
        interval = whisker(mean, kind.shown(score.low), kind.shown(score.high))
    figure.add_scatter(
        x=[mean],
        y=[position],
        mode="markers",
        cliponaxis=False,
        error_x=interval,
        marker={
            "symbol": solid_marker(look.marker),
            "size": 12,
            "color": look.colour,
            "line": OUTLINE,
        },
        hovertemplate=(
            f"{title}<br>mean {kind.text(score.mean)}, {_range_words(kind, score)}"
            f"{score.seeds_words}<extra></extra>"
        ),
    )


def _add_majority_line(figure: go.Figure, kind: ScoreKind, majority: float) -> None:
    figure.add_vline(
        x=kind.shown(majority), line={"dash": "dot", "width": 2, "color": MAJORITY_COLOUR}
    )
    figure.add_annotation(
        x=kind.shown(majority),
        y=1,
        yref="paper",
        yanchor="bottom",
        xanchor="left" if majority < 0.5 else "right",
        showarrow=False,
        text=f"majority class: {kind.text(majority)}",
    )


def _range_words(kind: ScoreKind, score: StrategyScore) -> str:
    if score.low is None or score.high is None:
        return ""
    return f"{kind.text(score.low)} to {kind.text(score.high)}, "


def _gain_bar(step: LadderStep) -> dict[str, object] | None:
    if step.gain is None or step.low is None or step.high is None:
        return None
    return whisker(100 * step.gain, 100 * step.low, 100 * step.high)


def _gain_text(step: LadderStep) -> str:
    if step.gain is None or step.low is None or step.high is None:
        return ""
    sign = "" if step.gain < 0 else "+"
    return f" ({sign}{points_text(step.gain)}, {interval_words(step.low, step.high)})"


def _shown(kind: ScoreKind, value: float | None) -> float | None:
    return None if value is None else kind.shown(value)
