"""The process that computes where a finished run looked in some pictures.

``python -m core.runs.explain_child --run RUN_ID --images 12,57 --output PATH``, started through
``core.runs.kept_models.heat_maps``. It works on the processor alone and in float32: a training may
be using the GPU, a few pictures take a second, and in half precision small gradients vanish.
"""

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from core.datasets.prepare import prepare_images
from core.datasets.store import open_dataset
from core.runs.array_files import write_arrays
from core.runs.kept_models import HeatMaps, read_weights
from core.runs.predictions import read_predictions
from core.runs.side_work import SideProcess, side_process
from core.runs.store import Store, open_store

PROCESSOR_ONLY = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


def computed_heat_maps(
    store: Store, run_id: str, positions: np.ndarray, work: SideProcess
) -> HeatMaps:
    """Put the network of the run together and ask it; see ``HeatMaps``.

    ``positions`` int64 ``(n,)`` in the dataset. Raises what ``restored_model`` and ``explain`` do,
    and ``StoreError`` where weights or predictions cannot be read.
    """
    work.report("Loading the libraries")
    # Imported here: these load Keras, and the process must hold its lock before that.
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
        lambda done, total: work.report("Preparing the images", done, total),
    )
    work.report("Putting the network together")
    restored = restored_model(spec, weights, dataset)
    pictures = prepared.take(positions)
    work.report("Looking at the pictures")
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
    told = probabilities.copy()
    for place, position in enumerate(positions):
        row = row_of.get(int(position))
        if row is not None:
            told[place] = stored.probabilities[row]
    return told


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m core.runs.explain_child", description=__doc__)
    parser.add_argument("--run", required=True)
    parser.add_argument("--images", required=True, help="positions in the dataset: 12,57")
    parser.add_argument("--output", required=True, type=Path)
    parsed = parser.parse_args(arguments)
    os.environ.update(PROCESSOR_ONLY)
    with side_process(parsed.output) as work:
        positions = np.array([int(part) for part in parsed.images.split(",")], np.int64)
        maps = computed_heat_maps(open_store(), parsed.run, positions, work)
        write_arrays(parsed.output, asdict(maps))
    return 0


if __name__ == "__main__":
    sys.exit(main())
