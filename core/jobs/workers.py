"""Who serves the queue: workers, known by the leases that they renew."""

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    bindparam,
    delete,
    insert,
    null,
    select,
    update,
)

from core.jobs.database import BUSY_TIMEOUT_SECONDS, Database
from core.jobs.records import WorkerRecord, device_kinds, workers

DEFAULT_LEASE_SECONDS = 15.0


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_worker_id() -> str:
    """Unlike any other, also when a process id is used again."""
    return f"{socket.gethostname()[:48]}-{os.getpid()}-{secrets.token_hex(4)}"


def moment_text(moment: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds: of one length, so text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class WorkerList:
    """The workers of a database, and the clock of all leases in it.

    ``now`` replaces the clock (in tests): that of this machine with SQLite, whose processes are all
    here, and that of the server with PostgreSQL. It is used for display and leases only. A worker
    that is silent for ``lease_seconds`` counts as dead. ``host`` names this machine: the limits of
    the pools hold for each. ``device`` names one of several devices of it, each with a worker of
    its own; empty where one worker has the machine to itself. ``device_kind`` is what its times
    are taken on (``core.devices``), set by a worker that trains; empty for anybody else.
    """

    device_kind = ""

    def __init__(
        self,
        url: str,
        now: Callable[[], datetime] | None = None,
        lease_seconds: float = DEFAULT_LEASE_SECONDS,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
        host: str | None = None,
        device: str = "",
    ) -> None:
        self.url = url
        self.lease_seconds = lease_seconds
        self.host = host or socket.gethostname()
        self.device = device
        self.database = Database(url, busy_timeout_seconds)
        self._now = now or (utc_now if self.database.file is not None else None)

    def clock(self, connection: Connection) -> datetime:
        """Now, as all who share the database see it."""
        return self.database.clock(connection) if self._now is None else self._now()

    def moment(self, seconds_from_now: float = 0.0) -> ColumnElement[str]:
        """For a statement: a text that is made each time when it is executed."""
        if self._now is None:
            return self.database.moment(seconds_from_now)
        now, span = self._now, timedelta(seconds=seconds_from_now)
        return bindparam(None, callable_=lambda: moment_text(now() + span), type_=String())

    def seconds_since(self, connection: Connection, moment: str) -> float:
        """From a ``moment`` to now."""
        return (self.clock(connection) - datetime.fromisoformat(moment)).total_seconds()

    def register_worker(self, worker_id: str, process_id: int, group_id: str | None = None) -> None:
        """Record that the worker is there; one that was announced before is taken over."""
        with self.database.writing() as connection:
            connection.execute(delete(workers).where(workers.c.id == worker_id))
            self._insert_worker(connection, worker_id, process_id, group_id)

    def announce_worker(self, worker_id: str) -> bool:
        """Reserve the place of a worker that is about to start; False if one of this machine (with
        a ``device``: of this device) serves all already.

        Two processes that both want to start a worker get True once between them.
        """
        with self.database.reading() as connection:
            if self._serves_all(connection):
                return False  # the usual case takes no write lock
        with self.database.writing() as connection:
            if self._serves_all(connection):
                return False
            self._insert_worker(connection, worker_id, 0, None)
            return True

    def forget_worker(self, worker_id: str) -> None:
        with self.database.writing() as connection:
            self.drop_workers(connection, workers.c.id == worker_id)

    def live_workers(self) -> list[WorkerRecord]:
        """Those whose lease has not run out."""
        with self.database.reading() as connection:
            alive = workers.c.lease_expires_at > self.moment()
            wanted = select(workers).where(alive)
            rows = connection.execute(wanted.order_by(workers.c.started_at)).mappings()
            return [WorkerRecord(**row) for row in rows]

    def drop_workers(self, connection: Connection, which: ColumnElement[bool]) -> None:
        """Forget workers. Where machines share the database, it is kept when the last of a kind of
        device was there: it may be back in a moment."""
        if self.database.file is None:
            gone = select(workers.c.device_kind).where(which, workers.c.device_kind != "")
            for kind in connection.execute(gone.distinct()).scalars().all():
                values = {"gone_at": self.moment()}
                noted = update(device_kinds).where(device_kinds.c.name == kind).values(values)
                if connection.execute(noted).rowcount == 0:
                    connection.execute(insert(device_kinds).values(name=kind, **values))
        connection.execute(delete(workers).where(which))

    def _serves_all(self, connection: Connection) -> bool:
        wanted = select(workers.c.id).where(
            workers.c.lease_expires_at > self.moment(),
            workers.c.group_id.is_(null()),
            workers.c.host == self.host,
        )
        if self.device:
            wanted = wanted.where(workers.c.device == self.device)
        return connection.execute(wanted.limit(1)).first() is not None

    def _insert_worker(
        self, connection: Connection, worker_id: str, process_id: int, group_id: str | None
    ) -> None:
        started = self.clock(connection)
        row = WorkerRecord(
            worker_id,
            self.host,
            process_id,
            group_id,
            moment_text(started),
            moment_text(started + timedelta(seconds=self.lease_seconds)),
            self.device,
            self.device_kind,
        )
        connection.execute(insert(workers), asdict(row))
