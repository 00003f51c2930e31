"""Experiments and runs: the spec, the tables that keep them, and the records of the store.

The tables lie in one database with those of jobs (``core.jobs.records``).
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    Select,
    String,
    Table,
    Text,
    select,
)

from core.backbones.own import OwnBackbone
from core.datasets.choices import Resize
from core.errors import StoreError
from core.experiments.labels import Labels
from core.jobs.progress import Progress
from core.jobs.records import (
    ACTIVE_STATES,
    JobStatus,
    NewJob,
    StoredJson,
    jobs,
    metadata,
    reason_of,
)
from core.settings import Precision
from core.strategies.registry import STRATEGIES
from core.training.events import Count, Deployment, EpochRecord, Fraction, RunResult
from core.training.spec import ImageSize, Seed, SplitProportions, TrainFraction, TrainingSpec

experiments = Table(
    "experiments",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("dataset_id", String(64), nullable=False),
    Column("dataset_name", Text, nullable=False),
    Column("spec", StoredJson, nullable=False),
    Column("recorded", Boolean, nullable=False),
    Column("origin", StoredJson(none_as_null=True)),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(96), primary_key=True),
    Column("experiment_id", String(32), ForeignKey("experiments.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("strategy", String(64), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("settings", StoredJson, nullable=False),
    Column("result", StoredJson(none_as_null=True)),
    Column("notes", StoredJson, nullable=False),
)
"""What was asked for and what came out; the job of the same id carries the state."""

epochs = Table(
    "epochs",
    metadata,
    Column("run_id", String(96), ForeignKey("runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("record", StoredJson, nullable=False),
)

Index("runs_by_experiment", runs.c.experiment_id, runs.c.position)


def _checked_settings(settings: dict[str, Any]) -> dict[str, Any]:
    for name, value in settings.items():
        if not isinstance(value, (str, int, float, type(None))) or not _is_finite(value):
            raise ValueError(f"{name} is {value!r}")
    return settings


def _is_finite(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _of_their_kinds(pair: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Refuse text for a number and the like; a range may have been another in an older version."""
    strategy, settings = pair
    declared = STRATEGIES[strategy].settings if strategy in STRATEGIES else ()
    for setting in declared:
        value = settings.get(setting.name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        fits = value is None or is_number == (setting.kind in ("int", "float"))
        if not fits or (is_number and (setting.low or 0) > 0 and float(value or 0) <= 0):
            raise ValueError(f"{setting.name} of {strategy} is {value!r}")
    return pair


Settings = Annotated[dict[str, Any], AfterValidator(_checked_settings)]
"""The settings of a run by name: finite numbers, texts, switches."""
NamedSettings = Annotated[tuple[str, Settings], AfterValidator(_of_their_kinds)]


class UsedBackbone(BaseModel):
    """A backbone of one's own as it was when an experiment was planned.

    ``seen_test_images``: how many test images of the experiment the backbone was trained on or
    chosen by, near duplicates included; None where that could not be known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: OwnBackbone
    seen_test_images: Count | None = None


class ExperimentSpec(BaseModel):
    """One dataset, one split, one image size, one precision, several strategies, some seeds.

    ``strategies`` are pairs of name and complete settings, cheap ones first. ``images`` counts
    the images of ``train`` (those really trained on), ``validation`` and ``test``;
    ``majority_class`` is the commonest class of the training images and ``majority_accuracy``
    (0 to 1) its fraction of the test images. ``given_split`` is true where the dataset came with a
    split and it is used.
    ``train_share`` is the fraction of the split's training images that is used (0.01 to 1);
    the experiments of one learning curve differ in it alone and share their ``series``.
    ``backbones``: the backbones of one's own under the strategies, by name.
    ``unavailable`` says for each strategy that "all" left out why it cannot run here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset_id: str
    strategies: tuple[NamedSettings, ...] = Field(min_length=1)
    preset: str
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    image_size: ImageSize = 96
    resize: Resize = "stretch"
    split: SplitProportions = Field(default_factory=lambda: SplitProportions.model_validate({}))
    precision: Precision = "auto"
    unavailable: dict[str, str] = {}
    dataset_name: str = ""
    classes: tuple[str, ...] = ()
    images: dict[str, Count] = {}
    majority_class: str = ""
    majority_accuracy: Fraction | None = None
    split_fingerprint: str = ""
    given_split: bool = False
    train_share: TrainFraction = 1.0
    series: str = ""
    backbones: dict[str, UsedBackbone] = {}

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
    """An experiment; ``state_counts`` says how many of its runs are in each state, ``labels`` what
    people wrote on it.

    ``recorded`` marks results that came with Headstart, and they have an ``origin``. Moments are
    ISO 8601 in UTC.
    """

    id: str
    created_at: str
    spec: ExperimentSpec
    recorded: bool
    origin: Origin | None
    state_counts: dict[str, int] = field(default_factory=dict)
    labels: Labels = field(default_factory=Labels)

    @property
    def is_active(self) -> bool:
        return any(self.state_counts.get(state) for state in ACTIVE_STATES)

    @classmethod
    def from_row(
        cls, row: RowMapping, spec: ExperimentSpec, state_counts: dict[str, int], labels: Labels
    ) -> "ExperimentRecord":
        """Raises ``ValueError`` for a row that holds anything else."""
        known = {"spec": spec, "state_counts": state_counts, "labels": labels}
        return _EXPERIMENT.validate_python({**row, **known})

    def training_spec(self, run: "RunRecord") -> TrainingSpec:
        return self.spec.training_spec(run.strategy, run.seed, run.settings)


_EXPERIMENT = TypeAdapter(ExperimentRecord)


def read_spec(text: str) -> ExperimentSpec:
    """From its JSON; ``ValueError`` says what is wrong with it."""
    try:
        return ExperimentSpec.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"spec: {reason_of(error)}") from error


@dataclass(frozen=True)
class DamagedExperiment:
    """An experiment whose row cannot be read, and why; the others are not concerned."""

    id: str
    reason: str

    @property
    def sentence(self) -> str:
        return (
            f"Experiment {self.id} is damaged in the store ({self.reason}), so it cannot be shown; "
            "the others can. docs/backups.md says how to go back to a copy of the store."
        )


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
    settings: Settings
    result: RunResult | None
    notes: tuple[str, ...]

    @classmethod
    def from_row(cls, row: RowMapping) -> "RunRecord":
        """From a row of the table ``runs`` joined with that of its job.

        A finished run whose result cannot be read counts as failed, so that it can be started
        again. Raises ``ValueError`` where anything else cannot be read.
        """
        parsed: dict[str, Any] = {"progress": Progress.from_dict(row["progress"]), "result": None}
        try:
            if row["result"] is not None or row["state"] == "finished":
                parsed["result"] = RunResult.from_dict(row["result"])
        except ValueError as error:
            if row["state"] == "finished":
                message = f"The stored result of this run is damaged ({reason_of(error)})."
                parsed |= {"state": "failed", "error": f"{message} Start the run again."}
        run = _RUN.validate_python({**row, **parsed})
        _of_their_kinds((run.strategy, run.settings))
        return run

    @classmethod
    def damaged(cls, row: RowMapping, reason: str) -> "RunRecord":
        """What stands for a row that cannot be read: a failed run that says so."""
        nothing: dict[str, Any] = dict.fromkeys(cls.__dataclass_fields__)
        return cls(
            **nothing
            | {
                "id": str(row["id"]),
                "experiment_id": str(row["experiment_id"]),
                "strategy": str(row["strategy"]),
                "seed": row["seed"] if isinstance(row["seed"], int) else 0,
                "position": 0,
                "settings": {},
                "notes": (),
                "state": "failed",
                "error": damage_sentence(str(row["id"]), reason),
                "attempts": 0,
                "cancel_requested": False,
                "created_at": str(row["created_at"]),
            }
        )

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


_RUN = TypeAdapter(RunRecord)


def damage_sentence(run_id: str, reason: str) -> str:
    return (
        f"Run {run_id} is damaged in the store ({reason}), so it cannot be used; the others can. "
        "Set up its experiment again, or go back to a copy of the store (docs/backups.md)."
    )


def finished_runs(runs: Iterable[RunRecord]) -> list[tuple[RunRecord, RunResult]]:
    """The finished ones of ``runs`` with their results, in their order."""
    return [(run, run.finished_result) for run in runs if run.finished_result is not None]


def deployment_of(runs: Iterable[RunRecord], strategy: str) -> Deployment | None:
    """What the network of a strategy costs where it is used: one of its ``runs`` measured it."""
    return next(
        (
            result.deployment
            for run, result in finished_runs(runs)
            if run.strategy == strategy and result.deployment is not None
        ),
        None,
    )


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


def job_of(run: dict[str, Any]) -> NewJob:
    """The job that makes the run of a row."""
    return NewJob(run["id"], "train", {"run": run["id"]}, run["experiment_id"])


def runs_with_jobs() -> Select[Any]:
    """Every run with the status of its job; conditions may name its experiment too."""
    status = (jobs.c[name] for name in JobStatus.__dataclass_fields__)
    return select(runs, *status).join(jobs, jobs.c.id == runs.c.id).join(experiments)
