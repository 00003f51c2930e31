"""A map of the test images: images with similar features lie near each other.

Pages ask for it and read it; the job ``feature_map`` makes it. Features come from the cache as
they are: TensorFlow is not loaded and nothing is extracted. Where the cache has none, the images
are compared by their pixels.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from PIL import Image
from scipy.spatial import cKDTree

from core.analysis.choice import backbone_of
from core.analysis.evidence import ExperimentPredictions
from core.backbones.backbone import Backbone
from core.backbones.feature_cache import find_stored, matching_keys, stored_pieces
from core.backbones.feature_set import Piece
from core.backbones.features import feature_identity
from core.backbones.registry import BACKBONES
from core.datasets.prepare import PreparedImages, prepare_images
from core.datasets.storage import open_dataset
from core.errors import HeadstartError, StoreError, UnknownName
from core.experiments.records import ExperimentSpec
from core.experiments.run_files import read_predictions
from core.experiments.store import Store, open_store
from core.files import UNREADABLE, read_arrays, write_arrays
from core.jobs.cached import CachedWork, cache_folder, cached_work, output_of, remove_oldest
from core.jobs.context import JobContext
from core.training.events import Predictions

Method = Literal["tsne", "pca"]
METHODS: tuple[Method, ...] = get_args(Method)
METHOD_TITLES: dict[Method, str] = {"tsne": "t-SNE, shows groups", "pca": "PCA, quick"}
# Raised when the same images would be laid out in another way.
FORMAT = 1
NEIGHBOURS = 5
MOST_IMAGES = 5000
# t-SNE costs less and is hardly different on the few directions that hold most of the spread.
KEPT_DIRECTIONS = 50
PERPLEXITY = 30
# Of fewer images PCA shows all that there is to see.
FEWEST_FOR_TSNE = 10
PIXEL_SIZE = 32
SEED = 0
BLOCK = 256


@dataclass(frozen=True)
class FeatureMap:
    """``positions`` int64 ``(M,)`` in the dataset, rising; ``xy`` float32 ``(M, 2)``, no unit.

    ``how`` has sentences on what was compared and how it was laid out.
    """

    positions: np.ndarray
    xy: np.ndarray
    how: str


def feature_map(
    store: Store,
    experiment_id: str,
    method: Method = "tsne",
    backbone: str | None = None,
    kept: Mapping[str, Sequence[str]] | None = None,
) -> CachedWork:
    """The state of an experiment's map; starts the job where there is no map yet.

    ``kept``: its ``kept_features``, where the caller has looked already. ``backbone``: whose
    features lay it out, one of these; None, and one that is not among them, is the first. Read the
    map with ``read_map(work.result)`` once ``work.state`` is ``ready``; after a failure
    ``make_again`` starts it again. When features of all test images come into the cache, it is
    made anew. ``UnknownName`` for an experiment, dataset or method that is not there.
    """
    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    if kept is None:
        kept = kept_features(store.experiment(experiment_id).spec)
    chosen = backbone if backbone in kept else next(iter(kept), None)
    known = ";".join(kept[chosen]) if chosen else ""
    mark = hashlib.sha256(f"{FORMAT};{known}".encode()).hexdigest()[:16]
    result = cache_folder() / f"map-{experiment_id}-{method}-{mark}.npz"
    arguments = {"experiment": experiment_id, "method": method, "backbone": chosen}
    return cached_work(store, "feature_map", arguments, result)


def kept_features(spec: ExperimentSpec) -> dict[str, list[str]]:
    """By backbone, the keys of what the cache has of all test images of an experiment.

    The backbones of its own strategies come first; those without features are left out.
    ``UnknownName`` for a dataset that is not there.
    """
    dataset = open_dataset(spec.dataset_id)
    test = spec.split.of(dataset).test
    found: dict[str, list[str]] = {}
    pieces = stored_pieces()
    for backbone, wanted in wanted_features(spec, dataset.image_count):
        if keys := wanted.keys_with(test, pieces):
            found.setdefault(backbone.name, []).extend(keys)
    own = {one.name for name, _ in spec.strategies if (one := backbone_of(name)) is not None}
    return dict(sorted(found.items(), key=lambda entry: entry[0] not in own))


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


@dataclass(frozen=True)
class WantedFeatures:
    """``entries``: those of the manifests of features that fit; ``shape``: images of the dataset,
    numbers for each."""

    entries: dict[str, Any]
    shape: tuple[int, int]

    def keys_with(self, images: np.ndarray, pieces: Sequence[Piece]) -> list[str]:
        """Keys of the sets among ``pieces`` that have all ``images``, the newest first."""
        return matching_keys(pieces, self.entries, self.shape, images)


def wanted_features(
    spec: ExperimentSpec, image_count: int, **entries: Any
) -> list[tuple[Backbone, WantedFeatures]]:
    """Each backbone, with the features that fit this experiment's images, flattened and pooled.

    Features of another precision, device or mean are as good for a map. ``entries`` of manifests
    are wanted too.
    """
    size = spec.image_size
    return [
        (
            backbone,
            WantedFeatures(
                feature_identity(backbone, False, size, spec.resize, pooled) | entries,
                (image_count, backbone.feature_width(size, pooled=pooled)),
            ),
        )
        for backbone in BACKBONES.values()
        if backbone.smallest_size <= size
        for pooled in (False, True)
    ]


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """Lay out the test images of ``experiment`` by ``method``."""
    layout = layout_of(
        open_store(),
        arguments["experiment"],
        arguments["method"],
        context,
        arguments.get("backbone"),
    )
    output = output_of(arguments)
    arrays = {"positions": layout.positions, "xy": layout.xy, "how": np.array(layout.how)}
    write_arrays(output, arrays)
    remove_oldest(context.queue, context.job.kind, output)


def layout_of(
    store: Store,
    experiment_id: str,
    method: Method,
    context: JobContext,
    backbone: str | None = None,
) -> FeatureMap:
    """The map of an experiment's test images, at most ``MOST_IMAGES`` of them.

    By the features of ``backbone``; None is any whose features are kept.

    Raises ``UnknownName`` for an experiment or dataset that is not there, ``HeadstartError``
    where no run is finished, ``StoreError`` where no predictions can be read.
    """
    spec = store.experiment(experiment_id).spec
    scored = _scored_images(store, experiment_id)
    dataset = open_dataset(spec.dataset_id)
    positions = stratified_sample(scored.test_indices, scored.labels, MOST_IMAGES)
    prepared = prepare_images(
        dataset,
        spec.image_size,
        spec.resize,
        lambda done, total: context.report("Preparing the images", done, total),
    )
    vectors, seen = _vectors(spec, prepared, positions, context, backbone)
    laid_out = "t-SNE" if method == "tsne" and len(positions) >= FEWEST_FOR_TSNE else "PCA"
    context.report(f"Laying out {len(positions):,} pictures ({laid_out})")
    sentences = [
        f"{_what_is_shown(len(positions), len(scored.labels))} {seen}",
        f"Laid out by {laid_out}: only nearness means something, the axes have no unit.",
    ]
    return FeatureMap(positions, laid_out_flat(vectors, method), " ".join(sentences))


def stratified_sample(indices: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """``indices``, or ``most`` of them with every class in proportion, drawn with a fixed seed.

    Sorted int64. At least one image of each class, where ``most`` allows it.
    """
    if len(indices) <= most:
        return np.sort(indices)
    order = np.random.default_rng(SEED).permutation(len(indices))
    # How much of its class comes before an image, 0 to 1: the smallest are in proportion.
    before = np.empty(len(indices))
    for label in np.unique(labels):
        members = order[labels[order] == label]
        before[members] = np.arange(len(members)) / len(members)
    chosen = order[np.argsort(before[order], kind="stable")[:most]]
    return np.sort(indices[chosen])


def root_normalised(vectors: np.ndarray) -> np.ndarray:
    """Square root with sign, then unit length, ``(n, width)`` float32, in place: as the probe does.

    On the bundled images more neighbours share a class with it than without.
    """
    np.copysign(np.sqrt(np.abs(vectors)), vectors, out=vectors)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.divide(vectors, lengths, out=vectors, where=lengths > 0)
    return vectors


def laid_out_flat(vectors: np.ndarray, method: Method) -> np.ndarray:
    """``(n, width)`` float32 to ``(n, 2)`` float32; the same input gives the same places.

    ``vectors`` are overwritten. Pictures that are all alike lie on one point.
    """
    count, width = vectors.shape
    if not np.ptp(vectors, axis=0).any():
        return np.zeros((count, 2), np.float32)
    # Imported here: the web process reads this module and lays nothing out.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    small = method == "pca" or count < FEWEST_FOR_TSNE
    directions = min(2 if small else KEPT_DIRECTIONS, count, width)
    # One thread: beside a benchmark, two that wait for each other on busy cores were three times
    # slower.
    with threadpool_limits(limits=1):
        found = PCA(directions, copy=False, random_state=SEED).fit_transform(vectors)
        flat = np.zeros((count, max(2, directions)), np.float32)
        flat[:, :directions] = found
        if small:
            return flat
        perplexity = min(PERPLEXITY, (count - 1) / 3)
        tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=SEED)
        return tsne.fit_transform(flat).astype(np.float32)


def _scored_images(store: Store, experiment_id: str) -> Predictions:
    """The predictions of the first run whose file can be read."""
    unreadable: StoreError | None = None
    for run in store.runs(experiment_id, ["finished"]):
        try:
            return read_predictions(run.id)
        except StoreError as error:
            unreadable = error
    if unreadable is not None:
        raise unreadable
    raise HeadstartError(
        "No run of this experiment is finished yet, so there are no scored images to show."
    )


def _vectors(
    spec: ExperimentSpec,
    prepared: PreparedImages,
    positions: np.ndarray,
    context: JobContext,
    chosen: str | None,
) -> tuple[np.ndarray, str]:
    """One row of numbers for each image, float32, and a sentence on what they are."""
    context.report("Looking for features")
    pieces = stored_pieces()
    for backbone, wanted in wanted_features(spec, prepared.shape[0], images=prepared.digest):
        if chosen not in (None, backbone.name):
            continue
        for key in wanted.keys_with(positions, pieces):
            stored = find_stored(key, positions)
            if stored is not None:
                return root_normalised(stored.take(positions).astype(np.float32)), (
                    f"Pictures in which {backbone.title}, trained on {backbone.trained_on}, sees "
                    "similar things lie near each other."
                )
    return _small_pixels(prepared, positions, context.report), (
        "No features of these pictures are kept on this machine, so they are compared by their "
        "pixels: pictures with similar colours in the same places lie near each other. Run a "
        "strategy with frozen features on this dataset here to compare them by what they show."
    )


def _small_pixels(
    prepared: PreparedImages, positions: np.ndarray, report: Callable[[str, int, int], None]
) -> np.ndarray:
    """Pixels 0 to 1, float32, images reduced to ``PIXEL_SIZE`` where they are larger."""
    size = min(PIXEL_SIZE, prepared.shape[1])
    channels = prepared.shape[3]
    found = np.empty((len(positions), size * size * channels), np.float32)
    for start in range(0, len(positions), BLOCK):
        block = prepared.take(positions[start : start + BLOCK])
        for offset, pixels in enumerate(block):
            image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
            small = image.resize((size, size), Image.Resampling.BOX)
            found[start + offset] = np.asarray(small, np.float32).ravel() / 255
        report("Reading the pictures", start + len(block), len(positions))
    return found


def _what_is_shown(shown: int, images: int) -> str:
    if shown == images:
        return f"Each point is one of the {images:,} test images."
    return (
        f"Each point is a test image: {shown:,} of {images:,}, drawn so that every class keeps its "
        "share."
    )
