"""What a report is made of: sections of blocks of plain text; the template turns them to HTML.

Every text here may hold names that users gave. Nothing in a block is markup: the template escapes
them, and figures get their names through ``escape_plotly``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from core.analysis.words.verdicts import p_text
from core.charts.exhibit import Exhibit
from core.text import UNKNOWN, seconds_text, shorten

LONGEST_HEADING = 22
_ROWS_ON_ONE_PAGE = 20
_NUMBER_STARTS = frozenset("0123456789+-—<≈pu")
_SECONDS = " (s)"
# A column of counts comes as floats where one of them is unknown.
_WHOLE = ("(MB)", "(images/s)", "parameters", "epochs")


@dataclass(frozen=True)
class Paragraphs:
    """Sentences one under the other, or a list with a bullet for each."""

    kind: ClassVar[str] = "paragraphs"
    texts: tuple[str, ...]
    points: bool = False


@dataclass(frozen=True)
class Chart:
    """``name`` is its id in the page, ``title`` the caption under it."""

    kind: ClassVar[str] = "chart"
    name: str
    title: str
    exhibit: Exhibit


@dataclass(frozen=True)
class Table:
    """The first cell of a row names it. ``upright``: headings are turned, for many columns."""

    kind: ClassVar[str] = "table"
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    upright: bool = False

    @property
    def is_short(self) -> bool:
        """Short enough to be printed on one page."""
        return len(self.rows) <= _ROWS_ON_ONE_PAGE

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold numbers alone, and are set to the right."""
        return tuple(
            column > 0 and all(row[column][:1] in _NUMBER_STARTS for row in self.rows)
            for column in range(len(self.headings))
        )


@dataclass(frozen=True)
class Picture:
    """``source`` is a data URI; ``lines`` are the caption."""

    source: str
    alternative: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Pictures:
    kind: ClassVar[str] = "pictures"
    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Facts:
    kind: ClassVar[str] = "facts"
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Command:
    kind: ClassVar[str] = "command"
    text: str


Block = Paragraphs | Chart | Table | Pictures | Facts | Command


@dataclass(frozen=True)
class Section:
    """``name`` is its anchor in the page."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def shortened(name: str) -> str:
    """A class name that fits the heading of a column."""
    return shorten(name, LONGEST_HEADING)


def table_of(frame: pd.DataFrame, caption: str, columns: Sequence[str] | None = None) -> Table:
    """A frame, or some of its columns, as a table of texts with digits that fit the unit."""
    names = [str(name) for name in (frame.columns if columns is None else columns)]
    return Table(
        caption=caption,
        headings=tuple(name.removesuffix(_SECONDS) for name in names),
        rows=tuple(
            tuple(cell_text(name, value) for name, value in zip(names, row, strict=True))
            for row in frame[names].itertuples(index=False, name=None)
        ),
    )


def cell_text(heading: str, value: Any) -> str:
    """One value as text: digits by the unit that the heading ends with, a dash for unknown.

    Zero seconds are a dash, too: the run did not have that part.
    """
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return UNKNOWN
    if isinstance(value, str):
        return value or UNKNOWN
    if heading.endswith(_SECONDS):
        return seconds_text(value) if value else UNKNOWN
    if heading in ("p", "p after Holm"):
        return p_text(value)
    if heading.endswith("(nats)"):
        return f"{value:.2f}"
    if isinstance(value, int) or heading.endswith(_WHOLE):
        return f"{value:,.0f}"
    return f"{value:.1f}"
