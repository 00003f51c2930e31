"""The port to what machines share, and its first adapter: a folder, local or on a network disk.

An object is a file under a key, ``a/b/c``, written whole or not at all. Whoever writes a key again
writes the same content: S3 is read in several requests, which could meet two contents.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from core.errors import StorageUnavailable
from core.files import written_whole

COPIED_AT_ONCE_BYTES = 1 << 20


class Entry(NamedTuple):
    """An object; ``changed``: when it was written, seconds since 1970 by the storage's clock."""

    key: str
    size_bytes: int
    changed: float


class Objects(Protocol):
    """Where objects are kept. All methods raise ``StorageUnavailable`` where it does not answer or
    refuses; ``address`` names it for people."""

    address: str

    def entries(self, folder: str) -> list[Entry]:
        """All objects whose keys begin with ``folder/``; none is no error."""

    def put(self, key: str, source: BinaryIO) -> None:
        """Write ``source``, from where it stands to its end."""

    def read(self, key: str) -> AbstractContextManager[BinaryIO]:
        """The content as a stream, whose reads may raise ``OSError``. Raises ``FileNotFoundError``
        for a key that is not there."""

    def remove(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""


def unavailable(address: str, reason: str) -> StorageUnavailable:
    """What people read of a storage that cannot be used."""
    return StorageUnavailable(
        f"The shared storage {address} cannot be used ({' '.join(reason.split()).rstrip('.')})."
        " Nothing is lost: what is on this machine stays. Try again when it answers."
    )


class FolderObjects:
    """Objects as files of a folder. It has to be there: a network disk that is not mounted must
    not be taken for an empty storage."""

    def __init__(self, root: Path) -> None:
        self.address = str(root)
        self._root = root

    def entries(self, folder: str) -> list[Entry]:
        with self._answering():
            return sorted(self._walked(self._root / folder))

    def put(self, key: str, source: BinaryIO) -> None:
        path = self._root / key
        with self._answering():
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(path) as target:
                shutil.copyfileobj(source, target, COPIED_AT_ONCE_BYTES)

    @contextmanager
    def read(self, key: str) -> Iterator[BinaryIO]:
        with self._answering():
            file = open(self._root / key, "rb")  # noqa: SIM115 - closed below
        with file:
            yield file

    def remove(self, key: str) -> None:
        path = self._root / key
        with self._answering():
            path.unlink(missing_ok=True)

    def _walked(self, folder: Path) -> Iterator[Entry]:
        for place, _, names in os.walk(folder):
            for name in names:
                path = Path(place, name)
                if name.startswith("."):
                    continue  # being written at this moment, or left by a killed process
                try:
                    status = path.stat()
                except FileNotFoundError:
                    continue  # removed since the folder was listed
                key = path.relative_to(self._root).as_posix()
                yield Entry(key, status.st_size, status.st_mtime)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            if not self._root.is_dir():
                raise NotADirectoryError(f"{self._root} is not a folder; make it, or mount it")
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise unavailable(self.address, error.strerror or str(error)) from error
