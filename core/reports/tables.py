"""Every table of an experiment as CSV and as JSON, and all of them as one zip.

Fractions are 0 to 1 and times are seconds, as in ``compare --format json``. In CSV, text that a
spreadsheet would run as a formula gets a leading apostrophe; JSON is verbatim, null is unknown.
"""

import io
import json
import math
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from core.analysis.choice import headline_pair
from core.analysis.comparison import Comparison, compare_experiment
from core.analysis.confusion import confusion
from core.analysis.curves import curves_of
from core.analysis.evidence import ExperimentPredictions, load_evidence
from core.analysis.metrics import METRICS
from core.analysis.mistakes import disagreements, likely_label_errors
from core.analysis.scores import ClassScore, per_class_table, score_table
from core.analysis.time_breakdown import TimeBreakdown, load_time_breakdown
from core.analysis.verdicts import (
    LadderStep,
    MajorityVerdict,
    PairVerdict,
    against_majority,
    all_pairs,
    ladder_steps,
)
from core.analysis.words.verdicts import describe_majority, describe_pair, describe_step
from core.experiments.store import Store
from core.reports.export import ROW_COLUMNS, csv_bytes

Record = dict[str, object]
# Column names, and one record a line with exactly these.
Table = tuple[Sequence[str], list[Record]]
# One date for every member, so that the same experiment gives the same bytes.
_DATE = (2020, 1, 1, 0, 0, 0)


def export_tables(
    store: Store, experiment_id: str, pair: tuple[str, str] | None = None
) -> dict[str, tuple[bytes, bytes]]:
    """Each table by its name as ``(CSV, JSON)``, UTF-8; a table may have no lines.

    ``disagreements`` are those of ``pair`` (first, second), or of the pair in the report. Raises
    ``UnknownName`` for an experiment or strategy that is not there.
    """
    comparison = compare_experiment(store, experiment_id)
    evidence = load_evidence(store, experiment_id)
    tables = _tables_of_runs(store, comparison) | _tables_of_evidence(evidence)
    tables |= _tables_of_time(load_time_breakdown(store, experiment_id))
    chosen = pair or headline_pair(evidence)
    differing = [] if chosen is None else _disagreements(evidence, *chosen)
    tables["disagreements"] = (_DISAGREEMENT_COLUMNS, differing)
    return {
        name: (
            csv_bytes(columns, ([record[column] for column in columns] for record in records)),
            json.dumps(records, indent=1, ensure_ascii=False, allow_nan=False).encode(),
        )
        for name, (columns, records) in tables.items()
    }


def export_zip_of_tables(store: Store, experiment_id: str) -> bytes:
    """All tables in one zip, ``NAME.csv`` and ``NAME.json``; the same bytes for the same runs."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, contents in export_tables(store, experiment_id).items():
            for suffix, content in zip(("csv", "json"), contents, strict=True):
                entry = zipfile.ZipInfo(f"{name}.{suffix}", _DATE)
                entry.external_attr = 0o100644 << 16
                archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


_DISAGREEMENT_COLUMNS = (
    "image",
    "label",
    "change",
    "first_strategy",
    "first_predicted",
    "first_true_class_probability",
    "first_confidence",
    "second_strategy",
    "second_predicted",
    "second_true_class_probability",
    "second_confidence",
)
_LABEL_ERROR_COLUMNS = ("image", "label", "suggested", "probability", "strategies")
_SCORE_COLUMNS = ("metric", "unit", "better", "strategy", "seed", "value")
_INTERVAL_COLUMNS = (
    "metric",
    "unit",
    "better",
    "strategy",
    "seeds",
    "mean",
    "standard_deviation",
    "low",
    "high",
    "majority",
)
_SEED_COLUMNS = ("run", "strategy", "seed", "state", "test_accuracy", "error")
_EPOCH_COLUMNS = (
    "strategy",
    "seed",
    "stage",
    "epoch",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "train_seconds",
    "validation_seconds",
    "images_per_second",
)
_PARTS = ("extraction", "head", "first_epoch", "steady_epochs", "validation", "other")
_TIME_COLUMNS = (
    "strategy",
    "title",
    "seeds",
    "end_to_end_seconds",
    *(f"{part}_seconds" for part in _PARTS),
    "fastest_seconds",
    "slowest_seconds",
    "cache_saved_seconds",
    "cache_hits",
    "images_per_second",
    "trains_on_features",
    "peak_memory_bytes",
)
_COST_COLUMNS = ("target", "target_accuracy", "strategy", "seconds", "reached", "seeds")


def _tables_of_runs(store: Store, comparison: Comparison) -> dict[str, Table]:
    rows = [{name: getattr(row, name) for name in ROW_COLUMNS} for row in comparison.rows]
    seeds: list[Record] = [
        {
            "run": run.run_id,
            "strategy": row.strategy,
            "seed": run.seed,
            "state": run.state,
            "test_accuracy": run.test_accuracy,
            "error": run.error,
        }
        for row in comparison.rows
        for run in row.runs
    ]
    epochs = [
        {"strategy": curve.strategy, "seed": curve.seed}
        | {name: _known(getattr(epoch, name)) for name in _EPOCH_COLUMNS[2:]}
        for curve in curves_of(store, store.runs(comparison.experiment))
        for epoch in curve.epochs
    ]
    return {
        "results": (ROW_COLUMNS, rows),
        "seeds": (_SEED_COLUMNS, seeds),
        "epochs": (_EPOCH_COLUMNS, epochs),
    }


def _known(value: Any) -> Any:
    """A loss that became NaN or infinite is unknown: JSON has no word for it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _tables_of_evidence(evidence: ExperimentPredictions) -> dict[str, Table]:
    values: list[Record] = []
    means: list[Record] = []
    for kind in METRICS.values():
        metric = {"metric": kind.name, "unit": kind.unit, "better": kind.better}
        for score in score_table(evidence, kind.name):
            values += [
                metric | {"strategy": score.strategy, "seed": seed, "value": value}
                for seed, value in zip(score.seeds, score.values, strict=True)
            ]
            means.append(
                metric
                | {
                    "strategy": score.strategy,
                    "seeds": score.seeds,
                    "mean": score.mean,
                    "standard_deviation": score.deviation,
                    "low": score.low,
                    "high": score.high,
                    "majority": score.majority,
                }
            )
    names = [answers.strategy for answers in evidence.answers]
    tables: dict[str, Table] = {
        "scores": (_SCORE_COLUMNS, values),
        "score-intervals": (_INTERVAL_COLUMNS, means),
        "ladder": _in_words(LadderStep, ladder_steps(evidence), describe_step),
        "pairs": _in_words(PairVerdict, all_pairs(evidence), describe_pair),
        "against-majority": _in_words(
            MajorityVerdict,
            [against_majority(evidence, name) for name in names],
            describe_majority,
        ),
        "label-errors": (_LABEL_ERROR_COLUMNS, _label_errors(evidence)),
    }
    for name in names:
        tables[f"confusion-{name}"] = (("label", "predicted", "images"), _confusion(evidence, name))
        tables[f"classes-{name}"] = _of_dataclasses(ClassScore, per_class_table(evidence, name))
    return tables


def _of_dataclasses(kind: type, entries: Sequence[Any]) -> Table:
    return [field.name for field in fields(kind)], [asdict(entry) for entry in entries]


def _in_words(kind: type, entries: Sequence[Any], describe: Callable[[Any], str]) -> Table:
    """The fields of ``entries``, and last ``words``: each of them in a sentence."""
    columns, records = _of_dataclasses(kind, entries)
    return [*columns, "words"], [
        record | {"words": describe(entry)} for record, entry in zip(records, entries, strict=True)
    ]


def _confusion(evidence: ExperimentPredictions, strategy: str) -> list[Record]:
    """One line for each pair of classes that occurred, images as means over seeds."""
    counts = confusion(evidence, strategy).counts
    return [
        {
            "label": evidence.classes[row],
            "predicted": evidence.classes[column],
            "images": float(counts[row, column]),
        }
        for row, column in np.argwhere(counts > 0)
    ]


def _label_errors(evidence: ExperimentPredictions) -> list[Record]:
    return [
        {
            "image": error.image,
            "label": evidence.classes[error.label],
            "suggested": evidence.classes[error.suggested],
            "probability": error.probability,
            "strategies": error.strategies,
        }
        for error in likely_label_errors(evidence)
    ]


def _disagreements(evidence: ExperimentPredictions, first: str, second: str) -> list[Record]:
    found = disagreements(evidence, first, second)
    return [
        {
            "image": disagreement.image,
            "label": evidence.classes[disagreement.label],
            "change": change,
            "first_strategy": first,
            "first_predicted": evidence.classes[disagreement.first_predicted],
            "first_true_class_probability": disagreement.first_true_class_probability,
            "first_confidence": disagreement.first_confidence,
            "second_strategy": second,
            "second_predicted": evidence.classes[disagreement.second_predicted],
            "second_true_class_probability": disagreement.second_true_class_probability,
            "second_confidence": disagreement.second_confidence,
        }
        for change, entries in (("fixed", found.fixed), ("regressed", found.regressed))
        for disagreement in entries
    ]


def _tables_of_time(breakdown: TimeBreakdown) -> dict[str, Table]:
    """``time-breakdown`` and ``cost-to-accuracy``; seconds and bytes."""
    rows = [
        {
            "strategy": row.strategy,
            "title": row.title,
            "seeds": row.seeds,
            "end_to_end_seconds": row.parts.end_to_end,
            **{f"{part}_seconds": getattr(row.parts, part) for part in _PARTS},
            "fastest_seconds": row.fastest,
            "slowest_seconds": row.slowest,
            "cache_saved_seconds": row.cache_saved,
            "cache_hits": row.cache_hits,
            "images_per_second": row.images_per_second,
            "trains_on_features": row.trains_on_features,
            "peak_memory_bytes": row.peak_memory_bytes,
        }
        for row in breakdown.rows
    ]
    costs: list[Record] = [
        {
            "target": cost.target.title,
            "target_accuracy": cost.target.accuracy,
            "strategy": cost.strategy,
            "seconds": cost.seconds,
            "reached": cost.reached,
            "seeds": cost.seeds,
        }
        for cost in breakdown.costs
    ]
    return {"time-breakdown": (_TIME_COLUMNS, rows), "cost-to-accuracy": (_COST_COLUMNS, costs)}
