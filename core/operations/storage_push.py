"""A home that was filled before the storage was set: all that machines share is pushed into it.

What is written from then on is pushed by whoever writes it. The published weights are fetched by
each machine, and the database is moved by ``database copy``.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput
from core.files import PART_SUFFIX
from core.settings import STORAGE_VARIABLE, Settings, current_settings
from core.storage.shared import check, push, stored_digests

# Below the cache, what machines give each other; the rest is of one machine.
_CACHES = ("features", "prepared", "side")


@dataclass(frozen=True)
class PushedHome:
    """How many files were pushed and read back, and their bytes; how many were ``there`` already.

    ``different``: paths in the home under which the storage has another content. They were left as
    they are, on both sides.
    """

    pushed: int
    pushed_bytes: int
    there: int
    different: tuple[str, ...]


def push_home(progress: Callable[[int, int], None] = lambda _done, _total: None) -> PushedHome:
    """Push each file of the home that machines share, and read it back; ``progress`` counts files.

    It can be broken off and done again: what is there is left alone. Manifests come last, so that
    nobody sees half of anything. Raises ``BadInput`` without a storage, ``StorageUnavailable``, and
    ``DamagedFile`` where a file comes back as another one.
    """
    settings = current_settings()
    if not settings.storage_url:
        raise BadInput(
            f"There is no shared storage: set {STORAGE_VARIABLE} to a folder, or s3://BUCKET/FOLDER"
            ", as on the other machines.",
            STORAGE_VARIABLE,
        )
    files = sorted(_shared_files(settings), key=lambda path: (path.suffix == ".json", path))
    pushed = pushed_bytes = there = 0
    different: list[str] = []
    for done, path in enumerate(files):
        progress(done, len(files))
        try:
            with open(path, "rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                size_bytes = file.tell()
        except FileNotFoundError:
            continue  # removed since the folder was listed
        stored = stored_digests(path)
        if sha256 in stored:
            there += 1
        elif stored:
            different.append(path.relative_to(settings.home).as_posix())
        else:
            push(path)
            check(path, sha256)
            pushed, pushed_bytes = pushed + 1, pushed_bytes + size_bytes
    progress(len(files), len(files))
    return PushedHome(pushed, pushed_bytes, there, tuple(different))


def _shared_files(settings: Settings) -> Iterator[Path]:
    folders = [
        settings.datasets_folder,
        settings.runs_folder,
        settings.imports_folder,
        settings.backbones_folder,
        *(settings.cache_folder / name for name in _CACHES),
    ]
    for folder in folders:
        # Hidden: datasets on their way and removed ones, files that are being written.
        for path in folder.glob("**/*"):
            inner = path.relative_to(folder).parts
            is_hidden = any(part.startswith(".") for part in inner)
            # What lies beside the folders of the datasets concerns this home alone.
            is_aside = folder == settings.datasets_folder and len(inner) == 1
            if path.is_file() and not (is_hidden or is_aside or PART_SUFFIX in path.suffixes):
                yield path
