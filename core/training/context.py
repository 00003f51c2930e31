"""What a builder is told about a run: the same when it is trained and when it is restored."""

import numpy as np

from core.backbones.features import FeatureRequest
from core.backbones.vgg16 import FULL_IMAGE_SIZE
from core.backbones.weights import access as weights
from core.datasets.model import Dataset
from core.datasets.prepare import PreparedImages
from core.strategies.plan import BuildContext, Stage
from core.training.policy import DevicePolicy
from core.training.spec import TrainingSpec

FEATURE_BATCH = 32
NO_MEAN = (0.0, 0.0, 0.0)


def build_context(
    spec: TrainingSpec,
    dataset: Dataset,
    picture_shape: tuple[int, int, int],
    mean_rgb: tuple[float, float, float] = NO_MEAN,
) -> BuildContext:
    """``picture_shape`` is that of one stored picture, (height, width, channels)."""
    return BuildContext(
        image_shape=picture_shape,
        image_size=spec.image_size,
        class_count=len(dataset.classes),
        settings=spec.settings,
        mean_rgb=mean_rgb,
        load_base=weights.load_base,
        load_full=weights.load_full,
    )


def uses_own_mean(spec: TrainingSpec) -> bool:
    """Whether VGG16 subtracts the mean colour of the images that are trained on."""
    return spec.settings.get("mean") == "dataset"


def mean_colour(
    spec: TrainingSpec, prepared: PreparedImages | None, train: np.ndarray
) -> tuple[float, float, float]:
    """What VGG16 subtracts: ImageNet's mean, or the mean of the images ``train`` alone.

    ``prepared`` is read in the second case only (``uses_own_mean``).
    """
    from core.backbones.preprocessing import IMAGENET_MEAN_RGB

    if prepared is None or not uses_own_mean(spec):
        return IMAGENET_MEAN_RGB
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
    """The features of the frozen VGG16 that ``stage`` wants; its ``feature_layer`` is not None."""
    if stage.feature_layer is None:
        raise ValueError(f"stage {stage.name} takes pictures, not features")
    return FeatureRequest(
        layer=stage.feature_layer,
        image_size=FULL_IMAGE_SIZE if stage.feature_layer == "fc2" else spec.image_size,
        mean_rgb=mean_rgb,
        precision=policy.precision,
        jit=policy.compile_with_xla,
        # Smaller where the run was started again because memory ran out.
        batch_size=min(FEATURE_BATCH, stage.batch_size),
        made_on=f"{policy.device}, {policy.backend}",
    )
