"""Experiments and runs: the spec, the tables that keep them, and the records of the store.

The tables lie in one database with those of jobs (``core.jobs.records``).
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
)

from core.datasets.choices import Resize
from core.errors import StoreError
from core.jobs.records import ACTIVE_STATES, JobStatus, Progress, metadata
from core.settings import Precision
from core.training.events import EpochRecord, RunResult
from core.training.spec import ImageSize, Seed, SplitProportions, TrainFraction, TrainingSpec

experiments = Table(
    "experiments",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("dataset_id", String(64), nullable=False),
    Column("dataset_name", Text, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("recorded", Boolean, nullable=False),
    Column("origin", JSON(none_as_null=True)),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(96), primary_key=True),
    Column("experiment_id", String(32), ForeignKey("experiments.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("strategy", String(64), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("result", JSON(none_as_null=True)),
    Column("notes", JSON, nullable=False),
)
"""What was asked for and what came out; the job of the same id carries the state."""

epochs = Table(
    "epochs",
    metadata,
    Column("run_id", String(96), ForeignKey("runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("record", JSON, nullable=False),
)

Index("runs_by_experiment", runs.c.experiment_id, runs.c.position)


class ExperimentSpec(BaseModel):
    """One dataset, one split, one image size, one precision, several strategies, some seeds.

    ``strategies`` are pairs of name and complete settings, cheap ones first. ``images`` counts
    the images of ``train`` (those really trained on), ``validation`` and ``test``;
    ``majority_class`` is the commonest class of the training images and ``majority_accuracy``
    (0 to 1) its fraction of the test images. ``given_split`` is true where the dataset came with a
    split and it is used.
    ``train_share`` is the fraction of the split's training images that is used (0.01 to 1);
    the experiments of one learning curve differ in it alone and share their ``series``.
    ``unavailable`` says for each strategy that "all" left out why it cannot run here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_id: str
    strategies: tuple[tuple[str, dict[str, Any]], ...] = Field(min_length=1)
    preset: str
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    image_size: ImageSize = 96
    resize: Resize = "stretch"
    split: SplitProportions = Field(default_factory=lambda: SplitProportions.model_validate({}))
    precision: Precision = "auto"
    unavailable: dict[str, str] = {}
    dataset_name: str = ""
    classes: tuple[str, ...] = ()
    images: dict[str, int] = {}
    majority_class: str = ""
    majority_accuracy: float | None = None
    split_fingerprint: str = ""
    given_split: bool = False
    train_share: TrainFraction = 1.0
    series: str = ""

    @property
    def run_count(self) -> int:
        return len(self.strategies) * len(self.seeds)

    def training_spec(self, strategy: str, seed: int, settings: dict[str, Any]) -> TrainingSpec:
        """All that ``train`` needs for one run of this experiment."""
        return TrainingSpec(
            dataset_id=self.dataset_id,
            strategy=strategy,
            settings=settings,
            seed=seed,
            image_size=self.image_size,
            resize=self.resize,
            split=self.split,
            precision=self.precision,
            train_share=self.train_share,
        )


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

    @classmethod
    def from_row(cls, row: RowMapping, state_counts: dict[str, int]) -> "ExperimentRecord":
        return cls(
            id=row["id"],
            created_at=row["created_at"],
            spec=ExperimentSpec.model_validate(row["spec"]),
            recorded=row["recorded"],
            origin=None if row["origin"] is None else Origin(**row["origin"]),
            state_counts=state_counts,
        )

    def training_spec(self, run: "RunRecord") -> TrainingSpec:
        return self.spec.training_spec(run.strategy, run.seed, run.settings)


@dataclass(frozen=True, kw_only=True)
class RunRecord(JobStatus):
    """One strategy with one seed, and the status of the job that makes it, which has the same id.

    ``result`` is there once finished; ``notes`` tell what was changed on the way (a halved batch).
    """

    id: str
    experiment_id: str
    position: int
    strategy: str
    seed: int
    settings: dict[str, Any]
    result: RunResult | None
    notes: tuple[str, ...]

    @classmethod
    def from_row(cls, row: RowMapping) -> "RunRecord":
        """From a row of the table ``runs`` joined with that of its job."""
        parsed = {
            "progress": Progress.from_dict(row["progress"]),
            "result": None if row["result"] is None else RunResult.from_dict(row["result"]),
            "notes": tuple(row["notes"]),
        }
        return cls(**{**row, **parsed})

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
        return {"id": self.id, **asdict(replace(self, result=None)), "result": result}


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
