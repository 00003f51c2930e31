"""Asking for a race, and how one stands: checked whole before anything is queued.

There is one job for each dataset and image size; its points lie in the table ``race_points``, so a
race that was ended goes on from them when it is asked for again.
"""

import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.analysis.advice.facts import IMAGE_SIZE, default_split
from core.analysis.advice.probes import FEWEST_A_CLASS
from core.analysis.advice.race.losses import arguments_without, describe_lost, lost_in
from core.analysis.advice.race.rule import Kept, Racer, RaceStatus, status_of
from core.datasets.dataset import Dataset
from core.datasets.split import Split
from core.errors import BadInput, HeadstartError
from core.experiments.forecast import Forecast, forecast_each, forecast_experiment
from core.experiments.planning import plan_experiment
from core.experiments.race_points import RacePoint, read_points
from core.experiments.records import ExperimentSpec
from core.experiments.store import Store
from core.experiments.used_backbones import seen_test_images
from core.jobs.launchers import ensure_worker
from core.jobs.progress import progress_text
from core.jobs.records import JobRecord, NewJob
from core.strategies.registry import find_strategy
from core.strategies.selection import Chosen
from core.strategies.settings import PRESETS
from core.text import count_text
from core.training.spec import ImageSize, nested_subset

KIND = "race"
FRACTIONS = (1 / 16, 1 / 8, 1 / 4)
# A line through two points says nothing where the second has less than so many times the images.
APART = 1.25
LONGEST_MINUTES = 24 * 60
# Where everything on all images takes no longer than this, a race is not worth its own time.
QUICK_SECONDS = 600
POLL_SECONDS = 0.5


class RaceSpec(BaseModel):
    """What a race is about, as its job keeps it.

    ``sizes``: training images of its points, the fewest first; ``train_images``: all that there
    are. ``strategies``: pairs of name and complete settings, cheap ones first. ``weights``: the
    digest of those that a strategy starts from. ``first_seconds``: forecasts of the first point of
    a strategy, where there are any; made when the race is asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset_id: str
    split_fingerprint: str
    image_size: ImageSize
    minutes: Annotated[int, Field(ge=1, le=LONGEST_MINUTES)]
    sizes: tuple[int, ...]
    train_images: int
    strategies: tuple[tuple[str, dict[str, Any]], ...]
    weights: dict[str, str]
    first_seconds: dict[str, float] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.strategies)


@dataclass(frozen=True)
class RacePlan:
    """A race that can be asked for. ``experiment``: the same strategies on all training images,
    with the forecast of its time. ``left_out`` says for each strategy that "all" left out why;
    those of ``lost`` among them may be chosen by name: they ended the process of an earlier race.
    """

    spec: RaceSpec
    experiment: ExperimentSpec
    forecast: Forecast
    left_out: Mapping[str, str]
    lost: tuple[str, ...] = ()

    @property
    def is_quick(self) -> bool:
        """Whether one should just run everything: that takes no longer than the race, or minutes.
        False where the time of a strategy is not known."""
        seconds = self.forecast.seconds
        if seconds is None or self.forecast.unknown:
            return False
        return seconds <= max(QUICK_SECONDS, 60 * self.spec.minutes)


class Verdict(StrEnum):
    """What a race says of a strategy."""

    LEADS = "leads"
    OPEN = "can still win"
    UNKNOWN = "undecided"  # fewer than two points
    KEPT = "stays to compare with"
    DROPPED = "cannot win"
    FAILED = "not trained"


@dataclass(frozen=True)
class Race:
    """A race as it stands. ``ended``: "time" where the budget was used up, "done" where there was
    nothing left to train; None while it is at work, and where it was cancelled or failed.
    ``failed`` says why a strategy could not be trained, or that its training ended the process."""

    job: JobRecord
    spec: RaceSpec
    status: RaceStatus
    ended: Literal["time", "done"] | None
    failed: Mapping[str, str]
    seconds: float | None

    @property
    def remaining(self) -> tuple[str, ...]:
        """The strategies that were neither dropped nor failed."""
        return tuple(name for name in self.status.remaining if name not in self.failed)

    @property
    def undecided(self) -> tuple[str, ...]:
        """Those that might still beat the leader."""
        open_ends = (Verdict.OPEN, Verdict.UNKNOWN)
        return tuple(one.strategy for one in self.status.racers if self.verdict(one) in open_ends)

    def verdict(self, one: Racer) -> Verdict:
        """Of a racer of ``status``. The best probe and the best from scratch are kept where they
        could not win, too."""
        leader = self.status.leader
        if one.strategy in self.failed:
            return Verdict.FAILED
        if one.dropped is not None:
            return Verdict.DROPPED
        if one.kept is Kept.BASELINE:
            return Verdict.KEPT
        if leader is not None and one.strategy == leader.strategy:
            return Verdict.LEADS
        if one.line is None or leader is None or leader.last is None:
            return Verdict.UNKNOWN
        return Verdict.KEPT if one.kept and one.line < leader.last.low else Verdict.OPEN


# Asking for it ------------------------------------------------------------------------------------


def plan_race(
    store: Store,
    dataset: Dataset,
    minutes: int,
    strategies: Chosen = "all",
    backbones: Chosen | None = None,
    image_size: int = IMAGE_SIZE,
) -> RacePlan:
    """Check everything; only the split is stored.

    ``strategies`` and ``backbones`` as ``chosen_strategies`` takes them, but "all" means those of
    all backbones that are here. Raises ``UnknownName`` or ``BadInput`` naming the field, also where
    the dataset is too small.
    """
    is_whole = isinstance(minutes, int) and not isinstance(minutes, bool)
    if not (is_whole and 1 <= minutes <= LONGEST_MINUTES):
        raise BadInput(
            f"minutes is {minutes!r}; it must be a whole number from 1 to {LONGEST_MINUTES:,}.",
            "minutes",
        )
    split = default_split().of(dataset)
    sizes = tuple(len(images) for images in ladder_of(dataset, split))
    experiment = plan_experiment(
        dataset.id,
        strategies,
        PRESETS[0],
        image_size=image_size,
        backbones="all" if strategies == "all" and backbones is None else backbones,
    )
    by_name = strategies != "all"
    experiment, seen = _without_seen(experiment, dataset, split, by_name)
    lost: dict[str, str] = {}
    if not by_name:
        known = lost_in(store.find_job(_job_id(dataset.id, image_size)))
        lost = {name: describe_lost(images) for name, images in known.items()}
        lost = {name: why for name, why in lost.items() if name in dict(experiment.strategies)}
        experiment = _without(experiment, lost)
    spec = RaceSpec(
        dataset_id=dataset.id,
        split_fingerprint=split.fingerprint,
        image_size=image_size,
        minutes=minutes,
        sizes=sizes,
        train_images=len(split.train),
        strategies=experiment.strategies,
        weights={name: _digest(name, settings) for name, settings in experiment.strategies},
    )
    finished = store.runs(states=["finished"])
    forecast = forecast_experiment(experiment, store.experiments(), finished)
    left_out = experiment.unavailable | seen | lost
    return RacePlan(spec, experiment, forecast, left_out, tuple(lost))


def ladder_of(dataset: Dataset, split: Split) -> tuple[np.ndarray, ...]:
    """The training images (positions) of each point, each part of the next: ``FRACTIONS`` of them,
    at least ``FEWEST_A_CLASS`` of each class or all that it has.

    A part that is hardly larger than the one before it, or hardly smaller than all, is left out.
    Raises ``BadInput`` where fewer than two are left.
    """
    seed = default_split().seed
    found: list[np.ndarray] = []
    for fraction in FRACTIONS:
        part = nested_subset(split.train, dataset.labels, fraction, seed, FEWEST_A_CLASS)
        before = len(found[-1]) if found else 0
        if APART * before <= len(part) and APART * len(part) <= len(split.train):
            found.append(part)
    if len(found) < 2:
        raise BadInput(
            f"{dataset.name} is too small for a race: of its "
            f"{count_text(len(split.train), 'training image')} a sixteenth, an eighth and a "
            f"quarter, with at least {FEWEST_A_CLASS} of each class, give too few different "
            "numbers. Just run the strategies on all of them.",
            "dataset",
        )
    return tuple(found)


def request_race(store: Store, plan: RacePlan) -> JobRecord:
    """Queue it. Raises ``BadInput`` where a race on these images waits or works, and ``OSError`` if
    no worker can be started."""
    job_id = _job_id(plan.spec.dataset_id, plan.spec.image_size)
    before = store.find_job(job_id)
    spec = plan.spec.model_copy(update={"first_seconds": _first_seconds(store, plan)})
    arguments = {"race": spec.model_dump(mode="json")} | arguments_without(before, spec.names)
    if before is None:
        # Somebody else may ask in the same moment; then the race is theirs.
        job = store.add_job_once(NewJob(job_id, KIND, arguments))
        is_ours = job.arguments == arguments
    else:
        is_ours = store.requeue_job(job_id, arguments)
    if not is_ours:
        raise BadInput(
            f"A race on {plan.experiment.dataset_name} is at work; wait for it, or cancel it.",
            "dataset",
        )
    ensure_worker(store)
    return store.job(job_id)


def run_race(store: Store, plan: RacePlan, say: Callable[[str], None]) -> Race:
    """Ask for it and wait until it is over, with a line to ``say`` for each step.

    Ctrl-C cancels it. Raises ``HeadstartError`` with what went wrong in the job.
    """
    job, shown = request_race(store, plan), ""
    try:
        while job.is_active:
            line = job.progress.step if job.progress else progress_text(None)
            if job.state == "queued":
                line = store.waiting_text(job.id)
            if line != shown:
                say(shown := line)
            time.sleep(POLL_SECONDS)
            job = store.job(job.id)
    except KeyboardInterrupt:
        store.cancel_job(job.id)
        raise
    if job.error:
        raise HeadstartError(job.error)
    return _race(store, job, plan.spec)


def _first_seconds(store: Store, plan: RacePlan) -> dict[str, float]:
    """Validation images are scored twice: by the engine as validation and as test images."""
    validation = plan.experiment.images["validation"]
    images = {"train": plan.spec.sizes[0], "validation": validation, "test": validation}
    first = plan.experiment.model_copy(update={"images": images})
    return forecast_each(first, store.experiments(), store.runs(states=["finished"]))


# How it stands ------------------------------------------------------------------------------------


def latest_race(store: Store, dataset: Dataset, image_size: int = IMAGE_SIZE) -> Race | None:
    """The race that was asked for last; None where there was none, or by another version."""
    job = store.find_job(_job_id(dataset.id, image_size))
    if job is None:
        return None
    try:
        spec = RaceSpec.model_validate(job.arguments.get("race"))
    except ValidationError:
        return None
    return _race(store, job, spec)


def points_of(store: Store, spec: RaceSpec) -> list[RacePoint]:
    """The points that count in a race, the oldest first, those of earlier races among them."""
    wanted = dict(spec.strategies)
    return [
        point
        for point in read_points(store.database, spec.dataset_id)
        if (point.split_fingerprint, point.image_size) == (spec.split_fingerprint, spec.image_size)
        and point.train_images in spec.sizes
        and point.settings == wanted.get(point.strategy)
        and point.weights == spec.weights.get(point.strategy)
    ]


def _race(store: Store, job: JobRecord, spec: RaceSpec) -> Race:
    result = job.result or {}
    lost = {
        name: describe_lost(images) for name, images in lost_in(job).items() if name in spec.names
    }
    failed = lost | result.get("failed", {})
    return Race(
        job=job,
        spec=spec,
        status=status_of(points_of(store, spec), spec.names, spec.train_images, failed),
        ended=result.get("ended"),
        failed=failed,
        seconds=result.get("seconds"),
    )


def _job_id(dataset_id: str, image_size: int) -> str:
    return f"{KIND}-{dataset_id[:16]}-{image_size}"


def _digest(name: str, settings: Mapping[str, Any]) -> str:
    weights = find_strategy(name).weights(settings)
    return "" if weights is None else weights.digest


def _without_seen(
    spec: ExperimentSpec, dataset: Dataset, split: Split, by_name: bool
) -> tuple[ExperimentSpec, dict[str, str]]:
    """Without strategies whose backbone of one's own has seen validation images, or may have: they
    would look too good. Why, by name; an error where they were asked for ``by_name``."""
    seen: dict[str, str] = {}
    for name, _ in spec.strategies:
        one = find_strategy(name)
        if one.backbone is None or one.backbone.origin is None or not one.is_pretrained:
            continue
        if seen_test_images(one.backbone.name, dataset, split.validation) != 0:
            seen[name] = (
                f"{name} starts from a network that has seen validation images of this dataset, or "
                "may have, so its accuracy on them would be too good."
            )
    if seen and by_name:
        raise BadInput(next(iter(seen.values())), "strategies")
    return _without(spec, seen), seen


def _without(spec: ExperimentSpec, names: Container[str]) -> ExperimentSpec:
    kept = tuple(pair for pair in spec.strategies if pair[0] not in names)
    return spec.model_copy(update={"strategies": kept})
