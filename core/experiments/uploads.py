"""Uploads: written to disk, one file as it is, several files as one zip; and deleted again.

An import keeps ``<home>/imports/<id>/`` with ``log.txt`` and, for a week at most, the upload under
its own file name.
"""

import io
import os
import shutil
import time
import unicodedata
import uuid
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from core.datasets.reading.raw_files import RawFile, shown_name
from core.datasets.reading.sources import MODEL_SUFFIXES
from core.datasets.reading.unread_formats import LOOKED_INTO_BYTES, refuse_unread
from core.datasets.reading.zip_archive import UPLOAD_COMMENT
from core.errors import BadInput, HeadstartError
from core.experiments.limits import check_stored, stored_bytes
from core.files import check_room, sweep_folders, temporary_folder, written_whole
from core.settings import current_settings
from core.storage.shared import forget, push
from core.text import count_text

Upload = tuple[str, BinaryIO]

MOST_UPLOADED_FILES = 5000
CHUNK_BYTES = 1024**2
LONGEST_STEM = 100
LONGEST_STEM_BYTES = 200
LONGEST_SUFFIX = 10
# The reader of the zip refuses and lists longer names.
LONGEST_MEMBER_NAME = 4096
UPLOAD_FOLDER = "upload"
RECEIVING_PREFIX = ".receiving-"
REMOVED_PREFIX = ".removed-"
UNKNOWN_KEPT_SECONDS = 24 * 3600.0
UPLOAD_KEPT_SECONDS = 7 * 24 * 3600.0
KEPT_FINISHED_BYTES = 4 * 1024**3
_KEPT_SIGNS = frozenset(" ._-()+&,'")


@dataclass(frozen=True)
class KeptUpload:
    """Where an upload is, and its name for people."""

    path: Path
    source: str


class Allowance:
    """How many bytes an upload may still have, counted as they are read."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._left = limit_bytes

    def take(self, count: int) -> None:
        """Raises ``BadInput`` above the limit."""
        self._left -= count
        if self._left < 0:
            raise BadInput(
                f"The upload is larger than {self._limit_bytes // 1024**2} MB, which is the limit."
                " Put a larger dataset into a folder on the machine where Headstart runs and add"
                " that folder, or run there: python -m core datasets add PATH",
                "upload",
            )


def keep_upload(
    import_id: str, files: Sequence[Upload], finished_ids: Sequence[str] = ()
) -> KeptUpload:
    """Copy uploaded files into the folder of an import, in pieces; whole or not at all.

    One file whose name has no folder is kept as it is. Several files, or names with folders,
    become one zip. Uploads that became datasets (``finished_ids``, the newest first) make room
    where there is none. Raises ``BadInput`` (no file, too many, too large, a model file),
    ``LimitReached`` and ``HeadstartError`` where the disk has no room.
    """
    settings = current_settings()
    try:
        _check(files)
        return _received(import_id, files, finished_ids)
    except OSError as error:
        raise HeadstartError(
            f"The upload could not be written to {settings.imports_folder}"
            f" ({error.strerror or error}). Nothing of it was stored."
        ) from error


def _received(import_id: str, files: Sequence[Upload], finished_ids: Sequence[str]) -> KeptUpload:
    settings = current_settings()
    allowance = Allowance(settings.upload_limit_bytes)
    total_bytes = sum(_known_size(stream) for _, stream in files)
    allowance.take(total_bytes)
    settings.imports_folder.mkdir(parents=True, exist_ok=True)
    _find_room(2 * total_bytes, finished_ids)  # twice: the dataset takes about as much again
    allowance = Allowance(settings.upload_limit_bytes)
    temporary = settings.imports_folder / f"{RECEIVING_PREFIX}{import_id}"
    name, source = _names(files)
    with temporary_folder(temporary, settings.locks_folder):
        (temporary / UPLOAD_FOLDER).mkdir()
        with written_whole(temporary / UPLOAD_FOLDER / name) as target:
            if _is_single(files):
                _copy(files[0][1], target, allowance)
            else:
                _pack(files, target, allowance)
        temporary.rename(import_folder_path(import_id))
    push(upload_folder(import_id) / name)  # the worker that reads it may be on another machine
    return KeptUpload(upload_folder(import_id) / name, source)


def _find_room(needed_bytes: int, finished_ids: Sequence[str]) -> None:
    """Delete the oldest uploads that became datasets, until there is room; ``HeadstartError``."""
    kept = [import_id for import_id in finished_ids if upload_folder(import_id).exists()]
    while True:
        try:
            check_stored(needed_bytes, "this upload with the dataset made of it")
            folder = current_settings().imports_folder
            check_room(folder, needed_bytes, "this upload and the dataset made of it")
        except HeadstartError:
            if not kept:
                raise
            delete_upload(kept.pop())
        else:
            return


def _check(files: Sequence[Upload]) -> None:
    if not files:
        raise BadInput("No file was given. Choose a zip, a table, or pictures.", "upload")
    if len(files) > MOST_UPLOADED_FILES:
        raise BadInput(
            f"{len(files):,} files at once; the limit is {MOST_UPLOADED_FILES:,}. Make a zip of"
            " them and upload that.",
            "upload",
        )
    if len(files) == 1 and files[0][1].seekable():  # else the reader says it later
        name, stream = files[0]
        start = stream.read(LOOKED_INTO_BYTES)
        stream.seek(0)
        refuse_unread([RawFile(tuple(_parts(name)), len(start), partial(io.BytesIO, start))])
    if all(PurePosixPath(name).suffix.lower() in MODEL_SUFFIXES for name, _ in files):
        raise BadInput(
            f"{shown_name(files[0][0])} is a model file, not pictures. Give a zip with one folder"
            " of pictures for each class. Weights of pre-trained networks go into the folder that"
            " `python -m core weights status` names.",
            "upload",
        )


def _is_single(files: Sequence[Upload]) -> bool:
    return len(files) == 1 and len(_parts(files[0][0])) == 1


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part] or ["file"]


def _names(files: Sequence[Upload]) -> tuple[str, str]:
    """The file name of an upload on disk, and its name for people."""
    if _is_single(files):
        return safe_file_name(files[0][0]), shown_name(files[0][0])
    count = count_text(len(files), "file")
    folders = {parts[0] if len(parts) > 1 else None for parts in (_parts(n) for n, _ in files)}
    (folder,) = folders if len(folders) == 1 else (None,)
    if folder is None:
        return "uploaded files.zip", count
    return safe_file_name(f"{folder}.zip"), f"{shown_name(folder)} ({count})"


def safe_file_name(name: str) -> str:
    """A name that any disk accepts and people still recognise."""
    text = unicodedata.normalize("NFC", _parts(name)[-1])
    text = "".join(sign if sign.isalnum() or sign in _KEPT_SIGNS else "_" for sign in text)
    stem, dot, suffix = text.rpartition(".")
    if not dot:
        stem, suffix = text, ""
    # A dot in front would hide the file.
    stem = stem.strip(" .")[:LONGEST_STEM].encode()[:LONGEST_STEM_BYTES].decode("utf-8", "ignore")
    suffix = "".join(sign for sign in suffix if sign.isascii() and sign.isalnum())
    stem = stem.strip(" .") or "upload"
    return f"{stem}.{suffix[:LONGEST_SUFFIX]}" if suffix else stem


def _known_size(stream: BinaryIO) -> int:
    """The size of a stream in bytes, 0 where it is not known; sets it to its start."""
    if not stream.seekable():
        return 0
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return size


def _pack(files: Sequence[Upload], target: IO[bytes], allowance: Allowance) -> None:
    """One zip, not compressed because images are already; sorted by name, so that the same files
    always give the same bytes."""
    taken: set[str] = set()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = UPLOAD_COMMENT
        for name, stream in sorted(files, key=lambda entry: entry[0]):
            member = zipfile.ZipInfo("member")
            # Set afterwards: the constructor would change names, and the reader of the zip judges
            # them as they came.
            member.filename = _member_name(name, taken)
            with archive.open(member, "w", force_zip64=True) as writer:
                _copy(stream, writer, allowance)


def _member_name(name: str, taken: set[str]) -> str:
    """The name as it came, with a number where it is taken."""
    name = name.encode("utf-8", "replace").decode()[:LONGEST_MEMBER_NAME] or "file"
    stem, dot, suffix = name.rpartition(".")
    if not dot or "/" in suffix:
        stem, dot, suffix = name, "", ""
    numbered, number = name, 1
    while numbered in taken:
        number += 1
        numbered = f"{stem} ({number}){dot}{suffix}"
    taken.add(numbered)
    return numbered


def _copy(source: BinaryIO, target: IO[bytes], allowance: Allowance) -> None:
    while chunk := source.read(CHUNK_BYTES):
        allowance.take(len(chunk))
        target.write(chunk)


def import_folder_path(import_id: str) -> Path:
    return current_settings().imports_folder / import_id


def upload_folder(import_id: str) -> Path:
    return import_folder_path(import_id) / UPLOAD_FOLDER


def delete_upload(import_id: str) -> None:
    """Delete what was uploaded for an import, if it is still there."""
    _delete(upload_folder(import_id))


def delete_import_folder(import_id: str) -> None:
    """Delete the upload and the log of an import."""
    _delete(import_folder_path(import_id))


def sweep_broken_off() -> None:
    """Delete what killed processes left of uploads that they were receiving or deleting."""
    folder, locks = current_settings().imports_folder, current_settings().locks_folder
    sweep_folders(folder, f"{RECEIVING_PREFIX}*", locks)
    sweep_folders(folder, f"{REMOVED_PREFIX}*", locks)


def link_upload(import_id: str, new_id: str) -> Path:
    """Give another import the upload of this one, without a second copy of its bytes."""
    folder = upload_folder(new_id)
    folder.mkdir(parents=True)
    for file in upload_folder(import_id).iterdir():
        try:
            os.link(file, folder / file.name)
        except OSError:  # a disk without hard links
            shutil.copyfile(file, folder / file.name)
        push(folder / file.name)
    return folder


def sweep_uploads(
    active_ids: Collection[str], finished_ids: Sequence[str], known_ids: Collection[str]
) -> None:
    """Delete what nobody will ask for again: uploads that broke off, uploads that nobody read in
    seven days, and, a day old, folders of imports that the store does not know.

    Uploads that became datasets (``finished_ids``, the newest first) are kept to be read in another
    way, the newest ones up to ``KEPT_FINISHED_BYTES``.
    """
    sweep_broken_off()
    kept_bytes = 0
    for import_id in finished_ids:
        kept_bytes += stored_bytes(upload_folder(import_id))
        if kept_bytes > KEPT_FINISHED_BYTES:
            delete_upload(import_id)
    now = time.time()
    for folder in current_settings().imports_folder.glob("*"):
        age = now - _changed_at(folder, now)
        if folder.name.startswith("."):
            continue  # another process is at work on it
        if folder.name not in known_ids:  # of another store, or never queued
            if age > UNKNOWN_KEPT_SECONDS:
                _delete(folder)
        elif folder.name not in active_ids and age > UPLOAD_KEPT_SECONDS:
            _delete(folder / UPLOAD_FOLDER)


def _changed_at(folder: Path, now: float) -> float:
    try:
        # The inner folder is made when the upload comes; the log does not change it.
        inner = folder / UPLOAD_FOLDER
        return (inner if inner.exists() else folder).stat().st_mtime
    except FileNotFoundError:
        return now  # another process deleted it in the meantime


def _delete(folder: Path) -> None:
    # Renamed first: two processes may delete the same folder, and a half deleted one must not be
    # taken for an upload.
    doomed = current_settings().imports_folder / f"{REMOVED_PREFIX}{uuid.uuid4().hex}"
    try:
        folder.rename(doomed)
    except FileNotFoundError:
        return  # it is gone already
    forget(folder)
    shutil.rmtree(doomed, ignore_errors=True)  # what is left is swept later
