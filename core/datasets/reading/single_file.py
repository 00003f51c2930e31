"""One single file that was given: a table, an IDX file, or something to say a sentence about."""

import codecs
from pathlib import Path

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.packed import GZIP_START, unpacked_start
from core.datasets.reading.picture_files import looks_like_a_picture
from core.datasets.reading.raw_files import RawFile
from core.errors import BadInput

LOOKED_AT_BYTES = 512
WHAT_TO_GIVE = "Give a folder, or a zip, with one folder of pictures for each class"
_TAR_MARK = slice(257, 262)
_TEXT_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OFFICE_SUFFIXES = {
    ".xlsx": "a spreadsheet. Save it as CSV",
    ".xls": "a spreadsheet. Save it as CSV",
    ".ods": "a spreadsheet. Save it as CSV",
    ".docx": "a text document",
    ".odt": "a text document",
    ".pptx": "a presentation",
}
_KNOWN_STARTS = {
    b"%PDF": "a PDF document",
    b"\x93NUMPY": "a NumPy array",
    b"PAR1": "a Parquet table. Save it as CSV",
    b"\x89HDF": "an HDF5 file",
    b"\x1aE\xdf\xa3": "a film",
    b"SQLite format 3": "a database",
}


def is_table_or_idx(path: Path, raw: RawFile) -> bool:
    """Whether a file, given alone, is for the readers of tables and IDX files.

    False where it has to be opened as an archive. Raises ``BadInput`` with one sentence where it
    is something else that people give by mistake.
    """
    start = raw.start(LOOKED_AT_BYTES)
    if not start.startswith(b"PK") and looks_like_a_picture(raw) and start:
        raise BadInput(
            f"{path.name} is one picture; a data set needs many, each with its class."
            f" {WHAT_TO_GIVE}.",
            "path",
        )
    what = _OFFICE_SUFFIXES.get(path.suffix.lower()) or next(
        (known for mark, known in _KNOWN_STARTS.items() if start.startswith(mark)), None
    )
    if what is not None:
        raise BadInput(f"{path.name} is {what}. {WHAT_TO_GIVE}.", "path")
    if start.startswith(GZIP_START):
        unpacked = _unpacked_start(raw)
        if _is_tar(unpacked):
            raise _tar(path)
        if not unpacked:
            raise BadInput(
                f"{path.name}: this is a gzip file that is damaged or empty. Make or download it"
                " again.",
                "path",
            )
        return _is_text_or_idx(unpacked)
    if _is_tar(start):
        raise _tar(path)
    return bool(start) and _is_text_or_idx(start)


def _unpacked_start(raw: RawFile) -> bytes:
    """The first bytes inside a gzip file; none where it is damaged."""
    try:
        return unpacked_start(raw, LOOKED_AT_BYTES)
    except UnreadableImageError:
        return b""


def _is_tar(start: bytes) -> bool:
    return start[_TAR_MARK] == b"ustar"


def _tar(path: Path) -> BadInput:
    return BadInput(
        f"{path.name} is a tar archive. Unpack it, and pack the folders as a zip.", "path"
    )


def _is_text_or_idx(start: bytes) -> bool:
    is_idx = start[:2] == b"\0\0" and len(start) > 3 and start[2] in range(8, 15)
    return is_idx or start.startswith(_TEXT_MARKS) or b"\0" not in start
