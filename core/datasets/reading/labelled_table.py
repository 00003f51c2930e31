"""Images with a table: each row names a file and its label."""

import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets.dataset import LeftOut
from core.datasets.reading.class_folders import classes_without_table
from core.datasets.reading.columns import (
    LabelColumns,
    RefusedRows,
    bare_name,
    file_column,
    label_columns,
    marked_columns,
    why_no_label,
    why_no_subset,
)
from core.datasets.reading.image_files import ImageNames, has_image_suffix
from core.datasets.reading.other_labels import check_other_labels, is_boxes
from core.datasets.reading.question import ReadingUnclear
from core.datasets.reading.raw_files import Listing, RawFile, bad_source, shown_name
from core.datasets.reading.reader import (
    LabelledFile,
    LabelledFiles,
    Reading,
    first_reasons,
    note_alike_classes,
    shown_order,
)
from core.datasets.reading.subset_names import subset_of, subset_of_file, subset_of_folders
from core.datasets.reading.table import TextTable, is_table_name, read_table
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from core.text import count_text, some_text

READ_AS = "images with a table of labels"
FILES_SHOWN = 3
EXPECTED = "Expected a first line file,label and then one line per image: 1.jpg,cat"
# A table beside class folders that names a smaller fraction of the images is about something else.
FRACTION_NAMED = 0.5


@dataclass(frozen=True)
class _Row:
    """One image named in a table, by ``cell``; ``subset`` is None without such a column."""

    line: int
    cell: str
    raw: RawFile
    label: str
    subset: str | None
    is_certain: bool


@dataclass(frozen=True)
class _LabelTable:
    """A table that names images and has labels; ``refused``: its rows that cannot be used."""

    table: TextTable
    columns: LabelColumns
    rows: list[_Row]
    refused: list[LeftOut]

    @property
    def subset(self) -> str | None:
        """The subset mentioned in the path of the table."""
        return subset_of_file(self.table.raw.parts)


class _RowProblem(Exception):
    """A row that cannot be used; the message is the reason, for people."""


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """The images that a table names; empty where no table names any.

    A table wins over class folders if one of its columns is named label, class or the like and its
    labels differ from the folders. Rows that cannot be used are refused with their line; images
    that no row names are counted in a note. Several tables are read together where their names
    contain train and test, or where they name different images. Raises ``BadInput``, and
    ``ReadingUnclear`` where only the user can say which column holds the label.
    """
    files = [
        raw for raw in listing.files if is_table_name(raw.name) and choice.allows_table(raw.path)
    ]
    others = [raw for raw in listing.files if not is_table_name(raw.name)]
    images = [raw for raw in others if has_image_suffix(raw.name)] or others
    if not images or (choice.classes_from and not files):
        return []
    read = [table for raw in files if (table := read_table(raw)) is not None]
    tables = [table for table in read if not is_boxes(table)]
    folders, known = classes_without_table(listing)
    usable = _usable_tables(tables, ImageNames(images), choice, listing, folders, known)
    if not usable:
        if not known:
            check_other_labels(listing, read, images)
        return []
    taken = _taken_together(usable, listing)
    rows = [row for entry in taken for row in entry.rows]
    if folders and not choice.columns and len(rows) < FRACTION_NAMED * len(images):
        listing.notes.append(
            f"{taken[0].table.name} names {len(rows)} of {len(images)} images; the folders were"
            " used as the classes."
        )
        return []
    if rows and not choice.columns and _adds_nothing(taken, rows, folders, known):
        _note_refused_rows(taken, listing)
        return []
    listing = listing.again()
    for entry in taken:
        listing.refused.extend(entry.refused)
    if not rows:
        reasons = first_reasons(listing.refused)
        raise bad_source(f"No row of {taken[0].table.name} can be used.{reasons} {EXPECTED}.")
    _note_what_was_taken(taken, bool(folders), listing)
    _note_images_without_row(rows, images, listing)
    note_alike_classes({row.label for row in rows}, listing)
    found = LabelledFiles(READ_AS, _labelled_files(taken, listing))
    return [_reading(taken, found, listing)]


def _reading(taken: Sequence[_LabelTable], found: LabelledFiles, listing: Listing) -> Reading:
    first = taken[0].columns
    column = f"column {first.label_name!r}" if first.label is not None else "the columns with a 1"
    choice = Choice(
        classes_from=taken[0].table.name,
        file_column=first.names[first.file],
        label_column=None if first.label is None else first.label_name,
        split_column=None if first.split is None else first.names[first.split],
    )
    tables = tuple(entry.table.name for entry in taken)
    title = f"The classes are in {column} of {some_text(tables, FILES_SHOWN)}"
    return Reading(title, found, listing, choice, tables)


def _usable_tables(
    tables: Sequence[TextTable],
    images: ImageNames,
    asked: Choice,
    listing: Listing,
    folders: dict[int, str],
    known: dict[int, str],
) -> list[_LabelTable]:
    """The tables with labels; ``folders``, ``known``: see ``classes_without_table``.

    Raises ``BadInput`` where the columns of all of them are wrong or unclear.
    """
    usable: list[_LabelTable] = []
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
            columns = label_columns(table, file, images, asked)
        except BadInput as error:
            # Raised at the end, unless another table has what this one lacks.
            problem = problem or error
            continue
        if folders and not columns.label_is_named:
            listing.notes.append(
                f"{table.name} names images, but none of its columns is named like a label; the"
                " folders were used as the classes."
            )
            continue
        usable.append(_read_rows(table, columns, images))
    # Folders or file names replace a table that is unclear, but not a column that was misspelt.
    settled = known and isinstance(problem, ReadingUnclear) and not asked.columns
    if problem is not None and not usable and not settled:
        raise problem
    return usable


def _read_rows(table: TextTable, columns: LabelColumns, images: ImageNames) -> _LabelTable:
    """The rows that name an image and its label, each image once; the others are refused.

    An image may be named again with the same label; if it is named with another label, all its
    rows are refused.
    """
    listing = Listing()
    refused = RefusedRows(listing, table.name)
    kept: dict[int, _Row] = {}
    in_conflict: set[int] = set()
    for line, cells in itertools.islice(table.rows(), int(columns.has_header), None):
        try:
            row = _read_row(table, columns, images, line, cells)
        except _RowProblem as problem:
            refused.refuse(line, str(problem))
            continue
        key = id(row.raw)
        other = kept.get(key)
        if other and other.cell != row.cell and not (other.is_certain and row.is_certain):
            # Two names for one image: only the certain one counts.
            del kept[key]
            for entry in (other, row):
                if entry.is_certain:
                    kept[key] = entry
                else:
                    refused.refuse(entry.line, _absent(entry.cell))
        elif key in in_conflict or (
            other and (row.label, row.subset) != (other.label, other.subset)
        ):
            in_conflict.add(key)
            for entry in [kept.pop(key), row] if other else [row]:
                refused.refuse(
                    entry.line,
                    f"{shown_name(entry.cell)!r} is named in several rows with different labels"
                    " or subsets",
                )
        else:
            kept.setdefault(key, row)
    refused.finish()
    return _LabelTable(table, columns, list(kept.values()), listing.refused)


def _read_row(
    table: TextTable,
    columns: LabelColumns,
    images: ImageNames,
    line: int,
    cells: Sequence[str] | None,
) -> _Row:
    """Raises ``_RowProblem``."""
    if cells is None:
        raise _RowProblem("its quotation marks do not match")
    used = [columns.file, columns.label or 0, columns.split or 0, *columns.one_hot]
    if len(cells) <= max(used) or any(cell.strip() for cell in cells[len(columns.names) :]):
        raise _RowProblem(f"it has {len(cells)} cells where {len(columns.names)} were expected")
    label = _label(cells, columns)
    subset = cells[columns.split] if columns.split is not None else ""
    reason = why_no_label(label) or why_no_subset(subset)
    if reason is not None:
        raise _RowProblem(reason)
    cell = cells[columns.file].strip()
    if not cell:
        raise _RowProblem("it names no image")
    named = images.find(cell, table.raw)
    if not named.files:
        raise _RowProblem(_absent(cell))
    if len(named.files) > 1:
        paths = ", ".join(raw.path for raw in named.files[:FILES_SHOWN])
        raise _RowProblem(
            f"{shown_name(cell)!r} could be any of {len(named.files)} images ({paths}); write"
            " the folder before the name"
        )
    return _Row(line, cell, named.files[0], label, subset_of(subset), named.is_certain)


def _label(cells: Sequence[str], columns: LabelColumns) -> str:
    if columns.label is not None:
        # As for file names: a label typed on a Mac looks the same but has other code points.
        return unicodedata.normalize("NFC", cells[columns.label].strip())
    marked = marked_columns(cells, columns.one_hot)
    if marked is None:
        raise _RowProblem("a cell of the classes is neither 0 nor 1")
    if len(marked) != 1:
        raise _RowProblem(f"{len(marked)} of its classes are marked with 1; one is expected")
    return columns.names[marked[0]]


def _absent(cell: str) -> str:
    return f"there is no image named {shown_name(cell)!r}"


def _taken_together(usable: list[_LabelTable], listing: Listing) -> list[_LabelTable]:
    """The table that names most images, and other tables that continue it."""
    real = [entry for entry in usable if "submission" not in entry.table.raw.name.lower()] or usable
    first = max(real, key=lambda entry: (len(entry.rows), entry.columns.label_is_named))
    label_name = bare_name(first.columns.label_name)
    alike = [entry for entry in real if bare_name(entry.columns.label_name) == label_name]
    by_subset = [entry for entry in alike if entry.subset]
    if first.subset and len({entry.subset for entry in by_subset}) > 1:
        alike = by_subset
    named = [{id(row.raw) for row in entry.rows} for entry in alike]
    apart = not any(one & other for one, other in itertools.combinations(named, 2))
    taken = alike if apart else [first]
    for entry in usable:
        if entry not in taken:
            listing.notes.append(f"{entry.table.name} also names images, and was left out.")
    return taken


def _adds_nothing(
    taken: Sequence[_LabelTable],
    rows: Sequence[_Row],
    folders: dict[int, str],
    known: dict[int, str],
) -> bool:
    """Whether folders give the same classes, or folders or file names give words for numbers."""
    if len(taken) > 1 or any(row.subset for row in rows):
        return False
    if all(row.label == folders.get(id(row.raw)) for row in rows):
        return True
    pairs = {(row.label, known.get(id(row.raw))) for row in rows}
    one_to_one = len(pairs) == len(dict(pairs)) == len({name for _, name in pairs})
    return one_to_one and all(
        label.isdecimal() and name is not None and not name.isdecimal() for label, name in pairs
    )


def _note_refused_rows(taken: Sequence[_LabelTable], listing: Listing) -> None:
    """Note unusable lines even of a table that is not needed: they may name missing images."""
    for entry in taken:
        if entry.refused:
            listing.notes.append(
                f"{entry.table.name} gives the same classes as folders or file names, which were"
                f" used instead. {count_text(len(entry.refused), 'line')} of it could not be used:"
                f"{first_reasons(entry.refused)}"
            )


def _note_what_was_taken(taken: Sequence[_LabelTable], has_folders: bool, listing: Listing) -> None:
    for entry in taken:
        columns = entry.columns
        label = f"column {columns.label_name!r} holds"
        if columns.label is None:
            label = f"{len(columns.one_hot)} columns with one 1 in each row hold"
        listing.notes.append(
            f"{entry.table.name}: column {columns.names[columns.file]!r} names the images, and"
            f" {label} their classes."
        )
    if has_folders:
        listing.notes.append("The classes are taken from the table, not from the folders.")


def _note_images_without_row(
    rows: Sequence[_Row], images: Sequence[RawFile], listing: Listing
) -> None:
    named = {id(row.raw) for row in rows}
    listing.ignored += len(listing.files) - len(named)
    unnamed = sorted(raw.path for raw in images if id(raw) not in named)
    if unnamed:
        shown = some_text([shown_name(path) for path in unnamed], FILES_SHOWN)
        listing.notes.append(
            f"Left out: {count_text(len(unnamed), 'image')} that no usable row of the table names:"
            f" {shown}."
        )


def _labelled_files(taken: Sequence[_LabelTable], listing: Listing) -> list[LabelledFile]:
    """The images in order; subsets come from a column, else from the tables, else from folders."""
    rows = [row for entry in taken for row in entry.rows]
    of_tables = [entry.subset for entry in taken for _ in entry.rows]
    of_folders = [subset_of_folders(row.raw.parts[:-1]) for row in rows]
    subsets = [row.subset for row in rows]
    if len(taken) > 1 and None not in of_tables:
        subsets = [row.subset or subset for row, subset in zip(rows, of_tables, strict=True)]
    elif not any(subsets) and None not in of_folders and len(set(of_folders)) > 1:
        listing.notes.append("The folders of the images were used as the split.")
        subsets = of_folders
    levels = zip(*(row.raw.parts[:-1] for row in rows), strict=False)
    top = sum(1 for _ in itertools.takewhile(lambda names: len(set(names)) == 1, levels))
    labelled = [
        LabelledFile(row.label, "/".join(row.raw.parts[top:]), row.raw, subset)
        for row, subset in zip(rows, subsets, strict=True)
    ]
    return sorted(labelled, key=shown_order)
