"""The difference of two strategies in slices: against numbers that are computed in other ways."""

import numpy as np
import pytest
from scipy.stats import binomtest
from scipy.stats import t as student

from core.analysis.image_properties import ImageProperty
from core.analysis.significance import holm
from core.analysis.slice_gains import contrast_p_value, drawn_gains, slice_gains
from core.analysis.slices import slices_of
from core.analysis.verdicts import Outcome
from tests.made_evidence import evidence_of

Z = 1.959964


def rows(fixed: int, regressed: int, alike: int) -> tuple[list[bool], list[bool]]:
    """What the first and the second get right of so many images."""
    first = [False] * fixed + [True] * regressed + [True] * alike
    second = [True] * fixed + [False] * regressed + [True] * alike
    return first, second


def in_two_slices(*parts: tuple[int, int, int], seeds: int = 1):
    """Evidence of cnn and probe whose slices are the given parts, and the slices."""
    made = [rows(*part) for part in parts]
    first = [value for before, _ in made for value in before]
    second = [value for _, after in made for value in after]
    evidence = evidence_of({"cnn": [first] * seeds, "vgg16_probe": [second] * seeds})
    values = np.repeat(np.arange(len(parts)), [sum(part) for part in parts])
    return evidence, slices_of({ImageProperty.CLASS: values}).slices


def bonett_price(fixed: int, regressed: int, images: int) -> tuple[float, float]:
    """Their adjusted Wald interval (2012), by its formula."""
    more, less = (fixed + 1) / (images + 2), (regressed + 1) / (images + 2)
    middle = more - less
    error = Z * np.sqrt((more + less - middle**2) / (images + 2))
    return max(-1.0, middle - error), min(1.0, middle + error)


def test_each_slice_has_mcnemars_exact_test_and_holm_is_over_all_tests():
    parts = [(12, 2, 26), (3, 4, 23), (0, 0, 30)]
    evidence, slices = in_two_slices(*parts)
    found = slice_gains(evidence, slices, "cnn", "vgg16_probe")
    exact = [binomtest(2, 14).pvalue, binomtest(3, 7).pvalue, 1.0]
    assert [one.gain.p_value for one in found.entries] == pytest.approx(exact)
    assert [one.gain.value for one in found.entries] == pytest.approx([10 / 40, -1 / 30, 0.0])
    assert [(one.fixed, one.regressed) for one in found.entries] == [(12, 2), (3, 4), (0, 0)]
    assert [one.images for one in found.entries] == [40, 30, 30]
    assert found.tests == 6
    every = [one.gain.p_value for one in found.entries] + [
        one.beyond.p_value for one in found.entries
    ]
    adjusted = [one.gain.adjusted_p_value for one in found.entries] + [
        one.beyond.adjusted_p_value for one in found.entries
    ]
    assert adjusted == holm(every)
    # What is ordinary multiplication for the smallest of them.
    assert min(adjusted) == pytest.approx(min(1.0, 6 * min(every)))


def test_the_rest_is_all_other_images():
    evidence, slices = in_two_slices((12, 2, 26), (3, 4, 23), (0, 0, 30))
    first, second, third = slice_gains(evidence, slices, "cnn", "vgg16_probe").entries
    assert first.elsewhere == pytest.approx(-1 / 60)
    assert first.beyond.value == pytest.approx(10 / 40 + 1 / 60)
    assert second.elsewhere == pytest.approx(10 / 70)
    assert third.elsewhere == pytest.approx(9 / 70)
    assert third.beyond.value == pytest.approx(-9 / 70)


@pytest.mark.parametrize(
    ("fixed", "regressed", "alike"), [(0, 0, 10), (0, 0, 100), (6, 0, 6), (20, 5, 75), (2, 2, 200)]
)
def test_the_interval_is_that_of_bonett_and_price(fixed, regressed, alike):
    images = fixed + regressed + alike
    first, second = rows(fixed, regressed, alike)
    inside = np.ones((1, images + 50), bool)
    inside[:, images:] = False
    own, _ = drawn_gains(np.array([first + [True] * 50]), np.array([second + [True] * 50]), inside)
    low, high = np.percentile(own[:, 0], [2.5, 97.5])
    expected = bonett_price(fixed, regressed, images)
    # Drawn, of 2,000 samples, and not of the normal curve: by a tenth of its width.
    width = expected[1] - expected[0]
    assert (low, high) == pytest.approx(expected, abs=0.12 * width)
    assert low < (fixed - regressed) / images < high


def test_a_slice_without_disagreements_is_not_certain():
    evidence, slices = in_two_slices((0, 0, 10), (30, 0, 10))
    quiet, clear = slice_gains(evidence, slices, "cnn", "vgg16_probe").entries
    assert (quiet.gain.value, quiet.gain.p_value, quiet.gain.outcome) == (0.0, 1.0, Outcome.TIED)
    assert quiet.gain.low < -0.15
    assert quiet.gain.high > 0.15
    assert clear.gain.outcome is Outcome.AHEAD
    assert clear.gain.p_value == pytest.approx(2**-29)


def test_where_no_image_differs_anywhere_nothing_differs():
    evidence, slices = in_two_slices((0, 0, 15), (0, 0, 15))
    found = slice_gains(evidence, slices, "cnn", "vgg16_probe")
    assert {one.gain.outcome for one in found.entries} == {Outcome.TIED}
    assert {one.beyond.p_value for one in found.entries} == {1.0}
    assert found.elsewhere_differs == ()


def test_a_slice_that_differs_from_the_rest_is_found_on_either_side():
    evidence, slices = in_two_slices((30, 2, 28), (2, 2, 96))
    found = slice_gains(evidence, slices, "cnn", "vgg16_probe")
    much, little = found.entries
    assert (much.beyond.outcome, little.beyond.outcome) == (Outcome.AHEAD, Outcome.BEHIND)
    assert much.beyond.p_value == pytest.approx(little.beyond.p_value)
    assert much.beyond.p_value < 1e-6
    assert found.elsewhere_differs == (much, little)
    assert found.with_outcome(Outcome.AHEAD) == (much,)
    assert found.with_outcome(Outcome.TIED) == (little,)


def test_the_same_gain_everywhere_is_no_difference_between_slices():
    evidence, slices = in_two_slices((20, 0, 40), (20, 0, 40))
    found = slice_gains(evidence, slices, "cnn", "vgg16_probe")
    assert [one.beyond.value for one in found.entries] == pytest.approx([0.0, 0.0])
    assert [one.beyond.p_value for one in found.entries] == pytest.approx([1.0, 1.0])
    assert {one.gain.outcome for one in found.entries} == {Outcome.AHEAD}


def test_too_few_other_images_are_not_compared_with():
    evidence, slices = in_two_slices((5, 0, 25), (2, 0, 5))
    (only,) = slice_gains(evidence, slices, "cnn", "vgg16_probe").entries
    assert (only.elsewhere, only.beyond) == (None, None)
    assert slice_gains(evidence, slices, "cnn", "vgg16_probe").tests == 1


def test_without_slices_there_is_no_test():
    evidence, _ = in_two_slices((5, 0, 5))
    found = slice_gains(evidence, (), "cnn", "vgg16_probe")
    assert (found.entries, found.tests, found.first_seeds) == ((), 0, 1)


def test_turned_around_everything_has_the_other_sign():
    evidence, slices = in_two_slices((12, 2, 26), (3, 4, 53))
    there = slice_gains(evidence, slices, "cnn", "vgg16_probe").entries
    back = slice_gains(evidence, slices, "vgg16_probe", "cnn").entries
    for one, other in zip(there, back, strict=True):
        assert other.gain.value == pytest.approx(-one.gain.value)
        assert other.gain.p_value == one.gain.p_value
        assert other.beyond.p_value == pytest.approx(one.beyond.p_value)
        assert (other.gain.low, other.gain.high) == pytest.approx(
            (-one.gain.high, -one.gain.low), abs=0.03
        )


# Several seeds ------------------------------------------------------------------------------------


def test_more_of_the_same_seeds_change_neither_value_nor_test():
    parts = [(12, 2, 26), (3, 4, 23)]
    once = slice_gains(*in_two_slices(*parts), "cnn", "vgg16_probe").entries
    thrice = slice_gains(*in_two_slices(*parts, seeds=3), "cnn", "vgg16_probe").entries
    for one, other in zip(once, thrice, strict=True):
        assert other.gain.value == pytest.approx(one.gain.value)
        assert other.gain.p_value == pytest.approx(one.gain.p_value)
        assert other.beyond.p_value == pytest.approx(one.beyond.p_value)
        assert one.gain.seeds_agree is None


def test_seeds_that_disagree_are_not_said_to_differ():
    """The test over images finds a difference; another training might turn it."""
    images = 120
    good, bad = [True] * images, [False] * images
    evidence = evidence_of({"cnn": [good, bad, bad], "vgg16_probe": [good, good, bad]})
    slices = slices_of({ImageProperty.CLASS: np.repeat([0, 1], 60)}).slices
    found = slice_gains(evidence, slices, "cnn", "vgg16_probe")
    for one in found.entries:
        assert one.gain.value == pytest.approx(1 / 3)
        assert one.gain.told_apart
        assert one.gain.low < 0 < one.gain.high
        assert one.gain.seeds_agree is False
        assert one.gain.outcome is Outcome.TIED


def test_seeds_are_drawn_the_same_for_a_slice_and_the_rest():
    """A seed that is good everywhere moves both, so the difference between them hardly varies."""
    good, bad = np.ones(400, bool), np.zeros(400, bool)
    first = np.array([bad, bad])
    second = np.array([good, bad])
    inside = np.zeros((1, 400), bool)
    inside[:, :200] = True
    own, others = drawn_gains(first, second, inside)
    assert own[:, 0].std() > 0.3
    assert (own - others)[:, 0].std() < 0.05


# The test against the rest ------------------------------------------------------------------------


def test_it_is_welchs_with_two_more_images_in_each_part():
    """By its formula, from counts: 30 images of which 9 are fixed and 2 regressed, 80 of which 8
    and 4 are."""
    differences = np.repeat([1.0, -1.0, 0.0, 1.0, -1.0, 0.0], [9, 2, 19, 8, 4, 68])
    inside = np.arange(110) < 30
    parts = []
    for more, less, images in ((10, 3, 32), (9, 5, 82)):
        mean = (more - less) / images
        variance = ((more + less) - images * mean**2) / (images - 1)
        parts.append((mean, variance / images, images - 1))
    (mean, error, free), (other, other_error, other_free) = parts
    freedom = (error + other_error) ** 2 / (error**2 / free + other_error**2 / other_free)
    expected = 2 * student.sf(abs(mean - other) / np.sqrt(error + other_error), freedom)
    assert contrast_p_value(differences, inside) == pytest.approx(expected)
    assert contrast_p_value(differences, ~inside) == pytest.approx(expected)
    assert contrast_p_value(-differences, inside) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("own", "rest"),
    [((0.2, 0.2), (0.05, 0.05)), ((0.3, 0.1), (0.2, 0.0)), ((0.4, 0.3), (0.1, 0.0))],
)
def test_equals_that_spread_differently_are_rarely_told_apart(own, rest):
    """Of ten images that disagree often and 300 that do not, with the same gain on average. An
    ordinary permutation test finds a difference in a fifth of such samples."""
    random = np.random.default_rng(4)
    inside = np.arange(310) < 10
    found = 0
    for _ in range(400):
        drawn = [
            random.choice([1.0, -1.0, 0.0], size, p=[*fractions, 1 - sum(fractions)])
            for size, fractions in ((10, own), (300, rest))
        ]
        found += contrast_p_value(np.concatenate(drawn), inside) < 0.05
    assert found <= 28  # 5 % of them are 20, and 28 is two standard errors more


def test_where_all_images_are_alike_there_is_nothing_to_test():
    assert contrast_p_value(np.ones(40), np.arange(40) < 10) == 1.0
