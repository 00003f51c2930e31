"""A map of the test images: pictures that the network sees alike lie near each other.

It is computed in a process of its own (``core.runs.map_child``); here it is asked for, read and
said in words.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from core.text import percent_text
from core.comparison.evidence import ExperimentPredictions
from core.datasets.store import open_dataset
from core.errors import StoreError, UnknownName
from core.pretrained.feature_files import matching_keys
from core.runs.array_files import UNREADABLE, read_arrays
from core.runs.map_child import METHODS, Method, features_folder, wanted_features
from core.runs.side_work import SideWork, side_folder, side_work
from core.runs.store import Store

# Raised when the same images would be laid out in another way.
FORMAT = 1
NEIGHBOURS = 5
METHOD_TITLES: dict[Method, str] = {"tsne": "t-SNE, shows groups", "pca": "PCA, quick"}


@dataclass(frozen=True)
class FeatureMap:
    """``positions`` int64 ``(M,)`` in the dataset, rising; ``xy`` float32 ``(M, 2)``, no unit.

    ``how`` says in sentences what was compared and how it was laid out.
    """

    positions: np.ndarray
    xy: np.ndarray
    how: str


def feature_map(store: Store, experiment_id: str, method: Method = "tsne") -> SideWork:
    """How the map of an experiment stands; starts the work where there is none yet.

    Read it with ``read_map(work.result)`` once ``work.state`` is ``ready``; after a failure
    ``side_work.forget(work.result)`` lets it start again. When features come into the cache that
    were not there, the map is made anew. ``UnknownName`` for an experiment, dataset or method that
    is not there.
    """
    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    spec = store.experiment(experiment_id).spec
    wanted = wanted_features(spec, open_dataset(spec.dataset_id).image_count)
    known = ";".join(matching_keys(features_folder(), wanted))
    mark = hashlib.sha256(f"{FORMAT};{known}".encode()).hexdigest()[:16]
    result = side_folder() / f"map-{experiment_id}-{method}-{mark}.npz"
    arguments = ("--experiment", experiment_id, "--method", method)
    return side_work(result, "core.runs.map_child", arguments)


def read_map(path: Path) -> FeatureMap:
    """The map in the file that a ready ``SideWork`` names; ``StoreError`` if it is damaged."""
    try:
        arrays = read_arrays(path)
        return FeatureMap(arrays["positions"], arrays["xy"], str(arrays["how"]))
    except UNREADABLE as error:
        raise StoreError(
            f"The map in {path} cannot be read ({error}). Have it made again."
        ) from error


def rows_on_map(layout: FeatureMap, evidence: ExperimentPredictions) -> np.ndarray:
    """int64 ``(M,)``: where each point of the map stands in the arrays of ``evidence``.

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
    """float64 ``(M,)``: share of the ``NEIGHBOURS`` nearest points on the map with its label.

    Of fewer points all others count; of a single one the share is 1.
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


def map_words(layout: FeatureMap, evidence: ExperimentPredictions) -> str:
    """The map in words: what is compared, and how well the classes lie apart on it."""
    labels = evidence.labels[rows_on_map(layout, evidence)]
    agreement = neighbour_agreement(layout, evidence)
    shares = np.bincount(labels, minlength=len(evidence.classes)) / max(1, len(labels))
    counted = [place for place in range(len(evidence.classes)) if shares[place] > 0]
    means = {place: float(agreement[labels == place].mean()) for place in counted}
    words = (
        f"{layout.how} Of the {NEIGHBOURS} nearest neighbours of a point "
        f"{percent_text(float(agreement.mean()))} have the same label; if the classes lay mixed at "
        f"random it would be about {percent_text(float((shares**2).sum()))}."
    )
    if len(counted) < 2:
        return words
    best = max(counted, key=lambda place: means[place])
    worst = min(counted, key=lambda place: means[place])
    return (
        f"{words} The class most by itself is {evidence.classes[best]} "
        f"({percent_text(means[best])}), the least {evidence.classes[worst]} "
        f"({percent_text(means[worst])})."
    )


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
