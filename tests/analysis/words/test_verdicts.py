"""Verdicts in words: who is ahead, by how much, is it luck."""

import pytest

from core.analysis.scores import score_table
from core.analysis.verdicts import (
    MajorityVerdict,
    Outcome,
    PairVerdict,
    ladder_steps,
    pair_verdict,
    ties,
)
from core.analysis.words.verdicts import (
    closed,
    describe_majority,
    describe_pair,
    describe_power,
    describe_seeds,
    describe_step,
    describe_ties,
    luck_words,
    number_word,
    outcome_phrase,
    p_text,
    points_text,
)
from tests.analysis.made_rights import EMPTY, clear, row
from tests.made_evidence import evidence_of


def pair(**changes) -> PairVerdict:
    usual = {
        "first": "mlp",
        "second": "cnn",
        "first_title": "MLP",
        "second_title": "CNN, three blocks",
        "first_seeds": 3,
        "second_seeds": 3,
        "images": 200,
        "pairs": 6,
        "difference": 0.43,
        "low": 0.35,
        "high": 0.51,
        "p_value": 1e-9,
        "adjusted_p_value": 6e-9,
        "told_apart": True,
        "seeds_agree": True,
        "fixed": 90.0,
        "regressed": 4.0,
    }
    return PairVerdict(**(usual | changes))


def majority(**changes) -> MajorityVerdict:
    usual = {
        "strategy": "cnn",
        "title": "CNN, three blocks",
        "seeds": 3,
        "majority_name": "ant",
        "images": 100,
        "accuracy": 0.6,
        "majority_accuracy": 0.3,
        "difference": 0.3,
        "low": 0.2,
        "high": 0.4,
        "p_value": 0.016,
        "is_better": True,
        "is_the_same": False,
    }
    return MajorityVerdict(**(usual | changes))


TIE = {"told_apart": False, "adjusted_p_value": 0.312, "difference": 0.02, "low": -0.1, "high": 0.1}


def test_the_sentences(held):
    evidence = clear()
    held(
        {
            "outcome phrase, ahead": outcome_phrase(Outcome.AHEAD, 0.35, "X"),
            "outcome phrase, behind": outcome_phrase(Outcome.BEHIND, -0.012, "X"),
            "outcome phrase, tied": outcome_phrase(Outcome.TIED, 0.35, "X"),
            "pair, second ahead": describe_pair(pair()),
            "pair, first ahead": describe_pair(
                pair(difference=-0.43, low=-0.51, high=-0.35, adjusted_p_value=0.00037)
            ),
            "pair, one seed each, no interval": describe_pair(
                pair(first_seeds=1, second_seeds=1, low=None, high=None, seeds_agree=None)
            ),
            "pair, one seed of one": describe_pair(pair(second_seeds=1)),
            "pair, the seeds disagree": describe_pair(pair(seeds_agree=False, low=-0.1)),
            "pair, tied": describe_pair(pair(**TIE)),
            "pair, tied, the only pair": describe_pair(pair(**TIE, pairs=1)),
            "pair, tied and equal": describe_pair(pair(**TIE | {"difference": 0.0})),
            "majority, ahead": describe_majority(majority()),
            "majority, behind, one seed": describe_majority(
                majority(difference=-0.2, low=-0.3, high=-0.1, is_better=False, seeds=1)
            ),
            "majority, tied": describe_majority(
                majority(difference=0.01, low=-0.1, high=0.12, p_value=0.62, is_better=False)
            ),
            "majority, the same": describe_majority(majority(is_the_same=True)),
            "ties": describe_ties(ties(evidence)[0]),
            "power": describe_power(evidence),
            "power, small": describe_power(evidence_of({"cnn": [row(5000, 10_000)]}, 5050)),
            "power, none": describe_power(evidence_of({"cnn": [row(5000, 10_000)]}, 5005)),
            "power, no run": describe_power(EMPTY),
        }
        | {
            f"seeds, {score.strategy} {score.metric}": describe_seeds(score)
            for name in ("accuracy", "log_loss")
            for score in score_table(evidence_of({"cnn": [row(10, 100), row(30, 100)]}), name)
        }
        | {"seeds, one": describe_seeds(score_table(evidence)[0])}
        | {f"ladder, {step.strategy}": describe_step(step) for step in ladder_steps(evidence)}
        | {
            f"ladder, below, {step.strategy}": describe_step(step)
            for step in ladder_steps(
                evidence_of({"old": [row(10, 100)] * 2, "mlp": [row(51, 100, 1)]}, 50)
            )[1:]
        }
    )


def test_a_verdict_and_its_turned_twin_read_alike():
    evidence = clear()
    assert describe_pair(pair_verdict(evidence, "cnn", "mlp")) == describe_pair(
        pair_verdict(evidence, "mlp", "cnn")
    )


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
    ("p_value", "chance"), [(1e-9, "1 in 10,000"), (0.000_37, "1 in 2,700"), (0.016, "1 in 62")]
)
def test_luck_is_one_chance_in_so_many(p_value, chance):
    assert chance in luck_words(p_value)


def test_small_words():
    assert [points_text(value) for value in (0.2376, -0.0004, -0.019)] == ["23.8", "0.0", "-1.9"]
    assert closed("CNN, three blocks") == "CNN, three blocks,"
    assert (number_word(3), number_word(12)) == ("three", "12")
