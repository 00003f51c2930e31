"""Cached reads of the story: which experiments can be told, and which shows the other side."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.story import (
    StoryFacts,
    headline_experiment,
    other_experiment,
    stored_gains,
)
from core.experiments.records import ExperimentRecord
from core.settings import current_settings
from core.ui.frame import evidence_reads, reads


def tellable(experiments: Sequence[ExperimentRecord]) -> list[ExperimentRecord]:
    """Those in which a run has finished."""
    return [entry for entry in experiments if entry.state_counts.get("finished")]


def facts_of(experiment_id: str) -> StoryFacts:
    """``UnknownName`` for an experiment that is not in the store."""
    subject = evidence_reads.subject(experiment_id)
    return StoryFacts(subject.comparison, lambda: evidence_reads.evidence(subject))


def headline(experiments: Sequence[ExperimentRecord]) -> ExperimentRecord:
    """What the first page tells where the address names nothing; ``experiments`` are not none."""
    return headline_experiment(experiments, _gains_of(experiments))


def contrasting_experiment(
    experiments: Sequence[ExperimentRecord], own: ExperimentRecord
) -> StoryFacts | None:
    """The experiment on other pictures that shows the other side; None where there is none.

    Experiments of a learning curve have fewer training images on purpose and are left out.
    """
    gains = _gains_of(experiments)
    others = {
        entry.id: gains[entry.id]
        for entry in experiments
        if entry.id in gains
        and not entry.spec.series
        and entry.spec.dataset_id != own.spec.dataset_id
    }
    found = other_experiment(others, gains.get(own.id))
    return facts_of(found) if found is not None else None


def _gains_of(experiments: Sequence[ExperimentRecord]) -> dict[str, float]:
    finished = tuple((entry.id, entry.state_counts.get("finished", 0)) for entry in experiments)
    return _gains(current_settings().database_url, finished)


# A finished run never changes, so their number in each experiment says whether there is news.
@st.cache_resource(max_entries=8, show_spinner=False)
def _gains(database_url: str, finished: tuple[tuple[str, int], ...]) -> dict[str, float]:
    return stored_gains(reads.store().runs(states=["finished"]))
