"""The layouts that can be read, which of them a source has, and the notes of an export.

``headstart.json`` says what the folders and the table of an export cannot say about the dataset:
that a person settled its classes already, the name of a class where its folder or its cell in the
table is not the name (in JSON a name stands as it is), whether the images are in another order than
class folders are read in, and the levels of images of more than 8 bits a pixel. Folders and table
win: whoever edits the table or moves images between folders is asked which of the two is right.
"""

import gc
import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.levels import USUAL_LEVELS, Levels
from core.datasets.reading import (
    array_files,
    cifar_batches,
    class_folders,
    idx,
    labelled_table,
    parquet_images,
    pixel_table,
)
from core.datasets.reading.columns import unique_names, why_no_label
from core.datasets.reading.image_files import has_image_suffix
from core.datasets.reading.question import (
    MOST_OFFERS,
    Question,
    ReadingUnclear,
    TableSample,
    offer,
    table_sample,
)
from core.datasets.reading.raw_files import Listing, RawFile
from core.datasets.reading.reader import (
    LabelledFile,
    LabelledFiles,
    Reader,
    Reading,
    in_shown_order,
)
from core.datasets.reading.table import is_table_name, read_table
from core.datasets.reading_choice import FOLDERS, Choice
from core.errors import BadInput

# Asked in this order; the first that knows its layout is used. Class folders come last: they fit
# nearly everything, and raise an error that describes them where they do not.
READERS: tuple[Reader, ...] = (
    idx,
    cifar_batches,
    array_files,
    parquet_images,
    pixel_table,
    labelled_table,
    class_folders,
)
NOTES_FILE, LABELS_FILE = "headstart.json", "labels.csv"
LARGEST_NOTES_BYTES = 16 * 1024**2
MOST_FOLDERS_LISTED = 500
MOST_TABLES, MOST_NAMES = 3, 6
_NAMES, _ORDER, _LEVELS = "class names", "in the order of file names", "levels"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportNotes:
    """The content of ``headstart.json``.

    class_names: class name by folder or cell, where these differ from it.
    in_order_of_names: the images are in the order of their file names, in whatever folder.
    levels: how the images became 8 bits deep. Images that were not are decoded alike later.
    """

    class_names: dict[str, str] = field(default_factory=dict)
    in_order_of_names: bool = False
    levels: Levels = USUAL_LEVELS

    def to_bytes(self) -> bytes:
        document: dict[str, Any] = {_NAMES: self.class_names, _ORDER: self.in_order_of_names}
        if self.levels != USUAL_LEVELS:
            document[_LEVELS] = self.levels.to_json()
        return json.dumps(document, indent=1, ensure_ascii=False).encode()


def settle(found: Sequence[Reading], listing: Listing) -> Reading:
    """The one reading that is in no doubt. Raises ``ReadingUnclear`` where a person must choose."""
    clear = [reading for reading in found if reading.doubt is None]
    if len(clear) == 1:
        return clear[0]
    raise ReadingUnclear(question(found, listing))


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """All ways to read a source that agree with ``choice``; those in no doubt come first.

    Raises ``BadInput`` where there is none.
    """
    with _without_collections():
        return _readings(listing, choice)


def _readings(listing: Listing, choice: Choice) -> list[Reading]:
    listing = _without_left_out(listing, choice)
    notes = _take_export_notes(listing)
    if notes is not None and choice == Choice():
        found = _readings_of_export(listing, notes)
        if found:
            return found
    answers = (reader.readings(listing, choice) for reader in READERS)
    found = next((list(answer) for answer in answers if answer), [])
    if not found:
        raise BadInput(
            f"Nothing can be read as {choice.options} says. Check the names of tables"
            " and folders, or leave the options out to see what is there.",
            "reading",
        )
    found.sort(key=lambda reading: reading.doubt is not None)
    return [_as_chosen(reading, choice, notes) for reading in found]


def _readings_of_export(listing: Listing, notes: ExportNotes) -> list[Reading]:
    """The class folders that Headstart wrote; also the table where somebody edited one of them.

    Empty where neither is left: then it is read as any upload.
    """
    tables = [raw.path for raw in listing.files if raw.name == LABELS_FILE]
    wanted: list[tuple[Reader, str]] = [(class_folders, FOLDERS)]
    wanted += [(labelled_table, min(tables))] if tables else []
    found = []
    for reader, classes_from in wanted:
        try:
            answer = reader.readings(listing, Choice(classes_from=classes_from))
        except BadInput as error:
            logger.info("the export was edited: %s", error)
            continue
        found += [_as_chosen(reading, Choice(), notes) for reading in answer[:1]]
    if found and all(_agree(found[0], other) for other in found[1:]):
        return [replace(found[0], doubt=None)]
    doubt = "The folders and the table of this export differ: one of them was edited."
    return [replace(reading, doubt=doubt) for reading in reversed(found)]


def _agree(folders: Reading, table: Reading) -> bool:
    """Whether the table names the images of the class folders with the same classes."""
    classes = [
        {file.raw.path: file.class_name for file in reading.found.files}
        for reading in (folders, table)
        if isinstance(reading.found, LabelledFiles)
    ]
    return len(classes) == 2 and classes[1].items() <= classes[0].items()


@contextmanager
def _without_collections() -> Iterator[None]:
    """No search for garbage inside: among hundreds of thousands of files, that is half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def question(found: Sequence[Reading], listing: Listing) -> Question:
    """What to ask about several readings, or about one in doubt. The source must be open."""
    with _without_collections():
        return _question(found, listing)


def _question(found: Sequence[Reading], listing: Listing) -> Question:
    offers = [offer(reading) for reading in found[:MOST_OFFERS]]
    if len(offers) == 1:
        message = f"Is this right? {offers[0].title}. {offers[0].doubt or ''}".strip()
    else:
        listed = "; ".join(f"({at}) {entry.title}" for at, entry in enumerate(offers, start=1))
        message = f"It can be read in {len(offers)} ways, and only you can say which: {listed}."
    # A reader knows best what the columns of a table are called.
    samples = [*_table_samples(listing), *(table for one in found for table in one.tables)]
    return Question(
        message=message,
        offers=offers,
        tables=list({sample.name: sample for sample in samples}.values()),
        folders=_folders(listing),
        file_names=_file_names(listing),
    )


def _table_samples(listing: Listing) -> list[TableSample]:
    """The first lines of the tables that lie there, of a few at most."""
    found = sorted((raw for raw in listing.files if is_table_name(raw.name)), key=_by_path)
    tables = [table for raw in found[:MOST_TABLES] if (table := read_table(raw)) is not None]
    return [
        table_sample(table.name, unique_names(table.first_rows[0], table.width), table.first_rows)
        for table in tables
    ]


def _file_names(listing: Listing) -> list[str]:
    """Some names of images, from all over the source."""
    images = sorted((raw for raw in listing.files if has_image_suffix(raw.name)), key=_by_path)
    return list(dict.fromkeys(raw.name for raw in images[:: len(images) // MOST_NAMES + 1]))


def _by_path(raw: RawFile) -> str:
    return raw.path


def _folders(listing: Listing) -> dict[str, int]:
    """The folders that hold files, at any depth, with the number of files below each."""
    counts: Counter[str] = Counter()
    for parts, count in Counter(raw.parts[:-1] for raw in listing.files).items():
        for at in range(len(parts)):
            counts["/".join(parts[: at + 1])] += count
    return dict(sorted(counts.items())[:MOST_FOLDERS_LISTED])


def _without_left_out(listing: Listing, choice: Choice) -> Listing:
    """A listing of what is to be read; what the person left out is noted."""
    if not choice.leave_out:
        return listing.again()
    kept = [raw for raw in listing.files if not choice.leaves_out(raw.parts)]
    rest = listing.again(kept)
    rest.leave_out(len(listing.files) - len(kept), "as you chose")
    return rest


def _as_chosen(reading: Reading, choice: Choice, notes: ExportNotes | None) -> Reading:
    """The reading with what holds for each: the notes of an export, and what to leave out."""
    found = reading.found
    if notes is not None and isinstance(found, LabelledFiles):
        found = replace(found, files=_as_exported(found.files, notes), levels=notes.levels)
    left_out = dict.fromkeys((*choice.leave_out, *reading.choice.leave_out))
    repeated = reading.choice.model_copy(update={"leave_out": tuple(left_out)})
    return replace(reading, found=found, choice=repeated)


def _take_export_notes(listing: Listing) -> ExportNotes | None:
    """Read ``headstart.json`` and take it off the listing.

    None where there is no such file, or several, or Headstart did not write it.
    """
    found = [raw for raw in listing.files if raw.name == NOTES_FILE]
    if len(found) != 1 or found[0].size_bytes > LARGEST_NOTES_BYTES:
        return None
    try:
        document = json.loads(found[0].read())
        names = {text: name for text, name in document[_NAMES].items() if _is_class_name(name)}
        levels = Levels.from_json(document.get(_LEVELS))
        notes = ExportNotes(names, document[_ORDER] is True, levels)
    except (
        UnreadableImageError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,  # nested too deeply
    ) as error:
        logger.info("%s was not written by Headstart (%s)", found[0].path, error)
        return None
    listing.files.remove(found[0])
    return notes


def _is_class_name(name: object) -> bool:
    # Folder names may hold U+FFFD. A table may not: there it means a wrong encoding.
    return isinstance(name, str) and why_no_label(name.replace("\ufffd", "?")) is None


def _as_exported(files: list[LabelledFile], notes: ExportNotes) -> list[LabelledFile]:
    """The files with the class names and in the order that they had before the export."""
    if notes.class_names:
        files = [
            replace(file, class_name=notes.class_names.get(file.class_name, file.class_name))
            for file in files
        ]
        files = in_shown_order(files)
    if notes.in_order_of_names:
        files = sorted(files, key=lambda entry: (entry.raw.name, entry.raw.path))
    return files
