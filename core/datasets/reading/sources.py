"""Open what the user gave: a folder, a zip, a table, or an IDX file."""

import codecs
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.archive import ARCHIVE_SUFFIXES, open_archive
from core.datasets.reading.idx import belong_together, read_idx
from core.datasets.reading.image_files import looks_like_an_image
from core.datasets.reading.parquet_images import PARQUET_START
from core.datasets.reading.raw_files import (
    GZIP_START,
    LARGEST_TABLE_BYTES,
    LARGEST_TOTAL_BYTES,
    MOST_FILES,
    Listing,
    RawFile,
    bad_source,
    is_ignored,
    unpacked_start,
)
from core.datasets.reading.stored_arrays import is_array_name
from core.datasets.reading.unread_formats import refuse_unread
from core.errors import BadInput

MODEL_SUFFIXES = frozenset(
    {".keras", ".h5", ".hdf5", ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".onnx", ".tflite"}
)
KERAS_ARCHIVE_MEMBER = "model.weights.h5"  # a .keras file is a zip, whatever its name says
MOST_NEIGHBOURS = 1000

LOOKED_AT_BYTES = 512
WHAT_TO_GIVE = "Give a folder, or a zip, with one folder of images for each class"
_TAR_MARK = slice(257, 262)
_TEXT_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# What people give by mistake, by ending and by the first bytes.
_KNOWN_SUFFIXES = {
    ".xlsx": "a spreadsheet. Save it as CSV",
    ".xls": "a spreadsheet. Save it as CSV",
    ".ods": "a spreadsheet. Save it as CSV",
    ".docx": "a text document",
    ".odt": "a text document",
    ".pptx": "a presentation",
}
_KNOWN_STARTS = {
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"BZh9": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"%PDF": "a PDF document",
    b"\x93NUMPY": "a NumPy array; name it .npy",
    b"\x1aE\xdf\xa3": "a video",
    b"SQLite format 3": "a database",
}


@contextmanager
def open_source(path: Path) -> Iterator[Listing]:
    """List the files of a folder or zip; they can be read while the context is open.

    A table or an IDX file may also be given alone. Then it is the only file of the listing, apart
    from the other half of an IDX pair in the same folder.

    Raises ``BadInput`` (field ``path``) where there is nothing like that.
    """
    if path.is_dir():
        yield _list_folder(path)
    elif path.is_file():
        alone = Listing()
        _list_file(path.parent, path, alone)
        refuse_unread(alone.files)
        if path.suffix.lower() in MODEL_SUFFIXES:
            raise _model_refused(path)
        if alone.files and _is_table_or_idx(path, alone.files[0]):
            _add_partners(path, alone)
            yield alone
            return
        with open_archive(path) as listing:
            if any(file.parts[-1] == KERAS_ARCHIVE_MEMBER for file in listing.files):
                raise _model_refused(path)
            yield listing
    else:
        raise bad_source(f"There is no folder or zip at {path}.")


def _add_partners(path: Path, listing: Listing) -> None:
    """Add the labels or images of a single IDX file that are in the same folder."""
    given = read_idx(listing.files[0])
    if given is None:
        return
    beside = Listing()
    for neighbour in sorted(path.parent.iterdir())[:MOST_NEIGHBOURS]:
        if neighbour != path and neighbour.is_file():
            _list_file(path.parent, neighbour, beside)
    for raw in beside.files:
        other = read_idx(raw)
        if other is not None and belong_together(given, other):
            listing.files.append(raw)
            listing.notes.append(f"{raw.name} is beside {path.name} and was read with it.")


def _model_refused(path: Path) -> BadInput:
    """Model files are never opened: some of their formats run code when they are read."""
    return bad_source(
        f"{path.name} is a model file, not images. Expected a folder, or a zip, with one folder "
        "of images for each class. Weights of pre-trained networks go into the folder that "
        "`python -m core weights status` names."
    )


def _list_folder(root: Path) -> Listing:
    listing = Listing()

    def unreadable(error: OSError) -> None:
        listing.refuse(str(error.filename), f"the folder cannot be read ({error.strerror})")

    for folder, subfolders, names in os.walk(root, followlinks=False, onerror=unreadable):
        links = [entry for entry in subfolders if Path(folder, entry).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(folder, name)
            if name.lower().endswith(ARCHIVE_SUFFIXES) and not is_ignored((name,)):
                shown = os.fsencode(path.relative_to(root)).decode("utf-8", "replace")
                listing.refuse(shown, "an archive inside the folder; unpack it, or give it alone")
            else:
                _list_file(root, path, listing)
        subfolders[:] = sorted(entry for entry in subfolders if not is_ignored((entry,)))
        if len(listing.files) > MOST_FILES:
            raise bad_source(f"{root}: more than {MOST_FILES} files, which is the limit.")
    total_bytes = sum(file.size_bytes for file in listing.files)
    if total_bytes > LARGEST_TOTAL_BYTES:
        raise bad_source(
            f"{root}: {total_bytes / 1024**3:.1f} GiB of files;"
            f" the limit is {LARGEST_TOTAL_BYTES // 1024**3} GiB."
        )
    return listing


def _list_file(root: Path, path: Path, listing: Listing) -> None:
    # The file system gives names that are not valid Unicode with surrogates in them.
    name = os.fsencode(path.relative_to(root)).decode("utf-8", "replace")
    size_bytes, problem = 0, None
    # A link may lead out of the folder, to something that the user did not give.
    if path.is_symlink() or not path.is_file():
        problem = "a link or device, not a file"
    else:
        size_bytes = path.stat().st_size
        if size_bytes > LARGEST_TABLE_BYTES:
            problem = f"larger than {LARGEST_TABLE_BYTES // 1024**3} GiB"
    listing.add(name, size_bytes, partial(_open, path), problem)


def _open(path: Path) -> BinaryIO:
    return open(path, "rb")


def _is_table_or_idx(path: Path, raw: RawFile) -> bool:
    """Whether a file, given alone, is a table or an IDX file; False for an archive.

    Raises ``BadInput`` that names what it is where people give something else by mistake.
    """
    if is_array_name(path.name):
        return True
    start = raw.start(LOOKED_AT_BYTES)
    if start and not start.startswith(b"PK") and looks_like_an_image(raw):
        raise bad_source(
            f"{path.name} is one image; a dataset needs many, each with its class. {WHAT_TO_GIVE}."
        )
    if start.startswith(PARQUET_START):
        return True
    what = _KNOWN_SUFFIXES.get(path.suffix.lower()) or next(
        (known for mark, known in _KNOWN_STARTS.items() if start.startswith(mark)), None
    )
    if what is not None:
        raise bad_source(f"{path.name} is {what}. {WHAT_TO_GIVE}.")
    if start.startswith(GZIP_START):
        try:
            start = unpacked_start(raw, LOOKED_AT_BYTES)
        except UnreadableImageError:
            start = b""
        if not start:
            raise bad_source(
                f"{path.name}: this is a gzip file that is damaged or empty. Make or download it"
                " again."
            )
    if start[_TAR_MARK] == b"ustar":
        raise bad_source(f"{path.name} is a tar archive. Unpack it, and pack the folders as a zip.")
    is_idx = start[:2] == b"\0\0" and len(start) > 3 and start[2] in range(8, 15)
    is_text = bool(start) and (start.startswith(_TEXT_MARKS) or b"\0" not in start)
    return is_idx or is_text
