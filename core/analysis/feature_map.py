"""A map of the test images: images with similar features lie near each other.

A job computes it (``core.analysis.feature_map_job``); here it is requested and read.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from core.analysis.evidence import ExperimentPredictions
from core.analysis.feature_map_job import METHODS, Method, wanted_features
from core.backbones.features import matching_keys
from core.datasets.storage import open_dataset
from core.errors import StoreError, UnknownName
from core.experiments.store import Store
from core.files import UNREADABLE, read_arrays
from core.jobs.cached import CachedWork, cache_folder, cached_work

# Raised when the same images would be laid out in another way.
FORMAT = 1
NEIGHBOURS = 5
METHOD_TITLES: dict[Method, str] = {"tsne": "t-SNE, shows groups", "pca": "PCA, quick"}


@dataclass(frozen=True)
class FeatureMap:
    """``positions`` int64 ``(M,)`` in the dataset, rising; ``xy`` float32 ``(M, 2)``, no unit.

    ``how`` has sentences on what was compared and how it was laid out.
    """

    positions: np.ndarray
    xy: np.ndarray
    how: str


def feature_map(store: Store, experiment_id: str, method: Method = "tsne") -> CachedWork:
    """How the map of an experiment stands; starts the work where there is none yet.

    Read it with ``read_map(work.result)`` once ``work.state`` is ``ready``; after a failure
    ``make_again`` starts it again. When features come into the cache that
    were not there, the map is made anew. ``UnknownName`` for an experiment, dataset or method that
    is not there.
    """
    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    spec = store.experiment(experiment_id).spec
    wanted = wanted_features(spec, open_dataset(spec.dataset_id).image_count)
    known = ";".join(key for _, one in wanted for key in matching_keys(one))
    mark = hashlib.sha256(f"{FORMAT};{known}".encode()).hexdigest()[:16]
    result = cache_folder() / f"map-{experiment_id}-{method}-{mark}.npz"
    arguments = {"experiment": experiment_id, "method": method}
    return cached_work(store, "feature_map", arguments, result)


def read_map(path: Path) -> FeatureMap:
    """The map in the file that a ready ``CachedWork`` names; ``StoreError`` if it is damaged."""
    try:
        arrays = read_arrays(path, "positions", "xy", "how")
        return FeatureMap(arrays["positions"], arrays["xy"], str(arrays["how"]))
    except UNREADABLE as error:
        raise StoreError(
            f"The map in {path} cannot be read ({error}). Have it made again."
        ) from error


def rows_on_map(layout: FeatureMap, evidence: ExperimentPredictions) -> np.ndarray:
    """int64 ``(M,)``: the row of each point of the map in the arrays of ``evidence``.

    Raises ``StoreError`` where the map shows other images than the runs were scored on.
    """
    order = np.argsort(evidence.test_indices, kind="stable")
    places = np.searchsorted(evidence.test_indices, layout.positions, sorter=order)
    rows = order[np.minimum(places, len(order) - 1)] if len(order) else np.zeros(0, np.int64)
    if not np.array_equal(evidence.test_indices[rows], layout.positions):
        raise StoreError(
            "The map shows other images than the test images of this experiment. Have it made "
            "again."
        )
    return rows


def neighbour_agreement(layout: FeatureMap, evidence: ExperimentPredictions) -> np.ndarray:
    """float64 ``(M,)``: fraction of the ``NEIGHBOURS`` nearest points on the map with its label.

    With fewer points all others count; a single point gets 1.
    """
    labels = evidence.labels[rows_on_map(layout, evidence)]
    count = min(NEIGHBOURS, len(labels) - 1)
    if count < 1:
        return np.ones(len(labels))
    _, nearest = cKDTree(layout.xy).query(layout.xy, count + 1)
    others = nearest != np.arange(len(labels))[:, None]
    # Where many points fall together a point may not be among its own nearest.
    others[others.all(axis=1), -1] = False
    same = (labels[nearest] == labels[:, None]) & others
    return same.sum(axis=1) / count


def map_frame(
    layout: FeatureMap, evidence: ExperimentPredictions, file_names: Sequence[str]
) -> pd.DataFrame:
    """One line a point: image, file, label, place on the map, neighbours with the same label (%).

    ``file_names`` are those of the dataset.
    """
    labels = evidence.labels[rows_on_map(layout, evidence)]
    return pd.DataFrame(
        {
            "image": layout.positions,
            "file": [file_names[position] for position in layout.positions],
            "label": [evidence.classes[label] for label in labels],
            "x": layout.xy[:, 0],
            "y": layout.xy[:, 1],
            "neighbours with the same label (%)": 100 * neighbour_agreement(layout, evidence),
        }
    )
