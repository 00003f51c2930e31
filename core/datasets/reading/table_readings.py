"""Readings of tables that name images: the labelled files, with notes and what to choose."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.datasets.choices import SEVERAL_LABELS, SeveralLabels
from core.datasets.reading.label_rows import LabelledRow, LabelledRows, settled_labels, several_text
from core.datasets.reading.question import table_sample
from core.datasets.reading.raw_files import Listing, RawFile, bad_source, shown_name
from core.datasets.reading.reader import (
    FEWEST_CLASSES,
    LabelledFile,
    LabelledFiles,
    Reading,
    TableSample,
    first_reasons,
    in_shown_order,
    note_alike_classes,
)
from core.datasets.reading.subset_columns import is_subset_name
from core.datasets.reading.subset_names import subset_of_folders
from core.datasets.reading.tables_together import Together
from core.datasets.reading_choice import Choice
from core.text import count_text, some_text

READ_AS = "images with a table of labels"
FILES_SHOWN = 3
EXPECTED = "Expected a first line file,label and then one line per image: 1.jpg,cat"
_WHAT_BECOMES = {
    "leave-out": "and are left out",
    "combine": "and each combination is a class",
    "first": "and the first label counts",
}


@dataclass(frozen=True)
class Labelled:
    """Tables that are read as one, and what else is known about the images.

    folders: the class of images by their folders. subsets: by tables of subsets. Keys are the
    ``id`` of the file.
    """

    together: Together
    folders: dict[int, str]
    subsets: dict[int, str]
    images: list[RawFile]

    @property
    def rows(self) -> list[LabelledRow]:
        return [row for rows in self.together.tables for row in rows.rows]

    @property
    def lead(self) -> LabelledRows:
        return self.together.tables[0]


def readings_of(
    labelled: Labelled, listing: Listing, choice: Choice, doubt: str | None, mixed: bool
) -> list[Reading]:
    """One reading; or three where images have several labels and nothing was chosen about that.

    mixed: images that no table names are labelled by their folders. Raises ``BadInput`` where no
    row can be used.
    """
    rows = labelled.rows
    several = [row for row in rows if len(row.labels) > 1]
    modes: Sequence[SeveralLabels | None] = [None]
    if several:
        modes = [choice.several_labels] if choice.several_labels else SEVERAL_LABELS
    found = []
    for mode in modes:
        kept = rows if mode is None else settled_labels(rows, mode)
        if len(modes) > 1 and len({row.label for row in kept}) < FEWEST_CLASSES:
            continue
        left_out = [row.raw for row in several] if mode == "leave-out" else []
        says = f"{several_text(rows, several)}, {_WHAT_BECOMES[mode]}" if mode else None
        reading = _reading(
            replace_rows(labelled, kept), listing.again(), mode, says, mixed, left_out
        )
        columns = labelled.lead.columns
        asked = doubt or columns.doubt
        # What a person says about several marks chooses the columns of marks.
        repeats = choice.several_labels or ("leave-out" if columns.one_hot and asked else None)
        if mode is None and repeats:
            repeated = reading.choice.model_copy(update={"several_labels": repeats})
            reading = replace(reading, choice=repeated)
        if len(modes) > 1:
            asked = f"{several_text(rows, several)}; Headstart learns one class per image."
        elif choice.label_column is not None or choice.several_labels is not None:
            asked = None
        found.append(replace(reading, doubt=asked))
    return found


def replace_rows(labelled: Labelled, kept: Sequence[LabelledRow]) -> Labelled:
    """The same tables with these rows alone, by their files."""
    by_file = {id(row.raw): row for row in kept}
    tables = [
        replace(rows, rows=[by_file[id(row.raw)] for row in rows.rows if id(row.raw) in by_file])
        for rows in labelled.together.tables
    ]
    return replace(labelled, together=replace(labelled.together, tables=tables))


def _reading(
    labelled: Labelled,
    listing: Listing,
    mode: SeveralLabels | None,
    says: str | None,
    mixed: bool,
    left_out: Sequence[RawFile],
) -> Reading:
    taken = labelled.together.tables
    for rows in taken:
        listing.refused.extend(rows.refused)
    if not labelled.rows:
        reasons = first_reasons(listing.refused)
        raise bad_source(f"No row of {taken[0].table.name} can be used.{reasons} {EXPECTED}.")
    _note_what_was_taken(labelled, says, mixed, listing)
    files = _labelled_files(labelled, mixed, listing)
    if mixed:
        files += _files_of_folders(labelled, files)
    _note_images_without_row([*(file.raw for file in files), *left_out], labelled.images, listing)
    note_alike_classes({file.class_name for file in files}, listing)
    columns = taken[0].columns
    column = f"column {columns.label_name!r}" if columns.label is not None else _marks(taken[0])
    tables = tuple(rows.table.name for rows in taken)
    title = f"The classes are in {column} of {some_text(tables, FILES_SHOWN)}"
    if mixed:
        title += ", and those of other images are their folders"
    subsets = columns.subsets
    choice = Choice(
        classes_from=taken[0].table.name,
        file_column=columns.names[columns.file],
        label_column=None if columns.label is None else columns.label_name,
        split_column=None if subsets is None else columns.names[subsets.at],
        several_labels=mode,
    )
    found = LabelledFiles(READ_AS, in_shown_order(files))
    return Reading(
        f"{title}; {says}" if says else title,
        found,
        listing,
        choice,
        tables,
        tables=(_sample(taken[0]),),
    )


def _marks(rows: LabelledRows) -> str:
    names = [rows.columns.names[at] for at in rows.columns.one_hot]
    return f"the columns with a 1 ({some_text(names, FILES_SHOWN)})"


def _sample(rows: LabelledRows) -> TableSample:
    first = rows.table.first_rows[rows.columns.has_header :]
    return table_sample(rows.table.name, rows.columns.names, first)


def _note_what_was_taken(
    labelled: Labelled, says: str | None, mixed: bool, listing: Listing
) -> None:
    for rows in labelled.together.tables:
        columns = rows.columns
        label = f"column {columns.label_name!r} holds"
        if columns.label is None:
            label = f"{len(columns.one_hot)} columns with one 1 in each row hold"
        listing.notes.append(
            f"{rows.table.name}: column {columns.names[columns.file]!r} names the images, and"
            f" {label} their classes."
        )
        by_number = [row for row in rows.rows if row.is_named_by_number]
        if by_number:
            listing.notes.append(
                f"{rows.table.name}: {by_number[0].cell} was taken for"
                f" {shown_name(by_number[0].raw.name)}; {count_text(len(by_number), 'row')} in all"
                " without the zeros of the file name."
            )
        if columns.subsets is not None and columns.subsets.meaning is not None:
            meaning = ", ".join(
                f"{cell} is {subset}" for cell, subset in _used_meaning(rows).items()
            )
            listing.notes.append(
                f"{rows.table.name}: column {columns.names[columns.subsets.at]!r} was used as the"
                f" split: {meaning}."
            )
        listing.notes += _unused_subset_columns(rows)
    if says:
        listing.notes.append(f"{says}.")
    if mixed:
        listing.notes.append(
            f"Images that {labelled.lead.table.name} does not name have the classes of their"
            " folders."
        )
    elif labelled.folders:
        listing.notes.append("The classes are taken from the table, not from the folders.")


def _unused_subset_columns(rows: LabelledRows) -> list[str]:
    """A note about each column that is named like a split and is none, such as folds."""
    columns, table = rows.columns, rows.table
    used = {columns.file, columns.label, columns.subsets.at if columns.subsets else None}
    notes = []
    for at, name in enumerate(columns.names):
        if at in used or not columns.has_header or not is_subset_name(name):
            continue
        cells = {row[at].strip() for row in table.first_rows[1:] if len(row) > at} - {""}
        if len(cells) > 1:
            shown = shown_name(some_text(sorted(cells), FILES_SHOWN))
            notes.append(
                f"{table.name}: column {name!r} was not used as the split: its values ({shown}) do"
                " not say which images are for training and which for the test."
            )
    return notes


def _used_meaning(rows: LabelledRows) -> dict[str, str]:
    """What the cells mean, one cell for each subset."""
    subsets = rows.columns.subsets
    assert subsets is not None
    cells = Counter(
        row[subsets.at].strip()
        for row in rows.table.first_rows[rows.columns.has_header :]
        if len(row) > subsets.at
    )
    return {cell: subset for cell in sorted(cells) if (subset := subsets.subset(cell))}


def _note_images_without_row(
    files: Sequence[RawFile], images: Sequence[RawFile], listing: Listing
) -> None:
    named = {id(raw) for raw in files}
    listing.ignored += len(listing.files) - len(named)
    unnamed = sorted(raw.path for raw in images if id(raw) not in named)
    if unnamed:
        shown = some_text([shown_name(path) for path in unnamed], FILES_SHOWN)
        listing.notes.append(
            f"Left out: {count_text(len(unnamed), 'image')} that no usable row of the table names:"
            f" {shown}."
        )


def _labelled_files(labelled: Labelled, mixed: bool, listing: Listing) -> list[LabelledFile]:
    """The images; subsets come from a column, else from the tables, else from folders."""
    rows = labelled.rows
    folders = [row.raw.parts[:-1] for row in rows]
    of_folder = {folder: subset_of_folders(folder) for folder in set(folders)}
    of_folders = [of_folder[folder] for folder in folders]
    subsets = [row.subset for row in rows]
    for known in (labelled.together.subsets, labelled.subsets):
        if known:
            subsets = [
                own or known.get(id(row.raw)) for own, row in zip(subsets, rows, strict=True)
            ]
    if mixed and not any(subsets):
        subsets = of_folders
    elif not any(subsets) and None not in of_folders and len(set(of_folders)) > 1:
        listing.notes.append("The folders of the images were used as the split.")
        subsets = of_folders
    top = _common_folders([row.raw for row in rows])
    return [
        LabelledFile(row.label, "/".join(row.raw.parts[top:]), row.raw, subset)
        for row, subset in zip(rows, subsets, strict=True)
    ]


def _files_of_folders(labelled: Labelled, named: Sequence[LabelledFile]) -> list[LabelledFile]:
    """The images that no table names, with the classes of their folders."""
    known = {id(file.raw) for file in named}
    rest = [raw for raw in labelled.images if id(raw) in labelled.folders and id(raw) not in known]
    top = _common_folders(rest)
    return [
        LabelledFile(
            labelled.folders[id(raw)],
            "/".join(raw.parts[top:]),
            raw,
            subset_of_folders(raw.parts[:-1]),
        )
        for raw in rest
    ]


def _common_folders(files: Sequence[RawFile]) -> int:
    """The number of folders that all files have in common, from the top."""
    folders = [raw.parts[:-1] for raw in files]
    # What the first and the last have in common, all between them have as well.
    ends = zip(min(folders, default=()), max(folders, default=()), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda names: names[0] == names[1], ends))
