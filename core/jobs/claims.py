"""Which waiting job a worker may take: the place in the pools of its machine, and the kind of its
device.

Times compare only within one kind of device. So the first job of a group that starts on a device
decides for the group: workers of other kinds leave its other jobs alone, until no worker of that
kind has been there for ``KIND_GONE_SECONDS`` (on one machine, with SQLite: as soon as none is).
Then whoever takes the next one decides anew.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from core.jobs.kinds import Pool
from core.jobs.progress import DeviceWait
from core.jobs.records import JobRecord, device_kinds, groups, jobs, workers
from core.jobs.workers import WorkerList

# A machine that starts again, or a worker that its cluster starts again, is back before that.
KIND_GONE_SECONDS = 600.0
SILENT = jobs.c.state.in_(("interrupted", "queued")) & jobs.c.lease_expires_at.is_not(None)
"""Of a worker that was not heard of; it may come back and go on."""


class Claims(WorkerList):
    """How workers take jobs from the queue."""

    def claim_next(
        self, worker_id: str, group_id: str | None = None, pools: Mapping[Pool, int] | None = None
    ) -> JobRecord | None:
        """Take the first waiting job (of one group), or None if there is none.

        With ``pools`` only jobs of these, and of none in which that many are running on this
        machine already (in the pool ``device``: on this device of it). Two workers never get the
        same job: the row is locked, or skipped where another has locked it, and changes from
        queued to running in one statement that only one of them can win.
        """
        if self.database.file is not None:
            with self.database.reading() as connection:
                if connection.execute(self._next(connection, group_id, pools)).first() is None:
                    return None  # the usual case takes no write lock
        with self.database.claiming(self.host) as connection:
            claim = update(jobs).values(
                state="running",
                worker_id=worker_id,
                host=self.host,
                device=self.device,
                attempts=jobs.c.attempts + 1,
                lease_expires_at=self.moment(self.lease_seconds),
                started_at=self.moment(),
            )
            wanted = self._next(connection, group_id, pools).with_for_update(skip_locked=True)
            while (found := connection.execute(wanted).first()) is not None:
                if not self._decides(connection, found):
                    continue
                waiting = claim.where(jobs.c.id == found.id, jobs.c.state == "queued")
                row = connection.execute(waiting.returning(jobs)).mappings().first()
                if row is not None:
                    return JobRecord.from_row(row)
        return None

    def has_waiting(self, pool: Pool, but_kind: str) -> bool:
        """Whether a job of the pool, of another kind than that, waits for a worker like this."""
        with self.database.reading() as connection:
            wanted = self._next(connection, None, None)
            wanted = wanted.where(jobs.c.pool == pool, jobs.c.kind != but_kind)
            return connection.execute(wanted).first() is not None

    def device_wait(self, group_id: str | None) -> DeviceWait | None:
        """Why no worker takes a waiting job of the pool ``device`` and of this group; None where
        one does in its turn.

        Where the database is a file, whoever looks starts a worker.
        """
        at_work = select(jobs.c.worker_id).where(jobs.c.state == "running", jobs.c.pool == "device")
        is_busy = workers.c.id.in_(at_work)
        trains = select(workers.c.device_kind, is_busy).where(
            workers.c.device_kind != "", workers.c.lease_expires_at > self.moment()
        )
        bound = select(groups.c.device_kind).where(groups.c.id == group_id, self._is_there())
        with self.database.reading() as connection:
            kind = connection.execute(bound).scalar() or ""
            found = connection.execute(trains).all()
        if not found:
            return DeviceWait(kind, 0, 0) if self.database.file is None else None
        mine = [busy for each, busy in found if each == kind]
        others = len(found) - len(mine)
        return DeviceWait(kind, len(mine), others) if kind and others and all(mine) else None

    def _next(
        self, connection: Connection, group_id: str | None, pools: Mapping[Pool, int] | None
    ) -> Select[Any]:
        """The waiting job that this worker may take first."""
        of_group = select(groups.c.device_kind).where(groups.c.id == jobs.c.group_id)
        kind = of_group.correlate(jobs).scalar_subquery().label("group_kind")
        wanted = select(jobs.c.id, jobs.c.pool, jobs.c.group_id, kind).where(
            jobs.c.state == "queued", jobs.c.host.is_(None) | (jobs.c.host == self.host) | SILENT
        )
        if group_id is not None:
            wanted = wanted.where(jobs.c.group_id == group_id)
        if pools is not None:
            free = set(pools) - set(self._full(connection, pools))
            wanted = wanted.where(jobs.c.pool.in_(sorted(free)))
        if self.device_kind:
            wanted = wanted.where((jobs.c.pool != "device") | ~self._is_of_another_kind())
        return wanted.order_by(jobs.c.queue_number).limit(1)

    def _full(self, connection: Connection, pools: Mapping[Pool, int]) -> list[str]:
        """The pools that have no room for another job of this worker."""
        here = (jobs.c.state == "running") & (jobs.c.host == self.host)
        if self.device:
            # Without a device, a worker has all of the machine's.
            here &= (jobs.c.pool != "device") | jobs.c.device.in_((self.device, ""))
        counted = select(jobs.c.pool, func.count()).where(here).group_by(jobs.c.pool)
        running: dict[str, int] = dict(iter(connection.execute(counted)))
        return [name for name, most in pools.items() if running.get(name, 0) >= most]

    def _is_of_another_kind(self) -> ColumnElement[bool]:
        """Whether the group of a job has another kind of device, which is there."""
        other = (groups.c.id == jobs.c.group_id) & (groups.c.device_kind != self.device_kind)
        return select(groups.c.id).where(other, self._is_there()).correlate(jobs).exists()

    def _is_there(self) -> ColumnElement[bool]:
        """Whether the kind of a group has a worker, or had one a moment ago."""
        there = workers.c.device_kind == groups.c.device_kind
        late = device_kinds.c.gone_at > self.moment(-KIND_GONE_SECONDS)
        lately = (device_kinds.c.name == groups.c.device_kind) & late
        return (
            select(workers.c.id).where(there).correlate(groups).exists()
            | select(device_kinds.c.name).where(lately).correlate(groups).exists()
        )

    def _decides(self, connection: Connection, job: Row[Any]) -> bool:
        """Note the kind of device of the job's group; False where another worker did it first.

        Two that start a group in the same moment want the same row: the second waits for the first.
        """
        if not self.device_kind or job.pool != "device" or job.group_id is None:
            return True
        of_group, kind = groups.c.id == job.group_id, job.group_kind
        mine = {"device_kind": self.device_kind}
        if kind is None:
            try:
                with connection.begin_nested():
                    connection.execute(insert(groups).values(id=job.group_id, **mine))
                return True
            except IntegrityError:
                known = select(groups.c.device_kind).where(of_group)
                kind = connection.execute(known).scalar_one()
        if kind == self.device_kind:
            return True
        # Another kind: it was gone when the job was found, unless this moment has changed that.
        gone = update(groups).where(of_group, groups.c.device_kind == kind, ~self._is_there())
        return connection.execute(gone.values(mine)).rowcount > 0
