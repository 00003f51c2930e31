"""The tables of the run store, as SQLAlchemy Core metadata.

Moments are ISO 8601 texts in UTC with microseconds, all of one length, so that text order is time
order in every database.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

SCHEMA_VERSIONS = ("0001", "0002")
"""Every revision of ``migrations/versions``, oldest first; the last is what this code reads."""

metadata = MetaData()

experiments = Table(
    "experiments",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("dataset_id", String(64), nullable=False),
    Column("dataset_name", Text, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("recorded", Boolean, nullable=False),
    Column("origin", JSON(none_as_null=True)),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(96), primary_key=True),
    Column("experiment_id", String(32), ForeignKey("experiments.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("queue_number", Integer, nullable=False),
    Column("strategy", String(64), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("progress", JSON(none_as_null=True)),
    Column("progress_at", String(32)),
    Column("error", Text),
    Column("result", JSON(none_as_null=True)),
    Column("notes", JSON, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker_id", String(96)),
    Column("lease_expires_at", String(32)),
    Column("cancel_requested", Boolean, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("started_at", String(32)),
    Column("finished_at", String(32)),
)

epochs = Table(
    "epochs",
    metadata,
    Column("run_id", String(96), ForeignKey("runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("record", JSON, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(96), primary_key=True),
    Column("host", Text, nullable=False),
    Column("process_id", Integer, nullable=False),
    Column("experiment_id", String(32)),
    Column("started_at", String(32), nullable=False),
    Column("lease_expires_at", String(32), nullable=False),
)

imports = Table(
    "imports",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("path", Text, nullable=False),
    Column("uploaded", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("name", Text),
    Column("columns", JSON(none_as_null=True)),
    Column("digest", String(64)),
    Column("state", String(16), nullable=False),
    Column("progress", JSON(none_as_null=True)),
    Column("error", Text),
    Column("question", JSON(none_as_null=True)),
    Column("dataset_id", String(64)),
    Column("notes", JSON, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("host", Text),
    Column("process_id", Integer),
    Column("lease_expires_at", String(32)),
    Column("started_at", String(32)),
    Column("finished_at", String(32)),
)

Index("imports_by_age", imports.c.created_at)
Index("runs_by_state", runs.c.state, runs.c.queue_number)
Index("runs_by_experiment", runs.c.experiment_id, runs.c.position)
