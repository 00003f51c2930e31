"""Open what the user gave: a folder, a zip, a table, or an IDX file."""

import codecs
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.pool import StopCallback
from core.datasets.reading.archive import LEVELS, open_archive, open_inner, what_is_not_read
from core.datasets.reading.byte_ranges import ByteRanges
from core.datasets.reading.cifar_batches import is_cifar_batch
from core.datasets.reading.folder import list_folder, open_file
from core.datasets.reading.idx import belong_together, read_idx
from core.datasets.reading.image_files import looks_like_an_image
from core.datasets.reading.inner_archives import add_inner_archives
from core.datasets.reading.members import CannotOpenError, InnerArchive, Opening
from core.datasets.reading.parquet_images import PARQUET_START
from core.datasets.reading.raw_files import GZIP_START, Listing, RawFile, bad_source, unpacked_start
from core.datasets.reading.split_archives import Part, join_parts, part_of
from core.datasets.reading.stored_arrays import is_array_name
from core.datasets.reading.tar_archive import is_tar
from core.datasets.reading.unread_formats import refuse_unread
from core.errors import BadInput

MODEL_SUFFIXES = frozenset(
    {".keras", ".h5", ".hdf5", ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".onnx", ".tflite"}
)
KERAS_ARCHIVE_MEMBER = "model.weights.h5"  # a .keras file is a zip, whatever its name says
MOST_NEIGHBOURS = 1000

LOOKED_AT_BYTES = 512
WHAT_TO_GIVE = "Give a folder, or a zip, with one folder of images for each class"
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
    b"%PDF": "a PDF document",
    b"\x93NUMPY": "a NumPy array; name it .npy",
    b"\x1aE\xdf\xa3": "a video",
    b"SQLite format 3": "a database",
}


@contextmanager
def open_source(path: Path, should_stop: StopCallback | None = None) -> Iterator[Listing]:
    """List the files of a folder or archive; they can be read while the context is open.

    A table or an IDX file may also be given alone. Then it is the only file of the listing, apart
    from the other half of an IDX pair in the same folder. Links in a folder are followed as
    ``list_folder`` says.

    Raises ``BadInput`` (field ``path``) where there is nothing like that, and ``Cancelled``.
    """
    opening = Opening(0, should_stop)
    try:
        yield _listing(path, opening)
    finally:
        opening.close()


def _listing(path: Path, opening: Opening) -> Listing:
    if path.is_dir():
        listing, archives = list_folder(path, opening)
        add_inner_archives(listing, archives, opening, open_inner, LEVELS + 1)
        return listing
    if not path.is_file():
        raise bad_source(f"There is no folder or zip at {path}.")
    alone = _alone(path)
    refuse_unread(alone.files)
    if path.suffix.lower() in MODEL_SUFFIXES:
        raise _model_refused(path)
    part = part_of(path.name)
    if part is not None:
        return _joined_parts(path, part, opening)
    if alone.files and _is_table_or_idx(path, alone.files[0]):
        _add_partners(path, alone)
        return alone
    listing = _opened(path.name, lambda: opening.open_file(path), opening)
    if any(file.parts[-1] == KERAS_ARCHIVE_MEMBER for file in listing.files):
        raise _model_refused(path)
    return listing


def _opened(name: str, content: Callable[[], ByteRanges], opening: Opening) -> Listing:
    try:
        found = content()
        opening.packed_bytes = found.size_bytes
        return open_archive(found, opening)
    except CannotOpenError as error:
        raise bad_source(f"{name}: {error}.") from error


def _joined_parts(path: Path, part: Part, opening: Opening) -> Listing:
    """The files of an archive that was split, from the parts in the folder of the given one."""
    parts = [
        InnerArchive(raw, partial(opening.open_file, neighbour))
        for neighbour in _neighbours(path.parent)
        if (other := part_of(neighbour.name)) is not None and other.whole == part.whole
        for raw in _alone(neighbour).files
    ]
    refused = Listing()
    joined = join_parts(parts, refused, opening)
    if not joined:
        raise bad_source(f"{path.name} is {part.reason}.")
    return _opened(
        f"{part.whole}, joined from {len(parts)} parts", lambda: joined[0].bytes(opening), opening
    )


def _neighbours(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.iterdir())[:MOST_NEIGHBOURS]
        if path.is_file() and not path.is_symlink()
    ]


def _alone(path: Path) -> Listing:
    listing = Listing()
    name = os.fsencode(path.name).decode("utf-8", "replace")
    listing.add(name, path.stat().st_size, partial(open_file, path), None)
    return listing


def _add_partners(path: Path, listing: Listing) -> None:
    """Add the labels or images of a single IDX file that are in the same folder."""
    given = read_idx(listing.files[0])
    if given is None:
        return
    neighbours = [_alone(near) for near in _neighbours(path.parent) if near != path]
    for raw in (raw for neighbour in neighbours for raw in neighbour.files):
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


def _is_table_or_idx(path: Path, raw: RawFile) -> bool:
    """Whether a file, given alone, is a table or an IDX file; False for an archive.

    Raises ``BadInput`` that names what it is where people give something else by mistake.
    """
    if is_array_name(path.name) or is_cifar_batch(raw):
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
    archive = what_is_not_read(start)
    if archive is not None:
        raise bad_source(
            f"{path.name} is {archive}. {WHAT_TO_GIVE}: unpack this one, or pack its folders again"
            " as a .zip or .tar."
        )
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
    if is_tar(start):
        return False
    is_idx = start[:2] == b"\0\0" and len(start) > 3 and start[2] in range(8, 15)
    is_text = bool(start) and (start.startswith(_TEXT_MARKS) or b"\0" not in start)
    return is_idx or is_text
