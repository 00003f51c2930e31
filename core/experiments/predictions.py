"""What every run said about every test image, kept beside the store."""

from pathlib import Path

import numpy as np

from core.errors import StoreError
from core.files import UNREADABLE, read_arrays, write_arrays
from core.settings import current_settings
from core.training.events import Predictions


def predictions_path(run_id: str) -> Path:
    return current_settings().runs_folder / run_id / "predictions.npz"


def write_predictions(run_id: str, predictions: Predictions) -> Path:
    """Write them whole; returns the path."""
    path = predictions_path(run_id)
    arrays: dict[str, np.ndarray] = {
        "test_indices": predictions.test_indices.astype(np.int64),
        "labels": predictions.labels.astype(np.int32),
        "probabilities": predictions.probabilities.astype(np.float32),
    }
    write_arrays(path, arrays)
    return path


def read_predictions(run_id: str) -> Predictions:
    """The predictions of a finished run; ``StoreError`` if the file is missing or damaged."""
    path = predictions_path(run_id)
    try:
        arrays = read_arrays(path, "test_indices", "labels", "probabilities")
        return Predictions(arrays["test_indices"], arrays["labels"], arrays["probabilities"])
    except UNREADABLE as error:
        raise StoreError(
            f"The predictions of run {run_id} cannot be read from {path} ({error}). "
            "Start the run again to make them."
        ) from error
