"""What the queue hands out: frozen records of jobs and workers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.jobs.progress import Progress

State = Literal["queued", "running", "finished", "failed", "cancelled", "interrupted"]
STATES: tuple[State, ...] = ("queued", "running", "finished", "failed", "cancelled", "interrupted")
ACTIVE_STATES: tuple[State, ...] = ("queued", "running")
RETRYABLE_STATES: tuple[State, ...] = ("failed", "cancelled", "interrupted")


@dataclass(frozen=True)
class JobRecord:
    """One piece of work outside the web process.

    ``kind`` names its handler in ``core.jobs.kinds`` and ``arguments`` (JSON) is what that is
    called with. Jobs of one ``group_id`` belong together: a worker may serve them alone.
    ``progress_at`` is when it was last heard of; ``error`` is a sentence for people; ``result``
    (JSON) is what the handler returned. ``attempts`` counts its starts. Moments are ISO 8601 in
    UTC.
    """

    id: str
    kind: str
    arguments: dict[str, Any]
    group_id: str | None
    pool: str
    queue_number: int
    state: State
    progress: Progress | None
    progress_at: str | None
    error: str | None
    result: dict[str, Any] | None
    attempts: int
    worker_id: str | None
    host: str | None
    lease_expires_at: str | None
    cancel_requested: bool
    created_at: str
    started_at: str | None
    finished_at: str | None

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES

    @property
    def can_retry(self) -> bool:
        return self.state in RETRYABLE_STATES


@dataclass(frozen=True)
class NewJob:
    """A job on its way into the queue."""

    id: str
    kind: str
    arguments: dict[str, Any]
    group_id: str | None = None


@dataclass(frozen=True)
class WorkerRecord:
    """A process that serves the queue (one group of jobs, or all of it); it is alive while its
    lease lasts."""

    id: str
    host: str
    process_id: int
    group_id: str | None
    started_at: str
    lease_expires_at: str


def job_record(row: Mapping[str, Any]) -> JobRecord:
    """The record of one row of the table ``jobs``."""
    values = {name: row[name] for name in JobRecord.__dataclass_fields__}
    values["progress"] = stored_progress(row["progress"])
    values["cancel_requested"] = bool(row["cancel_requested"])
    return JobRecord(**values)


def stored_progress(document: Mapping[str, Any] | None) -> Progress | None:
    """Progress as the table keeps it; fields of another version are left out."""
    if document is None:
        return None
    known = Progress.__dataclass_fields__
    return Progress(**{name: value for name, value in document.items() if name in known})
