"""What each section of a report shows; ``templates/sections.html.j2`` sets it in sentences.

Each function gives the exhibits, tables and texts of one section by the names in its template.
"""

import base64
from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.analysis.backbones import BackboneMatrix, answer_of, costs_of
from core.analysis.choice import headline_pair
from core.analysis.comparison import Comparison, results_frame, split_text, title_of
from core.analysis.confusion import Confusion, confusion
from core.analysis.curves import Curve
from core.analysis.evidence import ExperimentPredictions
from core.analysis.families import key_pairs
from core.analysis.image_properties import kept_measurements
from core.analysis.metrics import defined_metrics
from core.analysis.mistakes import Disagreement, disagreements
from core.analysis.ranking import class_curves
from core.analysis.scores import per_class_table, score_table
from core.analysis.slice_gains import slice_gains
from core.analysis.slices import experiment_slices
from core.analysis.time_breakdown import TimeBreakdown
from core.analysis.verdicts import against_majority, all_pairs, ladder_steps, pair_verdict, ties
from core.analysis.words.backbones import describe_answer, describe_family
from core.analysis.words.deployment import describe_conditions, describe_unmeasured
from core.analysis.words.families import describe_key_pairs, key_sections
from core.analysis.words.own_backbones import describe_origins
from core.analysis.words.ranking import against_words, describe_left_out, describe_majority_class
from core.analysis.words.slices import describe_slices
from core.analysis.words.verdicts import (
    NO_TIES,
    closed,
    describe_majority,
    describe_power,
    describe_ties,
    holm_words,
)
from core.charts.accuracy import heading_of, ladder_chart, scores_chart
from core.charts.backbones import (
    COSTS,
    backbone_cost_chart,
    backbone_matrix_chart,
    backbone_pairs_chart,
    cost_values,
    disturbed_costs,
)
from core.charts.classes import class_chart, class_frame
from core.charts.curves import curve_chart
from core.charts.deployment import deployment_chart
from core.charts.differences import differences_chart
from core.charts.matrices import confusion_chart, left_out_sentence, pairs_chart
from core.charts.ranking import precision_recall_chart, roc_chart
from core.charts.slices import MOST_GAINS, slice_gains_chart
from core.charts.time import (
    accuracy_time_chart,
    costs_frame,
    disturbed_runs,
    time_breakdown_chart,
    whole_run_seconds,
)
from core.datasets.dataset import Dataset
from core.datasets.health.findings import findings
from core.datasets.storage import open_dataset
from core.errors import HeadstartError, UnknownName
from core.experiments.records import ExperimentRecord, ExperimentSpec
from core.reports.export import run_command
from core.strategies.registry import MAJORITY
from core.text import count_text, exact_percent_text, number_text, percent_text, shorten

# A matrix with more columns does not fit a printed page.
MOST_MATRIX_CLASSES = 20
MISTAKES_LISTED = 30
LONGEST_HEADING = 22
DISAGREEMENTS_SHOWN = 10
THUMBNAIL_SIZE = 144
Found = dict[str, object]


def ladder(evidence: ExperimentPredictions) -> Found:
    steps = ladder_steps(evidence)
    taught = [f"{step.title}: {step.teaches}" for step in steps if step.teaches]
    return {"chart": ladder_chart(steps), "taught": taught}


def results(evidence: ExperimentPredictions, comparison: Comparison) -> Found:
    """The tables are also there if no predictions can be read."""
    scores = score_table(evidence)
    return {
        "chart": scores_chart(scores) if scores else None,
        "metrics": _metrics_frame(evidence) if scores else None,
        "left_out": describe_left_out(evidence, "roc_auc"),
        "frame": results_frame(comparison),
        "all_finished": all(row.status == "finished" for row in comparison.rows),
    }


def _metrics_frame(evidence: ExperimentPredictions) -> pd.DataFrame:
    """One line a strategy, a column for each metric; last the majority class."""
    columns: dict[str, list[object]] = {
        "strategy": [*(answers.title for answers in evidence.answers), evidence.majority_title]
    }
    for metric in defined_metrics(evidence).values():
        found = score_table(evidence, metric.name, with_intervals=False)
        values = [*(score.mean for score in found), found[0].majority]
        columns[heading_of(metric)] = [
            None if value is None else metric.shown(value) for value in values
        ]
    return pd.DataFrame(columns)


def classes(evidence: ExperimentPredictions) -> Found:
    """Each class by itself; of two classes also the curves of the rarer one."""
    pair = headline_pair(evidence) or tuple(
        answers.strategy for answers in evidence.fair.ranked[:1]
    )
    tables = {name: per_class_table(evidence, name) for name in pair}
    found: Found = {
        "chart": class_chart(tables),
        "frames": {title_of(name): class_frame(table) for name, table in tables.items()},
        "majority": describe_majority_class(
            per_class_table(evidence, None)[evidence.majority_label]
        ),
        "curves": {},
    }
    if len(evidence.classes) == 2:
        label = min(next(iter(tables.values())), key=lambda entry: entry.images).label
        curves, against = class_curves(evidence, pair, label), against_words(evidence, label)
        if curves:
            found["curves"] = {
                "ROC curve": roc_chart(curves, against),
                "Precision and recall": precision_recall_chart(curves, against),
            }
            found["against"] = against
    return found


def differences(evidence: ExperimentPredictions, shown: ExperimentPredictions) -> Found:
    """The pairs that matter of all strategies, and every pair of those that are ``shown``."""
    pairs, key = all_pairs(shown), key_pairs(evidence)
    several = len(key) > 1
    return {
        "key_words": describe_key_pairs(key) if several else [],
        "key_chart": differences_chart(key_sections(key)) if several else None,
        "family": holm_words(
            len(pairs), f"all those of the {count_text(len(shown.answers), 'strategy')} shown"
        ),
        "ties": [describe_ties(group) for group in ties(evidence)] or [NO_TIES],
        "power": describe_power(evidence),
        "against_majority": [
            describe_majority(against_majority(evidence, answers.strategy))
            for answers in shown.answers
            if answers.strategy != MAJORITY
        ],
        "chart": pairs_chart(pairs) if pairs else None,
    }


def slices(
    evidence: ExperimentPredictions,
    experiment: ExperimentRecord,
    dataset: Dataset | None,
    pair: tuple[str, str],
) -> Found:
    """Where the second of the ``pair`` is ahead, by what was measured of the images so far."""
    slicing = experiment_slices(evidence, experiment, dataset, kept_measurements(experiment.id))
    gains = slice_gains(evidence, slicing.slices, *pair)
    overall = pair_verdict(evidence, *pair)
    exhibit = slice_gains_chart(gains, overall.difference, evidence.classes)
    return {
        "words": describe_slices(gains, evidence.classes),
        "pair": f"{gains.second_title} minus {gains.first_title}",
        "chart": exhibit if gains.entries else None,
        "frame": exhibit.frame.head(MOST_GAINS),
        "count": len(gains.entries),
    }


def backbones(matrix: BackboneMatrix, comparison: Comparison) -> Found:
    costs = costs_of(comparison.rows)
    answer = answer_of(matrix, cost_values(costs, "run", with_disturbed=False))
    return {
        "answer": describe_answer(answer, costs, matrix.images) if answer else [],
        "matrix": backbone_matrix_chart(matrix),
        "costs": [
            backbone_cost_chart(matrix, known, cost, disturbed_costs(costs, name))
            for name, cost in COSTS.items()
            if (known := cost_values(costs, name))
        ],
        "family": describe_family(matrix) if matrix.pairs else "",
        "pairs": backbone_pairs_chart(matrix, answer.mode if answer else None),
    }


def time(
    evidence: ExperimentPredictions, breakdown: TimeBreakdown, comparison: Comparison
) -> Found:
    scores = score_table(evidence, with_intervals=False)
    rows = comparison.finished_rows
    measured = any(row.deployment is not None for row in rows)
    return {
        "deployment": deployment_chart(rows) if measured else None,
        "deployment_words": [describe_conditions(rows), describe_unmeasured(rows)],
        "chart": time_breakdown_chart(breakdown),
        "costs": costs_frame(breakdown),
        "bought": accuracy_time_chart(
            scores, whole_run_seconds(breakdown), disturbed=disturbed_runs(breakdown)
        )
        if scores
        else None,
    }


def curves(found: Sequence[Curve]) -> Found:
    trained = [curve for curve in found if curve.main_epochs]
    if not trained:
        return {"chart": None}
    lines = []
    for curve in trained:
        epochs = curve.main_epochs
        best = max(epochs, key=lambda epoch: epoch.validation_accuracy)
        lines.append(
            {
                "strategy": curve.title,
                "seed": curve.seed,
                "epochs": len(epochs),
                "best validation accuracy": percent_text(best.validation_accuracy),
                "after epoch": best.epoch,
                "last validation accuracy": percent_text(epochs[-1].validation_accuracy),
                "last training accuracy": percent_text(epochs[-1].train_accuracy),
            }
        )
    return {"chart": curve_chart(trained, "validation_accuracy"), "epochs": pd.DataFrame(lines)}


def confusion_matrix(evidence: ExperimentPredictions) -> Found:
    """The confusion matrix of the best strategy; of many classes the worst mistakes."""
    best = evidence.best
    if best is None:
        return {"chart": None}
    matrix = confusion(evidence, best.strategy)
    is_small = len(matrix.classes) <= MOST_MATRIX_CLASSES
    return {
        "title": best.title,
        "chart": confusion_chart(matrix),
        "left_out": left_out_sentence(matrix, "the exported tables have"),
        "matrix": _matrix_frame(matrix) if is_small else None,
        "mistakes": None if is_small else _mistakes_frame(matrix),
    }


def _matrix_frame(matrix: Confusion) -> pd.DataFrame:
    counts = [[number_text(count) if count else "·" for count in row] for row in matrix.counts]
    frame = pd.DataFrame(
        counts, columns=[shorten(name, LONGEST_HEADING) for name in matrix.classes]
    )
    recalls = ["" if np.isnan(it) else percent_text(float(it)) for it in np.diag(matrix.fractions)]
    frame.insert(0, "correct", recalls, allow_duplicates=True)
    frame.insert(0, "label", matrix.classes, allow_duplicates=True)
    return frame


def _mistakes_frame(matrix: Confusion) -> pd.DataFrame:
    wrong = matrix.wrong
    worst = np.argsort(-wrong.ravel(), kind="stable")[:MISTAKES_LISTED]
    lines = [
        (matrix.classes[true], matrix.classes[predicted], number_text(wrong[true, predicted]))
        for true, predicted in zip(*np.unravel_index(worst, wrong.shape), strict=True)
        if wrong[true, predicted] > 0
    ]
    return pd.DataFrame(lines, columns=["label", "predicted", "images"])


def dataset_of(spec: ExperimentSpec) -> tuple[Dataset | None, str]:
    """The experiment's dataset, or None and a sentence that says why it cannot be shown."""
    try:
        return open_dataset(spec.dataset_id), ""
    except UnknownName:
        return None, (
            f"The dataset {spec.dataset_name} is no longer on this machine, so its pictures and "
            "its health cannot be shown."
        )
    except HeadstartError as error:
        return None, f"The dataset {spec.dataset_name} cannot be shown: {error}"


def disagreements_of_headline(
    evidence: ExperimentPredictions, dataset: Dataset | None, why_not: str
) -> Found:
    """Ten images on which only one of the best strategy and its counterpart is correct.

    Without the dataset they are a table.
    """
    pair = headline_pair(evidence)
    if pair is None:
        return {"words": None}
    found = disagreements(evidence, *pair)
    first, second = map(title_of, pair)
    words = (
        f"{closed(second)} fixed {len(found.fixed):,} test images that {closed(first)} got wrong, "
        f"and regressed on {len(found.regressed):,} that it got right."
    )
    # Ten in all, half of each kind where there are enough of both.
    half = DISAGREEMENTS_SHOWN // 2
    count = min(len(found.regressed), max(half, DISAGREEMENTS_SHOWN - len(found.fixed)))
    shown = {
        "Fixed": found.fixed[: DISAGREEMENTS_SHOWN - count],
        "Regressed": found.regressed[:count],
    }
    if dataset is None:
        lines = [
            {"image": str(entry.image)} | _predictions(evidence, entry, (first, second))
            for entries in shown.values()
            for entry in entries
        ]
        frame = pd.DataFrame(lines, columns=["image", "label", first, second])
        return {"words": words, "why_no_images": why_not, "frame": frame, "images": {}}
    images = {
        title: [
            _image(dataset, entry, _predictions(evidence, entry, (first, second)))
            for entry in entries
        ]
        for title, entries in shown.items()
    }
    return {"words": words, "why_no_images": "", "images": images}


def _predictions(
    evidence: ExperimentPredictions, entry: Disagreement, titles: tuple[str, str]
) -> dict[str, str]:
    """The label, and what both strategies predict with which confidence."""
    first, second = (
        evidence.classes[entry.first_predicted],
        evidence.classes[entry.second_predicted],
    )
    return {
        "label": evidence.classes[entry.label],
        titles[0]: f"{first} ({percent_text(entry.first_confidence)})",
        titles[1]: f"{second} ({percent_text(entry.second_confidence)})",
    }


def _image(dataset: Dataset, entry: Disagreement, predictions: dict[str, str]) -> Found:
    png = base64.b64encode(dataset.thumbnail(entry.image, THUMBNAIL_SIZE)).decode()
    return {
        "source": f"data:image/png;base64,{png}",
        "alternative": f"{dataset.file_names[entry.image]}, labelled {predictions['label']}",
        "lines": [f"{name}: {text}" for name, text in predictions.items()],
    }


def health(dataset: Dataset | None, why_not: str) -> Found:
    if dataset is None:
        return {"why_not": why_not}
    rows = [(entry.severity, entry.title) for entry in findings(dataset)]
    return {"why_not": "", "findings": pd.DataFrame(rows, columns=["kind", "finding"])}


def made(spec: ExperimentSpec, comparison: Comparison, evidence: ExperimentPredictions) -> Found:
    """Device, versions, seeds, split, what went otherwise, and the command that repeats it."""
    notes = [f"{name} was left out: {reason}" for name, reason in comparison.unavailable.items()]
    notes += describe_origins(comparison.backbones)
    for row in comparison.rows:
        notes += [f"{row.title}: {note}" for note in row.notes]
        notes += [
            f"{row.title}, seed {run.seed}: {run.state}" + (f". {run.error}" if run.error else ".")
            for run in row.runs
            if run.state != "finished"
        ]
    return {
        "spec": spec,
        "comparison": comparison,
        "split": split_text(spec),
        "train_fraction": exact_percent_text(spec.train_share),
        "notes": [*notes, *evidence.missing.values()],
        "command": run_command(spec),
    }
