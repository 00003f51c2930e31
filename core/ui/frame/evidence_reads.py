"""Cached reads of the evidence of one experiment, keyed by a fingerprint of its runs and files.

``computed(subject, all_pairs)`` applies a function of the analysis to the answers, once for all
visitors: they share the objects, which are frozen, and nobody may change them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import streamlit as st

from core.analysis.comparison import Comparison, compare
from core.analysis.evidence import ExperimentPredictions, load_evidence
from core.analysis.learning_curve import LearningCurve, learning_curve_of
from core.analysis.time_breakdown import TimeBreakdown, load_time_breakdown
from core.experiments.planning import series_of
from core.experiments.records import ExperimentRecord, RunRecord
from core.experiments.run_files import predictions_path
from core.settings import current_settings
from core.ui.frame import reads
from core.ui.frame.drawing import digest_of, draw_once

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Subject:
    """The experiment that the page is about, as it stands in the store at this moment.

    ``runs``: all, or those of the strategies that are shown; then ``whole`` has all of them.
    """

    experiment: ExperimentRecord
    runs: tuple[RunRecord, ...]
    whole: "Subject | None" = None

    @property
    def id(self) -> str:
        return self.experiment.id

    @property
    def with_all(self) -> "Subject":
        """With all its runs, whatever is shown."""
        return self.whole or self

    @cached_property
    def strategies(self) -> frozenset[str]:
        return frozenset(run.strategy for run in self.runs)

    @cached_property
    def comparison(self) -> Comparison:
        return kept(self, "comparison", lambda: compare(self.experiment, self.runs))

    @cached_property
    def key(self) -> str:
        """Changes whenever a run has another state or attempt, its predictions another file, or its
        times were measured again, which its notes say."""
        runs = [
            (
                *(run.id, run.state, run.attempts, run.finished_at),
                run.result.notes if run.result else (),
                _changed(predictions_path(run.id)),
            )
            for run in self.runs
        ]
        settings = current_settings()
        return digest_of(self.id, settings.database_url, str(settings.runs_folder), *runs)


def subject(experiment_id: str) -> Subject:
    """``UnknownName`` for an experiment that is not in the store."""
    store = reads.store()
    return Subject(store.experiment(experiment_id), tuple(store.runs(experiment_id)))


def evidence(subject: Subject) -> ExperimentPredictions:
    """The answers of all finished runs of the subject."""
    return _evidence(subject.key, subject.id, subject.strategies)


# Few: with 50 runs on 10,000 images one holds some ten megabytes.
@st.cache_resource(max_entries=12, ttl=3600, show_spinner=False)
def _evidence(key: str, experiment_id: str, _strategies: frozenset[str]) -> ExperimentPredictions:
    return load_evidence(reads.store(), experiment_id).only(_strategies)


def computed(
    subject: Subject,
    function: Callable[Concatenate[ExperimentPredictions, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """What ``function`` makes of the answers and these arguments, which have to be hashable."""
    name = f"{function.__module__}.{function.__qualname__}"
    return kept(subject, (name, args, kwargs), lambda: function(evidence(subject), *args, **kwargs))


def breakdown_of(subject: Subject) -> TimeBreakdown:
    return kept(
        subject,
        "time breakdown",
        lambda: load_time_breakdown(reads.store(), subject.id, subject.strategies),
    )


def learning_curve(series: str) -> LearningCurve:
    """As it stands now; ``UnknownName`` for a series that is not in the store."""
    store = reads.store()
    members = [(member, store.runs(member.id)) for member in series_of(store, series)]
    return learning_curve_of(series, members)


def drawn(
    subject: Subject,
    function: Callable[Concatenate[Subject, P], None],
    *args: P.args,
    **kwargs: P.kwargs,
) -> None:
    """What ``function`` draws of the subject and these arguments: ``drawing.draw_once``."""
    draw_once(subject.key, function, subject, *args, **kwargs)


def kept(subject: Subject, name: object, compute: Callable[[], T]) -> T:
    """What ``compute`` makes of the subject alone, under a ``name`` for it."""
    return _cached(subject.key, name, compute)


@st.cache_resource(max_entries=512, ttl=3600, show_spinner=False)
def _cached(key: str, name: object, _compute: Callable[[], T]) -> T:
    return _compute()


def _changed(path: Path) -> int | None:
    """When a file was written, in nanoseconds; None where it is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
