"""The worker: takes jobs from the queue, one of each pool at a time, and looks after their child
processes."""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.devices import device_kind
from core.errors import StoreError, UnknownName
from core.jobs.context import EXIT_AGAIN
from core.jobs.kinds import POOLS, SHORT_OF_MEMORY, Pool, find_kind
from core.jobs.launchers import JobHandle, Launcher
from core.jobs.queue import JobQueue
from core.jobs.records import ACTIVE_STATES, JobRecord
from core.jobs.workers import new_worker_id
from core.settings import POOLS_VARIABLE, current_settings

POLL_SECONDS = 0.2
LOOK_SECONDS = 0.5
CANCEL_GRACE_SECONDS = 2.0
TIDY_SECONDS = 10.0
STORE_RETRY_SECONDS = 2.0
GIVE_UP_SECONDS = 300.0

Report = Callable[[str], None]


def serve(
    queue: JobQueue,
    launcher: Launcher,
    *,
    group_id: str | None = None,
    exit_when_idle: float | None = None,
    report: Report = lambda _line: None,
    worker_id: str | None = None,
    watch: Callable[[], None] = lambda: None,
) -> int:
    """Serve the queue; returns how many jobs this worker took.

    With ``group_id``: its jobs alone, until none of them waits or runs (here or at another
    worker). With ``exit_when_idle``: until there was nothing to do for that many seconds. With
    neither: for ever. ``watch`` is called a few times a second. A queue that cannot be reached for
    a while is reported and tried again. When the worker is ended by a signal or Ctrl-C, its jobs
    are stopped and marked ``interrupted``. Raises ``UnknownName`` for a pool in ``HEADSTART_POOLS``
    that there is not.
    """
    pools = _pools_here()
    # Who does not train has no say in which kind of device an experiment waits for.
    queue.device_kind = device_kind() if "device" in pools else ""
    worker = Worker(queue, launcher, worker_id or new_worker_id(), group_id, pools, report, watch)
    try:
        worker.work(exit_when_idle)
    finally:
        worker.stop_all()
        queue.forget_worker(worker.worker_id)
    return worker.served


def _pools_here() -> dict[Pool, int]:
    """The pools that workers of this machine serve, with how many jobs of each at a time."""
    wanted = current_settings().pools or tuple(POOLS)
    for name in wanted:
        if name not in POOLS:
            raise UnknownName(POOLS_VARIABLE, name, POOLS)
    return {name: most for name, most in POOLS.items() if name in wanted}


@dataclass
class _AtWork:
    """A claimed job and its child process; ``kill_at`` once it was asked to stop."""

    job: JobRecord
    handle: JobHandle
    kill_at: float | None = None


@dataclass
class Worker:
    """One worker process; times are of the monotonic clock."""

    queue: JobQueue
    launcher: Launcher
    worker_id: str
    group_id: str | None
    pools: Mapping[Pool, int]
    report: Report
    watch: Callable[[], None]
    served: int = 0
    _at_work: dict[str, _AtWork] = field(default_factory=dict, init=False)
    _heartbeat_at: float = field(default=float("-inf"), init=False)
    _looked_at: float = field(default=float("-inf"), init=False)

    def work(self, exit_when_idle: float | None) -> None:
        """Work until there is nothing more to do."""
        self.queue.register_worker(self.worker_id, os.getpid(), self.group_id)
        idle_since = time.monotonic()
        while True:
            try:
                self.watch()
                self._keep_leases()
                self._look_after_children()
                if self._take_waiting() or self._at_work:
                    idle_since = time.monotonic()
                elif self._is_done(idle_since, exit_when_idle) and self._leave():
                    return
            except StoreError as error:
                if self._is_abandoned(idle_since, exit_when_idle):
                    raise
                self.report(f"{error} Trying again.")
                time.sleep(STORE_RETRY_SECONDS)
            time.sleep(POLL_SECONDS)

    def stop_all(self) -> None:
        """End the children; their jobs can be started again."""
        for entry in self._at_work.values():
            entry.handle.stop()
            message = find_kind(entry.job.kind).stopped_message()
            self.queue.mark_interrupted(entry.job.id, message, entry.job.attempts)
        self._at_work.clear()
        self.launcher.end_waiting()

    def _take_waiting(self) -> bool:
        """Start the waiting jobs that have room in their pool; False if there was none.

        It looks twice a second, and at once when a job has ended.
        """
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return False
        self._looked_at = time.monotonic()
        for job_id in self.queue.reap_expired():
            self.report(f"{job_id}: its worker was silent")
        # To end a child takes long: a job of ours that waits again by now is not to be taken anew.
        self._keep_leases()
        taken = False
        while (job := self._claim()) is not None:
            taken = True
            self.served += 1
            self.report(f"{job.id}: started")
            self._start(job)
        self.launcher.end_waiting()
        return taken

    def _claim(self) -> JobRecord | None:
        """The next job of a pool in which no process of this worker takes the place.

        A job is over in the queue a moment before its process is.
        """
        at_work = Counter(entry.job.pool for entry in self._at_work.values())
        pools = {name: most for name, most in self.pools.items() if at_work[name] < most}
        return self.queue.claim_next(self.worker_id, self.group_id, pools)

    def _start(self, job: JobRecord) -> None:
        try:
            self.queue.database.keep_reserve()
            self._at_work[job.id] = _AtWork(job, self.launcher.start(job))
        except OSError as error:
            noun = find_kind(job.kind).noun
            message = f"The {noun} could not be started: {error}."
            self.queue.fail(job.id, message, job.attempts)
            self._ended(job)

    def _look_after_children(self) -> None:
        for entry in list(self._at_work.values()):
            status = entry.handle.poll()
            if status is None:
                self._stop_when_asked(entry)
            elif status == EXIT_AGAIN and self._still_ours(entry.job):
                self.report(f"{entry.job.id}: again in a new process")
                self._start(entry.job)
            else:
                self._after_end(entry, status)

    def _stop_when_asked(self, entry: _AtWork) -> None:
        """Give a child that should stop some time to do so, then end it."""
        if entry.kill_at is None:
            if self._cancel_requested(entry.job):
                tidies_up = self._is_finished(entry.job)
                grace = TIDY_SECONDS if tidies_up else CANCEL_GRACE_SECONDS
                entry.kill_at = time.monotonic() + grace
        elif time.monotonic() >= entry.kill_at:
            entry.handle.stop()
            self.queue.mark_cancelled(entry.job.id, entry.job.attempts)
            self._ended(entry.job)

    def _after_end(self, entry: _AtWork, status: int) -> None:
        """Store the end of a job whose child did not do it itself.

        One whose process the system killed is started once more, where its kind can take less.
        """
        job, kind = entry.job, find_kind(entry.job.kind)
        if self._still_ours(job):
            message = kind.death_message(status, entry.handle.last_line())
            if status > 0 and self.queue.database.disk_is_full():
                message = kind.disk_full_message()  # it had no room for its own last words
            if self._cancel_requested(job):
                self.queue.mark_cancelled(job.id, job.attempts)
            elif (
                kind.takes_less
                and -status in SHORT_OF_MEMORY
                and self.queue.note_death(job.id, message, job.attempts)
            ):
                self.report(f"{job.id}: killed; again with less")
                self._start(job)
                return
            else:
                self.queue.fail(job.id, message, job.attempts)
        self._ended(job)

    def _ended(self, job: JobRecord) -> None:
        self._at_work.pop(job.id, None)
        self._looked_at = float("-inf")
        now = self.queue.find_job(job.id)  # a page may have forgotten what is over
        reason = f": {now.error}" if now and now.error else ""
        self.report(f"{job.id}: {now.state if now else 'over'}{reason}")

    def _still_ours(self, job: JobRecord) -> bool:
        now = self.queue.find_job(job.id)
        return now is not None and now.state == "running" and now.attempts == job.attempts

    def _is_finished(self, job: JobRecord) -> bool:
        """Whether its child has stored its result, and only tidies up."""
        now = self.queue.find_job(job.id)
        return now is not None and (now.state, now.attempts) == ("finished", job.attempts)

    def _cancel_requested(self, job: JobRecord) -> bool:
        return self.queue.cancel_requested(job.id, job.attempts)

    def _keep_leases(self) -> None:
        """Renew them four times in their length; end the children of jobs that were taken away.

        A job that is ours without a child was claimed, and the answer of the database got lost.
        """
        if time.monotonic() - self._heartbeat_at < self.queue.lease_seconds / 4:
            return
        ours = self.queue.heartbeat(self.worker_id)
        self._heartbeat_at = time.monotonic()
        if all(worker.id != self.worker_id for worker in self.queue.live_workers()):
            # It was silent for so long that another process forgot it.
            self.queue.register_worker(self.worker_id, os.getpid(), self.group_id)
        for job_id in ours - set(self._at_work):
            job = self.queue.job(job_id)
            self.report(f"{job_id}: started late, the answer of the database was lost")
            self._start(job)
        for job_id in set(self._at_work) - ours:
            entry = self._at_work[job_id]
            if entry.handle.poll() is None and not self._is_finished(entry.job):
                entry.handle.stop()
                self._ended(entry.job)

    def _is_done(self, idle_since: float, exit_when_idle: float | None) -> bool:
        if self.group_id is not None:
            return not self.queue.jobs(states=ACTIVE_STATES, group_id=self.group_id)
        return exit_when_idle is not None and time.monotonic() - idle_since >= exit_when_idle

    def _is_abandoned(self, idle_since: float, exit_when_idle: float | None) -> bool:
        """Whether the home seems to have been removed, so that no job will ever be queued."""
        if exit_when_idle is None or self._at_work:
            return False
        return time.monotonic() - idle_since > max(exit_when_idle, GIVE_UP_SECONDS)

    def _leave(self) -> bool:
        """False where a job came just before leaving."""
        # A job queued from here on gets a new worker; one queued before is found below.
        self.queue.forget_worker(self.worker_id)
        self._looked_at = float("-inf")
        if not self._take_waiting():
            return True
        self.queue.register_worker(self.worker_id, os.getpid(), self.group_id)
        return False
