"""The recorded series: trainings on ever more images of many datasets, to learn forecasting from.

``python -m benchmarks.series`` makes the file ``data/series.json``. It has results alone, no
image: of each dataset its facts, and of each strategy which validation images it got right on
1/16, 1/8, 1/4 and 1/2 of the training images, and which validation and test images on all.
"""

import logging
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from core.analysis.advice.facts import Facts
from core.errors import StoreError
from core.experiments.race_points import unpacked
from core.files import write_json
from core.settings import BUNDLED_DATA

FORMAT = 1
SERIES_FILE = BUNDLED_DATA / "series.json"

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
log = logging.getLogger(__name__)


@dataclass(frozen=True, config=_STRICT)
class Training:
    """One strategy trained on ``train_images`` images, about ``fraction`` of them (0 to 1).

    ``validation`` and ``test``: which images were predicted correctly, as
    ``core.experiments.race_points.packed`` gives it; ``test`` is None where it was not looked at.
    ``seconds``: the whole training, the extraction of its features counted also where the cache had
    them. ``is_disturbed``: other work on the machine made it longer.
    """

    strategy: str
    fraction: float
    train_images: int
    validation: str
    test: str | None
    seconds: float
    is_disturbed: bool


@dataclass(frozen=True, config=_STRICT)
class SeriesDataset:
    """One dataset of the series: where its images come from, its facts, its trainings.

    ``source``: datasets of the same source share images, or are drawn by the same hand. ``made``
    says in words how classes were made. Counts are those of the default split; of
    ``distinct_validation_images`` near duplicates count once.
    """

    name: str
    source: str
    packages: tuple[str, ...]
    licence: str
    made: str
    dataset_id: str
    images: int
    classes: int
    train_images: int
    validation_images: int
    distinct_validation_images: int
    test_images: int
    facts: Facts
    trainings: tuple[Training, ...]

    @property
    def strategies(self) -> tuple[str, ...]:
        """In the order in which they were trained first."""
        return tuple(dict.fromkeys(one.strategy for one in self.trainings))

    def training(self, strategy: str, train_images: int) -> Training | None:
        """The one on so many images; None where it was not made."""
        return next(
            (
                one
                for one in self.trainings
                if (one.strategy, one.train_images) == (strategy, train_images)
            ),
            None,
        )

    def final(self, strategy: str) -> Training | None:
        """The one on all training images; None where it was not made."""
        found = self.training(strategy, self.train_images)
        return None if found is None or found.test is None else found

    def validation_accuracy(self, training: Training) -> float:
        return float(unpacked(training.validation, self.validation_images).mean())

    def test_correct(self, training: Training) -> np.ndarray:
        """bool ``(test_images,)``; ``ValueError`` for one whose test images were not looked at."""
        if training.test is None:
            raise ValueError(f"{training.strategy} was not scored on test images")
        return unpacked(training.test, self.test_images)

    def test_accuracy(self, training: Training) -> float:
        """Raises ``ValueError`` as ``test_correct`` does."""
        return float(self.test_correct(training).mean())


@dataclass(frozen=True, config=_STRICT)
class Series:
    """All of it. ``machine`` and ``versions`` are those of the trainings; ``made_at`` is the date
    of the last one, ISO 8601."""

    format: int
    image_size: int
    preset: str
    machine: str
    versions: dict[str, str]
    made_at: str
    datasets: tuple[SeriesDataset, ...]


_SERIES = TypeAdapter(Series)


def read_series(path: Path = SERIES_FILE) -> Series:
    """Raises ``StoreError`` where it is damaged, ``FileNotFoundError`` where it is not there."""
    try:
        found = _SERIES.validate_json(path.read_bytes())
    except ValidationError as error:
        raise StoreError(f"The recorded series {path} cannot be read.") from error
    if found.format != FORMAT:
        raise StoreError(f"{path} is of format {found.format}; this code reads {FORMAT}.")
    return found


@lru_cache(maxsize=1)
def bundled_series() -> Series | None:
    """That which comes with Headstart; None where it is not there or cannot be read (logged)."""
    try:
        return read_series()
    except FileNotFoundError:
        return None
    except StoreError as error:
        log.warning("%s", error)
        return None


def write_series(series: Series, path: Path) -> None:
    """Whole, in place of what was there."""
    write_json(path, asdict(series))
