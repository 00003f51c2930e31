"""NumPy arrays in .npy files and .npz archives: known by their headers, read piece by piece.

Pickled objects are never opened: they run code when they are read.
"""

import io
import math
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

import numpy as np

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.byte_ranges import Scratch, unpacked_copy
from core.datasets.reading.image_files import stem
from core.datasets.reading.raw_files import LARGEST_TABLE_BYTES, RawFile, bad_source
from core.datasets.reading.zip_archive import ENCRYPTED, METHODS, LimitedZip
from core.errors import BadInput

ARRAY_SUFFIXES = (".npy", ".npz")
PIECE_BYTES = 16 * 1024**2
LARGEST_ROW_BYTES = 256 * 1024**2
# An array in column order (Fortran's) cannot be read row by row; up to this size it is read whole.
LARGEST_WHOLE_BYTES = 256 * 1024**2
MOST_ARRAYS_IN_A_FILE = 10_000
_LONGEST_HEADER_BYTES = 64 * 1024
_NPY_START = b"\x93NUMPY"
NO_PICKLE = (
    "contains Python objects (a pickle), which are never opened, because reading them can run"
    " code. If you trust the file, save plain numbers or words:"
    " a = np.load({name!r}, allow_pickle=True){key}; np.save('{array}.npy', np.array(a.tolist()))"
)


@dataclass(frozen=True)
class StoredArray:
    """One array by its header; ``member`` is its name in a .npz, None in a .npy file."""

    raw: RawFile
    member: str | None
    shape: tuple[int, ...]
    dtype: np.dtype
    column_order: bool
    header_bytes: int

    @property
    def name(self) -> str:
        return stem(self.raw.name) if self.member is None else self.member.removesuffix(".npy")

    @property
    def folder(self) -> tuple[str, ...]:
        """The folders around it; a .npz counts as one."""
        return self.raw.parts[:-1] if self.member is None else self.raw.parts

    @property
    def path(self) -> str:
        return _shown(self.raw, self.member)

    @property
    def size_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def size_text(self) -> str:
        return " x ".join(f"{length:,}" for length in self.shape)

    def pieces(self, most_rows: int | None = None) -> Iterator[np.ndarray]:
        """The rows in order, some megabytes at a time, at most ``most_rows`` in all.

        Raises ``BadInput`` where the file is damaged or shorter than its header promises.
        """
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        left = min(self.shape[0], self.shape[0] if most_rows is None else most_rows)
        if not left or not row_bytes:
            return
        if row_bytes > LARGEST_ROW_BYTES:
            raise bad_source(
                f"{self.path}: one row of {self.size_text} takes {row_bytes // 1024**2} MiB; the"
                f" limit is {LARGEST_ROW_BYTES // 1024**2} MiB. The first number of the shape must"
                " count the images."
            )
        rows = max(1, PIECE_BYTES // row_bytes)
        try:
            with _opened(self.raw, self.member) as stream:
                _read_exactly(stream, self.header_bytes, self)
                if self.column_order and len(self.shape) > 1:
                    whole = self._turned(stream)
                    yield from (whole[at : min(at + rows, left)] for at in range(0, left, rows))
                    return
                while left:
                    count = min(rows, left)
                    data = _read_exactly(stream, count * row_bytes, self)
                    left -= count
                    yield self._numbers(data).reshape(count, *self.shape[1:])
        except (UnreadableImageError, ValueError) as error:
            raise bad_source(f"{self.path}: {error}. Download or save it again.") from error

    def whole(self) -> np.ndarray:
        """All rows. Raises ``BadInput`` like ``pieces``, and where they are too large for it."""
        if self.size_bytes > LARGEST_WHOLE_BYTES:
            raise bad_source(
                f"{self.path}: {self.size_text} {self.dtype.name} are larger than"
                f" {LARGEST_WHOLE_BYTES // 1024**2} MiB, which is the limit for labels and names."
            )
        return np.concatenate(list(self.pieces()))

    def _turned(self, stream: BinaryIO) -> np.ndarray:
        if self.size_bytes > LARGEST_WHOLE_BYTES:
            raise bad_source(
                f"{self.path} is stored column by column and too large to be turned here. Save it"
                " row by row: np.save(name, np.ascontiguousarray(array))."
            )
        data = _read_exactly(stream, self.size_bytes, self)
        return self._numbers(data).reshape(self.shape[::-1]).T

    def _numbers(self, data: bytes) -> np.ndarray:
        """Numbers or words; ``ValueError`` for letters that do not exist."""
        found = np.frombuffer(data, self.dtype)
        if self.dtype.kind == "U":
            letters = np.frombuffer(data, np.dtype(np.uint32).newbyteorder(self.dtype.byteorder))
            if letters.max(initial=0) > sys.maxunicode:
                raise ValueError("it is damaged: it contains letters that do not exist")
        return found


def _read_exactly(stream: BinaryIO, count: int, array: StoredArray) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise _cut_short(array.path, array.size_text)
    return data


def _cut_short(path: str, size_text: str) -> BadInput:
    return bad_source(
        f"{path} is cut short: its header promises {size_text} numbers, but it contains fewer."
        " Download or copy it again."
    )


def is_array_name(name: str) -> bool:
    return name.lower().endswith(ARRAY_SUFFIXES)


def read_arrays_of(raw: RawFile, scratch: Scratch) -> tuple[list[StoredArray], list[BadInput]]:
    """The arrays of a .npy or .npz file by their headers, and what is wrong with the others.

    A .npz that is packed once more is unpacked to ``scratch`` first, because it is read in any
    order.
    """
    arrays: list[StoredArray] = []
    problems: list[BadInput] = []
    try:
        if not raw.name.lower().endswith(".npz"):
            with raw.stream() as stream:
                return [_read_header(raw, None, raw.size_bytes, stream)], []
        raw = unpacked_copy(raw, scratch)
        with _archive(raw) as archive:
            members = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
            if len(members) > MOST_ARRAYS_IN_A_FILE:
                raise _too_many(raw.path)
            # Of two members with one name the last counts, as for NumPy.
            for name, member in {entry.filename: entry for entry in members}.items():
                try:
                    _check_member(raw, member)
                    with _opened_member(archive, name) as content:
                        arrays.append(_read_header(raw, name, member.file_size, content))
                except BadInput as error:
                    problems.append(error)
    except UnreadableImageError as error:
        problems.append(bad_source(f"{raw.path}: {error}. Download or save it again."))
    except BadInput as error:
        problems.append(error)
    return arrays, problems


def _too_many(path: str) -> BadInput:
    return bad_source(
        f"{path}: more than {MOST_ARRAYS_IN_A_FILE:,} arrays, which is the limit. Stack the images"
        " into one array: np.savez(name, images=np.stack(images), labels=labels)."
    )


def _check_member(raw: RawFile, member: zipfile.ZipInfo) -> None:
    shown = _shown(raw, member.filename)
    if member.flag_bits & ENCRYPTED or member.compress_type not in METHODS:
        raise bad_source(
            f"{shown} is encrypted or packed by a method that cannot be read. Save it with"
            " np.savez_compressed."
        )
    if member.file_size > LARGEST_TABLE_BYTES:
        raise bad_source(
            f"{shown} is larger than {LARGEST_TABLE_BYTES // 1024**3} GiB when unpacked, which is"
            " the limit. Save it in several files."
        )


def _shown(raw: RawFile, member: str | None) -> str:
    return raw.path if member is None else f"{raw.path}: {member.removesuffix('.npy')}"


def _read_header(
    raw: RawFile, member: str | None, size_bytes: int, stream: BinaryIO
) -> StoredArray:
    shown = _shown(raw, member)
    start = io.BytesIO(stream.read(_LONGEST_HEADER_BYTES))
    if not start.getvalue().startswith(_NPY_START):
        raise bad_source(f"{shown} is not a NumPy array. Save it again with np.save or np.savez.")
    try:
        version = np.lib.format.read_magic(start)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # written by Python 2
            shape, column_order, dtype = read(start)
        if not all(0 <= length <= sys.maxsize for length in shape):
            raise ValueError("an impossible length")
    except Exception as error:  # NumPy raises all kinds of errors on damaged headers
        raise bad_source(
            f"{shown}: its header is damaged or too long. Save it again with np.save."
        ) from error
    if dtype.hasobject:
        array_name = (member or "new").removesuffix(".npy")
        key = "" if member is None else f"[{array_name!r}]"
        advice = NO_PICKLE.format(name=raw.name, key=key, array=array_name)
        raise bad_source(f"{shown} {advice}.")
    array = StoredArray(raw, member, shape, dtype, column_order, start.tell())
    if size_bytes < array.header_bytes + array.size_bytes:
        raise _cut_short(shown, array.size_text)
    return array


@contextmanager
def _opened(raw: RawFile, member: str | None) -> Iterator[BinaryIO]:
    if member is None:
        with raw.stream() as stream:
            yield stream
        return
    with _archive(raw) as archive, _opened_member(archive, member) as content:
        yield content


def _opened_member(archive: zipfile.ZipFile, name: str) -> BinaryIO:
    try:
        return cast(BinaryIO, archive.open(name))
    except (ValueError, OverflowError) as error:  # of an impossible name or position
        raise UnreadableImageError(f"cannot be read, or damaged ({error})") from error


@contextmanager
def _archive(raw: RawFile) -> Iterator[zipfile.ZipFile]:
    """A .npz as a zip; damage becomes ``UnreadableImageError``."""
    with raw.stream() as stream:
        file = LimitedZip(stream, MOST_ARRAYS_IN_A_FILE, lambda _: _too_many(raw.path))
        try:
            archive = zipfile.ZipFile(cast(BinaryIO, file))
        except ValueError as error:
            raise UnreadableImageError(f"cannot be read, or damaged ({error})") from error
        file.limited = False
        with archive:
            yield archive
