"""The job ``export``: makes the package of a finished run, see ``core.reports.export_model``.

It works on the processor alone and in float32, which every machine computes alike.
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.datasets.dataset import Dataset
from core.datasets.prepare import prepare_images
from core.datasets.storage import check_room, open_dataset
from core.errors import HeadstartError
from core.experiments.records import RunRecord, result_of
from core.experiments.run_files import read_predictions, read_weights
from core.experiments.store import Store, open_store
from core.files import written_whole
from core.jobs.cached import output_of, remove_oldest, unfinished_folder
from core.jobs.context import JobContext
from core.reports.export_model import (
    BYTES_PER_PARAMETER,
    CARD,
    CONTENTS,
    KERAS_FILE,
    ONNX_FILE,
    ONNX_REQUIREMENTS,
    SNIPPET,
    expected_bytes,
    snippet,
)
from core.reports.model_card import PackageFacts, model_card
from core.training.spec import TrainingSpec

PACKAGES_LIMIT_BYTES = 2 * 1024**3
"""What kept packages may take together: some ten of large networks."""

CHECKED_IMAGES = 64
CHECKED_TOGETHER = 16
# Rounding moves an answer here and there; more than this means another network.
LEAST_SAME_ANSWERS = 0.9


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """Pack the network of ``run``."""
    output = output_of(arguments)
    make_package(open_store(), arguments["run"], output, context)
    remove_oldest(context.queue, context.job.kind, output, PACKAGES_LIMIT_BYTES)


def make_package(store: Store, run_id: str, output: Path, context: JobContext) -> None:
    """Write the zip of a run to ``output``, whole or not at all.

    Raises what ``restored_model`` does, ``StoreError`` where weights or predictions cannot be read,
    and ``HeadstartError`` where the file does not answer as the run did.
    """
    run = store.run(run_id)
    spec = store.experiment(run.experiment_id).training_spec(run)
    dataset = open_dataset(spec.dataset_id)
    check_room(output.parent, 2 * expected_bytes(result_of(run)) + BYTES_PER_PARAMETER, "the model")
    with unfinished_folder(output) as files:
        facts = _write_networks(run, spec, dataset, files, context)
        context.report("Writing the model card")
        texts = {
            "labels.json": _as_json(list(dataset.classes)),
            "preprocessing.json": _as_json(preprocessing(spec, dataset.channels, facts)),
            SNIPPET: snippet(),
            "requirements.txt": _requirements(facts, ["keras", facts.backend, "numpy", "pillow"]),
            CARD: model_card(store, run_id, facts),
        }
        if facts.onnx_bytes:
            texts[ONNX_REQUIREMENTS] = _requirements(facts, ["onnxruntime", "numpy", "pillow"])
        for name, text in texts.items():
            (files / name).write_text(text, encoding="utf-8")
        context.report("Packing")
        with written_whole(output) as file:
            _pack(files, run_id, file)


def preprocessing(spec: TrainingSpec, channels: int, facts: PackageFacts) -> dict[str, object]:
    """What ``predict.py`` does to a picture, and what the network does itself."""
    return {
        "side": facts.side,
        "channels": channels,
        "colour_order": "RGB" if channels == 3 else "grey",
        "values": "uint8, 0 to 255, shape (pictures, side, side, channels)",
        "resize": spec.resize,
        "resampling": "bilinear, antialiased (Pillow)",
        "orientation": "as the EXIF says",
        "transparency": "laid on white",
        "inside_the_network": list(facts.inside),
    }


@dataclass(frozen=True)
class _Check:
    pictures: int
    same_answers: int
    largest_difference: float


def _write_networks(
    run: RunRecord, spec: TrainingSpec, dataset: Dataset, folder: Path, context: JobContext
) -> PackageFacts:
    context.report("Loading the libraries")
    # Imported here: these load Keras, and it should be said before that.
    from core.backbones.backend import load_keras
    from core.networks.keras_export import inside_words, portable_network, save_onnx
    from core.networks.restore import restored_model
    from core.training.policy import library_versions

    weights = read_weights(run.id)
    context.report("Putting the network together")
    restored = restored_model(spec.model_copy(update={"precision": "float32"}), weights, dataset)
    network = portable_network(restored)
    context.report("Writing the Keras file")
    network.save(folder / KERAS_FILE)
    context.report("Writing the ONNX file")
    why_no_onnx = save_onnx(network, folder / ONNX_FILE)
    context.report("Comparing its answers with those of the run")
    check = _compared(run.id, spec, dataset, folder / KERAS_FILE)
    return PackageFacts(
        side=restored.image_shape[0],
        inside=inside_words(restored),
        backend=load_keras().backend.backend(),
        versions=library_versions(),
        parameters=network.count_params(),
        keras_bytes=(folder / KERAS_FILE).stat().st_size,
        onnx_bytes=None if why_no_onnx else (folder / ONNX_FILE).stat().st_size,
        why_no_onnx=why_no_onnx,
        checked_images=check.pictures,
        same_answers=check.same_answers,
        largest_difference=check.largest_difference,
    )


def _compared(run_id: str, spec: TrainingSpec, dataset: Dataset, path: Path) -> _Check:
    """The file's answers to some test pictures beside those that the run stored."""
    from core.networks.keras_export import probabilities_of_file

    stored = read_predictions(run_id)
    rows = np.unique(
        np.linspace(0, len(stored.labels) - 1, CHECKED_IMAGES).round().astype(np.int64)
    )
    prepared = prepare_images(dataset, spec.image_size, spec.resize)
    pictures = prepared.take(stored.test_indices[rows])
    found = probabilities_of_file(path, pictures, CHECKED_TOGETHER)
    expected = stored.probabilities[rows]
    same = int((found.argmax(axis=1) == expected.argmax(axis=1)).sum())
    if same < LEAST_SAME_ANSWERS * len(rows):
        raise HeadstartError(
            f"The file would not answer as the run did: {same} of {len(rows)} test pictures got "
            "the same answer. It was not made. Run the benchmark again."
        )
    return _Check(len(rows), same, float(np.abs(found - expected).max()))


def _requirements(facts: PackageFacts, names: list[str]) -> str:
    pinned = [f"{name}=={facts.versions[name]}" for name in names if name in facts.versions]
    free = [name for name in names if name not in facts.versions]
    return "\n".join([*pinned, *free]) + "\n"


def _as_json(document: object) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _pack(folder: Path, run_id: str, output: BinaryIO) -> None:
    """All files of ``CONTENTS`` that are there, in one folder named after the run."""
    # Stored and not deflated: weights hardly shrink, and it would take longer than all the rest.
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for name in CONTENTS:
            if (folder / name).exists():
                archive.write(folder / name, f"{run_id}/{name}")
