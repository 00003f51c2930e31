"""Charts over the classes of the test images, and over how far confidence can be trusted."""

from collections.abc import Mapping, Sequence

import pandas as pd

from core.analysis.comparison import title_of
from core.analysis.ranking import NO_SKILL
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

# What the chart of classes shows: fields of ``ClassScore``, some with ``_low`` and ``_high``.
CLASS_METRICS = {
    "recall": "recall",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
}
# Classes that fit one chart; of more, those with the lowest values are drawn.
MOST_CLASSES = 40
# Strategies are drawn a little above each other on the line of a class.
_SPREAD = 0.5
_LINE_HEIGHT = 30
_LEGEND_HEIGHT = 90


def charted_classes(
    tables: Mapping[str, Sequence[ClassScore]], metric: str = "recall"
) -> list[int]:
    """Labels that the chart shows, the lowest value of the first strategy first.

    All classes that have the metric, up to ``MOST_CLASSES``.
    """
    first = next(iter(tables.values()), ())
    values = {entry.label: getattr(entry, metric) for entry in first}
    known = [(value, label) for label, value in values.items() if value is not None]
    return [label for _, label in sorted(known)][:MOST_CLASSES]


def class_chart(tables: Mapping[str, Sequence[ClassScore]], metric: str = "recall") -> Exhibit:
    """One of ``CLASS_METRICS`` of each class, with its interval where it has one.

    ``tables`` are ``per_class_table`` results by the name of the strategy; the first orders the
    lines, its hardest class on top. Intervals are drawn for up to two strategies. The table has
    every metric of every class, also of those that are not drawn.
    """
    labels = charted_classes(tables, metric)[::-1]
    count = len(tables)
    first = next(iter(tables.values()), ())
    figure = chart_of_rows(
        [f"{escape_plotly(first[label].name)} (n = {first[label].images:,})" for label in labels],
        percent_axis(f"{CLASS_METRICS[metric]} (%)", 103, lowest=-3),
        legend=LEGEND_ABOVE,
    )
    for number, (strategy, table) in enumerate(tables.items()):
        shift = 0.0 if count < 2 else _SPREAD * (0.5 - number / (count - 1))
        rows = [table[label] for label in labels]
        values = [hundredfold(getattr(row, metric)) for row in rows]
        lows = [hundredfold(getattr(row, f"{metric}_low", None)) for row in rows]
        highs = [hundredfold(getattr(row, f"{metric}_high", None)) for row in rows]
        title = escape_plotly(title_of(strategy))
        figure.add_scatter(
            name=title,
            x=values,
            y=[place + shift for place in range(len(rows))],
            mode="markers",
            error_x=whiskers([value or 0.0 for value in values], lows, highs)
            if count <= 2 and rows
            else None,
            marker=marker_of(strategy, 10),
            customdata=[escape_plotly(row.name) for row in rows],
            hovertemplate=f"%{{customdata}}, {title}: %{{x:.1f}} %<extra></extra>",
        )
    if metric == "roc_auc" and labels:
        figure.add_vline(x=100 * NO_SKILL, line=DOTTED)  # of always predicting the same class
    height = MARGIN["t"] + _LEGEND_HEIGHT + _LINE_HEIGHT * max(3, len(labels))
    figure.update_layout(height=height, showlegend=count > 1)
    frames = {strategy: class_frame(table) for strategy, table in tables.items()}
    return Exhibit(figure, _class_words(tables, metric), _by_strategy(frames))


def class_frame(table: Sequence[ClassScore]) -> pd.DataFrame:
    """One line a class: every metric in percent, means over seeds, with 95 % intervals."""
    return pd.DataFrame(
        {
            "class": entry.name,
            "test images": entry.images,
            "predicted (images)": entry.named,
            "recall (%)": hundredfold(entry.recall),
            "recall low (%)": hundredfold(entry.recall_low),
            "recall high (%)": hundredfold(entry.recall_high),
            "specificity (%)": hundredfold(entry.specificity),
            "specificity low (%)": hundredfold(entry.specificity_low),
            "specificity high (%)": hundredfold(entry.specificity_high),
            "precision (%)": hundredfold(entry.precision),
            "precision low (%)": hundredfold(entry.precision_low),
            "precision high (%)": hundredfold(entry.precision_high),
            "F1 (%)": hundredfold(entry.f1),
            "average precision (%)": hundredfold(entry.average_precision),
            "ROC AUC (%)": hundredfold(entry.roc_auc),
            "ROC AUC low (%)": hundredfold(entry.roc_auc_low),
            "ROC AUC high (%)": hundredfold(entry.roc_auc_high),
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


def _class_words(tables: Mapping[str, Sequence[ClassScore]], metric: str) -> str:
    """Every class of every strategy, the hardest of the first strategy first."""
    labels, title = charted_classes(tables, metric), CLASS_METRICS[metric]
    if not labels:
        return "No class has test images yet."
    sentences = [
        f"{title_of(strategy)}: "
        + ", ".join(
            f"{table[label].name} {percent_text(getattr(table[label], metric))}" for label in labels
        )
        for strategy, table in tables.items()
    ]
    first = next(iter(tables.values()))
    every = sum(getattr(entry, metric) is not None for entry in first)
    cut = f" Only the {len(labels)} hardest of {every} classes." if every > len(labels) else ""
    lead = f"{title[0].upper()}{title[1:]} of each class on the test images."
    return f"{lead}{cut} {'; '.join(sentences)}."
