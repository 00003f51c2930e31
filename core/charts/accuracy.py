"""Charts of how good every strategy is: a metric with its seeds, the ladder, the guessing game."""

import statistics
from collections.abc import Sequence

import pandas as pd

from core.analysis.comparison import Comparison
from core.analysis.guessing import PlayerScore
from core.analysis.metrics import METRICS, Metric
from core.analysis.scores import StrategyScore
from core.analysis.verdicts import LadderStep
from core.analysis.words.verdicts import describe_seeds, describe_step, points_text
from core.charts.exhibit import Exhibit
from core.charts.style import (
    FLAT_MARGIN,
    GREY,
    add_majority_line,
    bar_of,
    chart_of_rows,
    hundredfold,
    marker_of,
    percent_axis,
    row_label,
    whisker,
    zero_axis,
)
from core.text import count_text, escape_plotly, percent_text

NOTHING_YET = "No run has finished yet."
# Seeds are drawn below their mean, so that neither hides the other.
SEED_OFFSET = 0.26
# The visitor is no strategy: a neutral grey, legible on white and on the dark page.
VISITOR_MARKER = {"symbol": "asterisk-open", "color": GREY, "line": {"width": 2}, "size": 13}


def heading_of(kind: Metric) -> str:
    """A metric with its unit, for an axis or a column: ``test accuracy (%)``."""
    return f"{kind.title} ({_unit_of(kind)})"


def seeds_text(seeds: Sequence[int]) -> str:
    """``one seed`` or ``3 seeds``."""
    return "one seed" if len(seeds) == 1 else count_text(len(seeds), "seed")


def accuracy_scores(comparison: Comparison) -> tuple[StrategyScore, ...]:
    """Test accuracy of every strategy from the stored results alone.

    For experiments whose predictions cannot be read: ``score_table`` needs predictions.
    """
    scores = []
    for row in comparison.finished_rows:
        known = {run.seed: run.test_accuracy for run in row.runs if run.test_accuracy is not None}
        values = tuple(known.values())
        scores.append(
            StrategyScore(
                metric="accuracy",
                strategy=row.strategy,
                title=row.title,
                seeds=tuple(known),
                values=values,
                mean=statistics.fmean(values),
                deviation=statistics.stdev(values) if len(values) > 1 else None,
                low=row.test_accuracy_low,
                high=row.test_accuracy_high,
                majority=comparison.majority_accuracy,
            )
        )
    return tuple(scores)


def scores_chart(scores: Sequence[StrategyScore]) -> Exhibit:
    """One metric: each mean with its 95 % interval, every seed below it, the majority class."""
    kind = METRICS[scores[0].metric if scores else "accuracy"]
    rows = scores[::-1]
    heading = heading_of(kind)
    figure = chart_of_rows(
        [row_label(score.title, kind.text(score.mean)) for score in rows],
        percent_axis(heading, 103) if kind.unit == "percent" else zero_axis(heading),
    )
    for place, score in enumerate(rows):
        title, mean = escape_plotly(score.title), kind.shown(score.mean)
        figure.add_scatter(
            x=[kind.shown(value) for value in score.values],
            y=[place - SEED_OFFSET] * len(score.values),
            mode="markers",
            cliponaxis=False,
            marker=marker_of(score.strategy, 8, is_open=True),
            customdata=score.seeds,
            hovertemplate=f"{title}<br>seed %{{customdata}}: %{{x:.2f}}<extra></extra>",
        )
        figure.add_scatter(
            x=[mean],
            y=[place],
            mode="markers",
            cliponaxis=False,
            error_x=whisker(mean, _shown(kind, score.low), _shown(kind, score.high)),
            marker=marker_of(score.strategy),
            hovertemplate=(
                f"{title}<br>mean {kind.text(score.mean)}, {_details(kind, score)}<extra></extra>"
            ),
        )
    majority = scores[0].majority if scores else None
    words = f"{kind.heading} on the test images; {kind.better} is better. "
    if majority is not None:
        text = f"majority class: {kind.text(majority)}"
        add_majority_line(figure, kind.shown(majority), text, majority >= 0.5)
        words += f"{text.capitalize()}. "
    words += "; ".join(
        f"{score.title} {kind.text(score.mean)} ({_details(kind, score)})" for score in scores
    )
    return Exhibit(figure, f"{words}." if scores else NOTHING_YET, _scores_frame(kind, scores))


def ladder_chart(steps: Sequence[LadderStep]) -> Exhibit:
    """From the majority class at the bottom to the best: a bar from each accuracy to the next.

    The whisker is the 95 % interval of the step, drawn around where it ends.
    """
    figure = chart_of_rows(
        [row_label(step.title, percent_text(step.accuracy), _gain_text(step)) for step in steps],
        percent_axis("test accuracy (%)", 103),
        margin=FLAT_MARGIN,
    )
    for place, step in enumerate(steps):
        gain = step.accuracy if step.gain is None else step.gain
        figure.add_bar(
            x=[100 * gain],
            base=[100 * (step.accuracy - gain)],
            y=[place],
            width=0.5,
            orientation="h",
            marker=bar_of(step.strategy),
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=[100 * step.accuracy],
            y=[place],
            mode="markers",
            marker=marker_of(step.strategy, 11),
            error_x=whisker(100 * gain, hundredfold(step.low), hundredfold(step.high)),
            hovertemplate=f"{escape_plotly(describe_step(step))}<extra></extra>",
        )
    frame = pd.DataFrame(
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
    )
    return Exhibit(figure, " ".join(describe_step(step) for step in steps) or NOTHING_YET, frame)


def players_chart(scores: Sequence[PlayerScore]) -> Exhibit:
    """A round of the guessing game: correct images of each player in percent, from the top."""
    shown = scores[::-1]
    figure = chart_of_rows(
        [row_label(score.title, f"{score.correct} of {score.images}") for score in shown],
        percent_axis("correct (%), with 95 % interval", 103, lowest=-2),
        margin=FLAT_MARGIN | {"t": 8},
    )
    for place, score in enumerate(shown):
        mean = 100 * score.correct / score.images
        marker = VISITOR_MARKER if score.strategy is None else marker_of(score.strategy, 13)
        bar = whisker(mean, 100 * score.low, 100 * score.high) or {}
        figure.add_scatter(
            x=[mean],
            y=[place],
            mode="markers",
            marker=marker,
            error_x=bar | {"color": marker["color"]},
            hovertemplate=(
                f"{escape_plotly(score.title)}<br>{score.correct} of {score.images} correct, "
                f"interval {percent_text(score.low)} to {percent_text(score.high)}<extra></extra>"
            ),
        )
    frame = pd.DataFrame(
        {
            "player": score.title,
            "correct": score.correct,
            "of": score.images,
            "low (%)": 100 * score.low,
            "high (%)": 100 * score.high,
            "correct on all test pictures (%)": hundredfold(score.everywhere),
        }
        for score in scores
    )
    words = "; ".join(f"{score.title} {score.correct} of {score.images}" for score in scores)
    return Exhibit(figure, f"{words}.", frame)


def _unit_of(kind: Metric) -> str:
    return "%" if kind.unit == "percent" else kind.unit


def _details(kind: Metric, score: StrategyScore) -> str:
    """The interval, where it is known, and the seeds."""
    if score.low is None or score.high is None:
        return describe_seeds(score)
    return f"{kind.text(score.low)} to {kind.text(score.high)}, {describe_seeds(score)}"


def _scores_frame(kind: Metric, scores: Sequence[StrategyScore]) -> pd.DataFrame:
    """One line a strategy: mean, spread, interval, and every seed in a column of its own."""
    unit, spread = _unit_of(kind), "nats" if kind.unit == "nats" else "points"
    every = sorted({seed for score in scores for seed in score.seeds})
    lines = []
    for score in scores:
        by_seed = dict(zip(score.seeds, score.values, strict=True))
        lines.append(
            {
                "strategy": score.title,
                "seeds": seeds_text(score.seeds),
                f"mean ({unit})": kind.shown(score.mean),
                f"standard deviation ({spread})": _shown(kind, score.deviation),
                f"low ({unit})": _shown(kind, score.low),
                f"high ({unit})": _shown(kind, score.high),
            }
            | {f"seed {seed} ({unit})": _shown(kind, by_seed.get(seed)) for seed in every}
        )
    return pd.DataFrame(lines)


def _gain_text(step: LadderStep) -> str:
    """The gain in points; its interval is the whisker, and a number in the table."""
    if step.gain is None:
        return ""
    return f" ({'' if step.gain < 0 else '+'}{points_text(step.gain)})"


def _shown(kind: Metric, value: float | None) -> float | None:
    return None if value is None else kind.shown(value)
