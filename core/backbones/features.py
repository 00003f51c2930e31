"""The output of a frozen backbone for each image, computed once and kept on disk.

Features are extracted of the images that a run uses alone; a later run adds those that it needs.
"""

import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from core.ahead import read_ahead
from core.backbones.backbone import Backbone, build_backbone
from core.backbones.backend import load_keras, out_of_memory_named, trace_for_any_batch
from core.backbones.feature_cache import (
    check_space,
    feature_set,
    key_of,
    shards_of,
    usable_pieces,
    write_piece,
)
from core.backbones.feature_set import FeatureSet, Piece, shard_of_image
from core.backbones.folding import folded
from core.backbones.weights import access as weights
from core.conditions import Look, Meter, look_at_machine
from core.errors import Cancelled
from core.files import lock
from core.layers.record import connect, make_layers
from core.settings import current_settings

STOPPED = "Feature extraction was cancelled."
WAIT_SECONDS = 0.5
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

    @property
    def folds(self) -> bool:
        """Whether batch normalisation that is folded into the convolutions gives other numbers
        than it did before it was folded, not only other last digits (docs/decisions/0004)."""
        layers = self.backbone.layers(self.image_size, self.include_top)
        return self.precision != "float32" and any(layer.normalization for layer in layers)


class Images(Protocol):
    """Images of one size that are read by position, such as ``PreparedImages``."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(N, edge, edge, C)``."""

    @property
    def digest(self) -> str:
        """SHA-256 of what ``take`` gives of all of them."""

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Those at ``indices``, in that order, as a new uint8 array."""


class Sharing(Protocol):
    """What jobs that extract the same features say to each other."""

    def take(self, choices: Sequence[Collection[str]]) -> int | None:
        """Hold the names of the first choice of which no other job holds one; None without one."""

    def give_back(self) -> None:
        """Hold nothing any more."""

    def ask_for_help(self, key: str, batch_size: int, most: int) -> None:
        """Have up to so many workers that are idle call ``help_to_extract`` for the same images."""

    def end(self) -> None:
        """Hold nothing, and have nobody help any more."""


def extract_features(
    prepared: Images,
    request: FeatureRequest,
    images: np.ndarray,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    look: Look = look_at_machine,
    sharing: Sharing | None = None,
) -> FeatureSet:
    """The features of ``images`` (positions), from the cache or computed now and kept.

    Only images whose features are not in the cache are computed: ``progress(done, total)`` counts
    these. ``should_stop`` is asked before each batch and while another process is waited for, and
    True raises ``Cancelled``. A damaged file in the cache is made anew. ``look`` tells the
    conditions of the extraction. With ``sharing`` others may extract some of the shards meanwhile;
    without it whoever needs the same features on this machine waits.
    Raises ``WeightsUnavailable`` or ``WeightsRefused`` without weights, ``OutOfMemory`` naming the
    batch, ``HeadstartError`` when the disk is too small.
    """
    work = _Extraction(prepared, request, np.unique(images), progress, should_stop, look)
    if sharing is None:
        with work.lock():
            for shard in work.begin():
                work.extract(shard)
        return work.features()
    with work.lock():
        shards = work.begin()
    if not shards:
        return work.features()
    try:
        if len(shards) > 1:
            sharing.ask_for_help(work.key, request.batch_size, len(shards) - 1)
        while shards:
            if not work.take_one(shards, sharing):
                work.wait()
    finally:
        sharing.end()
    return work.features()


def help_to_extract(
    work: tuple[Images, FeatureRequest, np.ndarray],
    key: str,
    sharing: Sharing,
    gives_way: Callable[[], bool],
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Extract shards of another job's ``work`` (the arguments of its ``extract_features``) that
    nobody has taken; returns how many images that were.

    It ends where none is left, and after a shard where it ``gives_way``. Features of another
    ``key``, as those of another device, are of no use to that job: then it does nothing.
    """
    prepared, request, images = work
    chosen = np.unique(images)
    helped = _Extraction(prepared, request, chosen, progress, should_stop, look_at_machine)
    if helped.key != key:
        return 0
    with helped.lock():
        shards = helped.begin()
    while shards and not gives_way() and helped.take_one(shards, sharing):
        pass
    return sum(len(piece.images) for piece in helped.new)


class _Extraction:
    """One set of features on its way; ``images`` are sorted.

    ``new`` are the pieces that are made here, ``stored`` those that others have made, ``together``
    the images of those that came meanwhile, ``waited_seconds`` the time for which there was nothing
    to do but wait.
    """

    def __init__(
        self,
        prepared: Images,
        request: FeatureRequest,
        images: np.ndarray,
        progress: Callable[[int, int], None] | None,
        should_stop: Callable[[], bool],
        look: Look,
    ) -> None:
        self._prepared, self._request, self._images = prepared, request, images
        self._progress, self._should_stop, self._look = progress, should_stop, look
        self._identity = _identity(prepared, request)
        self.key = key_of(self._identity)
        self.stored: list[Piece] = []
        self.new: list[Piece] = []
        self.together = 0
        self.waited_seconds = 0.0
        self._done = self._total = 0
        self._model: Any = None

    def lock(self) -> AbstractContextManager[None]:
        """On this machine nobody else looks for features of that key, or deletes damaged ones."""
        path = current_settings().locks_folder / f"features-{self.key[:16]}.lock"
        return lock(path, self._should_stop)

    def begin(self) -> list[np.ndarray]:
        """Find what is stored; returns the shards of what is missing. Call it with the lock."""
        self.stored, missing = usable_pieces(self.key, self._images)
        if not len(missing):
            return []
        check_space((len(missing), self._request.width))
        self._total = len(missing)
        return shards_of(missing, self._image_count)

    def take_one(self, shards: list[np.ndarray], sharing: Sharing) -> bool:
        """Take one of ``shards`` off and see to it; False where others are at work on all.

        What others have made meanwhile is taken off all of them.
        """
        place = sharing.take([self._names(shard) for shard in shards])
        if place is None:
            return False
        held = shards.pop(place)
        is_missing = self._still_missing([held, *shards])
        rest = [shard[is_missing[shard]] for shard in shards]
        shards[:] = [shard for shard in rest if len(shard)]
        held = held[is_missing[held]]
        if len(held):
            self.extract(held)
        sharing.give_back()
        return True

    def _still_missing(self, shards: list[np.ndarray]) -> np.ndarray:
        """bool ``(images of the dataset,)``, True for those of ``shards`` that nobody has made."""
        wanted = np.sort(np.concatenate(shards))
        known = {piece.path.with_suffix(".json") for piece in (*self.stored, *self.new)}
        with self.lock():
            found, missing = usable_pieces(self.key, wanted, known)
        self.stored += found
        self.together += len(wanted) - len(missing)
        self._count(len(wanted) - len(missing))
        is_missing = np.zeros(self._image_count, bool)
        is_missing[missing] = True
        return is_missing

    def extract(self, images: np.ndarray) -> None:
        """Compute these features and keep them."""
        load_keras()  # starting the library is not part of the cost of the extraction
        meter = Meter(self._look)
        if self._model is None:
            self._model = build_extractor(self._request, self._prepared.shape[1:])
        shape = (self._image_count, self._request.width)
        batches = self._batches(images)
        self.new.append(write_piece(self._identity, images, shape, batches, meter))

    def wait(self) -> None:
        """A moment, for others."""
        if self._should_stop():
            raise Cancelled(STOPPED)
        began = time.perf_counter()
        time.sleep(WAIT_SECONDS)
        self.waited_seconds += time.perf_counter() - began

    def features(self) -> FeatureSet:
        found = feature_set(self._images, self.stored, self.new)
        return replace(found, together=self.together, waited_seconds=self.waited_seconds)

    @property
    def _image_count(self) -> int:
        return self._prepared.shape[0]

    def _names(self, images: np.ndarray) -> list[str]:
        """What to hold while these images are at work: whoever needs some of them, and others
        beside, divides them by the same shards."""
        shards = np.unique(shard_of_image(self._image_count)[images])
        return [f"features-{self.key[:32]}-{number}" for number in shards]

    def _count(self, images: int) -> None:
        self._done += images
        if self._progress is not None and images:
            self._progress(self._done, self._total)

    def _batches(self, images: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the features batch by batch, ``(n, width)`` float16, the last, partial one
        included."""
        size = min(self._request.batch_size, len(images))
        parts = [images[start : start + size] for start in range(0, len(images), size)]
        with closing(read_ahead(self._prepared.take, parts)) as pixels_of_parts:
            for pixels in pixels_of_parts:
                if self._should_stop():
                    raise Cancelled(STOPPED)
                filled = size if self._request.jit else len(pixels)
                yield _features_of(self._model, pixels, filled)
                self._count(len(pixels))


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


def _identity(prepared: Images, request: FeatureRequest) -> dict[str, Any]:
    """Everything that the features depend on, and nothing else."""
    shared = (request.backbone, request.include_top, request.image_size, request.resize)
    identity = feature_identity(*shared, request.pooled, request.taps) | {
        "images": prepared.digest,
        "mean_rgb": [float(value) for value in request.mean_rgb],
        "precision": request.precision,
        "made_on": request.made_on,
    }
    return identity | {"folded": True} if request.folds else identity


def build_extractor(
    request: FeatureRequest, image_shape: tuple[int, ...], as_published: bool = False
) -> Any:
    """The ``extractor_network``, compiled."""
    model = extractor_network(request, image_shape, as_published)
    model.compile(jit_compile=request.jit)
    trace_for_any_batch(model, "uint8")
    return model


def extractor_network(
    request: FeatureRequest, image_shape: tuple[int, ...], as_published: bool
) -> Any:
    """A Keras model: uint8 ``(n, *image_shape)`` to float32 ``(n, request.width)``.

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
    return model


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
