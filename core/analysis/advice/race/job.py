"""The job ``race``: one training after the other in one process, until the budget is used up.

Each is scored on validation images; no test image is touched: the engine is given the validation
images in place of the test images of the split. A point is stored as it comes, so that a race that
is killed, cancelled or out of time loses at most the training in hand.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core.analysis.advice.facts import default_split
from core.analysis.advice.made import forecast_from_race
from core.analysis.advice.race.losses import Notes, describe_lost
from core.analysis.advice.race.request import KIND, RaceSpec, ladder_of, points_of
from core.analysis.advice.race.rule import RaceStatus, status_of
from core.analysis.comparison import title_of
from core.backbones.backend import forget_networks
from core.datasets.dataset import Dataset
from core.datasets.split import Split
from core.datasets.storage import open_dataset
from core.errors import (
    Cancelled,
    HeadstartError,
    OutOfMemory,
    TrainingDiverged,
    UnknownName,
    WeightsRefused,
    WeightsUnavailable,
)
from core.experiments.race_points import RacePoint, keep_point, packed
from core.experiments.store import Store, open_store
from core.jobs.context import JobContext
from core.jobs.kinds import find_kind
from core.jobs.progress import Progress
from core.strategies.registry import find_strategy
from core.strategies.strategy import Role
from core.text import count_text, rough_seconds_text
from core.training.events import EpochRecord, Event, TrainingOutcome
from core.training.spec import TrainingSpec

SEED = 0
REMOVED = "The dataset was removed, so the race ended."
# These end the race of one strategy; the others go on.
_OF_ONE_STRATEGY = (TrainingDiverged, OutOfMemory, MemoryError, WeightsRefused, WeightsUnavailable)
Train = Callable[[TrainingSpec, Dataset, Split, Callable[[], bool]], Iterator[Event]]
Noted = Callable[[str, int], AbstractContextManager[None]]


def run(arguments: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Race as ``race`` says; what is returned tells how it ended."""
    # Imported here: the engine brings in scikit-learn, and pages read this room.
    from core.training.engine import train

    spec = RaceSpec.model_validate(arguments["race"])
    try:
        dataset = open_dataset(spec.dataset_id)
    except UnknownName as error:
        raise HeadstartError(REMOVED) from error
    started = datetime.fromisoformat(context.job.started_at or datetime.now(UTC).isoformat())
    already = max(0.0, (datetime.now(UTC) - started).total_seconds())
    store = open_store()
    notes = Notes(store, context.job)
    race = Racing(spec, dataset, store, context, already_seconds=already, noted=notes.at_work)
    race.failed |= {
        name: describe_lost(images) for name, images in notes.lost.items() if name in spec.names
    }
    ended = race.run(train)
    # What all images would give, before anybody trains on them; of those that can be trained.
    points = [one for one in points_of(store, spec) if one.strategy not in race.failed]
    forecast_from_race(store, dataset, spec.image_size, points)
    return ended


class Racing:
    """A race at work. ``already_seconds`` of its budget were used up before. ``noted``: a context
    for each training, of a strategy on so many images. ``failed`` says why a strategy is out."""

    def __init__(
        self,
        spec: RaceSpec,
        dataset: Dataset,
        store: Store,
        context: JobContext,
        clock: Callable[[], float] = time.monotonic,
        already_seconds: float = 0.0,
        noted: Noted = lambda _strategy, _images: nullcontext(),
    ) -> None:
        self.spec, self.dataset, self.store, self.context = spec, dataset, store, context
        self.failed: dict[str, str] = {}
        self._clock, self._noted = clock, noted
        self._began = clock() - already_seconds
        self._split = default_split().of(dataset)
        self._ladder = ladder_of(dataset, self._split)
        self._points = points_of(store, spec)
        self._short_of_time = False

    def run(self, train: Train) -> dict[str, Any]:
        """Train until nothing is left that fits into the budget.

        Raises ``Cancelled`` where a person asked for that, and what ends a training but is no fault
        of its strategy.
        """
        while (turn := self._next()) is not None:
            strategy, images = turn
            try:
                with self._noted(strategy, len(images)):
                    point = self._trained(train, strategy, images)
            except Cancelled:
                if self.context.should_stop():
                    raise
                self._short_of_time = True
                break
            except _OF_ONE_STRATEGY as error:
                self.failed[strategy] = find_kind(KIND).failure_message(error)
            else:
                keep_point(self.store.database, point)
                self._points.append(point)
            forget_networks()  # the next training has the memory to itself
        ended = "time" if self._short_of_time else "done"
        return {"ended": ended, "failed": self.failed, "seconds": self._spent}

    @property
    def _spent(self) -> float:
        return self._clock() - self._began

    @property
    def _left(self) -> float:
        return 60 * self.spec.minutes - self._spent

    @property
    def _status(self) -> RaceStatus:
        return status_of(self._points, self.spec.names, self.spec.train_images, self.failed)

    def _next(self) -> tuple[str, np.ndarray] | None:
        """The strategy whose turn it is, with its training images; None where nothing is left.

        Size after size, cheap strategies first. One that would not be done in time is passed over,
        so that what is left goes to those that can be.
        """
        self._short_of_time = False
        known = {(point.strategy, point.train_images) for point in self._points}
        remaining = [name for name in self._status.remaining if name not in self.failed]
        for images in self._ladder:
            for name in remaining:
                if (name, len(images)) in known:
                    continue
                if self._left > 0 and self._expected(name, len(images)) <= self._left:
                    return name, images
                self._short_of_time = True
        return None

    def _expected(self, strategy: str, images: int) -> float:
        """Seconds: by its last point as many times as there are more images, at first by the
        forecast; 0 where nothing is known."""
        before = [point for point in self._points if point.strategy == strategy]
        if not before:
            return self.spec.first_seconds.get(strategy, 0.0)
        return before[-1].seconds * images / before[-1].train_images

    def _trained(self, train: Train, strategy: str, images: np.ndarray) -> RacePoint:
        planned = dict(self.spec.strategies)[strategy]
        settings = dict(planned)
        if "batch_size" in settings:
            settings["batch_size"] = min(settings["batch_size"], len(images))
        spec = TrainingSpec(
            dataset_id=self.dataset.id,
            strategy=strategy,
            settings=settings,
            seed=SEED,
            image_size=self.spec.image_size,
            split=default_split(),
        )
        # Which class is the commonest all labels tell; a part with ten of each does not know it.
        is_baseline = find_strategy(strategy).role is Role.BASELINE
        learned = self._split.train if is_baseline else images
        given = replace(self._split, train=learned, test=self._split.validation)
        step = self._step(strategy, len(images))
        self._report(step)
        outcome: TrainingOutcome | None = None
        has_epochs = False
        for event in train(spec, self.dataset, given, self._should_stop):
            if isinstance(event, TrainingOutcome):
                outcome = event
            elif isinstance(event, EpochRecord):
                has_epochs = True
            elif event.epoch is None and not has_epochs:
                # Preparing images and extracting features can take most of the time.
                self._report(f"{step}: {event.step[:1].lower()}{event.step[1:]}")
            else:
                self._report(step)
        if outcome is None:
            raise HeadstartError(f"The training of {strategy} ended without a result.")
        found = outcome.predictions
        right = found.probabilities.argmax(axis=1) == found.labels
        weights = self.spec.weights[strategy]
        return RacePoint(
            id=self._point_id(strategy, planned, weights, len(images)),
            made_at=datetime.now(UTC).isoformat(timespec="microseconds"),
            dataset_id=self.dataset.id,
            split_fingerprint=self._split.fingerprint,
            image_size=self.spec.image_size,
            strategy=strategy,
            settings=planned,
            weights=weights,
            seed=SEED,
            train_images=len(images),
            validation_images=len(right),
            distinct_images=len(np.unique(self.dataset.groups[found.test_indices])),
            correct=packed(right),
            seconds=outcome.result.end_to_end_seconds,
            is_disturbed="end_to_end_seconds" in outcome.result.disturbed,
        )

    def _point_id(self, strategy: str, settings: dict[str, Any], weights: str, images: int) -> str:
        parts = [
            self.dataset.id,
            self._split.fingerprint,
            self.spec.image_size,
            settings,
            weights,
            SEED,
        ]
        mark = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
        return f"{strategy}-{images}-{mark}"

    def _should_stop(self) -> bool:
        return self._left <= 0 or self.context.should_stop()

    def _report(self, step: str) -> None:
        """The bar is the budget."""
        total = 60 * self.spec.minutes
        if self._left > 0:
            step += f"; at most {rough_seconds_text(self._left)} left"
        done = min(total, int(self._spent))
        self.context.report_progress(Progress(step, done, total, unit="s of the budget"))

    def _step(self, strategy: str, images: int) -> str:
        """Which training this is; whoever was dropped needs no more of them."""
        left = [name for name in self._status.remaining if name not in self.failed]
        done = sum(point.strategy not in left for point in self._points)
        return (
            f"{title_of(strategy)} on {count_text(images, 'training image')}, training "
            f"{len(self._points) + 1} of at most {done + len(left) * len(self._ladder)}"
        )
