import dataclasses

import numpy as np
import pytest

from core.comparison.evidence import ExperimentPredictions, load_evidence
from core.comparison.ladder import ladder_steps
from core.comparison.verdict_words import (
    closed,
    luck_words,
    number_word,
    p_text,
    points_text,
)
from core.comparison.verdicts import (
    against_majority,
    all_pairs,
    pair_verdict,
    power_sentence,
    ties,
    visible_difference,
)
from core.errors import BadInput, UnknownName
from core.runs.store import open_store
from core.strategies.registry import STRATEGIES
from tests.made_evidence import EXPERIMENT, evidence_of, store_experiment


def _row(right: int, images: int, start: int = 0) -> list[bool]:
    """``right`` images in a row, from ``start`` on."""
    return [start <= number < start + right for number in range(images)]


@pytest.fixture
def by_hand(home) -> ExperimentPredictions:  # noqa: ARG001 - sets the home
    store = open_store()
    store_experiment(store)
    return load_evidence(store, EXPERIMENT)


@pytest.fixture
def clear() -> ExperimentPredictions:
    """200 images; mlp 60 right, cnn 64, probe 150: inside one another, one seed each."""
    rights = {"mlp": 60, "cnn": 64, "vgg16_probe": 150}
    return evidence_of({name: [_row(right, 200)] for name, right in rights.items()}, 50)


EMPTY = evidence_of({"cnn": [[True]]})
EMPTY = dataclasses.replace(
    EMPTY, labels=EMPTY.labels[:0], test_indices=EMPTY.test_indices[:0], answers=()
)


def test_a_pair_as_worked_out_by_hand(by_hand):
    # In halves cnn got 2 1 0 2 1 0 2 1 of each image right and the probe 2 2 1 2 2 1 2 2: five
    # images differ by one half, all for the probe, so p is 2 of 32.
    found = pair_verdict(by_hand, "cnn", "vgg16_probe")
    assert (found.first, found.second, found.images) == ("cnn", "vgg16_probe", 8)
    assert found.difference == 14 / 16 - 9 / 16
    assert found.p_value == pytest.approx(2 / 32, rel=1e-12)
    assert found.adjusted_p_value == found.p_value
    assert (found.fixed, found.regressed) == (2.5, 0.0)
    assert found.told_apart is False
    assert found.seeds_agree is True
    assert found.low is not None
    assert found.high is not None
    assert found.low < 5 / 16 < found.high
    assert found.words == (
        "VGG16 probe and CNN, three blocks, cannot be told apart on 8 test images (difference "
        f"31.2 points for VGG16 probe, 95 % interval {100 * found.low:.1f} to "
        f"{100 * found.high:.1f}, p = 0.062)."
    )


def test_a_pair_the_other_way_round_is_turned(by_hand):
    found, turned = (
        pair_verdict(by_hand, "cnn", "vgg16_probe"),
        pair_verdict(by_hand, "vgg16_probe", "cnn"),
    )
    assert turned.difference == -found.difference
    assert (turned.low, turned.high) == (-found.high, -found.low)
    assert (turned.fixed, turned.regressed) == (found.regressed, found.fixed)
    assert turned.words == found.words


def test_against_the_majority_class_as_worked_out_by_hand(by_hand):
    # See tests/comparison/test_significance.py: 40 of the 64 flips.
    found = against_majority(by_hand, "cnn")
    assert found.p_value == pytest.approx(40 / 64, rel=1e-12)
    assert found.is_better is False
    assert (found.accuracy, found.majority_accuracy) == (9 / 16, 3 / 8)
    assert found.words == (
        "CNN, three blocks, is no better than always saying “ant” (difference 18.8 points, 95 % "
        f"interval {points_text(found.low)} to {points_text(found.high)}, p = 0.62)."
    )


def test_a_clear_lead_is_said_in_words_first(clear):
    found = pair_verdict(clear, "cnn", "vgg16_probe")
    assert found.told_apart is True
    assert found.seeds_agree is None
    assert found.words.startswith("VGG16 probe beats CNN, three blocks, by 43.0 points (one seed ")
    assert found.words.endswith("a difference this large by luck is less likely than 1 in 10,000.")


def test_holm_counts_all_pairs(clear):
    # mlp and cnn differ on 4 images, all for the cnn: p is 2 of 16. The others are far smaller.
    first = all_pairs(clear)[0]
    assert (first.first, first.second) == ("mlp", "cnn")
    assert first.p_value == pytest.approx(1 / 8, rel=1e-12)
    assert first.adjusted_p_value == pytest.approx(1 / 8, rel=1e-12)
    assert (first.low, first.high, first.seeds_agree) == (None, None, None)
    assert first.words == (
        "CNN, three blocks, and MLP cannot be told apart on 200 test images (difference 2.0 points "
        "for CNN, three blocks, one seed each, p = 0.12 after Holm)."
    )
    three = evidence_of({n: [_row(r, 30)] for n, r in (("mlp", 6), ("cnn", 12), ("zzz", 13))})
    p_values = {(pair.first, pair.second): pair.adjusted_p_value for pair in all_pairs(three)}
    # 6, 7 and 1 images: p is 2/64, 2/128 and 1; the smallest counts three times, the next twice.
    assert p_values == {
        ("mlp", "cnn"): pytest.approx(2 * 2 / 64),
        ("mlp", "zzz"): pytest.approx(3 * 2 / 128),
        ("cnn", "zzz"): pytest.approx(1.0),
    }


def test_seeds_that_disagree_are_said():
    # Seed 0 of the cnn is far better than the mlp, seed 1 a little worse: on these images the mean
    # is surely better, but drawing the seeds anew can turn it round.
    mlp = [_row(100, 300)] * 2
    cnn = [_row(200, 300), _row(97, 300)]
    found = pair_verdict(evidence_of({"mlp": mlp, "cnn": cnn}), "mlp", "cnn")
    assert found.told_apart is True
    assert found.seeds_agree is False
    assert "But the seeds disagree" in found.words


def test_a_strategy_that_always_says_the_commonest_class_is_told_so():
    evidence = evidence_of({"majority": [_row(30, 100)]}, 30)
    answers = dataclasses.replace(evidence.answers[0], predicted=np.zeros((1, 100), np.int32))
    found = against_majority(dataclasses.replace(evidence, answers=(answers,)), "majority")
    assert found.words == (
        "Majority class says “ant” for every test image: it is no better than that, because it is "
        "the same."
    )
    assert (found.difference, found.p_value, found.is_better) == (0.0, 1.0, False)


def test_better_and_worse_than_the_majority_class():
    evidence = evidence_of({"mlp": [_row(10, 100)], "cnn": [_row(60, 100)]}, 30)
    better, worse = against_majority(evidence, "cnn"), against_majority(evidence, "mlp")
    assert better.is_better is True
    assert better.words.startswith(
        "CNN, three blocks, beats always saying “ant” by 30.0 points (one seed, 95 % interval "
    )
    assert worse.is_better is False
    assert worse.words.startswith("MLP is worse than always saying “ant” by 20.0 points")


@pytest.mark.parametrize(("first", "error"), [("cnn", BadInput), ("nothere", UnknownName)])
def test_a_pair_needs_two_strategies_with_answers(clear, first, error):
    with pytest.raises(error):
        pair_verdict(clear, first, "cnn")


def test_ties_name_those_that_cannot_be_told_apart(clear):
    (group,) = ties(clear)
    assert group.strategies == ("cnn", "mlp")
    assert group.words == (
        "These two cannot be told apart on 200 test images: CNN, three blocks; MLP."
    )


def test_nothing_is_tied_where_all_differ():
    rights = {"mlp": 20, "cnn": 60, "vgg16_probe": 100}
    assert ties(evidence_of({n: [_row(right, 100)] for n, right in rights.items()})) == ()


def test_the_power_sentence_takes_neighbours_in_the_ranking(clear):
    # Baseline to mlp 10 of 200 images, mlp to cnn 4, cnn to probe 86; the middle one is 0.05.
    assert visible_difference(clear) == pytest.approx(0.0443, abs=1e-4)
    assert power_sentence(clear) == (
        "With 200 test images a difference under about 4 points cannot be seen reliably: it would "
        "be missed more often than one time in five."
    )


def test_small_visible_differences_keep_a_decimal():
    evidence = evidence_of({"cnn": [_row(5000, 10_000)]}, 5050)
    assert "under about 0.2 points" in power_sentence(evidence)


def test_where_nearly_all_is_answered_alike_no_difference_can_be_seen():
    evidence = evidence_of({"cnn": [_row(5000, 10_000)]}, 5005)
    assert visible_difference(evidence) is None
    assert power_sentence(evidence) == (
        "With 10,000 test images no difference can be seen reliably between strategies that agree "
        "on as many of them as these do."
    )


def test_nothing_to_compare_is_said():
    assert visible_difference(EMPTY) is None
    assert power_sentence(EMPTY) == "No run has finished yet, so there is nothing to compare."
    assert all_pairs(EMPTY) == ()
    assert ties(EMPTY) == ()
    assert ladder_steps(EMPTY) == ()


# Words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        (0.0, "p < 0.0001"),
        (0.000_099, "p < 0.0001"),
        (0.000_1, "p = 0.0001"),
        (0.004_13, "p = 0.0041"),
        (0.012_3, "p = 0.012"),
        (0.049_8, "p = 0.0498"),
        (0.050_2, "p = 0.0502"),
        (0.096, "p = 0.096"),
        (0.312, "p = 0.31"),
        (0.998, "p = 1"),
        (1.0, "p = 1"),
    ],
)
def test_p_values_are_never_zero(p_value, text):
    assert p_text(p_value) == text


@pytest.mark.parametrize(
    ("p_value", "end"),
    [
        (1e-9, "is less likely than 1 in 10,000"),
        (0.000_37, "has a chance of about 1 in 2,700 (p = 0.0004)"),
        (0.016, "has a chance of about 1 in 62 (p = 0.016)"),
    ],
)
def test_luck_is_one_chance_in_so_many(p_value, end):
    assert luck_words(p_value) == f"a difference this large by luck {end}"


def test_small_words():
    assert [points_text(value) for value in (0.2376, -0.0004, -0.019)] == ["23.8", "0.0", "-1.9"]
    assert closed("CNN, three blocks") == "CNN, three blocks,"
    assert (number_word(3), number_word(12)) == ("three", "12")


# The ladder ------------------------------------------------------------------------------------


def test_the_ladder_climbs_from_the_majority_class_to_the_best(clear):
    start, mlp, cnn, probe = ladder_steps(clear)
    assert (start.strategy, start.accuracy, start.gain) == ("majority", 0.25, None)
    assert start.title == "Always “ant”"
    assert start.words == "Always “ant” is right for 25.0 % of the test images."
    assert [step.accuracy for step in (mlp, cnn, probe)] == [0.30, 0.32, 0.75]
    assert (mlp.over, cnn.over, probe.over) == ("Always “ant”", "MLP", "CNN, three blocks")
    assert probe.gain == pytest.approx(0.43, rel=1e-12)
    assert probe.over_majority == pytest.approx(0.5, rel=1e-12)
    assert probe.low is not None
    assert probe.high is not None
    assert 0.35 < probe.low < 0.43 < probe.high < 0.51
    assert probe.teaches == STRATEGIES["vgg16_probe"].teaches
    assert probe.words == (
        "VGG16 probe: 75.0 %, 43.0 points more than CNN, three blocks (95 % interval "
        f"{100 * probe.low:.1f} to {100 * probe.high:.1f}, one seed)."
    )


def test_a_step_that_luck_may_have_made_is_no_clear_step(by_hand):
    step = ladder_steps(by_hand)[1]
    assert step.words.startswith("CNN, three blocks: 56.2 %, no clear step over Always “ant”: 18.8")


def test_a_strategy_below_the_majority_class_steps_down():
    evidence = evidence_of({"majority": [_row(50, 100)], "old": [_row(10, 100)]}, 50)
    start, down = ladder_steps(evidence)
    assert start.strategy == "majority"
    assert down.gain == -0.4
    assert down.teaches == ""
    assert "40.0 points less than Always “ant”" in down.words
