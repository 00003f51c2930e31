"""The columns that say more of each image than its class, in tables beside the images and in
Parquet files that hold them."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.groups import LARGEST_SET, joined, origin_arrays
from core.datasets.metadata import (
    LONGEST_WORD,
    MOST_WORDS,
    ORIGIN_COLUMN,
    UNKNOWN,
    MetadataColumn,
    SharedOrigin,
    column_of,
    to_arrays,
)
from core.datasets.reading.byte_ranges import Scratch, unpacked_copy
from core.datasets.reading.columns import (
    FILE_NAMES,
    INDEX_NAMES,
    LABEL_NAMES,
    SPLIT_NAMES,
    bare_name,
    unique_names,
)
from core.datasets.reading.file_columns import file_column
from core.datasets.reading.folders_and_table import FRACTION_NAMED
from core.datasets.reading.label_rows import RememberedNames
from core.datasets.reading.label_tables import LabelTable, label_files, read_label_table
from core.datasets.reading.named_classes import are_one_to_one
from core.datasets.reading.parquet_columns import image_columns, label_candidates
from core.datasets.reading.parquet_files import opened, parquet_rows
from core.datasets.reading.parquet_images import is_parquet
from core.datasets.reading.raw_files import Listing, RawFile
from core.datasets.reading.reader import LabelledFile, LabelledFiles, Reading
from core.datasets.reading.subset_names import settle_subsets, subset_of, words
from core.datasets.reading.table import LOOKED_AT_ROWS
from core.errors import HeadstartError
from core.text import some_text

MOST_COLUMNS = 30
# Some hundred megabytes.
MOST_CELLS = 3_000_000
NAMED_IN_NOTES = 5
_OTHER_NAMES = INDEX_NAMES | LABEL_NAMES | FILE_NAMES
# What several images are taken of: models may know it again in the test.
_ORIGINS = words(
    "patient subject participant person proband individual volunteer specimen slide biopsy lesion"
    " nodule case study studyinstance series seriesinstance exam examination video clip track"
    " sequence session recording burst paciente paziente"
)
_OF_KEYS = ("", "id", "ids", "uid", "nr", "no", "num", "number", "name", "code", "key", "index")
FEWEST_ORIGINS = 5
FEWEST_IMAGES_OF_ONE = 1.1  # on average
_ROW = "row "  # as ``parquet_images`` names the place of an image


@dataclass(frozen=True)
class Described:
    """What tables say of the images beside their classes.

    together: int64 ``(N,)``, the same number for images of one origin; None without ``origins``.
    """

    columns: Sequence[MetadataColumn] = ()
    origins: tuple[SharedOrigin, ...] = ()
    together: np.ndarray | None = None

    def arrays(self, images: Sequence[int]) -> dict[str, np.ndarray]:
        """What ``index.npz`` keeps of these images, by their positions."""
        columns = to_arrays([column.only(images) for column in self.columns])
        return columns | origin_arrays(self.together, images)


def describe(taken: Reading, listing: Listing) -> Described:
    """What the tables of a source say of the images of a reading, in their order; notes are added
    to the reading. The source must be open.

    Tables with the same column are read as one; the first that names an image counts. Columns that
    repeat class, subset or row are left out, and those that name fewer than half of the images,
    which are about something else. A damaged table is named in a note: it does not keep
    images from being added. Images that came as numbers have no columns.
    """
    if not isinstance(taken.found, LabelledFiles):
        return Described()
    refused = {entry.file for entry in taken.listing.refused}
    sources = [
        raw
        for raw in listing.files
        if raw.path not in refused and not taken.choice.leaves_out(raw.parts)
    ]
    found, notes = _Columns(taken.found.files), taken.listing.notes
    parquet = [raw for raw in sources if is_parquet(raw) or raw.path in found.rows]
    for raw in [*label_files(sources), *parquet]:
        try:
            if raw in parquet:
                found.add_parquet(raw)
            else:
                found.add_text(raw)
        except (HeadstartError, UnreadableImageError) as error:
            notes.append(f"{raw.path} was not read for what it says of the images. {error}")
    columns, texts = found.finished()
    origins, together = found.joined_origins()
    by_origin = [one.column for one in origins]
    texts = [name for name in texts if name not in by_origin]
    for names, what in (
        ([one.name for one in columns], "Kept to cut results by, and never used in training"),
        (texts, "Not kept, because results cannot be cut by so many different texts"),
        (found.too_many, f"Not kept, because {found.room} columns are the limit for these images"),
    ):
        if names:
            notes.append(f"{what}: {some_text(names, NAMED_IN_NOTES)}.")
    return Described(columns, origins, together)


class _Columns:
    """The cells of all tables by column, one place for each file."""

    def __init__(self, files: Sequence[LabelledFile]) -> None:
        self._files = files
        self._places = {id(file.raw): place for place, file in enumerate(files)}
        self._classes = {file.class_name for file in files}
        # None where no table names the image.
        self._cells: dict[str, list[str | None]] = {}
        self._scratch = Scratch()
        self.room = min(MOST_COLUMNS, MOST_CELLS // max(1, len(files)))
        self.too_many: list[str] = []
        # Of images in Parquet files: the places by file and row.
        self.rows: dict[str, dict[int, int]] = {}
        for place, file in enumerate(files):
            *folders, row, _ = ("", "", *file.raw.parts)
            if row.startswith(_ROW) and row[len(_ROW) :].isdecimal():
                path = "/".join(folders[2:])
                self.rows.setdefault(path, {})[int(row[len(_ROW) :]) - 1] = place

    @cached_property
    def _images(self) -> RememberedNames:
        return RememberedNames(file.raw for file in self._files)

    def add_text(self, raw: RawFile) -> None:
        table = read_label_table(raw)
        if table is not None:
            self._add_table(table)

    def add_parquet(self, raw: RawFile) -> None:
        raw = unpacked_copy(raw, self._scratch)
        with opened(raw) as file:
            names = label_candidates(file.schema_arrow)
            has_images = bool(image_columns(file.schema_arrow))
        if not has_images:
            first = [tuple(row) for _, row in itertools.islice(_rows(raw, names), LOOKED_AT_ROWS)]
            self._add_table(LabelTable(raw, tuple(first), lambda: _rows(raw, names), True))
            return
        wanted = self._wanted(names)
        if not wanted:
            return
        places = self.rows.get(raw.path, {})
        # The first of the rows is the header.
        for number, row in itertools.islice(_rows(raw, list(wanted)), 1, None):
            if number in places:
                self._keep(places[number], dict(zip(wanted, row, strict=True)))

    def finished(self) -> tuple[tuple[MetadataColumn, ...], list[str]]:
        """What can be kept, and the names of columns with too many different texts to cut
        results by."""
        columns: list[MetadataColumn] = []
        texts: list[str] = []
        for name, found in self._cells.items():
            if len(found) - found.count(None) < FRACTION_NAMED * len(found):
                continue  # the table is about something else
            cells = [cell or "" for cell in found]
            pairs = {
                (cell, file.class_name)
                for cell, file in zip(cells, self._files, strict=True)
                if cell.strip()
            }
            known = {cell for cell, _ in pairs}
            different = len(known)
            is_subset = bare_name(name) in SPLIT_NAMES and all(map(subset_of, known))
            is_key = bare_name(name).endswith("id") and different > MOST_WORDS
            is_key = is_key or name == ORIGIN_COLUMN
            if are_one_to_one(pairs) or is_subset or is_key:
                continue
            column = column_of(name, cells)
            if column is not None:
                columns.append(column)
            elif MOST_WORDS < different <= len(cells) / 2:  # more name the images: sources, digests
                texts.append(name)
        return tuple(columns), texts

    def _origins(self) -> list[SharedOrigin]:
        """The columns whose values stand for what several images were taken of."""
        has_split = settle_subsets([file.subset for file in self._files])[0] is not None
        found = []
        for name, cells in self._cells.items():
            if not _is_of_origin(name):
                continue
            subsets: dict[str, set[str]] = {}
            pairs: set[tuple[str, str]] = set()
            images = 0
            for cell, file in zip(cells, self._files, strict=True):
                text = (cell or "").strip()
                if text.casefold() not in UNKNOWN:
                    images += 1
                    pairs.add((text, file.class_name))
                    subsets.setdefault(text, set()).update([file.subset] if file.subset else [])
            values = len(subsets)
            few = values < FEWEST_ORIGINS or images < FEWEST_IMAGES_OF_ONE * values
            # One to one with the classes: the people are what is to be recognised.
            counts = name == ORIGIN_COLUMN or not (few or are_one_to_one(pairs))
            if not (values and counts):
                continue
            several = sum(len(names) > 1 for names in subsets.values()) if has_split else None
            found.append(SharedOrigin(name, values, images, several))
        return found

    def joined_origins(self) -> tuple[tuple[SharedOrigin, ...], np.ndarray | None]:
        """The columns that say which images belong together, and the same number for images that
        agree in one of them, int64 ``(N,)``.

        A ``SeriesNumber`` that begins again with each patient would tie all patients together, so
        it is left out: columns are joined from the smallest sets on while no set grows too large.
        A column whose values only hold whole sets, such as patients of several series, stays.
        """
        origins = self._origins()
        sets_of = {one: self._sets(one.column) for one in origins}
        sets: np.ndarray | None = None
        taken: list[SharedOrigin] = []
        for one in sorted(origins, key=lambda one: np.bincount(sets_of[one]).max()):
            more = sets_of[one] if sets is None else joined(sets, sets_of[one])
            too_large = np.bincount(more).max() > LARGEST_SET * len(more)
            if sets is not None and too_large and more.max() < sets_of[one].max():
                continue
            sets = more
            taken.append(one)
        return tuple(one for one in origins if one in taken), sets

    def _sets(self, column: str) -> np.ndarray:
        """The same number for images that agree in this ``column``, int64 ``(N,)``."""
        numbers: dict[str, int] = {}
        found = np.empty(len(self._files), np.int64)
        for at, cell in enumerate(self._cells[column]):
            text = (cell or "").strip()
            # An image of which nothing is known is alone.
            key = f"image {at}" if text.casefold() in UNKNOWN else f"value {text}"
            found[at] = numbers.setdefault(key, len(numbers))
        return found

    def _add_table(self, table: LabelTable) -> None:
        if table.width < 2:
            return
        at = file_column(table, self._images)
        if at is None:
            return
        header = table.first_rows[0]
        if not table.has_header and (
            table.has_header is False or self._images.find_somehow(header[at], table.raw).files
        ):
            return  # columns without names say nothing to people
        names = unique_names(header, table.width)
        wanted = self._wanted([name for name in names if name != names[at]])
        if not wanted:
            return
        for _, row in itertools.islice(table.rows(), 1, None):
            if row is None or len(row) < len(names):
                continue
            images = self._images.find_somehow(row[at], table.raw).files
            if len(images) == 1:
                cells = dict(zip(names, row, strict=False))
                self._keep(self._places[id(images[0])], {name: cells[name] for name in wanted})

    def _wanted(self, names: Sequence[str]) -> dict[str, None]:
        """Those that may say more than class and row, as long as there is room."""
        found: dict[str, None] = {}
        for name in names:
            is_other = bare_name(name) in _OTHER_NAMES or name in self._classes
            if is_other or len(name) > LONGEST_WORD or not name.isprintable():
                continue
            has_room = len(self._cells.keys() | found.keys()) < self.room
            if has_room or name in self._cells or _is_of_origin(name):
                found[name] = None
            elif name not in self.too_many:
                self.too_many.append(name)
        return found

    def _keep(self, place: int, row: dict[str, str]) -> None:
        for name, cell in row.items():
            cells = self._cells.setdefault(name, [None] * len(self._files))
            if cells[place] is None:
                cells[place] = cell


def _is_of_origin(name: str) -> bool:
    """``patient_id``, ``SeriesInstanceUID``, ``Subject``; or what an export says."""
    bare = bare_name(name)
    return name == ORIGIN_COLUMN or any(
        bare.endswith(key) and bare.removesuffix(key) in _ORIGINS for key in _OF_KEYS
    )


def _rows(raw: RawFile, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The header without a number, and each row of a Parquet file with its own, from 0."""
    yield -1, list(names)
    for start, batch in parquet_rows(raw, names):
        columns = [batch.column(name).to_pylist() for name in names]
        for offset, values in enumerate(zip(*columns, strict=True)):
            yield start + offset, ["" if value is None else str(value) for value in values]
