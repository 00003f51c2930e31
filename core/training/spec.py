"""The whole specification of one training: what a run stores, and all that ``train`` needs."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.datasets.dataset import Dataset
from core.datasets.split import Split, make_split
from core.training.subset import nested_subset

SMALLEST_IMAGE_SIZE = 8
LARGEST_IMAGE_SIZE = 512
SMALLEST_TRAIN_SHARE = 0.01


class SplitProportions(BaseModel):
    """Shares of the images held out for test and validation; the rest is trained on.

    A dataset that came with a split keeps its test images, unless ``use_given`` is off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    test: float = Field(0.30, ge=0.05, le=0.60)
    validation: float = Field(0.07, ge=0.02, le=0.40)
    seed: int = Field(0, ge=0, le=2**31 - 1)
    use_given: bool = True

    def of(self, dataset: Dataset) -> Split:
        """The split of ``dataset``: made the first time, read back ever after."""
        return make_split(dataset, self.test, self.validation, self.seed, self.use_given)


class TrainingSpec(BaseModel):
    """One strategy with one seed on one dataset: frozen, refuses unknown keys.

    ``image_size`` is the side in pixels of the square picture that every strategy sees;
    ``settings`` are complete and validated by the strategy registry; ``precision`` is a Keras
    dtype policy name or ``auto`` (chosen from the device, see ``core.training.policy``).
    ``train_share`` is the part of the split's training images that is trained on, 0.01 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_id: str
    strategy: str
    settings: dict[str, Any]
    seed: int = Field(0, ge=0, le=2**31 - 1)
    image_size: int = Field(96, ge=SMALLEST_IMAGE_SIZE, le=LARGEST_IMAGE_SIZE)
    resize: Literal["stretch", "pad", "crop"] = "stretch"
    split: SplitProportions = SplitProportions()
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    train_share: float = Field(1.0, ge=SMALLEST_TRAIN_SHARE, le=1.0)

    def sides_of(self, dataset: Dataset) -> Split:
        """The split with the training images that this run is given; the other sides are whole.

        The fingerprint stays that of the whole split: runs on more and on fewer images are
        compared on the same test images.
        """
        return with_train_share(self.split.of(dataset), dataset, self.train_share, self.split.seed)


def with_train_share(split: Split, dataset: Dataset, share: float, seed: int) -> Split:
    """``split`` with the nested, stratified ``share`` of its training images."""
    return replace(split, train=nested_subset(split.train, dataset.labels, share, seed))
