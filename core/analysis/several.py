"""Several experiments in one view: a column each, a row for each fact, deltas to a baseline.

Accuracies are compared only where they come from the same test images, and times only where the
work was the same; elsewhere the column names the obstacle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from core.analysis.comparison import Comparison, Row, compare_experiment, split_text, title_of
from core.analysis.evidence import ladder_order, load_evidence
from core.analysis.metrics import find_metric
from core.analysis.scores import StrategyScore, score_table
from core.errors import BadInput
from core.experiments.records import ExperimentSpec
from core.experiments.store import Store
from core.text import exact_percent_text

MOST_EXPERIMENTS = 6
Kind = Literal["setup", "setting", "metric", "time"]
ScoresOf = Callable[[str], Sequence[StrategyScore]]


class Obstacle(StrEnum):
    """Why the numbers of an experiment may not be compared with those of the baseline."""

    OTHER_DATASET = "other dataset"
    OTHER_SPLIT = "other split"


@dataclass(frozen=True)
class Column:
    """One experiment; ``obstacle`` is None for the baseline, without a baseline, and where its
    numbers may be compared with those of the baseline."""

    experiment: str
    dataset: str
    is_baseline: bool
    obstacle: Obstacle | None


@dataclass(frozen=True)
class FactRow:
    """One fact, a value for each column in order; None is not known.

    ``values`` are texts of ``setup`` and ``setting`` rows, values of ``metric`` and seconds of
    ``time``. ``deltas`` are differences of the metric or ratios of seconds to the baseline; None
    for the baseline, where one is unknown and where there is an obstacle. ``disturbed`` says which
    seconds something else spoilt: they have no ratio, as seconds of two devices have none.
    """

    title: str
    kind: Kind
    values: tuple[str | float | None, ...]
    deltas: tuple[float | None, ...]
    metric: str = "accuracy"
    disturbed: tuple[bool, ...] = ()

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Several:
    """``other_devices``: some of the times to be compared come from another kind of machine."""

    columns: tuple[Column, ...]
    rows: tuple[FactRow, ...]
    other_devices: bool


def compare_several(
    store: Store,
    ids: Sequence[str],
    baseline: str | None = None,
    metric: str = "accuracy",
    scores_of: ScoresOf | None = None,
) -> Several:
    """One to six experiments, in the order given; ``baseline`` is one of them, or none.

    Test accuracy comes from the stored results; another ``metric`` from the predictions, or from
    ``scores_of``, which gives the ``score_table`` of an experiment.

    Raises ``UnknownName`` for an experiment that is not in the store, and ``BadInput`` for too
    many, none, one given twice, or a baseline that is not among them.
    """
    _check(ids, baseline)
    specs = [store.experiment(name).spec for name in ids]
    comparisons = [compare_experiment(store, name) for name in ids]
    pinned = None if baseline is None else list(ids).index(baseline)
    obstacles = [None if pinned is None else _obstacle(specs[pinned], spec) for spec in specs]
    columns = [
        Column(comparison.experiment, comparison.dataset, place == pinned, obstacle)
        for place, (comparison, obstacle) in enumerate(zip(comparisons, obstacles, strict=True))
    ]
    devices = {
        comparison.device
        for comparison, obstacle in zip(comparisons, obstacles, strict=True)
        if obstacle is None
    }
    rows = [
        _text_row(title, "setup", [fact(*entry) for entry in zip(specs, comparisons, strict=True)])
        for title, fact in _SETUP.items()
    ]
    names = ladder_order(row.strategy for comparison in comparisons for row in comparison.rows)
    for name in names:
        rows += _setting_rows(specs, name)
    by_name = [{row.strategy: row for row in comparison.rows} for comparison in comparisons]
    majority, means = _majority_and_means(
        comparisons, metric, scores_of or _read_from(store, metric)
    )
    found_rows = [_metric_row("always the commonest class", metric, majority, columns)]
    for name in names:
        title = f"{title_of(name)}: {find_metric(metric).title}"
        values = [found.get(name) for found in means]
        found_rows.append(_metric_row(title, metric, values, columns))
    for name in names:
        for field, title in _TIMES.items():
            rows_of = [found.get(name) for found in by_name]
            title_of_row = f"{title_of(name)}: {title}"
            found_rows.append(_time_row(title_of_row, field, rows_of, columns))
    rows += [row for row in found_rows if any(value is not None for value in row.values)]
    return Several(
        tuple(columns), tuple(rows), other_devices=pinned is not None and len(devices) > 1
    )


def _check(ids: Sequence[str], baseline: str | None) -> None:
    if not 1 <= len(ids) <= MOST_EXPERIMENTS:
        raise BadInput(
            f"{len(ids)} experiments are chosen; choose one to {MOST_EXPERIMENTS}.", "experiments"
        )
    if len(set(ids)) != len(ids):
        raise BadInput("An experiment is chosen twice; each can be shown once.", "experiments")
    if baseline is not None and baseline not in ids:
        raise BadInput(
            f"The baseline {baseline!r} is not among the chosen experiments: {', '.join(ids)}.",
            "baseline",
        )


def _obstacle(baseline: ExperimentSpec, other: ExperimentSpec) -> Obstacle | None:
    if baseline.dataset_id != other.dataset_id:
        return Obstacle.OTHER_DATASET
    if baseline.split_fingerprint and other.split_fingerprint:
        is_same = baseline.split_fingerprint == other.split_fingerprint
    else:  # an old experiment, known by its rule alone
        is_same = (baseline.split, baseline.given_split) == (other.split, other.given_split)
    return None if is_same else Obstacle.OTHER_SPLIT


def _text_row(title: str, kind: Kind, values: Sequence[str | None]) -> FactRow:
    return FactRow(title, kind, tuple(values), (None,) * len(values))


def _setting_rows(specs: Sequence[ExperimentSpec], strategy: str) -> list[FactRow]:
    """Settings of a strategy that at least two experiments have, and not all alike."""
    found = [dict(spec.strategies).get(strategy, {}) for spec in specs]
    rows = []
    for name in dict.fromkeys(name for settings in found for name in settings):
        values = [str(settings[name]) if name in settings else None for settings in found]
        if len({value for value in values if value is not None}) > 1:
            rows.append(_text_row(f"{title_of(strategy)}: setting {name}", "setting", values))
    return rows


def _read_from(store: Store, metric: str) -> ScoresOf:
    return lambda name: score_table(load_evidence(store, name), metric, with_intervals=False)


def _majority_and_means(
    comparisons: Sequence[Comparison], metric: str, scores_of: ScoresOf
) -> tuple[list[float | None], list[dict[str, float | None]]]:
    """Of each experiment: the value of the majority class, and of each strategy."""
    if metric == "accuracy":
        return (
            [comparison.majority_accuracy for comparison in comparisons],
            [
                {row.strategy: row.test_accuracy for row in comparison.rows}
                for comparison in comparisons
            ],
        )
    scores = [scores_of(comparison.experiment) for comparison in comparisons]
    return (
        [found[0].majority if found else None for found in scores],
        [{score.strategy: score.mean for score in found} for found in scores],
    )


def _metric_row(
    title: str, metric: str, values: Sequence[float | None], columns: Sequence[Column]
) -> FactRow:
    return replace(_number_row(title, "metric", values, columns), metric=metric)


def _time_row(
    title: str, field: str, rows: Sequence[Row | None], columns: Sequence[Column]
) -> FactRow:
    """All times are shown; only undisturbed ones of the baseline's device are compared."""
    base = next((row for row, one in zip(rows, columns, strict=True) if one.is_baseline), None)
    compared = [
        row.undisturbed(field) if row and (base is None or row.device == base.device) else None
        for row in rows
    ]
    return replace(
        _number_row(title, "time", compared, columns),
        values=tuple(getattr(row, field) if row else None for row in rows),
        disturbed=tuple(row is not None and field in row.disturbed for row in rows),
    )


def _number_row(
    title: str, kind: Kind, values: Sequence[float | None], columns: Sequence[Column]
) -> FactRow:
    base = next((v for v, column in zip(values, columns, strict=True) if column.is_baseline), None)
    deltas = tuple(
        None
        if column.is_baseline or column.obstacle or value is None or base is None
        else _delta(kind, value, base)
        for value, column in zip(values, columns, strict=True)
    )
    return FactRow(title, kind, tuple(values), deltas)


def _delta(kind: Kind, value: float, base: float) -> float | None:
    if kind == "metric":
        return value - base
    return value / base if base > 0 else None


_TIMES = {"end_to_end_seconds": "whole run", "steady_epoch_seconds": "steady epoch"}
_SETUP: dict[str, Callable[[ExperimentSpec, Comparison], str | None]] = {
    "dataset": lambda spec, _: spec.dataset_name,
    "dataset id": lambda spec, _: spec.dataset_id[:12],
    "classes": lambda spec, _: str(len(spec.classes)),
    "training images": lambda spec, _: _count(spec, "train"),
    "validation images": lambda spec, _: _count(spec, "validation"),
    "test images": lambda spec, _: _count(spec, "test"),
    "fraction of the training images": lambda spec, _: exact_percent_text(spec.train_share),
    "split": lambda spec, _: split_text(spec),
    "split fingerprint": lambda spec, _: spec.split_fingerprint[:12] or None,
    "image size": lambda spec, _: f"{spec.image_size} × {spec.image_size} pixels",
    "resize": lambda spec, _: spec.resize,
    "preset": lambda spec, _: spec.preset,
    "seeds": lambda spec, _: ", ".join(map(str, spec.seeds)),
    "precision": lambda _, comparison: comparison.precision,
    "device": lambda _, comparison: comparison.device,
    "backend": lambda _, comparison: comparison.backend,
    "versions": lambda _, comparison: (
        ", ".join(f"{name} {number}" for name, number in comparison.versions.items()) or None
    ),
}


def _count(spec: ExperimentSpec, subset: str) -> str | None:
    images = spec.images.get(subset)
    return None if images is None else f"{images:,}"
