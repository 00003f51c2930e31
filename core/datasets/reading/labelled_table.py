"""Pictures with a table that names each file and its label."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets.reading.column_names import bare_name
from core.datasets.reading.file_columns import file_column
from core.datasets.reading.label_columns import LabelColumns, label_columns
from core.datasets.reading.labelled_rows import FILES_SHOWN, Row, read_rows
from core.datasets.reading.layout import (
    LabelledFile,
    classes_of_folders,
    classes_of_names,
    first_reasons,
    note_alike_classes,
)
from core.datasets.reading.other_labels import check_other_labels, is_boxes
from core.datasets.reading.picture_files import has_picture_suffix
from core.datasets.reading.picture_names import PictureNames
from core.datasets.reading.raw_files import Listing, RawFile, shown_name
from core.datasets.reading.side_names import side_of_file, side_of_folders
from core.datasets.reading.tables import TABLE_SUFFIXES, Columns, TextTable, read_table
from core.errors import BadInput, ColumnsUnclear
from core.text import count_text

EXPECTED = "Expected a first line file,label and then one line a picture: 1.jpg,cat"
# Beside class folders, a table that names fewer of the pictures is about something else.
SHARE_NAMED = 0.5
_SUBMISSION = "submission"


@dataclass(frozen=True)
class _Usable:
    """A table that names pictures and has labels; ``refused`` are its rows that do not."""

    table: TextTable
    columns: LabelColumns
    rows: list[Row]
    refused: list[dict[str, str]]


def label_by_table(listing: Listing, columns: Columns) -> list[LabelledFile] | None:
    """The pictures that a table names, sorted by class and name, or None where none names any.

    A table wins over class folders if one of its columns is called label, class or the like and
    says something else than the folders. Rows that cannot be used are refused with their line;
    pictures that no row names are counted in a note. Several tables are read together where
    their names say train and test, or where each names other pictures. Raises ``BadInput``, and
    ``ColumnsUnclear`` where only the user can say which column holds the label.
    """
    files = [raw for raw in listing.files if _is_table_name(raw.name)]
    others = [raw for raw in listing.files if not _is_table_name(raw.name)]
    tables = [table for raw in files if (table := read_table(raw)) is not None]
    pictures = [raw for raw in others if has_picture_suffix(raw.name)] or others
    if not pictures:
        return None
    folders = classes_of_folders(listing)
    about_pictures = [table for table in tables if not is_boxes(table)]
    names = PictureNames(pictures)
    usable = _usable_tables(about_pictures, names, columns, bool(folders), listing)
    if not usable:
        if not folders and not classes_of_names(listing):
            check_other_labels(listing, tables, pictures)
        return None
    taken = _taken_together(usable, listing)
    rows = [row for entry in taken for row in entry.rows]
    if not columns.chosen:
        if folders and _is_about_something_else(taken, rows, pictures, listing):
            return None
        words = folders or classes_of_names(listing)
        if rows and (_say_the_same(taken, rows, folders) or _say_more(taken, rows, words)):
            _say_what_was_refused(taken, listing)
            return None
    for entry in taken:
        listing.refused.extend(entry.refused)
    if not rows:
        said = first_reasons(listing.refused)
        raise BadInput(f"No row of {taken[0].table.name} can be used.{said} {EXPECTED}.", "path")
    _say_what_was_taken(taken, rows, pictures, listing, bool(folders))
    return _labelled_files(taken, listing)


def _is_table_name(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(TABLE_SUFFIXES)


def _usable_tables(
    tables: Sequence[TextTable],
    pictures: PictureNames,
    asked: Columns,
    has_folders: bool,
    listing: Listing,
) -> list[_Usable]:
    usable: list[_Usable] = []
    problem: BadInput | None = None
    for table in tables:
        try:
            file = file_column(table, pictures)
        except BadInput as error:
            listing.refuse(table.name, str(error))
            continue
        if file is None:
            continue
        try:
            found = label_columns(table, file, pictures, asked)
        except BadInput as error:
            # Another table may have what this one lacks; if none has, this is said.
            problem = problem or error
            continue
        if has_folders and not found.label_is_named:
            listing.notes.append(
                f"{table.name} names pictures, but no column of it is called label; the folders"
                " were taken as the classes."
            )
            continue
        scratch = Listing()
        rows = read_rows(table, found, pictures, scratch)
        usable.append(_Usable(table, found, rows, scratch.refused))
    # Folders and names are an answer to a table that is unclear, but not to a wrong column name.
    unclear = isinstance(problem, ColumnsUnclear) and not asked.chosen
    settled = unclear and (has_folders or classes_of_names(listing))
    if problem is not None and not usable and not settled:
        raise problem
    return usable


def _taken_together(usable: list[_Usable], listing: Listing) -> list[_Usable]:
    """The table that names most pictures, and those that go on where it ends."""
    real = [entry for entry in usable if _SUBMISSION not in entry.table.raw.name.lower()] or usable
    first = max(real, key=lambda entry: (len(entry.rows), entry.columns.label_is_named))
    label_name = bare_name(first.columns.label_name)
    alike = [entry for entry in real if bare_name(entry.columns.label_name) == label_name]
    by_side = [entry for entry in alike if side_of_file(entry.table.raw.parts)]
    if first in by_side and len({side_of_file(entry.table.raw.parts) for entry in by_side}) > 1:
        alike = by_side
    named = [{id(row.raw) for row in entry.rows} for entry in alike]
    apart = not any(one & other for one, other in itertools.combinations(named, 2))
    taken = alike if apart else [first]
    for entry in usable:
        if entry not in taken:
            listing.notes.append(f"{entry.table.name} names pictures too, and was left out.")
    return taken


def _is_about_something_else(
    taken: Sequence[_Usable], rows: Sequence[Row], pictures: Sequence[RawFile], listing: Listing
) -> bool:
    """Whether a table beside class folders names so few pictures that the folders count."""
    if len(rows) >= SHARE_NAMED * len(pictures):
        return False
    listing.notes.append(
        f"{taken[0].table.name} names {len(rows)} of {len(pictures)} pictures; the folders were"
        " taken as the classes."
    )
    return True


def _has_sides(taken: Sequence[_Usable], rows: Sequence[Row]) -> bool:
    return len(taken) > 1 or any(row.side for row in rows)


def _say_the_same(taken: Sequence[_Usable], rows: Sequence[Row], classes: dict[int, str]) -> bool:
    """Whether the folders give every picture the class that the table gives it."""
    return not _has_sides(taken, rows) and all(
        row.label == classes.get(id(row.raw)) for row in rows
    )


def _say_what_was_refused(taken: Sequence[_Usable], listing: Listing) -> None:
    """Lines of a table that is not needed may still tell of pictures that are missing."""
    for entry in taken:
        if entry.refused:
            listing.notes.append(
                f"{entry.table.name} says what folders or file names say, so these were taken."
                f" {count_text(len(entry.refused), 'line')} of it could not be used:"
                f"{first_reasons(entry.refused)}"
            )


def _say_more(taken: Sequence[_Usable], rows: Sequence[Row], classes: dict[int, str]) -> bool:
    """Whether folders or file names give the same classes in words, where the table has numbers."""
    pairs = {(row.label, classes.get(id(row.raw))) for row in rows}
    one_to_one = len(pairs) == len(dict(pairs)) == len({name for _, name in pairs})
    in_words = not any(name is None or name.isdecimal() for _, name in pairs)
    in_numbers = all(label.isdecimal() for label, _ in pairs)
    return not _has_sides(taken, rows) and one_to_one and in_words and in_numbers


def _labelled_files(taken: Sequence[_Usable], listing: Listing) -> list[LabelledFile]:
    rows = [row for entry in taken for row in entry.rows]
    by_table = len(taken) > 1 and all(side_of_file(entry.table.raw.parts) for entry in taken)
    by_folder = not by_table and _lie_in_sides(rows)
    if by_folder:
        listing.notes.append("The folders that the pictures lie in were taken as the split.")
    top = _common_folders([row.raw for row in rows])
    labelled = []
    for entry in taken:
        side = side_of_file(entry.table.raw.parts) if by_table else None
        for row in entry.rows:
            of_folder = side_of_folders(row.raw.parts[:-1]) if by_folder else None
            name = "/".join(row.raw.parts[top:])
            labelled.append(LabelledFile(row.label, name, row.raw, row.side or side or of_folder))
    return sorted(labelled, key=lambda entry: (entry.class_name, entry.name, entry.raw.path))


def _lie_in_sides(rows: Sequence[Row]) -> bool:
    """Whether all the pictures lie in folders called train, test and the like, and in several."""
    if any(row.side for row in rows):
        return False
    sides = {side_of_folders(row.raw.parts[:-1]) for row in rows}
    return None not in sides and len(sides) > 1


def _common_folders(files: Sequence[RawFile]) -> int:
    """How many folders all the files lie in together."""
    count = 0
    for level in zip(*(raw.parts[:-1] for raw in files), strict=False):
        if len(set(level)) > 1:
            break
        count += 1
    return count


def _say_what_was_taken(
    taken: Sequence[_Usable],
    rows: Sequence[Row],
    pictures: Sequence[RawFile],
    listing: Listing,
    has_folders: bool,
) -> None:
    for entry in taken:
        file = entry.columns.names[entry.columns.file]
        label = f"column {entry.columns.label_name!r}"
        if entry.columns.label is None:
            label = f"{len(entry.columns.one_hot)} columns with one 1 in each row"
        listing.notes.append(
            f"{entry.table.name}: column {file!r} names the pictures, and {label} holds their"
            " classes."
        )
    if has_folders:
        listing.notes.append("The classes are those of the table, not the folders.")
    named = {id(row.raw) for row in rows}
    unnamed = sorted(raw.path for raw in pictures if id(raw) not in named)
    listing.ignored += len(listing.files) - len(named)
    if unnamed:
        shown = ", ".join(map(shown_name, unnamed[:FILES_SHOWN]))
        more = " and others" if len(unnamed) > FILES_SHOWN else ""
        listing.notes.append(
            f"{len(unnamed)} picture(s) are in no usable row of the table and were left out:"
            f" {shown}{more}."
        )
    note_alike_classes({row.label for row in rows}, listing)
