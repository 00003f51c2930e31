"""What is known of each test image beside its label: the properties that slices are cut by.

Class, size and colour come from the arrays of the dataset. The others are measured on the pixels
that the networks see, by the job ``image_properties``; pages and tables read its file. Whichever
features this machine keeps play no part, so that the same experiment has the same slices elsewhere.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.analysis.evidence import ExperimentPredictions
from core.datasets.dataset import Dataset
from core.datasets.decoding.examine import grey_thumbnail
from core.datasets.duplicates import normalised_thumbnails
from core.datasets.prepare import PreparedImages, prepare_images
from core.datasets.storage import open_dataset
from core.errors import DamagedFile, StoreError
from core.experiments.records import ExperimentSpec
from core.experiments.store import Store, open_store
from core.files import read_arrays, write_arrays
from core.jobs.cached import CachedWork, cache_folder, cached_work, output_of, remove_oldest
from core.jobs.context import JobContext
from core.training.spec import with_train_fraction

# Raised when the same images would be measured in another way.
FORMAT = 1
BLOCK = 64
# Thumbnails of training images that are compared at once, with as many of the test images.
COMPARED = 2048
# ITU-R BT.601, as Pillow makes grey of colour.
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
Report = Callable[[str, int, int], None]

logger = logging.getLogger(__name__)


class ImageProperty(StrEnum):
    """What test images differ in; in this order wherever there is no better one."""

    CLASS = "class"
    CLASS_SIZE = "class_size"
    IMAGE_SIZE = "image_size"
    COLOUR = "colour"
    BRIGHTNESS = "brightness"
    CONTRAST = "contrast"
    SHARPNESS = "sharpness"
    DISTANCE = "distance"
    METADATA = "metadata"  # a column that came with the images
    OWN = "own"  # several of the others, under a name that somebody gave


# Those that are fields of ``Measurements``.
MEASURED = (
    *(ImageProperty.BRIGHTNESS, ImageProperty.CONTRAST, ImageProperty.SHARPNESS),
    ImageProperty.DISTANCE,
)


@dataclass(frozen=True, eq=False)
class Measurements:
    """float32 ``(N,)`` each, of the test images at ``positions`` (int64, in the dataset).

    Of the prepared pixels, in grey levels of 0 to 255. ``brightness``: their mean. ``contrast``:
    their standard deviation (Peli 1990). ``sharpness``: the variance of their Laplacian
    (Pech-Pacheco et al. 2000), 0 for images under 3 pixels. ``distance``: 1 minus the correlation
    with the nearest training image, 0 to 2, by the grey thumbnails that find near duplicates.
    """

    positions: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    sharpness: np.ndarray
    distance: np.ndarray


def image_properties(store: Store, experiment_id: str) -> CachedWork:
    """The state of the measurements; starts the job where nobody has.

    Read them with ``kept_measurements`` once the state is ``ready``. ``UnknownName`` for an
    experiment that is not there.
    """
    experiment = store.experiment(experiment_id)
    arguments = {"experiment": experiment.id}
    return cached_work(store, "image_properties", arguments, _path(experiment.id))


def kept_measurements(experiment_id: str) -> Measurements | None:
    """None where nobody has asked for them yet, or where their file was damaged: it is removed."""
    path = _path(experiment_id)
    names = tuple(Measurements.__dataclass_fields__)
    try:
        arrays = read_arrays(path, *names)
    except FileNotFoundError:
        return None
    except DamagedFile as error:
        logger.warning("the images of %s are to be measured again: %s", experiment_id, error)
        path.unlink(missing_ok=True)
        return None
    return Measurements(**{name: arrays[name] for name in names})


def property_values(
    evidence: ExperimentPredictions,
    spec: ExperimentSpec,
    dataset: Dataset | None,
    measurements: Measurements | None = None,
) -> dict[ImageProperty, np.ndarray]:
    """The properties that are known, each ``(N,)`` in the order of the test images of ``evidence``.

    Without the ``dataset`` the class alone. ``CLASS`` is the label, ``CLASS_SIZE`` the number of
    training images of the class, ``IMAGE_SIZE`` the shorter edge of the original in pixels,
    ``COLOUR`` 1 for images with colour. ``StoreError`` where ``measurements`` are of other images.
    """
    found = {ImageProperty.CLASS: evidence.labels}
    images = evidence.test_indices
    if dataset is not None:
        trained = dataset.labels[training_images(spec, dataset)]
        sizes = np.bincount(trained, minlength=len(evidence.classes))
        found[ImageProperty.CLASS_SIZE] = sizes[evidence.labels]
        found[ImageProperty.IMAGE_SIZE] = np.minimum(dataset.heights, dataset.widths)[images]
        found[ImageProperty.COLOUR] = (~dataset.grey[images]).astype(np.int64)
    if measurements is not None:
        if not np.array_equal(measurements.positions, images):
            raise StoreError(
                "The properties were measured on other images than the test images of this "
                "experiment."
            )
        found |= {kind: getattr(measurements, kind.value) for kind in MEASURED}
    return found


def training_images(spec: ExperimentSpec, dataset: Dataset) -> np.ndarray:
    """Positions of the images that the runs of an experiment were trained on, sorted int64."""
    split = spec.split.of(dataset)
    return with_train_fraction(split, dataset, spec.train_share, spec.split.seed).train


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """Measure the test images of ``experiment``."""
    spec = open_store().experiment(arguments["experiment"]).spec
    found = measure(spec, open_dataset(spec.dataset_id), context.report)
    output = output_of(arguments)
    write_arrays(output, {name: getattr(found, name) for name in found.__dataclass_fields__})
    remove_oldest(context.queue, context.job.kind, output)


def measure(spec: ExperimentSpec, dataset: Dataset, report: Report) -> Measurements:
    """The measurements of an experiment's test images.

    ``report(step, done, total)`` may raise ``Cancelled``.
    """
    prepared = prepare_images(
        dataset,
        spec.image_size,
        spec.resize,
        lambda done, total: report("Preparing the images", done, total),
    )
    test = spec.split.of(dataset).test
    blocks = []
    for start in range(0, len(test), BLOCK):
        blocks.append(_of_pixels(prepared.take(test[start : start + BLOCK])))
        report("Measuring the test images", min(start + BLOCK, len(test)), len(test))
    brightness, contrast, sharpness = np.concatenate(blocks, axis=1)
    distance = _distances(prepared, test, training_images(spec, dataset), report)
    return Measurements(test, brightness, contrast, sharpness, distance)


def _path(experiment_id: str) -> Path:
    return cache_folder() / "properties" / f"{experiment_id}-{FORMAT}.npz"


def _of_pixels(pixels: np.ndarray) -> np.ndarray:
    """Brightness, contrast and sharpness, float32 ``(3, n)``, of uint8 ``(n, edge, edge, C)``."""
    colours = pixels.astype(np.float32)
    grey = colours[..., 0] if pixels.shape[3] == 1 else colours @ _GREY
    found = np.zeros((3, len(pixels)), np.float32)
    found[0] = grey.mean(axis=(1, 2))
    found[1] = grey.std(axis=(1, 2))
    if min(grey.shape[1:]) >= 3:
        inner = grey[:, 1:-1, 1:-1]
        laplacian = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] - 4 * inner
        laplacian += grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
        found[2] = laplacian.var(axis=(1, 2))
    return found


def _distances(
    prepared: PreparedImages, test: np.ndarray, train: np.ndarray, report: Report
) -> np.ndarray:
    """1 minus the highest correlation with a training image, float32 ``(N,)``."""
    tested = normalised_thumbnails(_thumbnails(prepared, test))
    nearest = np.full(len(test), -1.0, np.float32)
    for start in range(0, len(train), COMPARED):
        trained = normalised_thumbnails(_thumbnails(prepared, train[start : start + COMPARED])).T
        for first in range(0, len(test), COMPARED):
            rows = slice(first, first + COMPARED)
            nearest[rows] = np.maximum(nearest[rows], (tested[rows] @ trained).max(axis=1))
        report("Comparing with the training images", start + trained.shape[1], len(train))
    return 1 - nearest


def _thumbnails(prepared: PreparedImages, images: np.ndarray) -> np.ndarray:
    """Grey uint8 ``(n, 16, 16)``."""
    found = []
    for start in range(0, len(images), BLOCK):
        for pixels in prepared.take(images[start : start + BLOCK]):
            image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
            found.append(grey_thumbnail(image))
    return np.stack(found)
