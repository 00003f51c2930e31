"""The output of a frozen backbone for each image, computed once and kept on disk.

Features are extracted of the images that a run uses alone; a later run adds those that it needs.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.ahead import read_ahead
from core.backbones.backbone import Backbone, build_backbone
from core.backbones.backend import load_keras, out_of_memory_named
from core.backbones.feature_cache import (
    check_space,
    feature_set,
    key_of,
    shards_of,
    usable_pieces,
    write_piece,
)
from core.backbones.feature_set import FeatureSet
from core.backbones.folding import folded
from core.backbones.weights import access as weights
from core.conditions import Look, Meter, look_at_machine
from core.datasets.prepare import PreparedImages
from core.errors import Cancelled
from core.files import lock
from core.layers.record import connect, make_layers
from core.settings import current_settings

FORMAT = 1  # raised when the same key would give other numbers
FLOAT16_LARGEST = float(np.finfo(np.float16).max)


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
    ``pooled``: the feature map is averaged over its places before it is kept; else it is flattened.
    ``taps``: layers whose pooled outputs are kept side by side, in this order, in place of the
    last feature map; none is that map.
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
    pooled: bool = False
    taps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.taps and (self.include_top or not self.pooled):
            raise ValueError("layers are tapped of a backbone without its top, and pooled")

    @property
    def width(self) -> int:
        """Numbers for each image."""
        if self.taps:
            return self.backbone.tapped_width(self.taps)
        return self.backbone.feature_width(self.image_size, self.include_top, self.pooled)


def extract_features(
    prepared: PreparedImages,
    request: FeatureRequest,
    images: np.ndarray,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    look: Look = look_at_machine,
) -> FeatureSet:
    """The features of ``images`` (positions), from the cache or computed now and kept.

    Only images whose features are not in the cache are computed: ``progress(done, total)`` counts
    these. ``should_stop`` is asked before each batch and while another process holds the lock on
    the same features, and True raises ``Cancelled``. A damaged file in the cache is made anew.
    ``look`` tells the conditions of the extraction.
    Raises ``WeightsUnavailable`` or ``WeightsRefused`` without weights, ``OutOfMemory`` naming the
    batch, ``HeadstartError`` when the disk is too small.
    """
    images = np.unique(images)
    identity = _identity(prepared, request)
    key = key_of(identity)
    with lock(current_settings().locks_folder / f"features-{key[:16]}.lock", should_stop):
        stored, missing = usable_pieces(key, images)
        if not len(missing):
            return feature_set(images, stored, ())
        shape = (prepared.shape[0], request.width)
        check_space((len(missing), request.width))
        load_keras()  # starting the library is not part of the cost of the extraction
        meter = Meter(look)
        model = build_extractor(request, prepared.shape[1:])
        new, done = [], 0
        for shard in shards_of(missing, shape[0]):
            report = _counted(progress, done, len(missing))
            batches = _batches(model, prepared, request, shard, report, should_stop)
            new.append(write_piece(identity, shard, shape, batches, meter))
            done, meter = done + len(shard), Meter(look)
        return feature_set(images, stored, new)


def _counted(
    progress: Callable[[int, int], None] | None, before: int, total: int
) -> Callable[[int], None]:
    """Reports ``before`` images more than it is given, of the ``total``."""

    def report(done: int) -> None:
        if progress is not None:
            progress(before + done, total)

    return report


def feature_identity(
    backbone: Backbone,
    include_top: bool,
    image_size: int,
    resize: str,
    pooled: bool = False,
    taps: tuple[str, ...] = (),
) -> dict[str, Any]:
    """What features that can be used for each other's work have in common, as stored beside them:
    device, precision and mean may differ."""
    identity = {
        "format": FORMAT,
        "weights": backbone.weight_set(include_top).digest,
        "layer": "+".join(taps) or backbone.tapped_layer(include_top),
        "image_size": image_size,
        "resize": resize,
    }
    # Flattened features keep the keys that they had before there were others.
    return identity | {"pooled": True} if pooled else identity


def _identity(prepared: PreparedImages, request: FeatureRequest) -> dict[str, Any]:
    """Everything that the features depend on, and nothing else."""
    shared = (request.backbone, request.include_top, request.image_size, request.resize)
    return feature_identity(*shared, request.pooled, request.taps) | {
        "images": prepared.digest,
        "mean_rgb": [float(value) for value in request.mean_rgb],
        "precision": request.precision,
        "made_on": request.made_on,
    }


def build_extractor(
    request: FeatureRequest, image_shape: tuple[int, ...], as_published: bool = False
) -> Any:
    """A compiled Keras model: uint8 ``(n, *image_shape)`` to float32 ``(n, request.width)``.

    Batch normalisation is folded into the convolutions, unless the layers are wanted
    ``as_published``.
    """
    keras = load_keras()
    backbone, size, include_top = request.backbone, request.image_size, request.include_top
    arrays = weights.load_weights(backbone.weight_set(include_top))
    network = build_backbone(backbone, size, arrays, include_top, request.precision)
    if not as_published:
        network = folded(network, request.taps)
    prepare = [backbone.preparing_layer(size, size, request.mean_rgb)]
    images = keras.Input(image_shape, dtype="uint8", name="images")
    prepared = connect(prepare, make_layers(prepare), images)
    kind = keras.layers.GlobalAveragePooling2D if request.pooled else keras.layers.Flatten
    if request.taps:
        outputs = [network.get_layer(name).output for name in request.taps]
        maps = keras.Model(network.inputs[0], outputs)(prepared)
        rows = [kind(dtype="float32")(one) for one in maps]
        row = keras.layers.Concatenate(name="features", dtype="float32")(rows)
    else:
        row = kind(name="features", dtype="float32")(network(prepared))
    model = keras.Model(images, row, name="extractor")
    model.trainable = False
    model.compile(jit_compile=request.jit)
    return model


def _batches(
    model: Any,
    prepared: PreparedImages,
    request: FeatureRequest,
    images: np.ndarray,
    progress: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> Iterator[np.ndarray]:
    """Yield the features batch by batch, ``(n, width)`` float16, the last, partial one included."""
    total = len(images)
    size = min(request.batch_size, total)
    parts = [images[start : start + size] for start in range(0, total, size)]
    done = 0
    with closing(read_ahead(prepared.take, parts)) as pixels_of_parts:
        for pixels in pixels_of_parts:
            if should_stop():
                raise Cancelled("Feature extraction was cancelled.")
            yield _features_of(model, pixels, size if request.jit else len(pixels))
            done += len(pixels)
            progress(done)


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
