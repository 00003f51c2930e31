"""The whole specification of one training: what a run stores, and all that ``train`` needs."""

import math
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from core.datasets.choices import DEFAULT_TEST_FRACTION, DEFAULT_VALIDATION_FRACTION, Resize
from core.datasets.dataset import Dataset
from core.datasets.split import Split, make_split
from core.settings import Precision

SMALLEST_IMAGE_SIZE = 8
LARGEST_IMAGE_SIZE = 512
SMALLEST_TRAIN_FRACTION = 0.01
# 0.07 * 100 is slightly above 7 in binary fractions; that must not add an eighth image.
_ROUNDING = 1e-9

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
ImageSize = Annotated[
    int, Field(ge=SMALLEST_IMAGE_SIZE, le=LARGEST_IMAGE_SIZE, json_schema_extra={"unit": "pixels"})
]
TrainFraction = Annotated[float, Field(ge=SMALLEST_TRAIN_FRACTION, le=1.0)]


class SplitProportions(BaseModel):
    """Fractions of the images held out for test and validation; the rest is trained on.

    A dataset that came with a split keeps its test images, unless ``use_given`` is off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    test: float = Field(DEFAULT_TEST_FRACTION, ge=0.05, le=0.60)
    validation: float = Field(DEFAULT_VALIDATION_FRACTION, ge=0.02, le=0.40)
    seed: Seed = 0
    use_given: bool = True

    def of(self, dataset: Dataset) -> Split:
        """The split of ``dataset``: made the first time, read from its file after that."""
        return make_split(dataset, self.test, self.validation, self.seed, self.use_given)


class TrainingSpec(BaseModel):
    """One strategy with one seed on one dataset: frozen, refuses unknown keys.

    ``image_size`` is the side in pixels of the square image that every strategy sees;
    ``settings`` are complete and validated by the strategy registry; ``precision`` is a Keras
    dtype policy name or ``auto`` (chosen from the device, see ``core.training.policy``).
    ``train_share`` is the fraction of the split's training images that is trained on, 0.01 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_id: str
    strategy: str
    settings: dict[str, Any]
    seed: Seed = 0
    image_size: ImageSize = 96
    resize: Resize = "stretch"
    split: SplitProportions = SplitProportions()
    precision: Precision = "auto"
    train_share: TrainFraction = 1.0

    def subsets_of(self, dataset: Dataset) -> Split:
        """The split with the training images of this run; the other subsets are whole.

        The fingerprint stays that of the whole split: runs on more and on fewer images are
        compared on the same test images.
        """
        split = self.split.of(dataset)
        return with_train_fraction(split, dataset, self.train_share, self.split.seed)


def with_train_fraction(split: Split, dataset: Dataset, fraction: float, seed: int) -> Split:
    """``split`` with the nested, stratified ``fraction`` of its training images."""
    return replace(split, train=nested_subset(split.train, dataset.labels, fraction, seed))


def nested_subset(
    train: np.ndarray, labels: np.ndarray, fraction: float, seed: int, fewest: int = 1
) -> np.ndarray:
    """The ``fraction`` (above 0, at most 1) of the image positions ``train``, int64, sorted.

    Each class is shuffled once by ``seed`` and gives its first ``ceil(fraction × n)`` images, at
    least ``fewest`` or all that it has. A smaller fraction is therefore contained in every larger
    one, and a fraction of 1 is all of ``train``. ``labels`` are those of the whole dataset.
    """
    kept = []
    for label in np.unique(labels[train]):
        members = train[labels[train] == label]
        shuffled = np.random.default_rng([seed, int(label)]).permutation(members)
        kept.append(shuffled[: max(fewest, math.ceil(fraction * len(members) - _ROUNDING))])
    return np.sort(np.concatenate(kept)).astype(np.int64)
