"""The handler of the job ``import``: a dataset is made of an upload, or of a folder."""

import hashlib
import sys
from pathlib import Path
from typing import Any

from core.datasets.dataset import Dataset
from core.datasets.reading.question import ReadingUnclear
from core.datasets.reading_choice import Choice
from core.datasets.storage import open_dataset
from core.errors import BadInput, HeadstartError
from core.experiments.imports import KIND, ImportArguments, arguments_of, source_gone
from core.experiments.limits import check_stored, stored_bytes
from core.jobs.context import JobContext, JobFailed
from core.jobs.queue import JobQueue
from core.settings import current_settings
from core.storage.shared import pull

CHUNK_BYTES = 1024**2


def run(arguments: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Store the dataset; the result has its id, notes about it, and the digest of the upload."""
    try:
        return _read(ImportArguments.model_validate(arguments), context)
    except ReadingUnclear as error:
        question = error.question.model_dump(mode="json")
        raise JobFailed(str(error), {"question": question}) from error


def _read(asked: ImportArguments, context: JobContext) -> dict[str, Any]:
    # Imported here: pages read this room, and it brings in pandas and SciPy.
    from core.datasets.add import add_dataset, list_readings

    path = asked.place(context.job.id)
    if not (pull(path) if asked.uploaded else path.exists()):
        raise BadInput(source_gone(asked.source))
    context.report("Looking at the files")
    if asked.ask:
        raise ReadingUnclear(list_readings(path, should_stop=context.should_stop))
    digest = _file_digest(path, context) if asked.uploaded else None
    known = _read_before(context.queue, asked.choice, digest)
    if known is not None:
        note = _already_there(asked.name, known.name)
        return {"dataset_id": known.id, "notes": [note], "digest": digest}
    if not asked.uploaded:  # an upload was checked when it came
        check_stored(stored_bytes(path), f"the dataset made of {asked.source}")
    stored_before = _stored_folders()
    try:
        dataset = add_dataset(
            path,
            progress=lambda done, total: context.report(
                "Reading images" if done < total else "Looking for duplicates", done, total
            ),
            provenance=f"added from {asked.source}",
            choice=asked.choice,
            should_stop=context.should_stop,
            default_name=asked.name,
        )
    except ReadingUnclear:
        raise
    except BadInput as error:
        if asked.choice == Choice():
            raise
        # A choice that does not fit costs nobody the upload: the question comes again.
        question = list_readings(path, should_stop=context.should_stop)
        question.refusal = str(error)
        raise ReadingUnclear(question) from error
    notes = []
    if dataset.folder.name in stored_before:
        notes = [_already_there(asked.name, dataset.name)]
    elif asked.name not in (None, dataset.name):
        notes = [
            f"Another dataset is called {asked.name!r} already, so this one is called "
            f"{dataset.name!r}. You can rename it."
        ]
    return {"dataset_id": dataset.id, "notes": notes, "digest": digest}


def _file_digest(path: Path, context: JobContext) -> str:
    """SHA-256 of an upload, 64 hex digits. A file on this machine is not known by its own bytes:
    the labels of IDX images lie in another file beside them."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            context.check()
    return digest.hexdigest()


def _read_before(queue: JobQueue, choice: Choice, digest: str | None) -> Dataset | None:
    """The dataset that the same file gave before, if it is still there."""
    for dataset_id in [] if digest is None else datasets_read_from(queue, digest, choice):
        try:
            dataset = open_dataset(dataset_id)
            if dataset.reading is not None:  # else an older edition guessed what is asked today
                return dataset
        except HeadstartError as error:
            # Removed or damaged since: then the file is read like any other.
            print(error, file=sys.stderr)  # noqa: T201 - the process's output is its log
    return None


def datasets_read_from(queue: JobQueue, digest: str, choice: Choice) -> list[str]:
    """Ids of the datasets that finished imports made of a file with that digest, the newest
    first, where the same was chosen."""
    return [
        job.result["dataset_id"]
        for job in queue.jobs(KIND, ["finished"])
        if job.result is not None
        and job.result.get("digest") == digest
        and arguments_of(job).choice == choice
    ]


def _stored_folders() -> set[str]:
    folder = current_settings().datasets_folder
    return {entry.name for entry in folder.iterdir()} if folder.exists() else set()


def _already_there(asked: str | None, name: str) -> str:
    note = f"These are the same images as dataset {name!r}, which was there already."
    return note if asked in (None, name) else f"{note} It keeps its name; you can rename it."
