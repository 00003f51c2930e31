"""What a network depends on: the same when it is trained and when it is restored."""

import numpy as np

from core.backbones.features import FeatureRequest
from core.datasets.dataset import Dataset
from core.datasets.prepare import PreparedImages
from core.strategies.network import BuildContext, Stage
from core.strategies.registry import find_strategy
from core.strategies.settings import uses_dataset_mean
from core.training.policy import DevicePolicy
from core.training.spec import TrainingSpec

FEATURE_BATCH = 32
NO_MEAN = (0.0, 0.0, 0.0)


def build_context(
    spec: TrainingSpec,
    dataset: Dataset,
    image_shape: tuple[int, int, int],
    mean_rgb: tuple[float, float, float] = NO_MEAN,
) -> BuildContext:
    """``image_shape`` is that of one stored image, (height, width, channels)."""
    return BuildContext(
        image_shape=image_shape,
        image_size=spec.image_size,
        class_count=len(dataset.classes),
        settings=spec.settings,
        mean_rgb=mean_rgb,
    )


def mean_colour(
    spec: TrainingSpec, prepared: PreparedImages | None, train: np.ndarray
) -> tuple[float, float, float]:
    """What the backbone subtracts (0 to 255, red first): its own mean, or that of the images
    ``train`` alone.

    ``prepared`` is read in the second case only (``uses_dataset_mean``); without a backbone
    nothing is subtracted.
    """
    backbone = find_strategy(spec.strategy).backbone
    if backbone is None:
        return NO_MEAN
    if prepared is None or not uses_dataset_mean(spec.settings):
        return backbone.preparation.mean_rgb
    total = np.zeros(prepared.shape[-1], np.float64)
    for index in train:
        total += prepared.take(np.array([index])).mean(axis=(0, 1, 2))
    red, green, blue = (float(round(value, 3)) for value in np.broadcast_to(total / len(train), 3))
    return red, green, blue


def feature_request(
    spec: TrainingSpec,
    stage: Stage,
    mean_rgb: tuple[float, float, float],
    policy: DevicePolicy,
) -> FeatureRequest:
    """The features of the frozen backbone that ``stage`` is fitted on."""
    strategy = find_strategy(spec.strategy)
    if strategy.backbone is None or not stage.on_features:
        raise ValueError(f"stage {stage.name} takes images, not features")
    include_top = strategy.include_top(spec.settings)
    return FeatureRequest(
        backbone=strategy.backbone,
        include_top=include_top,
        image_size=strategy.backbone.side(spec.image_size, include_top),
        mean_rgb=mean_rgb,
        precision=policy.precision,
        jit=policy.compile_with_xla,
        # Smaller where the run was started again because memory ran out.
        batch_size=min(FEATURE_BATCH, stage.options.batch_size),
        made_on=f"{policy.device}, {policy.backend}",
    )
