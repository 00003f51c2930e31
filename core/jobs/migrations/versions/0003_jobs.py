"""Jobs: one table for all work outside the web process; workers serve groups of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("group_id", sa.String(32)),
        sa.Column("pool", sa.String(16), nullable=False),
        sa.Column("queue_number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("progress", sa.JSON),
        sa.Column("progress_at", sa.String(32)),
        sa.Column("error", sa.Text),
        sa.Column("result", sa.JSON),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("worker_id", sa.String(96)),
        sa.Column("host", sa.Text),
        sa.Column("lease_expires_at", sa.String(32)),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("started_at", sa.String(32)),
        sa.Column("finished_at", sa.String(32)),
    )
    op.create_index("jobs_by_state", "jobs", ["state", "queue_number"])
    op.create_index("jobs_by_group", "jobs", ["group_id"])
    op.create_index("jobs_by_kind", "jobs", ["kind", "created_at"])
    # Not the table of before: a worker of the former version that still runs must not pass for one
    # that serves jobs.
    op.drop_table("workers")
    op.create_table(
        "job_workers",
        sa.Column("id", sa.String(96), primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("process_id", sa.Integer, nullable=False),
        sa.Column("group_id", sa.String(32)),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("lease_expires_at", sa.String(32), nullable=False),
    )
