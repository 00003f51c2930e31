"""Names, notes and tags of experiments as a history of changes; their summaries for lists."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "experiment_changes",
        sa.Column(
            "experiment_id", sa.String(32), sa.ForeignKey("experiments.id"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("changed_at", sa.String(32), nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("field", sa.String(16), nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
    )
    op.create_table(
        "experiment_summaries",
        sa.Column(
            "experiment_id", sa.String(32), sa.ForeignKey("experiments.id"), primary_key=True
        ),
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("summary", sa.JSON, nullable=False),
    )
