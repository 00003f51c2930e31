"""Names that running jobs hold, so that no two do the same work at once.

A hold lasts as long as its job runs under the attempt that took it: where a worker is lost, the end
of the job's lease is the end of its holds, and there is no second clock.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, insert, select

from core.jobs.queue import JobQueue
from core.jobs.records import JobRecord, holds, jobs

_HOLDER_RUNS = (
    select(jobs.c.id)
    .where(
        jobs.c.id == holds.c.job_id, jobs.c.attempts == holds.c.attempt, jobs.c.state == "running"
    )
    .correlate(holds)
    .exists()
)


class Holds:
    """The names that one running job holds; safe for many processes at once."""

    def __init__(self, queue: JobQueue, job: JobRecord) -> None:
        self._queue, self._job = queue, job

    def take(self, choices: Sequence[Collection[str]]) -> int | None:
        """Hold all names of the first choice of which no other job holds one.

        Returns which choice that is, or None. What this job held before under such a name (in a
        process that was killed) is its own.
        """
        with self._queue.database.reading() as connection:
            if self._first_free(connection, choices) is None:
                return None  # whoever waits takes no write lock
        with self._queue.database.writing() as connection:
            place = self._first_free(connection, choices)
            if place is None:
                return None
            names = sorted(set(choices[place]))
            connection.execute(delete(holds).where(holds.c.name.in_(names) | ~_HOLDER_RUNS))
            rows = [
                {"name": name, "job_id": self._job.id, "attempt": self._job.attempts}
                for name in names
            ]
            connection.execute(insert(holds), rows)
            return place

    def give_back(self) -> None:
        """Hold nothing any more."""
        mine = (holds.c.job_id == self._job.id) & (holds.c.attempt == self._job.attempts)
        with self._queue.database.writing() as connection:
            connection.execute(delete(holds).where(mine))

    def _first_free(self, connection: Connection, choices: Sequence[Collection[str]]) -> int | None:
        wanted = {name for names in choices for name in names}
        others = select(holds.c.name).where(
            holds.c.name.in_(wanted), holds.c.job_id != self._job.id, _HOLDER_RUNS
        )
        taken = set(connection.execute(others).scalars())
        free = (place for place, names in enumerate(choices) if taken.isdisjoint(names))
        return next(free, None)
