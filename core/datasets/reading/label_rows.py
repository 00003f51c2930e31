"""The rows of a table that name images: each image with its labels, bad rows with their lines."""

import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from core.datasets.choices import SeveralLabels
from core.datasets.dataset import LeftOut
from core.datasets.reading.columns import RefusedRows, why_no_label
from core.datasets.reading.image_files import ImageNames, Named, number_in, stem
from core.datasets.reading.label_columns import LabelColumns, marked_columns
from core.datasets.reading.label_tables import LabelTable
from core.datasets.reading.raw_files import Listing, RawFile, shown_name
from core.datasets.reading.subset_names import subset_of_file
from core.text import list_text

FILES_SHOWN = 3
# Fewer images in several rows with different labels are mistakes, and refused.
FEWEST_SEVERAL = 2
FRACTION_SEVERAL = 0.1
FRACTION_MARKED = 0.01
BETWEEN_LABELS = " + "
MOST_REMEMBERED = 500_000
_why_no_label = lru_cache(maxsize=4096)(why_no_label)


class LabelledRow(NamedTuple):
    """One image named in a table, by ``cell``; ``subset`` is None where the row names none."""

    line: int
    cell: str
    raw: RawFile
    labels: tuple[str, ...]
    subset: str | None
    named: Named

    @property
    def is_named_by_number(self) -> bool:
        """Whether the cell is the number of the image without its leading zeros."""
        number = number_in(self.cell)
        name = stem(self.raw.name)
        return number is not None and name != self.cell and number_in(name) == number

    @property
    def label(self) -> str:
        return BETWEEN_LABELS.join(sorted(self.labels)) if len(self.labels) > 1 else self.labels[0]


@dataclass(frozen=True)
class LabelledRows:
    """The images of a table; ``refused``: its rows that cannot be used.

    in_several_rows: images that more than one row names with different labels or boxes.
    """

    table: LabelTable
    columns: LabelColumns
    rows: list[LabelledRow]
    refused: list[LeftOut]
    in_several_rows: int = 0

    @property
    def subset(self) -> str | None:
        """The subset mentioned in the path of the table."""
        return subset_of_file(self.table.raw.parts)


class RememberedNames(ImageNames):
    """Names that are looked up again for each way to read a table, and so are kept."""

    def __init__(self, images: Iterable[RawFile]) -> None:
        super().__init__(images)
        self._found: dict[tuple[str, tuple[str, ...]], Named] = {}

    def find(self, cell: str, table: RawFile) -> Named:
        key = (cell, table.parts)
        found = self._found.get(key)
        if found is None:
            found = super().find(cell, table)
            if len(self._found) < MOST_REMEMBERED:
                self._found[key] = found
        return found


class _RowProblem(Exception):
    """A row that cannot be used; the message is the reason, for people."""


def read_rows(table: LabelTable, columns: LabelColumns, images: ImageNames) -> LabelledRows:
    """The rows that name an image and its labels, each image once; the others are refused.

    An image may be named again with the same label. Where many are named with different ones, each
    has several labels; where few are, all rows of theirs are refused. Raises ``BadInput`` where
    the table is damaged.
    """
    listing = Listing()
    refused = RefusedRows(listing, table.name)
    read: list[LabelledRow] = []
    least = _cells_needed(columns)
    for line, cells in itertools.islice(table.rows(), int(columns.has_header), None):
        try:
            read.append(_read_row(table, columns, images, line, cells, least))
        except _RowProblem as problem:
            refused.refuse(line, str(problem))
    found: dict[int, list[LabelledRow]] = {}
    for row in _in_their_folders(read, refused):
        found.setdefault(id(row.raw), []).append(row)
    again = differing = 0
    for key, rows in found.items():
        if len(rows) > 1:
            found[key] = rows = _certain(rows, refused)
            again += len(rows) > 1
            differing += len({(row.labels, row.subset) for row in rows}) > 1
    many = differing >= max(FEWEST_SEVERAL, FRACTION_SEVERAL * len(found))
    settled = (
        rows[0] if len(rows) == 1 else _one_of(rows, many, refused) for rows in found.values()
    )
    kept = [row for row in settled if row is not None]
    if columns.one_hot and columns.doubt is None:
        kept = _with_one_mark(kept, refused)
    refused.finish()
    return LabelledRows(
        table, columns, kept, listing.refused, again if columns.boxes else differing
    )


def settled_labels(rows: Sequence[LabelledRow], mode: SeveralLabels) -> list[LabelledRow]:
    """The rows with one label each, those with several treated as ``mode`` says."""
    if mode == "leave-out":
        return [row for row in rows if len(row.labels) == 1]
    if mode == "first":
        return [row._replace(labels=row.labels[:1]) for row in rows]
    return [row._replace(labels=(row.label,)) for row in rows]


def several_text(rows: Sequence[LabelledRow], several: Sequence[LabelledRow]) -> str:
    """``5 of 24 images have several labels (cat and dog)``."""
    example = list_text([shown_name(label) for label in several[0].labels[:FILES_SHOWN]])
    return f"{len(several):,} of {len(rows):,} images have several labels ({example})"


def _certain(rows: list[LabelledRow], refused: RefusedRows) -> list[LabelledRow]:
    """Of different names for one image only the certain ones count."""
    if len({row.cell for row in rows}) == 1 or all(row.named.is_certain for row in rows):
        return rows
    return _without_absent(rows, [row for row in rows if not row.named.is_certain], refused)


def _in_their_folders(rows: list[LabelledRow], refused: RefusedRows) -> list[LabelledRow]:
    """Where folders of some cells are there, ``dogs/1.jpg`` does not name the only cats/1.jpg."""
    if not any(row.named.is_in_folder for row in rows):
        return rows
    elsewhere = [row for row in rows if row.named.is_in_folder is False]
    return _without_absent(rows, elsewhere, refused)


def _without_absent(
    rows: list[LabelledRow], absent: Sequence[LabelledRow], refused: RefusedRows
) -> list[LabelledRow]:
    for row in absent:
        refused.refuse(row.line, _absent(row.cell))
    lines = {row.line for row in absent}
    return [row for row in rows if row.line not in lines]


def _one_of(
    rows: Sequence[LabelledRow], are_several: bool, refused: RefusedRows
) -> LabelledRow | None:
    """The rows of an image as one, or None where they contradict each other."""
    if len({(row.labels, row.subset) for row in rows}) < 2:
        return rows[0] if rows else None
    if are_several and len({row.subset for row in rows}) == 1:
        labels = dict.fromkeys(label for row in rows for label in row.labels)
        return rows[0]._replace(labels=tuple(labels))
    for row in rows:
        refused.refuse(
            row.line,
            f"{shown_name(row.cell)!r} is named in several rows with different labels or subsets",
        )
    return None


def _with_one_mark(rows: list[LabelledRow], refused: RefusedRows) -> list[LabelledRow]:
    """Without rows that mark several classes, where these are too few to be meant so."""
    several = [row for row in rows if len(row.labels) > 1]
    if len(several) >= max(FEWEST_SEVERAL, FRACTION_MARKED * len(rows)):
        return rows
    for row in several:
        refused.refuse(
            row.line, f"{len(row.labels)} of its classes are marked with 1; one is expected"
        )
    return [row for row in rows if len(row.labels) == 1]


def _cells_needed(columns: LabelColumns) -> int:
    """How many cells a row must have for these columns."""
    subset = columns.subsets.at if columns.subsets else 0
    return 1 + max(columns.file, columns.label or 0, subset, *columns.one_hot)


def _read_row(
    table: LabelTable,
    columns: LabelColumns,
    images: ImageNames,
    line: int,
    cells: Sequence[str] | None,
    least: int,
) -> LabelledRow:
    """``least``: the cells that a row must have. Raises ``_RowProblem``."""
    if cells is None:
        raise _RowProblem("its quotation marks do not match")
    subsets = columns.subsets
    width = len(columns.names)
    if len(cells) < least or (len(cells) > width and any(map(str.strip, cells[width:]))):
        raise _RowProblem(f"it has {len(cells)} cells where {len(columns.names)} were expected")
    labels = _labels(cells, columns)
    reason = None
    for label in labels:
        reason = reason or _why_no_label(label)
    if reason is None and subsets is not None:
        reason = subsets.why_not(cells[subsets.at])
    if reason is not None:
        raise _RowProblem(reason)
    cell = cells[columns.file].strip()
    if not cell:
        raise _RowProblem("it names no image")
    named = images.find_somehow(cell, table.raw)
    if not named.files:
        raise _RowProblem(_absent(cell))
    if len(named.files) > 1:
        paths = ", ".join(raw.path for raw in named.files[:FILES_SHOWN])
        raise _RowProblem(
            f"{shown_name(cell)!r} could be any of {len(named.files)} images ({paths}); write"
            " the folder before the name"
        )
    subset = subsets.subset(cells[subsets.at]) if subsets is not None else None
    return LabelledRow(line, cell, named.files[0], labels, subset, named)


def _labels(cells: Sequence[str], columns: LabelColumns) -> tuple[str, ...]:
    """At least one label, perhaps an empty one. Raises ``_RowProblem``."""
    if columns.label is not None:
        # As for file names: a label typed on a Mac looks the same but has other code points.
        cell = unicodedata.normalize("NFC", cells[columns.label].strip())
        return (columns.labels.of(cell) or ("",)) if columns.labels is not None else (cell,)
    marked = marked_columns(cells, columns.one_hot)
    if marked is None:
        raise _RowProblem("a cell of the classes is neither 0 nor 1")
    if not marked:
        raise _RowProblem("0 of its classes are marked with 1; one is expected")
    return tuple(columns.names[at] for at in marked)


def _absent(cell: str) -> str:
    return f"there is no image named {shown_name(cell)!r}"
