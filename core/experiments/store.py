"""The run store: experiments, their runs and epochs, on top of the queue of jobs."""

import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from core.errors import BadInput, StoreError, UnknownName
from core.experiments import accuracy_forecasts, race_points  # noqa: F401 - for their tables
from core.experiments.labels import Labels, read_labels, refuse_removed, removed_ids, write_labels
from core.experiments.limits import check_waiting
from core.experiments.one_device import marked
from core.experiments.records import (
    DamagedExperiment,
    ExperimentRecord,
    ExperimentSpec,
    Origin,
    RecordedRun,
    RunRecord,
    damage_sentence,
    epochs,
    experiments,
    job_of,
    new_run_row,
    read_spec,
    runs,
    runs_with_jobs,
)
from core.experiments.summaries import forget_summary
from core.jobs.queue import NAMES_LISTED, JobQueue, job_row
from core.jobs.records import ACTIVE_STATES, RETRYABLE_STATES, STATES, jobs, reason_of, with_text
from core.jobs.workers import DEFAULT_LEASE_SECONDS, moment_text
from core.settings import current_settings
from core.training.events import EpochRecord, RunResult


class Store(JobQueue):
    """Experiments and runs beside the jobs in one database, safe for many processes at once.

    A run and the job that makes it have one id; see ``JobQueue`` for clock, lease and attempts.
    """

    # Experiments ------------------------------------------------------------------------------

    def create_experiment(self, spec: ExperimentSpec) -> str:
        """Store the experiment and queue its runs, cheap strategies first, seed by seed."""
        return self.create_experiments([spec])[0]

    def create_experiments(
        self,
        specs: Sequence[ExperimentSpec],
        most_waiting: int | None = None,
        owner: str = "",
        repeats: str = "",
    ) -> list[str]:
        """Store several in their order, all or none; returns their ids. ``owner``, ``repeats``: see
        ``Labels``. Raises ``LimitReached`` where more than ``most_waiting`` runs would wait then.
        """
        with self.database.writing() as connection:
            self.check_queue(connection, sum(spec.run_count for spec in specs), most_waiting)
            return [self._create(connection, spec, owner, repeats) for spec in specs]

    def add_recorded(
        self,
        experiment_id: str,
        spec: ExperimentSpec,
        created_at: str,
        origin: Origin,
        recorded_runs: Iterable[RecordedRun],
        labels: Mapping[str, Any] | None = None,
    ) -> bool:
        """Store finished runs made elsewhere and their labels; False if it is there already."""
        with self.database.writing() as connection:
            known = select(experiments.c.id).where(experiments.c.id == experiment_id)
            if connection.execute(known).first() is not None:
                return False
            self._insert_experiment(connection, experiment_id, spec, created_at, origin)
            moment = moment_text(self.clock(connection))
            write_labels(connection, experiment_id, moment, "came with it", **(labels or {}))
            for position, entry in enumerate(recorded_runs):
                wanted = (entry.strategy, entry.seed, entry.settings)
                row = new_run_row(experiment_id, position, *wanted)
                row |= {"result": entry.result.as_dict(), "notes": list(entry.notes)}
                connection.execute(insert(runs), row)
                over = {"state": "finished", "attempts": 1}
                over |= {"started_at": entry.started_at, "finished_at": entry.finished_at}
                connection.execute(insert(jobs), job_row(job_of(row), 0, entry.created_at) | over)
                for number, epoch in enumerate(entry.epochs, start=1):
                    self._insert_epoch(connection, row["id"], number, epoch)
        return True

    def experiments(self) -> list[ExperimentRecord]:
        """All experiments that can be read, the newest first."""
        return [each for each in self._every() if isinstance(each, ExperimentRecord)]

    def damaged_experiments(self) -> list[DamagedExperiment]:
        """Those that cannot be read, the newest first."""
        return [each for each in self._every() if isinstance(each, DamagedExperiment)]

    def removed_experiments(self) -> list[ExperimentRecord]:
        """Those that were removed and are not deleted yet, the newest first."""
        return [each for each in self._every(True) if isinstance(each, ExperimentRecord)]

    def experiment_ids(self) -> list[str]:
        """Of all that are stored, those that were removed too."""
        with self.database.reading() as connection:
            return list(connection.execute(select(experiments.c.id)).scalars())

    def experiment(self, experiment_id: str) -> ExperimentRecord:
        """The experiment of that id, or ``UnknownName`` listing the newest ones.

        Raises ``StoreError`` for one that is damaged.
        """
        with self.database.reading() as connection:
            for found in self._experiments(connection, experiment_id):
                if isinstance(found, DamagedExperiment):
                    raise StoreError(found.sentence)
                return found
        known = [each.id for each in self._every()[:NAMES_LISTED]]
        raise UnknownName("experiment", experiment_id, known)

    # Runs -------------------------------------------------------------------------------------

    def runs(
        self, experiment_id: str | None = None, states: Collection[str] | None = None
    ) -> list[RunRecord]:
        """The runs of one experiment in their order, or of all, the newest experiment first.

        A run that cannot be read, or whose result cannot, is there as a failed one that says so.
        """
        wanted = runs_with_jobs().order_by(
            experiments.c.created_at.desc(), experiments.c.id, runs.c.position
        )
        if experiment_id is not None:
            self.experiment(experiment_id)
            wanted = wanted.where(runs.c.experiment_id == experiment_id)
        if states is not None:
            # Among those that finished are some that count as failed: their result is damaged.
            stored = {*states, "finished"} if "failed" in states else states
            wanted = wanted.where(jobs.c.state.in_(stored))
        with self.database.reading() as connection:
            found = marked(self._run_of(row) for row in connection.execute(wanted).mappings())
            removed = removed_ids(connection) if experiment_id is None else ()
        shown = STATES if states is None else states
        return [run for run in found if run.state in shown and run.experiment_id not in removed]

    def run(self, run_id: str) -> RunRecord:
        """The run of that id, or ``UnknownName`` listing the newest ones.

        Raises ``StoreError`` for one that cannot be read.
        """
        with self.database.reading() as connection:
            return self._run(connection, run_id)

    def epochs(self, run_id: str) -> tuple[EpochRecord, ...]:
        """The epoch records of the latest attempt, in order; ``StoreError`` if one is damaged."""
        wanted = select(epochs.c.record).where(epochs.c.run_id == run_id).order_by(epochs.c.number)
        with self.database.reading() as connection:
            self._run(connection, run_id)
            stored = connection.execute(wanted).scalars().all()
        try:
            return tuple(map(EpochRecord.from_dict, stored))
        except ValueError as error:
            self.database.check()
            raise StoreError(
                f"The epochs of run {run_id} are damaged in the store ({reason_of(error)}). Start "
                "the run again to have them."
            ) from error

    def epoch_counts(self, experiment_id: str) -> dict[str, int]:
        """How many epochs are stored of each run of an experiment that has any."""
        counted = (
            select(epochs.c.run_id, func.count())
            .join(runs, runs.c.id == epochs.c.run_id)
            .where(runs.c.experiment_id == experiment_id)
            .group_by(epochs.c.run_id)
        )
        with self.database.reading() as connection:
            return dict(iter(connection.execute(counted)))

    def active_runs_of_dataset(self, dataset_id: str) -> list[RunRecord]:
        """The queued and running runs that use a dataset, so that it cannot be removed."""
        wanted = runs_with_jobs().where(
            experiments.c.dataset_id == dataset_id, jobs.c.state.in_(ACTIVE_STATES)
        )
        with self.database.reading() as connection:
            rows = connection.execute(wanted.order_by(jobs.c.queue_number)).mappings()
            return [self._run_of(row) for row in rows]

    # What a person asks -----------------------------------------------------------------------

    def request_cancel(self, run_id: str) -> RunRecord:
        """Cancel a waiting run at once and ask a running one to stop; others stay as they are."""
        self.run(run_id)
        self.cancel_job(run_id)
        return self.run(run_id)

    def request_cancel_experiment(self, experiment_id: str) -> list[RunRecord]:
        """Cancel all its active runs; returns its runs as they are then."""
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
            refuse_removed(connection, run.experiment_id)
            if run.state not in RETRYABLE_STATES:
                raise BadInput(
                    f"Run {run_id} is {run.state}; only a run that is "
                    f"{', '.join(RETRYABLE_STATES)} can be started again.",
                    "run",
                )
            self.check_queue(connection, 1, most_waiting)
            connection.execute(delete(epochs).where(epochs.c.run_id == run_id))
            connection.execute(update(runs).where(runs.c.id == run_id).values(result=None))
            self.queue_again(connection, run_id)
            return self._run(connection, run_id)

    # A running run ----------------------------------------------------------------------------

    def begin_run(self, run_id: str, attempt: int | None = None) -> bool:
        """Drop the epochs of an attempt whose worker was lost; False if the run was taken away."""
        with self.database.writing() as connection:
            if not self.change_running(connection, run_id, attempt, progress_at=self.moment()):
                return False
            connection.execute(delete(epochs).where(epochs.c.run_id == run_id))
            return True

    def add_epoch(self, run_id: str, record: EpochRecord, attempt: int | None = None) -> bool:
        """Append the record of one epoch; False if the run was taken away."""
        last = select(epochs.c.number, epochs.c.record).where(epochs.c.run_id == run_id)
        last = last.order_by(epochs.c.number.desc()).limit(1)

        def write(connection: Connection) -> bool:
            now = self.moment()
            if not self.change_running(connection, run_id, attempt, progress_at=now):
                return False
            before = connection.execute(last).first()
            # The same record again was stored by the first try, whose answer was lost.
            if before is None or before.record != json.loads(json.dumps(record.as_dict())):
                number = 1 if before is None else before.number + 1
                self._insert_epoch(connection, run_id, number, record)
            return True

        return self._surely(write)

    def restart_run(
        self, run_id: str, note: str, attempt: int | None = None, **settings: Any
    ) -> bool:
        """Drop the epochs of a running run for its next child process, which may get other
        ``settings``; the ``note`` tells why."""
        with self.database.writing() as connection:
            if not self.change_running(connection, run_id, attempt, progress=None, error=None):
                return False
            run = self._run(connection, run_id)
            changed = update(runs).where(runs.c.id == run_id)
            now = {"settings": {**run.settings, **settings}, "notes": [*run.notes, note]}
            connection.execute(changed.values(**now))
            connection.execute(delete(epochs).where(epochs.c.run_id == run_id))
            return True

    def finish_run(self, run_id: str, result: RunResult, attempt: int | None = None) -> bool:
        """Store the result and end its job; False if the run was taken away."""
        done = update(runs).where(runs.c.id == run_id).values(result=result.as_dict())

        def write(connection: Connection) -> bool:
            ended = self.end_job(connection, run_id, attempt, state="finished")
            return ended and connection.execute(done).rowcount > 0

        return self._surely(write)

    def replace_result(self, run_id: str, result: RunResult) -> bool:
        """Store times that were measured again; False for a run that is not finished any more."""
        with self.database.writing() as connection:
            if self._run(connection, run_id).state != "finished":
                return False
            again = update(runs).where(runs.c.id == run_id).values(result=result.as_dict())
            connection.execute(again)
            forget_summary(connection, run_id)
            return True

    # Parts ------------------------------------------------------------------------------------

    def _every(self, removed: bool = False) -> list[ExperimentRecord | DamagedExperiment]:
        with self.database.reading() as connection:
            return self._experiments(connection, removed=removed)

    def _experiments(
        self, connection: Connection, experiment_id: str | None = None, removed: bool = False
    ) -> list[ExperimentRecord | DamagedExperiment]:
        """One experiment, or all, the newest first, with the states of their runs counted; or
        those that were ``removed`` and are not deleted yet."""
        labels = read_labels(connection, experiment_id)
        gone = [owner for owner, written in labels.items() if written.removed]
        if removed and not gone:
            return []
        # A spec is read from its text, by pydantic alone.
        wanted = select(*with_text(experiments, "spec")).order_by(experiments.c.created_at.desc())
        states = (jobs.c.group_id, jobs.c.state)
        counted = select(*states, func.count()).where(jobs.c.kind == "train").group_by(*states)
        if removed or experiment_id is not None:
            ids = gone if removed else [experiment_id]
            wanted = wanted.where(experiments.c.id.in_(ids))
            counted = counted.where(jobs.c.group_id.in_(ids))
        counts: dict[str, dict[str, int]] = {}
        for group_id, state, count in connection.execute(counted):
            counts.setdefault(group_id, {})[state] = count
        return [
            self._experiment_of(row, counts.get(row["id"], {}), labels.get(row["id"], Labels()))
            for row in connection.execute(wanted).mappings()
            if removed == labels.get(row["id"], Labels()).removed
        ]

    def _experiment_of(
        self, row: RowMapping, counts: dict[str, int], labels: Labels
    ) -> ExperimentRecord | DamagedExperiment:
        try:
            return ExperimentRecord.from_row(row, self._spec_of(row["spec"]), counts, labels)
        except ValueError as error:
            self.database.check()  # where it is the file that is damaged, nothing can be trusted
            return DamagedExperiment(str(row["id"]), reason_of(error))

    def _spec_of(self, text: str) -> ExperimentSpec:
        return read_spec(text)

    def _run_of(self, row: RowMapping) -> RunRecord:
        try:
            return RunRecord.from_row(row)
        except ValueError as error:
            self.database.check()
            return RunRecord.damaged(row, reason_of(error))

    def _create(
        self, connection: Connection, spec: ExperimentSpec, owner: str, repeats: str
    ) -> str:
        experiment_id, moment = secrets.token_hex(4), moment_text(self.clock(connection))
        self._insert_experiment(connection, experiment_id, spec, moment, None)
        write_labels(connection, experiment_id, moment, owner, owner=owner, repeats=repeats)
        wanted = enumerate(product(spec.seeds, spec.strategies))
        rows = [
            new_run_row(experiment_id, position, strategy, seed, settings)
            for position, (seed, (strategy, settings)) in wanted
        ]
        connection.execute(insert(runs), rows)
        self.insert_jobs(connection, [job_of(row) for row in rows])
        return experiment_id

    def _insert_epoch(
        self, connection: Connection, run_id: str, number: int, record: EpochRecord
    ) -> None:
        row = {"run_id": run_id, "number": number, "record": record.as_dict()}
        connection.execute(insert(epochs), row)

    def check_queue(self, connection: Connection, more: int, most: int | None) -> None:
        if most is not None:
            counted = select(func.count()).where(jobs.c.state == "queued", jobs.c.kind == "train")
            check_waiting(connection.execute(counted).scalar_one(), more, most)

    def _insert_experiment(
        self,
        connection: Connection,
        experiment_id: str,
        spec: ExperimentSpec,
        created_at: str,
        origin: Origin | None,
    ) -> None:
        row: dict[str, Any] = {"id": experiment_id, "created_at": created_at}
        row |= {"dataset_id": spec.dataset_id, "dataset_name": spec.dataset_name}
        row |= {"spec": spec.model_dump(mode="json"), "recorded": origin is not None}
        row |= {"origin": None if origin is None else asdict(origin)}
        connection.execute(insert(experiments), row)

    def _run(self, connection: Connection, run_id: str) -> RunRecord:
        wanted = runs_with_jobs()
        row = connection.execute(wanted.where(runs.c.id == run_id)).mappings().first()
        if row is None:
            newest = wanted.order_by(experiments.c.created_at.desc(), runs.c.position)
            known = connection.execute(newest.limit(NAMES_LISTED)).scalars().all()
            raise UnknownName("run", run_id, known)
        try:
            return RunRecord.from_row(row)
        except ValueError as error:
            self.database.check()
            raise StoreError(damage_sentence(run_id, reason_of(error))) from error


def open_store(lease_seconds: float = DEFAULT_LEASE_SECONDS) -> Store:
    """The store of this installation, made or upgraded if needed."""
    settings = current_settings()
    return Store(settings.database_url, lease_seconds=lease_seconds, device=settings.device)
