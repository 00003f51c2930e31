"""Cached reads for pages. Every cache has a limit; what may change carries its state in the key.

A page asks for the store's present state on every run (cheap, indexed queries); what is expensive
to compute from it is cached under a key that changes with it.
"""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from core.analysis.comparison import Comparison, compare
from core.analysis.curves import Curve, curves_of
from core.datasets.dataset import Dataset
from core.datasets.health.finding import Finding
from core.datasets.health.findings import findings as find
from core.datasets.storage import list_datasets, open_dataset
from core.experiments.forecast import Forecast, forecast_each, forecast_experiment
from core.experiments.records import ExperimentSpec
from core.experiments.remembering_store import RememberingStore
from core.jobs.launchers import ensure_worker
from core.layers.augmentation import Augmentation
from core.settings import current_settings
from core.training.scoring import tracked_rows
from core.ui.frame.drawing import digest_of
from core.ui.widgets import images

MOST_CLASSES_SHOWN = 24
LARGE_SIZE = 640
PREVIEWED = 8
BY_ID: dict[str | type, Callable[[Dataset], str]] = {Dataset: lambda dataset: dataset.id}


def store() -> RememberingStore:
    """The store of this installation; one object a process, safe for threads."""
    return _store(current_settings().database_url)


@st.cache_resource(max_entries=4, show_spinner=False)
def _store(database_url: str) -> RememberingStore:
    return RememberingStore(database_url)


def datasets() -> list[Dataset]:
    """All datasets by name."""
    return _datasets(str(current_settings().datasets_folder))


@st.cache_resource(max_entries=4, ttl=5, show_spinner=False)
def _datasets(folder: str) -> list[Dataset]:
    return list_datasets()


def dataset(wanted: str) -> Dataset:
    """The dataset of that name, id, or beginning of an id; ``UnknownName`` for a stale one."""
    for entry in datasets():
        if wanted in (entry.name, entry.id, entry.folder.name):
            return entry
    # Added or renamed within the last seconds, or not there.
    found = open_dataset(wanted)
    forget_datasets()
    return found


def dataset_key(dataset: Dataset) -> str:
    """Changes with the name, and with the way in which the same images were added."""
    return digest_of(str(dataset.folder), dataset.created_at, dataset.name)


def forget_datasets() -> None:
    """See at once that a dataset was added, renamed or removed, and not only after seconds."""
    _datasets.clear()


# A dataset never changes, so its folder is the key; the moment it was added tells apart two ways
# of adding the same images, which may have left out different files.
@st.cache_resource(
    max_entries=64,
    show_spinner=False,
    hash_funcs={Dataset: lambda dataset: (str(dataset.folder), dataset.created_at)},
)
def findings(dataset: Dataset) -> list[Finding]:
    """What was noticed about a dataset, the gravest first."""
    return find(dataset)


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs=BY_ID)
def tiles(dataset: Dataset, indexes: Sequence[int], size: int) -> list[bytes]:
    """Square PNGs of ``size`` pixels of these images; only they are decoded."""
    return images.tiles(dataset, indexes, size)


@st.cache_data(max_entries=32, show_spinner=False, hash_funcs=BY_ID)
def varied_images(
    dataset: Dataset, preparation: tuple[int, str], seed: int, amounts: Augmentation
) -> list[bytes]:
    """``PREVIEWED`` images of a dataset, of as many classes as it has, varied by augmentation; see
    ``images.varied``."""
    chosen = [int(row) for row in tracked_rows(dataset.labels, PREVIEWED)]
    return images.varied(dataset, chosen, preparation, seed, amounts)


@st.cache_data(max_entries=16, show_spinner=False, hash_funcs=BY_ID)
def large_image(dataset: Dataset, index: int) -> bytes:
    """PNG of one image, small ones enlarged by a whole factor."""
    return dataset.thumbnail(index, LARGE_SIZE)


@st.cache_data(max_entries=64, show_spinner=False)
def heated(image: bytes, heat: np.ndarray) -> bytes:
    """PNG of a dataset's image (PNG) with a heat map over it; not for images of visitors."""
    return images.overlay(image, heat)


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs=BY_ID)
def class_images(
    dataset: Dataset, most_classes: int = MOST_CLASSES_SHOWN
) -> list[tuple[str, int, bytes]]:
    """``(class, images, PNG of one image)`` of the largest classes, in their order."""
    return images.class_images(dataset, most_classes)


def comparison(experiment_id: str) -> Comparison:
    """The comparison of an experiment as it stands; ``UnknownName`` for a stale id."""
    return compare(store().experiment(experiment_id), store().runs(experiment_id))


def curves(experiment_id: str) -> list[Curve]:
    """The training curves of an experiment, as far as they go; shared, so nobody changes them."""
    return _curves(curves_key(experiment_id), experiment_id)


@st.cache_resource(max_entries=32, ttl=600, show_spinner=False)
def _curves(key: str, experiment_id: str) -> list[Curve]:
    return curves_of(store(), store().runs(experiment_id))


def curves_key(experiment_id: str) -> str:
    """Changes whenever a run has a new epoch, state or attempt, or begins again."""
    counts = store().epoch_counts(experiment_id)
    runs = [
        # A run that begins again with a smaller batch is noted, and its epochs are dropped.
        (run.id, run.state, run.attempts, len(run.notes), counts.get(run.id, 0))
        for run in store().runs(experiment_id)
    ]
    return digest_of(current_settings().database_url, experiment_id, *runs)


def forecast(spec: ExperimentSpec) -> Forecast:
    """How long ``spec`` would take, from the finished runs in the store."""
    finished = store().runs(states=["finished"])
    return forecast_experiment(spec, store().experiments(), finished)


def forecasts(spec: ExperimentSpec) -> dict[str, float]:
    """How many seconds each strategy of ``spec`` would take alone, without those that never ran."""
    finished = store().runs(states=["finished"])
    return forecast_each(spec, store().experiments(), finished)


def wake_worker() -> None:
    """Start a worker unless one serves the queue; asked at most every five seconds."""
    _wake_worker(current_settings().database_url)


@st.cache_data(max_entries=4, ttl=5, show_spinner=False)
def _wake_worker(database_url: str) -> bool:
    return ensure_worker(store())
