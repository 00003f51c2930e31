"""What lists show of each experiment, kept in the store: no list reads predictions again.

``core.analysis.listing`` makes a summary; here are the table and the mark that says whether a
summary still tells of the experiment as it is.
"""

from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    String,
    Table,
    delete,
    func,
    insert,
    select,
)

from core.experiments.records import runs
from core.jobs.database import Database
from core.jobs.records import StoredJson, jobs, metadata, with_text

FORM = 1
"""Of the summaries; another number makes all of them anew."""

summaries = Table(
    "experiment_summaries",
    metadata,
    Column("experiment_id", String(32), ForeignKey("experiments.id"), primary_key=True),
    Column("mark", String(64), nullable=False),
    Column("summary", StoredJson, nullable=False),
)


def read_summaries(database: Database) -> tuple[dict[str, str], dict[str, str]]:
    """The summaries that still hold, as JSON, by experiment; and the marks of all experiments."""
    stored = select(*with_text(summaries, "summary"))
    with database.reading() as connection:
        now = _marks(connection)
        rows = connection.execute(stored).all()
    return {owner: text for owner, mark, text in rows if mark == now.get(owner)}, now


def keep_summary(
    database: Database, experiment_id: str, mark: str, summary: dict[str, Any]
) -> None:
    """In place of an older one; ``mark`` is what ``read_summaries`` gave."""
    with database.writing() as connection:
        own = summaries.c.experiment_id == experiment_id
        connection.execute(delete(summaries).where(own))
        row = {"experiment_id": experiment_id, "mark": mark, "summary": summary}
        connection.execute(insert(summaries), row)


def forget_summary(connection: Connection, run_id: str) -> None:
    """Of the experiment of a run whose result is another one now, though it ended when it did."""
    owner = select(runs.c.experiment_id).where(runs.c.id == run_id).scalar_subquery()
    connection.execute(delete(summaries).where(summaries.c.experiment_id == owner))


def _marks(connection: Connection) -> dict[str, str]:
    """Changes when a run of the experiment ends, begins again, or its times are measured again."""
    finished = func.sum((jobs.c.state == "finished").cast(Integer))
    of_runs = (jobs.c.kind == "train") & jobs.c.group_id.is_not(None)
    wanted = (
        select(jobs.c.group_id, func.count(), finished, func.max(jobs.c.finished_at))
        .where(of_runs)
        .group_by(jobs.c.group_id)
    )
    return {
        owner: f"{FORM}.{count}.{done}.{last}"
        for owner, count, done, last in connection.execute(wanted)
    }
