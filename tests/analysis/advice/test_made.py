"""Forecasts as they are made for a dataset and stored."""

from dataclasses import replace

import pytest

from core.analysis.advice import made as module
from core.analysis.advice.experience import Experience
from core.analysis.advice.facts import default_split
from core.analysis.advice.made import experience_of, forecast_from_facts, forecast_from_race
from core.datasets.dataset import Dataset
from core.datasets.storage import open_dataset
from core.experiments.accuracy_forecasts import keep_forecasts, read_forecasts
from core.experiments.race_points import RacePoint
from core.experiments.store import Store
from tests import made_facts, made_series
from tests.analysis.advice.made_forecasts import forecast
from tests.analysis.advice.test_grades import finished
from tests.made_race import at, share


@pytest.fixture
def arrows(arrows_store: Store) -> Dataset:  # noqa: ARG001 - in that home
    return open_dataset("arrows")


@pytest.fixture(autouse=True)
def no_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "bundled_series", lambda: None)


def race(dataset: Dataset) -> list[RacePoint]:
    about = {"dataset_id": dataset.id, "settings": {"epochs": 2}}
    return [
        at("cnn", images, share(right, 20), id=f"{images}", seconds=3.0, **about)
        for images, right in ((30, 10), (39, 12))
    ]


def test_the_facts_make_forecasts_of_the_probes(arrows_store, arrows):
    few = [replace(one, curve=one.curve[:2]) for one in made_facts.facts().backbones]
    forecast_from_facts(arrows_store, arrows, made_facts.facts(arrows, backbones=tuple(few)))
    made = read_forecasts(arrows_store.database)
    assert {one.strategy for one in made} == {"efficientnet_lite0_probe", "vgg16_probe"}
    split = default_split().of(arrows)
    assert {(one.kind, one.train_images) for one in made} == {("facts", len(split.train))}
    assert {one.split_fingerprint for one in made} == {split.fingerprint}


def test_a_race_makes_forecasts_once(arrows_store, arrows):
    forecast_from_race(arrows_store, arrows, 96, [])
    assert read_forecasts(arrows_store.database) == []
    for _ in range(2):
        forecast_from_race(arrows_store, arrows, 96, race(arrows))
    (one,) = read_forecasts(arrows_store.database)
    assert (one.strategy, one.kind, one.verdict) == ("cnn", "trained", "cannot_tell")
    assert (one.largest, one.spent_seconds, one.settings) == (39, 6.0, {"epochs": 2})
    assert one.split_fingerprint == default_split().of(arrows).fingerprint


def test_experience_is_what_was_graded_on_other_datasets_and_the_series(
    arrows_store, arrows, monkeypatch
):
    assert experience_of(arrows_store, "another") == Experience()
    split = default_split().of(arrows)
    about = {"dataset_id": arrows.id, "split_fingerprint": split.fingerprint}
    keep_forecasts(arrows_store.database, [forecast(made_at="2026-01-01", **about)])
    finished(arrows_store, 0.75)
    (case,) = experience_of(arrows_store, "another").cases
    assert (case.origin, case.actual) == (arrows.id, 0.75)
    own = experience_of(arrows_store, arrows.id)
    assert own.cases == ()
    assert own.own.hits == (1.0, 1.0)  # its caution is that of the whole installation
    monkeypatch.setattr(module, "bundled_series", made_series.series)
    known = experience_of(arrows_store, "another")
    assert len(known.of_kind("trained")) == 32
    assert len(known.results) == 8
