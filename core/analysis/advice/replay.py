"""The recorded series forecast as if it were new: leave one source of datasets out, then grade.

Each dataset is forecast from its trainings on at most a quarter of the images, with priors and
widths from datasets of other sources alone. Past errors of these are replayed in the same way:
each from the sources that are left.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from core.analysis.advice.experience import Case, Experience, PastCurve, PastResults
from core.analysis.advice.forecasts import Target, forecasts_of, points_of_facts
from core.analysis.advice.grades import (
    AdviceRecord,
    Coverage,
    Graded,
    Outcome,
    advice_record,
    coverage_of,
    named_by_tutorial,
)
from core.analysis.advice.placing import placed
from core.analysis.advice.power_law import MOST_TIMES, CurvePoint
from core.analysis.advice.series import SERIES_FILE, Series, SeriesDataset, Training
from core.analysis.advice.usual_order import Result
from core.analysis.significance import SIGNIFICANCE, paired_test
from core.experiments.accuracy_forecasts import AccuracyForecast, Kind
from core.files import write_json

GRADES_FILE = SERIES_FILE.with_name("series_grades.json")
KINDS: tuple[Kind, Kind] = ("facts", "trained")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Replay:
    """The grades of a series: forecasts by kind, and what the advice would have cost.

    ``beaten``: on how many datasets the best strategy was better than the advised one by more than
    luck: a paired test on the test images at ``SIGNIFICANCE``. Because these also chose the best,
    it says so rather too often. ``usual``: the strategy with the lowest error on average.
    """

    datasets: int
    sources: int
    facts: Coverage | None
    trained: Coverage | None
    advice: AdviceRecord | None
    beaten: int
    usual: str | None


_REPLAY = TypeAdapter(Replay)


def graded_series(series: Series) -> dict[str, tuple[Graded, ...]]:
    """By the name of each dataset its forecasts with what came out; each source left out in turn.
    Datasets without trainings at full size are passed over."""
    datasets = [one for one in series.datasets if _finals(one)]
    found = {}
    for dataset in datasets:
        experience = _experience(series, [one for one in datasets if one.source != dataset.source])
        found[dataset.name] = tuple(
            one for kind in KINDS for one in _graded(series, dataset, kind, experience)
        )
    return found


def replayed(series: Series) -> Replay:
    """How good forecasts and advice are on a series."""
    graded = graded_series(series)
    datasets = [one for one in series.datasets if one.name in graded]
    every = [one for some in graded.values() for one in some]
    outcomes = [
        _outcome(
            one,
            [each.forecast for each in graded[one.name] if each.forecast.verdict],
            _best_on([other for other in datasets if other.source != one.source]),
        )
        for one in datasets
    ]
    return Replay(
        datasets=len(datasets),
        sources=len({one.source for one in datasets}),
        facts=coverage_of([one for one in every if one.forecast.kind == "facts"]),
        trained=coverage_of([one for one in every if one.forecast.kind == "trained"]),
        advice=advice_record([one for one in outcomes if one.forecasts]),
        beaten=sum(map(_is_beaten, datasets, outcomes)),
        usual=_best_on(datasets),
    )


def write_replay(replay: Replay, path: Path) -> None:
    """Whole, in place of what was there; kept because pages cannot wait until it is worked out."""
    write_json(path, _REPLAY.dump_python(replay, mode="json"), indent=1)


@lru_cache(maxsize=1)
def bundled_replay() -> Replay | None:
    """That of the bundled series; None where there is none or it cannot be read (logged)."""
    try:
        return _REPLAY.validate_json(GRADES_FILE.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        log.warning("the grades of the recorded series cannot be read: %s", error)
        return None


def experience_without(series: Series, dataset_id: str) -> Experience:
    """What the series teaches about a dataset: all but the source that it belongs to itself."""
    sources = {one.source for one in series.datasets if one.dataset_id == dataset_id}
    return _experience(
        series, [one for one in series.datasets if one.source not in sources and _finals(one)]
    )


def _experience(series: Series, datasets: Sequence[SeriesDataset]) -> Experience:
    """What ``datasets`` teach: their whole curves, and how far forecasts of each were off that knew
    the other sources among them alone."""
    known = Experience(
        curves=tuple(curve for one in datasets for curve in _curves(one)),
        results=tuple(PastResults(one.source, _results(one)) for one in datasets),
    )
    cases: list[Case] = []
    for one in datasets:
        rest = known.without(one.source)
        for kind in KINDS:
            cases += [graded.case for graded in _graded(series, one, kind, rest)]
    return replace(known, cases=tuple(cases))


def _graded(
    series: Series, dataset: SeriesDataset, kind: Kind, experience: Experience
) -> list[Graded]:
    """Forecasts of a dataset with what came out at full size."""
    target = Target(
        dataset.dataset_id, "", series.image_size, dataset.train_images, dataset.test_images
    )
    points = points_of_facts(dataset.facts) if kind == "facts" else points_before(dataset)
    found = []
    for forecast in forecasts_of(points, target, kind, experience):
        final = dataset.final(forecast.strategy)
        if final is not None:
            found.append(
                Graded(
                    forecast=forecast,
                    dataset_name=dataset.name,
                    origin=dataset.source,
                    experiment_id="",
                    actual=dataset.test_accuracy(final),
                    seconds=None if final.is_disturbed else final.seconds,
                )
            )
    return found


def points_before(dataset: SeriesDataset) -> list[CurvePoint]:
    """What a race would have seen: trainings on a quarter of the images, or on ten of each class
    where that is more; never on all."""
    return [
        _point(dataset, one)
        for one in dataset.trainings
        if one.fraction <= 1 / MOST_TIMES and one.train_images < dataset.train_images
    ]


def _point(dataset: SeriesDataset, training: Training) -> CurvePoint:
    return CurvePoint(
        training.strategy,
        training.train_images,
        dataset.validation_accuracy(training),
        dataset.distinct_validation_images,
        None if training.is_disturbed else training.seconds,
    )


def _curves(dataset: SeriesDataset) -> list[PastCurve]:
    """Whole curves, all images included."""
    found = []
    for strategy in dataset.strategies:
        own = [one for one in dataset.trainings if one.strategy == strategy]
        points = tuple(_point(dataset, one) for one in own)
        found.append(PastCurve(dataset.source, strategy, points))
    return found


def _results(dataset: SeriesDataset) -> dict[str, Result]:
    return {
        one.strategy: Result(dataset.test_accuracy(one), dataset.test_images)
        for one in _finals(dataset)
    }


def _finals(dataset: SeriesDataset) -> list[Training]:
    return [found for name in dataset.strategies if (found := dataset.final(name)) is not None]


def _outcome(
    dataset: SeriesDataset, forecasts: Sequence[AccuracyForecast], usual: str | None
) -> Outcome:
    finals = _finals(dataset)
    return Outcome(
        dataset.name,
        {one.strategy: dataset.test_accuracy(one) for one in finals},
        {one.strategy: one.seconds for one in finals if not one.is_disturbed},
        tuple(forecasts),
        named_by_tutorial(placed(dataset.facts)),
        usual,
    )


def _best_on(datasets: Sequence[SeriesDataset]) -> str | None:
    """The strategy with the lowest error on these, on average; None with too few of them."""
    past = (PastResults(one.source, _results(one)) for one in datasets)
    means = Experience(results=tuple(past)).order().means
    return min(means, key=lambda name: means[name]) if means else None


def _is_beaten(dataset: SeriesDataset, outcome: Outcome) -> bool:
    """Whether the best strategy is better than the advised one by more than luck."""
    if outcome.advised is None:
        return False
    best = max(outcome.accuracies, key=lambda name: outcome.accuracies[name])
    correct = {one.strategy: dataset.test_correct(one)[np.newaxis] for one in _finals(dataset)}
    return paired_test(correct[outcome.advised], correct[best]).p_value < SIGNIFICANCE
