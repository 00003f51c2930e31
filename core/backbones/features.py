"""The output of a frozen backbone for each image, computed once and kept on disk.

Each set of features is ``<key>.npy`` (float16), found by everything that it depends on: pixels,
weights, layer, image size, resize, mean and precision. ``<key>.json`` beside it has these, the cost
and the sha256 of the data; it is written last, so that a set without it does not count.
"""

import hashlib
import io
import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from core.backbones.backbone import Backbone, build_backbone
from core.backbones.backend import load_keras, out_of_memory_named
from core.backbones.weights import access as weights
from core.datasets.prepare import PreparedImages
from core.errors import Cancelled, HeadstartError
from core.files import lock, remove_parts, write_json, written_whole
from core.layers.record import connect, make_layers
from core.settings import current_settings
from core.text import size_text

FORMAT = 1  # raised when the same key would give other numbers
FLOAT16_LARGEST = float(np.finfo(np.float16).max)
SPARE_BYTES = 64 << 20

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeatureRequest:
    """Which features, and how to compute them.

    ``backbone``, ``include_top``: the network, up to its ``tapped_layer``.
    ``image_size``: pixels of the side that the network sees.
    ``mean_rgb``: the mean colour that is subtracted (0 to 255, red first).
    ``precision``: the Keras dtype policy of the backbone alone.
    ``jit`` (XLA) and ``batch_size`` change the time, not the features.
    ``made_on``: device and backend; features made elsewhere cost other seconds, so they are not
    shared.
    ``resize``: how the images were made square.
    """

    backbone: Backbone
    include_top: bool
    image_size: int
    mean_rgb: tuple[float, float, float]
    precision: str
    jit: bool
    batch_size: int
    made_on: str = ""
    resize: str = "stretch"

    @property
    def width(self) -> int:
        """Numbers for each image."""
        return self.backbone.feature_width(self.image_size, self.include_top)


@dataclass(frozen=True)
class FeatureSet:
    """Features of all images of a dataset in its order: ``(N, width)`` float16 in ``path``.

    ``seconds`` is the cost of the extraction when it was done, also where ``cache`` is ``"hit"``.
    A feature map is flattened from (height, width, channels).
    """

    path: Path
    shape: tuple[int, int]
    seconds: float
    cache: Literal["hit", "miss"]

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Rows of ``indices`` in their order, ``(len(indices), width)`` float32, in memory.

        They are kept as float16 and widened here: a processor's networks are slow at float16.
        """
        # The map is dropped on return, so that pages read do not stay in the process.
        rows = np.load(self.path, mmap_mode="r", allow_pickle=False)[np.asarray(indices)]
        return rows.astype(np.float32)


def features_folder() -> Path:
    return current_settings().cache_folder / "features"


def extract_features(
    prepared: PreparedImages,
    request: FeatureRequest,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> FeatureSet:
    """The features of every image, from the cache or computed now and kept.

    ``progress(done, total)`` counts images; ``should_stop`` is asked before each batch and while
    another process holds the lock on the same features, and True raises ``Cancelled``. A damaged
    file in the cache is made anew. Raises ``WeightsUnavailable`` or ``WeightsRefused`` without
    weights, ``OutOfMemory`` naming the batch, ``HeadstartError`` when the disk is too small.
    """
    identity = _identity(prepared, request)
    key = key_of(identity)
    with lock(current_settings().locks_folder / f"features-{key[:16]}.lock", should_stop):
        stored = find_stored(key)
        if stored is not None:
            return stored
        load_keras()  # starting the library is not part of the cost of the extraction
        started = time.perf_counter()
        model = build_extractor(request, prepared.shape[1:])
        batches = _batches(model, prepared, request, progress, should_stop)
        return write_features(key, identity, (prepared.shape[0], request.width), batches, started)


def feature_identity(
    backbone: Backbone, include_top: bool, image_size: int, resize: str
) -> dict[str, Any]:
    """What features that can be used for each other's work have in common, as stored beside them:
    device, precision and mean may differ."""
    return {
        "format": FORMAT,
        "weights": backbone.weight_set(include_top).digest,
        "layer": backbone.tapped_layer(include_top),
        "image_size": image_size,
        "resize": resize,
    }


def _identity(prepared: PreparedImages, request: FeatureRequest) -> dict[str, Any]:
    """Everything that the features depend on, and nothing else."""
    shared = (request.backbone, request.include_top, request.image_size, request.resize)
    return feature_identity(*shared) | {
        "images": prepared.digest,
        "mean_rgb": [float(value) for value in request.mean_rgb],
        "precision": request.precision,
        "made_on": request.made_on,
    }


def build_extractor(request: FeatureRequest, image_shape: tuple[int, ...]) -> Any:
    """A compiled Keras model: uint8 ``(n, *image_shape)`` to float32 ``(n, request.width)``."""
    keras = load_keras()
    backbone, size, include_top = request.backbone, request.image_size, request.include_top
    arrays = weights.load_weights(backbone.weight_set(include_top))
    network = build_backbone(backbone, size, arrays, include_top, request.precision)
    prepare = [backbone.preparing_layer(size, size, request.mean_rgb)]
    images = keras.Input(image_shape, dtype="uint8", name="images")
    prepared = connect(prepare, make_layers(prepare), images)
    flat = keras.layers.Flatten(name="features", dtype="float32")
    model = keras.Model(images, flat(network(prepared)), name="extractor")
    model.trainable = False
    model.compile(jit_compile=request.jit)
    return model


def _batches(
    model: Any,
    prepared: PreparedImages,
    request: FeatureRequest,
    progress: Callable[[int, int], None] | None,
    should_stop: Callable[[], bool],
) -> Iterator[np.ndarray]:
    """Yield the features batch by batch, ``(n, width)`` float16, the last, partial one included."""
    total = prepared.shape[0]
    size = min(request.batch_size, total)
    for start in range(0, total, size):
        if should_stop():
            raise Cancelled("Feature extraction was cancelled.")
        images = prepared.read(start, start + size)
        yield _features_of(model, images, size if request.jit else len(images))
        if progress is not None:
            progress(start + len(images), total)


def _features_of(model: Any, images: np.ndarray, size: int) -> np.ndarray:
    """One batch. XLA compiles for each shape, so a short batch is filled up and cut again."""
    missing = size - len(images)
    batch = np.concatenate([images, images[:1].repeat(missing, 0)]) if missing else images
    failure = (
        f"Memory ran out while extracting features of {size} images at once; "
        f"a batch of {max(1, math.ceil(size / 2))} may fit."
    )
    with out_of_memory_named(failure):
        # predict_on_batch: model.predict costs about 120 ms a call on top.
        values = np.asarray(model.predict_on_batch(batch), dtype=np.float32)[: len(images)]
    return np.clip(values, -FLOAT16_LARGEST, FLOAT16_LARGEST).astype(np.float16)


def key_of(identity: Mapping[str, Any]) -> str:
    """sha256 (hex) over everything that the features depend on."""
    text = json.dumps(dict(identity), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def find_stored(key: str) -> FeatureSet | None:
    """The stored set of that key, or None when there is none or it is damaged (logged)."""
    path = features_folder() / f"{key}.npy"
    manifest_path = path.with_suffix(".json")
    if not manifest_path.is_file():
        return None
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        rows, width = manifest["shape"]
        seconds, expected = float(manifest["seconds"]), manifest["sha256"]
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("features %s are made anew: %s", path, error)
        return None
    if found != expected:
        log.warning("features %s are made anew: the file is damaged (sha256 differs)", path)
        return None
    return FeatureSet(path, (rows, width), seconds, "hit")


def matching_keys(wanted: Mapping[str, Any]) -> list[str]:
    """Keys of the stored sets whose manifests have all values of ``wanted``, the newest first.

    For work that can use features that differ in the rest (precision, device). A manifest that
    cannot be read is left out (logged).
    """
    found = []
    for path in features_folder().glob("*.json"):
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            moment = str(manifest["created_at"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("features %s are left out: %s", path, error)
            continue
        if all(manifest.get(name) == value for name, value in wanted.items()):
            found.append((moment, path.stem))
    return [key for _, key in sorted(found, reverse=True)]


def write_features(
    key: str,
    identity: Mapping[str, Any],
    shape: tuple[int, int],
    batches: Iterable[np.ndarray],
    started: float,
) -> FeatureSet:
    """Write ``batches`` (``(n, width)`` float16) to the cache as they come; call it with the lock
    held.

    ``started`` is the ``time.perf_counter`` at which the work began. Nothing is mapped, so that
    memory stays flat however many images there are. Raises ``HeadstartError`` when the disk is too
    small, before anything is computed.
    """
    folder = features_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{key}.npy"
    manifest_path = path.with_suffix(".json")
    remove_parts(path)
    _check_space(folder, shape)
    manifest_path.unlink(missing_ok=True)
    try:
        with written_whole(path) as file:
            digest = _write_array(file, shape, batches)
        seconds = time.perf_counter() - started
        manifest = {
            **identity,
            "shape": list(shape),
            "dtype": "float16",
            "sha256": digest,
            "seconds": seconds,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_json(manifest_path, manifest, indent=1)
    except OSError as error:
        raise HeadstartError(f"Features could not be written to {folder}: {error}.") from error
    return FeatureSet(path, shape, seconds, "miss")


def _check_space(folder: Path, shape: tuple[int, int]) -> None:
    needed = shape[0] * shape[1] * 2 + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise HeadstartError(
            f"The features of {shape[0]:,} images need {size_text(needed)} and the disk of "
            f"{folder} has {size_text(free)} left. Free some space, or set HEADSTART_HOME to "
            "another disk."
        )


def _write_array(file: BinaryIO, shape: tuple[int, int], batches: Iterable[np.ndarray]) -> str:
    """Header and rows of one ``.npy``; returns the sha256 of the whole file."""
    header = io.BytesIO()
    layout = {"descr": "<f2", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, layout)
    file.write(header.getvalue())
    digest = hashlib.sha256(header.getvalue())
    rows = 0
    for batch in batches:
        if batch.shape[1:] != shape[1:]:
            raise ValueError(f"features of shape {batch.shape}, expected rows of {shape[1]}")
        data = np.ascontiguousarray(batch, dtype="<f2").data
        file.write(data)
        digest.update(data)
        rows += len(batch)
    if rows != shape[0]:
        raise ValueError(f"features of {rows} images, expected {shape[0]}")
    return digest.hexdigest()
