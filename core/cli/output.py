"""How the command line writes: JSON, tables, progress."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from core.text import printable_text


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False, default=_plain))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns as wide as they need to be; None is shown as a dash."""
    cells = [[_cell(value) for value in row] for row in [headings, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    for row in cells:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def say(text: str) -> None:
    """Tell the person in front of the terminal; never part of the result."""
    print(text, file=sys.stderr, flush=True)


def counter(what: str) -> Any:
    """A ``progress(done, total)`` that says how far ``what`` is, ten times on the whole way."""
    reported = -1

    def progress(done: int, total: int) -> None:
        nonlocal reported
        tenth = 10 * done // max(total, 1)
        if tenth > reported:
            reported = tenth
            say(f"{what}: {done} of {total}")

    return progress


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    return printable_text(value)


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
