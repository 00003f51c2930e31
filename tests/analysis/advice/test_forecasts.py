"""Forecasts: what they go out from, their width, the verdicts, and that they never change."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from core.analysis.advice.experience import ENOUGH_CASES, Case, Experience, OwnRecord, PastCurve
from core.analysis.advice.forecasts import (
    Target,
    forecasts_of,
    leader_of,
    newest_forecasts,
    points_of_facts,
    points_of_race,
    verdicts_of,
)
from core.analysis.advice.power_law import USUAL, CurvePoint, carried
from core.experiments.accuracy_forecasts import forecasts, keep_forecasts, read_forecasts
from core.experiments.race_points import packed
from core.experiments.store import Store
from tests.analysis.advice.made_forecasts import forecast, trained
from tests.made_facts import backbone, facts
from tests.made_race import point

TARGET = Target("e" * 64, "f" * 64, 96, train_images=113, test_images=50)
NOTHING = Experience()


def case(error: float, deviation: float = 0.05, **changes: object) -> Case:
    values = {
        "origin": "other",
        "kind": "facts",
        "strategy": "vgg16_probe",
        "predicted": 0.7,
        "deviation": deviation,
        "actual": 0.7 + error,
    }
    return Case(**(values | changes))


def points(strategy: str, *accuracies: float, seconds: float | None = 2.0) -> list[CurvePoint]:
    """On 30, 60, 90 of 113 images, each scored on 200."""
    return [
        CurvePoint(strategy, 30 * place, accuracy, 200, seconds and seconds * place)
        for place, accuracy in enumerate(accuracies, start=1)
    ]


# Making one ---------------------------------------------------------------------------------------


def test_the_facts_are_the_curves_of_the_probes():
    found = points_of_facts(facts())
    assert [(one.strategy, one.train_images) for one in found[:3]] == [
        ("efficientnet_lite0_probe", 30),
        ("efficientnet_lite0_probe", 45),
        ("efficientnet_lite0_probe", 90),
    ]
    assert found[0].accuracy == pytest.approx(0.57)
    assert {one.scored_images for one in found} == {105}
    assert {one.seconds for one in found} == {None}


def test_a_forecast_carries_the_curve_on_to_all_training_images():
    some = points_of_facts(facts())
    best, other = forecasts_of(some, TARGET, "facts", NOTHING)
    assert (best.strategy, other.strategy) == ("efficientnet_lite0_probe", "vgg16_probe")
    assert best.id == f"{best.batch}-efficientnet_lite0_probe"
    assert (best.dataset_id, best.split_fingerprint) == ("e" * 64, "f" * 64)
    assert (best.largest, best.train_images, best.kind, best.verdict) == (90, 113, "facts", None)
    expected = carried(some[:3], USUAL, 113)
    assert best.predicted == 1 - expected.error > 0.72
    assert best.deviation == expected.deviation(50)
    assert (best.exponent, best.prior_exponent) == (expected.exponent, USUAL.mean)
    width = NormalDist().inv_cdf(0.9) * best.deviation
    assert best.low_80 == pytest.approx(best.predicted - width)
    assert best.high_80 == pytest.approx(best.predicted + width)
    assert best.high_95 - best.low_95 == pytest.approx(2 * 1.959964 * best.deviation)
    assert (best.cases, best.seconds, best.caution) == (0, None, "")


def test_the_same_points_have_the_same_id_and_others_another():
    some = points("cnn", 0.5, 0.6)
    first, again = (forecasts_of(some, TARGET, "trained", NOTHING)[0].id for _ in range(2))
    assert first == again
    assert forecasts_of(some[:1], TARGET, "trained", NOTHING)[0].id != first
    assert forecasts_of(some, TARGET, "facts", NOTHING)[0].id != first


def test_an_interval_stays_inside_what_an_accuracy_can_be():
    certain = backbone("vgg16", "VGG16", 0.97, None)
    certain = replace(certain, probe=replace(certain.probe, accuracy=1.0))
    some = points_of_facts(facts(backbones=(certain,)))
    (found,) = forecasts_of(some, TARGET, "facts", NOTHING)
    assert 0.8 < found.low_95 < found.low_80 < found.high_80 < found.high_95 == 1


def test_nothing_is_forecast_further_than_four_times_the_images():
    some = points_of_facts(facts())
    assert len(forecasts_of(some, replace(TARGET, train_images=360), "facts", NOTHING)) == 2
    assert forecasts_of(some, replace(TARGET, train_images=361), "facts", NOTHING) == []


def test_with_enough_cases_intervals_are_as_wide_as_past_errors_ask_for():
    """Split conformal: of 20 errors of 1, 2, ... 20 times 0.01, by hand the 17th and the 20th."""
    some = points_of_facts(facts())
    past = tuple(case(0.01 * place) for place in range(1, ENOUGH_CASES + 1))
    (usual, _), (wide, _) = (
        forecasts_of(some, TARGET, "facts", Experience(known)) for known in (past[1:], past)
    )
    assert (usual.cases, wide.cases) == (0, 20)
    assert usual.high_80 - usual.predicted == pytest.approx(1.28155 * usual.deviation, rel=1e-4)
    assert wide.predicted - wide.low_80 == pytest.approx(17 / 5 * wide.deviation)
    assert wide.high_95 == 1.0
    narrow = Experience(tuple(case(0.0) for _ in range(ENOUGH_CASES)))
    (same, _) = forecasts_of(some, TARGET, "facts", narrow)
    assert same.high_80 == usual.high_80  # never narrower than chance alone allows


def test_own_misses_of_both_kinds_together_widen_each():
    """Twelve of one kind and twelve of the other are enough to know how far off they were."""
    own = tuple(case(0.3, kind=kind) for kind in ("facts", "trained") for _ in range(12))
    record = OwnRecord(own, 24, (0.0, 0.0))
    assert record.caution == "widened"
    widths = Experience(own, own=record).widths("trained")
    assert widths[0] == pytest.approx(0.3 / own[0].deviation)


def test_errors_of_another_kind_of_forecast_do_not_count():
    past = Experience(tuple(case(0.3, kind="trained") for _ in range(30)))
    (found, _) = forecasts_of(points_of_facts(facts()), TARGET, "facts", past)
    assert found.cases == 0
    assert found.high_80 - found.predicted == pytest.approx(1.28155 * found.deviation, rel=1e-4)


def test_the_exponent_is_drawn_to_those_of_past_curves_of_the_strategy():
    steep = tuple(
        PastCurve("other", "cnn", tuple(CurvePoint("cnn", 50 * 2**n, 1 - 0.5 / 2**n, 10**6)
                                        for n in range(3)))
        for _ in range(5)
    )  # fmt: skip
    (found,) = forecasts_of(points("cnn", 0.5, 0.55), TARGET, "trained", Experience((), steep))
    assert found.prior_exponent == pytest.approx(1.0, abs=0.01)
    assert found.own_exponent < found.exponent < 1.0
    (usual,) = forecasts_of(points("mlp", 0.5, 0.55), TARGET, "trained", NOTHING)
    assert usual.prior_exponent == USUAL.mean
    assert Experience((), steep).without("other").prior("cnn") == USUAL


def test_times_are_forecast_with_what_a_further_training_would_cost():
    some = points("cnn", 0.5, 0.6)
    (found,) = forecasts_of(some, TARGET, "trained", NOTHING)
    assert found.seconds == pytest.approx(2 * 113 / 30)
    low, high = found.seconds_80
    assert low * high == pytest.approx(found.seconds**2)
    assert high / found.seconds == pytest.approx(math.exp(1.28155 * 0.2), rel=1e-4)
    assert found.spent_seconds == pytest.approx(6.0)
    assert (found.next_images, found.next_seconds) == (113, pytest.approx(2 * 113 / 30))
    past = tuple(case(0.0, time_error=0.5) for _ in range(ENOUGH_CASES))
    (wide,) = forecasts_of(some, TARGET, "trained", Experience(past))
    assert wide.seconds_80[1] / wide.seconds == pytest.approx(math.exp(0.5))
    (unknown,) = forecasts_of(points("cnn", 0.5, seconds=None), TARGET, "trained", NOTHING)
    assert (unknown.seconds, unknown.next_seconds) == (None, None)


def test_the_points_of_a_race_are_those_of_a_curve():
    scored = {"validation_images": 20, "distinct_images": 18}
    some = [
        point(train_images=30, seconds=2.0, correct=packed(np.arange(20) < 10), **scored),
        point(train_images=60, seconds=3.0, correct=packed(np.arange(20) < 15), **scored),
    ]
    assert points_of_race(some) == [
        CurvePoint("cnn", 30, 0.5, 18, 2.0),
        CurvePoint("cnn", 60, 0.75, 18, 3.0),
    ]
    # Other work spoilt its time: no forecast goes out from that.
    spoilt = points_of_race([some[0], replace(some[1], is_disturbed=True)])
    assert [one.seconds for one in spoilt] == [2.0, None]
    (found,) = forecasts_of(spoilt, replace(TARGET, train_images=113), "trained", NOTHING)
    assert found.spent_seconds is None


# Verdicts -----------------------------------------------------------------------------------------


def test_there_are_three_verdicts():
    made = [
        trained("vgg16_probe", 0.80),
        trained("squeezenet_probe", 0.795),  # within a point of the leader
        trained("cnn", 0.74),
        trained("mlp", 0.60),
        trained("majority", 0.20, 0.01),
    ]
    assert verdicts_of(made) == {
        "vgg16_probe": "worth",
        "squeezenet_probe": "worth",
        "cnn": "cannot_tell",
        "mlp": "cannot_win",
        "majority": "cannot_win",
    }
    # By hand: 95 % ends lie 8 points away on both sides, together 11.3 points.
    assert verdicts_of([made[0], trained("cnn", 0.80 - 0.1131)])["cnn"] == "cannot_tell"
    assert verdicts_of([made[0], trained("cnn", 0.80 - 0.1132)])["cnn"] == "cannot_win"


def test_nothing_can_be_told_without_enough_cases_or_where_forecasts_are_silent():
    for changes in ({"cases": 0}, {"caution": "silent"}):
        made = [trained("vgg16_probe", 0.9, **changes), trained("cnn", 0.3, **changes)]
        assert set(verdicts_of(made).values()) == {"cannot_tell"}
    assert verdicts_of([]) == {}


def test_a_leader_that_may_be_no_better_than_the_majority_class_is_not_worth_it_yet():
    made = [trained("cnn", 0.42), trained("majority", 0.40, 0.01)]
    assert verdicts_of(made)["cnn"] == "cannot_tell"


def test_of_equals_the_quicker_one_leads():
    slow, quick = trained("vgg16_probe", 0.8), trained("cnn", 0.8, seconds=3.0)
    assert leader_of([slow, quick]) == quick
    assert leader_of([]) is None


def test_forecasts_from_trainings_have_verdicts_and_the_caution_of_the_record():
    own = OwnRecord(tuple(case(0.3) for _ in range(6)), 3, (0.0, 0.5))
    some = [*points("cnn", 0.5, 0.6), *points("mlp", 0.2, 0.2)]
    found = forecasts_of(some, TARGET, "trained", Experience(own=own))
    assert {one.caution for one in found} == {"silent"}
    assert {one.verdict for one in found} == {"cannot_tell"}
    assert len({one.batch for one in found}) == 1
    past = tuple(case(0.05, kind="trained") for _ in range(ENOUGH_CASES))
    cnn, mlp = forecasts_of(some, TARGET, "trained", Experience(past))
    assert (cnn.strategy, cnn.verdict, mlp.verdict) == ("cnn", "worth", "cannot_win")


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
    # One from trainings has a verdict among others, and is not hidden by newer facts.
    keep_forecasts(store.database, [forecast(id="t", kind="trained", made_at="2026-11-01")])
    assert [one.id for one in newest_forecasts(store, "e" * 64, 96)] == ["c", "t"]
