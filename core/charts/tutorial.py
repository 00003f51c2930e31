"""The tutorial's numbers beside those of an experiment. With words and table."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from core.charts.chart_rows import hundredfold, list_on_rows, whisker
from core.charts.result_charts import LEGEND_ABOVE, OUTLINE
from core.charts.style import (
    MAJORITY_COLOUR,
    appearance_of,
    percent_text,
    plain,
    seconds_text,
)
from core.comparison.tutorial import Beside

# Places of the three marks of a model, so that none hides another.
TUTORIAL_AT, TRAINING_AT, TEST_AT = 0.22, 0.0, -0.22
_LEGEND_ROOM = 40
_BEHIND = 60


def tutorial_chart(found: Sequence[Beside]) -> go.Figure:
    """Three marks a model: the tutorial's training accuracy, ours, and ours on test images."""
    figure = go.Figure()
    rows = list(enumerate(found[::-1]))
    figure.add_scatter(
        name="tutorial, on training images",
        x=[100 * entry.model.accuracy for _, entry in rows],
        y=[place + TUTORIAL_AT for place, _ in rows],
        mode="markers",
        marker={"symbol": "diamond-open", "size": 11, "color": MAJORITY_COLOUR},
        hovertemplate="tutorial, on training images: %{x:.1f} %<extra></extra>",
    )
    ours = [(place, entry.row) for place, entry in rows if entry.row is not None]
    trained = [(place, row) for place, row in ours if row.train_accuracy is not None]
    figure.add_scatter(
        name="here, on training images",
        x=[hundredfold(row.train_accuracy) for _, row in trained],
        y=[place + TRAINING_AT for place, _ in trained],
        mode="markers",
        marker={
            "symbol": "circle-open",
            "size": 11,
            "color": [appearance_of(row.strategy).colour for _, row in trained],
            "line": {"width": 2},
        },
        hovertemplate="here, on training images: %{x:.1f} %<extra></extra>",
    )
    figure.add_scatter(
        name="here, on test images",
        x=[hundredfold(row.test_accuracy) for _, row in ours],
        y=[place + TEST_AT for place, _ in ours],
        mode="markers",
        error_x=_whiskers([row for _, row in ours]),
        marker={
            "symbol": "circle",
            "size": 12,
            "color": [appearance_of(row.strategy).colour for _, row in ours],
            "line": OUTLINE,
        },
        hovertemplate="here, on test images: %{x:.1f} %<extra></extra>",
    )
    list_on_rows(
        figure, [plain(entry.model.title).replace(", ", ",<br>") for _, entry in rows], _BEHIND
    )
    figure.update_xaxes(title="accuracy (%)", range=[0, 103], fixedrange=True)
    figure.update_layout(
        showlegend=True,
        legend=LEGEND_ABOVE | {"orientation": "v"},
        height=figure.layout.height + _LEGEND_ROOM,
    )
    return figure


def _whiskers(rows: Sequence) -> dict[str, object]:
    each = [
        whisker(
            100 * row.test_accuracy,
            100 * (row.test_accuracy if row.test_accuracy_low is None else row.test_accuracy_low),
            100 * (row.test_accuracy if row.test_accuracy_high is None else row.test_accuracy_high),
        )
        for row in rows
    ]
    sides = {
        side: [entry[side][0] for entry in each]  # type: ignore[index]
        for side in ("array", "arrayminus")
    }
    return {"type": "data", "symmetric": False, "thickness": 2, "width": 6, **sides} | {
        "color": OUTLINE["color"]
    }


def tutorial_words(found: Sequence[Beside]) -> str:
    sentences = []
    for entry in found:
        ours = (
            "not in this experiment"
            if entry.row is None
            else f"here {percent_text(entry.row.train_accuracy)} on training images and "
            f"{percent_text(entry.row.test_accuracy)} on test images"
        )
        said = percent_text(entry.model.accuracy)
        sentences.append(f"{entry.model.title}: {said} in the tutorial, {ours}")
    return ". ".join(sentences) + "."


def tutorial_frame(found: Sequence[Beside]) -> pd.DataFrame:
    """One line a model; what the experiment does not have is a dash."""
    return pd.DataFrame([_line(entry) for entry in found])


def _line(entry: Beside) -> dict[str, object]:
    row = entry.row
    line: dict[str, object] = {
        "tutorial": entry.model.title,
        "tutorial, training (%)": hundredfold(entry.model.accuracy),
        "here": "—" if row is None else row.title,
        "here, training (%)": None if row is None else hundredfold(row.train_accuracy),
        "here, test (%)": None if row is None else hundredfold(row.test_accuracy),
        "95 % interval": "—",
        "tutorial, epoch": entry.model.epoch,
        "here, epoch": "—" if row is None else seconds_text(row.steady_epoch_seconds),
        "here, features": "—" if row is None else seconds_text(row.feature_seconds),
    }
    if row is not None and row.test_accuracy_low is not None:
        low, high = percent_text(row.test_accuracy_low), percent_text(row.test_accuracy_high)
        line["95 % interval"] = f"{low} to {high}"
    return line
