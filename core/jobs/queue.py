"""The queue of jobs: what people ask for, and what workers and their child processes report."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Update, delete, func, insert, select, update

from core.errors import BadInput, StoreError, StoreLost, UnknownName
from core.jobs.claims import SILENT, Claims
from core.jobs.kinds import Pool, find_kind
from core.jobs.progress import Progress, waiting_text
from core.jobs.records import ACTIVE_STATES, WAITING_AGAIN, JobRecord, NewJob, jobs, workers
from core.jobs.workers import DEFAULT_LEASE_SECONDS, moment_text
from core.settings import current_settings

T = TypeVar("T")

NAMES_LISTED = 20
# A job that brings down each worker that takes it must not go round for ever.
MOST_STARTS = 3
# A server that goes away in the midst of a write is waited for, and asked again this often.
MOST_LOST = 3

_RUNNING_AGAIN: dict[str, Any] = {"state": "running", "error": None, "finished_at": None}


class JobQueue(Claims):
    """Jobs and workers in one database, safe for many processes at once.

    ``Claims`` says which job a worker takes, and ``WorkerList`` below it has the clock, the leases
    and the name of this machine. Methods for a running job
    take the ``attempt`` they belong to (None: any), so that a forgotten process cannot write into a
    later start of the same job. They return False when it is no longer theirs: taken back, or over.
    """

    # What a person asks -----------------------------------------------------------------------

    def add_job(self, job: NewJob) -> JobRecord:
        """Queue a job; the handler and the pool are those of its kind."""
        with self.database.writing() as connection:
            self.insert_jobs(connection, [job])
            return self._job(connection, job.id)

    def add_job_once(self, job: NewJob) -> JobRecord:
        """Queue a job unless there is one with its id; a finished one is queued again."""
        with self.database.writing() as connection:
            state = connection.execute(select(jobs.c.state).where(jobs.c.id == job.id)).scalar()
            if state is None:
                self.insert_jobs(connection, [job])
            elif state == "finished":
                self.queue_again(connection, job.id)
            return self._job(connection, job.id)

    def job(self, job_id: str) -> JobRecord:
        """The job of that id, or ``UnknownName`` listing the newest ones."""
        with self.database.reading() as connection:
            return self._job(connection, job_id)

    def find_job(self, job_id: str) -> JobRecord | None:
        with self.database.reading() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().first()
        return None if row is None else JobRecord.from_row(row)

    def jobs(
        self,
        kind: str | None = None,
        states: Collection[str] | None = None,
        group_id: str | None = None,
    ) -> list[JobRecord]:
        """Jobs of one kind, of some states, of one group, or all; the newest first."""
        wanted = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id)
        if kind is not None:
            wanted = wanted.where(jobs.c.kind == kind)
        if states is not None:
            wanted = wanted.where(jobs.c.state.in_(states))
        if group_id is not None:
            wanted = wanted.where(jobs.c.group_id == group_id)
        with self.database.reading() as connection:
            return [JobRecord.from_row(row) for row in connection.execute(wanted).mappings()]

    def queue_place(self, job_id: str) -> int | None:
        """1 for the job of its pool that starts next; None for a job that does not wait."""
        this = jobs.alias()
        ahead = select(func.count()).where(
            this.c.id == job_id,
            this.c.state == "queued",
            jobs.c.state == "queued",
            jobs.c.pool == this.c.pool,
            jobs.c.queue_number <= this.c.queue_number,
        )
        with self.database.reading() as connection:
            return connection.execute(ahead).scalar_one() or None

    def waiting_text(self, job_id: str) -> str:
        """The sentence about a job that waits: its place, and why no worker may take it."""
        job = self.find_job(job_id)
        wait = self.device_wait(job.group_id) if job and job.pool == "device" else None
        return waiting_text(self.queue_place(job_id), wait)

    def is_taken(self, pool: Pool) -> bool:
        """Whether a job of the pool is running on this machine."""
        with self.database.reading() as connection:
            running = select(jobs.c.id).where(
                jobs.c.state == "running", jobs.c.pool == pool, jobs.c.host == self.host
            )
            return connection.execute(running.limit(1)).first() is not None

    def cancel_job(self, job_id: str) -> JobRecord:
        """Cancel a waiting job at once and ask a running one to stop; others stay as they are."""
        with self.database.writing() as connection:
            waiting = update(jobs).where(jobs.c.id == job_id, jobs.c.state == "queued")
            now = self.moment()
            connection.execute(waiting.values(state="cancelled", finished_at=now))
            self.change_running(connection, job_id, None, cancel_requested=True)
            return self._job(connection, job_id)

    def requeue_job(
        self, job_id: str, arguments: dict[str, Any] | None = None, host: str | None = None
    ) -> bool:
        """Queue a job that is over again, with other arguments where given; False for an active
        one. With a ``host`` it is for workers of that machine alone."""
        with self.database.writing() as connection:
            self._job(connection, job_id)
            changes: dict[str, Any] = {} if arguments is None else {"arguments": arguments}
            return self.queue_again(connection, job_id, host=host, **changes)

    def forget_job(self, job_id: str) -> None:
        """Remove the record of a job that is over. Raises ``BadInput`` for an active one."""
        with self.database.writing() as connection:
            found = self._job(connection, job_id)
            if found.is_active:
                noun = find_kind(found.kind).noun
                raise BadInput(f"The {noun} {job_id} is {found.state}; cancel it first.", noun)
            connection.execute(delete(jobs).where(jobs.c.id == job_id))

    # Workers ----------------------------------------------------------------------------------

    def heartbeat(self, worker_id: str) -> frozenset[str]:
        """Renew the leases of the worker and its jobs; returns the ids of the jobs it still has.

        A job that it lost by being silent, and that nobody has taken since, is its own again.
        """
        mine = (jobs.c.state == "running") & (jobs.c.worker_id == worker_id)
        with self.database.writing() as connection:
            lease = {"lease_expires_at": self.moment(self.lease_seconds)}
            connection.execute(update(workers).where(workers.c.id == worker_id).values(lease))
            lost = update(jobs).where(SILENT, jobs.c.worker_id == worker_id)
            connection.execute(lost.values(_RUNNING_AGAIN))
            connection.execute(update(jobs).where(mine).values(lease))
            return frozenset(connection.execute(select(jobs.c.id).where(mine)).scalars())

    def reap_expired(self) -> list[str]:
        """Mark the jobs of silent workers ``interrupted`` (``cancelled`` where that was asked).

        Where machines share the database, another worker starts them again while they have
        attempts left (``MOST_STARTS``). They keep the end of their lease: a worker that was not
        dead but asleep goes on with them, unless another has taken them meanwhile. Returns the ids
        of those jobs; forgets the silent workers.
        """
        with self.database.reading() as connection:
            expired, silent = self._expired()
            either = select(jobs.c.id).where(expired).union_all(select(workers.c.id).where(silent))
            if connection.execute(either.limit(1)).first() is None:
                return []  # the usual case takes no write lock
        with self.database.writing() as connection:
            expired, silent = self._expired()
            found = connection.execute(select(jobs).where(expired)).all()
            for row in found:
                self._end_lost(connection, row)
            self.drop_workers(connection, silent)
        return [row.id for row in found]

    def _end_lost(self, connection: Connection, row: Row[Any]) -> None:
        if row.cancel_requested:
            self.end_job(connection, row.id, None, state="cancelled")
            return
        kind, lease = find_kind(row.kind), {"lease_expires_at": row.lease_expires_at}
        shared, of_host = self.database.file is None, kind.pool == "live"
        if shared and not of_host and row.attempts < MOST_STARTS:
            self.change_running(connection, row.id, None, state="queued", progress=None, **lease)
            return
        silent_for = self.seconds_since(connection, row.lease_expires_at) + self.lease_seconds
        error = kind.silent_worker_message(silent_for, row.attempts if shared else 1)
        self.end_job(connection, row.id, None, state="interrupted", error=error, **lease)

    # A running job ----------------------------------------------------------------------------

    def cancel_requested(self, job_id: str, attempt: int | None = None) -> bool:
        """True when the job should stop: asked to, or no longer running under this attempt.

        One whose worker was silent goes on until somebody takes it.
        """
        wanted = select(jobs.c.cancel_requested, jobs.c.attempts)
        at_work = (jobs.c.state == "running") | SILENT
        with self.database.reading() as connection:
            row = connection.execute(wanted.where(jobs.c.id == job_id, at_work)).first()
        if row is None:
            return True
        return row.cancel_requested or (attempt is not None and row.attempts != attempt)

    def set_progress(self, job_id: str, progress: Progress, attempt: int | None = None) -> bool:
        with self.database.writing() as connection:
            values = {"progress": progress.as_dict(), "progress_at": self.moment()}
            return self.change_running(connection, job_id, attempt, **values)

    def note_death(self, job_id: str, message: str, attempt: int) -> bool:
        """Store why its process ended, once; the job stays running, for another process."""
        first = _running(job_id, attempt).where(jobs.c.error.is_(None)).values(error=message)
        with self.database.writing() as connection:
            return connection.execute(first).rowcount > 0

    def finish(
        self, job_id: str, result: dict[str, Any] | None, attempt: int | None = None
    ) -> bool:
        """The job is over and good."""
        return self._end(job_id, attempt, state="finished", result=result)

    def fail(
        self,
        job_id: str,
        message: str,
        attempt: int | None = None,
        result: dict[str, Any] | None = None,
    ) -> bool:
        """The job is over; ``message`` tells a person why, ``result`` may tell a page more."""
        return self._end(job_id, attempt, state="failed", error=message, result=result)

    def mark_cancelled(self, job_id: str, attempt: int | None = None) -> bool:
        return self._end(job_id, attempt, state="cancelled")

    def mark_interrupted(self, job_id: str, message: str, attempt: int | None = None) -> bool:
        """Its worker or its process is going away; the job can be started again."""
        return self._end(job_id, attempt, state="interrupted", error=message)

    # Inside a transaction of the caller -------------------------------------------------------

    def insert_jobs(self, connection: Connection, new: Sequence[NewJob]) -> None:
        """Queue jobs behind all that wait, in their order."""
        moment = moment_text(self.clock(connection))
        numbers = self.database.next_numbers(connection, len(new))
        rows = [job_row(job, number, moment) for job, number in zip(new, numbers, strict=True)]
        connection.execute(insert(jobs), rows)

    def queue_again(self, connection: Connection, job_id: str, **changes: Any) -> bool:
        """Behind all that wait; False for an active job."""
        over = update(jobs).where(jobs.c.id == job_id, jobs.c.state.not_in(ACTIVE_STATES))
        (number,) = self.database.next_numbers(connection, 1)
        values = WAITING_AGAIN | {"queue_number": number} | changes
        return connection.execute(over.values(**values)).rowcount > 0

    def change_running(
        self, connection: Connection, job_id: str, attempt: int | None, **values: Any
    ) -> bool:
        """Change a job at work; one whose worker was silent runs again, if it is the attempt's."""
        change = _running(job_id, attempt).values(**values)
        changed = connection.execute(change).rowcount > 0
        if changed or attempt is None:
            return changed
        lost = update(jobs).where(jobs.c.id == job_id, jobs.c.attempts == attempt, SILENT)
        lease = {"lease_expires_at": self.moment(self.lease_seconds)}
        if connection.execute(lost.values(_RUNNING_AGAIN | lease)).rowcount == 0:
            return False
        return connection.execute(change).rowcount > 0

    def end_job(
        self, connection: Connection, job_id: str, attempt: int | None, **values: Any
    ) -> bool:
        over = {"error": None, "progress": None, "lease_expires_at": None}
        over |= {"finished_at": self.moment()} | values
        return self.change_running(connection, job_id, attempt, **over)

    # Parts ------------------------------------------------------------------------------------

    def _surely(self, write: Callable[[Connection], T]) -> T:
        """Do a write on which hours of work depend, in spite of a full disk or a lost connection.

        It is done again where nobody knows whether the first time was stored, so the second must
        be able to tell.
        """
        for _ in range(MOST_LOST):
            try:
                with self.database.writing() as connection:
                    return write(connection)
            except StoreLost:
                continue
            except StoreError:
                if not self.database.free_reserve():
                    raise
        with self.database.writing() as connection:
            return write(connection)

    def _end(self, job_id: str, attempt: int | None, **values: Any) -> bool:
        return self._surely(lambda connection: self.end_job(connection, job_id, attempt, **values))

    def _expired(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Which running jobs, and which workers, have a lease that is over."""
        now = self.moment()
        running = (jobs.c.state == "running") & (jobs.c.lease_expires_at <= now)
        return running, workers.c.lease_expires_at <= now

    def _job(self, connection: Connection, job_id: str) -> JobRecord:
        row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().first()
        if row is None:
            newest = select(jobs.c.id).order_by(jobs.c.created_at.desc(), jobs.c.id)
            known = connection.execute(newest.limit(NAMES_LISTED)).scalars()
            raise UnknownName("job", job_id, known)
        return JobRecord.from_row(row)


def job_row(job: NewJob, queue_number: int, created_at: str) -> dict[str, Any]:
    """The row of a job that waits."""
    return {
        **asdict(job),
        "pool": find_kind(job.kind).pool,
        "queue_number": queue_number,
        "state": "queued",
        "attempts": 0,
        "cancel_requested": False,
        "created_at": created_at,
    }


def _running(job_id: str, attempt: int | None) -> Update:
    statement = update(jobs).where(jobs.c.id == job_id, jobs.c.state == "running")
    return statement if attempt is None else statement.where(jobs.c.attempts == attempt)


def open_queue(lease_seconds: float = DEFAULT_LEASE_SECONDS) -> JobQueue:
    """The queue of this installation, its database made or upgraded if needed."""
    settings = current_settings()
    return JobQueue(settings.database_url, lease_seconds=lease_seconds, device=settings.device)
