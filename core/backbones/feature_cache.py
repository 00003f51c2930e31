"""Features on disk, in pieces that never change: each has the features of some images of a dataset.

All pieces of one set share a key, made of everything that features depend on: pixels, weights,
layer, image size, resize, mean and precision. A piece is ``<name>.npy`` (float16, one row an image,
in the order of the dataset) and ``<name>.json`` with what it depends on, which images it has, its
cost and the sha256 of the data; that is written last, so that a piece without it does not count.
The name is the key where every image is in the piece (older sets always are), else the key and a
mark of the images.
"""

import hashlib
import io
import json
import logging
import math
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from core.conditions import Conditions, Meter, conditions_of_all
from core.errors import DISK_IS_FULL, CacheLost, HeadstartError
from core.files import make_way, remove_parts, write_json, written_whole
from core.settings import current_settings
from core.text import size_text

SPARE_BYTES = 64 << 20
# Above what any home holds: a damaged number must not take all memory.
_MOST = 10**8
_MARK_DIGITS = 16
_IN_NO_PIECE = -1

_Count = Annotated[int, Field(gt=0, le=_MOST)]

log = logging.getLogger(__name__)


class _Manifest(BaseModel):
    """What is read of it; beside that it has what the features depend on."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)

    shape: Annotated[list[_Count], Field(min_length=2, max_length=2)]
    seconds: Annotated[float, Field(ge=0)]
    sha256: str
    created_at: str
    image_count: _Count | None = None
    bitmap: str | None = None
    conditions: Conditions | None = None


@dataclass(frozen=True, eq=False)
class Piece:
    """``images``: sorted int64 positions in the dataset, one for each row of ``path``.

    ``image_count``: images of the whole dataset; ``width``: numbers for each image; ``seconds``:
    what the extraction of this piece cost, and ``conditions`` what the machine did meanwhile (None
    in old pieces); ``manifest``: the whole document.
    """

    path: Path
    images: np.ndarray
    image_count: int
    width: int
    seconds: float
    conditions: Conditions | None
    manifest: Mapping[str, Any]

    @property
    def key(self) -> str:
        return self.path.stem.partition("-")[0]

    def take(self, positions: np.ndarray) -> np.ndarray:
        """The rows of these images in their order, float16; ``CacheLost`` without the file."""
        rows = np.minimum(np.searchsorted(self.images, positions), len(self.images) - 1)
        if not np.array_equal(self.images[rows], positions):
            raise ValueError("features of images that are not in this piece")
        try:
            return self._read(rows)
        except (OSError, ValueError, EOFError) as error:
            raise CacheLost(
                f"Cached features were deleted or damaged while they were used ({error})."
            ) from error

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """Rows of the file. Read, not mapped: faster for a batch from several pieces, pages do not
        stay in the process, and a file that is cut short meanwhile is an error, no signal."""
        found = np.empty((len(rows), self.width), np.float16)
        start = self._data_start
        with open(self.path, "rb", buffering=0) as file:
            for target, row in zip(found, rows.tolist(), strict=True):
                file.seek(start + row * found.itemsize * self.width)
                if file.readinto(target.data) != target.nbytes:
                    raise ValueError("the file is cut short")
        return found

    def is_whole(self) -> bool:
        """Whether the file is there with the stored sha256; what is wrong with it is logged."""
        try:
            with open(self.path, "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != self.manifest["sha256"]:
                raise ValueError("the file is damaged (sha256 differs)")
            return self._data_start > 0
        except (OSError, ValueError, EOFError) as error:
            log.warning("features %s are made anew: %s", self.path, error)
            return False

    def discard(self) -> None:
        """Delete it; a folder in the place of the file is moved aside (logged)."""
        for path in (self.path.with_suffix(".json"), self.path):
            make_way(path)
            path.unlink(missing_ok=True)

    @cached_property
    def _data_start(self) -> int:
        """Where the rows start in the file; ``ValueError`` for an array of another kind."""
        with open(self.path, "rb") as file:
            np.lib.format.read_magic(file)
            shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
            if (shape, by_column, dtype) != ((len(self.images), self.width), False, np.float16):
                raise ValueError(f"an array of {dtype} and shape {shape}")
            return file.tell()


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Features of some images of a dataset, ``width`` numbers each.

    ``seconds`` is the cost of the extraction when it was done, for these images: of a piece that
    has more, the same fraction. ``reused_seconds`` of it were spent by earlier runs, for ``reused``
    of the ``images``. ``conditions``: what the machine did during the extractions, None where one
    did not record it. A feature map is flattened from (height, width, channels).
    """

    pieces: tuple[Piece, ...]
    image_count: int
    width: int
    images: int
    reused: int
    seconds: float
    reused_seconds: float
    conditions: Conditions | None

    @property
    def cache(self) -> Literal["hit", "part", "miss"]:
        """Whether all, some or none of the images had their features in the cache."""
        if self.reused == self.images:
            return "hit"
        return "part" if self.reused else "miss"

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Rows of the images ``indices`` in their order, ``(len(indices), width)`` float32.

        They are kept as float16 and widened here: a processor's networks are slow at float16.
        Raises ``CacheLost`` where a file was deleted or cut short since.
        """
        indices = np.asarray(indices)
        if len(self.pieces) == 1:
            return self.pieces[0].take(indices).astype(np.float32)
        rows = np.empty((len(indices), self.width), np.float32)
        of_piece = self._piece_of_image[indices]
        for number in np.unique(of_piece):
            here = of_piece == number
            rows[here] = self.pieces[number].take(indices[here])
        return rows

    @cached_property
    def _piece_of_image(self) -> np.ndarray:
        owners = np.full(self.image_count, _IN_NO_PIECE)
        # Backwards: an image in two pieces is taken from the first.
        for number, piece in reversed(list(enumerate(self.pieces))):
            owners[piece.images] = number
        return owners


def features_folder() -> Path:
    return current_settings().cache_folder / "features"


def key_of(identity: Mapping[str, Any]) -> str:
    """sha256 (hex) over everything that the features depend on."""
    text = json.dumps(dict(identity), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def usable_pieces(key: str, images: np.ndarray) -> tuple[list[Piece], np.ndarray]:
    """The whole pieces of that key with some of ``images`` (sorted), and the images in none.

    Call it with the lock of the key held: damaged pieces are deleted (logged).
    """
    found, missing, damaged = _sorted_out(key, images)
    for piece in damaged:
        piece.discard()
    return found, missing


def _sorted_out(key: str, images: np.ndarray) -> tuple[list[Piece], np.ndarray, list[Piece]]:
    missing = np.asarray(images)
    found: list[Piece] = []
    damaged: list[Piece] = []
    for piece in _pieces(key):
        if np.isin(missing, piece.images).any():
            if not piece.is_whole():
                damaged.append(piece)
                continue
            found.append(piece)
            missing = np.setdiff1d(missing, piece.images, assume_unique=True)
    return found, missing, damaged


def feature_set(images: np.ndarray, reused: Iterable[Piece], new: Piece | None) -> FeatureSet:
    """The set of ``images`` (sorted) out of pieces that have them all, with its cost."""
    pieces, left = [*reused, *([new] if new else [])], np.asarray(images)
    costs: list[tuple[int, float]] = []
    conditions: list[Conditions | None] = []
    for piece in pieces:
        taken = int(np.isin(left, piece.images).sum())
        fraction = taken / len(piece.images)
        costs.append((taken, piece.seconds * fraction))
        conditions.append(piece.conditions.part(fraction) if piece.conditions else None)
        left = np.setdiff1d(left, piece.images, assume_unique=True)
    before = costs[:-1] if new else costs
    return FeatureSet(
        pieces=tuple(pieces),
        image_count=pieces[0].image_count,
        width=pieces[0].width,
        images=len(images),
        reused=sum(taken for taken, _ in before),
        seconds=math.fsum(seconds for _, seconds in costs),
        reused_seconds=math.fsum(seconds for _, seconds in before),
        conditions=conditions_of_all(conditions),
    )


def find_stored(key: str, images: np.ndarray) -> FeatureSet | None:
    """The features of ``images`` (sorted), or None where not all are stored whole."""
    pieces, missing, _ = _sorted_out(key, images)
    return None if len(missing) else feature_set(images, pieces, None)


def matching_keys(
    wanted: Mapping[str, Any], shape: tuple[int, int], images: np.ndarray
) -> list[str]:
    """Keys of the stored sets that have all ``images`` and, in their manifests, all values of
    ``wanted``, the newest first.

    ``shape``: images of the dataset, and width. For work that can use features that differ in the
    rest (precision, device).
    """
    newest: dict[str, str] = {}
    held: dict[str, np.ndarray] = {}
    for piece in _pieces():
        if (piece.image_count, piece.width) == shape and all(
            piece.manifest.get(name) == value for name, value in wanted.items()
        ):
            key = piece.key
            newest[key] = max(newest.get(key, ""), piece.manifest["created_at"])
            held[key] = np.union1d(held.get(key, np.empty(0, np.int64)), piece.images)
    whole = [(newest[key], key) for key in held if np.isin(images, held[key]).all()]
    return [key for _, key in sorted(whole, reverse=True)]


def write_piece(
    identity: Mapping[str, Any],
    images: np.ndarray,
    shape: tuple[int, int],
    batches: Iterable[np.ndarray],
    meter: Meter,
) -> Piece:
    """Write ``batches`` (``(n, width)`` float16), the features of ``images`` (sorted).

    Call it with the lock of the key held. ``shape``: images of the whole dataset, and width.
    ``meter`` was made when the work began. Nothing is mapped, so that memory stays flat however
    many images there are. Raises ``HeadstartError`` when the disk is too
    small, before anything is computed where that can be known.
    """
    folder = features_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_name(key_of(identity), images, shape[0])}.npy"
    remove_parts(path)
    _check_space(folder, (len(images), shape[1]))
    try:
        for place in (path, path.with_suffix(".json")):
            make_way(place)
        path.with_suffix(".json").unlink(missing_ok=True)
        with written_whole(path) as file:
            digest = _write_array(file, (len(images), shape[1]), batches)
        conditions = meter.conditions()
        manifest = {
            **identity,
            "shape": [len(images), shape[1]],
            "dtype": "float16",
            "sha256": digest,
            "seconds": conditions.wall_seconds,
            "conditions": conditions.as_dict(),
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if len(images) < shape[0]:
            manifest |= {"image_count": shape[0], "bitmap": _bitmap(images, shape[0])}
        write_json(path.with_suffix(".json"), manifest, indent=1)
    except OSError as error:
        if error.errno in DISK_IS_FULL:
            _check_space(folder, (len(images), shape[1]))
        raise HeadstartError(f"Features could not be written to {folder}: {error}.") from error
    return _read_piece(path.with_suffix(".json"))


def _name(key: str, images: np.ndarray, image_count: int) -> str:
    if len(images) == image_count:
        return key
    mark = hashlib.sha256(_bitmap(images, image_count).encode()).hexdigest()
    return f"{key}-{mark[:_MARK_DIGITS]}"


def _bitmap(images: np.ndarray, image_count: int) -> str:
    """Which images, one bit for each of the dataset, hexadecimal."""
    bits = np.zeros(image_count, bool)
    bits[images] = True
    return np.packbits(bits).tobytes().hex()


def _pieces(key: str = "") -> list[Piece]:
    """The pieces with a readable manifest, the largest first; others are left out (logged)."""
    found = []
    for path in sorted(features_folder().glob(f"{key}*.json")):
        try:
            found.append(_read_piece(path))
        except (OSError, ValueError) as error:
            log.warning("features %s are left out: %s", path, error)
    return sorted(found, key=lambda piece: -len(piece.images))


def _read_piece(manifest_path: Path) -> Piece:
    """Raises ``OSError`` or ``ValueError`` for a damaged manifest."""
    manifest = _Manifest.model_validate_json(manifest_path.read_bytes())
    rows, width = manifest.shape
    image_count, images = manifest.image_count or rows, np.arange(rows)
    if manifest.bitmap is not None:
        bits = np.frombuffer(bytes.fromhex(manifest.bitmap), np.uint8)
        images = np.flatnonzero(np.unpackbits(bits, count=image_count))
    if len(images) != rows:
        raise ValueError("the manifest does not fit together")
    path = manifest_path.with_suffix(".npy")
    return Piece(
        path,
        images,
        image_count,
        width,
        manifest.seconds,
        manifest.conditions,
        manifest.model_dump(),
    )


def _check_space(folder: Path, shape: tuple[int, int]) -> None:
    needed = shape[0] * shape[1] * 2 + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise HeadstartError(
            f"The features of {shape[0]:,} images need {size_text(needed)} and the disk of "
            f"{folder} has {size_text(free)} left. Free some space, or set HEADSTART_HOME to "
            "another disk."
        )


def _write_array(file: BinaryIO, shape: tuple[int, int], batches: Iterable[np.ndarray]) -> str:
    """Header and rows of one ``.npy``; returns the sha256 of the whole file."""
    header = io.BytesIO()
    layout = {"descr": "<f2", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, layout)
    file.write(header.getvalue())
    digest = hashlib.sha256(header.getvalue())
    rows = 0
    for batch in batches:
        if batch.shape[1:] != shape[1:]:
            raise ValueError(f"features of shape {batch.shape}, expected rows of {shape[1]}")
        data = np.ascontiguousarray(batch, dtype="<f2").data
        file.write(data)
        digest.update(data)
        rows += len(batch)
    if rows != shape[0]:
        raise ValueError(f"features of {rows} images, expected {shape[0]}")
    return digest.hexdigest()
