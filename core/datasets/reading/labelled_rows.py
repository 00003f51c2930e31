"""Read the rows of a table that names pictures: who has which label, and what is wrong where."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets.reading.column_names import RefusedRows, why_no_label, why_no_side
from core.datasets.reading.label_columns import LabelColumns, marked_columns
from core.datasets.reading.picture_names import PictureNames
from core.datasets.reading.raw_files import Listing, RawFile, shown_name
from core.datasets.reading.side_names import side_of
from core.datasets.reading.tables import TextTable

FILES_SHOWN = 3


@dataclass(frozen=True)
class Row:
    """One picture as a table has it. ``cell`` names it; ``side`` is None without a column."""

    line: int
    cell: str
    raw: RawFile
    label: str
    side: str | None
    surely: bool


class RowProblem(Exception):
    """A row that cannot be used; the message is the reason, in plain words."""


def read_rows(
    table: TextTable, columns: LabelColumns, pictures: PictureNames, listing: Listing
) -> list[Row]:
    """The rows that name a picture and its label, each picture once.

    All others are refused in ``listing`` with their line. A picture that is named again with the
    same label is no problem; with another label, all its rows are refused.
    """
    refused = RefusedRows(listing, table.name)
    kept: dict[int, Row] = {}
    in_conflict: set[int] = set()
    rows = table.rows()
    if columns.has_header:
        next(rows, None)
    for line, cells in rows:
        try:
            row = _read_row(table, columns, pictures, line, cells)
        except RowProblem as problem:
            refused.refuse(line, str(problem))
            continue
        key = id(row.raw)
        other = kept.get(key)
        if other is not None and not (row.surely and other.surely) and row.cell != other.cell:
            # Two names for one picture: the better one holds, or neither.
            worse = [entry for entry in (row, other) if not entry.surely]
            for entry in worse:
                refused.refuse(entry.line, _absent(entry.cell))
            if other in worse:
                del kept[key]
            if row in worse:
                continue
            other = None
        if key in in_conflict or (other is not None and _differ(row, other)):
            refused.refuse(line, _twice(row))
            if other is not None:
                refused.refuse(other.line, _twice(other))
                in_conflict.add(key)
                del kept[key]
        else:
            kept.setdefault(key, row)
    refused.finish()
    return list(kept.values())


def _differ(row: Row, other: Row) -> bool:
    return row.label != other.label or row.side != other.side


def _twice(row: Row) -> str:
    return f"{shown_name(row.cell)!r} is named in several rows with different labels or sides"


def _absent(cell: str) -> str:
    return f"there is no picture named {shown_name(cell)!r}"


def _read_row(
    table: TextTable,
    columns: LabelColumns,
    pictures: PictureNames,
    line: int,
    cells: Sequence[str] | None,
) -> Row:
    if cells is None:
        raise RowProblem("its quotation marks do not fit together")
    used = [columns.file, columns.label or 0, columns.split or 0, *columns.one_hot]
    if len(cells) <= max(used) or any(cell.strip() for cell in cells[len(columns.names) :]):
        raise RowProblem(f"it has {len(cells)} cells where {len(columns.names)} were expected")
    label = _label(cells, columns)
    side = _side(cells[columns.split]) if columns.split is not None else None
    cell = cells[columns.file].strip()
    if not cell:
        raise RowProblem("it names no picture")
    named = pictures.find(cell, table.raw)
    if not named.files:
        raise RowProblem(_absent(cell))
    if len(named.files) > 1:
        paths = ", ".join(raw.path for raw in named.files[:FILES_SHOWN])
        raise RowProblem(
            f"{shown_name(cell)!r} could be any of {len(named.files)} pictures ({paths}); write"
            " the folder before the name"
        )
    return Row(line, cell, named.files[0], label, side, named.surely)


def _label(cells: Sequence[str], columns: LabelColumns) -> str:
    if columns.label is not None:
        # As file names are: a label typed on a Mac looks the same and is spelled otherwise.
        label = unicodedata.normalize("NFC", cells[columns.label].strip())
        reason = why_no_label(label)
        if reason is not None:
            raise RowProblem(reason)
        return label
    marked = marked_columns(cells, columns.one_hot)
    if marked is None:
        raise RowProblem("a cell of the classes is neither 0 nor 1")
    if len(marked) != 1:
        raise RowProblem(f"{len(marked)} of its classes are marked with 1; one is expected")
    return columns.names[marked[0]]


def _side(cell: str) -> str | None:
    reason = why_no_side(cell)
    if reason is not None:
        raise RowProblem(reason)
    return side_of(cell)
