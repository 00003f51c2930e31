"""A frame as people read it: each value with the digits that fit its unit; as Markdown too."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.analysis.words.verdicts import p_text
from core.text import UNKNOWN, escape_markdown_file, seconds_text

_ROWS_ON_ONE_PAGE = 20
# With more the usual type is too large for the width of a page.
_USUAL_COLUMNS = 7
_NUMBER_STARTS = frozenset("0123456789+-—<≈pu")
_SECONDS = " (s)"
# A column of counts comes as floats where one of them is unknown.
_WHOLE = ("memory (MB)", "(images/s)", "parameters", "epochs")


@dataclass(frozen=True)
class Table:
    """A frame as texts."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def is_short(self) -> bool:
        """Short enough to be printed on one page."""
        return len(self.rows) <= _ROWS_ON_ONE_PAGE

    @property
    def is_wide(self) -> bool:
        return len(self.headings) > _USUAL_COLUMNS

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold numbers alone, and are set to the right; never the first."""
        return tuple(
            column > 0 and all(row[column][:1] in _NUMBER_STARTS for row in self.rows)
            for column in range(len(self.headings))
        )


def texts_of(frame: pd.DataFrame) -> Table:
    """A frame with digits that fit the unit of each column."""
    names = [str(name) for name in frame.columns]
    rows = (
        tuple(cell_text(name, value) for name, value in zip(names, row, strict=True))
        for row in frame.itertuples(index=False, name=None)
    )
    return Table(tuple(name.removesuffix(_SECONDS) for name in names), tuple(rows))


def cell_text(heading: str, value: Any) -> str:
    """One value as text: digits by the unit that the heading ends with, a dash for unknown.

    Zero seconds are a dash, too: the run did not have that part.
    """
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value) or UNKNOWN
    if heading.endswith(_SECONDS):
        return seconds_text(value) if value else UNKNOWN
    if heading in ("p", "p after Holm"):
        return p_text(value)
    if heading.endswith("(nats)"):
        return f"{value:.2f}"
    if isinstance(value, int) or heading.endswith(_WHOLE):
        return f"{value:,.0f}"
    return f"{value:.1f}"


def markdown_table(frame: pd.DataFrame) -> str:
    """The frame as a table of GitHub's Markdown, numbers set to the right.

    Names show literally: pipes, line breaks and marks of Markdown in them are escaped.
    """
    table = texts_of(frame)
    rules = ("---:" if is_number else "---" for is_number in table.numeric)
    rows = (map(escape_markdown_file, row) for row in (table.headings, *table.rows))
    lines = [_line(row) for row in rows]
    return "\n".join([lines[0], _line(rules), *lines[1:]]) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
