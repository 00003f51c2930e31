"""What a builder returns: how a strategy is to be trained, in terms the engine understands.

A builder is called in a worker as ``build(context)``, after the backend, the dtype policy and the
seeds are set, and returns a ``Plan``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

FeatureLayer = Literal["block5_pool", "fc2"]


@dataclass(frozen=True)
class BuildContext:
    """What a builder may know.

    ``image_shape`` is the shape ``(height, width, channels)`` of the stored uint8 pictures, which
    are never larger than ``image_size`` and are enlarged to it inside the model; ``mean_rgb`` is
    what the VGG16 strategies subtract, in 0 to 255. ``load_base`` and ``load_full`` return the
    ImageNet arrays or raise ``WeightsUnavailable``.
    """

    image_shape: tuple[int, int, int]
    image_size: int
    class_count: int
    settings: Mapping[str, Any]
    mean_rgb: tuple[float, float, float]
    load_base: Callable[[], dict[str, np.ndarray]]
    load_full: Callable[[], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Stage:
    """One fit: ``model`` takes pictures ``(n, height, width, channels)`` uint8 or, where
    ``feature_layer`` names a layer of the frozen VGG16, that layer's cached features
    ``(n, features)`` float32; it gives class probabilities ``(n, classes)`` float32.
    """

    name: str
    model: Any
    optimizer: Any
    epochs: int
    batch_size: int
    feature_layer: FeatureLayer | None = None


@dataclass(frozen=True)
class Plan:
    """The stages in order, the last one named ``main``; or, for ``majority``, an estimator.

    ``frozen_parameters`` are weights that are needed to predict but stand outside the main
    stage's model, because their output comes from the feature cache.
    """

    stages: tuple[Stage, ...] = ()
    frozen_parameters: int = 0
    estimator: Any = None
