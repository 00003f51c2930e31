"""The folder with the backbones of one's own: what is there, and how one is added and removed.

Looking is cheap, as the registries do it whenever they are asked: only what changed is read again,
and where there is no such backbone nothing is loaded to read one.
"""

import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.backbones.backbone import Backbone
from core.backbones.weights.digests import ArrayDigest
from core.errors import BadInput, StorageUnavailable, StoreError
from core.files import check_room, lock, sweep_folders, temporary_folder, write_json
from core.settings import HOME_VARIABLE, current_settings, has_shared_storage
from core.storage.naming import naming_lock
from core.storage.shared import forget, listed, pull_cached, push

RECORD, ARRAYS, WEIGHTS, IMAGES = "backbone.json", "arrays.json", "weights.h5", "images.npy"
# The record last: other machines see a backbone by it.
_IN_ORDER = (WEIGHTS, ARRAYS, IMAGES, RECORD)
LOOK_SECONDS = 5.0
DIGEST_BYTES = 32
_INCOMING_PREFIX, _REMOVED_PREFIX = ".incoming-", ".removed-"

if TYPE_CHECKING:
    from core.backbones.own import OwnBackbone

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class OwnBackbones:
    """What the folder holds: the backbones with their records by name, and why a folder is none."""

    backbones: Mapping[str, Backbone] = field(default_factory=dict)
    records: Mapping[str, "OwnBackbone"] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)


_NONE = OwnBackbones()
_Mark = tuple[object, ...]
_last: tuple[_Mark, OwnBackbones] = ((), _NONE)
# When this process last asked for those of other machines, by folder.
_looked_at: dict[Path, float] = {}


def own_backbones(shipped: Mapping[str, Backbone]) -> OwnBackbones:
    """The backbones of one's own in this home; ``shipped`` are those that Headstart comes with.

    The same object as long as nothing changed there; where machines share files, those of others
    are fetched. A folder that cannot be read is left out
    (logged); so are all where the settings cannot be used, which whoever uses the home says.
    """
    global _last
    try:
        folder = _folder_of(os.environ.get(HOME_VARIABLE))
        _fetch_others(folder)
    except BadInput:
        return _NONE
    mark = _mark(folder)
    if mark is None:
        return _NONE
    if mark != _last[0]:
        _last = mark, _read_all(folder, shipped)
    return _last[1]


@lru_cache(maxsize=8)
def _folder_of(_home: str | None) -> Path:
    return current_settings().backbones_folder


def _mark(folder: Path) -> _Mark | None:
    """Changes when a backbone is added, changed or removed; None where there was never any."""
    try:
        with os.scandir(folder) as entries:
            inside = sorted(
                (entry.name, entry.inode(), entry.stat().st_mtime_ns, _changed_ns(entry.path))
                for entry in entries
                if not entry.name.startswith(".")
            )
    except OSError:
        return None
    return (os.fspath(folder), *inside)


def _changed_ns(folder: str) -> int:
    try:
        return Path(folder, RECORD).stat().st_mtime_ns
    except OSError:
        return 0


def _read_all(folder: Path, shipped: Mapping[str, Backbone]) -> OwnBackbones:
    from core.backbones.own import backbone_of

    backbones: dict[str, Backbone] = {}
    records: dict[str, OwnBackbone] = {}
    unreadable: dict[str, str] = {}
    for inside in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        try:
            record, arrays = _read(inside)
            if record.name != inside.name:
                raise ValueError(f"it holds the backbone {record.name}")
            if record.name in shipped:
                raise ValueError("a backbone of Headstart has that name")
            backbones[record.name] = backbone_of(record, inside, arrays, shipped)
            records[record.name] = record
        # pydantic's errors are among the ValueErrors.
        except (OSError, ValueError) as error:
            # Imported here: it brings in the database library, and this is rare.
            from core.jobs.records import reason_of

            reason = reason_of(error)
            unreadable[inside.name] = f"The backbone in {inside} cannot be read ({reason})."
            log.warning("%s", unreadable[inside.name])
    return OwnBackbones(backbones, records, unreadable)


def _read(folder: Path) -> "tuple[OwnBackbone, dict[str, ArrayDigest]]":
    from pydantic import TypeAdapter

    from core.backbones.own import OwnBackbone

    record = OwnBackbone.model_validate_json((folder / RECORD).read_bytes())
    if record.removed_at or not (folder / ARRAYS).exists():
        return record, {}
    return record, TypeAdapter(dict[str, ArrayDigest]).validate_json((folder / ARRAYS).read_bytes())


def seen_images(name: str) -> np.ndarray | None:
    """Digests of the images that the network has seen, uint8 ``(n, 32)``, as ``Dataset.digests``;
    None where they are not kept here. Raises ``StoreError`` where they are damaged."""
    path = current_settings().backbones_folder / name / IMAGES
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        raise StoreError(f"{path} is damaged ({error}); add the backbone {name} again.") from error
    if found.dtype != np.uint8 or found.ndim != 2 or found.shape[1] != DIGEST_BYTES:
        raise StoreError(f"{path} is damaged; add the backbone {name} again.")
    return found


def _fetch_others(folder: Path, fresh: bool = False) -> None:
    """Where machines share files: have what others have added, or marked as removed.

    Looks every few seconds, and at once where it must be ``fresh``.
    """
    if not has_shared_storage():
        return
    now = time.monotonic()
    if not fresh and now - _looked_at.get(folder, float("-inf")) < LOOK_SECONDS:
        return
    _looked_at[folder] = now
    found = listed(folder, "[!.]*/*", fresh)
    # It is pushed last: one without it is on its way, or broke off on it.
    whole = {path.parent for path in found if path.name == RECORD}
    # The record first: a folder without one is damaged, one without weights has none here.
    for path in sorted(found, key=lambda path: path.name != RECORD):
        if path.parent in whole:
            pull_cached(path)


@contextmanager
def backbones_lock() -> Iterator[None]:
    """Only one process at a time adds or removes backbones, on all machines that share a database.

    Those of others are here then.
    """
    with lock(current_settings().locks_folder / "backbones.lock"), naming_lock():
        _fetch_others(current_settings().backbones_folder, fresh=True)
        yield


@contextmanager
def incoming_backbone(expected_bytes: int = 0) -> Iterator[Path]:
    """A folder to make a backbone in, deleted at the end unless it was published.

    Raises ``HeadstartError`` where the disk has no room for ``expected_bytes``.
    """
    root, locks = current_settings().backbones_folder, current_settings().locks_folder
    root.mkdir(parents=True, exist_ok=True)
    sweep_folders(root, f"{_INCOMING_PREFIX}*", locks)
    for left in root.glob(f"{_REMOVED_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    check_room(root, expected_bytes, "this backbone")
    with temporary_folder(root / f"{_INCOMING_PREFIX}{uuid.uuid4().hex}", locks) as folder:
        yield folder


def publish(incoming: Path, record: "OwnBackbone") -> None:
    """Write the record into the folder that ``incoming_backbone`` gave and put it into place.

    One of that name that lacks its weights is replaced where it is the same (its digest is). Call
    it with ``backbones_lock`` held. Raises ``BadInput`` where the name is taken, and
    ``StorageUnavailable`` where it cannot be shared: then it is not here either.
    """
    write_json(incoming / RECORD, record.model_dump(mode="json"), indent=1)
    place = incoming.with_name(record.name)
    doomed = None
    if place.exists():
        if _has_weights(place) or not _is_same(place, record):
            raise BadInput(
                f"There is already a backbone named {record.name!r}; choose another name.", "name"
            )
        doomed = place.with_name(f"{_REMOVED_PREFIX}{uuid.uuid4().hex}")
        place.rename(doomed)
    incoming.rename(place)
    try:
        push(*(place / name for name in _IN_ORDER if (place / name).exists()))
    except StorageUnavailable:
        shutil.rmtree(place)
        if doomed is not None:
            doomed.rename(place)
        raise
    if doomed is not None:
        shutil.rmtree(doomed)


def _has_weights(folder: Path) -> bool:
    """One that another machine has removed has none, whatever copies are left here."""
    try:
        in_use = not _read(folder)[0].removed_at
    except (OSError, ValueError):
        in_use = True
    return in_use and (folder / WEIGHTS).exists()


def _is_same(folder: Path, record: "OwnBackbone") -> bool:
    try:
        return _read(folder)[0].digest == record.digest
    except (OSError, ValueError):
        return False


def remove_folder(name: str) -> None:
    """Delete a backbone with all that is known of it. Call it with ``backbones_lock`` held."""
    place = current_settings().backbones_folder / name
    forget(place)
    doomed = place.with_name(f"{_REMOVED_PREFIX}{uuid.uuid4().hex}")
    place.rename(doomed)
    shutil.rmtree(doomed)


def remove_weights(record: "OwnBackbone") -> None:
    """Delete a backbone and keep its record, marked as removed, for the experiments that name it.

    Call it with ``backbones_lock`` held.
    """
    place = current_settings().backbones_folder / record.name
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    removed = record.model_copy(update={"removed_at": moment})
    write_json(place / RECORD, removed.model_dump(mode="json"), indent=1)
    push(place / RECORD)
    for name in (WEIGHTS, ARRAYS, IMAGES):
        forget(place / name)
        (place / name).unlink(missing_ok=True)


def keep_record(record: "OwnBackbone") -> None:
    """Note what is known of a backbone that another machine has, unless the name is taken."""
    with backbones_lock(), incoming_backbone() as folder:
        if not folder.with_name(record.name).exists():
            publish(folder, record)
