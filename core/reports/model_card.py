"""The model card of an exported network: what it is, on what data, how good, its limits.

In Markdown, after Mitchell et al. 2019, "Model Cards for Model Reporting". Every number comes from
the run, its predictions or its dataset.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Context
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.analysis.comparison import split_text, title_of
from core.analysis.evidence import ExperimentPredictions, load_evidence
from core.analysis.metrics import METRICS, defined_metrics
from core.analysis.scores import per_class_table, score_table
from core.analysis.words.deployment import NOT_MEASURED, describe_deployment
from core.analysis.words.limits import limits
from core.analysis.words.own_backbones import describe_overlap
from core.datasets.storage import open_dataset
from core.errors import StoreError
from core.experiments.records import RunRecord, deployment_of, result_of
from core.experiments.store import Store
from core.experiments.used_backbones import used_under
from core.layers.record import LayerRecord
from core.strategies.registry import find_strategy
from core.text import escape_markdown_file, percent_text, seconds_text

TEMPLATES = Path(__file__).parent / "templates"
CARD, SNIPPET = "README.md", "predict.py"
KERAS_FILE, ONNX_FILE = "model.keras", "model.onnx"
ONNX_REQUIREMENTS = "requirements-onnx.txt"
# What a package holds, in the order in which pages and the card list it.
CONTENTS = {
    KERAS_FILE: "the trained network; it loads with Keras alone",
    ONNX_FILE: "the same network for ONNX Runtime, without Keras",
    "labels.json": "the names of the classes, in the order of the network's answers",
    "preprocessing.json": "what is done to a picture before the network sees it",
    SNIPPET: "a short program that predicts the classes of pictures",
    "requirements.txt": "the libraries that the program needs, with their versions",
    ONNX_REQUIREMENTS: "the few libraries that it needs with ONNX instead",
    CARD: "the model card: data, split, metrics with intervals, limits",
}


@dataclass(frozen=True)
class PackageFacts:
    """What is known of the files beside the card once they are made.

    ``side`` is that of the images in pixels, ``inside`` what the network does to them in words.
    ``onnx_bytes`` is None where there is no such file, and ``why_no_onnx`` says why.
    ``same_answers`` of ``checked_images`` test images got the answer that the run had stored;
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
    result = result_of(run)
    experiment = store.experiment(run.experiment_id)
    spec = experiment.spec
    dataset = open_dataset(spec.dataset_id)
    evidence = evidence_of_run(load_evidence(store, run.experiment_id), run)
    scores = {name: score_table(evidence, name)[0] for name in defined_metrics(evidence)}
    classes = per_class_table(evidence, run.strategy)
    train = experiment.training_spec(run).subsets_of(dataset).train
    trained_on = np.bincount(dataset.labels[train], minlength=len(dataset.classes))
    strategy = find_strategy(run.strategy)
    used = used_under(run.strategy, spec)
    own = {used.record.name: used} if used else {}
    settings = strategy.resolve(spec.preset, run.settings)
    layers = strategy.layers(settings, spec.image_size, len(dataset.classes))
    deployment = deployment_of(store.runs(run.experiment_id), run.strategy)
    # Up to one digit and never down: the card promises that no difference was larger.
    furthest = Context(prec=1, rounding=ROUND_UP).create_decimal_from_float(
        package.largest_difference
    )
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "literal": escape_markdown_file,
        "number": "{:,}".format,
        "percent": percent_text,
        "seconds": seconds_text,
    }
    return environment.get_template("model_card.md.j2").render(
        title=title_of(run.strategy),
        teaches=strategy.teaches,
        run=run,
        result=result,
        notes=tuple(dict.fromkeys((*run.notes, *result.notes))),
        deployment=describe_deployment(deployment) if deployment else NOT_MEASURED,
        processor=deployment.processor if deployment else None,
        spec=spec,
        split=split_text(spec),
        dataset=dataset,
        package=package,
        furthest=f"{float(furthest):g}",
        files={
            name: what
            for name, what in CONTENTS.items()
            if package.onnx_bytes or name not in (ONNX_FILE, ONNX_REQUIREMENTS)
        },
        images=evidence.images,
        metrics=[(METRICS[name], score) for name, score in scores.items()],
        classes=[(entry, trained_on[entry.label]) for entry in classes],
        percent=percent_text,
        limits=limits(spec, dataset, evidence, scores, classes),
        attribution=strategy.backbone.attribution if strategy.backbone else None,
        pretrained=pretrained_words(layers),
        origin=strategy.backbone.origin if strategy.backbone and strategy.is_pretrained else None,
        backbone=strategy.backbone.title if strategy.backbone else None,
        overlap=describe_overlap(own, evidence.images),
    )


def pretrained_words(layers: Sequence[LayerRecord]) -> str | None:
    """What the training did to the pre-trained weights among ``layers``; None where there are
    none."""
    inside = [layer for layer in layers if layer.origin == "pretrained"]
    if not inside:
        return None
    trained = sum(layer.trained_parameters for layer in inside)
    if trained == sum(layer.parameters for layer in inside):
        return "all of them were trained further"
    return "some of them were trained further" if trained else "they were not changed"


def evidence_of_run(evidence: ExperimentPredictions, run: RunRecord) -> ExperimentPredictions:
    """The same evidence with the predictions of one run alone.

    Raises ``StoreError`` where its predictions could not be read.
    """
    for answers in evidence.answers:
        if run.id in answers.run_ids:
            return replace(evidence, answers=(answers.of_seed(run.seed),))
    raise StoreError(evidence.missing.get(run.id) or f"Run {run.id} has no predictions.")
