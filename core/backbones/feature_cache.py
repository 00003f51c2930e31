"""Features on disk, in pieces that never change: each has the features of some images of a dataset.

All pieces of one set share a key, made of everything that features depend on: pixels, weights,
layer, image size, resize, mean and precision. A piece is ``<name>.npy`` (float16, one row an image,
in the order of the dataset) and ``<name>.json`` with what it depends on, which images it has, its
cost and the sha256 of the data; that is written last, so that a piece without it does not count.
The name is the key where every image is in the piece (older sets always are), else the key and a
mark of the images.

More than 8,192 images become several pieces, one for each shard of them. A piece that is there is
never made again, so an extraction that broke off goes on at the next shard, and several workers
can share one: each calls ``write_piece`` for other ``shards_of`` the same images.
"""

import hashlib
import io
import json
import logging
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from core.backbones.feature_set import SHARD_IMAGES, FeatureSet, Piece, shard_of_image
from core.conditions import Conditions, Meter, conditions_of_all
from core.errors import DISK_IS_FULL, HeadstartError
from core.files import check_room, make_way, remove_parts, write_json, written_whole
from core.settings import current_settings
from core.storage.shared import listed, pull_cached, push_cached

SPARE_BYTES = 64 << 20
# Above what any home holds: a damaged number must not take all memory.
_MOST = 10**8
_MARK_DIGITS = 16

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


def features_folder() -> Path:
    return current_settings().cache_folder / "features"


def key_of(identity: Mapping[str, Any]) -> str:
    """sha256 (hex) over everything that the features depend on."""
    text = json.dumps(dict(identity), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def usable_pieces(
    key: str, images: np.ndarray, known: Collection[Path] | None = None
) -> tuple[list[Piece], np.ndarray]:
    """The whole pieces of that key with some of ``images`` (sorted), and the images in none.

    Call it with the lock of the key held: damaged pieces are deleted (logged). Who looks again
    while others make pieces gives the manifests that it knows, which have none of ``images``: these
    are not read, and the shared storage is asked anew.
    """
    found, missing, damaged = _sorted_out(key, images, known)
    for piece in damaged:
        piece.discard()
    return found, missing


def _sorted_out(
    key: str, images: np.ndarray, known: Collection[Path] | None = None
) -> tuple[list[Piece], np.ndarray, list[Piece]]:
    missing = np.asarray(images)
    found: list[Piece] = []
    damaged: list[Piece] = []
    for piece in stored_pieces(key, known):
        has = _marks(piece.images, piece.image_count)[missing]
        if has.any():
            if not piece.is_whole():
                damaged.append(piece)
                continue
            found.append(piece)
            missing = missing[~has]
    return found, missing, damaged


def shards_of(images: np.ndarray, image_count: int) -> list[np.ndarray]:
    """``images`` (sorted) of a dataset, divided by the shards that they are in; all together where
    they are no more than a shard has."""
    if len(images) <= SHARD_IMAGES:
        return [images]
    shards = shard_of_image(image_count)[images]
    return [images[shards == number] for number in np.unique(shards)]


def feature_set(images: np.ndarray, reused: Sequence[Piece], new: Sequence[Piece]) -> FeatureSet:
    """The set of ``images`` (sorted) out of pieces that have them all, with its cost."""
    pieces = (*reused, *new)
    left = _marks(np.asarray(images), pieces[0].image_count)
    costs: list[tuple[int, float]] = []
    conditions: list[Conditions | None] = []
    for piece in pieces:
        taken = int(left[piece.images].sum())
        fraction = taken / len(piece.images)
        costs.append((taken, piece.seconds * fraction))
        conditions.append(piece.conditions.part(fraction) if piece.conditions else None)
        left[piece.images] = False
    before = costs[: len(reused)]
    return FeatureSet(
        pieces=pieces,
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
    return None if len(missing) else feature_set(images, pieces, ())


def matching_keys(
    pieces: Iterable[Piece], wanted: Mapping[str, Any], shape: tuple[int, int], images: np.ndarray
) -> list[str]:
    """Keys of the sets among ``pieces`` (``stored_pieces``) that have all ``images`` and, in their
    manifests, all values of ``wanted``, the newest first.

    ``shape``: images of the dataset, and width. For work that can use features that differ in the
    rest (precision, device).
    """
    newest: dict[str, str] = {}
    held: dict[str, np.ndarray] = {}
    for piece in pieces:
        if (piece.image_count, piece.width) == shape and all(
            piece.manifest.get(name) == value for name, value in wanted.items()
        ):
            key = piece.key
            newest[key] = max(newest.get(key, ""), piece.manifest["created_at"])
            held[key] = np.union1d(held.get(key, np.empty(0, np.int64)), piece.images)
    whole = [(newest[key], key) for key in held if np.isin(images, held[key]).all()]
    return [key for _, key in sorted(whole, reverse=True)]


def check_space(shape: tuple[int, int]) -> None:
    """Raise ``HeadstartError`` where the disk has no room for features of that shape."""
    folder = features_folder()
    folder.mkdir(parents=True, exist_ok=True)
    needed = shape[0] * shape[1] * 2 + SPARE_BYTES
    check_room(folder, needed, f"the features of {shape[0]:,} images")


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
    many images there are. Raises ``HeadstartError`` when the disk is too small, before anything is
    computed where that can be known.
    """
    folder = features_folder()
    path = folder / f"{_name(key_of(identity), images, shape[0])}.npy"
    check_space((len(images), shape[1]))
    remove_parts(path)
    try:
        for place in (path, path.with_suffix(".json")):
            make_way(place)
        path.with_suffix(".json").unlink(missing_ok=True)
        # Both files are checked when they are read again: they need not wait for the disk.
        with written_whole(path, synced=False) as file:
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
        write_json(path.with_suffix(".json"), manifest, indent=1, synced=False)
    except OSError as error:
        if error.errno in DISK_IS_FULL:
            check_space((len(images), shape[1]))
        raise HeadstartError(f"Features could not be written to {folder}: {error}.") from error
    push_cached(path, path.with_suffix(".json"))
    return _read_piece(path.with_suffix(".json"))


def _name(key: str, images: np.ndarray, image_count: int) -> str:
    if len(images) == image_count:
        return key
    mark = hashlib.sha256(_bitmap(images, image_count).encode()).hexdigest()
    return f"{key}-{mark[:_MARK_DIGITS]}"


def _bitmap(images: np.ndarray, image_count: int) -> str:
    """Which images, one bit for each of the dataset, hexadecimal."""
    return np.packbits(_marks(images, image_count)).tobytes().hex()


def _marks(images: np.ndarray, image_count: int) -> np.ndarray:
    """bool ``(image_count,)``, True for these images."""
    marks = np.zeros(image_count, bool)
    marks[images] = True
    return marks


def stored_pieces(key: str = "", known: Collection[Path] | None = None) -> list[Piece]:
    """The pieces of a key, or all, with a readable manifest, the largest first; others are left out
    (logged). It reads every manifest but the ``known`` ones, and on several machines asks the
    shared storage, with ``known`` ones in any case."""
    found = []
    for path in listed(features_folder(), f"{key}*.json", fresh=known is not None):
        if known is not None and path in known:
            continue
        try:
            pull_cached(path)
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
        # A bit for each image of the dataset, in every piece of it: too much to hold.
        manifest.model_dump(exclude={"bitmap"}),
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
