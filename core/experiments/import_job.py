"""The job ``import``: reads the images of an upload, or of a folder on this machine."""

import hashlib
import sys
from pathlib import Path
from typing import Any

from core.datasets.reading.columns import Columns
from core.errors import BadInput, ColumnsUnclear, HeadstartError
from core.experiments.imports import datasets_read_from
from core.experiments.limits import check_stored, stored_bytes
from core.experiments.uploads import delete_upload
from core.jobs.context import JobContext, JobFailed
from core.jobs.queue import JobQueue
from core.settings import current_settings

CHUNK_BYTES = 1024**2
LOOKING = "Looking at the files"
READING = "Reading images"
COMPARING = "Looking for duplicates"


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """Store the dataset; the result has its id, notes about it, and the digest of the upload."""
    try:
        dataset_id, notes, digest = _read(arguments, context)
    except ColumnsUnclear as error:
        question = {
            "table": error.table,
            "columns": list(error.columns),
            "rows": [list(row) for row in error.rows],
        }
        raise JobFailed(str(error), {"question": question}) from error
    if context.finish({"dataset_id": dataset_id, "notes": notes, "digest": digest}):
        delete_upload(context.job.id)  # else another attempt is at work on it, or will be


def _read(arguments: dict[str, Any], context: JobContext) -> tuple[str, list[str], str | None]:
    # Imported here: pages read this room, and it brings in pandas and SciPy.
    from core.datasets.add import add_dataset

    path, source, asked = Path(arguments["path"]), arguments["source"], arguments["name"]
    columns = None if arguments["columns"] is None else Columns(**arguments["columns"])
    if not path.exists():
        raise BadInput(f"What was given as {source} is no longer there; give it again.")
    context.report(LOOKING)
    digest = _file_digest(path, context) if arguments["uploaded"] else None
    known = _read_before(context.queue, columns, digest)
    if known is not None:
        return known[0], [_there_already(asked, known[1])], digest
    if not arguments["uploaded"]:  # an upload was looked at when it came
        check_stored(stored_bytes(path), f"the dataset made of {source}")
    stored_before = _stored_folders()
    dataset = add_dataset(
        path,
        progress=lambda done, total: context.report(
            READING if done < total else COMPARING, done, total
        ),
        provenance=f"added from {source}",
        columns=columns,
        should_stop=context.should_stop,
        default_name=asked,
    )
    if dataset.folder.name in stored_before:
        return dataset.id, [_there_already(asked, dataset.name)], digest
    if asked is not None and dataset.name != asked:
        return dataset.id, [_numbered(asked, dataset.name)], digest
    return dataset.id, [], digest


def _file_digest(path: Path, context: JobContext) -> str:
    """SHA-256 of an upload, 64 hex digits. A file on this machine is not known by its own bytes:
    the labels of IDX images lie in another file beside them."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            context.check()
    return digest.hexdigest()


def _read_before(
    queue: JobQueue, columns: Columns | None, digest: str | None
) -> tuple[str, str] | None:
    """Id and name of the dataset that the very same file gave before, if it is still there."""
    from core.datasets.storage import open_dataset

    if digest is None:
        return None
    for dataset_id in datasets_read_from(queue, digest, columns):
        try:
            dataset = open_dataset(dataset_id)
        except HeadstartError as error:
            # Removed or damaged since: then the file is read like any other.
            print(error, file=sys.stderr)  # noqa: T201 - the process's output is its log
        else:
            return dataset.id, dataset.name
    return None


def _stored_folders() -> set[str]:
    folder = current_settings().datasets_folder
    return {entry.name for entry in folder.iterdir()} if folder.exists() else set()


def _there_already(asked: str | None, name: str) -> str:
    note = f"These are the same images as dataset {name!r}, which was there already."
    if asked is not None and asked != name:
        note += " It keeps its name; you can rename it."
    return note


def _numbered(asked: str, name: str) -> str:
    return (
        f"Another dataset is called {asked!r} already, so this one is called {name!r}."
        " You can rename it."
    )
