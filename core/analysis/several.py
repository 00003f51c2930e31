"""Several experiments in one view: a column each, a row for each fact, deltas to a baseline.

Accuracies are set against each other only where they come from the same test images, and times
only where the work was the same; elsewhere the column names the obstacle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from core.analysis.comparison import (
    Comparison,
    Row,
    compare_experiment,
    title_of,
)
from core.analysis.evidence import ladder_order
from core.analysis.split_facts import split_text
from core.errors import BadInput
from core.experiments.records import ExperimentSpec
from core.experiments.store import Store
from core.text import exact_percent_text

MOST_EXPERIMENTS = 6
Kind = Literal["setup", "setting", "accuracy", "time"]


class Obstacle(StrEnum):
    """Why the numbers of an experiment may not be set against those of the baseline."""

    OTHER_DATASET = "other dataset"
    OTHER_SPLIT = "other split"


@dataclass(frozen=True)
class Column:
    """One experiment; ``obstacle`` is None for the baseline itself, without one, and where its
    numbers may be set against those of the baseline."""

    experiment: str
    dataset: str
    is_baseline: bool
    obstacle: Obstacle | None


@dataclass(frozen=True)
class FactRow:
    """One fact, a value for each column in order; None is not known.

    ``values`` are texts of ``setup`` and ``setting`` rows, fractions 0 to 1 of ``accuracy`` and
    seconds of ``time``. ``deltas`` are differences of fractions or ratios of seconds to the
    baseline; None for the baseline, where one is unknown and where there is an obstacle.
    """

    title: str
    kind: Kind
    values: tuple[str | float | None, ...]
    deltas: tuple[float | None, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Several:
    """``other_devices``: some of the times to be compared come from another kind of machine."""

    columns: tuple[Column, ...]
    rows: tuple[FactRow, ...]
    other_devices: bool

    def shown_rows(self, differences_only: bool = False) -> tuple[FactRow, ...]:
        """All rows, or those in which the columns differ."""
        return tuple(row for row in self.rows if row.differs or not differences_only)


@dataclass(frozen=True)
class _Entry:
    spec: ExperimentSpec
    comparison: Comparison


def compare_several(store: Store, ids: Sequence[str], baseline: str | None = None) -> Several:
    """One to six experiments, in the order given; ``baseline`` is one of them, or none.

    Raises ``UnknownName`` for an experiment that is not in the store, and ``BadInput`` for too
    many, none, one given twice, or a baseline that is not among them.
    """
    _check(ids, baseline)
    entries = [_Entry(store.experiment(name).spec, compare_experiment(store, name)) for name in ids]
    pinned = None if baseline is None else list(ids).index(baseline)
    obstacles = [None if pinned is None else _obstacle(entries[pinned], entry) for entry in entries]
    columns = tuple(
        Column(entry.comparison.experiment, entry.comparison.dataset, place == pinned, obstacle)
        for place, (entry, obstacle) in enumerate(zip(entries, obstacles, strict=True))
    )
    near = [entry for entry, why in zip(entries, obstacles, strict=True) if why is None]
    devices = {entry.comparison.device for entry in near}
    allowed = [pinned is not None and obstacle is None for obstacle in obstacles]
    return Several(
        columns,
        tuple(_rows(entries, pinned, allowed)),
        other_devices=pinned is not None and len(devices) > 1,
    )


def _obstacle(baseline: _Entry, other: _Entry) -> Obstacle | None:
    if baseline.comparison.dataset_id != other.comparison.dataset_id:
        return Obstacle.OTHER_DATASET
    return None if _same_split(baseline.spec, other.spec) else Obstacle.OTHER_SPLIT


def _same_split(first: ExperimentSpec, second: ExperimentSpec) -> bool:
    """Whether the test images are the same: by fingerprint, or for old experiments by its rule."""
    if first.split_fingerprint and second.split_fingerprint:
        return first.split_fingerprint == second.split_fingerprint
    return (first.split, first.given_split) == (second.split, second.given_split)


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


def _rows(entries: list[_Entry], pinned: int | None, allowed: list[bool]) -> list[FactRow]:
    rows = [
        _plain_row(title, "setup", [of(entry) for entry in entries]) for title, of in _SETUP.items()
    ]
    names = ladder_order(row.strategy for entry in entries for row in entry.comparison.rows)
    for name in names:
        rows += _setting_rows(entries, name)
    rows.append(
        _number_row("always the commonest class", "accuracy",
                    [entry.comparison.majority_accuracy for entry in entries], pinned, allowed)
    )  # fmt: skip
    for kind, metrics in _METRICS.items():
        for name in names:
            of_strategy = [_row_of(entry, name) for entry in entries]
            for measure, title in metrics.items():
                values = [None if row is None else getattr(row, measure) for row in of_strategy]
                if any(value is not None for value in values):
                    full = f"{title_of(name)}: {title}"
                    rows.append(_number_row(full, kind, values, pinned, allowed))
    return rows


_METRICS: dict[Kind, dict[str, str]] = {
    "accuracy": {"test_accuracy": "test accuracy"},
    "time": {"end_to_end_seconds": "whole run", "steady_epoch_seconds": "steady epoch"},
}


def _row_of(entry: _Entry, strategy: str) -> Row | None:
    return next((row for row in entry.comparison.rows if row.strategy == strategy), None)


def _plain_row(title: str, kind: Kind, values: Sequence[str | None]) -> FactRow:
    return FactRow(title, kind, tuple(values), (None,) * len(values))


def _setting_rows(entries: list[_Entry], strategy: str) -> list[FactRow]:
    """Settings of a strategy that at least two experiments have, and not all alike."""
    found = [dict(entry.spec.strategies).get(strategy) for entry in entries]
    names = dict.fromkeys(name for settings in found if settings for name in settings)
    rows = []
    for name in names:
        values = [
            None if settings is None or name not in settings else str(settings[name])
            for settings in found
        ]
        if len({value for value in values if value is not None}) > 1:
            rows.append(_plain_row(f"{title_of(strategy)}: setting {name}", "setting", values))
    return rows


def _number_row(
    title: str,
    kind: Kind,
    values: Sequence[float | None],
    pinned: int | None,
    allowed: Sequence[bool],
) -> FactRow:
    base = None if pinned is None else values[pinned]
    deltas = tuple(
        None
        if not may or place == pinned or value is None or base is None
        else _delta(kind, value, base)
        for place, (value, may) in enumerate(zip(values, allowed, strict=True))
    )
    return FactRow(title, kind, tuple(values), deltas)


def _delta(kind: Kind, value: float, base: float) -> float | None:
    if kind == "accuracy":
        return value - base
    return value / base if base > 0 else None


_SETUP: dict[str, Callable[[_Entry], str | None]] = {
    "dataset": lambda entry: entry.comparison.dataset,
    "dataset id": lambda entry: entry.comparison.dataset_id[:12],
    "classes": lambda entry: str(len(entry.comparison.classes)),
    "training images": lambda entry: _count(entry, "train"),
    "validation images": lambda entry: _count(entry, "validation"),
    "test images": lambda entry: _count(entry, "test"),
    "fraction of the training images": lambda entry: exact_percent_text(entry.spec.train_share),
    "split": lambda entry: split_text(entry.spec),
    "split fingerprint": lambda entry: entry.spec.split_fingerprint[:12] or None,
    "image size": lambda entry: f"{entry.spec.image_size} x {entry.spec.image_size} pixels",
    "resize": lambda entry: entry.spec.resize,
    "preset": lambda entry: entry.spec.preset,
    "seeds": lambda entry: ", ".join(map(str, entry.spec.seeds)),
    "precision": lambda entry: entry.comparison.precision,
    "device": lambda entry: entry.comparison.device,
    "backend": lambda entry: entry.comparison.backend,
    "versions": lambda entry: _versions(entry),
}


def _count(entry: _Entry, subset: str) -> str | None:
    images = entry.comparison.images.get(subset)
    return None if images is None else f"{images:,}"


def _versions(entry: _Entry) -> str | None:
    versions = entry.comparison.versions
    return ", ".join(f"{name} {number}" for name, number in versions.items()) or None
