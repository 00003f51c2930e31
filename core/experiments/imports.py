"""Import a dataset outside the web process: from an upload, or from a folder on this machine.

Each import is a job of the kind ``import`` (``core.experiments.import_job``).
"""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.datasets.reading.columns import Columns
from core.datasets.reading.raw_files import shown_name
from core.datasets.storage import checked_name
from core.errors import BadInput, HeadstartError, UnknownName
from core.experiments.limits import check_stored
from core.experiments.uploads import (
    MOST_UPLOADED_FILES,
    delete_import_folder,
    delete_upload,
    keep_upload,
    sweep_uploads,
)
from core.jobs.launchers import ensure_worker
from core.jobs.progress import Progress
from core.jobs.queue import NAMES_LISTED, JobQueue
from core.jobs.records import JobRecord, NewJob, State
from core.settings import current_settings
from core.text import list_text

__all__ = [
    "MOST_UPLOADED_FILES",
    "ImportRecord",
    "cancel_import",
    "find_import",
    "forget_import",
    "import_folder",
    "list_imports",
    "receive_upload",
    "retry_import",
]

KIND = "import"


@dataclass(frozen=True)
class ImportRecord:
    """One reading of an upload, or of a folder on this machine, into a dataset.

    ``name`` is the one that was asked for, ``source`` what was given, in words for people.
    ``error`` is a sentence for people where it failed; with it comes ``question`` (``table``,
    ``columns``, ``rows``) where only a person can say which column holds what. ``dataset_id`` and
    ``notes`` are there once it is finished. ``source_present`` says whether what is to be read is
    still there. The rest is that of its job (``core.jobs.records.JobRecord``).
    """

    id: str
    name: str | None
    source: str
    path: Path
    uploaded: bool
    columns: Columns | None
    state: State
    progress: Progress | None
    error: str | None
    question: dict[str, Any] | None
    dataset_id: str | None
    notes: tuple[str, ...]
    attempts: int
    cancel_requested: bool
    created_at: str
    finished_at: str | None
    is_active: bool
    can_retry: bool
    source_present: bool


def list_imports(queue: JobQueue) -> list[ImportRecord]:
    """All imports, the newest first; those whose worker died are marked on the way."""
    queue.reap_expired()
    return [_record(job) for job in queue.jobs(KIND)]


def find_import(queue: JobQueue, import_id: str) -> ImportRecord:
    """The import of that id, or ``UnknownName`` listing the newest ones."""
    queue.reap_expired()
    job = queue.find_job(import_id)
    if job is None or job.kind != KIND:
        known = [entry.id for entry in queue.jobs(KIND)[:NAMES_LISTED]]
        raise UnknownName("import", import_id, known)
    return _record(job)


def receive_upload(queue: JobQueue, files: Sequence[tuple[str, BinaryIO]], name: str | None) -> str:
    """Copy uploaded files to disk and start to read them; returns the id of the import.

    ``files`` are names as the browser gave them, with folders or without, and their streams. The
    dataset is called ``name``, else after the file or folder; a number is put behind a name that
    is taken. Raises ``BadInput`` and ``HeadstartError``; nothing is left on disk then.
    """
    asked = _asked(name)
    known = list_imports(queue)
    sweep_uploads([entry.id for entry in known if entry.is_active], {entry.id for entry in known})
    import_id = secrets.token_hex(8)
    try:
        kept = keep_upload(import_id, files)
        _start(queue, import_id, kept.path, kept.source, asked, uploaded=True)
    except BaseException:
        delete_import_folder(import_id)
        raise
    return import_id


def import_folder(queue: JobQueue, path_text: str, name: str | None) -> str:
    """Start to read a folder or file on this machine; returns the id of the import.

    Only what lies below one of ``settings.import_folders`` is taken, links followed before that
    is looked at. A path without a leading slash is looked for in each of them. Raises
    ``BadInput``.
    """
    asked = _asked(name)
    path = allowed_path(path_text)
    check_stored(0, "this dataset")
    import_id = secrets.token_hex(8)
    _start(queue, import_id, path, shown_name(path.name), asked, uploaded=False)
    return import_id


def retry_import(queue: JobQueue, import_id: str, columns: Columns | None = None) -> ImportRecord:
    """Read again what failed or was interrupted, with the columns that the user chose.

    ``columns`` None keeps those chosen before. Raises ``BadInput`` where it is still at work,
    finished, or what it read is gone, and ``LimitReached``.
    """
    check_stored(0, "this dataset")
    found = find_import(queue, import_id)
    if not found.can_retry:
        raise BadInput(_why_no_retry(found), "import")
    if not found.uploaded:
        allowed_path(str(found.path))  # the folders may have been changed since
    chosen = columns or found.columns
    if not queue.requeue_job(import_id, _arguments(found, chosen)):
        raise BadInput(_why_no_retry(find_import(queue, import_id)), "import")
    # Where no worker can be started now it waits: whoever looks at it tries again.
    _wake_worker(queue, found.source)
    return find_import(queue, import_id)


def cancel_import(queue: JobQueue, import_id: str) -> ImportRecord:
    """Ask a waiting or working import to stop; others stay as they are."""
    find_import(queue, import_id)
    queue.cancel_job(import_id)
    return find_import(queue, import_id)


def forget_import(queue: JobQueue, import_id: str) -> None:
    """Remove the record of an import that is over, and what was uploaded for it.

    The dataset stays. Raises ``BadInput`` while it waits or works.
    """
    found = find_import(queue, import_id)
    if found.is_active:
        raise BadInput(f"The import of {found.source} is still at work; cancel it first.", "import")
    queue.forget_job(import_id)
    delete_import_folder(import_id)


def datasets_read_from(queue: JobQueue, digest: str, columns: Columns | None) -> list[str]:
    """Ids of the datasets that finished imports made of a file with that digest, the newest
    first, where the columns were chosen alike."""
    chosen = None if columns is None else asdict(columns)
    return [
        job.result["dataset_id"]
        for job in queue.jobs(KIND, ["finished"])
        if job.result is not None
        and job.result["digest"] == digest
        and job.arguments["columns"] == chosen
    ]


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
        f" {named}. Move it there, or let the administrator allow its folder with"
        " HEADSTART_IMPORT_FOLDERS.",
        "path",
    )


def _asked(name: str | None) -> str | None:
    return checked_name(name) if name is not None and name.strip() else None


def _start(
    queue: JobQueue, import_id: str, path: Path, source: str, name: str | None, *, uploaded: bool
) -> None:
    arguments = {
        "path": str(path),
        "uploaded": uploaded,
        "source": source,
        "name": name,
        "columns": None,
    }
    queue.add_job(NewJob(import_id, KIND, arguments))
    try:
        _wake_worker(queue, source)
    except HeadstartError:
        queue.cancel_job(import_id)
        queue.forget_job(import_id)
        raise


def _wake_worker(queue: JobQueue, source: str) -> None:
    try:
        ensure_worker(queue)
    except OSError as error:
        raise HeadstartError(
            f"No process could be started to read {source} ({error}). Try again."
        ) from error


def _arguments(found: ImportRecord, columns: Columns | None) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "uploaded": found.uploaded,
        "source": found.source,
        "name": found.name,
        "columns": None if columns is None else asdict(columns),
    }


def _record(job: JobRecord) -> ImportRecord:
    given, result = job.arguments, job.result or {}
    if given["uploaded"] and job.state == "cancelled":
        delete_upload(job.id)  # whoever cancelled does not want it any more
    path = Path(given["path"])
    present = path.exists()
    return ImportRecord(
        id=job.id,
        name=given["name"],
        source=given["source"],
        path=path,
        uploaded=given["uploaded"],
        columns=None if given["columns"] is None else Columns(**given["columns"]),
        state=job.state,
        progress=job.progress,
        error=job.error,
        question=result.get("question"),
        dataset_id=result.get("dataset_id"),
        notes=tuple(result.get("notes", ())),
        attempts=job.attempts,
        cancel_requested=job.cancel_requested,
        created_at=job.created_at,
        finished_at=job.finished_at,
        is_active=job.is_active,
        can_retry=job.can_retry and present,
        source_present=present,
    )


def _why_no_retry(found: ImportRecord) -> str:
    if found.is_active:
        return f"The import of {found.source} is {found.state}; it need not be started again."
    if found.state == "finished":
        return f"The import of {found.source} is finished; its dataset is there."
    return f"What was given as {found.source} is no longer there; give it again."
