"""Tables of pixels that hold the same rows: each row counts once."""

from collections.abc import Sequence

import numpy as np

from core.datasets.reading.pixel_columns import PixelTable
from core.datasets.reading.raw_files import Listing
from core.text import count_text


def without_copies(tables: Sequence[PixelTable], listing: Listing) -> list[PixelTable]:
    """The tables without those whose rows all stand in others too; these are noted.

    A table that names no subset goes where train and test together have its rows; of two others
    the smaller one goes, or the deeper one where they are equal. Train and test stay apart.
    """
    if len(tables) < 2:
        return list(tables)
    rows = {table.table.name: _row_hashes(table) for table in tables}
    kept = list(tables)

    def leave_out(table: PixelTable, where: str) -> None:
        kept.remove(table)
        count = len(rows[table.table.name])
        listing.notes.append(
            f"{table.table.name} was left out: its {count_text(count, 'row')} stand in {where} too."
        )

    parts = [table for table in tables if table.subset is not None]
    if parts:
        together = np.sort(np.concatenate([rows[table.table.name] for table in parts]))
        for table in [one for one in tables if one.subset is None]:
            if _contains(together, rows[table.table.name]):
                leave_out(table, " and ".join(part.table.name for part in parts))

    def size_and_depth(table: PixelTable) -> tuple[int, int, str]:
        raw = table.table.raw
        return -len(rows[table.table.name]), len(raw.parts), raw.path

    for table in sorted(kept, key=size_and_depth, reverse=True):
        for other in sorted(kept, key=size_and_depth):
            if other is table:
                break
            if None not in (table.subset, other.subset) and table.subset != other.subset:
                continue  # that train and test share images, the health check tells
            if _contains(rows[other.table.name], rows[table.table.name]):
                leave_out(table, other.table.name)
                break
    return kept


def _row_hashes(table: PixelTable) -> np.ndarray:
    """One number for each row, int64, sorted; equal rows have equal numbers."""
    lines = (line for _, line, _ in table.table.lines() if line.strip())
    if table.has_header:
        next(lines, None)
    separator = table.table.separator
    hashes = (
        hash(",".join(cell.strip(' "\n') for cell in line.split(separator))) for line in lines
    )
    return np.sort(np.fromiter(hashes, np.int64))


def _contains(larger: np.ndarray, smaller: np.ndarray) -> bool:
    """Whether each number of one sorted array is in the other, as often."""
    if len(smaller) > len(larger):
        return False
    values, counts = np.unique(smaller, return_counts=True)
    first = np.searchsorted(larger, values, "left")
    last = np.searchsorted(larger, values, "right")
    return bool((last - first >= counts).all())
