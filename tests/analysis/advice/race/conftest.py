"""A race on the arrows: two images of each class to begin with, and networks that are made up."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from core.analysis.advice.race import request
from core.datasets.dataset import Dataset
from core.datasets.split import Split
from core.datasets.storage import open_dataset
from core.experiments.store import Store
from core.jobs.progress import Progress
from core.training.events import Event, Predictions, TrainingOutcome
from core.training.spec import TrainingSpec
from tests import made_up

SIZES, ALL = (6, 12, 21), 76


@pytest.fixture
def arrows(arrows_store: Store, monkeypatch: pytest.MonkeyPatch) -> Dataset:  # noqa: ARG001 - there
    """``ALL`` training images, and no worker."""
    monkeypatch.setattr(request, "FEWEST_A_CLASS", 2)
    monkeypatch.setattr(request, "ensure_worker", lambda _store: False)
    return open_dataset("arrows")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class StandIn:
    """In place of the engine: each network is right for the first ``accuracy`` of the images.

    ``seconds``: what each training takes on ``clock``, by strategy; ``raises``: what goes wrong, by
    strategy. ``trained``: what was asked for, in order; ``split`` is the last that was given.
    """

    accuracy: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    raises: dict[str, Exception] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    trained: list[tuple[str, int]] = field(default_factory=list)
    specs: list[TrainingSpec] = field(default_factory=list)
    split: Split | None = None
    between: Callable[[], None] = lambda: None

    def __call__(
        self, spec: TrainingSpec, dataset: Dataset, split: Split, should_stop: Callable[[], bool]
    ) -> Iterator[Event]:
        from core.errors import Cancelled

        self.trained.append((spec.strategy, len(split.train)))
        self.specs.append(spec)
        self.split = split
        yield Progress("Preparing the images", 1, 2)
        self.between()
        self.clock.now += self.seconds.get(spec.strategy, 1.0)
        if spec.strategy in self.raises:
            raise self.raises[spec.strategy]
        if should_stop():
            raise Cancelled("stopped")
        labels = dataset.labels[split.test]
        right = np.arange(len(labels)) < self.accuracy.get(spec.strategy, 0.5) * len(labels)
        predicted = np.where(right, labels, (labels + 1) % 3)
        probabilities = np.eye(3, dtype=np.float32)[predicted]
        seconds = self.seconds.get(spec.strategy, 1.0)
        result = made_up.result(float(right.mean()), total_seconds=seconds, feature_cache=None)
        yield TrainingOutcome(result, Predictions(split.test, labels, probabilities))
