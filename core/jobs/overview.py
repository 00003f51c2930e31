"""The queue as a whole: which workers serve it, what each runs, and how much waits."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from core.jobs.kinds import POOLS, Pool
from core.jobs.queue import JobQueue
from core.jobs.records import ACTIVE_STATES, JobRecord, WorkerRecord, jobs, workers


@dataclass(frozen=True)
class WorkerStatus:
    """A worker, the jobs that it runs, and the seconds since its last beat.

    ``is_silent``: for longer than its lease, so that its jobs count as interrupted.
    """

    worker: WorkerRecord
    at_work: tuple[JobRecord, ...]
    silent_seconds: float
    is_silent: bool


@dataclass(frozen=True)
class PoolStatus:
    """The jobs of one pool, on all machines together."""

    name: Pool
    waiting: int
    running: int


@dataclass(frozen=True)
class QueueOverview:
    """``abandoned`` are jobs that still count as running, whose worker is not there.
    ``lacks_trainer``: jobs wait for a worker that trains, and no page starts one."""

    workers: tuple[WorkerStatus, ...]
    pools: tuple[PoolStatus, ...]
    abandoned: tuple[JobRecord, ...]
    lacks_trainer: bool

    @property
    def waiting(self) -> int:
        return sum(pool.waiting for pool in self.pools)

    @property
    def live_workers(self) -> tuple[WorkerStatus, ...]:
        return tuple(one for one in self.workers if not one.is_silent)


def overview(queue: JobQueue) -> QueueOverview:
    """How the queue stands now; nothing is changed."""
    active = select(jobs.c.pool, jobs.c.state, func.count())
    active = active.where(jobs.c.state.in_(ACTIVE_STATES)).group_by(jobs.c.pool, jobs.c.state)
    with queue.database.reading() as connection:
        now = queue.clock(connection)
        listed = select(workers).order_by(workers.c.host, workers.c.started_at)
        known = [WorkerRecord(**row) for row in connection.execute(listed).mappings()]
        counts = {(pool, state): count for pool, state, count in connection.execute(active)}
        running = select(jobs).where(jobs.c.state == "running").order_by(jobs.c.started_at)
        at_work = [JobRecord.from_row(row) for row in connection.execute(running).mappings()]
    ids = {worker.id for worker in known}
    return QueueOverview(
        tuple(_status(worker, at_work, now, queue.lease_seconds) for worker in known),
        tuple(
            PoolStatus(name, counts.get((name, "queued"), 0), counts.get((name, "running"), 0))
            for name in POOLS
        ),
        tuple(job for job in at_work if job.worker_id not in ids),
        counts.get(("device", "queued"), 0) > 0 and queue.device_wait(None) is not None,
    )


def _status(
    worker: WorkerRecord, at_work: list[JobRecord], now: datetime, lease_seconds: float
) -> WorkerStatus:
    late = (now - datetime.fromisoformat(worker.lease_expires_at)).total_seconds()
    return WorkerStatus(
        worker,
        tuple(job for job in at_work if job.worker_id == worker.id),
        max(0.0, late + lease_seconds),
        late > 0,
    )
