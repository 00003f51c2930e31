"""How strategies usually compare: known answers, and by simulation that it pays to know it."""

import math
from statistics import fmean, variance

import numpy as np
import pytest

from core.analysis.advice.power_law import CORRELATION, FEWEST_CURVES, SMALLEST_DEVIATION, Carried
from core.analysis.advice.usual_order import Result, UsualOrder, drawn_to, usual_order

ORDER = UsualOrder({"cnn": 0.2, "vgg16_probe": -0.2}, {"cnn": 0.1, "vgg16_probe": 0.1})


def curve(error: float, log_deviation: float) -> Carried:
    return Carried(error, log_deviation, 0.3, 0.3, 1.0)


# Known answers ------------------------------------------------------------------------------------


def test_the_order_is_how_far_each_lies_from_the_others_of_its_dataset():
    """Errors of 10 and 40 % lie ln 2 to either side of their mean."""
    some = [{"cnn": Result(0.6, 10**6), "mlp": Result(0.9, 10**6)}] * FEWEST_CURVES
    found = usual_order(some)
    assert found.means["cnn"] == pytest.approx(math.log(2), rel=1e-4)
    assert found.means["mlp"] == pytest.approx(-math.log(2), rel=1e-4)
    assert set(found.deviations.values()) == {SMALLEST_DEVIATION}
    assert usual_order(some[1:]) == UsualOrder({}, {})
    assert usual_order([]) == usual_order([{}]) == UsualOrder({}, {})


def test_the_spread_is_that_beyond_the_luck_of_test_images():
    accuracies = (0.5, 0.6, 0.7, 0.8, 0.9)
    some = [{"cnn": Result(each, 500), "mlp": Result(0.7, 500)} for each in accuracies]
    own = [(one["cnn"].log_error - one["mlp"].log_error) / 2 for one in some]
    between = variance(own) - fmean(one["cnn"].log_variance for one in some)
    assert usual_order(some).deviations["cnn"] == pytest.approx(math.sqrt(between))


def test_a_result_has_the_variance_of_the_logarithm_of_a_fraction():
    assert Result(0.8, 10**6).log_error == pytest.approx(math.log(0.2), rel=1e-5)
    assert Result(0.8, 10**6).log_variance == pytest.approx(0.8 / 0.2 / 10**6, rel=1e-4)
    assert math.isfinite(Result(1.0, 50).log_error)


def test_two_curves_are_drawn_together_by_their_uncertainty():
    """By hand: of the difference of two logarithms the prior has mean -0.4 and variance 0.02, the
    measurement twice ``(1 - CORRELATION)`` times its variance; the mean of the two stays."""
    found = drawn_to(ORDER, {"cnn": curve(0.3, 0.2), "vgg16_probe": curve(0.3, 0.2)})
    measured = 2 * (1 - CORRELATION) * 0.2**2
    expected = -0.4 * measured / (measured + 0.02)
    logs = {name: math.log(one.error) for name, one in found.items()}
    assert logs["vgg16_probe"] - logs["cnn"] == pytest.approx(expected)
    assert fmean(logs.values()) == pytest.approx(math.log(0.3))
    assert found["cnn"].log_deviation < 0.2


def test_a_curve_that_is_known_stays_and_one_that_is_not_follows_the_order():
    found = drawn_to(ORDER, {"cnn": curve(0.3, 1e-4), "vgg16_probe": curve(0.3, 50.0)})
    assert found["cnn"].error == pytest.approx(0.3, rel=1e-3)
    assert math.log(found["vgg16_probe"].error / 0.3) == pytest.approx(-0.4, abs=0.01)
    # That of one strategy, given the other: the spread of the difference.
    assert found["vgg16_probe"].log_deviation == pytest.approx(math.sqrt(0.02), rel=0.01)


def test_what_was_seldom_seen_and_what_stands_alone_is_left_as_it_is():
    some = {"mlp": curve(0.5, 0.2), "cnn": curve(0.3, 0.2)}
    assert drawn_to(ORDER, some) == some
    with_more = some | {"vgg16_probe": curve(0.3, 0.2)}
    assert drawn_to(ORDER, with_more)["mlp"] == some["mlp"]
    assert drawn_to(UsualOrder({}, {}), some) == some


# Whether it pays ----------------------------------------------------------------------------------


def test_the_strategy_that_is_named_so_loses_less_than_the_luckiest_and_than_any_constant_rule():
    """Six strategies on 400 datasets, each scored on 150 images, after 12 known datasets."""
    random = np.random.default_rng(5)
    names = [f"s{place}" for place in range(6)]
    usual = np.array([0.4, 0.3, 0.2, 0.1, 0.0, -0.1])

    def true_errors() -> np.ndarray:
        level = random.uniform(math.log(0.1), math.log(0.35))
        return np.exp(level + usual + random.normal(0, 0.15, 6))

    past = [
        {
            name: Result(1 - random.binomial(500, error) / 500, 500)
            for name, error in zip(names, true_errors(), strict=True)
        }
        for _ in range(12)
    ]
    order = usual_order(past)
    regret: dict[str, list[float]] = {"together": [], "luckiest": [], **{n: [] for n in names}}
    for _ in range(400):
        errors = true_errors()
        seen = (random.binomial(150, errors) + 0.5) / 151
        deviations = np.sqrt((1 - seen) / (seen * 150))
        curves = {
            name: curve(float(each), float(deviation))
            for name, each, deviation in zip(names, seen, deviations, strict=True)
        }
        drawn = drawn_to(order, curves)
        for rule, chosen in (
            ("together", min(names, key=lambda name: drawn[name].error)),
            ("luckiest", min(names, key=lambda name: curves[name].error)),
        ):
            regret[rule].append(float(errors[names.index(chosen)] - errors.min()))
        for place, name in enumerate(names):
            regret[name].append(float(errors[place] - errors.min()))
    means = {rule: fmean(found) for rule, found in regret.items()}
    assert means["together"] < 0.9 * means["luckiest"]
    assert means["together"] < 0.9 * min(means[name] for name in names)
