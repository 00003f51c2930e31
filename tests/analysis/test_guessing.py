"""The guessing game: the same pictures for everybody, fair scores."""

import numpy as np
import pytest

from core.analysis.guessing import (
    IMAGES_A_ROUND,
    guessing_round,
    players,
    round_scores,
    rounds_of,
    shuffled,
)
from core.errors import BadInput
from tests.made_evidence import evidence_of

IMAGES = 25


def evidence(**rights):
    """Of 25 test images the first five are of the commonest class, 0; the others of class 1."""
    return evidence_of(rights or {"cnn": np.ones((2, IMAGES), bool)}, majority_right=5)


def test_the_same_key_gives_the_same_order_and_every_number_once():
    assert shuffled(10, "abcd1234") == shuffled(10, "abcd1234")
    assert shuffled(10, "abcd1234") != shuffled(10, "abcd1235")
    assert sorted(shuffled(10, "abcd1234")) == list(range(10))
    assert shuffled(0, "abcd1234") == []


@pytest.mark.parametrize(("images", "rounds"), [(1, 1), (9, 1), (10, 1), (19, 1), (25, 2)])
def test_only_whole_rounds_are_dealt_unless_there_is_but_one(images, rounds):
    assert rounds_of(images) == rounds


def test_no_image_comes_twice_and_each_keeps_its_label():
    found = evidence()
    first, second = guessing_round(found, 1), guessing_round(found, 2)
    assert first == guessing_round(evidence(), 1)
    assert (len(first.rows), len(second.rows)) == (IMAGES_A_ROUND, IMAGES_A_ROUND)
    assert not set(first.rows) & set(second.rows)
    assert first.images == first.rows  # this evidence numbers its images from 0
    assert first.labels == tuple(0 if row < 5 else 1 for row in first.rows)


def test_fewer_than_ten_test_images_make_one_short_round():
    found = evidence_of({"cnn": np.ones((1, 4), bool)})
    assert sorted(guessing_round(found, 1).rows) == [0, 1, 2, 3]


@pytest.mark.parametrize("number", [0, -1, 3])
def test_a_round_that_there_is_not_is_refused(number):
    with pytest.raises(BadInput, match=rf"There is no round {number}: the rounds are 1 to 2\."):
        guessing_round(evidence(), number)


def test_the_first_seed_plays_and_the_majority_class_always_does():
    rights = np.ones((2, IMAGES), bool)
    rights[0, :] = False
    found = evidence(cnn=rights)
    majority, cnn = players(found)
    assert (majority.strategy, majority.title) == ("majority", "Majority class")
    assert (majority.predicted.tolist(), majority.confidence) == ([0] * IMAGES, None)
    assert majority.correct.tolist() == [True] * 5 + [False] * 20
    assert (cnn.predicted.tolist(), cnn.correct.any()) == ([2] * IMAGES, False)
    assert cnn.confidence is not None
    assert cnn.confidence.tolist() == [0.5] * IMAGES


def test_a_majority_run_is_not_shown_twice():
    found = evidence(majority=np.zeros((1, IMAGES), bool), cnn=np.ones((1, IMAGES), bool))
    assert [player.strategy for player in players(found)] == ["majority", "cnn"]


def test_visitor_and_strategies_are_scored_on_the_same_images():
    cnn = np.zeros((1, IMAGES), bool)
    cnn[0, :20] = True
    found = evidence(cnn=cnn)
    dealt = guessing_round(found, 1)
    guesses = [*dealt.labels[:7], 2, 2, 2]
    visitor, majority, network = round_scores(found, dealt, guesses)
    assert (visitor.strategy, visitor.title, visitor.correct, visitor.images) == (
        None,
        "You",
        7,
        10,
    )
    # Wilson's interval of 7 of 10.
    assert visitor.low == pytest.approx(0.396778, abs=1e-6)
    assert visitor.high == pytest.approx(0.892209, abs=1e-6)
    assert (visitor.everywhere, visitor.p_value) == (None, None)
    assert majority.correct == dealt.labels.count(0)
    assert majority.everywhere == 0.2
    assert network.correct == sum(row < 20 for row in dealt.rows)
    assert network.everywhere == 0.8


def test_leads_are_tested_with_mcnemar_and_holm():
    found = evidence(mlp=np.zeros((1, IMAGES), bool), cnn=np.ones((1, IMAGES), bool))
    dealt = guessing_round(found, 1)
    zeros = dealt.labels.count(0)
    visitor, majority, mlp, cnn = round_scores(found, dealt, dealt.labels)
    assert (visitor.correct, mlp.correct, cnn.correct) == (10, 0, 10)
    # Ten images put right of ten: 2 / 2**10, and the smallest of three is tripled.
    assert mlp.p_value == pytest.approx(3 * 2 / 2**10)
    assert majority.p_value == pytest.approx(2 * 2 / 2 ** (10 - zeros))
    assert cnn.p_value == 1.0


def test_guesses_must_fit_the_round():
    found = evidence()
    with pytest.raises(ValueError, match="9 guesses do not fit 10 images"):
        round_scores(found, guessing_round(found, 1), [0] * 9)
