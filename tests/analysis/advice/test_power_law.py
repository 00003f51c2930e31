"""The power law: known answers, how far it is shrunk, and what its intervals cover."""

import math
from statistics import NormalDist, fmean, variance

import numpy as np
import pytest
from scipy.stats import norm

from core.analysis.advice.experience import LEVELS, Case, conformal_width
from core.analysis.advice.power_law import (
    CORRELATION,
    FLAT,
    SMALLEST_DEVIATION,
    USUAL,
    Carried,
    CurvePoint,
    Prior,
    carried,
    curves_of,
    own_exponent,
    prior_of,
    seconds_at,
)

MANY = 10**9
SIZES, WHOLE, SCORED, TESTED = (100, 200, 400), 1600, 300, 500
TRUE = Prior(0.3, 0.1)


def curve(exponent: float, level: float = 0.4, images: int = MANY) -> list[CurvePoint]:
    """Points that lie exactly on ``level * (n / 100) ** -exponent``."""
    return [
        CurvePoint("cnn", size, 1 - level * (size / 100) ** -exponent, images) for size in SIZES
    ]


# Known answers ------------------------------------------------------------------------------------


def test_a_curve_without_luck_is_carried_on_exactly():
    found = carried(curve(0.5), Prior(0.1, 0.2), 1600)
    assert found.error == pytest.approx(0.4 * 16**-0.5, rel=1e-4)
    assert (found.exponent, found.own_exponent) == pytest.approx((0.5, 0.5), rel=1e-4)
    assert found.own_weight == pytest.approx(1, abs=1e-4)
    assert found.log_deviation < 1e-3


def test_the_exponent_is_drawn_to_the_prior_by_the_uncertainty_of_both():
    points, prior = curve(0.5, images=200), Prior(0.1, 0.15)
    own, own_variance = own_exponent(points)
    found = carried(points, prior, 1600)
    weight = prior.deviation**2 / (prior.deviation**2 + own_variance)
    assert 0.2 < weight < 0.9
    assert found.own_weight == pytest.approx(weight)
    assert found.exponent == pytest.approx(weight * own + (1 - weight) * prior.mean)


def test_of_one_size_the_exponent_is_that_of_the_prior():
    found = carried([CurvePoint("cnn", 100, 0.6, MANY)], Prior(0.3, 0.1), 400)
    assert (found.own_exponent, found.own_weight) == (None, 0.0)
    assert found.error == pytest.approx(0.4 * 4**-0.3)
    # The level is known, so that all uncertainty is that of the exponent over two doublings.
    assert found.log_deviation == pytest.approx(0.1 * math.log(4), rel=1e-3)


def test_two_points_weigh_as_two_correlated_measurements():
    """By hand: the variance of the exponent is that of a difference of two logarithms."""
    points = [CurvePoint("cnn", 100, 0.6, 100), CurvePoint("cnn", 200, 0.7, 100)]
    first, second = ((40.5 / 101), (30.5 / 101))
    deviations = [math.sqrt((1 - error) / (error * 100)) for error in (first, second)]
    of_difference = (
        deviations[0] ** 2 + deviations[1] ** 2 - 2 * CORRELATION * deviations[0] * deviations[1]
    )
    own, own_variance = own_exponent(points)
    assert own == pytest.approx(math.log(first / second) / math.log(2))
    assert own_variance == pytest.approx(of_difference / math.log(2) ** 2)


def test_a_curve_that_falls_is_carried_on_flat():
    falling = [CurvePoint("cnn", size, 0.8 - size / 1000, 200) for size in SIZES]
    found = carried(falling, Prior(0.05, 0.3), 1600)
    assert found.exponent == 0
    assert 0.4 <= 1 - found.error <= 0.7


def test_what_learns_nothing_stays_where_it_is():
    points = [CurvePoint("majority", size, 0.4, 100) for size in SIZES]
    assert 1 - carried(points, FLAT, 1600).error == pytest.approx(0.4, abs=0.002)


def test_never_further_than_four_times_and_never_back():
    assert carried(curve(0.3), USUAL, 1600) is not None
    assert carried(curve(0.3), USUAL, 1601) is None
    assert carried(curve(0.3), USUAL, 399) is None
    assert carried([], USUAL, 10) is None


def test_the_deviation_has_the_curve_and_the_luck_of_the_test_images():
    found = Carried(0.2, 0.1, 0.3, 0.3, 1.0)
    assert found.deviation(400) == pytest.approx(math.hypot(0.02, 0.02))
    assert Carried(0.0, 0.1, 0.3, 0.3, 1.0).deviation(100) > 0


def test_a_prior_is_the_mean_and_the_spread_beyond_the_uncertainty_of_each():
    exponents = (0.1, 0.2, 0.3, 0.4, 0.5)
    curves = [curve(exponent, images=5000) for exponent in exponents]
    own = [own_exponent(points) for points in curves]
    found = prior_of(curves)
    assert found.mean == pytest.approx(fmean(each for each, _ in own))
    between = variance(each for each, _ in own) - fmean(each for _, each in own)
    assert found.deviation == pytest.approx(math.sqrt(between))
    assert prior_of(curves[1:]) == USUAL
    assert prior_of([curve(0.3)] * 9).deviation == SMALLEST_DEVIATION


def test_times_have_a_fixed_part_and_one_that_grows():
    points = [CurvePoint("cnn", size, 0.5, 10, 3 + 0.01 * size) for size in SIZES]
    assert seconds_at(points, 1600) == pytest.approx(19)
    assert seconds_at(points[:1], 200) == pytest.approx(8)
    shrinking = [CurvePoint("cnn", 100, 0.5, 10, 4.0), CurvePoint("cnn", 200, 0.5, 10, 3.0)]
    assert 3 <= seconds_at(shrinking, 400) <= 4
    assert seconds_at(points, 1601) is None
    assert seconds_at([CurvePoint("majority", size, 0.5, 10, 0.0) for size in SIZES], 800) < 0.01
    assert seconds_at([CurvePoint("cnn", 100, 0.5, 10)], 100) is None


def test_curves_are_sorted_by_size():
    points = [*reversed(curve(0.3)), CurvePoint("mlp", 100, 0.5, 10)]
    assert curves_of(points) == {"cnn": curve(0.3), "mlp": points[-1:]}


# What intervals cover -----------------------------------------------------------------------------


def simulated(random: np.random.Generator, ill_behaved: float) -> tuple[list[CurvePoint], float]:
    """A curve as it is measured, and the accuracy that came out on all images.

    All sizes are scored on the same images, of which some are hard for each. A curve that is ill
    behaved stops half way, or its error grows again.
    """
    exponent, level = random.normal(TRUE.mean, TRUE.deviation), random.uniform(0.2, 0.6)
    hard = random.normal(size=SCORED)
    points = []
    for size in SIZES:
        error = level * (size / 100) ** -exponent
        latent = math.sqrt(0.7) * hard + math.sqrt(0.3) * random.normal(size=SCORED)
        wrong = (latent < norm.ppf(error)).mean()
        points.append(CurvePoint("cnn", size, 1 - float(wrong), SCORED))
    error = level * (WHOLE / 100) ** -exponent
    if random.random() < ill_behaved:
        error = level * 4**-exponent * random.uniform(1.0, 1.5)
    return points, 1 - random.binomial(TESTED, min(error, 0.95)) / TESTED


def cases(count: int, ill_behaved: float, seed: int) -> list[Case]:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        points, actual = simulated(random, ill_behaved)
        one = carried(points, TRUE, WHOLE)
        found.append(Case("x", "trained", "cnn", 1 - one.error, one.deviation(TESTED), actual))
    return found


def covered(some: list[Case], width: float) -> float:
    return fmean(abs(one.error) <= width * one.deviation for one in some)


def test_intervals_cover_what_they_promise_on_curves_that_behave():
    some = cases(1500, 0.0, 1)
    narrow, wide = (NormalDist().inv_cdf((1 + level) / 2) for level in LEVELS)
    assert 0.77 <= covered(some, narrow) <= 0.88
    assert 0.93 <= covered(some, wide) <= 0.985


def test_where_some_curves_misbehave_past_errors_widen_the_intervals():
    past, new = cases(400, 0.15, 2), cases(1500, 0.15, 3)
    usual = [NormalDist().inv_cdf((1 + level) / 2) for level in LEVELS]
    ratios = [abs(one.error) / one.deviation for one in past]
    widened = [conformal_width(level, ratios) for level in LEVELS]
    assert covered(new, usual[1]) < 0.92  # 15 % of curves spoil what 95 % promises
    assert widened[1] > 1.2 * usual[1]
    assert 0.76 <= covered(new, widened[0]) <= 0.88
    assert 0.925 <= covered(new, widened[1]) <= 0.98
