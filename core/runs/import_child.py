"""The process of one import: reads the images, and tells the store how far it is.

``python -m core.runs.import_child ID``, started by the web server, which it outlives.
"""

import argparse
import errno
import hashlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.errors import BadInput, Cancelled, ColumnsUnclear, HeadstartError, StoreError
from core.runs.import_files import delete_upload
from core.runs.import_progress import LOOKING, WAITING, ImportProgress, step
from core.runs.import_records import ImportRecord
from core.runs.import_watch import POLL_SECONDS, ImportWatch
from core.runs.limits import check_stored, stored_bytes
from core.runs.store import Store, open_store
from core.settings import current_settings

NICENESS = 10
CHUNK_BYTES = 1024**2
STOPPED = "The import was stopped before it ended. Try again."
OUT_OF_MEMORY = (
    "The machine ran out of memory while it read these images. Close other programs, or give fewer"
    " images at a time, and try again."
)


def execute(store: Store, import_id: str, own_process: bool = False) -> int:
    """Do the import and store its end; returns the exit status of the process.

    With ``own_process`` a cancel that is not heard in time interrupts the process.
    """
    record = store.import_record(import_id)
    if record.state != "queued":
        return 0
    with ImportWatch(store, record, own_process) as watch:
        try:
            with _one_at_a_time(store, record, watch):
                return _begin_and_read(store, record, watch)
        except (Cancelled, KeyboardInterrupt) as error:
            return _stopped(store, record, watch, error)
        except MemoryError:
            return _failed(store, record, OUT_OF_MEMORY)
        except ColumnsUnclear as error:
            question = {
                "table": error.table,
                "columns": list(error.columns),
                "rows": [list(row) for row in error.rows],
            }
            return _failed(store, record, str(error), question)
        except HeadstartError as error:
            return _failed(store, record, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the import must get its end
            traceback.print_exc()
            return _failed(store, record, _surprise(error))


def _begin_and_read(store: Store, record: ImportRecord, watch: ImportWatch) -> int:
    if not store.begin_import(record.id, record.attempts, socket.gethostname(), os.getpid()):
        if store.import_should_stop(record.id, record.attempts):
            raise Cancelled("Cancelled before it began; nothing was stored.")
        return 0  # another process has taken it
    dataset_id, notes, digest = _read(store, record, watch)
    if store.finish_import(record.id, record.attempts, dataset_id, notes, digest):
        delete_upload(record.id)  # else another attempt is at work on it, or will be
    return 0


def _read(
    store: Store, record: ImportRecord, watch: ImportWatch
) -> tuple[str, list[str], str | None]:
    """The dataset's id, what to say about it, and the digest of the upload."""
    # Imported here: a process that waits for its turn should be small.
    from core.datasets.add import add_dataset

    if not record.path.exists():
        raise BadInput(f"What was given as {record.source} is no longer there; give it again.")

    def write(progress: dict[str, Any]) -> None:
        try:
            store.set_import_progress(record.id, record.attempts, progress)
        except StoreError as error:
            # A store that is away for a moment must not end the work; told again soon.
            print(error, file=sys.stderr)  # noqa: T201 - the process's output is its log

    write(step(LOOKING))
    digest = _file_digest(record.path, watch) if record.uploaded else None
    known = _read_before(store, record, digest)
    if known is not None:
        return known[0], [_there_already(record, known[1])], digest
    if not record.uploaded:  # an upload was looked at when it came
        check_stored(stored_bytes(record.path), f"the dataset made of {record.source}")
    stored_before = _stored_folders()
    dataset = add_dataset(
        record.path,
        progress=ImportProgress(write),
        provenance=f"added from {record.source}",
        columns=record.columns,
        should_stop=watch.should_stop,
        default_name=record.name,
    )
    if dataset.folder.name in stored_before:
        return dataset.id, [_there_already(record, dataset.name)], digest
    if record.name is not None and dataset.name != record.name:
        return dataset.id, [_numbered(record.name, dataset.name)], digest
    return dataset.id, [], digest


def _file_digest(path: Path, watch: ImportWatch) -> str:
    """SHA-256 of an upload, 64 hex digits. A file on this machine is not known by its own bytes:
    the labels of IDX images lie in another file beside them."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            if watch.should_stop():
                raise Cancelled("Cancelled before the images were read; nothing was stored.")
    return digest.hexdigest()


def _read_before(store: Store, record: ImportRecord, digest: str | None) -> tuple[str, str] | None:
    """Id and name of the dataset that the very same file gave before, if it is still there."""
    from core.datasets.storage import open_dataset

    if digest is None:
        return None
    for dataset_id in store.datasets_read_from(digest, record.columns):
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


def _there_already(record: ImportRecord, name: str) -> str:
    note = f"These are the same images as dataset {name!r}, which was there already."
    if record.name is not None and record.name != name:
        note += " It keeps its name; you can rename it."
    return note


def _numbered(asked: str, name: str) -> str:
    return (
        f"Another dataset is called {asked!r} already, so this one is called {name!r}."
        " You can rename it."
    )


@contextmanager
def _one_at_a_time(store: Store, record: ImportRecord, watch: ImportWatch) -> Iterator[None]:
    """Two imports at once would take each other's processors and memory."""
    folder = current_settings().locks_folder
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "imports.lock")
    waiting = False
    while not lock.is_locked:
        try:
            lock.acquire(timeout=POLL_SECONDS)
        except Timeout:
            if not waiting:
                store.set_import_progress(record.id, record.attempts, step(WAITING))
                waiting = True
            if watch.should_stop():
                raise Cancelled("Cancelled while it waited; nothing was stored.") from None
    try:
        yield
    finally:
        lock.release()


def _stopped(store: Store, record: ImportRecord, watch: ImportWatch, error: BaseException) -> int:
    if isinstance(error, Cancelled) or watch.should_stop():
        if store.mark_import_cancelled(record.id, record.attempts):
            delete_upload(record.id)
    else:
        store.mark_import_interrupted(record.id, record.attempts, STOPPED)
    return 0


def _failed(
    store: Store, record: ImportRecord, message: str, question: dict[str, Any] | None = None
) -> int:
    print(message, file=sys.stderr)  # noqa: T201 - the process's output is the import's log
    store.fail_import(record.id, record.attempts, message, question)
    return 1


def _surprise(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full. Make room and try again; nothing was stored."
    text = str(error).strip().splitlines()
    detail = f": {text[0][:300]}" if text else ""
    return f"The import stopped with an unexpected {type(error).__name__}{detail}. See its log."


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m core.runs.import_child", description=__doc__)
    parser.add_argument("import_id")
    parsed = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    # Timed runs may be at work on the same processors: they go first.
    os.nice(NICENESS)
    return execute(open_store(), parsed.import_id, own_process=True)


def _interrupt(_number: int, _frame: Any) -> None:
    # Once: a second one would disturb the tidying up after the first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
