"""Where datasets are stored: a folder each, written under a temporary name and renamed.

``<datasets>/<first 16 digits of the id>/`` contains ``manifest.json``, ``index.npz`` (arrays),
``source.bin`` (the images, one after another) and ``splits/``.
"""

import hashlib
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets.dataset import SOURCE_FILE, Dataset, DatasetReading, HealthReport
from core.datasets.decoding.levels import Levels
from core.datasets.metadata import taken_out
from core.errors import DISK_IS_FULL, BadInput, HeadstartError, StorageUnavailable, UnknownName
from core.files import (
    UNREADABLE,
    check_room,
    lock,
    read_arrays,
    sweep_folders,
    temporary_folder,
    write_arrays,
    write_json,
)
from core.settings import current_settings, has_shared_storage
from core.storage.naming import naming_lock
from core.storage.shared import forget, is_stored, listed, pull, push, stored_digests, stored_size

MANIFEST_FILE = "manifest.json"
INDEX_FILE = "index.npz"
SHORTEST_ID_PREFIX = 8
LONGEST_DATASET_NAME = 100
_INCOMING_PREFIX = ".incoming-"
_REMOVED_PREFIX = ".removed-"
_REMOVED_KEPT_SECONDS = 3600.0
# Arrays that were stored under other names in the first edition.
_NEW_KEYS = {"plain": "one_colour", "given_sides": "predefined_subsets"}

logger = logging.getLogger(__name__)


def list_datasets() -> list[Dataset]:
    """All stored datasets, sorted by name; reads manifests and arrays, no pixels.

    Damaged datasets are left out and logged.
    """
    datasets = []
    for folder, manifest in _manifests():
        try:
            datasets.append(_load(folder, manifest))
        except HeadstartError as error:
            logger.warning("dataset left out of the list: %s", error)
    return sorted(datasets, key=lambda dataset: dataset.name)


def open_dataset(name_or_id: str) -> Dataset:
    """The dataset with that id, name, or unique beginning of an id (at least 8 digits).

    Raises ``UnknownName``, which lists the names, and ``HeadstartError`` where it is damaged.
    """
    return _load(*_find(name_or_id))


def remove_dataset(name: str) -> None:
    """Delete a dataset with its splits. Raises ``UnknownName``."""
    with store_lock():
        folder, _ = _find(name)
        forget(folder)
        doomed = _set_aside(folder)
    shutil.rmtree(doomed)


def rename_dataset(name_or_id: str, new_name: str) -> Dataset:
    """Give a dataset another name; its id stays. Raises ``BadInput``, ``UnknownName``."""
    new_name = checked_name(new_name)
    with store_lock():
        stored = _manifests(fresh=True)
        folder, manifest = _find(name_or_id)
        if any(entry["name"] == new_name and other != folder for other, entry in stored):
            raise BadInput(
                f"There is already a dataset named {new_name!r}; choose another name.", "name"
            )
        renamed = manifest | {"name": new_name}
        write_json(folder / MANIFEST_FILE, renamed, indent=1)
        try:
            push(folder / MANIFEST_FILE)
        except StorageUnavailable:
            write_json(folder / MANIFEST_FILE, manifest, indent=1)
            raise
    return _load(folder, renamed)


@contextmanager
def store_lock() -> Iterator[None]:
    """Only one process at a time adds, renames or removes datasets, on all machines that share a
    database."""
    with lock(current_settings().locks_folder / "datasets.lock"), naming_lock():
        yield


@contextmanager
def incoming_folder(expected_bytes: int) -> Iterator[Path]:
    """A folder to build a dataset in, deleted at the end unless it was published.

    Raises ``HeadstartError`` where the disk has no room for ``expected_bytes``, or becomes full
    meanwhile.
    """
    root = current_settings().datasets_folder
    root.mkdir(parents=True, exist_ok=True)
    sweep_datasets()
    check_room(root, expected_bytes, "this dataset")
    folder = root / f"{_INCOMING_PREFIX}{uuid.uuid4().hex}"
    try:
        with temporary_folder(folder, current_settings().locks_folder):
            yield folder
    except OSError as error:
        if error.errno not in DISK_IS_FULL:
            raise
        raise HeadstartError(
            f"The disk of {root} became full while the images were stored ({error.strerror})."
            " Nothing was added. Make room on it and add them again."
        ) from error


def publish(incoming: Path, manifest: dict[str, Any], index: dict[str, np.ndarray]) -> Dataset:
    """Finish the dataset built in ``incoming`` and move it to its place.

    ``manifest`` has everything but ``created_at`` and ``source_bytes``. Where its ``name`` is
    taken, ``name_is_default`` appends a number; otherwise ``BadInput`` is raised. If the same
    content is already stored, that dataset is returned. Raises ``StorageUnavailable`` where it
    cannot be shared: it is stored here then, and shared when it is added again.
    """
    name_is_default = manifest["name_is_default"]
    final, manifest = _moved_to_its_place(incoming, manifest, index)
    if has_shared_storage():
        # The manifest last: other machines see a dataset by it.
        push(*(path for path in (final / SOURCE_FILE, final / INDEX_FILE) if path.is_file()))
        manifest = _shared_under_its_name(final, manifest, name_is_default)
    return _load(final, manifest)


def _shared_under_its_name(
    final: Path, manifest: dict[str, Any], name_is_default: bool
) -> dict[str, Any]:
    """Share the manifest, with another name where another machine has taken this one meanwhile.

    Raises ``BadInput`` where the name was asked for: then the dataset is not added.
    """
    path = final / MANIFEST_FILE
    if is_stored(path, hashlib.sha256(path.read_bytes()).hexdigest()):
        return manifest  # that content was here before
    with store_lock():
        stored = [entry for _, entry in _manifests(fresh=True) if entry["id"] != manifest["id"]]
        if not name_is_default and any(one["name"] == manifest["name"] for one in stored):
            if not stored_digests(path):  # nobody else has shared these images
                forget(final)
            _set_aside(final)
        manifest = _with_free_name(manifest, stored, name_is_default)
        # Always: to list them fetched what the storage had under this path.
        write_json(path, manifest, indent=1)
        push(path)
    return manifest


def _moved_to_its_place(
    incoming: Path, manifest: dict[str, Any], index: dict[str, np.ndarray]
) -> tuple[Path, dict[str, Any]]:
    """Folder and manifest of the finished dataset, or of the same content, already stored."""
    with store_lock():
        stored = {entry["id"]: (folder, entry) for folder, entry in _manifests(fresh=True)}
        if manifest["id"] in stored:
            try:
                _load(*stored[manifest["id"]])
                return stored[manifest["id"]]
            except HeadstartError as error:
                logger.warning("replaced by what is added now: %s", error)
                del stored[manifest["id"]]
        manifest = dict(manifest)
        name_is_default = manifest.pop("name_is_default")
        others = [entry for _, entry in stored.values()]
        manifest = _with_free_name(manifest, others, name_is_default)
        manifest["created_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        manifest["source_bytes"] = (incoming / SOURCE_FILE).stat().st_size
        _write_folder(incoming, manifest, index)
        final = incoming.with_name(manifest["id"][:16])
        if final.exists():
            # Only a damaged dataset can be here. It is deleted later, not at once.
            _set_aside(final)
        incoming.rename(final)
    return final, manifest


def checked_name(name: str) -> str:
    """A dataset name: 1 to 100 printable characters, not blank. Raises ``BadInput``."""
    name = name.strip()
    if not name or len(name) > LONGEST_DATASET_NAME or not name.isprintable():
        raise BadInput(
            f"The name {name[:LONGEST_DATASET_NAME]!r} cannot be used: give 1 to"
            f" {LONGEST_DATASET_NAME} printable characters.",
            "name",
        )
    return name


def _with_free_name(
    manifest: dict[str, Any], others: Iterable[dict[str, Any]], name_is_default: bool
) -> dict[str, Any]:
    """With a number behind its name where one of ``others`` has that name; ``BadInput`` where the
    name was asked for."""
    name, taken = manifest["name"], {entry["name"] for entry in others}
    if name not in taken:
        return manifest
    if not name_is_default:
        raise BadInput(
            f"There is already a dataset named {name!r} with other images; choose another name.",
            "name",
        )
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return manifest | {"name": f"{name} ({number})"}


def _set_aside(folder: Path) -> Path:
    """The folder under a name by which it is no dataset, and is deleted later."""
    return folder.rename(folder.with_name(f"{_REMOVED_PREFIX}{uuid.uuid4().hex}"))


def _write_folder(folder: Path, manifest: dict[str, Any], index: dict[str, np.ndarray]) -> None:
    write_arrays(folder / INDEX_FILE, index)
    (folder / "splits").mkdir()
    write_json(folder / MANIFEST_FILE, manifest, indent=1)
    with open(folder / SOURCE_FILE, "rb") as file:
        os.fsync(file.fileno())


def _manifests(fresh: bool = False) -> list[tuple[Path, dict[str, Any]]]:
    """All that are stored; ``fresh``: also what another machine has shared a moment ago."""
    root = current_settings().datasets_folder
    found = []
    for path in listed(root, f"[!.]*/{MANIFEST_FILE}", fresh):
        try:
            pull(path)
            found.append((path.parent, json.loads(path.read_text(encoding="utf-8"))))
        except FileNotFoundError:
            continue  # removed by another process since the folder was listed
        except (ValueError, OSError, HeadstartError) as error:
            logger.warning("dataset left out: %s cannot be read (%s)", path, error)
    return found


def _find(name_or_id: str) -> tuple[Path, dict[str, Any]]:
    entries = _manifests()
    # The whole id first: the name of a dataset may be the id of another one.
    for entry in entries:
        if entry[1]["id"] == name_or_id:
            return entry
    by_name = [entry for entry in entries if entry[1]["name"] == name_or_id]
    by_id = [entry for entry in entries if entry[1]["id"].startswith(name_or_id.lower())]
    if by_name:
        return by_name[0]
    if len(name_or_id) >= SHORTEST_ID_PREFIX and len(by_id) == 1:
        return by_id[0]
    raise UnknownName("dataset", name_or_id, [entry["name"] for _, entry in entries])


def _load(folder: Path, manifest: dict[str, Any]) -> Dataset:
    try:
        source_bytes = stored_size(folder / SOURCE_FILE)
        if source_bytes is None:
            raise ValueError(f"{SOURCE_FILE} is missing")
        if source_bytes != manifest["source_bytes"]:
            raise ValueError(f"{SOURCE_FILE} has {source_bytes} bytes")
        pull(folder / INDEX_FILE)
        stored = read_arrays(folder / INDEX_FILE, "labels")
        metadata = taken_out(manifest.get("metadata", ()), stored)
        count = len(stored["labels"])
        # The oldest datasets were stored without these three.
        arrays = {
            "grey": np.full(count, manifest["channels"] == 1),
            "one_colour": np.zeros(count, bool),
            "look_alikes": np.zeros(count, bool),
        } | {_NEW_KEYS.get(name, name): array for name, array in stored.items()}
        return Dataset(
            folder=folder,
            id=manifest["id"],
            name=manifest["name"],
            classes=tuple(manifest["classes"]),
            file_names=tuple(manifest["file_names"]),
            channels=manifest["channels"],
            provenance=manifest["provenance"],
            created_at=manifest["created_at"],
            health=HealthReport.from_json(manifest["health"]),
            encoding=manifest["encoding"],
            levels=Levels.from_json(manifest.get("levels")),
            read_as=manifest.get("read_as", ""),
            reading=_reading(manifest.get("reading")),
            version_of=manifest.get("version_of"),
            changes=tuple(manifest.get("changes", ())),
            metadata=metadata,
            **arrays,
        )
    except (*UNREADABLE, ValueError, KeyError, TypeError) as error:
        raise HeadstartError(
            f"The dataset {manifest.get('name')!r} in {folder} is damaged ({error})."
            " Remove it and add it again."
        ) from error


def _reading(document: dict[str, Any] | None) -> DatasetReading | None:
    return None if document is None else DatasetReading.model_validate(document)


def sweep_datasets() -> None:
    """Delete what killed processes left: datasets that they were building at once, those that they
    were deleting after an hour."""
    root = current_settings().datasets_folder
    sweep_folders(root, f"{_INCOMING_PREFIX}*", current_settings().locks_folder)
    oldest = time.time() - _REMOVED_KEPT_SECONDS
    for folder in root.glob(f"{_REMOVED_PREFIX}*"):
        try:
            abandoned = folder.stat().st_mtime < oldest
        except FileNotFoundError:
            continue
        if abandoned:
            shutil.rmtree(folder, ignore_errors=True)
