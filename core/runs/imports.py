"""Import a dataset in a process of its own: from an upload, or from a folder on this machine."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from core.datasets.reading.columns import Columns
from core.datasets.reading.raw_files import shown_name
from core.datasets.storage import checked_name
from core.errors import BadInput, HeadstartError
from core.experiments.limits import check_stored
from core.experiments.store import Store
from core.runs.import_files import delete_import_folder, import_log_path, sweep_uploads
from core.runs.import_records import ImportRecord
from core.runs.import_uploads import MOST_UPLOADED_FILES, keep_upload
from core.runs.launchers import python_command, start_detached
from core.settings import current_settings
from core.text import list_text

__all__ = [
    "MOST_UPLOADED_FILES",
    "ImportRecord",
    "import_folder",
    "receive_upload",
    "retry_import",
]


def receive_upload(store: Store, files: Sequence[tuple[str, BinaryIO]], name: str | None) -> str:
    """Copy uploaded files to disk and start to read them; returns the id of the import.

    ``files`` are names as the browser gave them, with folders or without, and their streams. The
    dataset is called ``name``, else after the file or folder; a number is put behind a name that
    is taken. Raises ``BadInput`` and ``HeadstartError``; nothing is left on disk then.
    """
    asked = _asked(name)
    known = store.imports()
    sweep_uploads([entry.id for entry in known if entry.is_active], {entry.id for entry in known})
    import_id = secrets.token_hex(8)
    try:
        kept = keep_upload(import_id, files)
        record = store.create_import(import_id, kept.path, kept.source, asked, uploaded=True)
    except BaseException:
        delete_import_folder(import_id)
        raise
    _start_new(store, record)
    return import_id


def import_folder(store: Store, path_text: str, name: str | None) -> str:
    """Start to read a folder or file on this machine; returns the id of the import.

    Only what lies below one of ``settings.import_folders`` is taken, links followed before that
    is looked at. A path without a leading slash is looked for in each of them. Raises
    ``BadInput``.
    """
    asked = _asked(name)
    path = allowed_path(path_text)
    check_stored(0, "this dataset")
    record = store.create_import(
        secrets.token_hex(8), path, shown_name(path.name), asked, uploaded=False
    )
    _start_new(store, record)
    return record.id


def retry_import(store: Store, import_id: str, columns: Columns | None = None) -> ImportRecord:
    """Read again what failed or was interrupted, with the columns that the user chose.

    Raises ``BadInput`` where it is still at work, finished, or what it read is gone, and
    ``LimitReached``.
    """
    check_stored(0, "this dataset")
    found = store.import_record(import_id)
    if not found.uploaded and found.source_present:
        allowed_path(str(found.path))  # the folders may have been changed since
    record = store.requeue_import(import_id, columns)
    try:
        _start(record)
    except OSError as error:
        message = _not_started(record, error)
        store.fail_import(record.id, record.attempts, message)
        raise HeadstartError(message) from error
    return record


def allowed_path(path_text: str) -> Path:
    """The real place of a folder or file that pages may read. Raises ``BadInput``."""
    text = path_text.strip()
    allowed = current_settings().import_folders
    named = list_text([str(folder) for folder in allowed], last="or")
    if not text:
        raise BadInput(f"Give a folder or file below {named}.", "path")
    places = []
    for folder in allowed:
        try:
            place = (folder / text).resolve()
            # A folder that is not allowed is not even looked at: nobody learns what is there.
            if place.is_relative_to(folder.resolve()):
                places.append(place)
                if place.exists():
                    return place
        except (OSError, ValueError, RuntimeError) as error:
            # A name too long, a null byte, links in a circle.
            raise BadInput(f"{shown_name(text)} is not a path that can be read.", "path") from error
    if places:
        raise BadInput(f"There is no folder or file at {shown_name(str(places[0]))}.", "path")
    raise BadInput(
        f"{shown_name(text)} is not in a folder that may be read from here. Allowed:"
        f" {named}. Move it there, or let the administrator allow its "
        "folder with HEADSTART_IMPORT_FOLDERS.",
        "path",
    )


def _asked(name: str | None) -> str | None:
    return checked_name(name) if name is not None and name.strip() else None


def _start_new(store: Store, record: ImportRecord) -> None:
    try:
        _start(record)
    except OSError as error:
        message = _not_started(record, error)
        store.fail_import(record.id, record.attempts, message)
        store.forget_import(record.id)
        raise HeadstartError(message) from error


def _start(record: ImportRecord) -> None:
    command = python_command("core.runs.import_child", record.id)
    start_detached(command, import_log_path(record.id))


def _not_started(record: ImportRecord, error: OSError) -> str:
    return f"No process could be started to read {record.source} ({error}). Try again."
