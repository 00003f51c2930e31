"""Grades: hits and misses, regret beside fixed rules, time saved, and what follows from misses."""

from dataclasses import replace

import numpy as np
import pytest

from core.analysis.advice.experience import LEVELS, OwnRecord, too_few_hits
from core.analysis.advice.grades import (
    Graded,
    Outcome,
    Quote,
    Rule,
    advice_record,
    coverage_of,
    graded_forecasts,
    named_by_tutorial,
    outcomes_of,
    own_record,
    quote_of,
)
from core.analysis.advice.placing import placed
from core.analysis.significance import wilson_interval
from core.experiments.accuracy_forecasts import AccuracyForecast, keep_forecasts
from core.experiments.planning import plan_experiment
from core.experiments.store import Store
from tests import made_up
from tests.analysis.advice.made_forecasts import forecast, graded, trained
from tests.made_facts import facts


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
    assert found.experiment_id == experiment.id
    assert found.actual == pytest.approx(np.mean(accuracies))
    assert found.error == pytest.approx(np.mean(accuracies) - 0.7)
    assert (found.is_hit_80, found.is_hit_95) == hits


def test_the_first_experiment_after_a_forecast_grades_it(arrows_store, made):
    first = finished(arrows_store, 0.75)
    finished(arrows_store, 0.5)
    (found,) = graded_forecasts(arrows_store)
    assert (found.experiment_id, found.actual) == (first.id, 0.75)
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


@pytest.mark.usefixtures("made")
def test_a_forecast_of_each_kind_is_graded(arrows_store, made):
    keep_forecasts(arrows_store.database, [replace(made, id="t", kind="trained", seconds=5.0)])
    finished(arrows_store, 0.75)
    found = graded_forecasts(arrows_store)
    assert {one.forecast.kind for one in found} == {"facts", "trained"}
    assert {one.seconds for one in found} == {10.0}


@pytest.mark.usefixtures("made")
def test_a_run_with_other_settings_does_not_grade_trainings(arrows_store, made):
    trained_with = {"kind": "trained", "settings": {"epochs": 2}}
    keep_forecasts(arrows_store.database, [replace(made, id="t", **trained_with)])
    finished(arrows_store, 0.75)
    assert {one.forecast.kind for one in graded_forecasts(arrows_store)} == {"facts"}
    same = [replace(made, id="s", kind="trained", settings={}, made_at="2026-01-02")]
    keep_forecasts(arrows_store.database, same)
    assert {one.forecast.kind for one in graded_forecasts(arrows_store)} == {"facts", "trained"}


def test_coverage_counts_hits_with_intervals():
    assert coverage_of([]) is None
    some = [graded(0.02), graded(-0.09), graded(0.2)]
    found = coverage_of(some)
    assert (found.cases, found.hits_80, found.hits_95) == (3, 1, 2)
    assert found.interval_80 == wilson_interval(1, 3)
    assert found.interval_95 == wilson_interval(2, 3)
    assert (found.lowest, found.highest) == (pytest.approx(-0.09), pytest.approx(0.2))
    assert found.width_80 == pytest.approx(0.12)
    assert (found.time_hits, found.timed) == (0, 0)
    assert LEVELS == (0.8, 0.95)
    timed = Graded(trained("cnn", 0.7), "shapes", "d", "e", 0.7, 90.0)
    found = coverage_of([timed, replace(timed, seconds=131.0), some[0]])
    assert (found.time_hits, found.timed) == (1, 2)


def test_a_grade_is_a_case_for_the_next_forecasts():
    found = Graded(trained("cnn", 0.7), "shapes", "origin", "e", 0.75, 200.0).case
    assert (found.origin, found.kind, found.strategy) == ("origin", "trained", "cnn")
    assert found.error == pytest.approx(0.05)
    assert found.time_error == pytest.approx(np.log(2))
    assert graded(0.02).case.time_error is None
    short = Graded(trained("majority", 0.2, seconds=0.01), "shapes", "d", "e", 0.2, 0.02)
    assert short.case.time_error is None  # nobody plans by it
    assert coverage_of([short]).timed == 0


# Too many misses ----------------------------------------------------------------------------------


def test_fewer_hits_than_chance_allows_are_told_by_the_binomial_distribution():
    """By the tables: of 20 at 80 %, 12 or fewer have a chance of 0.032, 13 or fewer 0.087."""
    assert too_few_hits(12, 20, 0.8)
    assert not too_few_hits(13, 20, 0.8)
    assert too_few_hits(16, 20, 0.95)  # 0.016
    assert not too_few_hits(17, 20, 0.95)  # 0.075
    assert not too_few_hits(0, 0, 0.8)


def on_datasets(count: int, *errors: float) -> list[Graded]:
    """The same errors on each of so many datasets."""
    return [
        replace(graded(error), origin=f"{number}") for number in range(count) for error in errors
    ]


def test_with_few_cases_forecasts_fall_silent_and_with_many_they_widen():
    assert own_record([]) == OwnRecord()
    assert own_record([]).caution == own_record(on_datasets(4, 0.01)).caution == ""
    assert own_record(on_datasets(2, 0.3)).caution == "silent"
    many = own_record(on_datasets(16, 0.3, 0.01))
    assert (len(many.cases), many.datasets, many.hits) == (32, 16, (8.0, 8.0))
    assert many.caution == "widened"


def test_forecasts_of_one_dataset_err_together_and_count_once():
    """One miss of what holds 95 % is 1 in 20, not rarer, however many strategies shared it."""
    assert own_record(on_datasets(1, *[0.3] * 30)).caution == ""
    assert own_record(on_datasets(2, *[0.3] * 30)).caution == "widened"


# Regret -------------------------------------------------------------------------------------------


def outcome(**changes: object) -> Outcome:
    """The advice named the probe of SqueezeNet, 4 points below the best."""
    values = {
        "dataset_name": "shapes",
        "accuracies": {
            "majority": 0.2,
            "cnn": 0.5,
            "squeezenet_probe": 0.76,
            "vgg16_probe": 0.70,
            "squeezenet_finetune": 0.80,
            "efficientnet_lite0_finetune": 0.78,
        },
        "seconds": {
            "majority": 1.0,
            "cnn": 20.0,
            "squeezenet_probe": 4.0,
            "vgg16_probe": 10.0,
            "squeezenet_finetune": 25.0,
            "efficientnet_lite0_finetune": 40.0,
        },
        "forecasts": (
            trained("squeezenet_probe", 0.78, verdict="worth", spent_seconds=2.0),
            trained("vgg16_probe", 0.775, verdict="worth", spent_seconds=3.0),
            trained("squeezenet_finetune", 0.7, spent_seconds=5.0),
            trained("cnn", 0.4, verdict="cannot_win", spent_seconds=4.0),
            trained("mlp", 0.9, verdict="worth", spent_seconds=7.0),  # never ran
        ),
        "named": ("vgg16_probe", "squeezenet_probe", "resnet50_probe"),
    }
    return Outcome(**(values | changes))


def test_regret_is_how_far_the_named_strategy_stays_below_the_best():
    found = outcome()
    assert (found.advised, found.best) == ("squeezenet_probe", 0.8)
    assert found.regret == pytest.approx(0.04)
    # EfficientNet-Lite0 has more parameters than SqueezeNet, VGG16 the most.
    assert found.regret_of(Rule.FINETUNE) == pytest.approx(0.02)
    assert found.regret_of(Rule.LARGEST_PROBE) == pytest.approx(0.10)
    # Two of the three that the tutorial names ran: 4 and 10 points.
    assert found.regret_of(Rule.TUTORIAL) == pytest.approx(0.07)
    assert found.regret_of(Rule.USUAL) is None
    assert outcome(usual="cnn").regret_of(Rule.USUAL) == pytest.approx(0.30)
    assert outcome(usual="resnet50_probe").regret_of(Rule.USUAL) is None  # never ran
    nothing = outcome(forecasts=(), named=(), accuracies={"cnn": 0.5})
    assert nothing.regret is None
    assert [nothing.regret_of(rule) for rule in Rule] == [None] * len(Rule)


def test_time_is_saved_by_what_cannot_win_less_what_the_race_took():
    # Of 4 + 10 + 25 + 20 seconds the CNN's 20 are saved, and 2 + 3 + 5 + 4 were spent.
    assert outcome().saved == pytest.approx((20 - 14) / 59)
    assert outcome(seconds={"cnn": 20.0}).saved is None
    assert outcome(forecasts=()).saved is None
    assert outcome(forecasts=(trained("cnn", 0.5, spent_seconds=None),)).saved is None


def test_the_record_sums_up():
    assert advice_record([]) is None
    near = outcome(accuracies={"squeezenet_probe": 0.8, "vgg16_probe": 0.805})
    silent = outcome(forecasts=(trained("cnn", 0.5),))
    found = advice_record([outcome(), near, silent])
    assert (found.datasets, found.named, found.within) == (3, 2, 1)
    assert found.regret == pytest.approx((0.04 + 0.005) / 2)
    # Side by side on the same datasets: nothing was fine-tuned on one of the two.
    assert set(found.rules) == {Rule.LARGEST_PROBE, Rule.TUTORIAL}
    assert found.rules[Rule.LARGEST_PROBE] == pytest.approx((0.1 + 0.0) / 2)
    assert found.rules[Rule.TUTORIAL] == pytest.approx((0.07 + 0.0025) / 2)
    assert found.undecided == pytest.approx(3 / 11)
    assert found.saved is not None


def test_the_tutorial_names_what_its_scenario_says():
    named = named_by_tutorial(placed(facts()))
    assert {"vgg16_probe", "vgg16_features", "squeezenet_probe"} <= set(named)
    assert not any("finetune" in name for name in named)
    assert named_by_tutorial(None) == ()


@pytest.fixture
def advised(arrows_store: Store) -> None:
    spec = plan_experiment("arrows", ["majority"], image_size=96)
    about = {
        "dataset_id": spec.dataset_id,
        "split_fingerprint": spec.split_fingerprint,
        "made_at": "2026-01-01",
    }
    made = [
        trained("vgg16_probe", 0.7, verdict="worth", **about),
        trained("cnn", 0.6, verdict="cannot_win", **about),
        trained("mlp", 0.8, verdict="cannot_tell", **about),
    ]
    keep_forecasts(arrows_store.database, made)


def both(store: Store, probe: float, cnn: float):
    spec = plan_experiment("arrows", ["majority"], image_size=96)
    spec = spec.model_copy(update={"strategies": (("vgg16_probe", {}), ("cnn", {}))})
    experiment = store.create_experiment(spec)
    for accuracy in (probe, cnn):
        run = store.claim_next("worker")
        store.finish_run(run.id, made_up.result(accuracy))
    return store.experiment(experiment)


@pytest.mark.usefixtures("advised")
def test_an_experiment_grades_the_advice_that_was_before_it(arrows_store):
    experiment = both(arrows_store, 0.72, 0.75)
    found = graded_forecasts(arrows_store)
    placement = placed(facts())
    (one,) = outcomes_of(arrows_store, found, {experiment.spec.dataset_id: placement})
    assert one.accuracies == {"vgg16_probe": 0.72, "cnn": 0.75}
    assert one.seconds == {"vgg16_probe": 10.0, "cnn": 10.0}
    assert one.regret == pytest.approx(0.03)
    assert one.regret_of(Rule.TUTORIAL) == pytest.approx(0.03)
    assert one.saved == pytest.approx((10 - 40) / 20)
    quote = quote_of(arrows_store, experiment)
    assert (quote.graded.forecast.strategy, quote.is_advised) == ("vgg16_probe", True)
    assert quote.regret == pytest.approx(0.03)
    # Another experiment that grades what was forecast there later is no other dataset.
    again = [replace(one, experiment_id="b") for one in found]
    assert outcomes_of(arrows_store, [*found, *again], {experiment.spec.dataset_id: placement}) == (
        one,
    )


def test_where_nothing_was_named_the_highest_forecast_is_quoted(arrows_store, made):
    experiment = finished(arrows_store, 0.75)
    assert quote_of(arrows_store, experiment) == Quote(
        Graded(made, "arrows", made.dataset_id, experiment.id, 0.75, 10.0), False, None
    )
    assert outcomes_of(arrows_store, graded_forecasts(arrows_store), {}) == ()


def test_of_an_experiment_that_nothing_was_forecast_of_nothing_is_quoted(arrows_store):
    assert quote_of(arrows_store, finished(arrows_store, 0.75)) is None
