"""The score of the guessing game as a figure, with its words and its table."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from core.charts.chart_rows import list_on_rows, whisker
from core.charts.result_charts import OUTLINE, solid_marker
from core.charts.style import appearance_of, percent_text, plain
from core.comparison.guessing import PlayerScore

# No strategy has it: grey of no meaning, readable on white and on the dark page.
VISITOR_COLOUR, VISITOR_MARKER = "#808890", "asterisk-open"
ROW_HEIGHT = 40


def score_chart(scores: Sequence[PlayerScore]) -> go.Figure:
    """One line a player, the visitor on top: right pictures in percent with their interval."""
    figure = go.Figure()
    shown = list(reversed(scores))
    for place, score in enumerate(shown):
        mean = 100 * score.right / score.pictures
        if score.strategy is None:
            marker = {"symbol": VISITOR_MARKER, "color": VISITOR_COLOUR, "line": {"width": 2}}
        else:
            look = appearance_of(score.strategy)
            marker = {
                "symbol": solid_marker(look.marker),
                "color": look.colour,
                "line": OUTLINE,
            }
        figure.add_scatter(
            x=[mean],
            y=[place],
            mode="markers",
            marker=marker | {"size": 13},
            error_x=whisker(mean, 100 * score.low, 100 * score.high) | {"color": marker["color"]},
            hovertemplate=(
                f"{plain(score.title)}<br>{score.right} of {score.pictures} right, interval "
                f"{percent_text(score.low)} to {percent_text(score.high)}<extra></extra>"
            ),
        )
    labels = [
        f"{plain(score.title)}<br><b>{score.right} of {score.pictures}</b>" for score in shown
    ]
    list_on_rows(figure, labels, ROW_HEIGHT)
    figure.update_xaxes(
        title="right in this round (%), with 95 % interval", range=[-2, 103], fixedrange=True
    )
    figure.update_layout(margin={"l": 8, "r": 16, "t": 8, "b": 48})
    return figure


def score_frame(scores: Sequence[PlayerScore]) -> pd.DataFrame:
    """One line a player; what does not apply is None."""
    return pd.DataFrame(
        [
            {
                "player": score.title,
                "right": score.right,
                "of": score.pictures,
                "low (%)": 100 * score.low,
                "high (%)": 100 * score.high,
                "right on all test pictures (%)": (
                    None if score.everywhere is None else 100 * score.everywhere
                ),
            }
            for score in scores
        ]
    )


def score_chart_words(scores: Sequence[PlayerScore]) -> str:
    """The figure for those who do not see it."""
    return "; ".join(f"{score.title} {score.right} of {score.pictures}" for score in scores) + "."
