"""Heat maps: where a finished run looked in some images. Pages ask; the job ``explain`` computes.

The job works on the processor alone and in float32: a training may be using the GPU, a few images
take a second, and in half precision small gradients vanish.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets.prepare import prepare_images
from core.datasets.storage import open_dataset
from core.errors import BadInput, StoreError
from core.experiments.records import RunRecord
from core.experiments.run_files import read_predictions, read_weights, why_no_weights
from core.experiments.store import Store, open_store
from core.experiments.used_backbones import why_not_here
from core.files import UNREADABLE, read_arrays, write_arrays
from core.jobs.cached import CachedWork, cache_folder, cached_work, output_of, remove_oldest
from core.jobs.context import JobContext
from core.strategies.registry import find_strategy

MOST_IMAGES = 16
FORMAT = 1  # raised when the same run and images would give other maps


@dataclass(frozen=True)
class HeatMaps:
    """Grad-CAM for n images, in the order of the request.

    ``positions`` int64 ``(n,)`` are positions in the dataset; ``predicted`` and ``labels`` int32
    ``(n,)`` the predicted class and the true one; ``probabilities`` float32 ``(n, classes)``.
    ``for_predicted`` and ``for_label`` float32 ``(n, h, w)``, 0 to 1, say how much each place
    supports these classes; enlarge them to the size of the image and lay them over it.
    """

    positions: np.ndarray
    predicted: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    for_predicted: np.ndarray
    for_label: np.ndarray


def why_no_heat_maps(store: Store, run_id: str) -> str | None:
    """Why this run can have no heat maps, in a sentence; None if it can.

    Raises ``UnknownName`` for a run that is not there.
    """
    run = store.run(run_id)
    experiment = store.experiment(run.experiment_id)
    if gone := why_not_here(run.strategy, experiment.spec):
        return gone
    strategy = find_strategy(run.strategy)
    if not strategy.convolutional:
        return (
            f"{strategy.title} has no convolutional layer, so there is no map of where it looked."
        )
    return why_no_weights(run, experiment)


def heat_maps(store: Store, run_id: str, image_positions: Sequence[int]) -> CachedWork:
    """Where a finished run looked in these images of its dataset; see ``cached_work``.

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
                f"There is no picture {position} in {dataset.name}, "
                f"which has {dataset.image_count}, counted from 0.",
                "images",
            )
    # finished_at tells apart a run that was made again under the same id.
    listed = ",".join(map(str, positions))
    key = hashlib.sha256(f"{FORMAT};{run.finished_at};{listed}".encode()).hexdigest()[:16]
    result = cache_folder() / "heat_maps" / f"{run.id}-{key}.npz"
    return cached_work(store, "explain", {"run": run_id, "images": positions}, result)


def read_heat_maps(path: Path) -> HeatMaps:
    """The result of ``heat_maps`` once it is ready; ``StoreError`` if it cannot be read."""
    try:
        names = HeatMaps.__dataclass_fields__
        arrays = read_arrays(path, *names)
        return HeatMaps(**{name: arrays[name] for name in names})
    except UNREADABLE as error:
        raise StoreError(f"The heat maps in {path} cannot be read ({error}).") from error


# In the child process -------------------------------------------------------------------------


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """Compute the heat maps of ``run`` for ``images`` (positions in the dataset)."""
    store = open_store()
    positions = np.array(arguments["images"], np.int64)
    maps = _computed(store, store.run(arguments["run"]), positions, context)
    output = output_of(arguments)
    write_arrays(output, asdict(maps))
    remove_oldest(context.queue, context.job.kind, output)


def _computed(store: Store, run: RunRecord, positions: np.ndarray, context: JobContext) -> HeatMaps:
    """Restore the network of the run and ask it; ``positions`` int64 ``(n,)`` in the dataset.

    Raises what ``restored_model`` and ``explain`` do, and ``StoreError`` where weights or
    predictions cannot be read.
    """
    context.report("Loading the libraries")
    # Imported here: these load Keras, and people should read that first.
    from core.networks.explain import explain
    from core.networks.restore import restored_model

    spec = store.experiment(run.experiment_id).training_spec(run)
    spec = spec.model_copy(update={"precision": "float32"})
    dataset = open_dataset(spec.dataset_id)
    weights = read_weights(run.id)
    prepared = prepare_images(
        dataset,
        spec.image_size,
        spec.resize,
        lambda done, total: context.report("Preparing the images", done, total),
    )
    context.report("Putting the network together")
    restored = restored_model(spec, weights, dataset)
    images = prepared.take(positions)
    context.report("Looking at the pictures")
    probabilities = _stored_where_tested(run.id, positions, restored.probabilities(images))
    predicted = probabilities.argmax(axis=1).astype(np.int32)
    labels = dataset.labels[positions].astype(np.int32)
    maps = explain(restored, np.concatenate([images, images]), np.concatenate([predicted, labels]))
    return HeatMaps(
        positions=positions,
        predicted=predicted,
        labels=labels,
        probabilities=probabilities,
        for_predicted=maps[: len(positions)],
        for_label=maps[len(positions) :],
    )


def _stored_where_tested(
    run_id: str, positions: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """The run's own predictions for its test images: it may have had another precision."""
    stored = read_predictions(run_id)
    places, rows = np.nonzero(positions[:, None] == stored.test_indices)
    filled = probabilities.copy()
    filled[places] = stored.probabilities[rows]
    return filled
