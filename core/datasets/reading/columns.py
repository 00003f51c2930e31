"""Columns of a table by their names, and which labels and subsets can be used."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from core.datasets.reading.raw_files import DIRECTION_MARKS, LONGEST_NAME, Listing, shown_name
from core.datasets.reading.subset_names import subset_among, subset_of, words
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from core.text import fold_accents, some_text

# Names of columns of labels; the second group may also be a mere property of the image.
LABEL_NAMES = words(
    "label labels labelid class classes classname classid classlabel labelname category categories "
    "categoryname target targets y groundtruth choice choices displayname annotation annotations "
    "klasse etikett kategorie classe etiquette "
    "categorie clase etiqueta categoria"
)
PROPERTY_NAMES = words(
    "species breed kind type theme tag tags genus variety diagnosis dx disease emotion digit "
    "letter character art sorte typ rasse thema espece race especie raza tipo"
)
SPLIT_NAMES = words(
    "split set subset partition fold phase usage dataset datasplit traintest mluse traintestsplit "
    "datasetsplit evaluationstatus"
)
# What tables write where an image belongs to no subset.
NO_SUBSET = words("unassigned none nan na n/a null - ?")
FILE_NAMES = words(
    "file files filename filenames filepath filepaths image images imageid imagename imagefile "
    "imagepath img imgname imgpath picture photo path datei dateiname bild bildname foto fichier "
    "archivo imagen"
)
ROW_NUMBER_NAMES = frozenset(("", "unnamed0", "index", "no", "nr", "row"))
INDEX_NAMES = ROW_NUMBER_NAMES | {"id", "idx"}
MOST_LISTED_ROWS = 1000
MOST_LISTED_COLUMNS = 20
FRACTION_OF_MISTAKES = 0.05
FEWEST_BASE64_CHARACTERS = 200
_ADDRESS = re.compile(r"(?:https?|s3|gs|ftp)://", re.IGNORECASE)
_BASE64 = re.compile(r"(?:data:image/[\w.+-]+;base64,)?[A-Za-z0-9+/\s]+={0,2}")


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


def chosen_position(asked: str, names: Sequence[str], table: str) -> int:
    """Position of the column that the user named. Raises ``BadInput`` that lists the columns."""
    if asked in names:
        return list(names).index(asked)
    raise BadInput(
        f"{table} has no column {asked!r}. Its columns: {some_text(names, MOST_LISTED_COLUMNS)}.",
        "columns",
    )


def name_without_subset(name: str) -> str:
    """A bare column name without words for a subset: ``train_labels`` and ``test_labels``."""
    kept = [word for word in re.split(r"[\W_]+", name) if subset_among(word) is None]
    return bare_name("".join(kept))


def alike_position(asked: str, names: Sequence[str], table: str) -> int:
    """``chosen_position``, or the one column that is called the same but for its subset."""
    bare = name_without_subset(asked)
    alike = [at for at, name in enumerate(names) if bare and name_without_subset(name) == bare]
    return (
        alike[0] if asked not in names and len(alike) == 1 else chosen_position(asked, names, table)
    )


def split_position(
    names: Sequence[str], rows: Sequence[Sequence[str]], choice: Choice, table: str
) -> int | None:
    """The column of subsets: the user's, or one with such a name whose cells name subsets.

    A few cells may hold something else: a typing mistake, refused with its line when it is read.
    """
    if choice.split_column is not None:
        return chosen_position(choice.split_column, names, table)
    for position, name in enumerate(names):
        if bare_name(name) in SPLIT_NAMES:
            cells = [row[position].strip() for row in rows if len(row) > position]
            subsets = [subset_of(cell) for cell in cells if cell and cell.lower() not in NO_SUBSET]
            mistakes = subsets.count(None)
            allowed = max(1, FRACTION_OF_MISTAKES * len(subsets))
            if mistakes < len(subsets) / 2 and mistakes <= allowed:
                return position
    return None


def why_no_subset(cell: str) -> str | None:
    """Why a cell of the column of subsets cannot be used, or None; it may be blank."""
    text = cell.strip()
    if not text or subset_of(cell) is not None or text.lower() in NO_SUBSET:
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


def is_address(cell: str) -> bool:
    """Whether a cell is the address of a file elsewhere."""
    return _ADDRESS.match(cell) is not None


def is_base64(cell: str) -> bool:
    """Whether a cell holds a file as text."""
    return len(cell) >= FEWEST_BASE64_CHARACTERS and _BASE64.fullmatch(cell) is not None


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


def as_numbers(rows: Sequence[Sequence[str]]) -> np.ndarray:
    """Cells of equally long rows as float64 ``(rows, cells)``; NaN where one is no number."""
    # Imported here, because commands that only list datasets do not need it.
    import pandas as pd

    cells = pd.Series([cell.replace(",", ".") for row in rows for cell in row], dtype=object)
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, copy=True)
    numbers[np.isinf(numbers)] = np.nan
    return numbers.reshape(len(rows), len(rows[0]) if rows else 0)
