"""The job ``feature_map``: lays out the test images of an experiment on a plane, like beside like.

Asked for through ``core.analysis.feature_map``. Features come from the cache as they are:
TensorFlow is not loaded, nothing is extracted. Where the cache has none, the images are compared
by their pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image

from core.backbones.backbone import Backbone
from core.backbones.features import feature_identity, find_stored, matching_keys
from core.backbones.registry import BACKBONES
from core.datasets.prepare import PreparedImages, prepare_images
from core.datasets.storage import open_dataset
from core.errors import HeadstartError, StoreError
from core.experiments.records import ExperimentSpec
from core.experiments.run_files import read_predictions
from core.experiments.store import Store, open_store
from core.files import write_arrays
from core.jobs.cached import output_of, remove_oldest
from core.jobs.context import JobContext
from core.training.events import Predictions

Method = Literal["tsne", "pca"]
METHODS: tuple[Method, ...] = get_args(Method)
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
class Layout:
    """``positions`` int64 ``(M,)`` in the dataset, rising; ``xy`` float32 ``(M, 2)`` without a
    unit; ``how`` says in sentences for people what was compared and how it was laid out."""

    positions: np.ndarray
    xy: np.ndarray
    how: str

    def arrays(self) -> dict[str, np.ndarray]:
        return {"positions": self.positions, "xy": self.xy, "how": np.array(self.how)}


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """Lay out the test images of ``experiment`` by ``method``."""
    layout = layout_of(open_store(), arguments["experiment"], arguments["method"], context)
    output = output_of(arguments)
    write_arrays(output, layout.arrays())
    remove_oldest(context.queue, context.job.kind, output)


def wanted_features(
    spec: ExperimentSpec, image_count: int
) -> list[tuple[Backbone, dict[str, Any]]]:
    """What the manifest of features must say that fit this experiment's images, by backbone.

    Features of another precision, device or mean are as good for a map.
    """
    fitting = [one for one in BACKBONES.values() if one.smallest_size <= spec.image_size]
    return [
        (
            backbone,
            feature_identity(backbone, False, spec.image_size, spec.resize)
            | {"shape": [image_count, backbone.feature_width(spec.image_size)]},
        )
        for backbone in fitting
    ]


def layout_of(store: Store, experiment_id: str, method: Method, context: JobContext) -> Layout:
    """The map of an experiment's test images, at most ``MOST_IMAGES`` of them.

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
    vectors, seen = _vectors(spec, prepared, positions, context)
    laid_out = "t-SNE" if method == "tsne" and len(positions) >= FEWEST_FOR_TSNE else "PCA"
    context.report(f"Laying out {len(positions):,} pictures ({laid_out})")
    sentences = [
        f"{_what_is_shown(len(positions), len(scored.labels))} {seen}",
        f"Laid out by {laid_out}: only nearness means something, the axes have no unit.",
    ]
    return Layout(positions, laid_out_flat(vectors, method), " ".join(sentences))


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
    """Square root, then unit length, ``(n, width)`` float32, in place: what the probe looks at.

    On the bundled images more neighbours share a class than without. For vectors >= 0.
    """
    np.sqrt(vectors, out=vectors)
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
    # Imported here: the web process reads this module for its constants.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    small = method == "pca" or count < FEWEST_FOR_TSNE
    directions = min(2 if small else KEPT_DIRECTIONS, count, width)
    # One thread: a benchmark may be running beside this, and two that wait for each other on
    # busy cores were three times slower than one.
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
    """Test images and labels as the first run has them whose predictions can be read."""
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
    spec: ExperimentSpec, prepared: PreparedImages, positions: np.ndarray, context: JobContext
) -> tuple[np.ndarray, str]:
    """One row of numbers for each picture, float32, and the sentence that says what they are."""
    context.report("Looking for features")
    for backbone, wanted in wanted_features(spec, prepared.shape[0]):
        for key in matching_keys(wanted | {"images": prepared.digest}):
            stored = find_stored(key)
            if stored is not None:
                return root_normalised(stored.take(positions)), (
                    f"Pictures in which {backbone.title}, trained on ImageNet, sees like things "
                    "lie near each other."
                )
    return _small_pixels(prepared, positions, context.report), (
        "No features of these pictures are kept on this machine, so they are compared by their "
        "pixels: pictures with like colours in like places lie near each other. Run a strategy "
        "with frozen features on this dataset here to compare them by what they show."
    )


def _small_pixels(
    prepared: PreparedImages, positions: np.ndarray, report: Callable[[str, int, int], None]
) -> np.ndarray:
    """Pixels 0 to 1, float32, pictures reduced to ``PIXEL_SIZE`` where they are larger."""
    side = min(PIXEL_SIZE, prepared.shape[1])
    channels = prepared.shape[3]
    found = np.empty((len(positions), side * side * channels), np.float32)
    for start in range(0, len(positions), BLOCK):
        pictures = prepared.take(positions[start : start + BLOCK])
        for offset, pixels in enumerate(pictures):
            picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
            small = picture.resize((side, side), Image.Resampling.BOX)
            found[start + offset] = np.asarray(small, np.float32).ravel() / 255
        report("Reading the pictures", start + len(pictures), len(positions))
    return found


def _what_is_shown(shown: int, images: int) -> str:
    if shown == images:
        return f"Each point is one of the {images:,} test images."
    return (
        f"Each point is a test image: {shown:,} of {images:,}, drawn so that every class keeps its "
        "share."
    )
