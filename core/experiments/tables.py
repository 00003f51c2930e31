"""The tables of experiments and their runs, beside those of jobs (``core.jobs.tables``).

Moments are ISO 8601 texts in UTC with microseconds, all of one length, so that text order is time
order in every database.
"""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from core.jobs.tables import metadata

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
    Column("strategy", String(64), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("result", JSON(none_as_null=True)),
    Column("notes", JSON, nullable=False),
)
"""What was asked for and what came out; the job of the same id carries the state."""

epochs = Table(
    "epochs",
    metadata,
    Column("run_id", String(96), ForeignKey("runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("record", JSON, nullable=False),
)

Index("runs_by_experiment", runs.c.experiment_id, runs.c.position)
