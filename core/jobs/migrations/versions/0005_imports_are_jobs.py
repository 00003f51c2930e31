"""Imports are jobs: their table goes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

GIVEN = ("path", "uploaded", "source", "name", "columns")
MOVED = (
    "id",
    "state",
    "error",
    "attempts",
    "cancel_requested",
    "lease_expires_at",
    "created_at",
    "started_at",
    "finished_at",
)
AS_JSON = ("columns", "question", "notes")


def upgrade() -> None:
    connection = op.get_bind()
    names = (*GIVEN, *MOVED, "question", "notes", "dataset_id", "digest")
    imports = sa.table(
        "imports",
        *(sa.column(name, sa.JSON) if name in AS_JSON else sa.column(name) for name in names),
    )
    jobs = sa.table(
        "jobs",
        *map(sa.column, ("kind", "pool", "queue_number", *MOVED)),
        sa.column("arguments", sa.JSON),
        sa.column("result", sa.JSON(none_as_null=True)),
    )
    found = connection.execute(sa.select(imports).order_by(imports.c.created_at)).mappings()
    last = connection.execute(sa.select(sa.func.max(jobs.c.queue_number))).scalar() or 0
    rows = [
        {name: row[name] for name in MOVED}
        | {
            "kind": "import",
            "pool": "import",
            "queue_number": last + place,
            "arguments": {name: row[name] for name in GIVEN} | {"uploaded": bool(row["uploaded"])},
            "result": _result(row),
        }
        for place, row in enumerate(found, start=1)
    ]
    if rows:
        connection.execute(sa.insert(jobs), rows)
    op.drop_table("imports")


def _result(row: sa.RowMapping) -> dict[str, object] | None:
    if row["question"] is not None:
        return {"question": row["question"]}
    if row["state"] == "finished":
        return {name: row[name] for name in ("dataset_id", "notes", "digest")}
    return None
