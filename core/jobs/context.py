"""What a handler gets beside its arguments: a place to report, whether to stop, a folder."""

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import Cancelled, HeadstartError, StoreError
from core.jobs.kinds import find_kind
from core.jobs.progress import Progress
from core.jobs.queue import JobQueue
from core.jobs.records import JobRecord
from core.settings import current_settings

CANCEL_POLL_SECONDS = 0.2
PROGRESS_SECONDS = 0.5
RATE_AFTER_SECONDS = 1.0
RATE_OVER_SECONDS = 10.0
ORPHAN_POLL_SECONDS = 0.5
ORPHAN_GRACE_SECONDS = 3.0
EXIT_AGAIN, EXIT_ORPHANED = 75, 76


class StartAgain(Exception):
    """The job continues in a new process: only the end of one frees all memory of a device."""


class JobFailed(HeadstartError):
    """The job failed, and ``result`` (JSON) tells a page more than the message does."""

    def __init__(self, message: str, result: dict[str, Any]) -> None:
        super().__init__(message)
        self.result = result


def job_folder(job: JobRecord) -> Path:
    """Where a job keeps its log, and whatever its handler leaves there."""
    return current_settings().home / find_kind(job.kind).folder / job.id


@contextmanager
def _logged() -> Iterator[None]:
    """Log that the queue cannot be reached; the job continues."""
    try:
        yield
    except StoreError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the process's output is its log


class ParentWatch:
    """Notices in a thread that the worker, ``parent``, died; then ends this process by force if
    its handler does not stop."""

    def __init__(self, parent: int) -> None:
        self.parent_is_gone = False
        self._parent = parent
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while os.getppid() == self._parent:
            time.sleep(ORPHAN_POLL_SECONDS)
        self.parent_is_gone = True
        time.sleep(ORPHAN_GRACE_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)  # interrupts the handler, so that it cleans up
        time.sleep(ORPHAN_GRACE_SECONDS)
        os._exit(EXIT_ORPHANED)


class JobContext:
    """A running job, as its handler sees it.

    It asks the queue whether to stop at most every ``CANCEL_POLL_SECONDS``, and stores progress
    for each new step, else at most twice a second. A queue that cannot be reached for a moment
    does not end hours of work. ``parent`` watches the worker, None for a caller that does the work
    in its own process. ``process_is_used``: this process has done other jobs before.
    """

    def __init__(
        self,
        queue: JobQueue,
        job: JobRecord,
        parent: ParentWatch | None = None,
        process_is_used: bool = False,
    ) -> None:
        self.queue = queue
        self.job = job
        self.folder = job_folder(job)
        self.process_is_used = process_is_used
        self._parent = parent
        self._stop = False
        self._asked_at = float("-inf")
        self._step = ""
        self._reported_at = float("-inf")
        self._seen: deque[tuple[float, int]] = deque()

    @property
    def orphaned(self) -> bool:
        """Whether the worker is gone."""
        return self._parent is not None and self._parent.parent_is_gone

    def should_stop(self) -> bool:
        """Whether a person asked to stop, the job was taken away, or the worker is gone."""
        if not self._stop and time.monotonic() - self._asked_at >= CANCEL_POLL_SECONDS:
            self._asked_at = time.monotonic()
            with _logged():
                self._stop = self.queue.cancel_requested(self.job.id, self.job.attempts)
        return self._stop or self.orphaned

    def check(self) -> None:
        """Raise ``Cancelled`` where the handler should stop."""
        if self.should_stop():
            raise Cancelled(f"The {find_kind(self.job.kind).noun} was stopped.")

    def report(self, step: str, done: int = 0, total: int = 0) -> None:
        """Store how far the job is; the time left in the step follows from its last seconds.

        Raises ``Cancelled`` where the handler should stop.
        """
        self.check()
        seconds_left = self._seconds_left(step, done, total)
        self.report_progress(Progress(step, done, total, seconds_left=seconds_left))

    def report_progress(self, progress: Progress) -> None:
        """As ``report``, for a handler that knows more; never raises ``Cancelled``."""
        now = time.monotonic()
        if progress.step == self._step and now - self._reported_at < PROGRESS_SECONDS:
            return
        self._step, self._reported_at = progress.step, now
        with _logged():
            self.queue.set_progress(self.job.id, progress, self.job.attempts)

    def finish(self, result: dict[str, Any] | None = None) -> bool:
        """End the job with its result; False if it was taken away."""
        return self.queue.finish(self.job.id, result, self.job.attempts)

    def _seconds_left(self, step: str, done: int, total: int) -> float | None:
        """From the rate of the last ten seconds; None in the first second of a step."""
        now = time.monotonic()
        if step != self._step or not self._seen:
            self._seen = deque([(now, done)])
        elif now - self._seen[-1][0] >= PROGRESS_SECONDS:
            self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > RATE_OVER_SECONDS:
            self._seen.popleft()
        since, done_then = self._seen[0]
        if not total or now - since < RATE_AFTER_SECONDS or done <= done_then:
            return None
        return (now - since) / (done - done_then) * (total - done)
