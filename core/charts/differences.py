"""Pairs of strategies, a row each: how far the second is ahead of the first, and how certainly."""

from collections.abc import Mapping, Sequence

import pandas as pd

from core.analysis.verdicts import PairVerdict
from core.analysis.words.verdicts import TOLD_APART, describe_pair, signed_points
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    FLAT_MARGIN,
    add_heading,
    chart_of_rows,
    hundredfold,
    marker_of,
    whisker,
    wrapped,
)
from core.text import escape_plotly

# A label of two lines.
ROW_HEIGHT = 40
NO_PAIR = "There is no pair to compare yet."
# Points beyond the ends of the whiskers, and the shortest axis to either side.
_ROOM, _SHORTEST = 3.0, 5.0


def differences_chart(sections: Mapping[str, Mapping[str, PairVerdict]]) -> Exhibit:
    """The pairs of each section, by the label of their row, from the top below its heading.

    The marker is the second strategy's, at its difference in points; the whisker is the 95 %
    interval over images and seeds. Filled markers are told apart after Holm.
    """
    rows: list[tuple[str, PairVerdict | None]] = []
    for heading, pairs in sections.items():
        rows += [(heading, None), *pairs.items()] if pairs else []
    rows.reverse()
    figure = chart_of_rows(
        ["" if pair is None else wrapped(label) for label, pair in rows],
        {"title": "points ahead", "range": _range([pair for _, pair in rows if pair])},
        row_height=ROW_HEIGHT,
        margin=FLAT_MARGIN,
    )
    # No line of the grid runs through a heading.
    tests = [place for place, (_, pair) in enumerate(rows) if pair]
    figure.update_yaxes(tickvals=tests, ticktext=[wrapped(rows[place][0]) for place in tests])
    figure.add_vline(x=0, line=DOTTED)
    for place, (label, pair) in enumerate(rows):
        if pair is None:
            add_heading(figure, place, escape_plotly(label))
            continue
        points = 100 * pair.difference
        look = marker_of(pair.second, 13, is_open=not pair.told_apart)
        bar = whisker(points, hundredfold(pair.low), hundredfold(pair.high)) or {}
        figure.add_scatter(
            x=[points],
            y=[place],
            mode="markers+text",
            text=[signed_points(pair.difference)],
            textposition="top center",
            cliponaxis=False,
            marker={"line": {"width": 2, "color": look["color"]}} | look,
            error_x=bar | {"color": look["color"]},
            hovertemplate=f"{escape_plotly(describe_pair(pair))}<extra></extra>",
        )
    return Exhibit(figure, _words(sections), differences_frame(sections))


def differences_frame(sections: Mapping[str, Mapping[str, PairVerdict]]) -> pd.DataFrame:
    """One line a pair; ``difference`` is second minus first."""
    return pd.DataFrame(
        {
            "question": heading,
            "second": pair.second_title,
            "first": pair.first_title,
            "second minus first (points)": 100 * pair.difference,
            "low (points)": hundredfold(pair.low),
            "high (points)": hundredfold(pair.high),
            TOLD_APART: "yes" if pair.told_apart else "no",
            "p after Holm": pair.adjusted_p_value,
            "p": pair.p_value,
            "fixed (images)": pair.fixed,
            "regressed (images)": pair.regressed,
        }
        for heading, pairs in sections.items()
        for pair in pairs.values()
    )


def _range(pairs: Sequence[PairVerdict]) -> list[float]:
    """The same room on both sides of 0 would waste half of it: each side is as long as needed."""
    ends = [
        100 * end
        for pair in pairs
        for end in (pair.difference, pair.low, pair.high)
        if end is not None
    ]
    return [min([-_SHORTEST, *ends]) - _ROOM, max([_SHORTEST, *ends]) + _ROOM]


def _words(sections: Mapping[str, Mapping[str, PairVerdict]]) -> str:
    found = [
        f"{heading}: {' '.join(map(describe_pair, pairs.values()))}"
        for heading, pairs in sections.items()
        if pairs
    ]
    return " ".join(found) or NO_PAIR
