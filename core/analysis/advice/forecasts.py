"""What a probe will reach on the test images, forecast before its run; and how good that was.

A forecast goes out from the learning curve of the cross-validation. It is stored when the facts are
measured and never changed. It is graded by the first experiment that was begun after it on the same
split: a hit where the mean accuracy over the seeds lies in the interval.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import NormalDist, fmean

from core.analysis.advice.facts import BackboneFacts, Facts
from core.analysis.significance import wilson_interval
from core.datasets.choices import RESIZES
from core.datasets.split import Split
from core.experiments.accuracy_forecasts import AccuracyForecast, read_forecasts
from core.experiments.records import ExperimentRecord, finished_runs
from core.experiments.store import Store
from core.strategies.registry import names_with
from core.strategies.strategy import Role

# With fewer graded forecasts nobody knows how far off they are.
ENOUGH_CASES = 20
LEVELS = (0.80, 0.95)
# Power laws extrapolate badly from few images (arXiv 2207.01725): never further than this.
MOST_TIMES = 4
# Curves flatten: of what the last doubling gained, the next is expected to gain this fraction.
KEPT_GAIN = 0.5


@dataclass(frozen=True)
class Graded:
    """A forecast with what came out: ``actual`` is the mean test accuracy over the seeds (0 to
    1)."""

    forecast: AccuracyForecast
    experiment: ExperimentRecord
    actual: float

    @property
    def error(self) -> float:
        """What came out minus the forecast."""
        return self.actual - self.forecast.predicted

    @property
    def is_hit_80(self) -> bool:
        return self.forecast.low_80 <= self.actual <= self.forecast.high_80

    @property
    def is_hit_95(self) -> bool:
        return self.forecast.low_95 <= self.actual <= self.forecast.high_95


@dataclass(frozen=True)
class Coverage:
    """How many of ``cases`` lay in their 80 % and 95 % intervals, with Wilson's 95 % interval of
    these fractions; ``lowest`` and ``highest`` are the errors furthest below and above."""

    cases: int
    hits_80: int
    hits_95: int
    interval_80: tuple[float, float]
    interval_95: tuple[float, float]
    lowest: float
    highest: float


def forecasts_of(
    facts: Facts, split: Split, mark: str, past: Sequence[Graded]
) -> list[AccuracyForecast]:
    """Of the linear probe on each backbone, on the test images of ``split``, the default one.

    ``mark`` names the facts. Where ``ENOUGH_CASES`` of ``past`` are graded, intervals are widened
    until as many of these as promised would have been hit (split conformal, Vovk et al. 2005). None
    for a backbone whose curve ends too far below all training images.
    """
    moment = datetime.now(UTC).isoformat(timespec="microseconds")
    widths = [_width(level, past) for level in LEVELS]
    found = []
    for one in facts.backbones:
        expected = _expected(one, facts, len(split.test))
        if expected is None:
            continue
        predicted, deviation = expected
        (low_80, high_80), (low_95, high_95) = (
            (max(0.0, predicted - width * deviation), min(1.0, predicted + width * deviation))
            for width in widths
        )
        for strategy in names_with(Role.LINEAR_PROBE, backbone=one.name):
            found.append(
                AccuracyForecast(
                    id=f"{mark}-{strategy}",
                    made_at=moment,
                    dataset_id=facts.dataset_id,
                    strategy=strategy,
                    image_size=facts.image_size,
                    split_fingerprint=split.fingerprint,
                    predicted=predicted,
                    deviation=deviation,
                    low_80=low_80,
                    high_80=high_80,
                    low_95=low_95,
                    high_95=high_95,
                    cases=len(past) if len(past) >= ENOUGH_CASES else 0,
                )
            )
    return found


def _expected(one: BackboneFacts, facts: Facts, test_images: int) -> tuple[float, float] | None:
    """Accuracy and standard deviation with all training images, on ``test_images``.

    The deviation has three parts: the images that were measured on, the test images, and what the
    step to more images may add.
    """
    times = facts.train_images / one.curve[-1].images
    if times > MOST_TIMES:
        return None
    doublings = math.log2(times)
    gain = 0.0 if one.doubling is None else max(0.0, one.doubling.difference)
    room = 0.0 if one.doubling is None else (one.doubling.high - one.doubling.low) / 2
    step = KEPT_GAIN * gain * doublings
    predicted = min(1.0, one.probe.accuracy + step)
    # Half an image keeps the deviation above 0 where all were predicted correctly.
    rate = min(max(predicted, 0.5 / facts.distinct_images), 1 - 0.5 / facts.distinct_images)
    variance = rate * (1 - rate) * (1 / facts.distinct_images + 1 / test_images)
    variance += step**2 + (KEPT_GAIN * room * doublings / 2) ** 2
    return predicted, math.sqrt(variance)


def _width(level: float, past: Sequence[Graded]) -> float:
    """How many standard deviations to either side; never fewer than a normal distribution has."""
    usual = NormalDist().inv_cdf((1 + level) / 2)
    if len(past) < ENOUGH_CASES:
        return usual
    ratios = sorted(abs(one.error) / one.forecast.deviation for one in past)
    place = min(len(ratios), math.ceil((len(ratios) + 1) * level))
    return max(usual, ratios[place - 1])


# Grading ------------------------------------------------------------------------------------------


def graded_forecasts(store: Store) -> tuple[Graded, ...]:
    """Each dataset, strategy and image size once, by the first experiment that was begun after a
    forecast; the newest forecast before that experiment counts."""
    made = read_forecasts(store.database)
    found: dict[tuple[str, str, int], Graded] = {}
    oldest_first = sorted(store.experiments(), key=lambda one: one.created_at)
    for experiment in oldest_first if made else ():
        results: dict[str, list[float]] = {}
        for run, result in finished_runs(store.runs(experiment.id)):
            results.setdefault(run.strategy, []).append(result.scores.test.accuracy)
        for strategy, accuracies in results.items():
            before = [one for one in made if _is_about(one, experiment, strategy)]
            key = (experiment.spec.dataset_id, strategy, experiment.spec.image_size)
            if before and key not in found:
                newest = max(before, key=lambda one: one.made_at)
                found[key] = Graded(newest, experiment, fmean(accuracies))
    return tuple(found.values())


def _is_about(made: AccuracyForecast, experiment: ExperimentRecord, strategy: str) -> bool:
    spec = experiment.spec
    return (
        (made.dataset_id, made.strategy, made.image_size, made.split_fingerprint)
        == (spec.dataset_id, strategy, spec.image_size, spec.split_fingerprint)
        and spec.train_share == 1
        and spec.resize == RESIZES[0]
        and not experiment.recorded
        and not experiment.is_active
        and made.made_at < experiment.created_at
    )


def coverage_of(graded: Sequence[Graded]) -> Coverage | None:
    """None where nothing was graded."""
    if not graded:
        return None
    hits_80, hits_95 = (sum(one.is_hit_80 for one in graded), sum(one.is_hit_95 for one in graded))
    errors = [one.error for one in graded]
    return Coverage(
        cases=len(graded),
        hits_80=hits_80,
        hits_95=hits_95,
        interval_80=wilson_interval(hits_80, len(graded)),
        interval_95=wilson_interval(hits_95, len(graded)),
        lowest=min(errors),
        highest=max(errors),
    )


def newest_forecasts(store: Store, dataset_id: str, image_size: int) -> list[AccuracyForecast]:
    """The newest of each strategy on a dataset, the highest first."""
    newest = {
        one.strategy: one
        for one in read_forecasts(store.database)
        if (one.dataset_id, one.image_size) == (dataset_id, image_size)
    }
    return sorted(newest.values(), key=lambda one: -one.predicted)
