"""Forecasts of a dataset, made with all that is known and stored: before any run, never changed."""

from collections.abc import Sequence
from dataclasses import replace

from core.analysis.advice.experience import Experience
from core.analysis.advice.facts import Facts, default_split
from core.analysis.advice.forecasts import Target, forecasts_of, points_of_facts, points_of_race
from core.analysis.advice.grades import graded_forecasts, own_record
from core.analysis.advice.replay import experience_without
from core.analysis.advice.series import bundled_series
from core.datasets.dataset import Dataset
from core.experiments.accuracy_forecasts import keep_forecasts
from core.experiments.race_points import RacePoint
from core.experiments.store import Store


def forecast_from_facts(store: Store, dataset: Dataset, facts: Facts) -> None:
    """Of the probe of each backbone, from its curve by cross-validation."""
    target = _target(dataset, facts.image_size)
    experience = experience_of(store, dataset.id)
    made = forecasts_of(points_of_facts(facts), target, "facts", experience)
    keep_forecasts(store.database, made)


def forecast_from_race(
    store: Store, dataset: Dataset, image_size: int, points: Sequence[RacePoint]
) -> None:
    """Of each strategy that has ``points`` in a race, which are of the default split; nothing where
    none has. The same points make no second forecast."""
    if points:
        made = forecasts_of(
            points_of_race(points),
            _target(dataset, image_size),
            "trained",
            experience_of(store, dataset.id),
            {one.strategy: one.settings for one in points},
        )
        keep_forecasts(store.database, made)


def experience_of(store: Store, dataset_id: str) -> Experience:
    """All that is known for a forecast on a dataset: graded forecasts of other datasets of this
    installation, and the recorded series without the source of this one."""
    graded = graded_forecasts(store)
    others = tuple(one.case for one in graded if one.origin != dataset_id)
    series = bundled_series()
    known = Experience() if series is None else experience_without(series, dataset_id)
    return replace(known, cases=known.cases + others, own=own_record(graded))


def _target(dataset: Dataset, image_size: int) -> Target:
    split = default_split().of(dataset)
    return Target(dataset.id, split.fingerprint, image_size, len(split.train), len(split.test))
