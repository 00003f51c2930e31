"""Cells that hold several labels: by which sign they are parted, and the labels in them."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from core.datasets.reading.subset_names import words

# Labels seldom have these in them; all others part labels only where the parts are labels too.
STRONG_SIGNS = ("|", ";")
WEAK_SIGNS = (",", "/", "&", "+", " and ", " ", "-", "_")
PLURAL_NAMES = words(
    "labels tags classes attributes categories targets findings attributeids labelids findinglabels"
    " keywords"
)
FEWEST_ROWS = 2
FRACTION_OF_ROWS = 0.01
_LIST = re.compile(r"\s*[\[({].*[\])}]\s*", re.DOTALL)
_IN_LIST = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)"|([^,;'"]+))\s*(?:[,;]|$)""")
_NUMBER = re.compile(r"\s*-?\d+(?:[.,]\d+)?\s*")
_LIST_SIGN = "list"


@dataclass(frozen=True)
class Labels:
    """How the labels of a cell are parted: by ``sign``, or as a list in brackets."""

    sign: str

    def of(self, cell: str) -> tuple[str, ...]:
        """The labels in a cell, each once, in order."""
        return tuple(dict.fromkeys(_parts(cell, self.sign)))


def labels_in_cells(
    counts: Mapping[str, int], column: str, from_json: bool = False
) -> Labels | None:
    """How the cells of a column part several labels; None where each is one label.

    counts: rows by cell. column: its bare name; names in the plural expect several labels.
    from_json: one list among the cells says that all are lists, and those of one label are bare.
    """
    if not counts:
        return None
    lists = sum(bool(_LIST.fullmatch(cell)) for cell in counts)
    if lists == len(counts) or (from_json and lists):
        return Labels(_LIST_SIGN)
    if all(_NUMBER.fullmatch(cell) for cell in counts):
        return None
    rows = sum(counts.values())
    for sign in (*STRONG_SIGNS, *WEAK_SIGNS):
        several = {cell: count for cell, count in counts.items() if len(_parts(cell, sign)) > 1}
        enough = max(FEWEST_ROWS, FRACTION_OF_ROWS * rows)
        if sum(several.values()) >= enough and _parts_are_labels(counts, several, sign, column):
            return Labels(sign)
    return None


def _parts_are_labels(
    counts: Mapping[str, int], several: Mapping[str, int], sign: str, column: str
) -> bool:
    alone = {cell.strip() for cell in counts if cell not in several}
    parts = {cell: _parts(cell, sign) for cell in several}
    known = sum(all(part in alone for part in found) for found in parts.values())
    if known == len(parts) or (sign not in "-_" and known >= 0.8 * len(parts)):
        return True
    used = Counter(part for found in parts.values() for part in set(found))
    # Labels come back with other partners; "golden retriever" and "grey wolf" do not.
    again = sum(any(part in alone or used[part] > 1 for part in found) for found in parts.values())
    if sign in STRONG_SIGNS:
        return again >= 0.5 * len(parts)
    lengths = {len(found) for found in parts.values()} | ({1} if alone else set())
    return (
        column in PLURAL_NAMES
        and sign in (",", " ")
        and len(lengths) > 1
        and 2 * len(used.keys() | alone) < 2 * len(counts) + 2
        and all(part in alone or used[part] > 1 for found in parts.values() for part in found)
    )


def _parts(cell: str, sign: str) -> list[str]:
    if sign == _LIST_SIGN:
        return _in_list(cell)
    return [part.strip() for part in cell.split(sign) if part.strip()]


def _in_list(cell: str) -> list[str]:
    """``['cat', 'dog']``, ``["cat", "dog"]``, ``[cat, dog]``, ``[0 1]``, ``{cat;dog}``."""
    text = cell.strip()
    if not _LIST.fullmatch(text):
        return [text] if text else []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list):
        return [part if isinstance(part, str) else json.dumps(part) for part in found]
    inner = text[1:-1].strip()
    if inner and not re.search(r"[,;'\"]", inner):
        return inner.split() if _NUMBER.match(inner) else [inner]
    groups = (match.groups() for match in _IN_LIST.finditer(inner))
    return [text.strip() for one in groups if (text := next(filter(None, one), "")).strip()]
