"""Work that machines share: names that running jobs hold, and kinds of devices."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.Column("device_kind", sa.Text, nullable=False, server_default="")
    op.add_column("job_workers", kind)
    op.create_table(
        "job_groups",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("device_kind", sa.Text, nullable=False),
    )
    op.create_table(
        "device_kinds",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("gone_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "job_holds",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("job_id", sa.String(128), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
    )
