"""Open what the user pointed at: a folder, a zip, or one table of pixels."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from core.datasets.reading.archive import ARCHIVE_SUFFIXES, open_archive
from core.datasets.reading.idx import belong_together, read_idx
from core.datasets.reading.raw_files import (
    LARGEST_TABLE_BYTES,
    LARGEST_TOTAL_BYTES,
    MOST_FILES,
    Listing,
    RawFile,
    RefusedNameError,
    is_ignored,
    safe_parts,
)
from core.datasets.reading.single_file import is_table_or_idx
from core.errors import BadInput

MODEL_SUFFIXES = frozenset(
    {".keras", ".h5", ".hdf5", ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".onnx", ".tflite"}
)
KERAS_ARCHIVE_MEMBER = "model.weights.h5"  # a .keras file is a zip, whatever its name says
MOST_NEIGHBOURS = 1000


@contextmanager
def open_source(path: Path) -> Iterator[Listing]:
    """List the files of a folder or zip; they can be read while the context is open.

    A table or an IDX file may also be given alone; then it is the one file of the listing, with
    the other half of an IDX pair where that lies beside it.

    Raises ``BadInput`` (field ``path``) where there is nothing of the kind.
    """
    if path.is_dir():
        yield _list_folder(path)
    elif path.is_file():
        if path.suffix.lower() in MODEL_SUFFIXES:
            raise _model_refused(path)
        alone = Listing()
        _list_file(path.parent, path, alone)
        if alone.files and is_table_or_idx(path, alone.files[0]):
            _add_partners(path, alone)
            yield alone
            return
        with open_archive(path) as listing:
            if any(file.parts[-1] == KERAS_ARCHIVE_MEMBER for file in listing.files):
                raise _model_refused(path)
            yield listing
    else:
        raise BadInput(f"There is no folder or zip at {path}.", "path")


def _add_partners(path: Path, listing: Listing) -> None:
    """Beside a single IDX file, list those of its labels or images that lie in the same folder."""
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
            listing.notes.append(f"{raw.name} lies beside {path.name} and was read with it.")


def _model_refused(path: Path) -> BadInput:
    """Models of others are never opened: some of their formats run code when they are read."""
    return BadInput(
        f"{path.name} is a model file, not pictures. Expected a folder, or a zip, with one folder "
        "of pictures for each class. Weights of pre-trained networks go into the folder that "
        "`python -m core weights status` names.",
        "path",
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
            raise BadInput(f"{root}: more than {MOST_FILES} files, which is the limit.", "path")
    total_bytes = sum(file.size_bytes for file in listing.files)
    if total_bytes > LARGEST_TOTAL_BYTES:
        raise BadInput(
            f"{root}: {total_bytes / 1024**3:.1f} GiB of files;"
            f" the limit is {LARGEST_TOTAL_BYTES // 1024**3} GiB.",
            "path",
        )
    return listing


def _list_file(root: Path, path: Path, listing: Listing) -> None:
    # Names that are no valid Unicode come from the file system with surrogates in them.
    name = os.fsencode(path.relative_to(root)).decode("utf-8", "replace")
    try:
        parts = safe_parts(name)
    except RefusedNameError as error:
        listing.refuse(name, str(error))
        return
    if is_ignored(parts):
        listing.ignored += 1
        return
    # A link may lead out of the folder: what lies there was not offered.
    if path.is_symlink() or not path.is_file():
        listing.refuse(name, "a link or device, not a file")
        return
    size_bytes = path.stat().st_size
    if size_bytes > LARGEST_TABLE_BYTES:
        listing.refuse(name, f"larger than {LARGEST_TABLE_BYTES // 1024**3} GiB")
        return
    listing.files.append(RawFile(parts, size_bytes, partial(_open, path)))


def _open(path: Path) -> BinaryIO:
    return open(path, "rb")
