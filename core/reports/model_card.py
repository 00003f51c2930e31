"""The model card of a kept model, in Markdown: what it is, on what data, how good, its limits.

After Mitchell et al. 2019, "Model Cards for Model Reporting". Every number comes from the run, its
predictions or its dataset.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Context
from pathlib import Path

import numpy as np
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
)

from core.analysis.comparison import split_text, title_of
from core.analysis.evidence import ExperimentPredictions, load_evidence
from core.analysis.metrics import METRICS
from core.analysis.scores import (
    ClassScore,
    StrategyScore,
    per_class_table,
    score_table,
)
from core.analysis.words.limits import limits
from core.datasets.dataset import Dataset
from core.datasets.storage import open_dataset
from core.errors import StoreError
from core.experiments.records import (
    ExperimentRecord,
    ExperimentSpec,
    RunRecord,
    result_of,
)
from core.experiments.store import Store
from core.layers.record import LayerRecord
from core.reports.export_model import CONTENTS, ONNX_FILE, ONNX_REQUIREMENTS
from core.strategies.registry import find_strategy
from core.text import escape_markdown_file, percent_text, seconds_text
from core.training.events import RunResult

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class PackageFacts:
    """What is known of the files beside the card once they are made.

    ``side`` is that of the pictures in pixels, ``inside`` what the network does to them in words.
    ``onnx_bytes`` is None where there is no such file, and ``why_no_onnx`` says why.
    ``same_answers`` of ``checked_images`` test pictures got the answer that the run had stored;
    ``largest_difference`` (0 to 1) is between their probabilities.
    """

    side: int
    inside: tuple[str, ...]
    backend: str
    versions: dict[str, str]
    parameters: int
    keras_bytes: int
    onnx_bytes: int | None
    why_no_onnx: str | None
    checked_images: int
    same_answers: int
    largest_difference: float


def model_card(store: Store, run_id: str, package: PackageFacts) -> str:
    """The card of a finished run as Markdown; names that users gave are escaped.

    Raises ``UnknownName`` for a run or dataset that is not there, ``StoreError`` without the run's
    predictions.
    """
    run = store.run(run_id)
    experiment = store.experiment(run.experiment_id)
    dataset = open_dataset(experiment.spec.dataset_id)
    evidence = evidence_of_run(load_evidence(store, run.experiment_id), run)
    scores = {name: score_table(evidence, name)[0] for name in METRICS}
    classes = per_class_table(evidence, run.strategy)
    strategy = find_strategy(run.strategy)
    return _template().render(
        title=title_of(run.strategy),
        teaches=strategy.teaches,
        run=run,
        spec=experiment.spec,
        package=package,
        furthest=f"{_rounded_up(package.largest_difference):g}",
        channels=dataset.channels,
        files=[
            (name, what)
            for name, what in CONTENTS.items()
            if package.onnx_bytes or name not in (ONNX_FILE, ONNX_REQUIREMENTS)
        ],
        data=_data_rows(experiment.spec, dataset),
        evidence=evidence,
        metrics=[_metric_row(scores[name]) for name in METRICS],
        classes=_class_rows(classes, _training_counts(experiment, run, dataset)),
        limits=limits(experiment.spec, dataset, evidence, scores, classes),
        training=_training_rows(experiment.spec, run, result_of(run), package),
        imagenet=imagenet_words(
            strategy.layers(
                strategy.resolve(experiment.spec.preset, run.settings),
                experiment.spec.image_size,
                len(dataset.classes),
            )
        ),
    )


def imagenet_words(layers: Sequence[LayerRecord]) -> str | None:
    """What the training did to the ImageNet weights among ``layers``; None where there are none."""
    trained = [not layer.frozen for layer in layers if layer.origin == "ImageNet"]
    if not trained:
        return None
    if all(trained):
        return "all of them were trained further"
    return "some of them were trained further" if any(trained) else "they were not changed"


def evidence_of_run(evidence: ExperimentPredictions, run: RunRecord) -> ExperimentPredictions:
    """The same evidence with the answers of one run alone.

    Raises ``StoreError`` where its predictions could not be read.
    """
    for answers in evidence.answers:
        if run.id in answers.run_ids:
            return replace(evidence, answers=(answers.of_seed(run.seed),))
    raise StoreError(evidence.missing.get(run.id) or f"Run {run.id} has no predictions.")


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["literal"] = escape_markdown_file
    return environment.get_template("model_card.md.j2")


def _rounded_up(value: float) -> float:
    """To one digit and never down: the card promises that no difference was larger."""
    return float(Context(prec=1, rounding=ROUND_UP).create_decimal_from_float(value))


def _data_rows(spec: ExperimentSpec, dataset: Dataset) -> list[tuple[str, str]]:
    images = ", ".join(f"{count:,} {subset}" for subset, count in spec.images.items())
    rows = [
        ("dataset", spec.dataset_name),
        ("fingerprint", spec.dataset_id),
        ("where it came from", dataset.provenance or "not recorded"),
        ("pictures", f"{dataset.image_count:,} in {len(dataset.classes):,} classes"),
        ("split", f"{images} ({split_text(spec)})"),
        ("split fingerprint", spec.split_fingerprint or "not recorded"),
        (
            "majority class",
            f"{spec.majority_class}, {percent_text(spec.majority_accuracy)} of the test pictures",
        ),
    ]
    if dataset.changes:
        rows.append(("changed since it was read", " ".join(dataset.changes)))
    return rows


def _metric_row(score: StrategyScore) -> tuple[str, ...]:
    kind = METRICS[score.metric]
    return (
        kind.title,
        kind.text(score.mean),
        _interval(kind.text, score.low, score.high),
        kind.text(score.majority),
        f"{kind.better} is better. {kind.help}",
    )


def _class_rows(classes: tuple[ClassScore, ...], trained_on: np.ndarray) -> list[tuple[str, ...]]:
    return [
        (
            entry.name,
            f"{trained_on[entry.label]:,}",
            f"{entry.images:,}",
            percent_text(entry.recall),
            _interval(percent_text, entry.recall_low, entry.recall_high),
            percent_text(entry.precision),
        )
        for entry in classes
    ]


def _interval(text: Callable[[float], str], low: float | None, high: float | None) -> str:
    return "—" if low is None or high is None else f"{text(low)} to {text(high)}"


def _training_counts(experiment: ExperimentRecord, run: RunRecord, dataset: Dataset) -> np.ndarray:
    train = experiment.training_spec(run).subsets_of(dataset).train
    return np.bincount(dataset.labels[train], minlength=len(dataset.classes))


def _training_rows(
    spec: ExperimentSpec, run: RunRecord, result: RunResult, package: PackageFacts
) -> list[tuple[str, str]]:
    settings = ", ".join(f"{name} {value}" for name, value in run.settings.items())
    versions = ", ".join(f"{name} {v}" for name, v in result.versions.items())
    return [
        ("finished", f"{(run.finished_at or '')[:16].replace('T', ' ')} UTC"),
        ("preset", spec.preset),
        ("settings", settings or "none"),
        ("seed", str(run.seed)),
        ("image size", f"{spec.image_size} x {spec.image_size} pixels, {spec.resize}"),
        ("epochs", _epochs(result)),
        ("batch size", f"{result.batch_size}"),
        ("parameters", f"{package.parameters:,}, of them {result.trainable_parameters:,} trained"),
        ("time", seconds_text(result.total_seconds)),
        ("machine", result.device),
        ("precision", result.precision),
        ("versions", versions or "not recorded"),
        ("notes", " ".join(run.notes) or "none"),
    ]


def _epochs(result: RunResult) -> str:
    return (
        f"{result.epochs}; the weights are those after epoch {result.best_epoch}, "
        "the best on the validation pictures"
    )
