"""Results of real runs that travel: written by ``experiments export``, imported on first start.

One folder for each experiment: ``experiment.json`` (spec, origin, runs with their results and
epochs), ``predictions.npz`` (``test_indices``, ``labels`` and for run i ``probabilities_i``,
float16), and ``weights/STRATEGY-SEED.npz`` of networks that changed few numbers, so that they can
be tried before anything is trained.
"""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import BadInput, StoreError
from core.experiments.checkpoints import weights_path
from core.experiments.predictions import read_predictions, write_predictions
from core.experiments.records import (
    ExperimentRecord,
    Origin,
    RecordedRun,
    RunRecord,
    finished_runs,
    run_id_of,
)
from core.experiments.spec import ExperimentSpec
from core.experiments.store import Store
from core.files import UNREADABLE, read_arrays, write_arrays, write_json, written_whole
from core.settings import BUNDLED_DATA
from core.training.events import EpochRecord, Predictions, RunResult

SHOWCASE_FOLDER = BUNDLED_DATA / "showcase"
FORMAT = 1
DOCUMENT_NAME = "experiment.json"
PREDICTIONS_NAME = "predictions.npz"
WEIGHTS_FOLDER = "weights"
MOST_WEIGHTS_BYTES = 1_000_000
"""Weights of a run up to this size travel; a CNN or a probe has a third of it."""


def export_experiment(store: Store, experiment_id: str, folder: Path) -> Path:
    """Write a finished experiment into ``folder`` and return its own folder there.

    Raises ``BadInput`` while a run of it is not finished: what is recorded is whole.
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
    _write_predictions(target / PREDICTIONS_NAME, [read_predictions(run.id) for run in runs])
    document = {
        "format": FORMAT,
        "id": experiment.id,
        "created_at": experiment.created_at,
        "origin": asdict(experiment.origin or _origin(runs)),
        "spec": experiment.spec.model_dump(mode="json"),
        "runs": [
            _run_document(run, result, store.epochs(run.id)) for run, result in finished_runs(runs)
        ],
    }
    _write_weights(target / WEIGHTS_FOLDER, runs)
    write_json(target / DOCUMENT_NAME, document, indent=1)
    return target


def import_recorded(store: Store, folder: Path = SHOWCASE_FOLDER) -> list[str]:
    """Import what the store does not have yet; returns the ids of those experiments.

    Raises ``StoreError`` naming a file that is damaged.
    """
    if not folder.is_dir():
        return []
    documents = sorted(folder.glob(f"*/{DOCUMENT_NAME}"))
    known = set(store.experiment_ids())
    # The folder's name ends with the id, so what is there already need not be read.
    ids = [path.parent.name.rpartition("-")[2] for path in documents]
    fresh = [path for path, named in zip(documents, ids, strict=True) if named not in known]
    added = [imported for path in fresh if (imported := _import_one(store, path)) is not None]
    for path, named in zip(documents, ids, strict=True):
        _bring_weights(path.parent / WEIGHTS_FOLDER, named)
    return added


def half_precision(probabilities: np.ndarray) -> np.ndarray:
    """float16 ``(N, classes)`` with the same answers: rounding never moves the largest value."""
    rounded = probabilities.astype(np.float16)
    answers = probabilities.argmax(axis=1)
    for row in np.flatnonzero(rounded.argmax(axis=1) != answers):
        winner = answers[row]
        rounded[row, winner] = np.nextafter(rounded[row].max(), np.float16(2))
    return rounded


def _folder_name(experiment: ExperimentRecord) -> str:
    plain = "".join(
        letter if letter.isascii() and letter.isalnum() else "-"
        for letter in experiment.spec.dataset_name
    )
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


def _write_predictions(path: Path, predictions: list[Predictions]) -> None:
    arrays: dict[str, Any] = {
        "test_indices": predictions[0].test_indices,
        "labels": predictions[0].labels,
    }
    for position, entry in enumerate(predictions):
        if not np.array_equal(entry.test_indices, predictions[0].test_indices):
            raise StoreError("The runs of this experiment were scored on different test images.")
        arrays[f"probabilities_{position}"] = half_precision(entry.probabilities)
    write_arrays(path, arrays, compressed=True)


def _write_weights(folder: Path, runs: list[RunRecord]) -> None:
    for run in runs:
        kept = weights_path(run.id)
        if kept.exists() and kept.stat().st_size <= MOST_WEIGHTS_BYTES:
            folder.mkdir(exist_ok=True)
            _copy(kept, folder / f"{run.strategy}-{run.seed}.npz")


def _bring_weights(folder: Path, experiment_id: str) -> None:
    """Put the weights of recorded runs where runs keep them, also in a home from before they came.

    The folder of a run that has its predictions is there; without it the record was not taken.
    """
    for path in sorted(folder.glob("*.npz")):
        strategy, _, seed = path.stem.rpartition("-")
        kept = weights_path(run_id_of(experiment_id, strategy, int(seed)))
        if kept.parent.is_dir() and not kept.exists():
            _copy(path, kept)


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all, also where two processes start at once."""
    with written_whole(target) as file:
        file.write(source.read_bytes())


def _import_one(store: Store, path: Path) -> str | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise StoreError(f"{path} is of format {document['format']}; this code reads {FORMAT}.")
        spec = ExperimentSpec.model_validate(document["spec"])
        origin = Origin(**document["origin"])
        runs = [
            RecordedRun(
                **entry
                | {
                    "result": RunResult.from_dict(entry["result"]),
                    "epochs": tuple(map(EpochRecord.from_dict, entry["epochs"])),
                    "notes": tuple(entry["notes"]),
                }
            )
            for entry in document["runs"]
        ]
        arrays = read_arrays(path.with_name(PREDICTIONS_NAME))
        for position, run in enumerate(runs):
            write_predictions(
                run_id_of(document["id"], run.strategy, run.seed),
                Predictions(
                    arrays["test_indices"],
                    arrays["labels"],
                    arrays[f"probabilities_{position}"].astype(np.float32),
                ),
            )
    # pydantic's and JSON's errors are among the ValueErrors.
    except (*UNREADABLE, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"The recorded experiment {path} cannot be read ({error}).") from error
    added = store.add_recorded(document["id"], spec, document["created_at"], origin, runs)
    return document["id"] if added else None
