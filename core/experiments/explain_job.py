"""The job ``explain``: where a finished run looked in some pictures.

Asked for through ``core.experiments.checkpoints.heat_maps``. It works on the processor alone and in
float32: a training may be using the GPU, a few images take a second, and in half precision small
gradients vanish.
"""

from dataclasses import asdict
from typing import Any

import numpy as np

from core.datasets.prepare import prepare_images
from core.datasets.storage import open_dataset
from core.experiments.checkpoints import HeatMaps, read_weights
from core.experiments.predictions import read_predictions
from core.experiments.store import Store, open_store
from core.files import write_arrays
from core.jobs.cached import output_of, remove_oldest
from core.jobs.context import JobContext


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """Look at ``images`` (positions in the dataset) with the network of ``run``."""
    positions = np.array(arguments["images"], np.int64)
    maps = computed_heat_maps(open_store(), arguments["run"], positions, context)
    output = output_of(arguments)
    write_arrays(output, asdict(maps))
    remove_oldest(context.queue, context.job.kind, output)


def computed_heat_maps(
    store: Store, run_id: str, positions: np.ndarray, context: JobContext
) -> HeatMaps:
    """Put the network of the run together and ask it; see ``HeatMaps``.

    ``positions`` int64 ``(n,)`` in the dataset. Raises what ``restored_model`` and ``explain`` do,
    and ``StoreError`` where weights or predictions cannot be read.
    """
    context.report("Loading the libraries")
    # Imported here: these load Keras, and it should be said before that.
    from core.networks.explain import explain
    from core.networks.restore import restored_model

    run = store.run(run_id)
    spec = store.experiment(run.experiment_id).training_spec(run)
    spec = spec.model_copy(update={"precision": "float32"})
    dataset = open_dataset(spec.dataset_id)
    weights = read_weights(run_id)
    prepared = prepare_images(
        dataset,
        spec.image_size,
        spec.resize,
        lambda done, total: context.report("Preparing the images", done, total),
    )
    context.report("Putting the network together")
    restored = restored_model(spec, weights, dataset)
    pictures = prepared.take(positions)
    context.report("Looking at the pictures")
    probabilities = _stored_where_tested(run_id, positions, restored.probabilities(pictures))
    predicted = probabilities.argmax(axis=1).astype(np.int32)
    labels = dataset.labels[positions].astype(np.int32)
    maps = explain(
        restored, np.concatenate([pictures, pictures]), np.concatenate([predicted, labels])
    )
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
    """What the run itself said of its test pictures: it may have had another precision."""
    stored = read_predictions(run_id)
    row_of = {int(index): row for row, index in enumerate(stored.test_indices)}
    filled = probabilities.copy()
    for place, position in enumerate(positions):
        row = row_of.get(int(position))
        if row is not None:
            filled[place] = stored.probabilities[row]
    return filled
