"""Several experiments side by side in words: titles, values, deltas, and why there are none."""

import pandas as pd

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
    "Not all were run on the same device: ratios of time say as much about the machines as about "
    "the strategies."
)


def column_title(column: Column) -> str:
    """Different for each experiment: the dataset's name may be shared, the id is not."""
    return f"{column.dataset} ({column.experiment})"


def describe_several(several: Several) -> str:
    """Which facts differ, which numbers may not be compared, and what to bear in mind."""
    if len(several.columns) == 1:
        title = column_title(several.columns[0])
        return f"One experiment: {title}. Choose another to set beside it."
    different = [row.title for row in several.rows if row.differs and row.kind == "setup"]
    first = f"{len(several.columns)} experiments; "
    first += f"they differ in {', '.join(different)}." if different else "made in the same way."
    return " ".join([first, *describe_obstacles(several)])


def describe_obstacles(several: Several) -> list[str]:
    """A sentence for each column without deltas, and one where times come from two machines."""
    baseline = next((column for column in several.columns if column.is_baseline), None)
    found = [
        f"{column_title(column)} and the baseline {column_title(baseline)} "
        f"{_OBSTACLES[column.obstacle]}"
        for column in several.columns
        if baseline is not None and column.obstacle is not None
    ]
    return found + ([OTHER_DEVICES] if several.other_devices else [])


def several_frame(several: Several, differences_only: bool = False) -> pd.DataFrame:
    """One line a fact: its title, then each experiment's value with its delta behind it."""
    titles = [column_title(column) for column in several.columns]
    return pd.DataFrame(
        [
            {"fact": row.title} | dict(zip(titles, cell_texts(row), strict=True))
            for row in several.shown_rows(differences_only)
        ],
        columns=["fact", *titles],
    )


def cell_texts(row: FactRow) -> list[str]:
    """``75.0 % (+25.0 points)``, ``25.0 s (2.5 times as long)``, ``—`` for what is not known."""
    delta_of = delta_text if row.kind == "accuracy" else ratio_text
    return [
        _value_text(row, value) + ("" if delta is None else f" ({delta_of(delta)})")
        for value, delta in zip(row.values, row.deltas, strict=True)
    ]


def _value_text(row: FactRow, value: str | float | None) -> str:
    if value is None or isinstance(value, str):
        return value or "—"
    return percent_text(value) if row.kind == "accuracy" else seconds_text(value)


def delta_text(difference: float) -> str:
    """``+2.1 points``; ``same`` where the two are equal to the digit shown."""
    if round(1000 * difference) == 0:
        return "same"
    return f"{'+' if difference > 0 else ''}{points_words(difference)}"


def ratio_text(ratio: float) -> str:
    """``1.8 times as long``; seconds of this one divided by the baseline's."""
    return f"{float(f'{ratio:.2g}'):g} times as long"
