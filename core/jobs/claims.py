"""Which waiting job a worker may take: the place in the pools of its machine, and the kind of its
device.

Times compare only within one kind of device. So the first job of a group that starts on a device
decides for the group: workers of other kinds leave its other jobs alone, until no worker of that
kind has been there for ``KIND_GONE_SECONDS`` (on one machine, with SQLite: as soon as none is).
Then whoever takes the next one decides anew.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    case,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningUpdate

from core.jobs.kinds import Pool
from core.jobs.progress import DeviceWait
from core.jobs.records import JobRecord, device_kinds, groups, jobs, workers
from core.jobs.workers import WorkerList

# A machine that starts again, or a worker that its cluster starts again, is back before that.
KIND_GONE_SECONDS = 600.0
MOST_STATEMENTS = 64
SILENT = jobs.c.state.in_(("interrupted", "queued")) & jobs.c.lease_expires_at.is_not(None)
"""Of a worker that was not heard of; it may come back and go on."""


class Claims(WorkerList):
    """How workers take jobs from the queue."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._statements: dict[Hashable, tuple[Select[Any], ReturningUpdate[Any]]] = {}

    def claim_next(
        self, worker_id: str, group_id: str | None = None, pools: Mapping[Pool, int] | None = None
    ) -> JobRecord | None:
        """Take the first waiting job (of one group), or None if there is none.

        With ``pools`` only jobs of these, and of none in which that many are running on this
        machine already (in the pool ``device``: on this device of it). Two workers never get the
        same job: the row is locked, or skipped where another has locked it, and changes from
        queued to running in one statement that only one of them can win. Mostly the kind of its
        group is decided, and one question to the server finds and takes it.
        """
        if pools is not None and not pools:
            return None
        wanted, take_first = self._claim_statements(worker_id, group_id, pools)
        if self.database.file is not None:
            with self.database.reading() as connection:
                if connection.execute(wanted).first() is None:
                    return None  # the usual case takes no write lock
        with self.database.claiming(self.host) as connection:
            row = connection.execute(take_first).mappings().first()
            while row is None and (found := connection.execute(wanted).first()) is not None:
                if self._decides(connection, found):
                    row = connection.execute(self._take(worker_id, found.id)).mappings().first()
        return None if row is None else JobRecord.from_row(row)

    def _claim_statements(
        self, worker_id: str, group_id: str | None, pools: Mapping[Pool, int] | None
    ) -> tuple[Select[Any], ReturningUpdate[Any]]:
        """What finds the first job, and what takes it if there is nothing to decide.

        They are kept: to build them costs a worker as much as to ask the server.
        """
        of_pools = None if pools is None else tuple(pools.items())
        key = worker_id, group_id, of_pools, self.device, self.device_kind
        if key not in self._statements:
            wanted = self._next(group_id, pools).with_for_update(skip_locked=True)
            first = wanted.with_only_columns(jobs.c.id).correlate(None).scalar_subquery()
            if len(self._statements) >= MOST_STATEMENTS:
                self._statements.clear()
            self._statements[key] = wanted, self._take(worker_id, first, self._is_decided())
        return self._statements[key]

    def _take(
        self, worker_id: str, job_id: str | ScalarSelect[Any], *more: ColumnElement[bool]
    ) -> ReturningUpdate[Any]:
        """Lets the job run; changes nothing where it does not wait, or not as ``more``."""
        taken = update(jobs).values(
            state="running",
            worker_id=worker_id,
            host=self.host,
            device=self.device,
            attempts=jobs.c.attempts + 1,
            lease_expires_at=self.moment(self.lease_seconds),
            started_at=self.moment(),
        )
        waiting = taken.where(jobs.c.id == job_id, jobs.c.state == "queued", *more)
        return waiting.returning(jobs)

    def has_waiting(self, pool: Pool, but_kind: str) -> bool:
        """Whether a job of the pool, of another kind than that, waits for a worker like this."""
        with self.database.reading() as connection:
            wanted = self._next(None, None)
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

    def _next(self, group_id: str | None, pools: Mapping[Pool, int] | None) -> Select[Any]:
        """The waiting job that this worker may take first."""
        of_group = select(groups.c.device_kind).where(groups.c.id == jobs.c.group_id)
        kind = of_group.correlate(jobs).scalar_subquery().label("group_kind")
        wanted = select(jobs.c.id, jobs.c.pool, jobs.c.group_id, kind).where(
            jobs.c.state == "queued", jobs.c.host.is_(None) | (jobs.c.host == self.host) | SILENT
        )
        if group_id is not None:
            wanted = wanted.where(jobs.c.group_id == group_id)
        if pools is not None:
            wanted = wanted.where(jobs.c.pool.in_(pools), jobs.c.pool.not_in(self._full(pools)))
        if self.device_kind:
            wanted = wanted.where((jobs.c.pool != "device") | ~self._is_of_another_kind())
        return wanted.order_by(jobs.c.queue_number).limit(1)

    def _full(self, pools: Mapping[Pool, int]) -> Select[tuple[str]]:
        """The pools that have no room for another job of this worker."""
        at_work = jobs.alias()
        here = (at_work.c.state == "running") & (at_work.c.host == self.host)
        if self.device:
            # Without a device, a worker has all of the machine's.
            here &= (at_work.c.pool != "device") | at_work.c.device.in_((self.device, ""))
        most = case(dict(pools), value=at_work.c.pool, else_=0)
        full = select(at_work.c.pool).where(here).group_by(at_work.c.pool)
        return full.having(func.count() >= most)

    def _is_decided(self) -> ColumnElement[bool]:
        """Whether this worker has nothing to decide for the group of a job that it may take."""
        if not self.device_kind:
            return true()
        mine = (groups.c.id == jobs.c.group_id) & (groups.c.device_kind == self.device_kind)
        of_mine = select(groups.c.id).where(mine).correlate(jobs).exists()
        return (jobs.c.pool != "device") | jobs.c.group_id.is_(None) | of_mine

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
