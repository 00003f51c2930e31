"""What the store hands out: frozen records of experiments, runs and workers."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from core.errors import StoreError
from core.experiments.spec import ExperimentSpec
from core.jobs.progress import Progress
from core.jobs.records import ACTIVE_STATES, RETRYABLE_STATES, NewJob, State, stored_progress
from core.training.events import EpochRecord, RunResult
from core.training.spec import TrainingSpec


@dataclass(frozen=True)
class Origin:
    """Where and with what recorded results were made; ``date`` is ISO 8601 in UTC."""

    machine: str
    system: str
    versions: dict[str, str]
    date: str


@dataclass(frozen=True)
class ExperimentRecord:
    """An experiment; ``state_counts`` says how many of its runs are in each state.

    ``recorded`` marks results that came with Headstart, and they have an ``origin``. Moments are
    ISO 8601 in UTC.
    """

    id: str
    created_at: str
    spec: ExperimentSpec
    recorded: bool
    origin: Origin | None
    state_counts: dict[str, int] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        return any(self.state_counts.get(state) for state in ACTIVE_STATES)

    def training_spec(self, run: "RunRecord") -> TrainingSpec:
        return self.spec.training_spec(run.strategy, run.seed, run.settings)


@dataclass(frozen=True)
class RunRecord:
    """One strategy with one seed.

    ``result`` is there once finished; ``notes`` tell what was changed on the way (a halved batch).
    State, progress, error, lease and moments are those of its job, which has the same id
    (``core.jobs.records.JobRecord``).
    """

    id: str
    experiment_id: str
    position: int
    strategy: str
    seed: int
    settings: dict[str, Any]
    state: State
    progress: Progress | None
    progress_at: str | None
    error: str | None
    result: RunResult | None
    notes: tuple[str, ...]
    attempts: int
    worker_id: str | None
    lease_expires_at: str | None
    cancel_requested: bool
    created_at: str
    started_at: str | None
    finished_at: str | None

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES

    @property
    def can_retry(self) -> bool:
        return self.state in RETRYABLE_STATES

    @property
    def finished_result(self) -> RunResult | None:
        """The result of a finished run; None in every other state."""
        return self.result if self.state == "finished" else None

    @property
    def test_accuracy(self) -> float | None:
        """0 to 1, once finished."""
        result = self.finished_result
        return None if result is None else result.scores.test.accuracy

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        result = None if self.result is None else self.result.as_dict()
        return asdict(replace(self, result=None)) | {"result": result}


def finished_runs(runs: Iterable[RunRecord]) -> list[tuple[RunRecord, RunResult]]:
    """The finished ones of ``runs`` with their results, in their order."""
    return [(run, run.finished_result) for run in runs if run.finished_result is not None]


def result_of(run: RunRecord) -> RunResult:
    """The result of a finished run; ``StoreError`` for any other."""
    if run.finished_result is None:
        raise StoreError(f"Run {run.id} is {run.state}: only a finished run has a result.")
    return run.finished_result


@dataclass(frozen=True)
class RecordedRun:
    """A finished run that was made elsewhere, on its way into the store."""

    strategy: str
    seed: int
    settings: dict[str, Any]
    result: RunResult
    epochs: tuple[EpochRecord, ...]
    created_at: str
    started_at: str | None
    finished_at: str | None
    notes: tuple[str, ...] = ()


def run_record(row: Mapping[str, Any]) -> RunRecord:
    """The record of a row of the table ``runs`` joined with that of its job."""
    values = {name: row[name] for name in RunRecord.__dataclass_fields__}
    values["progress"] = stored_progress(row["progress"])
    values["result"] = None if row["result"] is None else RunResult.from_dict(row["result"])
    values["notes"] = tuple(row["notes"])
    values["cancel_requested"] = bool(row["cancel_requested"])
    return RunRecord(**values)


def experiment_record(row: Mapping[str, Any], state_counts: dict[str, int]) -> ExperimentRecord:
    """The record of one row of the table ``experiments``."""
    return ExperimentRecord(
        id=row["id"],
        created_at=row["created_at"],
        spec=ExperimentSpec.model_validate(row["spec"]),
        recorded=bool(row["recorded"]),
        origin=None if row["origin"] is None else Origin(**row["origin"]),
        state_counts=state_counts,
    )


def run_id_of(experiment_id: str, strategy: str, seed: int) -> str:
    """A run's id says what it is: ``"3f9a1c2e-cnn-0"``."""
    return f"{experiment_id}-{strategy}-{seed}"


def new_run_row(
    experiment_id: str, position: int, strategy: str, seed: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """The row of a run, waiting or recorded."""
    return {
        "id": run_id_of(experiment_id, strategy, seed),
        "experiment_id": experiment_id,
        "position": position,
        "strategy": strategy,
        "seed": seed,
        "settings": settings,
        "notes": [],
    }


def job_of(run: Mapping[str, Any]) -> NewJob:
    """The job that makes the run of a row."""
    return NewJob(run["id"], "train", {"run": run["id"]}, run["experiment_id"])


def planned_rows(experiment_id: str, spec: ExperimentSpec) -> list[dict[str, Any]]:
    """The runs of ``spec`` as they will wait: cheap strategies first, seed by seed."""
    planned = [
        (strategy, seed, settings) for seed in spec.seeds for strategy, settings in spec.strategies
    ]
    return [
        new_run_row(experiment_id, position, strategy, seed, settings)
        for position, (strategy, seed, settings) in enumerate(planned)
    ]


def epoch_rows(run_id: str, records: Iterable[EpochRecord]) -> list[dict[str, Any]]:
    return [
        {"run_id": run_id, "number": number, "record": record.as_dict()}
        for number, record in enumerate(records, start=1)
    ]
