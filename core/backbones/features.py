"""What the frozen VGG16 gives for each image, computed once and kept on disk.

One ``.npy`` of float16 for each set of features, found by the content of everything that it
depends on: pixels, weights, layer, image size, resize, mean and precision.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from core.backbones.backend import is_out_of_memory, load_keras
from core.backbones.feature_files import (
    StoredFeatures,
    find_stored,
    held_lock,
    key_of,
    write_features,
)
from core.backbones.vgg16 import FULL_IMAGE_SIZE, build_base, build_full
from core.backbones.weights import access as weights
from core.backbones.weights.digests import Kind
from core.errors import BadInput, Cancelled, OutOfMemory
from core.settings import current_settings

Layer = Literal["block5_pool", "fc2"]
FORMAT = 1  # raised when the same key would give other numbers
FLOAT16_LARGEST = float(np.finfo(np.float16).max)
Progress = Callable[[int, int], None]
ShouldStop = Callable[[], bool]


class Pictures(Protocol):
    """What is needed of ``core.datasets.prepare.PreparedImages``."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def digest(self) -> str: ...

    def read(self, start: int, stop: int) -> np.ndarray: ...


@dataclass(frozen=True)
class FeatureRequest:
    """Which features, and how to compute them.

    ``mean_rgb`` is subtracted (0 to 255, red first). ``precision`` is the Keras dtype policy of the
    VGG16 layers alone. ``jit`` (XLA) and ``batch_size`` change the time, not the features.
    ``made_on`` names device and backend: features made elsewhere cost other seconds, so they are
    not shared.
    """

    layer: Layer
    image_size: int
    mean_rgb: tuple[float, float, float]
    precision: str
    jit: bool
    batch_size: int
    made_on: str = ""

    @property
    def kind(self) -> Kind:
        return "full" if self.layer == "fc2" else "base"

    @property
    def width(self) -> int:
        """Numbers for each image: 25088 for ``block5_pool`` at 224, 4096 for ``fc2``."""
        return 4096 if self.layer == "fc2" else (self.image_size // 32) ** 2 * 512


@dataclass(frozen=True)
class FeatureSet:
    """Features of all images of a dataset in its order: ``(N, width)`` float16 in ``path``.

    ``seconds`` is what extraction cost when it was done, also where ``cache`` is ``"hit"``.
    ``block5_pool`` is flattened from (height, width, 512).
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


def extract_features(
    prepared: Pictures,
    request: FeatureRequest,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    resize: str = "stretch",
) -> FeatureSet:
    """The features of every image, from the cache or computed now and kept.

    ``progress(done, total)`` hears of images; ``should_stop`` is asked before each batch and while
    another process holds the lock on the same features, and True raises ``Cancelled``. A damaged
    file in the cache is made anew. Raises ``WeightsUnavailable`` or ``WeightsRefused`` without
    weights, ``OutOfMemory`` naming the batch, ``HeadstartError`` when the disk is too small.
    """
    _check(request)
    stop = should_stop or (lambda: False)
    folder = current_settings().cache_folder / "features"
    key = key_of(_identity(prepared, request, resize))
    with held_lock(current_settings().locks_folder / f"features-{key[:16]}.lock", stop):
        stored = find_stored(folder, key)
        if stored is not None:
            return _feature_set(stored, "hit")
        load_keras()  # starting the library is not part of what extraction costs
        started = time.perf_counter()
        model = build_extractor(request, tuple(prepared.shape[1:]))
        batches = _batches(model, prepared, request, progress, stop)
        shape = (int(prepared.shape[0]), request.width)
        identity = _identity(prepared, request, resize)
        stored = write_features(folder, key, identity, shape, batches, started)
        return _feature_set(stored, "miss")


def _check(request: FeatureRequest) -> None:
    if request.layer == "fc2" and request.image_size != FULL_IMAGE_SIZE:
        raise BadInput(
            f"image_size is {request.image_size}; the full VGG16 (fc1, fc2) works at "
            f"{FULL_IMAGE_SIZE} only.",
            "image_size",
        )
    if request.image_size < 32:
        raise BadInput(
            f"image_size is {request.image_size}; VGG16 halves a picture five times and needs at "
            "least 32.",
            "image_size",
        )
    if request.batch_size < 1:
        raise BadInput(f"batch_size is {request.batch_size}; it must be at least 1.", "batch_size")


def _identity(prepared: Pictures, request: FeatureRequest, resize: str) -> dict[str, Any]:
    """Everything that the features depend on, and nothing else."""
    return {
        "format": FORMAT,
        "images": prepared.digest,
        "weights": weights.weights_digest(request.kind),
        "layer": request.layer,
        "image_size": request.image_size,
        "resize": resize,
        "mean_rgb": [float(value) for value in request.mean_rgb],
        "precision": request.precision,
        "made_on": request.made_on,
    }


def _feature_set(stored: StoredFeatures, cache: Literal["hit", "miss"]) -> FeatureSet:
    return FeatureSet(stored.path, stored.shape, stored.seconds, cache)


def build_extractor(request: FeatureRequest, picture_shape: tuple[int, ...]) -> Any:
    """A compiled Keras model: uint8 ``(n, *picture_shape)`` to float32 ``(n, request.width)``."""
    keras = load_keras()
    from core.backbones.preprocessing import PrepareForVgg16

    if request.layer == "fc2":
        network = build_full(weights.load_full(), request.precision)
    else:
        network = build_base(weights.load_base(), request.image_size, request.precision)
    pictures = keras.Input(picture_shape, dtype="uint8", name="pictures")
    prepare = PrepareForVgg16(request.image_size, request.mean_rgb, name="prepare_for_vgg16")
    flat = keras.layers.Flatten(name="features", dtype="float32")
    model = keras.Model(pictures, flat(network(prepare(pictures))), name="extractor")
    model.trainable = False
    model.compile(jit_compile=request.jit)
    return model


def _batches(
    model: Any,
    prepared: Pictures,
    request: FeatureRequest,
    progress: Progress | None,
    should_stop: ShouldStop,
) -> Any:
    """Yield the features batch by batch, ``(n, width)`` float16, the last, partial one included."""
    total = int(prepared.shape[0])
    size = min(request.batch_size, total)
    for start in range(0, total, size):
        if should_stop():
            raise Cancelled("Feature extraction was cancelled.")
        pictures = prepared.read(start, min(start + size, total))
        yield _features_of(model, pictures, size if request.jit else len(pictures))
        if progress is not None:
            progress(start + len(pictures), total)


def _features_of(model: Any, pictures: np.ndarray, size: int) -> np.ndarray:
    """One batch. XLA compiles for each shape, so a short batch is filled up and cut again."""
    missing = size - len(pictures)
    batch = np.concatenate([pictures, pictures[:1].repeat(missing, 0)]) if missing else pictures
    try:
        # predict_on_batch: model.predict costs about 120 ms a call on top.
        values = np.asarray(model.predict_on_batch(batch), dtype=np.float32)[: len(pictures)]
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(
            f"Memory ran out while extracting features of {size} images at once; "
            f"a batch of {max(1, math.ceil(size / 2))} may fit."
        ) from error
    return np.clip(values, -FLOAT16_LARGEST, FLOAT16_LARGEST).astype(np.float16)
