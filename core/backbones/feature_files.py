"""The files of the feature cache: written whole or not at all, checked when opened.

Each set is ``<key>.npy`` (float16) with ``<key>.json`` beside it, which says what it is of, what
it cost and which sha256 the data has. The manifest is written last: without it there is no set.
"""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.errors import HeadstartError
from core.files import remove_parts, write_json, written_whole
from core.text import size_text

BLOCK_BYTES = 1 << 20
SPARE_BYTES = 64 << 20

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredFeatures:
    """A whole, checked file: ``(N, width)`` float16, and what it cost to make."""

    path: Path
    shape: tuple[int, int]
    seconds: float


def key_of(identity: Mapping[str, Any]) -> str:
    """sha256 (hex) over everything that the features depend on."""
    text = json.dumps(dict(identity), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def find_stored(folder: Path, key: str) -> StoredFeatures | None:
    """The stored set of that key, or None when there is none or it is damaged (logged)."""
    path, manifest_path = folder / f"{key}.npy", folder / f"{key}.json"
    if not manifest_path.is_file():
        return None
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        shape = (int(manifest["shape"][0]), int(manifest["shape"][1]))
        seconds, expected = float(manifest["seconds"]), manifest["sha256"]
        found = _file_sha256(path)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        log.warning("features %s are made anew: %s", path, error)
        return None
    if found != expected:
        log.warning("features %s are made anew: the file is damaged (sha256 differs)", path)
        return None
    return StoredFeatures(path, shape, seconds)


def matching_keys(folder: Path, wanted: Mapping[str, Any]) -> list[str]:
    """Keys of the stored sets whose manifests have all values of ``wanted``, the newest first.

    For work that is content with features that differ in the rest (precision, device). A manifest
    that cannot be read is left out (logged).
    """
    found = []
    for path in folder.glob("*.json"):
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            moment = str(manifest["created_at"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("features %s are left out: %s", path, error)
            continue
        if all(manifest.get(name) == value for name, value in wanted.items()):
            found.append((moment, path.stem))
    return [key for _, key in sorted(found, reverse=True)]


def _file_sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_features(
    folder: Path,
    key: str,
    identity: Mapping[str, Any],
    shape: tuple[int, int],
    batches: Iterable[np.ndarray],
    started: float,
) -> StoredFeatures:
    """Stream ``batches`` (``(n, width)`` float16) into the cache; call it with the lock held.

    ``started`` is the ``time.perf_counter`` at which the work began. Rows are written as they come
    and never mapped, so that memory stays flat however many there are. Raises ``HeadstartError``
    when the disk is too small, before anything is computed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, manifest_path = folder / f"{key}.npy", folder / f"{key}.json"
    remove_parts(path)
    _check_space(folder, shape)
    manifest_path.unlink(missing_ok=True)
    try:
        with written_whole(path) as file:
            digest = _write_array(file, shape, batches)
        seconds = time.perf_counter() - started
        manifest = {
            **identity,
            "shape": list(shape),
            "dtype": "float16",
            "sha256": digest,
            "seconds": seconds,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_json(manifest_path, manifest, indent=1)
    except OSError as error:
        raise HeadstartError(f"Features could not be written to {folder}: {error}.") from error
    return StoredFeatures(path, shape, seconds)


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
    header = {"descr": "<f2", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    file.flush()
    with open(file.name, "rb") as written:
        digest = hashlib.sha256(written.read())
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
