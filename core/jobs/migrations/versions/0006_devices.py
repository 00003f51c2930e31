"""Devices: which of several of a host a worker serves. A server hands out the queue's numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("jobs", "job_workers"):
        op.add_column(table, sa.Column("device", sa.Text, nullable=False, server_default=""))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE job_numbers")
