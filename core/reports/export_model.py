"""A trained strategy as a package to take away: the side that pages and the command line see.

No Keras here: ``core.reports.export_job`` makes the package in a process of its own.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from core.analysis.comparison import title_of
from core.datasets.storage import open_dataset
from core.errors import BadInput, HeadstartError
from core.experiments.records import RunRecord, finished_runs
from core.experiments.run_files import why_no_weights
from core.experiments.store import Store
from core.jobs.cached import CachedWork, cache_folder, cached_work
from core.strategies.registry import find_strategy
from core.text import fold_accents
from core.training.events import RunResult

CARD, SNIPPET = "README.md", "predict.py"
KERAS_FILE, ONNX_FILE = "model.keras", "model.onnx"
ONNX_REQUIREMENTS = "requirements-onnx.txt"
# What the package holds, in the order in which it is told.
CONTENTS = {
    KERAS_FILE: "the trained network; it loads with Keras alone",
    ONNX_FILE: "the same network for ONNX Runtime, without Keras",
    "labels.json": "the names of the classes, in the order of the network's answers",
    "preprocessing.json": "what is done to a picture before the network sees it",
    SNIPPET: "a short program that says what the network sees in a picture",
    "requirements.txt": "the libraries that the program needs, with their versions",
    ONNX_REQUIREMENTS: "the few that it needs with ONNX instead",
    CARD: "the model card: data, split, measures with intervals, limits",
}
_SNIPPET_FILE = Path(__file__).parent / "templates" / SNIPPET
FORMAT = 2  # raised when the same run would give another package
BYTES_PER_PARAMETER = 4  # float32


def snippet() -> str:
    """The program ``predict.py`` as it lies in every package."""
    return _SNIPPET_FILE.read_text(encoding="utf-8")


@dataclass(frozen=True)
class KeepableRun:
    """A run whose network can be taken away; ``expected_bytes`` is about the package's size,
    ``validation_accuracy`` a fraction 0 to 1."""

    run_id: str
    strategy: str
    title: str
    seed: int
    expected_bytes: int
    validation_accuracy: float


def keepable_runs(store: Store, experiment_id: str) -> list[KeepableRun]:
    """The runs of an experiment with kept weights, in the order in which they were planned.

    ``UnknownName`` for an experiment that is not in the store.
    """
    experiment = store.experiment(experiment_id)
    return [
        KeepableRun(
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


def why_nothing_to_keep(store: Store, experiment_id: str) -> str:
    """One sentence for an experiment without any run of ``keepable_runs``.

    ``UnknownName`` for an experiment that is not in the store.
    """
    experiment = store.experiment(experiment_id)
    finished = store.runs(experiment_id, ["finished"])
    if experiment.is_active:
        return "No network has finished yet. It can be kept as soon as its run has."
    networks = [run for run in finished if _has_network(run)]
    if not networks:
        return "No network of this experiment has finished, so there is nothing to keep."
    if experiment.recorded:
        return "These results were recorded elsewhere, and their networks did not come with them."
    return why_no_weights(networks[-1], experiment) or ""


def expected_bytes(result: RunResult) -> int:
    """About the size of the package of a finished run, with both model files."""
    return 2 * BYTES_PER_PARAMETER * result.parameters


def kept_package(store: Store, run_id: str) -> CachedWork:
    """How the package of a run stands; starts the work where there is none yet.

    The result is a zip, see ``CONTENTS``. Raises ``BadInput`` with the reason where the run has
    no weights, ``UnknownName`` for a run or dataset that is not there.
    """
    run = store.run(run_id)
    reason = why_no_weights(run, store.experiment(run.experiment_id))
    if reason is not None:
        raise BadInput(reason, "run")
    return cached_work(store, "export", {"run": run_id}, _package_path(store, run))


def ready_package(store: Store, run_id: str) -> Path | None:
    """The package of a run where it was made already; nothing is started."""
    path = _package_path(store, store.run(run_id))
    return path if path.exists() else None


def _package_path(store: Store, run: RunRecord) -> Path:
    dataset = open_dataset(store.experiment(run.experiment_id).spec.dataset_id)
    # The moment tells apart a run that was made again under the same id; the card names the rest.
    mark = f"{FORMAT};{run.finished_at};{dataset.name};{snippet()}"
    key = hashlib.sha256(mark.encode()).hexdigest()[:16]
    return cache_folder() / "kept" / f"{run.id}-{key}.zip"


def package_name(dataset_name: str, strategy: str, seed: int) -> str:
    """A file name for the package that every system takes."""
    ascii_name = fold_accents(dataset_name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", ascii_name).strip("-").lower()[:40]
    return "-".join(part for part in ("headstart", words, strategy, f"seed{seed}") if part) + ".zip"


def read_package(path: Path) -> bytes:
    """The whole package in memory; ``HeadstartError`` where it is gone."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise HeadstartError("The package was cleared away. Open the page again.") from None


def _has_network(run: RunRecord) -> bool:
    return find_strategy(run.strategy).has_network
