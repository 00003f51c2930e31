"""A thread beside an import: keeps its lease, and hears that it was cancelled."""

import os
import signal
import sys
import threading
import time
from types import TracebackType

from core.errors import StoreError
from core.experiments.store import Store
from core.runs.import_files import delete_upload
from core.runs.import_records import ImportRecord

POLL_SECONDS = 0.2
INSIST_AFTER_SECONDS = 1.0
LEAVE_AFTER_SECONDS = 10.0
EXIT_FORCED = 77


class ImportWatch:
    """Renews the lease four times in its length and asks the store whether to stop.

    The work asks ``should_stop()``. With ``own_process``, work that does not ask in time (a long
    comparison of all pictures) is interrupted with SIGTERM, which raises ``KeyboardInterrupt`` in
    it so that it tidies up; and a process that does not even hear that is left by force.
    """

    def __init__(self, store: Store, record: ImportRecord, own_process: bool) -> None:
        self._store = store
        self._record = record
        self._own_process = own_process
        self._stop = threading.Event()
        self._over = threading.Event()
        self._heard = False
        self._thread = threading.Thread(target=self._watch, name="import-watch", daemon=True)

    def __enter__(self) -> "ImportWatch":
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def should_stop(self) -> bool:
        self._heard = self._stop.is_set()
        return self._heard

    def _watch(self) -> None:
        renewed_at = float("-inf")
        while not self._over.wait(POLL_SECONDS):
            try:
                if time.monotonic() - renewed_at >= self._store.lease_seconds / 4:
                    self._store.renew_import(self._record.id, self._record.attempts)
                    renewed_at = time.monotonic()
                if self._store.import_should_stop(self._record.id, self._record.attempts):
                    self._stop.set()
                    break
            except StoreError as error:
                # The next beat comes before the lease ends.
                print(error, file=sys.stderr)  # noqa: T201 - the process's output is its log
        if self._stop.is_set() and self._own_process:
            self._see_it_stop()

    def _see_it_stop(self) -> None:
        if self._over.wait(INSIST_AFTER_SECONDS):
            return
        if not self._heard:
            os.kill(os.getpid(), signal.SIGTERM)
        # What is being tidied up may be large: it is given time.
        if not self._over.wait(LEAVE_AFTER_SECONDS):
            if self._store.mark_import_cancelled(self._record.id, self._record.attempts):
                delete_upload(self._record.id)
            os._exit(EXIT_FORCED)
