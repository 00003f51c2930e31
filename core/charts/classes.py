"""Figures over the classes of the test images, and over how far confidence can be trusted."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from core.charts.chart_rows import hundredfold, list_on_rows, whisker
from core.charts.result_charts import (
    LEGEND_ABOVE,
    MARGIN,
    OUTLINE,
    legend_below,
    solid_marker,
)
from core.charts.style import MAJORITY_COLOUR, appearance_of, percent_text, plain
from core.comparison.scores import ClassScore, ReliabilityBin
from core.comparison.tables import title_of

# Classes that fit one chart; of more, those that were recognised least are drawn.
MOST_CLASSES = 40
# Strategies stand a little above each other on the line of a class.
_SPREAD = 0.5
_LINE_HEIGHT = 30
_LEGEND_HEIGHT = 90


def charted_classes(tables: Mapping[str, Sequence[ClassScore]]) -> list[int]:
    """Labels that the chart shows, those recognised least by the first strategy first.

    All that have test images, up to ``MOST_CLASSES``.
    """
    first = next(iter(tables.values()), ())
    known = [(entry.recall, entry.label) for entry in first if entry.recall is not None]
    return [label for _, label in sorted(known)][:MOST_CLASSES]


def recall_chart(tables: Mapping[str, Sequence[ClassScore]]) -> go.Figure:
    """Share of each class's test images that were named right, with Wilson intervals.

    ``tables`` are ``per_class_table`` results by the name of the strategy; the first orders the
    lines, its hardest class on top. Intervals are drawn for up to two strategies.
    """
    figure = go.Figure()
    labels = charted_classes(tables)[::-1]
    count = len(tables)
    for number, (strategy, table) in enumerate(tables.items()):
        shift = 0.0 if count < 2 else _SPREAD * (0.5 - number / (count - 1))
        _add_recalls(figure, strategy, [table[label] for label in labels], shift, count <= 2)
    first = next(iter(tables.values()), ())
    list_on_rows(
        figure, [f"{plain(first[label].name)} (n = {first[label].images:,})" for label in labels]
    )
    figure.update_xaxes(title="images named right (%)", range=[-3, 103], fixedrange=True)
    figure.update_layout(
        height=MARGIN["t"] + _LEGEND_HEIGHT + _LINE_HEIGHT * max(3, len(labels)),
        showlegend=count > 1,
        legend=LEGEND_ABOVE,
    )
    return figure


def recall_words(tables: Mapping[str, Sequence[ClassScore]]) -> str:
    """Every class of every strategy, the hardest of the first strategy first."""
    labels = charted_classes(tables)
    if not labels:
        return "No class has test images yet."
    sentences = [
        f"{title_of(strategy)}: "
        + ", ".join(f"{table[label].name} {percent_text(table[label].recall)}" for label in labels)
        for strategy, table in tables.items()
    ]
    every = sum(entry.recall is not None for entry in next(iter(tables.values())))
    cut = f" Only the {len(labels)} hardest of {every} classes." if every > len(labels) else ""
    return f"Share of each class's test images named right.{cut} {'; '.join(sentences)}."


def class_frame(table: Sequence[ClassScore]) -> pd.DataFrame:
    """One line a class: precision, recall and F1 in percent, means over seeds."""
    return pd.DataFrame(
        [
            {
                "class": entry.name,
                "test images": entry.images,
                "named (images)": entry.named,
                "precision (%)": hundredfold(entry.precision),
                "recall (%)": hundredfold(entry.recall),
                "recall low (%)": hundredfold(entry.recall_low),
                "recall high (%)": hundredfold(entry.recall_high),
                "F1 (%)": hundredfold(entry.f1),
            }
            for entry in table
        ]
    )


def reliability_chart(bins: Mapping[str, Sequence[ReliabilityBin]]) -> go.Figure:
    """How often answers are right against how sure they were, by the name of the strategy.

    On the dotted diagonal confidence can be taken at its word; below it, it is too high.
    """
    figure = go.Figure()
    figure.add_scatter(
        name="confidence at its word",
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line={"dash": "dot", "width": 2, "color": MAJORITY_COLOUR},
        hoverinfo="skip",
    )
    for strategy, entries in bins.items():
        _add_reliability(figure, strategy, entries, len(bins) == 1)
    figure.update_xaxes(title="probability of the answer (%)", range=[0, 102], fixedrange=True)
    figure.update_yaxes(title="answers that are right (%)", range=[0, 102], fixedrange=True)
    figure.update_layout(height=460, margin=MARGIN | {"t": 24}, showlegend=True)
    legend_below(figure)
    return figure


def reliability_words(bins: Mapping[str, Sequence[ReliabilityBin]]) -> str:
    """For each strategy: every bin that has answers."""
    sentences = []
    for strategy, entries in bins.items():
        known = ", ".join(
            f"{percent_text(entry.confidence)} sure {percent_text(entry.accuracy)} right "
            f"({entry.count:,} answers)"
            for entry in entries
            if entry.count
        )
        sentences.append(f"{title_of(strategy)}: {known or 'no answers'}.")
    return "How sure the answers were, and how often they are right. " + " ".join(sentences)


def reliability_frame(bins: Sequence[ReliabilityBin]) -> pd.DataFrame:
    """One line a bin of one strategy."""
    return pd.DataFrame(
        [
            {
                "probability from (%)": 100 * entry.low,
                "to (%)": 100 * entry.high,
                "answers": entry.count,
                "mean probability (%)": hundredfold(entry.confidence),
                "right (%)": hundredfold(entry.accuracy),
                "right low (%)": hundredfold(entry.accuracy_low),
                "right high (%)": hundredfold(entry.accuracy_high),
            }
            for entry in bins
        ]
    )


def _add_recalls(
    figure: go.Figure,
    strategy: str,
    table: Sequence[ClassScore],
    shift: float,
    with_intervals: bool,
) -> None:
    look = appearance_of(strategy)
    bars = [
        whisker(100 * (row.recall or 0), 100 * (row.recall_low or 0), 100 * (row.recall_high or 0))
        for row in table
    ]
    figure.add_scatter(
        name=plain(title_of(strategy)),
        x=[100 * (row.recall or 0) for row in table],
        y=[position + shift for position in range(len(table))],
        mode="markers",
        error_x=_together(bars) if with_intervals and bars else None,
        marker={
            "symbol": solid_marker(look.marker),
            "size": 10,
            "color": look.colour,
            "line": OUTLINE,
        },
        customdata=[plain(row.name) for row in table],
        hovertemplate=f"%{{customdata}}, {plain(title_of(strategy))}: %{{x:.1f}} %<extra></extra>",
    )


def _add_reliability(
    figure: go.Figure, strategy: str, entries: Sequence[ReliabilityBin], with_intervals: bool
) -> None:
    look, title = appearance_of(strategy), plain(title_of(strategy))
    known = [
        (entry, entry.confidence, entry.accuracy)
        for entry in entries
        if entry.confidence is not None and entry.accuracy is not None
    ]
    bars = [
        whisker(
            100 * accuracy,
            100 * (accuracy if entry.accuracy_low is None else entry.accuracy_low),
            100 * (accuracy if entry.accuracy_high is None else entry.accuracy_high),
        )
        for entry, _, accuracy in known
    ]
    figure.add_scatter(
        name=title,
        x=[100 * confidence for _, confidence, _ in known],
        y=[100 * accuracy for _, _, accuracy in known],
        mode="lines+markers",
        cliponaxis=False,
        error_y=_together(bars) if with_intervals and bars else None,
        line={"color": look.colour, "dash": look.dash, "width": 2},
        marker={
            "symbol": solid_marker(look.marker),
            "size": 10,
            "color": look.colour,
            "line": OUTLINE,
        },
        customdata=[entry.count for entry, _, _ in known],
        hovertemplate=(
            f"{title}<br>%{{x:.1f}} % sure, %{{y:.1f}} % right, %{{customdata}} answers"
            "<extra></extra>"
        ),
    )


def _together(bars: Sequence[dict]) -> dict:
    """One error bar for a trace of many points."""
    joined = dict(bars[0])
    joined["array"] = [bar["array"][0] for bar in bars]
    joined["arrayminus"] = [bar["arrayminus"][0] for bar in bars]
    return joined
