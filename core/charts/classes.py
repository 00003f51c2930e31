"""Charts over the classes of the test images, and over how far confidence can be trusted."""

from collections.abc import Mapping, Sequence

import pandas as pd

from core.analysis.comparison import title_of
from core.analysis.scores import ClassScore, ReliabilityBin
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    LEGEND_ABOVE,
    LEGEND_BELOW,
    MARGIN,
    chart_of_rows,
    empty_chart,
    hundredfold,
    line_of,
    marker_of,
    percent_axis,
    whiskers,
)
from core.text import escape_plotly, percent_text

# Classes that fit one chart; of more, those with the lowest recall are drawn.
MOST_CLASSES = 40
# Strategies are drawn a little above each other on the line of a class.
_SPREAD = 0.5
_LINE_HEIGHT = 30
_LEGEND_HEIGHT = 90


def charted_classes(tables: Mapping[str, Sequence[ClassScore]]) -> list[int]:
    """Labels that the chart shows, the lowest recall of the first strategy first.

    All classes with test images, up to ``MOST_CLASSES``.
    """
    first = next(iter(tables.values()), ())
    known = [(entry.recall, entry.label) for entry in first if entry.recall is not None]
    return [label for _, label in sorted(known)][:MOST_CLASSES]


def recall_chart(tables: Mapping[str, Sequence[ClassScore]]) -> Exhibit:
    """Recall of each class, with Wilson intervals.

    ``tables`` are ``per_class_table`` results by the name of the strategy; the first orders the
    lines, its hardest class on top. Intervals are drawn for up to two strategies. The table has
    precision, recall and F1 of every class, also of those that are not drawn.
    """
    labels = charted_classes(tables)[::-1]
    count = len(tables)
    first = next(iter(tables.values()), ())
    figure = chart_of_rows(
        [f"{escape_plotly(first[label].name)} (n = {first[label].images:,})" for label in labels],
        percent_axis("recall (%)", 103, lowest=-3),
        legend=LEGEND_ABOVE,
    )
    for number, (strategy, table) in enumerate(tables.items()):
        shift = 0.0 if count < 2 else _SPREAD * (0.5 - number / (count - 1))
        rows = [table[label] for label in labels]
        recalls = [100 * (row.recall or 0) for row in rows]
        lows = [hundredfold(row.recall_low) for row in rows]
        highs = [hundredfold(row.recall_high) for row in rows]
        title = escape_plotly(title_of(strategy))
        figure.add_scatter(
            name=title,
            x=recalls,
            y=[place + shift for place in range(len(rows))],
            mode="markers",
            error_x=whiskers(recalls, lows, highs) if count <= 2 and rows else None,
            marker=marker_of(strategy, 10),
            customdata=[escape_plotly(row.name) for row in rows],
            hovertemplate=f"%{{customdata}}, {title}: %{{x:.1f}} %<extra></extra>",
        )
    height = MARGIN["t"] + _LEGEND_HEIGHT + _LINE_HEIGHT * max(3, len(labels))
    figure.update_layout(height=height, showlegend=count > 1)
    frames = {strategy: class_frame(table) for strategy, table in tables.items()}
    return Exhibit(figure, _recall_words(tables), _by_strategy(frames))


def class_frame(table: Sequence[ClassScore]) -> pd.DataFrame:
    """One line a class: precision, recall and F1 in percent, means over seeds."""
    return pd.DataFrame(
        {
            "class": entry.name,
            "test images": entry.images,
            "predicted (images)": entry.named,
            "precision (%)": hundredfold(entry.precision),
            "recall (%)": hundredfold(entry.recall),
            "recall low (%)": hundredfold(entry.recall_low),
            "recall high (%)": hundredfold(entry.recall_high),
            "F1 (%)": hundredfold(entry.f1),
        }
        for entry in table
    )


def reliability_chart(bins: Mapping[str, Sequence[ReliabilityBin]]) -> Exhibit:
    """Accuracy of the predictions against their confidence, by the name of the strategy.

    A calibrated strategy lies on the dotted diagonal; below it confidence is too high.
    """
    figure = empty_chart(
        460,
        percent_axis("confidence (%)"),
        percent_axis("correct predictions (%)"),
        margin=MARGIN | {"t": 24},
        legend=LEGEND_BELOW,
    )
    figure.add_scatter(
        name="perfectly calibrated",
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line=DOTTED,
        hoverinfo="skip",
    )
    words = "Confidence of the predictions, and how many are correct."
    for strategy, entries in bins.items():
        known = [entry for entry in entries if entry.count]
        accuracies = [100 * (entry.accuracy or 0) for entry in known]
        lows = [hundredfold(entry.accuracy_low) for entry in known]
        highs = [hundredfold(entry.accuracy_high) for entry in known]
        title = escape_plotly(title_of(strategy))
        figure.add_scatter(
            name=title,
            x=[100 * (entry.confidence or 0) for entry in known],
            y=accuracies,
            mode="lines+markers",
            cliponaxis=False,
            error_y=whiskers(accuracies, lows, highs) if len(bins) == 1 and known else None,
            line=line_of(strategy),
            marker=marker_of(strategy, 10),
            customdata=[entry.count for entry in known],
            hovertemplate=(
                f"{title}<br>confidence %{{x:.1f}} %, %{{y:.1f}} % correct, "
                "%{customdata} predictions<extra></extra>"
            ),
        )
        parts = ", ".join(
            f"confidence {percent_text(entry.confidence)}, {percent_text(entry.accuracy)} correct "
            f"({entry.count:,} predictions)"
            for entry in known
        )
        words += f" {title_of(strategy)}: {parts or 'no predictions'}."
    frames = {strategy: reliability_frame(entries) for strategy, entries in bins.items()}
    return Exhibit(figure, words, _by_strategy(frames))


def reliability_frame(bins: Sequence[ReliabilityBin]) -> pd.DataFrame:
    """One line a bin of one strategy."""
    return pd.DataFrame(
        {
            "confidence from (%)": 100 * entry.low,
            "to (%)": 100 * entry.high,
            "predictions": entry.count,
            "mean confidence (%)": hundredfold(entry.confidence),
            "correct (%)": hundredfold(entry.accuracy),
            "correct low (%)": hundredfold(entry.accuracy_low),
            "correct high (%)": hundredfold(entry.accuracy_high),
        }
        for entry in bins
    )


def _by_strategy(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The tables of all strategies in one, the strategy in the first column."""
    for strategy, frame in frames.items():
        frame.insert(0, "strategy", title_of(strategy))
    return pd.concat(frames.values(), ignore_index=True) if frames else pd.DataFrame()


def _recall_words(tables: Mapping[str, Sequence[ClassScore]]) -> str:
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
    return f"Recall of each class on the test images.{cut} {'; '.join(sentences)}."
