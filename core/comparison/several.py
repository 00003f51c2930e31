"""Several experiments in one view: a column each, a row for each fact, deltas to a baseline.

Accuracies are set against each other only where they come from the same test images, and times
only where the work was the same; elsewhere a sentence says why there is no delta.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from core.text import percent_text, seconds_text
from core.comparison.evidence import ladder_order
from core.comparison.model import Comparison, Row
from core.comparison.several_words import (
    column_title,
    delta_text,
    device_sentence,
    no_delta_reason,
    ratio_text,
    split_text,
)
from core.comparison.tables import compare_experiment, title_of
from core.errors import BadInput
from core.runs.experiment_spec import ExperimentSpec
from core.runs.store import Store

MOST_EXPERIMENTS = 6
Kind = Literal["setup", "setting", "accuracy", "time"]


@dataclass(frozen=True)
class Column:
    """One experiment. ``why_no_delta`` is a sentence where its numbers may not be set against
    those of the baseline; None for the baseline itself, and where they may."""

    experiment: str
    title: str
    is_baseline: bool
    why_no_delta: str | None


@dataclass(frozen=True)
class FactRow:
    """One fact, a value for each column in order; None is not known.

    ``values`` are texts of ``setup`` and ``setting`` rows, fractions 0 to 1 of ``accuracy`` and
    seconds of ``time``. ``shown`` are these as text. ``deltas`` are differences of fractions or
    ratios of seconds to the baseline; None for the baseline, where one is unknown and where the
    two may not be compared. ``delta_texts`` are these with their unit, empty for None.
    """

    title: str
    kind: Kind
    values: tuple[str | float | None, ...]
    shown: tuple[str, ...]
    deltas: tuple[float | None, ...]
    delta_texts: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Several:
    """``sentences`` say which columns have no deltas and why, and what else to bear in mind."""

    columns: tuple[Column, ...]
    rows: tuple[FactRow, ...]
    sentences: tuple[str, ...]

    def shown_rows(self, differences_only: bool = False) -> tuple[FactRow, ...]:
        """All rows, or those in which not all columns say the same."""
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
    reasons = [
        None
        if pinned is None or place == pinned
        else no_delta_reason(entries[pinned].comparison, entry.comparison,
                             entries[pinned].spec, entry.spec)
        for place, entry in enumerate(entries)
    ]  # fmt: skip
    columns = tuple(
        Column(entry.comparison.experiment, column_title(entry.comparison), place == pinned, reason)
        for place, (entry, reason) in enumerate(zip(entries, reasons, strict=True))
    )
    devices = None
    if pinned is not None:
        near = [entry for entry, why in zip(entries, reasons, strict=True) if why is None]
        devices = device_sentence(entries[pinned].comparison, [e.comparison for e in near])
    sentences = [reason for reason in reasons if reason] + ([devices] if devices else [])
    allowed = [pinned is not None and reason is None for reason in reasons]
    return Several(columns, tuple(_rows(entries, pinned, allowed)), tuple(sentences))


def several_frame(several: Several, differences_only: bool = False) -> pd.DataFrame:
    """One line a fact: its title, then each experiment's value with its delta behind it."""
    return pd.DataFrame(
        [
            {"fact": row.title}
            | {
                column.title: f"{shown} ({delta})" if delta else shown
                for column, shown, delta in zip(
                    several.columns, row.shown, row.delta_texts, strict=True
                )
            }
            for row in several.shown_rows(differences_only)
        ],
        columns=["fact", *(column.title for column in several.columns)],
    )


def several_words(several: Several) -> str:
    """Which facts differ, which numbers may not be compared."""
    if len(several.columns) == 1:
        return f"One experiment: {several.columns[0].title}. Choose another to set beside it."
    different = [row.title for row in several.rows if row.differs and row.kind == "setup"]
    first = f"{len(several.columns)} experiments; "
    first += f"they differ in {', '.join(different)}." if different else "made in the same way."
    return " ".join([first, *several.sentences])


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
    for kind, measures in _MEASURES.items():
        for name in names:
            of_strategy = [_row_of(entry, name) for entry in entries]
            for measure, title in measures.items():
                values = [None if row is None else getattr(row, measure) for row in of_strategy]
                if any(value is not None for value in values):
                    full = f"{title_of(name)}: {title}"
                    rows.append(_number_row(full, kind, values, pinned, allowed))
    return rows


_MEASURES: dict[Kind, dict[str, str]] = {
    "accuracy": {"test_accuracy": "test accuracy"},
    "time": {"end_to_end_seconds": "whole run", "steady_epoch_seconds": "steady epoch"},
}


def _row_of(entry: _Entry, strategy: str) -> Row | None:
    return next((row for row in entry.comparison.rows if row.strategy == strategy), None)


def _plain_row(title: str, kind: Kind, values: Sequence[str | None]) -> FactRow:
    nothing = (None,) * len(values)
    shown = tuple("—" if value is None else value for value in values)
    return FactRow(title, kind, tuple(values), shown, nothing, ("",) * len(values))


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
    text: Callable[[float | None], str] = percent_text if kind == "accuracy" else seconds_text
    base = None if pinned is None else values[pinned]
    deltas = tuple(
        None
        if not may or place == pinned or value is None or base is None
        else _delta(kind, value, base)
        for place, (value, may) in enumerate(zip(values, allowed, strict=True))
    )
    said = delta_text if kind == "accuracy" else ratio_text
    return FactRow(
        title=title,
        kind=kind,
        values=tuple(values),
        shown=tuple(text(value) for value in values),
        deltas=deltas,
        delta_texts=tuple("" if delta is None else said(delta) for delta in deltas),
    )


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
    "share of the training images": lambda entry: f"{100 * entry.spec.train_share:g} %",
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


def _count(entry: _Entry, side: str) -> str | None:
    images = entry.comparison.images.get(side)
    return None if images is None else f"{images:,}"


def _versions(entry: _Entry) -> str | None:
    versions = entry.comparison.versions
    return ", ".join(f"{name} {number}" for name, number in versions.items()) or None
