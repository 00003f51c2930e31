"""The record of what an experiment is; ``core.experiments.planning`` makes and checks it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core.datasets.choices import Resize
from core.settings import Precision
from core.training.spec import ImageSize, Seed, SplitProportions, TrainFraction, TrainingSpec


class ExperimentSpec(BaseModel):
    """One dataset, one split, one image size, one precision, several strategies, some seeds.

    ``strategies`` are pairs of name and complete settings, cheap ones first. ``images`` counts
    the images of ``train`` (those really trained on), ``validation`` and ``test``;
    ``majority_class`` is the commonest class of the training images and ``majority_accuracy``
    (0 to 1) its share of the test images. ``given_split`` is true where the dataset came with a
    split and it is used.
    ``train_share`` is the part of the split's training images that is trained on (0.01 to 1);
    the experiments of one learning curve differ in it alone and share their ``series``.
    ``unavailable`` says for each strategy that "all" left out why it cannot run here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_id: str
    strategies: tuple[tuple[str, dict[str, Any]], ...] = Field(min_length=1)
    preset: str
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    image_size: ImageSize = 96
    resize: Resize = "stretch"
    split: SplitProportions = Field(default_factory=lambda: SplitProportions.model_validate({}))
    precision: Precision = "auto"
    unavailable: dict[str, str] = {}
    dataset_name: str = ""
    classes: tuple[str, ...] = ()
    images: dict[str, int] = {}
    majority_class: str = ""
    majority_accuracy: float | None = None
    split_fingerprint: str = ""
    given_split: bool = False
    train_share: TrainFraction = 1.0
    series: str = ""

    @property
    def run_count(self) -> int:
        return len(self.strategies) * len(self.seeds)

    def training_spec(self, strategy: str, seed: int, settings: dict[str, Any]) -> TrainingSpec:
        """All that ``train`` needs for one run of this experiment."""
        return TrainingSpec(
            dataset_id=self.dataset_id,
            strategy=strategy,
            settings=settings,
            seed=seed,
            image_size=self.image_size,
            resize=self.resize,
            split=self.split,
            precision=self.precision,
            train_share=self.train_share,
        )
