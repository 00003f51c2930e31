"""A race as a chart: accuracy on validation images against training images, and who was dropped."""

import math

import pandas as pd
import plotly.graph_objects as go

from core.analysis.advice.race.request import Race, Verdict
from core.analysis.advice.race.rule import Racer
from core.analysis.comparison import title_of
from core.analysis.words.race import scored_words, verdict_words
from core.charts.exhibit import Exhibit
from core.charts.style import (
    LEGEND_BELOW,
    MARGIN,
    appearance_of,
    count_axis,
    empty_chart,
    hundredfold,
    line_of,
    marker_of,
    percent_axis,
    whiskers,
)
from core.text import count_text, escape_plotly, percent_text

# More for each entry of the legend, which takes a line of its own on a telephone.
HEIGHT, ENTRY_HEIGHT = 380, 20
FADED = 0.45
# Points of a straight line on an axis of logarithms, where it is bent.
_BENDS = 12


def race_chart(race: Race) -> Exhibit:
    """A line for each strategy with its intervals. Who was dropped is faint, with the optimistic
    line that was not enough, dotted on to all training images."""
    status = race.status
    shown = [one for one in status.racers if one.points]
    counts = [float(size) for size in (*race.spec.sizes, race.spec.train_images)]
    axis = count_axis("training images", counts)
    axis |= {"tickvals": counts, "ticktext": [f"{round(count):,}" for count in counts]}
    axis["range"] = [math.log10(min(counts)) - 0.06, math.log10(max(counts)) + 0.06]
    points = [point for one in shown for point in one.scored]
    figure = empty_chart(
        HEIGHT + ENTRY_HEIGHT * len(shown),
        axis,
        percent_axis(
            "validation images correct (%)",
            100 * max((point.high for point in points), default=1.0) + 3,
            100 * min((point.low for point in points), default=0.0) - 3,
        ),
        margin=MARGIN | {"t": 24},
        legend=LEGEND_BELOW,
    )
    for one in shown:
        title, scored = escape_plotly(title_of(one.strategy)), one.scored
        is_out = race.verdict(one) in (Verdict.DROPPED, Verdict.FAILED)
        bars = whiskers(
            [100 * point.accuracy for point in scored],
            [100 * point.low for point in scored],
            [100 * point.high for point in scored],
        )
        figure.add_scatter(
            name=f"{title} (dropped)" if one.dropped else title,
            legendgroup=one.strategy,
            x=[point.images for point in scored],
            y=[100 * point.accuracy for point in scored],
            mode="lines+markers",
            cliponaxis=False,
            opacity=FADED if is_out else 1.0,
            line=line_of(one.strategy),
            marker=marker_of(one.strategy),
            error_y=bars | {"color": appearance_of(one.strategy).colour, "thickness": 1},
            hovertext=[
                f"{title}, {count_text(point.images, 'training image')}: "
                f"{escape_plotly(scored_words(point))}<br>"
                f"{escape_plotly(verdict_words(race, one))}"
                for point in scored
            ],
            hoverinfo="text",
        )
        if one.dropped is not None:
            _add_optimistic_line(figure, one, race.spec.train_images)
    words = "; ".join(
        f"{title_of(one.strategy)} "
        + ", ".join(f"{percent_text(point.accuracy)} of {point.images:,}" for point in one.scored)
        + f", {verdict_words(race, one)}"
        for one in shown
    )
    frame = pd.DataFrame(
        {
            "strategy": title_of(one.strategy),
            "training images": point.images,
            "correct (%)": 100 * point.accuracy,
            "low (%)": 100 * point.low,
            "high (%)": 100 * point.high,
            "time (s)": point.seconds,
        }
        for one in shown
        for point in one.scored
    )
    described = f"Accuracy on validation images by training images: {words}."
    return Exhibit(figure, described if shown else "No training is done yet.", frame)


def race_frame(race: Race) -> pd.DataFrame:
    """One line a strategy: its last point, where its optimistic line ends, and what follows."""
    frame = pd.DataFrame(
        {
            "strategy": title_of(one.strategy),
            "training images": one.last.images if one.last else None,
            "correct (%)": hundredfold(one.last.accuracy if one.last else None),
            "low (%)": hundredfold(one.last.low if one.last else None),
            "high (%)": hundredfold(one.last.high if one.last else None),
            "optimistic, on all images (%)": hundredfold(one.line),
            "verdict": verdict_words(race, one),
        }
        for one in race.status.racers
    )
    # A count that is missing must not make fractions of the others.
    return frame.astype({"training images": "Int64"})


def _add_optimistic_line(figure: go.Figure, one: Racer, train_images: int) -> None:
    drop = one.dropped
    start = next((point for point in one.scored if drop and point.images == drop.images), None)
    if drop is None or start is None:
        return
    steps = [step / _BENDS for step in range(_BENDS + 1)]
    figure.add_scatter(
        name="",
        legendgroup=one.strategy,
        showlegend=False,
        x=[start.images + step * (train_images - start.images) for step in steps],
        y=[100 * (start.high + step * (drop.line - start.high)) for step in steps],
        mode="lines",
        cliponaxis=False,
        opacity=FADED,
        line={"color": appearance_of(one.strategy).colour, "dash": "dot", "width": 1},
        hoverinfo="skip",
    )
