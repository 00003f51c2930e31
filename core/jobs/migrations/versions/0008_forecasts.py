"""Forecasts of test accuracies, stored before the run that they are about."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accuracy_forecasts",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("dataset_id", sa.String(64), nullable=False),
        sa.Column("forecast", sa.JSON, nullable=False),
    )
