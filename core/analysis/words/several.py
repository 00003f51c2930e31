"""Several experiments in words: side by side in a table, and as a learning curve."""

import pandas as pd

from core.analysis.learning_curve import (
    LearningCurve,
    StrategyCurve,
    crossings,
    overlap,
    shared_points,
)
from core.analysis.metrics import METRICS
from core.analysis.several import Column, FactRow, Obstacle, Several
from core.analysis.words.verdicts import points_words
from core.text import percent_text, seconds_text

_OBSTACLES = {
    Obstacle.OTHER_DATASET: "are of different datasets: an accuracy or a time on one says nothing "
    "about the other, so no difference is shown.",
    Obstacle.OTHER_SPLIT: "have different splits: they were tested on different images, so no "
    "difference is shown.",
}
OTHER_DEVICES = (
    "Not all were run on the same device: a ratio of their times would say as much about the "
    "machines as about the strategies, so times of two devices have none."
)


def column_title(column: Column) -> str:
    """Different for each experiment, because of the id."""
    return f"{column.dataset} ({column.experiment})"


def describe_several(several: Several) -> str:
    """Which facts differ, which numbers may not be compared, and what to bear in mind."""
    if len(several.columns) == 1:
        title = column_title(several.columns[0])
        return f"One experiment: {title}. Choose another to compare it with."
    different = [row.title for row in several.rows if row.differs and row.kind == "setup"]
    first = f"{len(several.columns)} experiments; "
    first += f"they differ in {', '.join(different)}." if different else "made in the same way."
    baseline = next((column_title(column) for column in several.columns if column.is_baseline), "")
    obstacles = [
        f"{column_title(column)} and the baseline {baseline} {_OBSTACLES[column.obstacle]}"
        for column in several.columns
        if column.obstacle is not None
    ]
    devices = [OTHER_DEVICES] if several.other_devices else []
    return " ".join([first, *obstacles, *devices])


def several_frame(several: Several, differences_only: bool = False) -> pd.DataFrame:
    """One line a fact: its title, then each experiment's value with its delta behind it."""
    titles = [column_title(column) for column in several.columns]
    return pd.DataFrame(
        [
            {"fact": row.title} | dict(zip(titles, cell_texts(row), strict=True))
            for row in several.rows
            if row.differs or not differences_only
        ],
        columns=["fact", *titles],
    )


def cell_texts(row: FactRow) -> list[str]:
    """``75.0 % (+25.0 points)``, ``25.0 s (2.5 times as long)``, ``25.0 s (disturbed)``, ``—`` for
    what is not known."""
    disturbed = row.disturbed or (False,) * len(row.values)
    return [
        _value_text(row, value, spoilt) + ("" if delta is None else f" ({_delta_text(row, delta)})")
        for value, delta, spoilt in zip(row.values, row.deltas, disturbed, strict=True)
    ]


def _value_text(row: FactRow, value: str | float | None, is_disturbed: bool) -> str:
    if value is None or isinstance(value, str):
        return value or "—"
    if row.kind == "metric":
        return METRICS[row.metric].text(value)
    return seconds_text(value, is_disturbed)


def _delta_text(row: FactRow, delta: float) -> str:
    if row.kind != "metric":
        return ratio_text(delta)
    return delta_text(delta) if METRICS[row.metric].unit != "nats" else nats_text(delta)


def delta_text(difference: float) -> str:
    """``+2.1 points``; ``same`` where the two are equal to the digit shown."""
    if round(1000 * difference) == 0:
        return "same"
    return f"{'+' if difference > 0 else ''}{points_words(difference)}"


def nats_text(difference: float) -> str:
    """``-0.12 nats``; ``same`` where the two are equal to the digits shown."""
    return "same" if round(100 * difference) == 0 else f"{difference:+.2f} nats"


def ratio_text(ratio: float) -> str:
    """``1.8 times as long``; seconds of this one divided by the baseline's."""
    rounded = float(f"{ratio:.2g}")
    return "about as long" if rounded == 1 else f"{rounded:g} times as long"


def describe_crossings(first: StrategyCurve, second: StrategyCurve) -> str:
    """Where the two cross, in a sentence or two; or that they do not within the data."""
    shared = shared_points(first, second)
    if len(shared) < 2:
        return (
            f"{first.title} and {second.title} have fewer than two sizes in common so far, so it "
            "is not known where they cross."
        )
    found = crossings(first, second)
    if not found:
        return _no_crossing_words(first, second)
    sentences = [
        f"From about {crossing.images:,} training images on, {crossing.leader} is ahead (between "
        f"{crossing.before:,} and {crossing.after:,}, where it was tried)."
        for crossing in found
    ]
    if not all(crossing.certain for crossing in found):
        sentences.append(
            "But the intervals of the two overlap on one side of it at least: the crossing may lie "
            "elsewhere, or not exist."
        )
    return " ".join(sentences)


def _no_crossing_words(first: StrategyCurve, second: StrategyCurve) -> str:
    shared = shared_points(first, second)
    gaps = [there.mean - here.mean for here, there in shared]
    fewest, most = (shared[place][0].train_images for place in (0, -1))
    whole = f"from {fewest:,} to {most:,} training images"
    if not any(gaps):
        return f"{first.title} and {second.title} are equally good {whole}."
    ahead, behind = (second, first) if sum(gaps) > 0 else (first, second)
    doubt = ""
    if all(overlap(*points) for points in shared):
        doubt = " At every size their intervals overlap: they may be equally good."
    return (
        f"The point where {behind.title} overtakes {ahead.title} is not within your data: {whole} "
        f"{ahead.title} is never behind. The gap is {points_words(abs(gaps[0]))} with the fewest "
        f"and {points_words(abs(gaps[-1]))} with the most.{doubt}"
    )


def describe_curve(curve: LearningCurve) -> str:
    """Every point of every strategy."""
    if not curve.curves:
        return "No run of this learning curve has finished yet."
    rows = "; ".join(
        f"{entry.title}: "
        + ", ".join(
            f"{percent_text(point.mean)} ({percent_text(point.low)} to "
            f"{percent_text(point.high)}) with {point.train_images:,}"
            for point in entry.points
        )
        for entry in curve.curves
    )
    return (
        f"Test accuracy with 95 % intervals on {curve.test_images:,} test images, by the number "
        f"of training images. {rows}."
    )
