"""A trained network as a package to take away: which runs have one, and the job that makes it.

Pages and the command line ask for a package; the job ``export`` makes it in a process of its own,
on the processor alone and in float32, which every machine computes alike. Keras is loaded only
there.
"""

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.analysis.comparison import title_of
from core.datasets.dataset import Dataset
from core.datasets.prepare import prepare_images
from core.datasets.storage import open_dataset
from core.errors import BadInput, HeadstartError
from core.experiments.records import RunRecord, finished_runs, result_of
from core.experiments.run_files import read_predictions, read_weights, why_no_weights
from core.experiments.store import Store, open_store
from core.files import check_room, written_whole
from core.jobs.cached import (
    CachedWork,
    cache_folder,
    cached_work,
    output_of,
    remove_oldest,
    unfinished_folder,
)
from core.jobs.context import JobContext
from core.reports.model_card import (
    CARD,
    CONTENTS,
    KERAS_FILE,
    ONNX_FILE,
    ONNX_REQUIREMENTS,
    SNIPPET,
    TEMPLATES,
    PackageFacts,
    model_card,
)
from core.strategies.registry import STRATEGIES
from core.text import fold_accents
from core.training.events import RunResult
from core.training.spec import TrainingSpec

FORMAT = 5  # raised when the same run would give another package
BYTES_PER_PARAMETER = 4  # float32
TO_EXPORT = "and export one of its runs"
# The most that the packages of the cache may take together: some ten of large networks.
PACKAGES_LIMIT_BYTES = 2 * 1024**3
CHECKED_IMAGES, CHECKED_TOGETHER = 64, 16
# Rounding moves an answer here and there; more than this means another network.
LEAST_SAME_ANSWERS = 0.9


@dataclass(frozen=True)
class ExportableRun:
    """A run whose network can be taken away; ``expected_bytes`` is about the package's size,
    ``validation_accuracy`` a fraction 0 to 1."""

    run_id: str
    strategy: str
    title: str
    seed: int
    expected_bytes: int
    validation_accuracy: float


def exportable_runs(store: Store, experiment_id: str) -> list[ExportableRun]:
    """The runs of an experiment with kept weights, in the order in which they were planned.

    ``UnknownName`` for an experiment that is not in the store.
    """
    experiment = store.experiment(experiment_id)
    return [
        ExportableRun(
            run.id,
            run.strategy,
            title_of(run.strategy),
            run.seed,
            expected_bytes(result),
            result.scores.validation.accuracy,
        )
        for run, result in finished_runs(store.runs(experiment_id))
        if why_no_weights(run, experiment) is None
    ]


def why_nothing_to_export(store: Store, experiment_id: str) -> str:
    """One sentence for an experiment without any run of ``exportable_runs``.

    ``UnknownName`` for an experiment that is not in the store.
    """
    experiment = store.experiment(experiment_id)
    if experiment.is_active:
        return "No network has finished yet. It can be kept as soon as its run has."
    finished = store.runs(experiment_id, ["finished"])
    networks = [
        run
        for run in finished
        if run.strategy not in STRATEGIES or STRATEGIES[run.strategy].has_network
    ]
    if not networks:
        return "No network of this experiment has finished, so there is nothing to keep."
    if experiment.recorded:
        return "These results were recorded elsewhere, and their networks did not come with them."
    return why_no_weights(networks[-1], experiment, TO_EXPORT) or ""


def expected_bytes(result: RunResult) -> int:
    """About the size of the package of a finished run, with both model files."""
    return 2 * BYTES_PER_PARAMETER * result.parameters


def model_package(store: Store, run_id: str) -> CachedWork:
    """The state of a run's package; starts the work where there is none yet.

    The result is a zip, see ``CONTENTS``. Raises ``BadInput`` with the reason where the run has
    no weights, ``UnknownName`` for a run or dataset that is not there.
    """
    run = store.run(run_id)
    reason = why_no_weights(run, store.experiment(run.experiment_id), TO_EXPORT)
    if reason is not None:
        raise BadInput(reason, "run")
    return cached_work(store, "export", {"run": run_id}, _package_path(store, run))


def ready_package(store: Store, run_id: str) -> Path | None:
    """The package of a run where it was made already; nothing is started."""
    path = _package_path(store, store.run(run_id))
    return path if path.exists() else None


def read_package(path: Path) -> bytes:
    """The whole package in memory; ``HeadstartError`` where it is gone."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise HeadstartError("The package was cleared away. Open the page again.") from None


def package_name(dataset_name: str, strategy: str, seed: int) -> str:
    """A file name for the package that every system takes."""
    ascii_name = fold_accents(dataset_name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", ascii_name).strip("-").lower()[:40]
    return "-".join(part for part in ("headstart", words, strategy, f"seed{seed}") if part) + ".zip"


def snippet() -> str:
    """The program ``predict.py`` as it is in every package."""
    return (TEMPLATES / SNIPPET).read_text(encoding="utf-8")


def _package_path(store: Store, run: RunRecord) -> Path:
    dataset = open_dataset(store.experiment(run.experiment_id).spec.dataset_id)
    # The moment tells apart a run that was made again under the same id; the card names the rest.
    mark = f"{FORMAT};{run.finished_at};{dataset.name};{snippet()}"
    key = hashlib.sha256(mark.encode()).hexdigest()[:16]
    return cache_folder() / "kept" / f"{run.id}-{key}.zip"


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """The job ``export``: pack the network of ``run``."""
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
    with unfinished_folder(output) as folder:
        facts = _write_networks(run, spec, dataset, folder, context)
        context.report("Writing the model card")
        texts = {
            "labels.json": _as_json(list(dataset.classes)),
            "preprocessing.json": _as_json(_preprocessing(spec, dataset, facts)),
            SNIPPET: snippet(),
            "requirements.txt": _requirements(facts, ["keras", facts.backend, "numpy", "pillow"]),
            CARD: model_card(store, run_id, facts),
        }
        if facts.onnx_bytes:
            texts[ONNX_REQUIREMENTS] = _requirements(facts, ["onnxruntime", "numpy", "pillow"])
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        context.report("Packing")
        # Not deflated: weights hardly shrink, and it would take longer than all the rest.
        with written_whole(output) as file, zipfile.ZipFile(file, "w") as archive:
            for name in CONTENTS:
                if (folder / name).exists():
                    archive.write(folder / name, f"{run_id}/{name}")


def _write_networks(
    run: RunRecord, spec: TrainingSpec, dataset: Dataset, folder: Path, context: JobContext
) -> PackageFacts:
    context.report("Loading the libraries")
    # Imported here: these load Keras, and people should read that before.
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
    checked, same, largest_difference = _compared(run.id, spec, dataset, folder / KERAS_FILE)
    return PackageFacts(
        side=restored.image_shape[0],
        inside=inside_words(restored),
        backend=load_keras().backend.backend(),
        versions=library_versions(),
        parameters=network.count_params(),
        keras_bytes=(folder / KERAS_FILE).stat().st_size,
        onnx_bytes=None if why_no_onnx else (folder / ONNX_FILE).stat().st_size,
        why_no_onnx=why_no_onnx,
        checked_images=checked,
        same_answers=same,
        largest_difference=largest_difference,
    )


def _compared(
    run_id: str, spec: TrainingSpec, dataset: Dataset, path: Path
) -> tuple[int, int, float]:
    """The file's answers to some test images beside those that the run stored.

    How many images, how many with the same answer, and the largest difference of a probability.
    """
    from core.networks.keras_export import probabilities_of_file

    stored = read_predictions(run_id)
    places = np.linspace(0, len(stored.labels) - 1, CHECKED_IMAGES)
    rows = np.unique(places.round().astype(np.int64))
    prepared = prepare_images(dataset, spec.image_size, spec.resize)
    found = probabilities_of_file(path, prepared.take(stored.test_indices[rows]), CHECKED_TOGETHER)
    expected = stored.probabilities[rows]
    same = int((found.argmax(axis=1) == expected.argmax(axis=1)).sum())
    if same < LEAST_SAME_ANSWERS * len(rows):
        raise HeadstartError(
            f"The exported file does not predict what the run did: only {same} of {len(rows)} test "
            "images agree. The package was not made. Run the benchmark again."
        )
    return len(rows), same, float(np.abs(found - expected).max())


def _preprocessing(spec: TrainingSpec, dataset: Dataset, facts: PackageFacts) -> dict[str, object]:
    """What ``predict.py`` does to an image, and what the network does itself."""
    return {
        "side": facts.side,
        "channels": dataset.channels,
        "colour_order": "RGB" if dataset.channels == 3 else "grey",
        "values": "uint8, 0 to 255, shape (pictures, side, side, channels)",
        # Black and white in images deeper than 8 bits, by kind of number; null as usual.
        "levels": dataset.levels.to_json(),
        "resize": spec.resize,
        "resampling": "bilinear, antialiased (Pillow)",
        "orientation": "as the EXIF says",
        "transparency": "laid on white",
        "inside_the_network": list(facts.inside),
    }


def _requirements(facts: PackageFacts, names: list[str]) -> str:
    pinned = [f"{name}=={facts.versions[name]}" for name in names if name in facts.versions]
    free = [name for name in names if name not in facts.versions]
    return "\n".join([*pinned, *free]) + "\n"


def _as_json(document: object) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
