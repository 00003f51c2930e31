"""What a run keeps of its network, and where the network looked: the side that pages see.

No Keras here: ``core.experiments.explain_job`` computes the heat maps in a process of its own.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.datasets.storage import check_room, open_dataset
from core.errors import BadInput, StoreError
from core.experiments.records import ExperimentRecord, RunRecord
from core.experiments.store import Store
from core.files import UNREADABLE, read_arrays, write_arrays
from core.jobs.cached import CachedWork, cache_folder, cached_work
from core.settings import current_settings
from core.strategies.registry import find_strategy

MOST_IMAGES = 16
FORMAT = 1  # raised when the same run and pictures would give other maps
NOT_KEPT = (
    "The weights of this run were not kept: {why}. Run the benchmark here to see where it looked."
)


def weights_path(run_id: str) -> Path:
    return current_settings().runs_folder / run_id / "weights.npz"


def write_weights(run_id: str, weights: Mapping[str, np.ndarray]) -> int:
    """Keep ``TrainingOutcome.trained_weights`` beside the predictions; returns the size in bytes.

    Raises ``HeadstartError`` where the disk has no room, ``OSError`` where it cannot be written.
    """
    path = weights_path(run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    check_room(path.parent, sum(array.nbytes for array in weights.values()), "the trained weights")
    return write_arrays(path, weights)


def read_weights(run_id: str) -> dict[str, np.ndarray]:
    """The float32 arrays by name; ``StoreError`` where the file is missing or damaged."""
    path = weights_path(run_id)
    try:
        return read_arrays(path)
    except UNREADABLE as error:
        raise StoreError(
            f"The weights of run {run_id} cannot be read from {path} ({error}). "
            "Run the benchmark again to make them."
        ) from error


def why_no_weights(run: RunRecord, experiment: ExperimentRecord) -> str | None:
    """A sentence where there are no weights to put the network of a run of ``experiment`` together;
    None if there are."""
    if run.state != "finished":
        return f"Run {run.id} is {run.state}: only a finished run has a network to look at."
    if not find_strategy(run.strategy).has_network:
        return f"{find_strategy(run.strategy).title} has no network: it never looks at a picture."
    kept = run.result.weights if run.result else None
    failed = kept is not None and kept.size_bytes is None
    # A file may lie there from an attempt before, so what the run says of itself comes first.
    if not failed and weights_path(run.id).exists():
        return None
    if experiment.recorded:
        return NOT_KEPT.format(why="it was recorded elsewhere")
    if kept is None:
        return NOT_KEPT.format(why="it is from before Headstart kept them")
    if failed:
        return NOT_KEPT.format(why="they could not be written, as its notes say")
    return NOT_KEPT.format(why="their file was removed")


def why_no_heat_maps(store: Store, run_id: str) -> str | None:
    """A sentence where it cannot be shown where this run looked; None if it can.

    Raises ``UnknownName`` for a run that is not there.
    """
    run = store.run(run_id)
    strategy = find_strategy(run.strategy)
    if not strategy.convolutional:
        return (
            f"{strategy.title} has no convolutional layer, so there is no map of where it looked."
        )
    return why_no_weights(run, store.experiment(run.experiment_id))


@dataclass(frozen=True)
class HeatMaps:
    """Grad-CAM for n pictures, in the order they were asked for.

    ``positions`` int64 ``(n,)`` are positions in the dataset; ``predicted`` and ``labels`` int32
    ``(n,)`` the class that the run answered and the true one; ``probabilities`` float32
    ``(n, classes)``. ``for_predicted`` and ``for_label`` float32 ``(n, h, w)``, 0 to 1, say which
    places spoke for these classes; lay them over the picture enlarged to its size.
    """

    positions: np.ndarray
    predicted: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    for_predicted: np.ndarray
    for_label: np.ndarray


def heat_maps(store: Store, run_id: str, image_positions: Sequence[int]) -> CachedWork:
    """Where a finished run looked in these pictures of its dataset; see ``cached_work``.

    Raises ``BadInput`` with the sentence of ``why_no_heat_maps``, or for positions that are not
    in the dataset or more than 16; ``UnknownName`` for a run or dataset that is not there.
    """
    reason = why_no_heat_maps(store, run_id)
    if reason is not None:
        raise BadInput(reason, "run")
    run = store.run(run_id)
    dataset = open_dataset(store.experiment(run.experiment_id).spec.dataset_id)
    positions = [int(position) for position in image_positions]
    if not 1 <= len(positions) <= MOST_IMAGES:
        raise BadInput(f"Choose 1 to {MOST_IMAGES} pictures, not {len(positions)}.", "images")
    for position in positions:
        if not 0 <= position < dataset.image_count:
            raise BadInput(
                f"There is no picture {position} in {dataset.name}; "
                f"its {dataset.image_count} are counted from 0.",
                "images",
            )
    listed = ",".join(map(str, positions))
    arguments = {"run": run_id, "images": positions}
    return cached_work(store, "explain", arguments, _heat_maps_path(run, listed))


def read_heat_maps(path: Path) -> HeatMaps:
    """The result of ``heat_maps`` once it is ready; ``StoreError`` if it cannot be read."""
    try:
        names = HeatMaps.__dataclass_fields__
        arrays = read_arrays(path, *names)
        return HeatMaps(**{name: arrays[name] for name in names})
    except UNREADABLE as error:
        raise StoreError(f"The heat maps in {path} cannot be read ({error}).") from error


def _heat_maps_path(run: RunRecord, listed: str) -> Path:
    # The moment tells apart a run that was made again under the same id.
    key = hashlib.sha256(f"{FORMAT};{run.finished_at};{listed}".encode()).hexdigest()[:16]
    return cache_folder() / "heat_maps" / f"{run.id}-{key}.npz"
