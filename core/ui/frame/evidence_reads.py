"""Cached reads of the evidence of one experiment, keyed by a fingerprint of its runs and files.

One cache holds whatever was computed; each entry's name says what it is, with all its arguments.
The objects are shared between visitors: they are frozen, and nobody may change them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from core.analysis.comparison import Comparison, compare
from core.analysis.confusion import Confusion, confusion
from core.analysis.evidence import ExperimentPredictions, load_evidence
from core.analysis.ladder import LadderStep, ladder_steps
from core.analysis.learning_curve import LearningCurve, learning_curve_of
from core.analysis.mistakes import (
    Disagreements,
    HardImage,
    LabelError,
    Mistake,
    confident_mistakes,
    disagreements,
    hardest,
    likely_label_errors,
)
from core.analysis.scores import StrategyScore, score_table
from core.analysis.time_breakdown import TimeBreakdown, load_time_breakdown
from core.analysis.verdicts import (
    MajorityVerdict,
    PairVerdict,
    TieGroup,
    against_majority,
    all_pairs,
    pair_verdict,
    ties,
)
from core.analysis.words.images import describe_label_errors
from core.analysis.words.verdicts import describe_power
from core.experiments.planning import series_of
from core.experiments.records import ExperimentRecord, RunRecord
from core.experiments.run_files import predictions_path
from core.settings import current_settings
from core.ui.frame import reads

MOST_MISTAKES = 240
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Subject:
    """The experiment that the page is about, as it stands in the store at this moment."""

    experiment: ExperimentRecord
    runs: tuple[RunRecord, ...]

    @property
    def id(self) -> str:
        return self.experiment.id

    @cached_property
    def comparison(self) -> Comparison:
        return compare(self.experiment, self.runs)

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Changes whenever a run has another state or attempt, or its predictions another file."""
        runs = tuple(
            (run.id, run.state, run.attempts, run.finished_at, _changed(predictions_path(run.id)))
            for run in self.runs
        )
        return (current_settings().database_url, str(current_settings().runs_folder), runs)


def subject(experiment_id: str) -> Subject:
    """``UnknownName`` for an experiment that is not in the store."""
    store = reads.store()
    return Subject(store.experiment(experiment_id), tuple(store.runs(experiment_id)))


def evidence(subject: Subject) -> ExperimentPredictions:
    """The answers of all finished runs."""
    return _evidence(subject.key, subject.id)


# Few: with 50 runs on 10,000 images one holds some ten megabytes.
@st.cache_resource(max_entries=12, ttl=3600, show_spinner=False)
def _evidence(key: tuple[Any, ...], experiment_id: str) -> ExperimentPredictions:
    return load_evidence(reads.store(), experiment_id)


def breakdown(subject: Subject) -> TimeBreakdown:
    return _kept(subject, "time breakdown", lambda: load_time_breakdown(reads.store(), subject.id))


def scores(subject: Subject, metric: str, with_intervals: bool = True) -> tuple[StrategyScore, ...]:
    return _kept(
        subject,
        f"scores.{metric}.{with_intervals}",
        lambda: score_table(evidence(subject), metric, with_intervals),
    )


def steps(subject: Subject) -> tuple[LadderStep, ...]:
    return _kept(subject, "steps", lambda: ladder_steps(evidence(subject)))


def tie_groups(subject: Subject) -> tuple[TieGroup, ...]:
    return _kept(subject, "ties", lambda: ties(evidence(subject)))


def power(subject: Subject) -> str:
    return _kept(subject, "power", lambda: describe_power(evidence(subject)))


def pairs(subject: Subject) -> tuple[PairVerdict, ...]:
    return _kept(subject, "pairs", lambda: all_pairs(evidence(subject)))


def pair(subject: Subject, first: str, second: str) -> PairVerdict:
    return _kept(
        subject, f"pair.{first}.{second}", lambda: pair_verdict(evidence(subject), first, second)
    )


def majority_verdicts(subject: Subject) -> tuple[MajorityVerdict, ...]:
    found = evidence(subject)
    return _kept(
        subject,
        "majority",
        lambda: tuple(against_majority(found, answers.strategy) for answers in found.answers),
    )


def matrix(subject: Subject, strategy: str, seed: int | None) -> Confusion:
    return _kept(
        subject,
        f"matrix.{strategy}.{seed}",
        lambda: confusion(evidence(subject), strategy, seed),
    )


def disagreeing(subject: Subject, first: str, second: str, seed: int | None) -> Disagreements:
    return _kept(
        subject,
        f"flips.{first}.{second}.{seed}",
        lambda: disagreements(evidence(subject), first, second, seed, seed),
    )


def top_mistakes(subject: Subject, strategy: str) -> tuple[Mistake, ...]:
    return _kept(
        subject,
        f"mistakes.{strategy}",
        lambda: confident_mistakes(evidence(subject), strategy, MOST_MISTAKES),
    )


def hard_images(subject: Subject) -> tuple[HardImage, ...]:
    return _kept(subject, "hardest", lambda: hardest(evidence(subject), MOST_MISTAKES))


def label_errors(subject: Subject) -> tuple[tuple[LabelError, ...], str]:
    """All of them, the surest first, and what the list means in words."""
    found = evidence(subject)
    return _kept(
        subject, "labels", lambda: (likely_label_errors(found), describe_label_errors(found))
    )


def learning_curve(series: str) -> LearningCurve:
    """As it stands now; ``UnknownName`` for a series that is not in the store."""
    store = reads.store()
    members = [(member, store.runs(member.id)) for member in series_of(store, series)]
    return learning_curve_of(series, members)


def _kept(subject: Subject, name: str, compute: Callable[[], T]) -> T:
    return _computed(subject.key, subject.id, name, compute)


@st.cache_resource(max_entries=512, ttl=3600, show_spinner=False)
def _computed(
    key: tuple[Any, ...], experiment_id: str, name: str, _compute: Callable[[], Any]
) -> Any:
    return _compute()


def _changed(path: Path) -> int | None:
    """When a file was written, in nanoseconds; None where it is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
