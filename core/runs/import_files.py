"""What imports keep on disk: ``<home>/imports/<id>/`` with ``log.txt`` and, until it was read, the
upload under the name that it came with."""

import shutil
import time
import uuid
from collections.abc import Collection
from pathlib import Path

from core.settings import current_settings

UPLOAD_FOLDER = "upload"
RECEIVING_PREFIX = ".receiving-"
REMOVED_PREFIX = ".removed-"
BROKEN_OFF_AFTER_SECONDS = 24 * 3600.0
UPLOAD_KEPT_SECONDS = 7 * 24 * 3600.0


def import_folder_path(import_id: str) -> Path:
    return current_settings().imports_folder / import_id


def import_log_path(import_id: str) -> Path:
    return import_folder_path(import_id) / "log.txt"


def delete_upload(import_id: str) -> None:
    """Delete what was uploaded for an import, if it is still there."""
    _delete(import_folder_path(import_id) / UPLOAD_FOLDER)


def delete_import_folder(import_id: str) -> None:
    """Delete all that is kept of an import: upload and log."""
    _delete(import_folder_path(import_id))


def sweep_uploads(active_ids: Collection[str], known_ids: Collection[str]) -> None:
    """Delete what nobody will ask for again: uploads that broke off a day ago, uploads that
    nobody tried again in seven days, and folders of imports that the store does not know."""
    now = time.time()
    for folder in current_settings().imports_folder.glob("*"):
        age = now - _changed_at(folder, now)
        if folder.name not in known_ids:  # broken off, or half deleted, or of another store
            if age > BROKEN_OFF_AFTER_SECONDS:
                _delete(folder)
        elif folder.name not in active_ids and age > UPLOAD_KEPT_SECONDS:
            _delete(folder / UPLOAD_FOLDER)


def _changed_at(folder: Path, now: float) -> float:
    try:
        # The inner folder is made when the upload comes and not touched by the log.
        inner = folder / UPLOAD_FOLDER
        return (inner if inner.exists() else folder).stat().st_mtime
    except FileNotFoundError:
        return now  # another process deleted it in the meantime


def _delete(folder: Path) -> None:
    # Renamed first: two processes may want to delete the same folder, and nobody takes what is
    # half deleted for an upload.
    doomed = current_settings().imports_folder / f"{REMOVED_PREFIX}{uuid.uuid4().hex}"
    try:
        folder.rename(doomed)
    except FileNotFoundError:
        return  # it is gone already
    shutil.rmtree(doomed)
