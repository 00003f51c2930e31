"""Recorded results: written by ``experiments export``, imported when a home is made ready.

One folder for each experiment: ``experiment.json`` (spec, origin, what people wrote on it, runs
with their results and epochs), ``predictions.npz`` (``test_indices``, ``labels`` and for run i
``probabilities_i``, float16), and ``weights/STRATEGY-SEED.npz`` of networks with few trained
weights, so that they can be tried before anything is trained.
"""

import json
import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from core.backbones.own_folder import keep_record
from core.errors import BadInput, StoreError
from core.experiments.labels import read_shared, shared_labels
from core.experiments.records import (
    ExperimentRecord,
    ExperimentSpec,
    Origin,
    RecordedRun,
    RunRecord,
    finished_runs,
    run_id_of,
)
from core.experiments.removal import delete_removed
from core.experiments.run_files import read_predictions, weights_path, write_predictions
from core.experiments.store import Store, open_store
from core.files import UNREADABLE, read_arrays, write_arrays, write_bytes, write_json
from core.settings import SHOWCASE_FOLDER, current_settings
from core.storage.shared import pull, push
from core.training.events import EpochRecord, Predictions, RunResult

FORMAT = 1
_RUN_ID = re.compile(r"[0-9a-f]{1,32}-[a-z0-9_]{1,64}-[0-9]{1,10}")
DOCUMENT_NAME = "experiment.json"
PREDICTIONS_NAME = "predictions.npz"
WEIGHTS_FOLDER = "weights"
MOST_WEIGHTS_BYTES = 1_000_000
"""Weights up to this size are recorded; those of a CNN or a probe are a third of it."""


def prepare_home(progress: Callable[[int, int], None] | None = None) -> Store:
    """Make the home ready and return its store; quick when it is.

    Safe to call from several processes at once. ``progress(done, total)`` counts the images of
    the bundled datasets on the first start.
    """
    from core.datasets.bundled import ensure_bundled_datasets

    ensure_bundled_datasets(progress)
    return prepare_store()


def prepare_store() -> Store:
    """The store with the recorded results in it, dead workers' runs marked, what was removed
    before deleted; needs no dataset."""
    store = open_store()
    settings = current_settings()
    for folder in settings.import_folders:
        if folder.is_relative_to(settings.home):
            folder.mkdir(parents=True, exist_ok=True)  # the inbox, to put datasets into
    import_recorded(store)
    store.reap_expired()
    delete_removed(store)
    return store


def export_experiment(store: Store, experiment_id: str, folder: Path, exact: bool = False) -> Path:
    """Write a finished experiment into ``folder`` and return its own folder there.

    Probabilities are rounded to half precision, and large weights left out, unless ``exact``.

    Raises ``BadInput`` unless all its runs are finished.
    """
    experiment = store.experiment(experiment_id)
    runs = store.runs(experiment_id)
    unfinished = [f"{run.id} is {run.state}" for run in runs if run.state != "finished"]
    if unfinished:
        raise BadInput(
            f"Only a finished experiment can be exported: {', '.join(unfinished)}.", "experiment"
        )
    target = folder / _folder_name(experiment)
    target.mkdir(parents=True, exist_ok=True)
    predictions = [read_predictions(run.id) for run in runs]
    _write_predictions(target / PREDICTIONS_NAME, predictions, exact)
    document = {
        "format": FORMAT,
        "id": experiment.id,
        "created_at": experiment.created_at,
        "origin": asdict(experiment.origin or _origin(runs)),
        "spec": experiment.spec.model_dump(mode="json"),
        "labels": shared_labels(experiment.labels),
        "runs": [
            _run_document(run, result, store.epochs(run.id)) for run, result in finished_runs(runs)
        ],
    }
    _write_weights(target / WEIGHTS_FOLDER, runs, exact)
    write_json(target / DOCUMENT_NAME, document)
    return target


def import_recorded(store: Store, folder: Path = SHOWCASE_FOLDER) -> list[str]:
    """Import what the store does not have yet; returns the ids of those experiments.

    Raises ``StoreError`` naming a file that is damaged.
    """
    if not folder.is_dir():
        return []
    documents = sorted(folder.glob(f"*/{DOCUMENT_NAME}"))
    known = set(store.experiment_ids())
    added = []
    for path in documents:
        # The folder's name ends with the id, so a known experiment need not be read.
        experiment_id = path.parent.name.rpartition("-")[2]
        if experiment_id not in known and (imported := import_document(store, path)) is not None:
            added.append(imported)
        copy_weights(path.parent / WEIGHTS_FOLDER, experiment_id)
    return added


def half_precision(probabilities: np.ndarray) -> np.ndarray:
    """float16 ``(N, classes)`` with the same predicted classes, also where rounding makes a tie."""
    rounded = probabilities.astype(np.float16)
    predicted = probabilities.argmax(axis=1)
    for row in np.flatnonzero(rounded.argmax(axis=1) != predicted):
        winner = predicted[row]
        rounded[row, winner] = np.nextafter(rounded[row].max(), np.float16(2))
    return rounded


def _folder_name(experiment: ExperimentRecord) -> str:
    plain = re.sub("[^A-Za-z0-9]", "-", experiment.spec.dataset_name)
    return f"{plain[:40].strip('-') or 'dataset'}-{experiment.spec.preset}-{experiment.id}"


def _origin(runs: list[RunRecord]) -> Origin:
    results = [result for _, result in finished_runs(runs)]
    versions: dict[str, str] = {}
    for result in results:
        versions |= result.versions
    return Origin(
        machine=", ".join(sorted({result.device for result in results})),
        system=f"{platform.system()} {platform.machine()}",
        versions=versions,
        date=max(run.finished_at or "" for run in runs),
    )


def _run_document(
    run: RunRecord, result: RunResult, epochs: Sequence[EpochRecord]
) -> dict[str, Any]:
    return {
        "strategy": run.strategy,
        "seed": run.seed,
        "settings": run.settings,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "notes": list(run.notes),
        "result": result.as_dict(),
        "epochs": [epoch.as_dict() for epoch in epochs],
    }


def _write_predictions(path: Path, predictions: list[Predictions], exact: bool) -> None:
    arrays: dict[str, Any] = {
        "test_indices": predictions[0].test_indices,
        "labels": predictions[0].labels,
    }
    for position, entry in enumerate(predictions):
        if not np.array_equal(entry.test_indices, predictions[0].test_indices):
            raise StoreError("The runs of this experiment were scored on different test images.")
        kept = entry.probabilities if exact else half_precision(entry.probabilities)
        arrays[f"probabilities_{position}"] = kept
    write_arrays(path, arrays, compressed=True)


def _write_weights(folder: Path, runs: list[RunRecord], exact: bool) -> None:
    """Of every run; unless ``exact``, only of each strategy's first seed, and only small ones."""
    first_runs = {run.strategy: run for run in reversed(runs)}
    for run in runs if exact else first_runs.values():
        kept = weights_path(run.id)
        if pull(kept) and (exact or kept.stat().st_size <= MOST_WEIGHTS_BYTES):
            folder.mkdir(exist_ok=True)
            write_bytes(folder / f"{run.strategy}-{run.seed}.npz", kept.read_bytes())


def copy_weights(folder: Path, experiment_id: str) -> None:
    """Copy the weights of recorded runs to where runs keep them, also into an older home.

    A run that was imported has a folder with its predictions.
    """
    for path in sorted(folder.glob("*.npz")):
        strategy, _, seed = path.stem.rpartition("-")
        kept = weights_path(run_id_of(experiment_id, strategy, int(seed)))
        if kept.parent.is_dir() and not kept.exists():
            write_bytes(kept, path.read_bytes())
            push(kept)


def import_document(store: Store, path: Path) -> str | None:
    """Import the ``experiment.json`` at ``path`` with predictions and weights beside it; returns
    the id, None where it is there already, and then nothing is written. The rows come last: what
    can be seen has its files. Raises ``StoreError`` for a damaged one."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise StoreError(f"{path} is of format {document['format']}; this code reads {FORMAT}.")
        if document["id"] in store.experiment_ids():
            return None
        spec = ExperimentSpec.model_validate(document["spec"])
        labels = read_shared(document.get("labels", {}))
        for used in spec.backbones.values():
            keep_record(used.record)
        origin = Origin(**document["origin"])
        runs = [_recorded_run(entry) for entry in document["runs"]]
        _refuse_other_names(document["id"], runs)
        arrays = read_arrays(path.with_name(PREDICTIONS_NAME))
        for position, run in enumerate(runs):
            probabilities = arrays[f"probabilities_{position}"].astype(np.float32)
            run_id = run_id_of(document["id"], run.strategy, run.seed)
            predictions = Predictions(arrays["test_indices"], arrays["labels"], probabilities)
            write_predictions(run_id, predictions)
    # pydantic's and JSON's errors are among the ValueErrors.
    except (*UNREADABLE, BadInput, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"The recorded experiment {path} cannot be read ({error}).") from error
    copy_weights(path.parent / WEIGHTS_FOLDER, document["id"])
    created_at = document["created_at"]
    added = store.add_recorded(document["id"], spec, created_at, origin, runs, labels)
    return document["id"] if added else None


def names_in(path: Path) -> tuple[str, list[str]]:
    """The ids of the experiment at ``path`` and of its runs. Raises ``ValueError``, or ``OSError``
    where there is no such file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        runs = [(entry["strategy"], entry["seed"]) for entry in document["runs"]]
        ids = [run_id_of(document["id"], strategy, seed) for strategy, seed in runs]
    except (KeyError, TypeError) as error:
        raise ValueError(f"no experiment: {error}") from error
    if not all(map(_RUN_ID.fullmatch, ids)):
        raise ValueError("names that no export has")
    return document["id"], ids


def dataset_in(path: Path) -> tuple[str, str]:
    """Id and name of the dataset of the experiment at ``path``. Raises ``ValueError``."""
    spec = ExperimentSpec.model_validate(json.loads(path.read_text(encoding="utf-8")).get("spec"))
    return spec.dataset_id, spec.dataset_name


def _refuse_other_names(experiment_id: str, runs: Sequence[RecordedRun]) -> None:
    """Folders are named by them: raise ``ValueError`` for what Headstart would not have written."""
    names = [run_id_of(experiment_id, run.strategy, run.seed) for run in runs]
    if not runs or not all(map(_RUN_ID.fullmatch, names)) or len(set(names)) < len(names):
        raise ValueError("its experiment or its runs have names that no export has")


def _recorded_run(entry: dict[str, Any]) -> RecordedRun:
    result = RunResult.from_dict(entry["result"])
    epochs = tuple(map(EpochRecord.from_dict, entry["epochs"]))
    notes = tuple(entry["notes"])
    return RecordedRun(**entry | {"result": result, "epochs": epochs, "notes": notes})
