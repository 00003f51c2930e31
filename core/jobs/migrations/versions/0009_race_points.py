"""Trainings on a part of the training images, scored on validation images, as a race makes them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "race_points",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("dataset_id", sa.String(64), nullable=False),
        sa.Column("point", sa.JSON, nullable=False),
    )
