"""The first schema: experiments, runs, epochs, workers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "experiments",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("dataset_id", sa.String(64), nullable=False),
        sa.Column("dataset_name", sa.Text, nullable=False),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("recorded", sa.Boolean, nullable=False),
        sa.Column("origin", sa.JSON),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(96), primary_key=True),
        sa.Column("experiment_id", sa.String(32), sa.ForeignKey("experiments.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("queue_number", sa.Integer, nullable=False),
        sa.Column("strategy", sa.String(64), nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("progress", sa.JSON),
        sa.Column("progress_at", sa.String(32)),
        sa.Column("error", sa.Text),
        sa.Column("result", sa.JSON),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("worker_id", sa.String(96)),
        sa.Column("lease_expires_at", sa.String(32)),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("started_at", sa.String(32)),
        sa.Column("finished_at", sa.String(32)),
    )
    op.create_table(
        "epochs",
        sa.Column("run_id", sa.String(96), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("record", sa.JSON, nullable=False),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(96), primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("process_id", sa.Integer, nullable=False),
        sa.Column("experiment_id", sa.String(32)),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("lease_expires_at", sa.String(32), nullable=False),
    )
    op.create_index("runs_by_state", "runs", ["state", "queue_number"])
    op.create_index("runs_by_experiment", "runs", ["experiment_id", "position"])
