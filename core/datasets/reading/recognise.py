"""The layouts that can be read, which of them a source has, and the notes of an export.

``headstart.json`` says what the folders and the table of an export cannot say about the dataset. It
is written only where it is needed: where the folder or the cell of a class is not its name (in JSON
a name stands as it is), or where the images are not in the order in which class folders are read.
Folders and table win: whoever edits the table or moves images between folders gets what they see.
"""

import json
import logging
from dataclasses import dataclass, field, replace

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading import (
    array_files,
    class_folders,
    idx,
    labelled_table,
    parquet_images,
    pixel_table,
)
from core.datasets.reading.columns import Columns, why_no_label
from core.datasets.reading.raw_files import Listing
from core.datasets.reading.reader import (
    LabelledFile,
    LabelledFiles,
    PixelImages,
    Reader,
    shown_order,
)

# Asked in this order; the first that recognises its layout is used. Class folders come last: they
# fit nearly everything, and raise an error that describes them where they do not.
READERS: tuple[Reader, ...] = (
    idx,
    array_files,
    parquet_images,
    pixel_table,
    labelled_table,
    class_folders,
)
NOTES_FILE = "headstart.json"
LARGEST_NOTES_BYTES = 16 * 1024**2
_NAMES, _ORDER = "class names", "in the order of file names"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportNotes:
    """The content of ``headstart.json``.

    class_names: class name by folder or cell, where these differ from it.
    in_order_of_names: the images are in the order of their file names, in whatever folder.
    """

    class_names: dict[str, str] = field(default_factory=dict)
    in_order_of_names: bool = False

    def to_bytes(self) -> bytes:
        document = {_NAMES: self.class_names, _ORDER: self.in_order_of_names}
        return json.dumps(document, indent=1, ensure_ascii=False).encode()


def recognise(listing: Listing, columns: Columns) -> LabelledFiles | PixelImages:
    """The images of a source with their labels, in the layout that it has.

    ``columns`` is what the user chose of a table. Raises ``BadInput``, and ``ColumnsUnclear``
    where only the user can say what a column holds.
    """
    notes = _take_export_notes(listing)
    answers = (reader.recognise(listing, columns) for reader in READERS)
    found = next(answer for answer in answers if answer is not None)
    if isinstance(found, LabelledFiles):
        return LabelledFiles(found.read_as, _as_exported(found.files, notes))
    return found


def _take_export_notes(listing: Listing) -> ExportNotes:
    """Read ``headstart.json`` and take it off the listing.

    Empty notes where there is no such file, or several, or Headstart did not write it.
    """
    found = [raw for raw in listing.files if raw.name == NOTES_FILE]
    if len(found) != 1 or found[0].size_bytes > LARGEST_NOTES_BYTES:
        return ExportNotes()
    try:
        document = json.loads(found[0].read())
        names = {text: name for text, name in document[_NAMES].items() if _is_class_name(name)}
        notes = ExportNotes(names, document[_ORDER] is True)
    except (
        UnreadableImageError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,  # nested too deeply
    ) as error:
        logger.info("%s was not written by Headstart (%s)", found[0].path, error)
        return ExportNotes()
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
        files.sort(key=shown_order)
    if notes.in_order_of_names:
        files = sorted(files, key=lambda entry: (entry.raw.name, entry.raw.path))
    return files
