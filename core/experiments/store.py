"""The run store: experiments, their runs and epochs, the queue, imports, in domain verbs."""

import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from core.errors import BadInput, UnknownName
from core.experiments.limits import check_waiting
from core.experiments.records import (
    ACTIVE_STATES,
    RETRYABLE_STATES,
    ExperimentRecord,
    RecordedRun,
    RunRecord,
    epoch_rows,
    experiment_record,
    new_run_row,
    queued_rows,
    run_record,
)
from core.experiments.spec import ExperimentSpec
from core.runs.database import BUSY_TIMEOUT_SECONDS, Database
from core.runs.import_queue import ImportQueue
from core.runs.leases import as_text
from core.runs.queue import NAMES_LISTED, WorkQueue
from core.runs.tables import epochs, experiments, runs
from core.settings import current_settings

DEFAULT_LEASE_SECONDS = 15.0


def utc_now() -> datetime:
    return datetime.now(UTC)


class Store(WorkQueue, ImportQueue):
    """Experiments, runs and imports in one database, safe for many processes at once.

    ``now`` is the wall clock (replaced by tests), used for display and leases only. A worker that
    is silent for ``lease_seconds`` counts as dead.
    """

    def __init__(
        self,
        url: str,
        now: Callable[[], datetime] = utc_now,
        lease_seconds: float = DEFAULT_LEASE_SECONDS,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
    ) -> None:
        self.url = url
        self.lease_seconds = lease_seconds
        self.database = Database(url, busy_timeout_seconds)
        self._now = now

    # Experiments ------------------------------------------------------------------------------

    def create_experiment(self, spec: ExperimentSpec) -> str:
        """Store the experiment and queue its runs, cheap strategies first, seed by seed."""
        return self.create_experiments([spec])[0]

    def create_experiments(
        self, specs: Sequence[ExperimentSpec], most_waiting: int | None = None
    ) -> list[str]:
        """Store several in their order, all or none of them; returns their ids.

        Raises ``LimitReached`` where more than ``most_waiting`` runs would wait then.
        """
        with self.database.writing() as connection:
            self._check_waiting(connection, sum(spec.run_count for spec in specs), most_waiting)
            return [self._create(connection, spec) for spec in specs]

    def add_recorded(
        self,
        experiment_id: str,
        spec: ExperimentSpec,
        created_at: str,
        origin: dict[str, Any],
        recorded_runs: Iterable[RecordedRun],
    ) -> bool:
        """Store finished runs made elsewhere; False if the experiment is there already."""
        with self.database.writing() as connection:
            known = select(experiments.c.id).where(experiments.c.id == experiment_id)
            if connection.execute(known).first() is not None:
                return False
            self._insert_experiment(connection, experiment_id, spec, created_at, origin)
            for position, entry in enumerate(recorded_runs):
                row = new_run_row(
                    experiment_id, position, entry.strategy, entry.seed, entry.settings
                )
                row |= {
                    "queue_number": 0,
                    "state": "finished",
                    "result": entry.result,
                    "notes": list(entry.notes),
                    "attempts": 1,
                    "created_at": entry.created_at,
                    "started_at": entry.started_at,
                    "finished_at": entry.finished_at,
                }
                connection.execute(insert(runs), row)
                if entry.epochs:
                    connection.execute(insert(epochs), epoch_rows(row["id"], entry.epochs))
        return True

    def experiments(self) -> list[ExperimentRecord]:
        """All experiments, the newest first."""
        counted = select(runs.c.experiment_id, runs.c.state, func.count()).group_by(
            runs.c.experiment_id, runs.c.state
        )
        newest_first = select(experiments).order_by(experiments.c.created_at.desc())
        with self.database.reading() as connection:
            counts: dict[str, dict[str, int]] = {}
            for experiment_id, state, count in connection.execute(counted):
                counts.setdefault(experiment_id, {})[state] = count
            rows = connection.execute(newest_first).mappings().all()
        return [experiment_record(dict(row), counts.get(row["id"], {})) for row in rows]

    def experiment_ids(self) -> list[str]:
        with self.database.reading() as connection:
            return list(connection.execute(select(experiments.c.id)).scalars())

    def experiment(self, experiment_id: str) -> ExperimentRecord:
        """The experiment of that id, or ``UnknownName`` listing the newest ones."""
        wanted = select(experiments).where(experiments.c.id == experiment_id)
        counted = (
            select(runs.c.state, func.count())
            .where(runs.c.experiment_id == experiment_id)
            .group_by(runs.c.state)
        )
        newest = select(experiments.c.id).order_by(experiments.c.created_at.desc())
        with self.database.reading() as connection:
            row = connection.execute(wanted).mappings().first()
            if row is None:
                known = connection.execute(newest.limit(NAMES_LISTED)).scalars().all()
                raise UnknownName("experiment", experiment_id, known)
            counts = {row[0]: row[1] for row in connection.execute(counted)}
        return experiment_record(dict(row), counts)

    # Runs -------------------------------------------------------------------------------------

    def runs(
        self, experiment_id: str | None = None, states: Collection[str] | None = None
    ) -> list[RunRecord]:
        """The runs of one experiment in their order, or of all, the newest experiment first."""
        wanted = select(runs).join(experiments)
        if experiment_id is not None:
            self.experiment(experiment_id)
            wanted = wanted.where(runs.c.experiment_id == experiment_id)
        if states is not None:
            wanted = wanted.where(runs.c.state.in_(list(states)))
        wanted = wanted.order_by(experiments.c.created_at.desc(), experiments.c.id, runs.c.position)
        with self.database.reading() as connection:
            rows = connection.execute(wanted).mappings().all()
        return [run_record(dict(row)) for row in rows]

    def run(self, run_id: str) -> RunRecord:
        """The run of that id, or ``UnknownName`` listing the newest ones."""
        with self.database.reading() as connection:
            return self._run(connection, run_id)

    def epochs(self, run_id: str) -> list[dict[str, Any]]:
        """The epoch records of the latest attempt, as ``EpochRecord.as_dict()``, in order."""
        wanted = select(epochs.c.record).where(epochs.c.run_id == run_id).order_by(epochs.c.number)
        with self.database.reading() as connection:
            self._run(connection, run_id)
            return list(connection.execute(wanted).scalars())

    def active_runs_of_dataset(self, dataset_id: str) -> list[RunRecord]:
        """The queued and running runs that use a dataset, so that it cannot be removed."""
        wanted = (
            select(runs)
            .join(experiments)
            .where(experiments.c.dataset_id == dataset_id, runs.c.state.in_(ACTIVE_STATES))
            .order_by(runs.c.queue_number)
        )
        with self.database.reading() as connection:
            return [run_record(dict(row)) for row in connection.execute(wanted).mappings()]

    def queue_place(self, run_id: str) -> int | None:
        """1 for the run that starts next; None for a run that does not wait."""
        with self.database.reading() as connection:
            number = connection.execute(
                select(runs.c.queue_number).where(runs.c.id == run_id, runs.c.state == "queued")
            ).scalar()
            if number is None:
                return None
            ahead = select(func.count()).where(
                runs.c.state == "queued", runs.c.queue_number <= number
            )
            return connection.execute(ahead).scalar_one()

    # What a person asks -----------------------------------------------------------------------

    def request_cancel(self, run_id: str) -> RunRecord:
        """Cancel a waiting run at once and ask a running one to stop; others stay as they are."""
        with self.database.writing() as connection:
            waiting = update(runs).where(runs.c.id == run_id, runs.c.state == "queued")
            connection.execute(
                waiting.values(state="cancelled", finished_at=as_text(self._now()), progress=None)
            )
            working = update(runs).where(runs.c.id == run_id, runs.c.state == "running")
            connection.execute(working.values(cancel_requested=True))
            return self._run(connection, run_id)

    def request_cancel_experiment(self, experiment_id: str) -> list[RunRecord]:
        """Cancel all that is not over yet; returns the runs as they stand then."""
        for run in self.runs(experiment_id, ACTIVE_STATES):
            self.request_cancel(run.id)
        return self.runs(experiment_id)

    def retry(self, run_id: str, most_waiting: int | None = None) -> RunRecord:
        """Queue a failed, cancelled or interrupted run again, its former epochs dropped.

        Raises ``BadInput`` for a run in any other state, and ``LimitReached`` as
        ``create_experiments`` does.
        """
        with self.database.writing() as connection:
            run = self._run(connection, run_id)
            if run.state not in RETRYABLE_STATES:
                raise BadInput(
                    f"Run {run_id} is {run.state}; only a run that is "
                    f"{', '.join(RETRYABLE_STATES)} can be started again.",
                    "run",
                )
            self._check_waiting(connection, 1, most_waiting)
            connection.execute(delete(epochs).where(epochs.c.run_id == run_id))
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id)
                .values(
                    state="queued",
                    queue_number=self._last_queue_number(connection) + 1,
                    progress=None,
                    progress_at=None,
                    error=None,
                    result=None,
                    worker_id=None,
                    lease_expires_at=None,
                    cancel_requested=False,
                    started_at=None,
                    finished_at=None,
                )
            )
            return self._run(connection, run_id)

    # Parts ------------------------------------------------------------------------------------

    def _create(self, connection: Connection, spec: ExperimentSpec) -> str:
        moment = as_text(self._now())
        experiment_id = secrets.token_hex(4)
        self._insert_experiment(connection, experiment_id, spec, moment, None)
        first_number = self._last_queue_number(connection) + 1
        connection.execute(insert(runs), queued_rows(experiment_id, spec, first_number, moment))
        return experiment_id

    def _check_waiting(self, connection: Connection, more: int, most: int | None) -> None:
        if most is not None:
            counted = select(func.count()).where(runs.c.state == "queued")
            check_waiting(connection.execute(counted).scalar_one(), more, most)

    def _insert_experiment(
        self,
        connection: Connection,
        experiment_id: str,
        spec: ExperimentSpec,
        created_at: str,
        origin: dict[str, Any] | None,
    ) -> None:
        connection.execute(
            insert(experiments).values(
                id=experiment_id,
                created_at=created_at,
                dataset_id=spec.dataset_id,
                dataset_name=spec.dataset_name,
                spec=spec.model_dump(mode="json"),
                recorded=origin is not None,
                origin=origin,
            )
        )

    def _last_queue_number(self, connection: Connection) -> int:
        return connection.execute(select(func.max(runs.c.queue_number))).scalar() or 0


def open_store(lease_seconds: float = DEFAULT_LEASE_SECONDS) -> Store:
    """The store of this installation, made or upgraded if needed."""
    return Store(current_settings().database_url, lease_seconds=lease_seconds)
