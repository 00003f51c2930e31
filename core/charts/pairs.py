"""The matrix of all pairs of strategies: which differences are significant."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from core.analysis.verdicts import PairVerdict
from core.analysis.words.verdicts import TOLD_APART, describe_pair, points_text
from core.charts.exhibit import Exhibit
from core.charts.style import MARGIN
from core.text import escape_plotly

# Light fills that black text is legible on, in either theme: row behind, alike, row ahead.
BEHIND, ALIKE, AHEAD = "#F5B78A", "#D9D9D9", "#9ECAE9"
CELL = 64
# Room for the last slanted label, which leans out over the right edge.
RIGHT = 110


def pairs_chart(pairs: Sequence[PairVerdict]) -> Exhibit:
    """Every pair in a matrix: how many points the row is ahead of the column.

    An arrow up: the row is clearly ahead; down: clearly behind; ≈: neither.
    ``customdata`` of a cell holds the two names, row and column.
    """
    titles = _titles(pairs)
    names = list(titles)
    places = {name: position for position, name in enumerate(names)}
    shade: list[list[int | None]] = [[None] * len(names) for _ in names]
    text = [[""] * len(names) for _ in names]
    hover = [[""] * len(names) for _ in names]
    for pair in pairs:
        for row, column, ahead in (
            (pair.first, pair.second, -pair.difference),
            (pair.second, pair.first, pair.difference),
        ):
            direction = (1 if ahead > 0 else -1) if pair.told_apart else 0
            shade[places[row]][places[column]] = direction
            sign = {1: "▲", -1: "▼", 0: "≈"}[direction]
            text[places[row]][places[column]] = f"{sign} {points_text(abs(ahead))}"
            hover[places[row]][places[column]] = escape_plotly(describe_pair(pair))
    labels = [escape_plotly(title) for title in titles.values()]
    figure = go.Figure(
        go.Heatmap(
            z=shade,
            x=list(range(len(names))),
            y=list(range(len(names))),
            zmin=-1,
            zmax=1,
            colorscale=[[0.0, BEHIND], [0.5, ALIKE], [1.0, AHEAD]],
            showscale=False,
            text=text,
            texttemplate="%{text}",
            textfont={"color": "#000000"},
            hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
            customdata=[[[row, column] for column in names] for row in names],
            xgap=2,
            ygap=2,
        )
    )
    places_of = list(range(len(names)))
    figure.update_xaxes(
        tickvals=places_of, ticktext=labels, side="top", tickangle=-40, fixedrange=True
    )
    figure.update_yaxes(
        tickvals=places_of, ticktext=labels, autorange="reversed", automargin=True, fixedrange=True
    )
    figure.update_xaxes(automargin=True, showgrid=False, zeroline=False)
    figure.update_yaxes(showgrid=False, zeroline=False)
    figure.update_layout(
        height=160 + CELL * max(2, len(names)), margin=MARGIN | {"t": 24, "r": RIGHT}
    )
    frame = pd.DataFrame(
        {
            "first": pair.first_title,
            "second": pair.second_title,
            "second minus first (points)": 100 * pair.difference,
            TOLD_APART: "yes" if pair.told_apart else "no",
            "p after Holm": pair.adjusted_p_value,
            "p": pair.p_value,
            "fixed (images)": pair.fixed,
            "regressed (images)": pair.regressed,
            "in words": describe_pair(pair),
        }
        for pair in pairs
    )
    words = " ".join(describe_pair(pair) for pair in pairs) or "There is no pair to compare yet."
    return Exhibit(figure, words, frame)


def _titles(pairs: Sequence[PairVerdict]) -> dict[str, str]:
    """Names and titles of the strategies in the order of the pairs."""
    titles: dict[str, str] = {}
    for pair in pairs:
        titles.setdefault(pair.first, pair.first_title)
    for pair in pairs:
        titles.setdefault(pair.second, pair.second_title)
    return titles
