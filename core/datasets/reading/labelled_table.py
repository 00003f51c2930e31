"""Images with a table: each row names a file and its label."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from core.datasets.reading import class_folders, text_labels
from core.datasets.reading.columns import bare_name
from core.datasets.reading.companions import Companions, companions_of, without_companions
from core.datasets.reading.file_columns import file_column, second_file_column
from core.datasets.reading.folders_and_table import Better, which_is_better
from core.datasets.reading.image_files import has_image_suffix
from core.datasets.reading.label_columns import (
    KNOWN_NAMES,
    LabelColumns,
    NoLabelColumn,
    label_columns,
)
from core.datasets.reading.label_rows import LabelledRows, RememberedNames, read_rows
from core.datasets.reading.label_tables import (
    LabelTable,
    below_title,
    first_lines,
    label_files,
    read_label_table,
    remembered,
)
from core.datasets.reading.other_labels import (
    SHEET_SUFFIXES,
    TREE_SUFFIXES,
    boxes_error,
    check_other_labels,
    is_boxes,
)
from core.datasets.reading.question import MOST_OFFERS
from core.datasets.reading.raw_files import Listing, RawFile
from core.datasets.reading.reader import Reading, first_reasons
from core.datasets.reading.table_readings import READ_AS, Labelled, readings_of
from core.datasets.reading.tables_together import (
    TableLabels,
    fullest,
    is_submission,
    read_together,
    rivals,
)
from core.datasets.reading_choice import TEXTS, Choice
from core.errors import BadInput
from core.text import count_text, some_text

__all__ = ["READ_AS", "readings"]

TABLES_SHOWN = 3
HOLDS_SUBSETS = "it holds subsets, but no labels"
HOLDS_BOXES = "it holds boxes around objects"
MOST_LISTS = 20
FOLDERS_DIFFER = "The folders say something else than the table"


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """The images that a table names, or else text files of their names; empty where none does.

    Each column that may hold the label is a reading, and so are the tables and folders that say
    something else; where only one is likely, it is in no doubt. Rows that cannot be used are
    refused with their line; images that no row names are counted in a note. Several tables are read
    together where they continue each other. Raises ``BadInput``, and ``ReadingUnclear`` where no
    column can be offered.
    """
    chosen = choice.classes_from
    if chosen == TEXTS:
        return text_labels.readings(listing, choice)
    if not any(choice.allows_table(raw.path) for raw in listing.files):
        return []
    files = label_files(listing.files)
    if chosen is not None and all(raw.path != chosen for raw in files):
        files.append(next(raw for raw in listing.files if raw.path == chosen))
    tables = _Tables(listing, choice, files)
    if not tables.others:
        return []
    found = tables.readings() or text_labels.readings(listing, choice)
    if not found:
        tables.check_other_labels()
    return found


class _Tables:
    """The tables of a listing that name images, and what becomes of each."""

    def __init__(self, listing: Listing, choice: Choice, files: list[RawFile]) -> None:
        self._listing = listing
        self._choice = choice
        tables = {id(raw) for raw in files}
        self.others = [raw for raw in listing.files if id(raw) not in tables]
        found = [(raw, read_label_table(raw)) for raw in files]
        self._no_tables = [raw for raw, table in found if table is None][:MOST_LISTS]
        self._all = remembered(
            [
                below_title(table, lambda cell: bare_name(cell) in KNOWN_NAMES)
                for _, table in found
                if table is not None
            ]
        )
        self._usable: list[TableLabels] = []
        self._subsets: dict[int, str] = {}
        self._problem: BadInput | None = None
        self._no_labels: BadInput | None = None
        self._unclear: list[tuple[LabelTable, NoLabelColumn]] = []
        # Tables that name images and are not used, each with the reason.
        self._unused: dict[str, str] = {}

    @cached_property
    def _images(self) -> list[RawFile]:
        images = [raw for raw in self.others if has_image_suffix(raw.name)]
        return without_companions(images or self.others, self._companions)

    @cached_property
    def _companions(self) -> list[Companions]:
        return companions_of(self._listing.files)

    @cached_property
    def _names(self) -> RememberedNames:
        return RememberedNames(self._images)

    @cached_property
    def _classes(self) -> tuple[dict[int, str], dict[int, str]]:
        return class_folders.classes_without_table(self._listing, self._companions)

    @property
    def _folders(self) -> dict[int, str]:
        return self._classes[0]

    @property
    def _known(self) -> dict[int, str]:
        return self._classes[1]

    def readings(self) -> list[Reading]:
        for table in self._all:
            if not is_boxes(table):
                self._add(table)
        self._unify_headerless()
        self._without_boxes()
        self._without_submissions()
        usable = self._usable
        if usable and self._folders and not self._is_chosen:
            usable = self._named_ones()
        if not usable:
            self._raise_problem()
            return []
        chosen = [one for one in usable if one.table.name == self._choice.classes_from]
        if self._choice.classes_from is not None and not chosen:
            self._raise_problem()
            return []
        return self._readings_of(chosen[0] if chosen else fullest(usable), usable)

    @property
    def _is_chosen(self) -> bool:
        return bool(self._choice.columns) or self._choice.classes_from is not None

    def _add(self, table: LabelTable) -> None:
        try:
            file = file_column(table, self._names)
        except BadInput as error:
            self._listing.refuse(table.name, str(error))
            return
        if file is None:
            return
        try:
            candidates = label_columns(table, file, self._names, self._choice)
        except NoLabelColumn as error:
            self._add_subsets(table, error)
        except BadInput as error:
            # Raised at the end, unless another table has what this one lacks.
            self._problem = self._problem or error
            self._unused[table.name] = "its columns hold no label that can be read"
            if self._is_chosen:
                self._add_subsets_of_other(table, file)
        else:
            found = TableLabels(table, candidates, self._read)
            other = None if self._is_chosen else second_file_column(table, file, self._names)
            if other is not None:
                names = candidates[0].names
                found.doubt(f"Columns {names[file]} and {names[other]} name two images in each row")
            self._usable.append(found)

    def _read(self, table: LabelTable, columns: LabelColumns) -> LabelledRows:
        return read_rows(table, columns, self._names)

    def _add_subsets(self, table: LabelTable, error: NoLabelColumn) -> None:
        """A table without labels may still say in which subset each image is."""
        columns = error.columns
        if columns.subsets is not None and not columns.boxes:
            rows = self._read(table, replace(columns, label=columns.subsets.at)).rows
            self._subsets |= {id(row.raw): row.subset for row in rows if row.subset is not None}
            self._unused[table.name] = HOLDS_SUBSETS
            self._no_labels = self._no_labels or error
        elif columns.boxes:
            self._problem = self._problem or boxes_error(table.name)
            self._unused[table.name] = HOLDS_BOXES
        else:
            self._unclear.append((table, error))

    def _add_subsets_of_other(self, table: LabelTable, file: int) -> None:
        """The columns that were chosen are those of another table; this one may have subsets."""
        try:
            label_columns(table, file, self._names, Choice())
        except NoLabelColumn as error:
            if error.columns.subsets is not None:
                self._add_subsets(table, error)
        except BadInput:
            return

    def _unify_headerless(self) -> None:
        """Tables alike without headers have the same columns; the longest shows them best."""
        alike: dict[tuple[int, int], list[TableLabels]] = {}
        for one in self._usable:
            columns = one.candidates[0]
            if not columns.has_header:
                alike.setdefault((one.table.width, columns.file), []).append(one)
        for group in alike.values():
            best = max(group, key=lambda one: len(one.table.first_rows))
            for one in group:
                one.candidates = best.candidates
        for table, error in self._unclear:
            group = alike.get((table.width, error.columns.file), [])
            if group and not error.columns.has_header:
                self._usable.append(TableLabels(table, group[0].candidates, self._read))
            else:
                self._problem = self._problem or error
                self._unused[table.name] = "none of its columns can be the label"

    def _without_boxes(self) -> None:
        """Take out tables that hold several boxes of an image; doubt those with one box each."""
        if self._choice.label_column is not None:
            return
        kept = []
        for one in self._usable:
            columns = one.candidates[0]
            if columns.boxes and (one.rows().in_several_rows or _label_is_in_boxes(one)):
                self._problem = boxes_error(one.table.name)
                self._unused[one.table.name] = HOLDS_BOXES
                continue
            if columns.boxes and not self._is_mixed(one):
                names = some_text([columns.names[at] for at in columns.boxes], 4)
                one.doubt(f"Columns {names} may be boxes around objects, which are not learned")
            kept.append(one)
        self._usable = kept

    def _without_submissions(self) -> None:
        """Take out tables to hand in where folders or other tables have labels; else doubt them."""
        if not self._usable:
            return
        chosen = self._choice.classes_from
        real = [
            one for one in self._usable if one.table.name == chosen or not is_submission(one.table)
        ]
        if not real and (self._is_chosen or not self._folders):
            for one in [] if self._is_chosen else self._usable:
                one.doubt("The table is named like predictions to hand in, not like labels")
            return
        for one in self._usable:
            if one not in real:
                self._unused[one.table.name] = "it is named like predictions to hand in"
        self._usable = real

    def _named_ones(self) -> list[TableLabels]:
        """The tables whose label is named like one: others say less than class folders."""
        named = []
        for one in self._usable:
            if one.candidates[0].label_is_named or self._is_mixed(one):
                named.append(one)
            else:
                self._listing.notes.append(
                    f"{one.table.name} names images, but none of its columns is named like a"
                    " label; the folders were used as the classes."
                )
        return named

    def _is_mixed(self, one: TableLabels) -> bool:
        rows = one.rows().rows
        found = which_is_better(rows, False, self._folders, self._known, len(self._images))
        return found is Better.MIXED

    def _raise_problem(self) -> None:
        """Folders or file names replace a table that is unclear, but not a misspelt column."""
        if not self._all and not self._no_tables:
            return
        if self._known and not self._is_chosen:
            self._note_unused(self._listing)
            self._note_lists(self._listing)
        elif (problem := self._problem or self._no_labels) is not None:
            raise problem

    def check_other_labels(self) -> None:
        """Raise ``BadInput`` where nothing says the classes, but something else may be labels."""
        endings = (*SHEET_SUFFIXES, *TREE_SUFFIXES)
        if not self._all and not any(
            raw.name.lower().endswith(endings) for raw in self._listing.files
        ):
            return
        try:
            check_other_labels(self._listing, self._all, self._images)
        except BadInput:
            if not self._known:
                raise

    def _note_unused(self, listing: Listing) -> None:
        by_reason: dict[str, list[str]] = {}
        for name, reason in self._unused.items():
            by_reason.setdefault(reason, []).append(name)
        for reason, names in by_reason.items():
            verb = "names" if len(names) == 1 else "name"
            listing.notes.append(
                f"{some_text(names, TABLES_SHOWN)} {verb} images, and"
                f" {'was' if len(names) == 1 else 'were'} not used: {reason}."
            )

    def _note_lists(self, listing: Listing) -> None:
        """Lists of names alone label nothing, but somebody wrote them for a reason."""
        for raw in self._no_tables:
            lines = first_lines(raw)
            named = sum(bool(self._names.find(line, raw).files) for line in lines)
            if named and 2 * named >= len(lines):
                listing.notes.append(f"{raw.path} names images without labels, and was not used.")

    def _readings_of(self, first: TableLabels, usable: Sequence[TableLabels]) -> list[Reading]:
        lead = first.rows()
        together = read_together(lead, usable)
        taken = Labelled(together, self._folders, self._subsets, self._images)
        better = Better.TABLE
        if not self._choice.columns and (self._choice.classes_from is None):
            adds = len(together.tables) > 1 or any(row.subset for row in taken.rows)
            better = which_is_better(
                taken.rows,
                adds or bool(self._subsets),
                self._folders,
                self._known,
                len(self._images),
            )
        elif self._is_mixed(first):
            better = Better.MIXED
        if better is Better.TABLE_IS_OTHER:
            self._listing.notes.append(
                f"{first.table.name} names {len(taken.rows)} of {len(self._images)} images; the"
                " folders were used as the classes."
            )
            return []
        if better is Better.FOLDERS and taken.rows:
            self._note_refused_rows(together.tables)
            return []
        others = [] if self._is_chosen else rivals(lead, usable)
        used = {rows.table.name for rows in (*together.tables, *others)} | set(together.again)
        listing = self._listing.again()
        for name in [name for name, reason in self._unused.items() if reason == HOLDS_SUBSETS]:
            listing.notes.append(f"{name} was used as the split.")
            del self._unused[name]
        self._note_unused(listing)
        for one in usable:
            if one.table.name not in used:
                listing.notes.append(f"{one.table.name} also names images, and was left out.")
        for name in together.again:
            listing.notes.append(f"{name} names the same images with the same labels.")
        doubt = None
        if others:
            names = [rows.table.name for rows in (lead, *others)]
            doubt = (
                f"These tables label the same images differently: {some_text(names, TABLES_SHOWN)}"
            )
        if better is Better.BOTH:
            doubt = FOLDERS_DIFFER
        mixed = better is Better.MIXED
        found = readings_of(taken, listing, self._choice, doubt, mixed)
        for at in range(1, len(first.candidates)):
            if len(found) < MOST_OFFERS:
                more = read_together(first.rows(at), usable)
                labelled = replace(taken, together=more)
                found += readings_of(labelled, listing, self._choice, doubt, mixed)
        for rows in others:
            labelled = replace(taken, together=read_together(rows, usable))
            found += readings_of(labelled, listing, self._choice, doubt, False)
        if better is Better.BOTH:
            found += class_folders.readings_in_doubt(self._listing, FOLDERS_DIFFER)
        return found[:MOST_OFFERS]

    def _note_refused_rows(self, taken: Sequence[LabelledRows]) -> None:
        """Note unusable lines even of a table that is not needed: they may name missing images."""
        for rows in taken:
            if rows.refused:
                self._listing.notes.append(
                    f"{rows.table.name} gives the same classes as folders or file names, which were"
                    f" used instead. {count_text(len(rows.refused), 'line')} of it could not be"
                    f" used:{first_reasons(rows.refused)}"
                )


def _label_is_in_boxes(one: TableLabels) -> bool:
    """Whether the label belongs to the boxes: both are keys of the same record inside others."""
    columns = one.candidates[0]
    if not one.table.is_nested or columns.label is None:
        return False
    parents = {columns.names[at].split(".")[0] for at in columns.boxes if "." in columns.names[at]}
    return columns.label_name.split(".")[0] in parents
