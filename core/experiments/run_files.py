"""The files beside a run: its prediction for every test image, and the weights that it trained."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.errors import DamagedFile, StorageUnavailable, StoreError
from core.experiments.records import ExperimentRecord, RunRecord
from core.experiments.used_backbones import why_not_here
from core.files import UNREADABLE, check_room, make_way, read_arrays, write_arrays
from core.settings import current_settings
from core.storage.shared import pull, push, stored_size
from core.strategies.registry import find_strategy
from core.training.events import Predictions

NOT_KEPT = "The weights of this run were not kept: {why}. Run the benchmark here {purpose}."
# For what is written around the arrays.
SPARE_BYTES = 16 << 10


def predictions_path(run_id: str) -> Path:
    return current_settings().runs_folder / run_id / "predictions.npz"


def write_predictions(run_id: str, predictions: Predictions) -> Path:
    """Write them whole; returns the path. Raises ``HeadstartError`` where the disk has no room."""
    path = predictions_path(run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray] = {
        "test_indices": predictions.test_indices.astype(np.int64),
        "labels": predictions.labels.astype(np.int32),
        "probabilities": predictions.probabilities.astype(np.float32),
    }
    make_way(path)
    needed = sum(array.nbytes for array in arrays.values()) + SPARE_BYTES
    check_room(path.parent, needed, "the predictions of this run")
    write_arrays(path, arrays)
    push(path)
    return path


def read_predictions(run_id: str) -> Predictions:
    """The predictions of a finished run; ``StoreError`` if the file is missing or damaged."""
    path = predictions_path(run_id)
    try:
        pull(path)
        arrays = read_arrays(path, "test_indices", "labels", "probabilities")
        _refuse_other_arrays(**arrays)
    except UNREADABLE as error:
        raise StoreError(
            f"The predictions of run {run_id} cannot be read from {path} ({error}). "
            "Start the run again to make them."
        ) from error
    except StorageUnavailable as error:
        raise StoreError(f"The predictions of run {run_id} are not here. {error}") from error
    return Predictions(arrays["test_indices"], arrays["labels"], arrays["probabilities"])


def has_predictions(run_id: str) -> bool:
    """Whether the predictions of a run are stored, here or where machines share files; they are not
    read. No where that storage is away."""
    try:
        return stored_size(predictions_path(run_id)) is not None
    except StorageUnavailable:
        return False


def _refuse_other_arrays(
    test_indices: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, **_more: np.ndarray
) -> None:
    """Raise ``DamagedFile`` unless the arrays are what ``Predictions`` says."""
    images = (len(labels),) if labels.ndim == 1 else None
    if labels.dtype.kind not in "iu" or test_indices.dtype.kind not in "iu":
        raise DamagedFile("its labels and images are not whole numbers")
    if probabilities.dtype.kind != "f" or not np.isfinite(probabilities).all():
        raise DamagedFile("it has probabilities that are not numbers")
    if images is None or test_indices.shape != images or probabilities.shape[:-1] != images:
        shapes = [array.shape for array in (test_indices, labels, probabilities)]
        raise DamagedFile(f"its arrays have the shapes {shapes}, which do not fit")


def weights_path(run_id: str) -> Path:
    return current_settings().runs_folder / run_id / "weights.npz"


def write_weights(run_id: str, weights: Mapping[str, np.ndarray]) -> int:
    """Keep ``TrainingOutcome.trained_weights``; returns the size of the file in bytes.

    Raises ``HeadstartError`` where the disk has no room, ``OSError`` where it cannot be written.
    """
    path = weights_path(run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    check_room(path.parent, sum(array.nbytes for array in weights.values()), "the trained weights")
    make_way(path)
    size_bytes = write_arrays(path, weights)
    push(path)
    return size_bytes


def read_weights(run_id: str) -> dict[str, np.ndarray]:
    """The float32 arrays by name; ``StoreError`` where the file is missing or damaged."""
    path = weights_path(run_id)
    try:
        pull(path)
        arrays = read_arrays(path)
        if any(array.dtype.kind != "f" for array in arrays.values()):
            raise DamagedFile(f"{path.name} is damaged: it has arrays that are not numbers")
        return arrays
    except UNREADABLE as error:
        raise StoreError(
            f"The weights of run {run_id} cannot be read from {path} ({error}). "
            "Run the benchmark again to make them."
        ) from error
    except StorageUnavailable as error:
        raise StoreError(f"The weights of run {run_id} are not here. {error}") from error


def why_no_weights(
    run: RunRecord, experiment: ExperimentRecord, purpose: str = "to see where it looked"
) -> str | None:
    """Why the network of a run of ``experiment`` cannot be restored, in a sentence; None if it
    can. ``purpose``: what a run that keeps its weights would be good for."""
    if gone := why_not_here(run.strategy, experiment.spec):
        return gone
    if run.state != "finished":
        return f"Run {run.id} is {run.state}: only a finished run has a network to look at."
    if not find_strategy(run.strategy).has_network:
        return f"{find_strategy(run.strategy).title} has no network: it never looks at a picture."
    kept = run.result.weights if run.result else None
    failed = kept is not None and kept.size_bytes is None
    # An earlier attempt may have left a file, so the run's own record is asked first.
    if not failed and stored_size(weights_path(run.id)) is not None:
        return None
    if experiment.recorded:
        return NOT_KEPT.format(why="it was recorded elsewhere", purpose=purpose)
    if kept is None:
        return NOT_KEPT.format(why="it was made by an older version of Headstart", purpose=purpose)
    if failed:
        return NOT_KEPT.format(why="they could not be written, as its notes say", purpose=purpose)
    return NOT_KEPT.format(why="their file was removed", purpose=purpose)
