"""Columns of a table: what they are for, judged by their names, and which labels are accepted."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets.reading.raw_files import (
    DIRECTION_MARKS,
    LONGEST_NAME,
    Listing,
    shown_name,
)
from core.datasets.reading.subset_names import subset_of, words
from core.errors import BadInput
from core.text import fold_accents, some_text

# Names of columns of labels; the second group may also be a mere property of the image.
LABEL_NAMES = words(
    "label labels labelid class classes classname classid classlabel labelname category categories "
    "categoryname target targets y groundtruth klasse etikett kategorie classe etiquette "
    "categorie clase etiqueta categoria"
)
PROPERTY_NAMES = words(
    "species breed kind type theme tag tags genus variety diagnosis dx disease emotion digit "
    "letter character art sorte typ rasse thema espece race especie raza tipo"
)
SPLIT_NAMES = words("split set subset partition fold phase usage dataset datasplit traintest")
INDEX_NAMES = frozenset(("", "unnamed0", "index", "id", "idx", "no", "nr", "row"))
MOST_LISTED_ROWS = 1000
MOST_LISTED_COLUMNS = 20
FRACTION_OF_MISTAKES = 0.05
_NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?\s*")


@dataclass(frozen=True)
class Columns:
    """The columns that the user chose, by name; None where Headstart is to find them.

    ``file`` names the images, ``label`` holds the classes, ``split`` train, validation or test.
    """

    file: str | None = None
    label: str | None = None
    split: str | None = None

    @property
    def chosen(self) -> tuple[str, ...]:
        return tuple(name for name in (self.file, self.label, self.split) if name is not None)


def bare_name(name: str) -> str:
    """A column name without case, accents, blanks and punctuation: ``Class-Name`` is classname."""
    return "".join(letter for letter in fold_accents(name.casefold()) if letter.isalnum())


def unique_names(header: Sequence[str] | None, width: int) -> tuple[str, ...]:
    """A unique name for each of ``width`` columns, from the header where it has one."""
    names: list[str] = []
    taken: set[str] = set()
    for position in range(width):
        given = header[position].strip() if header and position < len(header) else ""
        name = given or f"column {position + 1}"
        number = 2
        while name in taken:
            name = f"{given or 'column'} ({number})"
            number += 1
        taken.add(name)
        names.append(name)
    return tuple(names)


def asked_position(asked: str, names: Sequence[str], table: str) -> int:
    """Position of the column that the user named. Raises ``BadInput`` that lists the columns."""
    if asked in names:
        return list(names).index(asked)
    raise BadInput(
        f"{table} has no column {asked!r}. Its columns: {some_text(names, MOST_LISTED_COLUMNS)}.",
        "columns",
    )


def split_position(
    names: Sequence[str], rows: Sequence[Sequence[str]], columns: Columns, table: str
) -> int | None:
    """The column of subsets: the user's, or one with such a name whose cells name subsets.

    A few cells may hold something else: a typing mistake, refused with its line when it is read.
    """
    if columns.split is not None:
        return asked_position(columns.split, names, table)
    for position, name in enumerate(names):
        if bare_name(name) in SPLIT_NAMES:
            cells = [row[position].strip() for row in rows if len(row) > position]
            subsets = [subset_of(cell) for cell in cells if cell]
            mistakes = subsets.count(None)
            allowed = max(1, FRACTION_OF_MISTAKES * len(subsets))
            if mistakes < len(subsets) / 2 and mistakes <= allowed:
                return position
    return None


def why_no_subset(cell: str) -> str | None:
    """Why a cell of the column of subsets cannot be used, or None; it may be blank."""
    if not cell.strip() or subset_of(cell) is not None:
        return None
    return f"{shown_name(cell.strip())!r} is not train, validation or test"


def why_no_label(label: str) -> str | None:
    """Why a label cannot be used, or None. Every label that can be shown as it is, is accepted."""
    if not label.strip():
        return "the label is empty"
    if len(label) > LONGEST_NAME:
        return f"the label has {len(label)} characters; the limit is {LONGEST_NAME}"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in label):
        return "the label contains control characters"
    if "\ufffd" in label:
        return "the label contains letters that cannot be read; save the table as UTF-8"
    if any(letter in DIRECTION_MARKS for letter in label):
        return "the label contains marks that change the reading direction"
    return None


class RefusedRows:
    """Rows of a table that are left out: listed with their lines up to a limit, then counted."""

    def __init__(self, listing: Listing, table: str) -> None:
        self._listing = listing
        self._table = table
        self.count = 0

    def refuse(self, line: int, reason: str) -> None:
        self.count += 1
        if self.count <= MOST_LISTED_ROWS:
            self._listing.refuse(f"{self._table} line {line}", reason)

    def finish(self) -> None:
        """List the number of rows that were left out beyond the limit."""
        unlisted = self.count - MOST_LISTED_ROWS
        if unlisted > 0:
            self._listing.refuse(self._table, f"{unlisted:,} more lines like these")


def is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None
