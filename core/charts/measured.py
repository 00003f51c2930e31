"""Charts of the page "How it is measured": intervals, bootstrap, clocks, the tutorial."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from plotly.subplots import make_subplots

from core.analysis.measured import Beside, Segment, WidthAt, epochs_alone
from core.analysis.significance import CONFIDENCE, percentile_interval
from core.analysis.words.verdicts import points_text
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    FLAT_MARGIN,
    LEGEND_ABOVE,
    LEGEND_BELOW,
    MAJORITY_COLOUR,
    OUTLINE,
    UPRIGHT,
    appearance_of,
    bar_of,
    chart_of_rows,
    empty_chart,
    hundredfold,
    percent_axis,
    whiskers,
)
from core.charts.time import PART_LOOKS, parts_text
from core.text import UNKNOWN, escape_plotly, percent_text, seconds_text

MOST_BARS = 50
LEGEND_LINE = 20
# Heights of the three marks of a tutorial model, so that none hides another.
TUTORIAL_AT, TRAINING_AT, TEST_AT = 0.22, 0.0, -0.22
_TUTORIAL_ROW, _LEGEND_ROOM = 60, 40


def widths_chart(found: Sequence[WidthAt], accuracy: float, strategy: str) -> Exhibit:
    """The interval of one ``accuracy`` (0 to 1) of ``strategy`` by the number of test images.

    The number that the experiment has is filled.
    """
    frame = pd.DataFrame(
        {"test images": entry.images, "low (%)": 100 * entry.low, "high (%)": 100 * entry.high}
        for entry in found
    )
    lows, highs = frame["low (%)"].tolist(), frame["high (%)"].tolist()
    places, means = list(range(len(found))), [100 * accuracy] * len(found)
    images = [f"{entry.images:,}" for entry in found]
    intervals = [f"{percent_text(entry.low)} to {percent_text(entry.high)}" for entry in found]
    labels = [
        f"<b>{count}</b> (here)" if entry.is_own else count
        for count, entry in zip(images, found, strict=True)
    ]
    figure = empty_chart(
        100 + 28 * len(found),
        {"title": "accuracy and its 95 % interval (%)"}
        | {"range": [max(0.0, min(lows) - 4), min(102.0, max(highs) + 4)]},
        {"title": "test images", "tickvals": places, "ticktext": labels, "automargin": True},
        margin=FLAT_MARGIN,
    )
    figure.add_scatter(
        x=means,
        y=places,
        mode="markers",
        error_x=whiskers(means, lows, highs),
        marker={
            "symbol": ["circle" if entry.is_own else "circle-open" for entry in found],
            "size": [13 if entry.is_own else 8 for entry in found],
            "color": appearance_of(strategy).colour,
        },
        customdata=list(zip(images, intervals, strict=True)),
        hovertemplate="%{customdata[0]} images: %{customdata[1]}<extra></extra>",
    )
    listed = "; ".join(
        f"{count} images{' (this experiment)' if entry.is_own else ''} {interval}"
        for count, entry, interval in zip(images, found, intervals, strict=True)
    )
    words = f"The 95 % interval of the same accuracy by the number of test images: {listed}."
    return Exhibit(figure, words, frame)


def bootstrap_chart(differences: np.ndarray, images: int, strategy: str) -> Exhibit:
    """How often each difference in accuracy was drawn; dashed lines hold the middle 95 %.

    ``differences`` float ``(draws,)`` are fractions, drawn in the colour of ``strategy``. A bar is
    as wide as a whole number of the ``images``: differences come in steps of one image, and other
    widths would draw a comb.
    """
    points = 100 * differences
    one_image = 100 / images
    steps = max(1, math.ceil(float(np.ptp(points)) / one_image / MOST_BARS))
    figure = empty_chart(
        280,
        {"title": "difference in accuracy (points)", "automargin": True},
        {"title": "draws", "automargin": True},
        margin=FLAT_MARGIN,
        bargap=0,
    )
    figure.add_histogram(
        x=points,
        xbins={"start": -100 - one_image / 2, "size": steps * one_image},
        marker=bar_of(strategy),
        hovertemplate="%{x} points: %{y} draws<extra></extra>",
    )
    low, high = percentile_interval(points)
    for value in (low, high):
        figure.add_vline(x=value, line=DOTTED | {"dash": "dash"})
    figure.add_vline(x=0, line=DOTTED)
    words = (
        f"{len(differences):,} draws; the middle {100 * CONFIDENCE:.0f} % of the differences lie "
        f"between {points_text(low / 100)} and {points_text(high / 100)} points."
    )
    found, draws = np.unique(points, return_counts=True)
    frame = pd.DataFrame({"difference (points)": found, "draws": draws})
    return Exhibit(figure, words, frame)


def time_line_chart(title: str, segments: Sequence[Segment]) -> Exhibit:
    """One run of the strategy ``title``: the whole run, and below it the epochs alone, enlarged."""
    figure = make_subplots(
        rows=2,
        cols=1,
        vertical_spacing=0.45,
        subplot_titles=("the whole run (seconds)", "the epochs alone, enlarged (seconds)"),
    )
    totals = dict.fromkeys(PART_LOOKS, 0.0)
    for segment in segments:
        totals[segment.part] += segment.seconds
    for part, look in PART_LOOKS.items():
        for number, row in enumerate((tuple(segments), epochs_alone(tuple(segments))), start=1):
            found = [entry for entry in row if entry.part == part and entry.seconds > 0]
            if not found:
                continue
            figure.add_bar(
                name=look.title,
                legendgroup=part,
                showlegend=number == 1,
                x=[entry.seconds for entry in found],
                base=[entry.start for entry in found],
                y=[""] * len(found),
                orientation="h",
                marker=look.bar | {"line": OUTLINE | {"width": 0.5}},
                customdata=[
                    [escape_plotly(entry.words), seconds_text(entry.seconds)] for entry in found
                ],
                hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
                row=number,
                col=1,
            )
    figure.update_xaxes(rangemode="tozero", fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True)
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    legend_height = LEGEND_LINE * sum(bool(trace.showlegend) for trace in figure.data)
    figure.update_layout(
        barmode="overlay",
        height=230 + legend_height,
        margin={"l": 8, "r": 16, "t": 32, "b": 40 + legend_height},
        showlegend=True,
        # One line a part: on a small screen a row of them would wrap over the axis.
        legend=LEGEND_BELOW | UPRIGHT,
    )
    frame = pd.DataFrame(
        {"what": entry.words, "from (s)": entry.start, "took (s)": entry.seconds}
        for entry in segments
    )
    return Exhibit(figure, f"One run of {title} in time: {parts_text(totals)}.", frame)


def tutorial_chart(found: Sequence[Beside]) -> Exhibit:
    """Three marks a model: the tutorial's training accuracy, ours, and ours on test images."""
    rows = list(enumerate(found[::-1]))
    ours = [(place, entry.row) for place, entry in rows if entry.row is not None]
    trained = [(place, row) for place, row in ours if row.train_accuracy is not None]
    tested = [100 * (row.test_accuracy or 0.0) for _, row in ours]
    lows = [hundredfold(row.test_accuracy_low) for _, row in ours]
    highs = [hundredfold(row.test_accuracy_high) for _, row in ours]
    figure = chart_of_rows(
        [escape_plotly(entry.model.title).replace(", ", ",<br>") for _, entry in rows],
        percent_axis("accuracy (%)", 103),
        _TUTORIAL_ROW,
        room=_LEGEND_ROOM,
        legend=LEGEND_ABOVE | {"orientation": "v"},
    )
    figure.add_scatter(
        name="tutorial, on training images",
        x=[100 * entry.model.accuracy for _, entry in rows],
        y=[place + TUTORIAL_AT for place, _ in rows],
        marker={"symbol": "diamond-open", "size": 11, "color": MAJORITY_COLOUR},
    )
    figure.add_scatter(
        name="here, on training images",
        x=[hundredfold(row.train_accuracy) for _, row in trained],
        y=[place + TRAINING_AT for place, _ in trained],
        marker={
            "symbol": "circle-open",
            "size": 11,
            "color": [appearance_of(row.strategy).colour for _, row in trained],
            "line": {"width": 2},
        },
    )
    figure.add_scatter(
        name="here, on test images",
        x=tested,
        y=[place + TEST_AT for place, _ in ours],
        error_x=whiskers(tested, lows, highs) | {"color": OUTLINE["color"]},
        marker={
            "symbol": "circle",
            "size": 12,
            "color": [appearance_of(row.strategy).colour for _, row in ours],
            "line": OUTLINE,
        },
    )
    for trace in figure.data:
        trace.update(mode="markers", hovertemplate=f"{trace.name}: %{{x:.1f}} %<extra></extra>")
    frame = pd.DataFrame([_tutorial_line(entry) for entry in found])
    words = ". ".join(_tutorial_words(entry) for entry in found)
    return Exhibit(figure, f"{words}.", frame)


def _tutorial_words(entry: Beside) -> str:
    theirs = f"{entry.model.title}: {percent_text(entry.model.accuracy)} in the tutorial"
    if entry.row is None:
        return f"{theirs}, not in this experiment"
    return (
        f"{theirs}, here {percent_text(entry.row.train_accuracy)} on training images and "
        f"{percent_text(entry.row.test_accuracy)} on test images"
    )


def _tutorial_line(entry: Beside) -> dict[str, object]:
    """A dash for what the experiment does not have."""
    row, interval = entry.row, UNKNOWN
    if row is not None and row.test_accuracy_low is not None:
        low, high = percent_text(row.test_accuracy_low), percent_text(row.test_accuracy_high)
        interval = f"{low} to {high}"
    return {
        "tutorial": entry.model.title,
        "tutorial, training (%)": 100 * entry.model.accuracy,
        "here": row.title if row else UNKNOWN,
        "here, training (%)": hundredfold(row.train_accuracy) if row else None,
        "here, test (%)": hundredfold(row.test_accuracy) if row else None,
        "95 % interval": interval,
        "tutorial, epoch": entry.model.epoch,
        "here, epoch": row.time_text("steady_epoch_seconds") if row else UNKNOWN,
        "here, features": row.time_text("feature_seconds") if row else UNKNOWN,
    }
