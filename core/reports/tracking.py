"""Every run as a record of MLflow: parameters, metrics, epochs, and its files where asked for.

One way only: Headstart reads nothing back. The records are written by MLflow's own client, which is
installed beside Headstart by whoever wants this (docs/decisions/0030). A Headstart experiment is an
experiment there, and a run is a run; one that was written before and has not changed is left alone.
"""

import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import BadInput, HeadstartError, StoreError
from core.experiments.records import ExperimentRecord, RunRecord
from core.experiments.run_files import predictions_path, read_predictions, weights_path
from core.experiments.store import Store
from core.reports.export import csv_bytes
from core.reports.frames import MOMENTS, epochs_of, run_values
from core.storage.shared import pull
from core.text import count_text, shorten
from core.training.events import EpochRecord

NOT_INSTALLED = (
    "MLflow's client is not installed here. Install it beside Headstart: pip install mlflow-skinny"
)
ARTEFACTS = ("predictions", "confusion", "weights")
EPOCH_METRICS = (
    *("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"),
    *("train_seconds", "validation_seconds", "images_per_second"),
)
# Those that are over; the others are written when they are.
_STATUS = {
    "finished": "FINISHED",
    "failed": "FAILED",
    "interrupted": "FAILED",
    "cancelled": "KILLED",
}
# What was chosen, besides the settings; other texts are tags.
_PARAMETERS = (
    *("strategy", "seed", "preset", "image_size", "resize", "train_fraction", "split_seed"),
    *("dataset", "backbone", "mode", "batch_size", "precision"),
)
_RUN, _DONE, _NAME = "headstart.run", "headstart.written", "headstart.name"
# What people change on an experiment after its runs were written.
_LABELS = ("experiment_name", "tags", "archived", "reviewed")
# The server takes no more of each in one request, and no longer texts.
_METRICS_AT_ONCE, _PARAMETERS_AT_ONCE, _LONGEST_TEXT = 900, 90, 500
_RUNS_AT_ONCE = 1000

# It would report each use of it over the network, write a line to standard output for each run,
# and try a server that does not answer for some minutes.
_OF_THE_CLIENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Written:
    """How many runs were written now, were there before, and are not over yet."""

    new: int
    there: int
    waiting: int


def write_to_mlflow(
    store: Store, target: str, artefacts: Collection[str] = (), say: Say = lambda _line: None
) -> Written:
    """Write all runs that are over to a tracking server, or into a folder.

    ``target``: the address of a server (``http://...``) or any other that MLflow knows; else a
    folder, which gets ``mlflow.db`` and the ``artefacts``, some of ``ARTEFACTS``. Raises
    ``HeadstartError`` where the client is missing, or refuses.
    """
    for name in artefacts:
        if name not in ARTEFACTS:
            raise BadInput(f"There is no artefact {name!r}; there are {', '.join(ARTEFACTS)}.")
    for variable, value in _OF_THE_CLIENT.items():
        os.environ.setdefault(variable, value)
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise HeadstartError(NOT_INSTALLED) from error
    address, files = _place(target)
    try:
        return _Tracking(store, MlflowClient(address), files, artefacts, say).write()
    except MlflowException as error:
        reason = " ".join(str(error).split())
        raise HeadstartError(f"MLflow could not write to {address}: {reason}") from error


def _place(target: str) -> tuple[str, Path | None]:
    """MLflow's address of it; and where files go, None where a server decides.

    A folder has a SQLite file: MLflow's client reads and writes no folders of text files any more.
    """
    if "://" in target:
        return target, None
    folder = Path(target).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'mlflow.db'}", folder / "artefacts"


@dataclass(frozen=True)
class _Tracking:
    """One writing of the whole store. ``client``: MLflow's."""

    store: Store
    client: Any
    files: Path | None
    artefacts: Collection[str]
    say: Say

    def write(self) -> Written:
        new = there = waiting = 0
        for experiment in self.store.experiments():
            runs = self.store.runs(experiment.id)
            over = [run for run in runs if run.state in _STATUS]
            waiting += len(runs) - len(over)
            if not over:
                continue
            place = self._experiment(experiment)
            known = self._known(place)
            missing = [
                run
                for run in over
                if run.id not in known or known[run.id][1].get(_DONE) != _mark(run)
            ]
            epochs = {run.id: records for run, records in epochs_of(self.store, missing)}
            for run in missing:
                if run.id in known:  # of an earlier attempt, or broken off
                    self.client.delete_run(known[run.id][0])
                self._write_run(place, experiment, run, epochs.get(run.id, ()))
            labels = _label_tags(experiment, over[0])
            for run_id in known.keys() & {run.id for run in over} - {run.id for run in missing}:
                self._label(*known[run_id], labels)
            new, there = new + len(missing), there + len(over) - len(missing)
            self.say(f"{experiment.id}: {count_text(len(missing), 'run')} written")
        return Written(new, there, waiting)

    def _experiment(self, experiment: ExperimentRecord) -> str:
        """MLflow's id of it; made where it is not there."""
        name = f"headstart {experiment.id} {experiment.spec.dataset_name}"
        found = self.client.get_experiment_by_name(name)
        if found is not None:
            if found.lifecycle_stage == "deleted":
                self.client.restore_experiment(found.experiment_id)
            if found.tags.get(_NAME, "") != experiment.labels.name:
                self.client.set_experiment_tag(found.experiment_id, _NAME, experiment.labels.name)
            return str(found.experiment_id)
        place = None if self.files is None else (self.files / experiment.id).as_uri()
        tags = {"headstart.experiment": experiment.id, _NAME: experiment.labels.name}
        return str(self.client.create_experiment(name, place, tags))

    def _label(
        self, run_id: str, tags: Mapping[str, str], labels: Mapping[str, str | None]
    ) -> None:
        """Bring the ``labels`` of a run that is there up to date; None takes one away."""
        for name, text in labels.items():
            if text is None and name in tags:
                self.client.delete_tag(run_id, name)
            elif text is not None and tags.get(name) != text:
                self.client.set_tag(run_id, name, text)

    def _known(self, place: str) -> dict[str, tuple[str, dict[str, str]]]:
        """By Headstart's id, MLflow's id of a run and its tags; without ``_DONE`` writing it broke
        off."""
        known: dict[str, tuple[str, dict[str, str]]] = {}
        token = None
        while True:
            found = self.client.search_runs([place], max_results=_RUNS_AT_ONCE, page_token=token)
            for run in found:
                if _RUN in run.data.tags:
                    known[run.data.tags[_RUN]] = run.info.run_id, run.data.tags
            token = found.token
            if not token:
                return known

    def _write_run(
        self,
        place: str,
        experiment: ExperimentRecord,
        run: RunRecord,
        epochs: tuple[EpochRecord, ...],
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        values = run_values(experiment, run)
        began, ended = _milliseconds(run.started_at or run.created_at), _milliseconds(_end(run))
        tags = {_RUN: run.id}
        made = self.client.create_run(place, start_time=began, tags=tags, run_name=run.id)
        run_id = made.info.run_id
        parameters, numbers, texts = _sorted_out(values)
        # All at the end of the run: when an epoch ended is not stored, its place in the order is.
        metrics = [Metric(name, value, ended, 0) for name, value in numbers.items()]
        metrics += [
            Metric(f"{_stage(epoch)}{name}", float(getattr(epoch, name)), ended, epoch.epoch)
            for epoch in epochs
            for name in EPOCH_METRICS
        ]
        given = [Param(name, text) for name, text in parameters.items()]
        for start in range(0, len(given), _PARAMETERS_AT_ONCE):
            self.client.log_batch(run_id, params=given[start : start + _PARAMETERS_AT_ONCE])
        for start in range(0, len(metrics), _METRICS_AT_ONCE):
            self.client.log_batch(run_id, metrics=metrics[start : start + _METRICS_AT_ONCE])
        self.client.log_batch(run_id, tags=[RunTag(name, text) for name, text in texts.items()])
        if run.finished_result is not None:
            self._write_files(run_id, experiment, run)
        # Last: what has no mark broke off, and is written anew the next time.
        self.client.set_tag(run_id, _DONE, _mark(run))
        self.client.set_terminated(run_id, _STATUS[run.state], ended)

    def _write_files(self, run_id: str, experiment: ExperimentRecord, run: RunRecord) -> None:
        """Those that are there; a run that trained no network has no weights."""
        if "predictions" in self.artefacts and pull(predictions_path(run.id)):
            self.client.log_artifact(run_id, str(predictions_path(run.id)))
        if "weights" in self.artefacts and pull(weights_path(run.id)):
            self.client.log_artifact(run_id, str(weights_path(run.id)))
        if "confusion" in self.artefacts:
            try:
                content = _confusion_csv(run.id, experiment.spec.classes)
            except StoreError as error:
                self.say(str(error))
                return
            with tempfile.TemporaryDirectory() as name:
                file = Path(name) / "confusion.csv"
                file.write_bytes(content)
                self.client.log_artifact(run_id, str(file))


def _sorted_out(
    values: Mapping[str, Any],
) -> tuple[dict[str, str], dict[str, float], dict[str, str]]:
    """Parameters, metrics, tags: what was chosen, numbers that came out, all other texts."""
    parameters: dict[str, str] = {}
    numbers: dict[str, float] = {}
    texts: dict[str, str] = {}
    for name, value in values.items():
        if value is None or name in MOMENTS:
            continue
        if name.startswith("setting_"):
            parameters[name.removeprefix("setting_")] = _short(value)
        elif name in _PARAMETERS:
            parameters.setdefault(name, _short(value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = float(value)
        else:
            texts[f"headstart.{name}"] = _short(value)
    return parameters, numbers, texts


def _label_tags(experiment: ExperimentRecord, run: RunRecord) -> dict[str, str | None]:
    """The tags of ``_LABELS``, the same for each run of the experiment; None: not given."""
    values = run_values(experiment, run)
    return {
        f"headstart.{name}": None if values[name] is None else _short(values[name])
        for name in _LABELS
    }


def _short(value: Any) -> str:
    return shorten(str(value), _LONGEST_TEXT)


def _stage(epoch: EpochRecord) -> str:
    """Before the name of a metric: epochs of a head that is fitted first are counted apart."""
    return "" if epoch.stage == "main" else f"{epoch.stage}_"


def _mark(run: RunRecord) -> str:
    """Changes when the run is made again, or its times are measured again."""
    notes = len(run.result.notes) if run.result else 0
    return f"{run.attempts} {_end(run)} {notes}"


def _end(run: RunRecord) -> str:
    return run.finished_at or run.created_at


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


def _confusion_csv(run_id: str, classes: tuple[str, ...]) -> bytes:
    """Pairs of label and predicted class that occurred, with their test images."""
    predictions = read_predictions(run_id)
    predicted = predictions.probabilities.argmax(axis=1)
    pairs, counts = np.unique(
        np.stack([predictions.labels, predicted], axis=1), axis=0, return_counts=True
    )
    lines = [
        (classes[label], classes[answer], int(count))
        for (label, answer), count in zip(pairs.tolist(), counts, strict=True)
    ]
    return csv_bytes(("label", "predicted", "images"), lines)
