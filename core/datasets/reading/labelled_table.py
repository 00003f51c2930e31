"""Images with a table: each row names a file and its label."""

import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets.dataset import LeftOut
from core.datasets.reading.class_folders import classes_of_folders, classes_of_names
from core.datasets.reading.columns import (
    Columns,
    RefusedRows,
    bare_name,
    why_no_label,
    why_no_subset,
)
from core.datasets.reading.image_files import ImageNames, has_image_suffix
from core.datasets.reading.label_columns import (
    LabelColumns,
    file_column,
    label_columns,
    marked_columns,
)
from core.datasets.reading.other_labels import check_other_labels, is_boxes
from core.datasets.reading.raw_files import Listing, RawFile, shown_name
from core.datasets.reading.reader import (
    LabelledFile,
    LabelledFiles,
    first_reasons,
    note_alike_classes,
    shown_order,
)
from core.datasets.reading.subset_names import subset_of, subset_of_file, subset_of_folders
from core.datasets.reading.table import TABLE_SUFFIXES, TextTable, read_table
from core.errors import BadInput, ColumnsUnclear
from core.text import count_text

READ_AS = "images with a table of labels"
FILES_SHOWN = 3
EXPECTED = "Expected a first line file,label and then one line per image: 1.jpg,cat"
# A table beside class folders that names a smaller fraction of the images is about something else.
FRACTION_NAMED = 0.5
_SUBMISSION = "submission"


@dataclass(frozen=True)
class Row:
    """One image named in a table, by ``cell``; ``subset`` is None without such a column."""

    line: int
    cell: str
    raw: RawFile
    label: str
    subset: str | None
    is_certain: bool


class RowProblem(Exception):
    """A row that cannot be used; the message is the reason, for people."""


def read_rows(
    table: TextTable, columns: LabelColumns, images: ImageNames, listing: Listing
) -> list[Row]:
    """The rows that name an image and its label, each image once.

    Other rows are refused in ``listing`` with their line. An image may be named again with the
    same label; if it is named with another label, all its rows are refused.
    """
    refused = RefusedRows(listing, table.name)
    kept: dict[int, Row] = {}
    in_conflict: set[int] = set()
    rows = table.rows()
    if columns.has_header:
        next(rows, None)
    for line, cells in rows:
        try:
            row = _read_row(table, columns, images, line, cells)
        except RowProblem as problem:
            refused.refuse(line, str(problem))
            continue
        key = id(row.raw)
        other = kept.get(key)
        if (
            other is not None
            and not (row.is_certain and other.is_certain)
            and row.cell != other.cell
        ):
            # Two names for one image: the better one counts, or neither.
            worse = [entry for entry in (row, other) if not entry.is_certain]
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
    return row.label != other.label or row.subset != other.subset


def _twice(row: Row) -> str:
    return f"{shown_name(row.cell)!r} is named in several rows with different labels or subsets"


def _absent(cell: str) -> str:
    return f"there is no image named {shown_name(cell)!r}"


def _read_row(
    table: TextTable,
    columns: LabelColumns,
    images: ImageNames,
    line: int,
    cells: Sequence[str] | None,
) -> Row:
    if cells is None:
        raise RowProblem("its quotation marks do not match")
    used = [columns.file, columns.label or 0, columns.split or 0, *columns.one_hot]
    if len(cells) <= max(used) or any(cell.strip() for cell in cells[len(columns.names) :]):
        raise RowProblem(f"it has {len(cells)} cells where {len(columns.names)} were expected")
    label = _label(cells, columns)
    subset = _subset(cells[columns.split]) if columns.split is not None else None
    cell = cells[columns.file].strip()
    if not cell:
        raise RowProblem("it names no image")
    named = images.find(cell, table.raw)
    if not named.files:
        raise RowProblem(_absent(cell))
    if len(named.files) > 1:
        paths = ", ".join(raw.path for raw in named.files[:FILES_SHOWN])
        raise RowProblem(
            f"{shown_name(cell)!r} could be any of {len(named.files)} images ({paths}); write"
            " the folder before the name"
        )
    return Row(line, cell, named.files[0], label, subset, named.is_certain)


def _label(cells: Sequence[str], columns: LabelColumns) -> str:
    if columns.label is not None:
        # As for file names: a label typed on a Mac looks the same but has other code points.
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


def _subset(cell: str) -> str | None:
    reason = why_no_subset(cell)
    if reason is not None:
        raise RowProblem(reason)
    return subset_of(cell)


@dataclass(frozen=True)
class _Usable:
    """A table that names images and has labels; ``refused``: its rows that cannot be used."""

    table: TextTable
    columns: LabelColumns
    rows: list[Row]
    refused: list[LeftOut]


def recognise(listing: Listing, columns: Columns) -> LabelledFiles | None:
    """The images that a table names, or None where no table names any.

    A table wins over class folders if one of its columns is named label, class or the like and its
    labels differ from the folders. Rows that cannot be used are refused with their line; images
    that no row names are counted in a note. Several tables are read together where their names
    contain train and test, or where they name different images. Raises ``BadInput``, and
    ``ColumnsUnclear`` where only the user can say which column holds the label.
    """
    files = [raw for raw in listing.files if _is_table_name(raw.name)]
    others = [raw for raw in listing.files if not _is_table_name(raw.name)]
    tables = [table for raw in files if (table := read_table(raw)) is not None]
    images = [raw for raw in others if has_image_suffix(raw.name)] or others
    if not images:
        return None
    folders = classes_of_folders(listing)
    about_images = [table for table in tables if not is_boxes(table)]
    names = ImageNames(images)
    usable = _usable_tables(about_images, names, columns, bool(folders), listing)
    if not usable:
        if not folders and not classes_of_names(listing):
            check_other_labels(listing, tables, images)
        return None
    taken = _taken_together(usable, listing)
    rows = [row for entry in taken for row in entry.rows]
    if not columns.chosen:
        if folders and _is_about_something_else(taken, rows, images, listing):
            return None
        words = folders or classes_of_names(listing)
        if rows and (_agree(taken, rows, folders) or _are_clearer(taken, rows, words)):
            _note_refused_rows(taken, listing)
            return None
    for entry in taken:
        listing.refused.extend(entry.refused)
    if not rows:
        reasons = first_reasons(listing.refused)
        raise BadInput(f"No row of {taken[0].table.name} can be used.{reasons} {EXPECTED}.", "path")
    _note_what_was_taken(taken, rows, images, listing, bool(folders))
    return LabelledFiles(READ_AS, _labelled_files(taken, listing))


def _is_table_name(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(TABLE_SUFFIXES)


def _usable_tables(
    tables: Sequence[TextTable],
    images: ImageNames,
    asked: Columns,
    has_folders: bool,
    listing: Listing,
) -> list[_Usable]:
    usable: list[_Usable] = []
    problem: BadInput | None = None
    for table in tables:
        try:
            file = file_column(table, images)
        except BadInput as error:
            listing.refuse(table.name, str(error))
            continue
        if file is None:
            continue
        try:
            found = label_columns(table, file, images, asked)
        except BadInput as error:
            # Raised at the end, unless another table has what this one lacks.
            problem = problem or error
            continue
        if has_folders and not found.label_is_named:
            listing.notes.append(
                f"{table.name} names images, but none of its columns is named like a label; the"
                " folders were used as the classes."
            )
            continue
        scratch = Listing()
        rows = read_rows(table, found, images, scratch)
        usable.append(_Usable(table, found, rows, scratch.refused))
    # Folders or file names replace a table that is unclear, but not a column that was misspelt.
    unclear = isinstance(problem, ColumnsUnclear) and not asked.chosen
    settled = unclear and (has_folders or classes_of_names(listing))
    if problem is not None and not usable and not settled:
        raise problem
    return usable


def _taken_together(usable: list[_Usable], listing: Listing) -> list[_Usable]:
    """The table that names most images, and other tables that continue it."""
    real = [entry for entry in usable if _SUBMISSION not in entry.table.raw.name.lower()] or usable
    first = max(real, key=lambda entry: (len(entry.rows), entry.columns.label_is_named))
    label_name = bare_name(first.columns.label_name)
    alike = [entry for entry in real if bare_name(entry.columns.label_name) == label_name]
    by_subset = [entry for entry in alike if subset_of_file(entry.table.raw.parts)]
    if (
        first in by_subset
        and len({subset_of_file(entry.table.raw.parts) for entry in by_subset}) > 1
    ):
        alike = by_subset
    named = [{id(row.raw) for row in entry.rows} for entry in alike]
    apart = not any(one & other for one, other in itertools.combinations(named, 2))
    taken = alike if apart else [first]
    for entry in usable:
        if entry not in taken:
            listing.notes.append(f"{entry.table.name} also names images, and was left out.")
    return taken


def _is_about_something_else(
    taken: Sequence[_Usable], rows: Sequence[Row], images: Sequence[RawFile], listing: Listing
) -> bool:
    """Whether a table beside class folders names too few images to replace the folders."""
    if len(rows) >= FRACTION_NAMED * len(images):
        return False
    listing.notes.append(
        f"{taken[0].table.name} names {len(rows)} of {len(images)} images; the folders were"
        " used as the classes."
    )
    return True


def _have_subsets(taken: Sequence[_Usable], rows: Sequence[Row]) -> bool:
    return len(taken) > 1 or any(row.subset for row in rows)


def _agree(taken: Sequence[_Usable], rows: Sequence[Row], classes: dict[int, str]) -> bool:
    """Whether folders and table give every image the same class."""
    return not _have_subsets(taken, rows) and all(
        row.label == classes.get(id(row.raw)) for row in rows
    )


def _note_refused_rows(taken: Sequence[_Usable], listing: Listing) -> None:
    """Note unusable lines even of a table that is not needed: they may name missing images."""
    for entry in taken:
        if entry.refused:
            listing.notes.append(
                f"{entry.table.name} gives the same classes as folders or file names, which were"
                " used instead."
                f" {count_text(len(entry.refused), 'line')} of it could not be used:"
                f"{first_reasons(entry.refused)}"
            )


def _are_clearer(taken: Sequence[_Usable], rows: Sequence[Row], classes: dict[int, str]) -> bool:
    """Whether folders or file names give the classes in words where the table has numbers."""
    pairs = {(row.label, classes.get(id(row.raw))) for row in rows}
    one_to_one = len(pairs) == len(dict(pairs)) == len({name for _, name in pairs})
    in_words = not any(name is None or name.isdecimal() for _, name in pairs)
    in_numbers = all(label.isdecimal() for label, _ in pairs)
    return not _have_subsets(taken, rows) and one_to_one and in_words and in_numbers


def _labelled_files(taken: Sequence[_Usable], listing: Listing) -> list[LabelledFile]:
    rows = [row for entry in taken for row in entry.rows]
    by_table = len(taken) > 1 and all(subset_of_file(entry.table.raw.parts) for entry in taken)
    by_folder = not by_table and _lie_in_subsets(rows)
    if by_folder:
        listing.notes.append("The folders of the images were used as the split.")
    top = _common_folders([row.raw for row in rows])
    labelled = []
    for entry in taken:
        subset = subset_of_file(entry.table.raw.parts) if by_table else None
        for row in entry.rows:
            of_folder = subset_of_folders(row.raw.parts[:-1]) if by_folder else None
            name = "/".join(row.raw.parts[top:])
            labelled.append(
                LabelledFile(row.label, name, row.raw, row.subset or subset or of_folder)
            )
    return sorted(labelled, key=shown_order)


def _lie_in_subsets(rows: Sequence[Row]) -> bool:
    """Whether all images are in folders named train, test and the like, and in several of them."""
    if any(row.subset for row in rows):
        return False
    subsets = {subset_of_folders(row.raw.parts[:-1]) for row in rows}
    return None not in subsets and len(subsets) > 1


def _common_folders(files: Sequence[RawFile]) -> int:
    """Number of top folders that all files have in common."""
    count = 0
    for level in zip(*(raw.parts[:-1] for raw in files), strict=False):
        if len(set(level)) > 1:
            break
        count += 1
    return count


def _note_what_was_taken(
    taken: Sequence[_Usable],
    rows: Sequence[Row],
    images: Sequence[RawFile],
    listing: Listing,
    has_folders: bool,
) -> None:
    for entry in taken:
        file = entry.columns.names[entry.columns.file]
        label = f"column {entry.columns.label_name!r}"
        if entry.columns.label is None:
            label = f"{len(entry.columns.one_hot)} columns with one 1 in each row"
        listing.notes.append(
            f"{entry.table.name}: column {file!r} names the images, and {label} holds their"
            " classes."
        )
    if has_folders:
        listing.notes.append("The classes are taken from the table, not from the folders.")
    named = {id(row.raw) for row in rows}
    unnamed = sorted(raw.path for raw in images if id(raw) not in named)
    listing.ignored += len(listing.files) - len(named)
    if unnamed:
        shown = ", ".join(map(shown_name, unnamed[:FILES_SHOWN]))
        more = " and others" if len(unnamed) > FILES_SHOWN else ""
        listing.notes.append(
            f"{len(unnamed)} image(s) are in no usable row of the table and were left out:"
            f" {shown}{more}."
        )
    note_alike_classes({row.label for row in rows}, listing)
