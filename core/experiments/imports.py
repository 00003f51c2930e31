"""Imports: an upload, or a folder on this machine, is read into a dataset by a job.

What pages call; ``import_job`` is what the job does.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, model_validator

from core.datasets.reading.question import Question, TableSample
from core.datasets.reading.raw_files import shown_name
from core.datasets.reading_choice import Choice
from core.datasets.storage import checked_name
from core.errors import BadInput, HeadstartError, UnknownName
from core.experiments.limits import allowed_path, check_stored
from core.experiments.uploads import (
    MOST_UPLOADED_FILES,
    UPLOAD_FOLDER,
    delete_import_folder,
    delete_upload,
    keep_upload,
    link_upload,
    sweep_uploads,
    upload_folder,
)
from core.jobs.launchers import ensure_worker
from core.jobs.queue import NAMES_LISTED, JobQueue
from core.jobs.records import JobRecord, JobStatus, NewJob
from core.settings import current_settings
from core.storage.shared import listed

__all__ = [
    "MOST_UPLOADED_FILES",
    "ImportRecord",
    "cancel_import",
    "find_import",
    "forget_import",
    "import_folder",
    "list_imports",
    "read_again",
    "receive_upload",
    "retry_import",
]

KIND = "import"


class ImportArguments(BaseModel):
    """What an import was asked to do, as its job keeps it.

    ``path`` is relative to the home where it lies in the home, so that a home can be moved.
    ``source`` names the files for people; ``name`` is the wanted name of the dataset, or None.
    ``ask``: nothing is read, but the ways to read it are asked about, also where one is clear.
    """

    path: str
    uploaded: bool
    source: str
    name: str | None
    choice: Choice = Choice()
    ask: bool = False

    @model_validator(mode="before")
    @classmethod
    def _older(cls, stored: Any) -> Any:
        """The first edition kept three columns of a table, and None where none was chosen."""
        if not isinstance(stored, dict) or "columns" not in stored:
            return stored
        columns = stored["columns"] or {}
        chosen = {f"{kind}_column": name for kind, name in columns.items()}
        return {key: stored[key] for key in stored if key != "columns"} | {"choice": chosen}

    def place(self, import_id: str) -> Path:
        """Where the files are now."""
        if self.uploaded:  # older homes kept an absolute path, which is wrong after a move
            return upload_folder(import_id) / Path(self.path).name
        return current_settings().home / self.path


@dataclass(frozen=True, kw_only=True)
class ImportRecord(JobStatus):
    """What an import was asked to do (``ImportArguments``), and the status of its job.

    ``error`` is a sentence for people where it failed; with it comes ``question`` where only a
    person can say how to read the files. ``dataset_id`` and ``notes`` are there once it is
    finished. ``source_present``: the files to read still exist.
    """

    id: str
    name: str | None
    source: str
    path: Path
    choice: Choice
    question: Question | None
    dataset_id: str | None
    notes: tuple[str, ...]
    source_present: bool

    @property
    def can_retry(self) -> bool:
        return super().can_retry and self.source_present


def list_imports(queue: JobQueue) -> list[ImportRecord]:
    """All imports, the newest first; those of dead workers are marked first."""
    queue.reap_expired()
    return [_record(job) for job in queue.jobs(KIND)]


def find_import(queue: JobQueue, import_id: str) -> ImportRecord:
    """The import of that id, or ``UnknownName`` listing the newest ones."""
    queue.reap_expired()
    return _record(_job(queue, import_id))


def receive_upload(queue: JobQueue, files: Sequence[tuple[str, BinaryIO]], name: str | None) -> str:
    """Copy uploaded files to disk and start to read them; returns the id of the import.

    ``files`` are names as the browser gave them, with folders or without, and their streams. The
    dataset is called ``name``, else after the file or folder; a number is added to a name that is
    taken. Raises ``BadInput`` and ``HeadstartError``; nothing is left on disk then.
    """
    name = _given_name(name)
    known = list_imports(queue)
    active = [entry.id for entry in known if entry.is_active]
    finished = [entry.id for entry in known if entry.state == "finished"]
    sweep_uploads(active, finished, {entry.id for entry in known})
    import_id = secrets.token_hex(8)
    try:
        kept = keep_upload(import_id, files, finished)
        _start(queue, import_id, kept.path, uploaded=True, source=kept.source, name=name)
    except BaseException:
        delete_import_folder(import_id)
        raise
    return import_id


def import_folder(queue: JobQueue, path_text: str, name: str | None) -> str:
    """Start to read a folder or file on this machine; returns the id of the import.

    It must lie below one of ``settings.import_folders``, after links are followed. A relative path
    is looked for in each of them. Raises ``BadInput``.
    """
    name = _given_name(name)
    path = allowed_path(path_text)
    check_stored(0, "this dataset")
    import_id = secrets.token_hex(8)
    _start(queue, import_id, path, uploaded=False, source=shown_name(path.name), name=name)
    return import_id


def read_again(queue: JobQueue, import_id: str) -> str:
    """Ask how to read the files of a finished import, to read them in another way.

    They are not uploaded again; the dataset that they gave stays. Returns the id of the new import.
    Raises ``BadInput`` where the files are gone or the import is not finished, ``LimitReached``.
    """
    check_stored(0, "this dataset")
    found = find_import(queue, import_id)
    if found.state != "finished":
        raise BadInput(f"The import of {found.source} is {found.state}, not finished.", "import")
    if not found.source_present:
        raise BadInput(source_gone(found.source), "import")
    arguments = arguments_of(queue.job(import_id))
    new_id = secrets.token_hex(8)
    try:
        path = found.path
        if arguments.uploaded:
            path = link_upload(import_id, new_id) / found.path.name
        else:
            allowed_path(str(path))
        _start(
            queue,
            new_id,
            path,
            uploaded=arguments.uploaded,
            source=arguments.source,
            name=arguments.name,
            ask=True,
        )
    except BaseException:
        delete_import_folder(new_id)
        raise
    return new_id


def retry_import(queue: JobQueue, import_id: str, choice: Choice | None = None) -> ImportRecord:
    """Read again what failed or was interrupted, as the user chose.

    ``choice`` None keeps what was chosen before. Raises ``BadInput`` where it still waits or runs,
    is finished, or its files are gone, and ``LimitReached``.
    """
    check_stored(0, "this dataset")
    found = find_import(queue, import_id)
    if not found.can_retry:
        raise BadInput(_why_no_retry(found), "import")
    arguments = arguments_of(queue.job(import_id))
    if not arguments.uploaded:
        allowed_path(str(found.path))  # the allowed folders may have changed
    changes = {} if choice is None else {"choice": choice, "ask": False}
    if not queue.requeue_job(import_id, arguments.model_copy(update=changes).model_dump()):
        raise BadInput(_why_no_retry(find_import(queue, import_id)), "import")
    _ensure_worker(queue, found.source)  # where none can be started, the page tries again
    return find_import(queue, import_id)


def cancel_import(queue: JobQueue, import_id: str) -> ImportRecord:
    """Ask a waiting or running import to stop; others stay as they are."""
    _job(queue, import_id)
    queue.cancel_job(import_id)
    return find_import(queue, import_id)


def forget_import(queue: JobQueue, import_id: str) -> None:
    """Remove the record of an import that is over, and what was uploaded for it.

    The dataset stays. Raises ``BadInput`` while it waits or runs.
    """
    found = find_import(queue, import_id)
    if found.is_active:
        raise BadInput(f"The import of {found.source} is {found.state}; cancel it first.", "import")
    queue.forget_job(import_id)
    delete_import_folder(import_id)


def _given_name(name: str | None) -> str | None:
    return checked_name(name) if name is not None and name.strip() else None


def _start(queue: JobQueue, import_id: str, path: Path, **values: Any) -> None:
    home = current_settings().home
    path = path.relative_to(home) if path.is_relative_to(home) else path
    arguments = ImportArguments(path=str(path), **values)
    queue.add_job(NewJob(import_id, KIND, arguments.model_dump()))
    try:
        _ensure_worker(queue, arguments.source)
    except HeadstartError:
        queue.cancel_job(import_id)
        queue.forget_job(import_id)
        raise


def _ensure_worker(queue: JobQueue, source: str) -> None:
    try:
        ensure_worker(queue)
    except OSError as error:
        raise HeadstartError(
            f"No process could be started to read {source} ({error}). Try again."
        ) from error


def _job(queue: JobQueue, import_id: str) -> JobRecord:
    job = queue.find_job(import_id)
    if job is None or job.kind != KIND:
        known = [entry.id for entry in queue.jobs(KIND)[:NAMES_LISTED]]
        raise UnknownName("import", import_id, known)
    return job


def arguments_of(job: JobRecord) -> ImportArguments:
    return ImportArguments.model_validate(job.arguments)


def _record(job: JobRecord) -> ImportRecord:
    arguments, result = arguments_of(job), job.result or {}
    if arguments.uploaded and job.state == "cancelled":
        delete_upload(job.id)  # nobody will ask for it again
    path = arguments.place(job.id)
    return ImportRecord(
        id=job.id,
        name=arguments.name,
        source=arguments.source,
        path=path,
        choice=arguments.choice,
        question=_question(job.error, result.get("question")),
        dataset_id=result.get("dataset_id"),
        notes=tuple(result.get("notes", ())),
        source_present=path.exists() or (arguments.uploaded and _is_shared(path)),
        **job.status(),
    )


def _is_shared(upload: Path) -> bool:
    """Whether the machine that received an upload has shared it; one list tells of all of them."""
    folder = current_settings().imports_folder
    return upload in listed(folder, f"*/{UPLOAD_FOLDER}/*")


def _question(error: str | None, stored: dict[str, Any] | None) -> Question | None:
    """The question of an import; the first edition kept one table."""
    if stored is None:
        return None
    if "table" in stored:
        columns, rows = stored.get("columns", []), stored.get("rows", [])
        table = TableSample(name=stored["table"], columns=columns, rows=rows)
        return Question(message=error or "", tables=[table])
    return Question.model_validate(stored)


def _why_no_retry(found: ImportRecord) -> str:
    if found.is_active:
        return f"The import of {found.source} is {found.state}; it need not be started again."
    if found.state == "finished":
        return f"The import of {found.source} is finished; its dataset is there."
    return source_gone(found.source)


def source_gone(source: str) -> str:
    return f"What was given as {source} is no longer there; give it again."
