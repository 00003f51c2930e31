"""Cached reads for pages. Every cache has a limit; what may change carries its state in the key.

A page asks for the store's present state on every run (cheap, indexed queries); what is expensive
to compute from it is cached under a key that changes with it.
"""

import streamlit as st

from core.comparison.curves import Curve
from core.comparison.model import Comparison
from core.comparison.tables import compare, curves_of
from core.datasets.model import Dataset
from core.datasets.store import list_datasets, open_dataset
from core.errors import UnknownName
from core.runs.forecast import Forecast, forecast_experiment
from core.runs.launchers import ensure_worker
from core.runs.records import ExperimentRecord, RunRecord
from core.runs.specs import ExperimentSpec
from core.runs.store import Store, open_store
from core.settings import current_settings
from core.ui import pictures

MOST_CLASSES_SHOWN = 24


def store() -> Store:
    """The store of this installation; one object a process, safe for threads."""
    return _store(current_settings().database_url)


@st.cache_resource(max_entries=4, show_spinner=False)
def _store(database_url: str) -> Store:
    del database_url
    return open_store()


def datasets() -> list[Dataset]:
    """All datasets by name."""
    return _datasets(str(current_settings().datasets_folder))


@st.cache_resource(max_entries=4, ttl=5, show_spinner=False)
def _datasets(folder: str) -> list[Dataset]:
    del folder
    return list_datasets()


def class_pictures(dataset: Dataset) -> list[tuple[str, int, bytes]]:
    """``(class, images, PNG of one picture)`` of the largest classes, in their order."""
    return _class_pictures(dataset.id, str(dataset.folder))


@st.cache_data(max_entries=16, show_spinner=False)
def _class_pictures(dataset_id: str, folder: str) -> list[tuple[str, int, bytes]]:
    del folder
    return pictures.class_pictures(open_dataset(dataset_id), MOST_CLASSES_SHOWN)


def comparison(experiment_id: str) -> Comparison:
    """The comparison of an experiment as it stands; ``UnknownName`` for a stale id."""
    return compare(store().experiment(experiment_id), store().runs(experiment_id))


def curves(experiment_id: str) -> list[Curve]:
    """The training curves of an experiment, as far as they go."""
    runs = store().runs(experiment_id)
    return _curves(current_settings().database_url, _fingerprint(runs), experiment_id)


@st.cache_data(max_entries=32, ttl=600, show_spinner=False)
def _curves(database_url: str, fingerprint: tuple, experiment_id: str) -> list[Curve]:
    del database_url, fingerprint
    return curves_of(store(), store().runs(experiment_id))


def _fingerprint(runs: list[RunRecord]) -> tuple:
    """Changes whenever a run has a new epoch, state or attempt."""
    return tuple(
        (run.id, run.state, run.attempts, (run.progress or {}).get("epoch")) for run in runs
    )


def forecast(spec: ExperimentSpec) -> Forecast:
    """How long ``spec`` would take, from the finished runs in the store."""
    finished = store().runs(states=["finished"])
    return forecast_experiment(spec, store().experiments(), finished)


def headline() -> Comparison | None:
    """The recorded result in which the probe gains most over the CNN, else the newest one."""
    experiments = store().experiments()
    recorded = [comparison(entry.id) for entry in experiments if entry.recorded]
    if recorded:
        return max(recorded, key=lambda entry: entry.gain("vgg16_probe", over="cnn"))
    finished = [entry for entry in experiments if entry.state_counts.get("finished")]
    return comparison(finished[0].id) if finished else None


def wake_worker() -> None:
    """Start a worker unless one serves the queue; asked at most every five seconds."""
    _wake_worker(current_settings().database_url)


@st.cache_data(max_entries=4, ttl=5, show_spinner=False)
def _wake_worker(database_url: str) -> bool:
    del database_url
    return ensure_worker(store())


def chosen_experiment(experiments: list[ExperimentRecord], wanted: str | None) -> str:
    """The id to show: ``wanted`` from the address bar, or without one the newest.

    Raises ``UnknownName`` where the address names one that is not there (any more).
    """
    known = [experiment.id for experiment in experiments]
    if not wanted:
        return known[0]
    if wanted not in known:
        raise UnknownName("experiment", wanted, known)
    return wanted
