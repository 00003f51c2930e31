"""Jobs and workers: the tables that keep them, and the frozen records that the queue hands out.

Rooms on the right add their tables to the same ``metadata``: one database holds all. Moments are
ISO 8601 texts in UTC with microseconds, all of one length, so that text order is time order in
every database.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    TypeDecorator,
    cast,
)
from sqlalchemy.engine import Dialect

from core.jobs.progress import Progress

SCHEMA_VERSIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""Every revision of ``migrations/versions``, oldest first; the last is what this code reads."""

State = Literal["queued", "running", "finished", "failed", "cancelled", "interrupted"]
STATES: tuple[State, ...] = ("queued", "running", "finished", "failed", "cancelled", "interrupted")
ACTIVE_STATES: tuple[State, ...] = ("queued", "running")
RETRYABLE_STATES: tuple[State, ...] = ("failed", "cancelled", "interrupted")

metadata = MetaData()


@dataclass(frozen=True)
class Unreadable:
    """Handed out in place of a stored value that is not JSON, so that the other rows are read."""

    reason: str


class StoredJson(TypeDecorator[Any]):
    """JSON whose damaged values come out as ``Unreadable`` and end no query."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        read = super().result_processor(dialect, coltype)

        def process(stored: Any) -> Any:
            try:
                return stored if read is None else read(stored)
            except (ValueError, TypeError, RecursionError) as error:
                return Unreadable(f"not JSON: {error}")

        return process


def with_text(table: Table, name: str) -> list[ColumnElement[Any]]:
    """The columns of ``table``, that of ``name`` as the text of its JSON."""
    return [cast(each, Text).label(name) if each.name == name else each for each in table.c]


def reason_of(error: Exception) -> str:
    """The first thing that is wrong with a stored record, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place}: {first['msg']}" if place else first["msg"]
    return " ".join(str(error).split()) or type(error).__name__


jobs = Table(
    "jobs",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("arguments", StoredJson, nullable=False),
    Column("group_id", String(32)),
    Column("pool", String(16), nullable=False),
    Column("queue_number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("progress", StoredJson(none_as_null=True)),
    Column("progress_at", String(32)),
    Column("error", Text),
    Column("result", StoredJson(none_as_null=True)),
    Column("attempts", Integer, nullable=False),
    Column("worker_id", String(96)),
    Column("host", Text),
    Column("lease_expires_at", String(32)),
    Column("cancel_requested", Boolean, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("started_at", String(32)),
    Column("finished_at", String(32)),
    Column("device", Text, nullable=False, server_default=""),
)

workers = Table(
    "job_workers",
    metadata,
    Column("id", String(96), primary_key=True),
    Column("host", Text, nullable=False),
    Column("process_id", Integer, nullable=False),
    Column("group_id", String(32)),
    Column("started_at", String(32), nullable=False),
    Column("lease_expires_at", String(32), nullable=False),
    Column("device", Text, nullable=False, server_default=""),
    Column("device_kind", Text, nullable=False, server_default=""),
)

# The kind of device that all jobs of a group run on: that of the first of them which started.
groups = Table(
    "job_groups",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("device_kind", Text, nullable=False),
)

# When the last worker of a kind went, where machines share the database.
device_kinds = Table(
    "device_kinds",
    metadata,
    Column("name", Text, primary_key=True),
    Column("gone_at", String(32), nullable=False),
)

# See ``core.jobs.holds``.
holds = Table(
    "job_holds",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("job_id", String(128), nullable=False),
    Column("attempt", Integer, nullable=False),
)

WAITING_AGAIN: dict[str, Any] = {
    "state": "queued",
    "progress": None,
    "progress_at": None,
    "error": None,
    "result": None,
    "worker_id": None,
    "host": None,
    "device": "",
    "lease_expires_at": None,
    "cancel_requested": False,
    "started_at": None,
    "finished_at": None,
}
"""What a job that was over becomes when it is queued again."""

Index("jobs_by_state", jobs.c.state, jobs.c.queue_number)
Index("jobs_by_group", jobs.c.group_id)
Index("jobs_by_kind", jobs.c.kind, jobs.c.created_at)


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """What every job has; the records of runs and imports have the same fields.

    ``progress_at`` is when it last reported; ``error`` is a sentence for people. ``attempts``
    counts its starts. Moments are ISO 8601 in UTC.
    """

    state: State
    progress: Progress | None
    progress_at: str | None
    error: str | None
    attempts: int
    worker_id: str | None
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


@dataclass(frozen=True, kw_only=True)
class JobRecord(JobStatus):
    """One piece of work outside the web process.

    ``kind`` names its handler in ``core.jobs.kinds`` and ``arguments`` (JSON) is what the handler
    is called with. Jobs of one ``group_id`` belong together: a worker may serve them alone.
    ``result`` (JSON) is what the handler returned. ``host`` and ``device`` are those of the worker
    that took it; a job that waits with a ``host`` is for workers of that machine alone.
    """

    id: str
    kind: str
    arguments: dict[str, Any]
    group_id: str | None
    pool: str
    queue_number: int
    result: dict[str, Any] | None
    host: str | None
    device: str

    def status(self) -> dict[str, Any]:
        """The fields of ``JobStatus``, for the record of a run or an import."""
        return {name: getattr(self, name) for name in JobStatus.__dataclass_fields__}

    @classmethod
    def from_row(cls, row: RowMapping) -> "JobRecord":
        """A document that cannot be read counts as empty: its job fails, and no list does."""
        documents = {
            "arguments": row["arguments"] if isinstance(row["arguments"], dict) else {},
            "result": row["result"] if isinstance(row["result"], dict) else None,
            "progress": Progress.from_dict(row["progress"]),
        }
        return cls(**{**row, **documents})


@dataclass(frozen=True)
class NewJob:
    """A job on its way into the queue; with a ``host``, for workers of that machine alone."""

    id: str
    kind: str
    arguments: dict[str, Any]
    group_id: str | None = None
    host: str | None = None


@dataclass(frozen=True)
class WorkerRecord:
    """A process that serves the queue (one group of jobs, or all of it) while its lease lasts.

    ``device`` names one of several devices of its host, or is empty; ``device_kind`` is what its
    times are taken on, empty where nobody has looked yet.
    """

    id: str
    host: str
    process_id: int
    group_id: str | None
    started_at: str
    lease_expires_at: str
    device: str
    device_kind: str = ""
