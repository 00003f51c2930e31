"""Forecasts: their width, that they never change, and how they are graded."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from core.analysis.advice import forecasts as module
from core.analysis.advice.forecasts import (
    ENOUGH_CASES,
    KEPT_GAIN,
    Graded,
    coverage_of,
    forecasts_of,
    graded_forecasts,
    newest_forecasts,
)
from core.analysis.significance import wilson_interval
from core.datasets.split import Split
from core.experiments.accuracy_forecasts import (
    AccuracyForecast,
    forecasts,
    keep_forecasts,
    read_forecasts,
)
from core.experiments.planning import plan_experiment
from core.experiments.store import Store
from tests import made_up
from tests.made_facts import backbone, difference, facts

SPLIT = Split(np.arange(113), np.arange(113, 125), np.arange(125, 175), "f" * 64)


def forecast(**changes: object) -> AccuracyForecast:
    values = {
        "id": "a-vgg16_probe",
        "made_at": "2026-11-30T22:00:00.000000+00:00",
        "dataset_id": "e" * 64,
        "strategy": "vgg16_probe",
        "image_size": 96,
        "split_fingerprint": "f" * 64,
        "predicted": 0.7,
        "deviation": 0.05,
        "low_80": 0.64,
        "high_80": 0.76,
        "low_95": 0.60,
        "high_95": 0.80,
        "cases": 0,
    }
    return AccuracyForecast(**(values | changes))


def graded(error: float, **changes: object) -> Graded:
    made = forecast(**changes)
    return Graded(made, made_up.experiment(), made.predicted + error)


# Making one ---------------------------------------------------------------------------------------


def test_a_forecast_follows_the_curve_to_all_training_images():
    found = facts()
    best, other = forecasts_of(found, SPLIT, "96-mark", [])
    assert (best.strategy, other.strategy) == ("efficientnet_lite0_probe", "vgg16_probe")
    assert best.id == "96-mark-efficientnet_lite0_probe"
    assert (best.dataset_id, best.split_fingerprint) == (found.dataset_id, SPLIT.fingerprint)
    # The curve ends with 90 of 113 images; the last doubling gained 6 points.
    doublings = math.log2(113 / 90)
    step = KEPT_GAIN * 0.06 * doublings
    assert best.predicted == pytest.approx(0.72 + step)
    rate = best.predicted * (1 - best.predicted)
    variance = rate / 105 + rate / 50 + step**2 + (KEPT_GAIN * 0.02 * doublings / 2) ** 2
    assert best.deviation == pytest.approx(math.sqrt(variance))
    width = NormalDist().inv_cdf(0.9) * best.deviation
    assert best.low_80 == pytest.approx(best.predicted - width)
    assert best.high_80 == pytest.approx(best.predicted + width)
    assert best.high_95 - best.low_95 == pytest.approx(2 * 1.959964 * best.deviation)
    assert best.cases == 0


def test_a_curve_that_falls_is_not_followed_down():
    falling = replace(facts().backbones[0], doubling=difference(-5))
    (found,) = forecasts_of(facts(backbones=(falling,)), SPLIT, "m", [])
    assert found.predicted == 0.72


def test_an_interval_stays_inside_what_an_accuracy_can_be():
    certain = backbone("vgg16", "VGG16", 0.97, None)
    certain = replace(certain, probe=replace(certain.probe, accuracy=1.0))
    (found,) = forecasts_of(facts(backbones=(certain,)), SPLIT, "m", [])
    assert found.predicted == found.high_80 == found.high_95 == 1
    assert 0.9 < found.low_95 < found.low_80 < 1


def test_nothing_is_forecast_further_than_four_times_the_images():
    assert len(forecasts_of(facts(train_images=360), SPLIT, "m", [])) == 2
    assert forecasts_of(facts(train_images=361), SPLIT, "m", []) == []


def test_with_enough_cases_intervals_are_as_wide_as_past_errors_ask_for():
    """Split conformal: of 20 errors of 1, 2, ... 20 times 0.01, by hand the 17th and the 20th."""
    past = [graded(0.01 * place, deviation=0.05) for place in range(1, ENOUGH_CASES + 1)]
    (usual, _), (wide, _) = (forecasts_of(facts(), SPLIT, "m", some) for some in (past[1:], past))
    assert (usual.cases, wide.cases) == (0, 20)
    assert usual.high_80 - usual.predicted == pytest.approx(1.28155 * usual.deviation, rel=1e-4)
    assert wide.high_80 - wide.predicted == pytest.approx(17 / 5 * wide.deviation)
    assert wide.high_95 == 1.0
    narrow = [graded(0.0) for _ in range(ENOUGH_CASES)]
    (same, _) = forecasts_of(facts(), SPLIT, "m", narrow)
    assert same.high_80 == usual.high_80  # never narrower than chance alone allows


# The table ----------------------------------------------------------------------------------------


def test_a_forecast_never_changes(store: Store):
    keep_forecasts(store.database, [forecast()])
    keep_forecasts(store.database, [forecast(predicted=0.1), forecast(id="b", strategy="x_probe")])
    assert read_forecasts(store.database) == [forecast(), forecast(id="b", strategy="x_probe")]
    keep_forecasts(store.database, [])


def test_one_that_is_damaged_hides_no_other(store: Store, caplog):
    keep_forecasts(store.database, [forecast(), forecast(id="b")])
    with store.database.writing() as connection:
        connection.execute(
            forecasts.update().where(forecasts.c.id == "b").values(forecast={"id": "b"})
        )
    assert read_forecasts(store.database) == [forecast()]
    assert "forecast b cannot be read" in caplog.text


def test_the_newest_of_each_strategy_is_shown(store: Store):
    later = {"made_at": "2026-12-01T10:00:00.000000+00:00"}
    keep_forecasts(
        store.database,
        [
            forecast(),
            forecast(id="b", predicted=0.75, **later),
            forecast(id="c", strategy="squeezenet_probe", predicted=0.8),
            forecast(id="d", image_size=128, predicted=0.9),
            forecast(id="e", dataset_id="another", predicted=0.9),
        ],
    )
    assert [one.id for one in newest_forecasts(store, "e" * 64, 96)] == ["c", "b"]


# Grading ------------------------------------------------------------------------------------------


def finished(store: Store, *accuracies: float, strategy: str = "vgg16_probe", **options: object):
    """An experiment on the arrows whose runs of one strategy reached these accuracies."""
    seeds = tuple(range(len(accuracies)))
    spec = plan_experiment("arrows", ["majority"], seeds=seeds, image_size=96, **options)
    spec = spec.model_copy(update={"strategies": ((strategy, {}),)})
    experiment = store.create_experiment(spec)
    for accuracy in accuracies:
        run = store.claim_next("worker")
        store.finish_run(run.id, made_up.result(accuracy))
    return store.experiment(experiment)


@pytest.fixture
def made(arrows_store: Store) -> AccuracyForecast:
    spec = plan_experiment("arrows", ["majority"], image_size=96)
    found = forecast(dataset_id=spec.dataset_id, split_fingerprint=spec.split_fingerprint)
    keep_forecasts(arrows_store.database, [replace(found, made_at="2026-01-01")])
    return replace(found, made_at="2026-01-01")


@pytest.mark.parametrize(
    ("accuracies", "hits"),
    [((0.75,), (True, True)), ((0.7, 0.86), (False, True)), ((0.5,), (False, False))],
)
def test_the_mean_over_the_seeds_is_a_hit_or_a_miss(arrows_store, made, accuracies, hits):
    experiment = finished(arrows_store, *accuracies)
    (found,) = graded_forecasts(arrows_store)
    assert found.forecast == made
    assert found.experiment.id == experiment.id
    assert found.actual == pytest.approx(np.mean(accuracies))
    assert found.error == pytest.approx(np.mean(accuracies) - 0.7)
    assert (found.is_hit_80, found.is_hit_95) == hits


def test_the_first_experiment_after_a_forecast_grades_it(arrows_store, made):
    first = finished(arrows_store, 0.75)
    finished(arrows_store, 0.5)
    (found,) = graded_forecasts(arrows_store)
    assert (found.experiment.id, found.actual) == (first.id, 0.75)
    assert found.forecast == made


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    "options",
    [{"strategy": "cnn"}, {"split": {"seed": 3}}, {"train_share": 0.5}, {"resize": "pad"}],
)
def test_an_experiment_of_another_kind_grades_nothing(arrows_store, options):
    finished(arrows_store, 0.75, **options)
    assert graded_forecasts(arrows_store) == ()


def test_a_forecast_after_the_run_is_none(arrows_store, made):
    later = replace(made, id="late", strategy="squeezenet_probe", made_at="2099-01-01")
    keep_forecasts(arrows_store.database, [later])
    finished(arrows_store, 0.75, strategy="squeezenet_probe")
    assert graded_forecasts(arrows_store) == ()


@pytest.mark.usefixtures("made")
def test_a_run_that_has_not_ended_is_not_graded(arrows_store):
    spec = plan_experiment("arrows", ["majority"], image_size=96)
    arrows_store.create_experiment(spec.model_copy(update={"strategies": (("vgg16_probe", {}),)}))
    assert graded_forecasts(arrows_store) == ()


def test_coverage_counts_hits_with_intervals():
    assert coverage_of([]) is None
    found = coverage_of([graded(0.02), graded(-0.09), graded(0.2)])
    assert (found.cases, found.hits_80, found.hits_95) == (3, 1, 2)
    assert found.interval_80 == wilson_interval(1, 3)
    assert found.interval_95 == wilson_interval(2, 3)
    assert (found.lowest, found.highest) == (pytest.approx(-0.09), pytest.approx(0.2))
    assert module.LEVELS == (0.8, 0.95)
