"""The tables of jobs and workers, as SQLAlchemy Core metadata.

Rooms on the right add their tables to the same ``metadata``: one database holds all. Moments are
ISO 8601 texts in UTC with microseconds, all of one length, so that text order is time order in
every database.
"""

from sqlalchemy import JSON, Boolean, Column, Index, Integer, MetaData, String, Table, Text

SCHEMA_VERSIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every revision of ``migrations/versions``, oldest first; the last is what this code reads."""

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("group_id", String(32)),
    Column("pool", String(16), nullable=False),
    Column("queue_number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("progress", JSON(none_as_null=True)),
    Column("progress_at", String(32)),
    Column("error", Text),
    Column("result", JSON(none_as_null=True)),
    Column("attempts", Integer, nullable=False),
    Column("worker_id", String(96)),
    Column("host", Text),
    Column("lease_expires_at", String(32)),
    Column("cancel_requested", Boolean, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("started_at", String(32)),
    Column("finished_at", String(32)),
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
)

Index("jobs_by_state", jobs.c.state, jobs.c.queue_number)
Index("jobs_by_group", jobs.c.group_id)
Index("jobs_by_kind", jobs.c.kind, jobs.c.created_at)
