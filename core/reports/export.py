"""A comparison as CSV, as JSON and as text for a terminal, and the command that repeats it.

JSON is verbatim. In CSV, text that a spreadsheet would run as a formula gets a leading apostrophe.
"""

import csv
import io
import json
import shlex
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from core.analysis.comparison import Comparison, Row
from core.analysis.metrics import METRICS
from core.analysis.scores import StrategyScore
from core.analysis.words.own_backbones import describe_origins, describe_overlap
from core.errors import UnknownName
from core.experiments.records import ExperimentSpec
from core.strategies.registry import find_strategy
from core.text import UNKNOWN, csv_cell, percent_text
from core.training.events import Deployment
from core.training.spec import SplitProportions

# What a row says of its strategy in one value each, and what of its network where it is used.
ROW_COLUMNS = tuple(
    field.name
    for field in fields(Row)
    if field.name
    not in (
        *("best_epochs", "deployment", "notes", "runs"),
        *("disturbed", "backbone_origin", "saw_test_images"),
    )
)
DEPLOYMENT_COLUMNS = tuple(field.name for field in fields(Deployment))
# Behind those that were there first: the network, the names of the times that were disturbed, and
# the run that a backbone of one's own comes from.
MORE_COLUMNS = (*DEPLOYMENT_COLUMNS, "disturbed_times", "backbone_origin")
SHARED_COLUMNS = (
    "experiment",
    "dataset",
    "preset",
    "image_size",
    "resize",
    "precision",
    "backend",
    "majority_class",
    "majority_accuracy",
)
# Digits of a dataset's id that pages show; they are enough to find it.
ID_DIGITS = 12


def to_json(comparison: Comparison) -> bytes:
    """The whole comparison as UTF-8 JSON; fractions 0 to 1, times in seconds, null = unknown."""
    return json.dumps(comparison.as_dict(), indent=2, ensure_ascii=False).encode()


def to_csv(comparison: Comparison, byte_order_mark: bool = False) -> bytes:
    """One line a strategy, UTF-8, comma separated, ``.`` decimals; empty means unknown.

    Columns are ``ROW_COLUMNS``, then what all rows share, and ``MORE_COLUMNS``. Excel needs the
    ``byte_order_mark`` to read accents and dashes.
    """
    shared = [getattr(comparison, name) for name in SHARED_COLUMNS]
    shared += [comparison.split["seed"], comparison.images.get("test")]
    lines = [[*row_values(row), *shared, *more_values(row)] for row in comparison.rows]
    columns = (*ROW_COLUMNS, *SHARED_COLUMNS, "split_seed", "test_images", *MORE_COLUMNS)
    found = csv_bytes(columns, lines)
    return BOM_UTF8 + found if byte_order_mark else found


def row_values(row: Row) -> list[Any]:
    """One value for each of ``ROW_COLUMNS``."""
    return [getattr(row, name) for name in ROW_COLUMNS]


def more_values(row: Row) -> list[Any]:
    """One value for each of ``MORE_COLUMNS``; None for what was not measured."""
    deployment = [getattr(row.deployment, name, None) for name in DEPLOYMENT_COLUMNS]
    return [*deployment, " ".join(row.disturbed), row.backbone_origin]


def csv_bytes(columns: Iterable[str], lines: Iterable[Iterable[Any]]) -> bytes:
    """UTF-8 CSV with a heading, for every CSV file that leaves the app; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([csv_cell(cell) for cell in line] for line in lines)
    return text.getvalue().encode()


def to_text(comparison: Comparison, scores: Sequence[StrategyScore] = ()) -> str:
    """The comparison as a table for a terminal, the facts of the experiment above it.

    ``scores`` of another metric, by strategy, stand in place of test accuracy.
    """
    by_name = {score.strategy: score for score in scores}
    kind = METRICS[scores[0].metric if scores else "accuracy"]
    images = ", ".join(f"{count} {name}" for name, count in comparison.images.items())
    lines = [
        f"{comparison.dataset}: experiment {comparison.experiment}, images: {images or 'unknown'}",
        f"{comparison.image_size} x {comparison.image_size} pixels, preset {comparison.preset}, "
        f"seeds {', '.join(map(str, comparison.seeds))}, split seed {comparison.split['seed']}",
        f"precision {comparison.precision}, backend {comparison.backend or 'unknown'}, "
        f"device {comparison.device or 'unknown'}",
        f"majority class ({comparison.majority_class or 'unknown'}): "
        f"{percent_text(comparison.majority_accuracy)} of the test images",
    ]
    if scores and scores[0].majority is not None:
        lines.append(f"{kind.title} of the majority class: {kind.text(scores[0].majority)}")
    lines.append("")
    table = [("strategy", "state", kind.title, "95 % interval", "epoch", "features", "whole run")]
    for row in comparison.rows:
        value, low, high = row.test_accuracy, row.test_accuracy_low, row.test_accuracy_high
        if scores:
            score = by_name.get(row.strategy)
            value, low, high = (score.mean, score.low, score.high) if score else (None, None, None)
        table.append(
            (
                row.strategy,
                row.status,
                kind.text(value),
                UNKNOWN if low is None else f"{kind.text(low)} to {kind.text(high)}",
                row.time_text("steady_epoch_seconds"),
                row.time_text("feature_seconds"),
                row.time_text("end_to_end_seconds"),
            )
        )
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines += ["  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) for cells in table]
    lines += [f"{row.strategy}: {note}" for row in comparison.rows for note in row.notes]
    lines += describe_origins(comparison.backbones)
    lines += describe_overlap(comparison.backbones, comparison.images.get("test", 0))
    lines += [f"{name}: left out. {reason}" for name, reason in comparison.unavailable.items()]
    lines += [
        f"{run.run_id} ({row.strategy}, seed {run.seed}) {run.state}: {run.error}"
        for row in comparison.rows
        for run in row.runs
        if run.error
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def run_command(spec: ExperimentSpec) -> str:
    """The command that plans the same experiment, as one line for a shell.

    It names the dataset by its id, which renaming does not change; settings only if they differ
    from the preset; and every strategy, so that those which could not run the first time stay out.
    """
    usual = SplitProportions.model_validate({})
    options = [
        ("--strategies", ",".join(name for name, _ in spec.strategies), None),
        ("--preset", spec.preset, None),
        ("--seeds", ",".join(map(str, spec.seeds)), None),
        ("--image-size", spec.image_size, None),
        ("--resize", spec.resize, "stretch"),
        ("--split-seed", spec.split.seed, usual.seed),
        ("--test-fraction", spec.split.test, usual.test),
        ("--validation-fraction", spec.split.validation, usual.validation),
        ("--precision", spec.precision, "auto"),
        ("--train-fraction", spec.train_share, 1),
        *(
            ("--set", f"{strategy}.{name}={value}", None)
            for strategy, settings in spec.strategies
            for name, value in _changed(spec, strategy, settings)
        ),
    ]
    words = ["python", "-m", "core", "run", spec.dataset_id[:ID_DIGITS]]
    for option, value, unless in options:
        if value != unless:
            words += [option, str(value)]
    if not spec.split.use_given:
        words.append("--own-split")
    return shlex.join(words)


def _changed(
    spec: ExperimentSpec, strategy: str, settings: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Settings that differ from the preset; all of them for a strategy that no longer exists."""
    try:
        declared = {setting.name: setting for setting in find_strategy(strategy).settings}
    except UnknownName:
        declared = {}
    for name, value in settings.items():
        usual = declared[name].value_for(spec.preset) if name in declared else None
        # A preset's batch that is larger than the set is made to fit when the run is planned.
        fitted = (
            name == "batch_size"
            and usual is not None
            and int(usual) > int(value) == spec.images.get("train")
        )
        if value != usual and not fitted:
            yield name, value
