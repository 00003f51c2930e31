"""Class folders beside a table of labels: which of them says what the classes are."""

import re
from collections.abc import Sequence
from enum import Enum

from core.datasets.reading.folder_words import is_kept, is_part, mentions_part
from core.datasets.reading.label_rows import LabelledRow
from core.datasets.reading.named_classes import are_one_to_one
from core.datasets.reading.subset_names import subset_of

# A table beside class folders that names a smaller fraction of the images is about something else.
FRACTION_NAMED = 0.5
FRACTION_KNOWN = 0.95
# Where more of the named images are in no class folder, folders are not the classes.
FRACTION_OUTSIDE = 0.5


class Better(Enum):
    TABLE = "table"
    FOLDERS = "folders"
    BOTH = "both, and only a person can say which"
    MIXED = "folders for some images, the table for the others"
    TABLE_IS_OTHER = "folders: the table names too few images"


def which_is_better(
    rows: Sequence[LabelledRow],
    table_adds: bool,
    folders: dict[int, str],
    known: dict[int, str],
    image_count: int,
) -> Better:
    """What tells the classes where folders, or names of files, could do so as well.

    folders, known: see ``class_folders.classes_without_table``. table_adds: whether the table says
    more than a class, as the subset.
    """
    if _is_mixed(rows, folders):
        return Better.MIXED
    if folders and len(rows) < FRACTION_NAMED * image_count:
        return Better.TABLE_IS_OTHER
    if not table_adds and _adds_nothing(rows, folders, known):
        return Better.FOLDERS
    of_rows = {folders.get(id(row.raw)) for row in rows}
    names = {name for name in of_rows if name is not None}
    if len(of_rows) < 2 or sum(subset_of(name) is not None for name in names) > 1:
        return Better.TABLE
    if are_one_to_one({(row.label, folders.get(id(row.raw))) for row in rows}) or _are_parts(names):
        return Better.TABLE
    outside = sum(id(row.raw) not in folders for row in rows)
    return Better.TABLE if outside > FRACTION_OUTSIDE * len(rows) else Better.BOTH


def _is_mixed(rows: Sequence[LabelledRow], folders: dict[int, str]) -> bool:
    """Whether the table labels the images that lie in no class folder with classes of folders."""
    classes = set(folders.values())
    outside = sum(id(row.raw) not in folders for row in rows)
    known = sum(row.label in classes for row in rows)
    enough = FRACTION_KNOWN * len(rows)
    return bool(rows) and outside >= enough and known >= enough and len(folders) > 0


def _adds_nothing(
    rows: Sequence[LabelledRow], folders: dict[int, str], known: dict[int, str]
) -> bool:
    """Whether folders give the same classes, or folders or file names give words for numbers."""
    if all(row.label == folders.get(id(row.raw)) for row in rows):
        return True
    pairs = {(row.label, known.get(id(row.raw))) for row in rows}
    return are_one_to_one(pairs) and all(
        label.isdecimal() and name is not None and not name.isdecimal() for label, name in pairs
    )


def _are_parts(names: set[str]) -> bool:
    """Whether folders only divide many files: ``batch2``, ``HAM10000_images_part_1``, ``test``."""
    if all(is_part(name) or is_kept(name) or subset_of(name) for name in names):
        return True
    plain = {re.sub(r"\d+", " ", name) for name in names}
    return len(plain) == 1 and plain != names and all(map(mentions_part, plain))
