import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from core.analysis import significance
from core.analysis.significance import (
    drawn_counts,
    holm,
    paired_test,
    percentile_interval,
    resampled_accuracies,
    sign_flip_p_value,
    smallest_visible_difference,
    tie_groups,
    wilson_interval,
)


def bootstrap_interval(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """The interval of a difference as verdicts compute it, without their table of pairs."""
    before, after = resampled_accuracies([first, second])
    return percentile_interval(after - before)


def mcnemar_exact(fixed: int, regressed: int) -> float:
    """Two-sided p of McNemar's exact test from the two counts of images that differ.

    Under the null hypothesis each of them is a fair coin (McNemar 1947; the binomial form is in
    Fagerland, Lydersen and Laake 2013). 1 where no image differs.
    """
    differing = fixed + regressed
    return binomtest(min(fixed, regressed), differing, 0.5).pvalue if differing else 1.0


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_in_newcombe_1998(correct, images, low, high):
    assert wilson_interval(correct, images) == (
        pytest.approx(low, abs=5e-5),
        pytest.approx(high, abs=5e-5),
    )


@pytest.mark.parametrize(
    ("fixed", "regressed", "p_value"),
    [(121, 59, 4.434e-06), (25, 15, 0.1539), (0, 0, 1.0), (3, 3, 1.0), (5, 0, 1 / 16)],
)
def test_the_oracle_is_as_published(fixed, regressed, p_value):
    assert mcnemar_exact(fixed, regressed) == pytest.approx(p_value, rel=3e-4)
    assert mcnemar_exact(regressed, fixed) == pytest.approx(p_value, rel=3e-4)


def _one_seed_each(fixed: int, regressed: int, alike: int = 7) -> tuple[np.ndarray, np.ndarray]:
    first = np.array([[False] * fixed + [True] * regressed + [True] * alike])
    second = np.array([[True] * fixed + [False] * regressed + [True] * alike])
    return first, second


@pytest.mark.parametrize(("fixed", "regressed"), [(121, 59), (25, 15), (0, 0), (4, 4), (1, 9)])
def test_with_one_seed_the_sign_flip_test_is_mcnemars(fixed, regressed):
    first, second = _one_seed_each(fixed, regressed)
    expected = mcnemar_exact(fixed, regressed)
    assert sign_flip_p_value(first, second) == pytest.approx(expected, rel=1e-9)


def test_two_seeds_as_worked_out_by_hand():
    # Seeds right of each image: 2 1 0 2 1 0 2 1 against 2 2 2 0 0 0 0 0, in halves. Three images
    # differ by one half and three by a whole; their sum is 3 halves. Of the 64 ways to flip them
    # 20 reach 3 or more and 20 reach -3 or less.
    first = np.array([[1, 1, 1, 0, 0, 0, 0, 0]], bool)
    second = np.array([[1, 1, 0, 1, 1, 0, 1, 0], [1, 0, 0, 1, 0, 0, 1, 1]], bool)
    test = paired_test(first, second)
    assert test.p_value == pytest.approx(40 / 64, rel=1e-12)
    assert test.difference == 9 / 16 - 3 / 8
    assert test.fixed == 1 + 0.5 + 1 + 0.5
    assert test.regressed == 0.5 + 1
    assert test.disagreement == (3 * 0.25 + 3 * 1) / 8


def _brute_force(first: np.ndarray, second: np.ndarray) -> float:
    """All 2^n ways to swap the two strategies on each image."""
    fractions = second.sum(axis=0) * len(first) - first.sum(axis=0) * len(second)
    observed = abs(int(fractions.sum()))
    sums = [
        abs(int(np.dot(signs, fractions)))
        for signs in itertools.product((1, -1), repeat=len(fractions))
    ]
    return sum(value >= observed for value in sums) / len(sums)


@st.composite
def _two_strategies(draw):
    images = draw(st.integers(1, 9))
    seeds = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    row = st.lists(st.booleans(), min_size=images, max_size=images)
    first, second = (np.array(draw(st.lists(row, min_size=n, max_size=n))) for n in seeds)
    return first, second


@settings(max_examples=150, deadline=None)
@given(_two_strategies())
def test_the_sign_flip_test_counts_every_flip(two):
    first, second = two
    expected = _brute_force(first, second)
    assert sign_flip_p_value(first, second) == pytest.approx(expected, rel=1e-9)
    assert sign_flip_p_value(second, first) == pytest.approx(expected, rel=1e-9)


def test_where_p_is_too_small_for_the_convolution_a_bound_that_is_no_smaller_stands_for_it():
    first, second = _one_seed_each(150, 10)
    assert mcnemar_exact(150, 10) < sign_flip_p_value(first, second) < 1e-12


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.3], [0.3]),
        ([], []),
        ([0.6, 0.9], [1.0, 1.0]),
    ],
)
def test_holm_as_published(p_values, adjusted):
    assert holm(p_values) == pytest.approx(adjusted, rel=1e-12)


def test_the_interval_belongs_to_the_difference_and_turns_with_it():
    random = np.random.default_rng(3)
    first, second = random.random((2, 300)) < 0.6, random.random((3, 300)) < 0.7
    difference = paired_test(first, second).difference
    low, high = bootstrap_interval(first, second)
    assert low < difference < high
    assert paired_test(second, first).difference == -difference
    assert bootstrap_interval(second, first) == pytest.approx((-high, -low), abs=0.012)


def test_with_one_seed_the_interval_is_that_of_the_paired_differences():
    first, second = _one_seed_each(40, 20, 140)
    # Per image +1, -1 or 0: mean 0.1, variance 60/200 - 0.01.
    reach = 1.96 * np.sqrt((60 / 200 - 0.01) / 200)
    low, high = bootstrap_interval(first, second)
    assert (low, high) == pytest.approx((0.1 - reach, 0.1 + reach), abs=0.01)


def test_seeds_that_lie_apart_widen_the_interval():
    random = np.random.default_rng(4)
    steady = random.random((4, 400)) < 0.6
    scattered = random.random((4, 400)) < np.array([[0.4], [0.5], [0.7], [0.8]])
    base = random.random((1, 400)) < 0.5
    narrow = bootstrap_interval(base, steady)
    wide = bootstrap_interval(base, scattered)
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_the_interval_covers_the_true_difference_about_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(significance, "RESAMPLES", 300)
    random = np.random.default_rng(11)
    covered = 0
    for _ in range(150):
        hardness = random.random(150)
        first = random.random((3, 150)) < 0.3 + 0.4 * hardness
        second = random.random((3, 150)) < 0.4 + 0.4 * hardness
        low, high = bootstrap_interval(first, second)
        covered += low <= 0.1 <= high
    assert 0.90 <= covered / 150 <= 1.0


@pytest.mark.parametrize("images", [1, 7, 3000])
def test_every_sample_draws_as_many_images_as_there_are(images):
    blocks = list(drawn_counts(images, 1001, np.random.default_rng(0)))
    counts = np.concatenate(blocks)
    assert counts.shape == (1001, images)
    assert (counts.sum(axis=1) == images).all()
    assert counts.mean() == 1.0


def test_the_percentile_interval_is_the_middle_95_percent():
    assert percentile_interval(np.arange(1001.0)) == pytest.approx((25.0, 975.0))


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.ones((1, 3), bool), np.ones((1, 4), bool), "not over the same images"),
        (np.ones(3, bool), np.ones(3, bool), "not over the same images"),
        (np.ones((1, 0), bool), np.ones((1, 0), bool), "no images"),
    ],
)
def test_only_answers_to_the_same_images_can_be_compared(first, second, message):
    with pytest.raises(ValueError, match=message):
        paired_test(first, second)


def test_tie_groups_are_neighbours_that_nothing_tells_apart():
    apart = {frozenset(pair) for pair in (("a", "c"), ("a", "d"), ("b", "d"))}
    assert tie_groups(["a", "b", "c", "d"], apart) == [("a", "b"), ("b", "c"), ("c", "d")]
    assert tie_groups(["a", "b", "c"], set()) == [("a", "b", "c")]
    assert tie_groups(["a"], set()) == []


def test_the_smallest_visible_difference_is_seen_four_times_in_five():
    images, disagreement = 60, 0.4
    found = smallest_visible_difference(images, disagreement)
    favoured = (1 + found / disagreement) / 2
    # Every number of images that differ, and every way they may fall, one by one.
    seen = sum(
        binom.pmf(differing, images, disagreement) * binom.pmf(right, differing, favoured)
        for differing in range(images + 1)
        for right in range(differing + 1)
        if mcnemar_exact(right, differing - right) <= 0.05
    )
    assert seen == pytest.approx(0.8, abs=1e-6)
    # Near Connor's approximation (1987), which is 0.0698 here.
    assert smallest_visible_difference(400, 0.25) == pytest.approx(0.0718, abs=1e-4)


@pytest.mark.parametrize(("images", "disagreement"), [(3, 1.0), (5, 1.0), (20, 0.3), (100, 0.0)])
def test_too_few_images_show_no_difference_at_all(images, disagreement):
    assert smallest_visible_difference(images, disagreement) is None


def test_six_images_that_all_differ_show_it():
    assert 0.9 < smallest_visible_difference(6, 1.0) < 1


@pytest.mark.parametrize(("images", "disagreement"), [(0, 0.2), (10, -0.1), (10, 1.1)])
def test_a_power_that_makes_no_sense_is_an_error(images, disagreement):
    with pytest.raises(ValueError, match="make no sense"):
        smallest_visible_difference(images, disagreement)


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"),
    [(100, 100, 0.9630, 1.0), (0, 100, 0.0, 0.0370), (75, 100, 0.6570, 0.8245)],
)
def test_wilson_interval_as_published(correct, images, low, high):
    interval = wilson_interval(correct, images)
    assert interval == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_interval_of_no_images_is_an_error():
    with pytest.raises(ValueError, match="n must be"):
        wilson_interval(0, 0)
