"""Every table of an experiment as CSV and as JSON, and all of them as one zip.

Fractions are 0 to 1 and times are seconds, as in ``compare --format json``. In CSV, text that a
spreadsheet would run as a formula gets a leading apostrophe; JSON is verbatim, null is unknown.
"""

import io
import json
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import numpy as np

from core.analysis.backbones import BackboneCost, backbone_matrix, costs_of
from core.analysis.choice import headline_pair
from core.analysis.comparison import Comparison, compare_experiment
from core.analysis.confusion import confusion
from core.analysis.curves import curves_of
from core.analysis.evidence import ExperimentPredictions, load_evidence
from core.analysis.families import key_pairs
from core.analysis.metrics import METRICS
from core.analysis.mistakes import disagreements, likely_label_errors
from core.analysis.scores import ClassScore, per_class_table, score_table
from core.analysis.time_breakdown import TimeBreakdown, TimeParts, load_time_breakdown
from core.analysis.verdicts import (
    LadderStep,
    MajorityVerdict,
    PairVerdict,
    against_majority,
    all_pairs,
    ladder_steps,
)
from core.analysis.words.verdicts import describe_majority, describe_pair, describe_step
from core.conditions import Conditions
from core.experiments.store import Store
from core.reports.export import MORE_COLUMNS, ROW_COLUMNS, csv_bytes, more_values, row_values
from core.reports.slice_tables import slice_tables

# Column names, and lines with a value for each.
Table = tuple[Sequence[str], list[Sequence[Any]]]
# One date for every member, so that the same experiment gives the same bytes.
_DATE = (2020, 1, 1, 0, 0, 0)


def export_tables(
    store: Store, experiment_id: str, pair: tuple[str, str] | None = None
) -> dict[str, tuple[bytes, bytes]]:
    """Each table by its name as ``(CSV, JSON)``, UTF-8; a table may have no lines.

    ``disagreements`` and ``slice-gains`` are those of ``pair`` (first, second), or of the pair in
    the report. Raises ``UnknownName`` for an experiment or strategy that is not there.
    """
    comparison = compare_experiment(store, experiment_id)
    evidence = load_evidence(store, experiment_id)
    tables = _tables_of_runs(store, comparison) | _tables_of_evidence(evidence)
    tables |= _tables_of_backbones(evidence, comparison)
    tables |= _tables_of_time(load_time_breakdown(store, experiment_id))
    key = key_pairs(evidence)
    columns, pairs = _in_words(PairVerdict, [pair.verdict for pair in key], describe_pair)
    tables["key-pairs"] = (
        ("question", *columns),
        [[one.question.value, *line] for one, line in zip(key, pairs, strict=True)],
    )
    pair = pair or headline_pair(evidence)
    tables["disagreements"] = _disagreements(evidence, pair)
    tables |= slice_tables(evidence, store.experiment(experiment_id), pair)
    return {
        name: (csv_bytes(columns, lines), _json_bytes(columns, lines))
        for name, (columns, lines) in tables.items()
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


def _json_bytes(columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> bytes:
    records = [dict(zip(columns, line, strict=True)) for line in lines]
    return json.dumps(records, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _attributes(columns: Mapping[str, str], entries: Iterable[object]) -> Table:
    """One line an entry; ``columns`` says which attribute of it is in which column."""
    return tuple(columns), [list(attrgetter(*columns.values())(entry)) for entry in entries]


def _fields(kind: type, entries: Iterable[object]) -> Table:
    return _attributes({field.name: field.name for field in fields(kind)}, entries)


def _in_words(kind: type, entries: Sequence[Any], describe: Callable[[Any], str]) -> Table:
    """The fields of ``entries``, and last ``words``: each of them in a sentence."""
    columns, lines = _fields(kind, entries)
    words = map(describe, entries)
    return [*columns, "words"], [[*line, text] for line, text in zip(lines, words, strict=True)]


def _tables_of_runs(store: Store, comparison: Comparison) -> dict[str, Table]:
    of_epochs = (
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
    of_conditions = [
        *(field.name for field in fields(Conditions) if field.name != "gpu"),
        "is_disturbed",
    ]
    return {
        "results": (
            (*ROW_COLUMNS, *MORE_COLUMNS),
            [[*row_values(row), *more_values(row)] for row in comparison.rows],
        ),
        "seeds": (
            ("run", "strategy", "seed", "state", "test_accuracy", "error"),
            [
                (run.run_id, row.strategy, run.seed, run.state, run.test_accuracy, run.error)
                for row in comparison.rows
                for run in row.runs
            ],
        ),
        "epochs": (
            ("strategy", "seed", *of_epochs, *of_conditions),
            [
                (
                    *(curve.strategy, curve.seed),
                    *(_known(getattr(epoch, name)) for name in of_epochs),
                    *(getattr(epoch.conditions, name, None) for name in of_conditions),
                )
                for curve in curves_of(store, store.runs(comparison.experiment))
                for epoch in curve.epochs
            ],
        ),
    }


def _known(value: Any) -> Any:
    """A loss that became NaN or infinite is unknown: JSON has no word for it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _tables_of_evidence(evidence: ExperimentPredictions) -> dict[str, Table]:
    of_metric = ("metric", "unit", "better")
    scores = [
        ((kind.name, kind.unit, kind.better), score)
        for kind in METRICS.values()
        for score in score_table(evidence, kind.name)
    ]
    spread = {"strategy": "strategy", "seeds": "seeds", "mean": "mean"}
    spread |= {"standard_deviation": "deviation", "low": "low", "high": "high"}
    columns, lines = _attributes(spread | {"majority": "majority"}, [score for _, score in scores])
    names, classes = [answers.strategy for answers in evidence.answers], evidence.classes
    tables: dict[str, Table] = {
        "scores": (
            (*of_metric, "strategy", "seed", "value"),
            [
                (*metric, score.strategy, seed, value)
                for metric, score in scores
                for seed, value in zip(score.seeds, score.values, strict=True)
            ],
        ),
        "score-intervals": (
            (*of_metric, *columns),
            [(*metric, *line) for (metric, _), line in zip(scores, lines, strict=True)],
        ),
        "ladder": _in_words(LadderStep, ladder_steps(evidence), describe_step),
        "pairs": _in_words(PairVerdict, all_pairs(evidence), describe_pair),
        "against-majority": _in_words(
            MajorityVerdict, [against_majority(evidence, name) for name in names], describe_majority
        ),
        "label-errors": (
            ("image", "label", "suggested", "probability", "strategies"),
            [
                (
                    error.image,
                    classes[error.label],
                    classes[error.suggested],
                    error.probability,
                    error.strategies,
                )
                for error in likely_label_errors(evidence)
            ],
        ),
    }
    for name in names:
        # Pairs of classes that occurred alone; images are means over seeds.
        counts = confusion(evidence, name).counts
        tables[f"confusion-{name}"] = (
            ("label", "predicted", "images"),
            [
                (classes[row], classes[column], float(counts[row, column]))
                for row, column in np.argwhere(counts > 0)
            ],
        )
        tables[f"classes-{name}"] = _fields(ClassScore, per_class_table(evidence, name))
    return tables


def _disagreements(evidence: ExperimentPredictions, pair: tuple[str, str] | None) -> Table:
    values = ("strategy", "predicted", "true_class_probability", "confidence")
    columns = [f"{which}_{value}" for which in ("first", "second") for value in values]
    return ("image", "label", "change", *columns), list(_disagreement_lines(evidence, pair))


def _disagreement_lines(
    evidence: ExperimentPredictions, pair: tuple[str, str] | None
) -> Iterator[Sequence[Any]]:
    if pair is None:
        return
    found, classes = disagreements(evidence, *pair), evidence.classes
    for change, entries in (("fixed", found.fixed), ("regressed", found.regressed)):
        for entry in entries:
            yield (
                entry.image,
                classes[entry.label],
                change,
                pair[0],
                classes[entry.first_predicted],
                entry.first_true_class_probability,
                entry.first_confidence,
                pair[1],
                classes[entry.second_predicted],
                entry.second_true_class_probability,
                entry.second_confidence,
            )


def _tables_of_backbones(
    evidence: ExperimentPredictions, comparison: Comparison
) -> dict[str, Table]:
    """``backbones`` and ``backbone-pairs``; without lines where no strategy has a backbone."""
    matrix, costs = backbone_matrix(evidence), costs_of(comparison.rows)
    of_cost = [field.name for field in fields(BackboneCost)]
    lines: list[Sequence[Any]] = [
        (
            *(cell.backbone, cell.mode.value, cell.score.strategy, cell.score.seeds),
            *(cell.score.mean, cell.score.low, cell.score.high),
            *(getattr(costs[cell.score.strategy], name) for name in of_cost),
        )
        for cell in matrix.cells
    ]
    columns = ("backbone", "mode", "strategy", "seeds", "mean", "low", "high", *of_cost)
    return {
        "backbones": (columns, lines),
        "backbone-pairs": _in_words(PairVerdict, matrix.pairs, describe_pair),
    }


def _tables_of_time(breakdown: TimeBreakdown) -> dict[str, Table]:
    """``time-breakdown`` and ``cost-to-accuracy``; seconds and bytes."""
    parts = [field.name for field in fields(TimeParts)]
    of_time = {
        **{name: name for name in ("strategy", "title", "seeds")},
        "end_to_end_seconds": "parts.end_to_end",
        **{f"{part}_seconds": f"parts.{part}" for part in parts},
        **{f"{name}_seconds": name for name in ("fastest", "slowest", "cache_saved")},
        **{name: name for name in ("cache_hits", "images_per_second", "trains_on_features")},
        **{name: name for name in ("peak_memory_bytes", "is_disturbed")},
    }
    of_costs = {
        "target": "target.title",
        "target_accuracy": "target.accuracy",
        **{name: name for name in ("strategy", "seconds", "reached", "seeds", "is_disturbed")},
    }
    return {
        "time-breakdown": _attributes(of_time, breakdown.rows),
        "cost-to-accuracy": _attributes(of_costs, breakdown.costs),
    }
