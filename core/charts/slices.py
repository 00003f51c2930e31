"""Slices of the test images, a row each: where one strategy is ahead, how good each is there."""

from collections.abc import Sequence

import pandas as pd

from core.analysis.slice_gains import Difference, SliceGain, SliceGains
from core.analysis.slices import Slice, SliceAccuracy
from core.analysis.verdicts import Outcome
from core.analysis.words.slices import NO_SLICES, PROPERTY_TITLES, describe_slice_gain, slice_title
from core.analysis.words.verdicts import TOLD_APART, points_text, signed_points
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    FLAT_MARGIN,
    LEGEND_ABOVE,
    MARGIN,
    UPRIGHT,
    chart_of_rows,
    hundredfold,
    marker_of,
    percent_axis,
    whisker,
    whiskers,
    wrapped,
)
from core.text import escape_plotly, percent_text

# Rows that fit one chart; the table has all.
MOST_GAINS, MOST_ROWS = 20, 40
ROW_HEIGHT = 40
# Pixels for each strategy in a row, and for the lines of the legend.
MARKER_HEIGHT, LEGEND_LINE = 16, 19
# More whiskers than this would hide each other.
MOST_WHISKERS = 80
_ROOM, _SHORTEST = 3.0, 5.0
_SPREAD = 0.7
DIFFERS = "Larger or smaller than on the other images"
AHEAD, BEHIND, LEVEL = "Ahead", "Behind", f"Cannot be {TOLD_APART}"


def sections_of(gains: SliceGains) -> dict[str, tuple[SliceGain, ...]]:
    """What holds after Holm comes first; the largest difference first in each section."""
    first = gains.elsewhere_differs
    others = {
        AHEAD: gains.with_outcome(Outcome.AHEAD),
        BEHIND: gains.with_outcome(Outcome.BEHIND),
        LEVEL: gains.with_outcome(Outcome.TIED),
    }
    return {DIFFERS: first} | {
        heading: tuple(one for one in entries if one not in first)
        for heading, entries in others.items()
    }


def slice_gains_chart(gains: SliceGains, overall: float, classes: Sequence[str]) -> Exhibit:
    """How many points ``second`` is ahead in each slice, with the 95 % interval.

    Filled markers are told apart from 0 after Holm. The thin line is 0, the dotted one ``overall``,
    the difference (-1 to 1) on all test images. The table has the slices that are not drawn, too.
    """
    sections = sections_of(gains)
    rows: list[tuple[str, SliceGain | None]] = []
    room = MOST_GAINS
    for heading, entries in sections.items():
        shown = entries[: max(0, room)]
        room -= len(shown)
        rows += [(heading, None), *((heading, one) for one in shown)] if shown else []
    rows.reverse()
    labels = [
        escape_plotly(heading) if one is None else _label(one.of, classes) for heading, one in rows
    ]
    figure = chart_of_rows(
        ["" if one is None else label for label, (_, one) in zip(labels, rows, strict=True)],
        {"title": "points ahead", "range": _range([one for _, one in rows if one], overall)},
        row_height=ROW_HEIGHT,
        margin=FLAT_MARGIN,
    )
    tests = [place for place, (_, one) in enumerate(rows) if one]
    figure.update_yaxes(tickvals=tests, ticktext=[labels[place] for place in tests])
    figure.add_vline(x=0, line=DOTTED | {"dash": "solid", "width": 1})
    figure.add_vline(x=100 * overall, line=DOTTED)
    for place, (_, one) in enumerate(rows):
        if one is None:
            figure.add_annotation(
                x=0,
                xref="paper",
                y=place,
                xanchor="left",
                yanchor="middle",
                showarrow=False,
                text=f"<b>{labels[place]}</b>",
            )
            continue
        points = 100 * one.gain.value
        look = marker_of(gains.second, 13, is_open=one.gain.outcome is Outcome.TIED)
        bar = whisker(points, 100 * one.gain.low, 100 * one.gain.high) or {}
        words = escape_plotly(describe_slice_gain(one, gains, classes))
        figure.add_scatter(
            x=[points],
            y=[place],
            mode="markers+text",
            text=[signed_points(one.gain.value)],
            textposition="top center",
            cliponaxis=False,
            marker={"line": {"width": 2, "color": look["color"]}} | look,
            error_x=bar | {"color": look["color"]},
            hovertemplate=f"{words}<extra></extra>",
        )
    frame = slice_gains_frame(gains, classes)
    return Exhibit(figure, _gain_words(gains, sections, classes), frame)


def slice_gains_frame(gains: SliceGains, classes: Sequence[str]) -> pd.DataFrame:
    """One line a slice, in the order of the chart."""
    entries = [one for found in sections_of(gains).values() for one in found]
    return pd.DataFrame(
        {
            "slice": slice_title(one.of, classes),
            "test images": one.images,
            "second (%)": 100 * one.second_accuracy,
            "first (%)": 100 * one.first_accuracy,
            "second minus first (points)": 100 * one.gain.value,
            "low (points)": 100 * one.gain.low,
            "high (points)": 100 * one.gain.high,
            TOLD_APART: _yes(one.gain.outcome is not Outcome.TIED),
            "p after Holm": one.gain.adjusted_p_value,
            "elsewhere (points)": hundredfold(one.elsewhere),
            **_beyond(one.beyond),
            "fixed (images)": one.fixed,
            "regressed (images)": one.regressed,
        }
        for one in entries
    )


def slice_accuracy_chart(
    accuracies: Sequence[SliceAccuracy], slices: Sequence[Slice], classes: Sequence[str]
) -> Exhibit:
    """Test accuracy of every strategy in the slices of one property, with 95 % intervals.

    ``slices`` are those of the property, at most ``MOST_ROWS`` are drawn; ``accuracies`` may have
    others, which are left out. With very many markers the intervals are in the table alone.
    """
    places = {one.key: one for one in slices}
    known = [one for one in accuracies if one.key in places]
    strategies = {one.strategy: one.title for one in known}
    shown = list(slices[:MOST_ROWS])[::-1]
    figure = chart_of_rows(
        [f"{_label(one, classes)}<br>n = {one.images:,}" for one in shown],
        percent_axis("test accuracy (%)", 103, lowest=-3),
        row_height=max(ROW_HEIGHT, MARKER_HEIGHT * len(strategies)),
        room=FLAT_MARGIN["t"] - MARGIN["t"] + LEGEND_LINE * len(strategies),
        margin=FLAT_MARGIN | {"t": FLAT_MARGIN["t"] + LEGEND_LINE * len(strategies)},
        legend=LEGEND_ABOVE | UPRIGHT,
    )
    with_whiskers = len(shown) * len(strategies) <= MOST_WHISKERS
    for number, (strategy, title) in enumerate(strategies.items()):
        shift = _SPREAD * (0.5 - (number + 0.5) / len(strategies))
        by_key = {one.key: one for one in known if one.strategy == strategy}
        rows = [by_key[one.key] for one in shown]
        means = [100 * row.accuracy for row in rows]
        lows, highs = [100 * row.low for row in rows], [100 * row.high for row in rows]
        look = marker_of(strategy, 10)
        figure.add_scatter(
            name=escape_plotly(title),
            x=means,
            y=[place + shift for place in range(len(rows))],
            mode="markers",
            cliponaxis=False,
            error_x=whiskers(means, lows, highs) | {"color": look["color"]}
            if with_whiskers and rows
            else None,
            marker=look,
            customdata=[
                f"{_label(one, classes).replace('<br>', ' ')}, {escape_plotly(title)}: "
                f"{_interval(row)}"
                for one, row in zip(shown, rows, strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    frame = slice_accuracies_frame(known, slices, classes)
    return Exhibit(figure, _accuracy_words(known, slices, classes), frame)


def slice_accuracies_frame(
    accuracies: Sequence[SliceAccuracy], slices: Sequence[Slice], classes: Sequence[str]
) -> pd.DataFrame:
    """One line for each slice and strategy."""
    known = {one.key: one for one in slices}
    return pd.DataFrame(
        {
            "slice": slice_title(known[one.key], classes),
            "test images": one.images,
            "strategy": one.title,
            "test accuracy (%)": 100 * one.accuracy,
            "low (%)": 100 * one.low,
            "high (%)": 100 * one.high,
            "seeds": one.seeds,
        }
        for one in accuracies
    )


def _beyond(found: Difference | None) -> dict[str, float | str | None]:
    """The columns of the second question; nothing where it was not asked."""
    return {
        "more than elsewhere (points)": 100 * found.value if found else None,
        "more, low (points)": 100 * found.low if found else None,
        "more, high (points)": 100 * found.high if found else None,
        "differs from elsewhere": _yes(found.outcome is not Outcome.TIED) if found else None,
        "p of that after Holm": found.adjusted_p_value if found else None,
    }


def _label(one: Slice, classes: Sequence[str]) -> str:
    return wrapped(slice_title(one, classes))


def _interval(row: SliceAccuracy) -> str:
    low, high = percent_text(row.low), percent_text(row.high)
    return f"{percent_text(row.accuracy)} ({low} to {high})"


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _range(entries: Sequence[SliceGain], overall: float) -> list[float]:
    ends = [100 * end for one in entries for end in (one.gain.low, one.gain.high, one.gain.value)]
    ends.append(100 * overall)
    return [min([-_SHORTEST, *ends]) - _ROOM, max([_SHORTEST, *ends]) + _ROOM]


def _gain_words(
    gains: SliceGains, sections: dict[str, tuple[SliceGain, ...]], classes: Sequence[str]
) -> str:
    if not gains.entries:
        return NO_SLICES
    found = [
        f"{heading}: "
        + "; ".join(
            f"{slice_title(one.of, classes)} {signed_points(one.gain.value)} "
            f"({points_text(one.gain.low)} to {points_text(one.gain.high)})"
            for one in entries
        )
        for heading, entries in sections.items()
        if entries
    ]
    lead = (
        f"How many points {gains.second_title} is ahead of {gains.first_title}, with 95 % "
        "intervals."
    )
    return f"{lead} {'. '.join(found)}."


def _accuracy_words(
    accuracies: Sequence[SliceAccuracy], slices: Sequence[Slice], classes: Sequence[str]
) -> str:
    if not accuracies:
        return NO_SLICES
    found = []
    for one in slices:
        values = "; ".join(
            f"{row.title} {_interval(row)}" for row in accuracies if row.key == one.key
        )
        found.append(f"{slice_title(one, classes)} ({one.images:,} images): {values}")
    title = PROPERTY_TITLES[slices[0].kind]
    return f"Test accuracy by {title}, with 95 % intervals. {'. '.join(found)}."
