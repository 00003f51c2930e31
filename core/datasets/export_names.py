"""Names in an exported dataset: safe on every system, and the same classes when it is added again.

A folder cannot have every name that a class may have (``../``, ``CON``, ``Cats`` beside ``cats``),
and a cell that a spreadsheet would run is defused (``'=cmd()``). What the names are is said in the
notes that go with the export: see ``export_notes``.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.datasets.reading.column_names import why_no_label
from core.datasets.reading.raw_files import RefusedNameError, is_ignored, safe_parts
from core.datasets.reading.side_names import is_to_predict, side_of
from core.text import FORMULA_STARTS, csv_cell

# Class, side and number before it still leave the path under the 260 letters of Windows.
LONGEST_FOLDER_BYTES = 100
LONGEST_STEM_BYTES = 80
_NOT_IN_FILE_NAMES = re.compile(r'[<>:"/\\|?*;,\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")


@dataclass(frozen=True)
class ExportedClass:
    """A class by its ``name``, the ``folder`` of its pictures and the ``cell`` of the table."""

    name: str
    folder: str
    cell: str


def exported_classes(classes: Sequence[str]) -> list[ExportedClass]:
    """Folder and cell of each class: its name where that is possible.

    No folder is another in other letters, and what is not the name of its class is that of none.
    """
    taken = set(classes)
    in_any_letters = {_folded(name) for name in classes}
    folders: set[str] = set()
    exported = []
    for number, name in enumerate(classes, start=1):
        made_up = _made_up(number, name, in_any_letters)
        cell, folder = csv_cell(name), name
        if not _is_read_as_it_is(cell) or (cell != name and cell in taken):
            cell = made_up
        if not _is_safe_folder(folder) or _folded(folder) in folders:
            folder = made_up
        taken |= {cell, folder}
        in_any_letters |= {_folded(cell), _folded(folder)}
        folders.add(_folded(folder))
        exported.append(ExportedClass(name, folder, cell))
    return exported


def _made_up(number: int, name: str, taken: set[str]) -> str:
    """``class 3 cmd``: fit to be a folder and a cell, and not ``taken``, in whichever letters."""
    letters = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", name))
    kept = _cut(" ".join(letters), LONGEST_STEM_BYTES)
    made_up = f"class {number} {kept}".strip()
    while _folded(made_up) in taken:
        made_up += " (other)"
    return made_up


def _is_read_as_it_is(cell: str) -> bool:
    """Whether the reader of tables takes a cell for the label that it is."""
    is_plain = cell == unicodedata.normalize("NFC", cell.strip())
    return is_plain and why_no_label(cell) is None


def _is_safe_folder(name: str) -> bool:
    """Whether every system can have a folder of that name, and it is read as a class again."""
    try:
        parts = safe_parts(name)
    except RefusedNameError:
        return False
    return (
        parts == (name,)
        and name == name.strip()
        and not is_ignored(parts)
        and not name.startswith(FORMULA_STARTS)
        and not name.endswith(".")
        and not _NOT_IN_FILE_NAMES.search(name)
        and not _RESERVED.fullmatch(name.casefold())
        and len(name.encode()) <= LONGEST_FOLDER_BYTES
        and side_of(name) is None
        and not is_to_predict(name)
    )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode(errors="ignore").strip()


def exported_file_name(original: str, number: int, count: int, suffix: str) -> str:
    """``0012-puppy.jpg``: the number keeps names apart, in order, and off reserved names."""
    prefix = f"{number:0{len(str(count))}d}"
    stem = PurePosixPath(original).stem.removeprefix(f"{prefix}-")
    stem = "".join(
        "_" if unicodedata.category(letter) in ("Cc", "Cf", "Cs") else letter
        for letter in unicodedata.normalize("NFC", _NOT_IN_FILE_NAMES.sub("_", stem))
    )
    stem = _cut(stem, LONGEST_STEM_BYTES).strip(". ")
    return f"{prefix}-{stem}{suffix}" if stem else f"{prefix}{suffix}"
