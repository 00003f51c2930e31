"""Runs are jobs: state, lease, progress and attempts move to the job of the same id."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOVED = (
    "queue_number",
    "state",
    "progress",
    "progress_at",
    "error",
    "attempts",
    "worker_id",
    "lease_expires_at",
    "cancel_requested",
    "created_at",
    "started_at",
    "finished_at",
)


def upgrade() -> None:
    as_stored: list[sa.ColumnClause[object]] = [
        sa.column("id"),
        sa.column("experiment_id"),
        *map(sa.column, MOVED),
    ]
    connection = op.get_bind()
    found = connection.execute(sa.select(*as_stored).select_from(sa.table("runs"))).mappings()
    jobs = sa.table(
        "jobs",
        *map(sa.column, ("id", "kind", "group_id", "pool", *MOVED)),
        sa.column("arguments", sa.JSON),
    )
    rows = [
        {name: row[name] for name in ("id", *MOVED)}
        | {
            "kind": "train",
            "arguments": {"run": row["id"]},
            "group_id": row["experiment_id"],
            "pool": "device",
        }
        for row in found
    ]
    if rows:
        connection.execute(sa.insert(jobs), rows)
    op.drop_index("runs_by_state", "runs")
    for name in MOVED:
        op.execute(f"ALTER TABLE runs DROP COLUMN {name}")
