"""The whole store as two frames: a line for each run, and one for each epoch.

For notebooks, and as files that other programs read. Fractions are 0 to 1, times are seconds, and
what is not known is missing. A column has one kind of value, whatever is in the store.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from sqlalchemy import select

from core.conditions import Conditions
from core.experiments.records import ExperimentRecord, RunRecord, epochs
from core.experiments.store import Store
from core.files import written_whole
from core.reports.export import csv_bytes
from core.strategies.registry import STRATEGIES
from core.training.events import Deployment, EpochRecord, RunResult, SplitScore

Form = Literal["parquet", "csv"]
FORMS: tuple[Form, ...] = ("parquet", "csv")
SUBSETS = ("train", "validation", "test")
SCORES = tuple(field.name for field in fields(SplitScore))
MOMENTS = ("created_at", "started_at", "finished_at")
# What a result says in one value each.
RESULT_VALUES = tuple(
    field.name
    for field in fields(RunResult)
    if field.name
    not in ("scores", "last_epoch", "versions", "notes", "weights", "deployment", "conditions")
)
EPOCH_VALUES = tuple(
    field.name for field in fields(EpochRecord) if field.name not in ("tracked", "conditions")
)
CONDITION_VALUES = tuple(field.name for field in fields(Conditions) if field.name != "gpu")
_READ_TOGETHER = 500

log = logging.getLogger(__name__)


def runs_frame(store: Store) -> pd.DataFrame:
    """Every run that can be read, the newest experiment first; see ``run_values``."""
    experiments = {entry.id: entry for entry in store.experiments()}
    lines = [
        run_values(experiments[run.experiment_id], run)
        for run in store.runs()
        if run.experiment_id in experiments
    ]
    usual = dict.fromkeys(("run", "experiment", "dataset", "strategy", "seed", "state", *MOMENTS))
    found = usual | dict.fromkeys(name for line in lines for name in line)
    names = sorted(found, key=_group_of)
    frame = _frame({name: [line.get(name) for line in lines] for name in names})
    for name in MOMENTS:
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame


def _group_of(name: str) -> int:
    """Columns that only some strategies have stand together, behind what every run has."""
    prefixes = ("setting_", "deployment_", "version_")
    return next((place for place, one in enumerate(prefixes, 1) if name.startswith(one)), 0)


def run_values(experiment: ExperimentRecord, run: RunRecord) -> dict[str, Any]:
    """All that is stored of a run, by name, each one text, number or truth value.

    First what it was asked for (``setting_NAME`` for each setting of its strategy), then, of a
    finished one, its scores on each subset, its clocks and its machine, ``deployment_NAME`` for
    what its network costs where it is used, and ``version_NAME`` of each library. ``disturbed``
    names the times that other work on the machine spoilt.
    """
    spec, labels = experiment.spec, experiment.labels
    strategy = STRATEGIES.get(run.strategy)
    values: dict[str, Any] = {
        "run": run.id,
        "experiment": experiment.id,
        "experiment_name": labels.name or None,
        "tags": ", ".join(labels.tags) or None,
        "archived": labels.archived,
        "reviewed": labels.reviewed,
        "recorded": experiment.recorded,
        "dataset": spec.dataset_name,
        "dataset_id": spec.dataset_id,
        "strategy": run.strategy,
        "title": strategy.title if strategy else None,
        "role": str(strategy.role) if strategy else None,
        "backbone": strategy.backbone.name if strategy and strategy.backbone else None,
        "mode": str(strategy.mode) if strategy and strategy.mode else None,
        "seed": run.seed,
        "state": run.state,
        "error": run.error,
        **{name: getattr(run, name) for name in MOMENTS},
        "preset": spec.preset,
        "image_size": spec.image_size,
        "resize": spec.resize,
        "train_fraction": float(spec.train_share),
        "series": spec.series or None,
        "split_seed": spec.split.seed,
        "split_fingerprint": spec.split_fingerprint or None,
        "given_split": spec.given_split,
        "classes": len(spec.classes),
        "majority_class": spec.majority_class or None,
        "majority_accuracy": spec.majority_accuracy,
        **{f"setting_{name}": value for name, value in run.settings.items()},
    }
    result = run.finished_result
    return values if result is None else values | _result_values(run, result)


def _result_values(run: RunRecord, result: RunResult) -> dict[str, Any]:
    values = {
        f"{subset}_{name}": getattr(getattr(result.scores, subset), name)
        for subset in SUBSETS
        for name in SCORES
    }
    values |= {name: getattr(result, name) for name in RESULT_VALUES}
    values |= {
        "end_to_end_seconds": result.end_to_end_seconds,
        "weights_bytes": result.weights.size_bytes if result.weights else None,
        "disturbed": ", ".join(sorted(result.disturbed)) or None,
        "notes": " ".join(dict.fromkeys((*run.notes, *result.notes))) or None,
    }
    if result.deployment is not None:
        names = (field.name for field in fields(Deployment))
        values |= {f"deployment_{name}": getattr(result.deployment, name) for name in names}
    return values | {f"version_{name}": text for name, text in result.versions.items()}


def epochs_frame(store: Store) -> pd.DataFrame:
    """Every stored epoch of every run, in order, with what the machine did meanwhile.

    Those of a run whose epochs are damaged are left out (logged).
    """
    of_run = ("run", "experiment", "dataset", "strategy", "seed")
    names = (*of_run, *EPOCH_VALUES, "is_disturbed", *CONDITION_VALUES)
    columns: dict[str, list[Any]] = {name: [] for name in names}
    datasets = {entry.id: entry.spec.dataset_name for entry in store.experiments()}
    known = [run for run in store.runs() if run.experiment_id in datasets]
    for run, records in epochs_of(store, known):
        for record in records:
            values = (run.id, run.experiment_id, datasets[run.experiment_id], run.strategy)
            for name, value in zip(of_run, (*values, run.seed), strict=True):
                columns[name].append(value)
            for name in EPOCH_VALUES:
                columns[name].append(getattr(record, name))
            columns["is_disturbed"].append(record.is_disturbed if record.conditions else None)
            for name in CONDITION_VALUES:
                columns[name].append(getattr(record.conditions, name, None))
    return _frame(columns)


def epochs_of(
    store: Store, runs: Sequence[RunRecord]
) -> Iterator[tuple[RunRecord, tuple[EpochRecord, ...]]]:
    """Each of ``runs`` that has epochs, with these in order; read many runs at a time.

    Damaged ones are left out (logged).
    """
    for start in range(0, len(runs), _READ_TOGETHER):
        some = runs[start : start + _READ_TOGETHER]
        wanted = select(epochs.c.run_id, epochs.c.record).order_by(epochs.c.run_id, epochs.c.number)
        with store.database.reading() as connection:
            rows = connection.execute(
                wanted.where(epochs.c.run_id.in_([run.id for run in some]))
            ).all()
        stored: dict[str, list[Any]] = {}
        for run_id, record in rows:
            stored.setdefault(run_id, []).append(record)
        for run in some:
            try:
                records = tuple(map(EpochRecord.from_dict, stored.get(run.id, ())))
            except ValueError as error:
                log.warning("the epochs of run %s are left out: %s", run.id, error)
                continue
            if records:
                yield run, records


def export_store(store: Store, folder: Path, form: Form) -> dict[Path, int]:
    """Write ``runs.FORM`` and ``epochs.FORM`` into ``folder``, each whole; returns the lines of
    each. In CSV, text that a spreadsheet would run as a formula gets a leading apostrophe."""
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[Path, int] = {}
    for name, frame in (("runs", runs_frame(store)), ("epochs", epochs_frame(store))):
        path = folder / f"{name}.{form}"
        with written_whole(path) as file:
            if form == "csv":
                file.write(csv_bytes(frame.columns, _cells(frame)))
            else:
                frame.to_parquet(file, index=False)
        written[path] = len(frame)
    return written


def _cells(frame: pd.DataFrame) -> Iterable[Sequence[Any]]:
    """The values of each line, None for what is missing."""
    known = frame.notna()
    return frame.astype(object).where(known, None).itertuples(index=False, name=None)


def _frame(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    return pd.DataFrame({name: _column(values) for name, values in columns.items()})


def _column(values: Sequence[Any]) -> pd.Series:
    """Its kind follows from the kinds of the values that are there, not from what they are: whole
    seconds stay numbers with a fraction, and counts stay whole where some are missing."""
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pd.Series(values, dtype=object)
    if kinds == {bool}:
        return pd.Series(values, dtype="boolean")
    if kinds == {int}:
        return pd.Series(values, dtype="Int64")
    if kinds <= {int, float}:
        return pd.Series(values, dtype="float64")
    texts = [None if value is None else str(value) for value in values]
    return pd.Series(texts, dtype="str")
