"""What a frozen backbone gives for each image, computed once and kept on disk.

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

from core.backbones.backbone import Backbone
from core.backbones.backend import is_out_of_memory, load_keras
from core.backbones.feature_files import StoredFeatures, find_stored, key_of, write_features
from core.backbones.network import build_backbone
from core.backbones.preprocessing import preparing_layer, with_mean
from core.backbones.weights import access as weights
from core.errors import BadInput, Cancelled, OutOfMemory
from core.files import lock
from core.layers.build import connect, make_layers
from core.settings import current_settings

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

    ``backbone``, ``include_top``: the network, up to its ``tapped_layer``.
    ``image_size``: pixels of the side that the network sees.
    ``mean_rgb``: the mean colour that is subtracted (0 to 255, red first).
    ``precision``: the Keras dtype policy of the backbone alone.
    ``jit`` (XLA) and ``batch_size`` change the time, not the features.
    ``made_on``: device and backend; features made elsewhere cost other seconds, so they are not
    shared.
    """

    backbone: Backbone
    include_top: bool
    image_size: int
    mean_rgb: tuple[float, float, float]
    precision: str
    jit: bool
    batch_size: int
    made_on: str = ""

    @property
    def width(self) -> int:
        """Numbers for each image."""
        return self.backbone.feature_width(self.image_size, self.include_top)


@dataclass(frozen=True)
class FeatureSet:
    """Features of all images of a dataset in its order: ``(N, width)`` float16 in ``path``.

    ``seconds`` is what extraction cost when it was done, also where ``cache`` is ``"hit"``.
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
    with lock(current_settings().locks_folder / f"features-{key[:16]}.lock", stop):
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
    side = request.backbone.side(request.image_size, request.include_top)
    if side != request.image_size:
        raise BadInput(
            f"image_size is {request.image_size}; the whole {request.backbone.title} works at "
            f"{side} only.",
            "image_size",
        )
    if request.batch_size < 1:
        raise BadInput(f"batch_size is {request.batch_size}; it must be at least 1.", "batch_size")


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


def _identity(prepared: Pictures, request: FeatureRequest, resize: str) -> dict[str, Any]:
    """Everything that the features depend on, and nothing else."""
    return feature_identity(request.backbone, request.include_top, request.image_size, resize) | {
        "images": prepared.digest,
        "mean_rgb": [float(value) for value in request.mean_rgb],
        "precision": request.precision,
        "made_on": request.made_on,
    }


def _feature_set(stored: StoredFeatures, cache: Literal["hit", "miss"]) -> FeatureSet:
    return FeatureSet(stored.path, stored.shape, stored.seconds, cache)


def build_extractor(request: FeatureRequest, image_shape: tuple[int, ...]) -> Any:
    """A compiled Keras model: uint8 ``(n, *image_shape)`` to float32 ``(n, request.width)``."""
    keras = load_keras()
    backbone, include_top = request.backbone, request.include_top
    arrays = weights.load_weights(backbone.weight_set(include_top))
    network = build_backbone(backbone, request.image_size, arrays, include_top, request.precision)
    prepare = preparing_layer(backbone, request.image_size, request.image_size)
    prepare = with_mean(prepare, request.mean_rgb)
    images = keras.Input(image_shape, dtype="uint8", name="pictures")
    prepared = connect([prepare], make_layers([prepare]), images)
    flat = keras.layers.Flatten(name="features", dtype="float32")
    model = keras.Model(images, flat(network(prepared)), name="extractor")
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
