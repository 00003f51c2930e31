"""What an export says about itself, so that it is the same dataset when it is added again.

``headstart.json`` is only there where folders and table do not say it all: where the folder or the
cell of a class is not its name (in JSON a name stands as it is), and where the pictures are not in
the order in which class folders are read. Folders and table stay what they look like: whoever
edits the table, or moves pictures from folder to folder, gets what they see.
"""

import json
import logging
from dataclasses import dataclass, field, replace

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.columns import why_no_label
from core.datasets.reading.raw_files import Listing
from core.datasets.reading.reader import LabelledFile

NOTES_FILE = "headstart.json"
LARGEST_NOTES_BYTES = 16 * 1024**2
_NAMES, _ORDER = "class names", "in the order of file names"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportNotes:
    """``class_names``: the class by its folder or cell, where that is not its name.
    ``in_order_of_names``: the pictures stand in the order of their file names, whatever folder
    they lie in."""

    class_names: dict[str, str] = field(default_factory=dict)
    in_order_of_names: bool = False


def take_export_notes(listing: Listing) -> ExportNotes:
    """What ``headstart.json`` says; it is taken off the listing.

    Nothing where there is none, or several, or it is not ours.
    """
    found = [raw for raw in listing.files if raw.name == NOTES_FILE]
    if len(found) != 1 or found[0].size_bytes > LARGEST_NOTES_BYTES:
        return ExportNotes()
    try:
        document = json.loads(found[0].read())
        names = {text: name for text, name in document[_NAMES].items() if _is_class_name(name)}
        notes = ExportNotes(names, document[_ORDER] is True)
    except (UnreadableImageError, ValueError, LookupError, TypeError, AttributeError) as error:
        logger.info("%s is not one that Headstart wrote (%s)", found[0].path, error)
        return ExportNotes()
    except RecursionError:
        logger.info("%s is nested too deeply to be one that Headstart wrote", found[0].path)
        return ExportNotes()
    listing.files.remove(found[0])
    return notes


def as_exported(files: list[LabelledFile], notes: ExportNotes) -> list[LabelledFile]:
    """The files with the names of their classes and in the order that they had before."""
    if notes.class_names:
        files = [
            replace(file, class_name=notes.class_names.get(file.class_name, file.class_name))
            for file in files
        ]
        files.sort(key=lambda entry: (entry.class_name, entry.name, entry.raw.path))
    if notes.in_order_of_names:
        files = sorted(files, key=lambda entry: (entry.raw.name, entry.raw.path))
    return files


def _is_class_name(name: object) -> bool:
    # Folder names may hold U+FFFD, which a table may not: there it means a wrong encoding.
    return isinstance(name, str) and why_no_label(name.replace("\ufffd", "?")) is None
