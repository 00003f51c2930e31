"""The queue inside the run store: what workers and their child processes tell it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Update, delete, func, insert, select, update

from core.errors import UnknownName
from core.experiments.records import RunRecord, run_record
from core.runs.database import Database
from core.runs.leases import LeaseClock, as_text
from core.runs.tables import epochs, experiments, runs, workers

NAMES_LISTED = 20


@dataclass(frozen=True)
class WorkerRecord:
    """A process that serves the queue (of one experiment, or all of it); it is alive while its
    lease lasts."""

    id: str
    host: str
    process_id: int
    experiment_id: str | None
    started_at: str
    lease_expires_at: str


class WorkQueue(LeaseClock):
    """Claims, leases, progress and ends of runs.

    Verbs of a run in work take the ``attempt`` they belong to (None: any), so that a forgotten
    process cannot write into a later start of the same run. They return False when the run is no
    longer theirs: taken back, cancelled, or over.
    """

    database: Database

    # Workers ----------------------------------------------------------------------------------

    def register_worker(
        self, worker_id: str, host: str, process_id: int, experiment_id: str | None = None
    ) -> None:
        """Say that the worker is there; one that was announced before is taken over."""
        with self.database.writing() as connection:
            connection.execute(delete(workers).where(workers.c.id == worker_id))
            self._insert_worker(connection, worker_id, host, process_id, experiment_id)

    def announce_worker(self, worker_id: str, host: str) -> bool:
        """Reserve the place of a worker that is about to start; False if one serves all already.

        Two processes that both want to start a worker get True once between them.
        """
        alive = select(workers.c.id).where(
            workers.c.lease_expires_at > self.moment(), workers.c.experiment_id.is_(None)
        )
        with self.database.writing() as connection:
            if connection.execute(alive.limit(1)).first() is not None:
                return False
            self._insert_worker(connection, worker_id, host, 0, None)
            return True

    def forget_worker(self, worker_id: str) -> None:
        with self.database.writing() as connection:
            connection.execute(delete(workers).where(workers.c.id == worker_id))

    def live_workers(self) -> list[WorkerRecord]:
        """Those whose lease has not run out."""
        wanted = select(workers).where(workers.c.lease_expires_at > self.moment())
        with self.database.reading() as connection:
            rows = connection.execute(wanted.order_by(workers.c.started_at)).mappings().all()
        return [WorkerRecord(**row) for row in rows]

    def claim_next(self, worker_id: str, experiment_id: str | None = None) -> RunRecord | None:
        """Take the first waiting run (of one experiment), or None if there is none.

        Two workers never get the same run: the row changes from queued to running in one
        statement that only one of them can win.
        """
        first = select(runs.c.id).where(runs.c.state == "queued")
        if experiment_id is not None:
            first = first.where(runs.c.experiment_id == experiment_id)
        first = first.order_by(runs.c.queue_number).limit(1)
        with self.database.writing() as connection:
            while (run_id := connection.execute(first).scalar()) is not None:
                moment = self.moment()
                claimed = connection.execute(
                    update(runs)
                    .where(runs.c.id == run_id, runs.c.state == "queued")
                    .values(
                        state="running",
                        worker_id=worker_id,
                        attempts=runs.c.attempts + 1,
                        lease_expires_at=self.lease_end(),
                        started_at=moment,
                    )
                )
                if claimed.rowcount:
                    connection.execute(delete(epochs).where(epochs.c.run_id == run_id))
                    return self._run(connection, run_id)
        return None

    def heartbeat(self, worker_id: str, run_id: str | None = None) -> bool:
        """Renew the worker's lease and that of its run; False if the run is not its any more."""
        with self.database.writing() as connection:
            lease_end = self.lease_end()
            connection.execute(
                update(workers).where(workers.c.id == worker_id).values(lease_expires_at=lease_end)
            )
            if run_id is None:
                return True
            mine = update(runs).where(
                runs.c.id == run_id, runs.c.state == "running", runs.c.worker_id == worker_id
            )
            return connection.execute(mine.values(lease_expires_at=lease_end)).rowcount > 0

    def reap_expired(self, now: datetime | None = None) -> list[str]:
        """Mark the runs of dead workers ``interrupted`` (``cancelled`` where that was asked).

        Returns the ids of those runs; forgets the dead workers.
        """
        moment = as_text(now) if now is not None else self.moment()
        expired = (runs.c.state == "running") & (runs.c.lease_expires_at <= moment)
        with self.database.reading() as connection:
            if (
                not connection.execute(select(runs.c.id).where(expired).limit(1)).first()
                and not connection.execute(
                    select(workers.c.id).where(workers.c.lease_expires_at <= moment).limit(1)
                ).first()
            ):
                return []  # the usual case takes no write lock
        with self.database.writing() as connection:
            found = connection.execute(select(runs.c.id, runs.c.cancel_requested).where(expired))
            reaped = {row.id: row.cancel_requested for row in found}
            for run_id, cancelled in reaped.items():
                end: dict[str, Any] = (
                    {"state": "cancelled"}
                    if cancelled
                    else {
                        "state": "interrupted",
                        "error": "The worker of this run died. Start the run again.",
                    }
                )
                connection.execute(
                    update(runs)
                    .where(runs.c.id == run_id)
                    .values(**end, finished_at=moment, progress=None, lease_expires_at=None)
                )
            connection.execute(delete(workers).where(workers.c.lease_expires_at <= moment))
        return list(reaped)

    # A run in work ----------------------------------------------------------------------------

    def cancel_requested(self, run_id: str, attempt: int | None = None) -> bool:
        """True when the run should stop: asked to, or no longer in work under this attempt."""
        wanted = select(runs.c.state, runs.c.cancel_requested, runs.c.attempts)
        with self.database.reading() as connection:
            row = connection.execute(wanted.where(runs.c.id == run_id)).first()
        if row is None or row.state != "running":
            return True
        return bool(row.cancel_requested) or (attempt is not None and row.attempts != attempt)

    def set_progress(
        self, run_id: str, progress: dict[str, Any], attempt: int | None = None
    ) -> bool:
        return self._change_running(run_id, attempt, progress=progress, progress_at=self.moment())

    def add_epoch(self, run_id: str, record: dict[str, Any], attempt: int | None = None) -> bool:
        """Append one ``EpochRecord.as_dict()``."""
        with self.database.writing() as connection:
            run = self._run(connection, run_id)
            if run.state != "running" or attempt not in (None, run.attempts):
                return False
            last = select(func.max(epochs.c.number)).where(epochs.c.run_id == run_id)
            number = (connection.execute(last).scalar() or 0) + 1
            connection.execute(insert(epochs).values(run_id=run_id, number=number, record=record))
            connection.execute(_running(run_id, attempt).values(progress_at=self.moment()))
            return True

    def reduce_batch(
        self, run_id: str, batch_size: int, note: str, attempt: int | None = None
    ) -> bool:
        """Give a running run a smaller batch for its next child process, and drop its epochs."""
        with self.database.writing() as connection:
            run = self._run(connection, run_id)
            changed = connection.execute(
                _running(run_id, attempt).values(
                    settings={**run.settings, "batch_size": batch_size},
                    notes=[*run.notes, note],
                    progress=None,
                )
            )
            if changed.rowcount:
                connection.execute(delete(epochs).where(epochs.c.run_id == run_id))
            return changed.rowcount > 0

    def finish(self, run_id: str, result: dict[str, Any], attempt: int | None = None) -> bool:
        """Store ``RunResult.as_dict()``; the run is over and good."""
        return self._end(run_id, attempt, state="finished", result=result)

    def fail(self, run_id: str, message: str, attempt: int | None = None) -> bool:
        """The run is over; ``message`` tells a person why."""
        return self._end(run_id, attempt, state="failed", error=message)

    def mark_cancelled(self, run_id: str, attempt: int | None = None) -> bool:
        return self._end(run_id, attempt, state="cancelled")

    def mark_interrupted(self, run_id: str, message: str, attempt: int | None = None) -> bool:
        """The worker is going away; the run can be started again."""
        return self._end(run_id, attempt, state="interrupted", error=message)

    # Parts ------------------------------------------------------------------------------------

    def _insert_worker(
        self,
        connection: Connection,
        worker_id: str,
        host: str,
        process_id: int,
        experiment_id: str | None,
    ) -> None:
        connection.execute(
            insert(workers).values(
                id=worker_id,
                host=host,
                process_id=process_id,
                experiment_id=experiment_id,
                started_at=self.moment(),
                lease_expires_at=self.lease_end(),
            )
        )

    def _end(self, run_id: str, attempt: int | None, **values: Any) -> bool:
        return self._change_running(
            run_id,
            attempt,
            **values,
            finished_at=self.moment(),
            progress=None,
            lease_expires_at=None,
        )

    def _change_running(self, run_id: str, attempt: int | None, **values: Any) -> bool:
        with self.database.writing() as connection:
            return connection.execute(_running(run_id, attempt).values(**values)).rowcount > 0

    def _run(self, connection: Connection, run_id: str) -> RunRecord:
        row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().first()
        if row is None:
            newest = (
                select(runs.c.id)
                .join(experiments)
                .order_by(experiments.c.created_at.desc(), runs.c.position)
            )
            known = connection.execute(newest.limit(NAMES_LISTED)).scalars().all()
            raise UnknownName("run", run_id, known)
        return run_record(dict(row))


def _running(run_id: str, attempt: int | None) -> Update:
    statement = update(runs).where(runs.c.id == run_id, runs.c.state == "running")
    return statement if attempt is None else statement.where(runs.c.attempts == attempt)
