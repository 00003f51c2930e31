"""The worker: takes runs from the queue, one at a time, and looks after their child processes."""

import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from core.errors import StoreError
from core.experiments.records import ACTIVE_STATES, RunRecord
from core.experiments.store import Store
from core.runs.child import EXIT_SMALLER_BATCH
from core.runs.launchers import Launcher, RunHandle
from core.runs.worker_identity import new_worker_id

POLL_SECONDS = 0.2
IDLE_POLL_SECONDS = 0.5
CANCEL_GRACE_SECONDS = 5.0
STORE_RETRY_SECONDS = 2.0

Report = Callable[[str], None]


def serve(
    store: Store,
    launcher: Launcher,
    *,
    experiment_id: str | None = None,
    exit_when_idle: float | None = None,
    report: Report | None = None,
    worker_id: str | None = None,
    watch: Callable[[], None] | None = None,
) -> int:
    """Serve the queue; returns how many runs this worker took.

    With ``experiment_id``: that experiment alone, until none of its runs is waiting or working
    (here or at another worker). With ``exit_when_idle``: until nothing was to do for that many
    seconds. With neither: for ever. ``watch`` is called a few times a second. A store that
    cannot be reached for a while is reported and tried again. When the worker is ended by a signal
    or Ctrl-C, its run is stopped and marked ``interrupted``.
    """
    worker = Worker(
        store, launcher, worker_id or new_worker_id(), experiment_id, report or _ignore, watch
    )
    try:
        while worker.serve_until_idle(exit_when_idle):
            continue
    finally:
        store.forget_worker(worker.worker_id)
    return worker.served


def _ignore(_text: str) -> None:
    """A worker that nobody listens to."""


@dataclass
class Worker:
    """One worker process; times are of the monotonic clock."""

    store: Store
    launcher: Launcher
    worker_id: str
    experiment_id: str | None
    report: Report
    watch: Callable[[], None] | None = None
    served: int = 0
    _heartbeat_at: float = field(default=float("-inf"), init=False)

    def serve_until_idle(self, exit_when_idle: float | None) -> bool:
        """Work until there is nothing more to do; True if work came just before leaving."""
        self._register()
        idle_since = time.monotonic()
        while True:
            try:
                if (run := self._next()) is not None:
                    self._serve(run)
                    idle_since = time.monotonic()
                    continue
                if self._is_done(idle_since, exit_when_idle):
                    # Whoever queues a run sees no worker from here on, or it is found below.
                    self.store.forget_worker(self.worker_id)
                    if (run := self._next()) is None:
                        return False
                    self._register()
                    self._serve(run)
                    return True
            except StoreError as error:
                self.report(f"{error} Trying again.")
                time.sleep(STORE_RETRY_SECONDS)
            time.sleep(IDLE_POLL_SECONDS)

    def _register(self) -> None:
        host, process_id = socket.gethostname(), os.getpid()
        self.store.register_worker(self.worker_id, host, process_id, self.experiment_id)

    def _next(self) -> RunRecord | None:
        self._watch()
        self._heartbeat(None)
        for run_id in self.store.reap_expired():
            self.report(f"{run_id}: its worker died; it can be started again")
        return self.store.claim_next(self.worker_id, self.experiment_id)

    def _serve(self, run: RunRecord) -> None:
        self.served += 1
        self.report(f"{run.id}: started")
        self.look_after(run)
        self.report(f"{run.id}: {self.store.run(run.id).state}")

    def _is_done(self, idle_since: float, exit_when_idle: float | None) -> bool:
        if self.experiment_id is not None:
            return not self.store.runs(self.experiment_id, ACTIVE_STATES)
        return exit_when_idle is not None and time.monotonic() - idle_since >= exit_when_idle

    def look_after(self, run: RunRecord) -> None:
        """See one claimed run through to its end, in as many child processes as it takes."""
        while True:
            try:
                handle = self.launcher.start(run.id)
            except OSError as error:
                self.store.fail(run.id, f"The run could not be started: {error}.", run.attempts)
                return
            try:
                status = self._wait(run, handle)
            except BaseException:
                handle.stop()
                self.store.mark_interrupted(
                    run.id, "The worker was stopped. Start the run again.", run.attempts
                )
                raise
            if status is None:
                return
            if status == EXIT_SMALLER_BATCH and self._still_ours(run):
                self.report(f"{run.id}: out of memory, again with a smaller batch")
                continue
            self._settle(run, handle, status)
            return

    def _wait(self, run: RunRecord, handle: RunHandle) -> int | None:
        """The exit status of the child, or None where the run was taken from this worker."""
        kill_at: float | None = None
        while (status := handle.poll()) is None:
            if not self._heartbeat(run.id):
                handle.stop()
                return None
            try:
                if kill_at is None and self._cancel_requested(run):
                    kill_at = time.monotonic() + CANCEL_GRACE_SECONDS
                self._watch()
            except StoreError as error:
                self.report(str(error))  # the child goes on; asked again in a moment
            if kill_at is not None and time.monotonic() >= kill_at:
                handle.stop()
                self.store.mark_cancelled(run.id, run.attempts)
            time.sleep(POLL_SECONDS)
        return status

    def _settle(self, run: RunRecord, handle: RunHandle, status: int) -> None:
        """Write the end of a run whose child did not do it itself."""
        if not self._still_ours(run):
            return
        if self._cancel_requested(run):
            self.store.mark_cancelled(run.id, run.attempts)
            return
        self.store.fail(run.id, death_message(status, handle.last_words()), run.attempts)

    def _still_ours(self, run: RunRecord) -> bool:
        now = self.store.run(run.id)
        return now.state == "running" and now.attempts == run.attempts

    def _cancel_requested(self, run: RunRecord) -> bool:
        return self.store.cancel_requested(run.id, run.attempts)

    def _heartbeat(self, run_id: str | None) -> bool:
        """Renew the lease four times in its length; False if the run is not ours any more."""
        if time.monotonic() - self._heartbeat_at < self.store.lease_seconds / 4:
            return True
        try:
            alive = self.store.heartbeat(self.worker_id, run_id)
        except StoreError as error:
            # The child goes on; the next beat comes before the lease ends.
            self.report(str(error))
            return True
        self._heartbeat_at = time.monotonic()
        return alive

    def _watch(self) -> None:
        if self.watch is not None:
            self.watch()


def death_message(status: int, last_words: str) -> str:
    """What to tell about a child process that ended without a word to the store."""
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else "unknown"
        message = f"The process of this run was killed by signal {-status} ({name})."
        if -status == getattr(signal, "SIGKILL", 9):
            message += (
                " Most likely the machine ran out of memory: choose a smaller batch_size or "
                "image size, and start the run again."
            )
        return message
    message = f"The process of this run ended early, with exit status {status}."
    return f"{message} Its last words: {last_words}" if last_words else message
