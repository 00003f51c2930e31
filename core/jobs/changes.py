"""Whether anything was committed to the database: a look that costs far less than reading it."""

import sqlite3
import threading
from collections.abc import Hashable
from pathlib import Path


class ChangeCounter:
    """``now()`` differs from an earlier answer if anything was committed to a SQLite file in
    between, by whichever process, or if the file is another one.

    A connection of its own stays open, because ``PRAGMA data_version`` compares with what the
    same connection saw before. It holds no transaction, so nobody waits for it. Safe for threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._times_opened = 0

    def now(self) -> Hashable | None:
        """None where the file cannot be read; whoever reads it then finds out why."""
        with self._lock:
            try:
                status = self.path.stat()
                file = status.st_dev, status.st_ino
                if self._connection is None or self._file != file:
                    self._close()
                    self._connection = self._open()
                    self._file = file
                (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            except (OSError, sqlite3.Error):
                self._close()
                return None
            # Size and time tell of a file that was written over without SQLite.
            return self._times_opened, version, status.st_size, status.st_mtime_ns

    def _open(self) -> sqlite3.Connection:
        self._times_opened += 1
        return sqlite3.connect(
            f"{self.path.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._file = None
