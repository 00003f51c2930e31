"""Columns of a table: which names the images, which holds the label, which the subset."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.datasets.reading.image_files import ImageNames, has_image_suffix
from core.datasets.reading.question import Question, ReadingUnclear, table_sample
from core.datasets.reading.raw_files import DIRECTION_MARKS, LONGEST_NAME, Listing, shown_name
from core.datasets.reading.subset_names import subset_of, words
from core.datasets.reading.table import TextTable
from core.datasets.reading_choice import Choice
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
FRACTION_WITH_ONE_MARK = 0.95
FEWEST_ROWS_TO_JUDGE = 10
# Rows that suffice to find the column that names images; a table that names none is read whole.
ENOUGH_ROWS = 500
ENOUGH_NAMED = 50
MOST_DIGITS = 12
# Fractions of the number of images that the best column names.
FRACTION_OF_FILES = 0.1
FRACTION_OF_A_KEY = 0.5
_MARKS = {"1": True, "1.0": True, "0": False, "0.0": False}


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


def as_numbers(rows: Sequence[Sequence[str]]) -> np.ndarray:
    """Cells of equally long rows as float64 ``(rows, cells)``; NaN where one is no number."""
    # Imported here, because commands that only list datasets do not need it.
    import pandas as pd

    cells = pd.Series([cell.replace(",", ".") for row in rows for cell in row], dtype=object)
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, copy=True)
    numbers[np.isinf(numbers)] = np.nan
    return numbers.reshape(len(rows), len(rows[0]) if rows else 0)


@dataclass(frozen=True)
class LabelColumns:
    """What the columns of a table that names images are for, by position.

    Where ``label`` is None, ``one_hot`` has one column for each class. ``label_is_named`` tells
    whether the column is named like a label, or was chosen by the user.
    """

    names: tuple[str, ...]
    has_header: bool
    file: int
    split: int | None
    label: int | None = None
    one_hot: tuple[int, ...] = ()
    label_is_named: bool = True

    @property
    def label_name(self) -> str:
        return "" if self.label is None else self.names[self.label]


def label_columns(table: TextTable, file: int, images: ImageNames, choice: Choice) -> LabelColumns:
    """What the columns of a table are for, given that column ``file`` names images.

    Raises ``ReadingUnclear`` where the user must say which column holds the label, and ``BadInput``
    where the user named a column that does not exist.
    """
    has_header = not any(
        has_image_suffix(cell.strip()) or images.find(cell, table.raw).files
        for cell in table.first_rows[0]
    )
    names = unique_names(table.first_rows[0] if has_header else None, table.width)
    rows = [row for row in table.first_rows[has_header:] if len(row) == table.width]
    if choice.file_column is not None:
        file = chosen_position(choice.file_column, names, table.name)
    split = split_position(names, rows, choice, table.name)
    found = LabelColumns(names, has_header, file, split)
    unclear = ReadingUnclear(
        Question(
            message=f"{table.name} names images, but it is unclear which of its columns holds the"
            f" label. Its columns: {some_text(names, MOST_LISTED_COLUMNS)}.",
            tables=[table_sample(table.name, names, rows)],
        )
    )
    if choice.label_column is not None:
        return replace(found, label=chosen_position(choice.label_column, names, table.name))
    others = [
        at
        for at, name in enumerate(names)
        if at not in (file, split) and not (has_header and bare_name(name) in INDEX_NAMES)
    ]
    for known in (LABEL_NAMES, PROPERTY_NAMES):
        called = [at for at in others if bare_name(names[at]) in known]
        if called and not _agree(called, rows):
            raise unclear
        if called:
            in_words = [at for at in called if np.isnan(as_numbers([[r[at]] for r in rows])).any()]
            return replace(found, label=(in_words or called)[0])
    if has_header and _is_one_hot(others, rows):
        return replace(found, one_hot=tuple(others))
    if len(others) == 1 and not _all_differ(others[0], rows):
        return replace(found, label=others[0], label_is_named=False)
    raise unclear


def _agree(called: Sequence[int], rows: Sequence[Sequence[str]]) -> bool:
    """Whether columns that are all named like a label mean the same: ``class_id`` 0, 1, 2 and
    ``class_name`` cat, dog, owl.
    """
    together = len({tuple(row[at] for at in called) for row in rows})
    return all(len({row[at] for row in rows}) == together for at in called)


def _all_differ(position: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column has a different value in every row, like row numbers and addresses."""
    return len({row[position] for row in rows}) == len(rows) >= FEWEST_ROWS_TO_JUDGE


def _is_one_hot(others: Sequence[int], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the other columns stand for one class each, with a single 1 in nearly every row."""
    if len(others) < 2 or not rows:
        return False
    marks = [marked_columns(row, others) for row in rows]
    single = sum(len(found) == 1 for found in marks if found is not None)
    return None not in marks and single >= FRACTION_WITH_ONE_MARK * len(rows)


def marked_columns(row: Sequence[str], columns: Sequence[int]) -> list[int] | None:
    """The columns with a 1, or None where a cell is neither 0 nor 1."""
    marks = {at: _MARKS.get(row[at].strip()) for at in columns}
    return None if None in marks.values() else [at for at, marked in marks.items() if marked]


def file_column(table: TextTable, images: ImageNames) -> int | None:
    """The column that names the images, or None where none names any.

    It is the column that names most images; ties go to one that is named like files. But row
    numbers name ``0.png`` to ``99.png`` just as well, and wrongly where the rows were shuffled: so
    a column of names with endings comes first, and one of row numbers last. Raises ``BadInput``
    where the table is damaged.
    """
    every = range(table.width)
    header = [*map(bare_name, table.first_rows[0]), *[""] * table.width]
    named: list[set[int]] = [set() for _ in every]
    cells: list[list[str]] = [[] for _ in every]
    for count, (_, row) in enumerate(table.rows()):
        for at, cell in zip(every, row or [], strict=False):
            if count <= ENOUGH_ROWS:
                cells[at].append(cell.strip())
            named[at].update(id(raw) for raw in images.find(cell, table.raw).files[:1])
        if count >= ENOUGH_ROWS and max(map(len, named)) >= ENOUGH_NAMED:
            break

    def fullest(columns: Sequence[int]) -> int:
        return max(columns, key=lambda at: (len(named[at]), header[at] in FILE_NAMES))

    def numbers_the_rows(at: int) -> bool:
        return header[at] in ROW_NUMBER_NAMES or _counts_up(cells[at][1:])

    best = fullest(every)
    most = len(named[best])
    if not most:
        return None
    with_endings = [
        at
        for at in every
        if len(named[at]) >= FRACTION_OF_FILES * most
        and 2 * sum(map(has_image_suffix, cells[at])) >= len(cells[at])
    ]
    if with_endings:
        return fullest(with_endings)
    # Ages and widths may name images too, but they repeat.
    keys = [
        at
        for at in every
        if len(named[at]) >= FRACTION_OF_A_KEY * most
        and len(set(cells[at])) == len(cells[at])
        and not numbers_the_rows(at)
    ]
    return fullest(keys) if keys and numbers_the_rows(best) else best


def _counts_up(cells: Sequence[str]) -> bool:
    """Whether the cells go up by one from row to row."""
    if not cells or not all(cell.isdecimal() and len(cell) <= MOST_DIGITS for cell in cells):
        return False
    first = int(cells[0])
    return [int(cell) for cell in cells] == list(range(first, first + len(cells)))
