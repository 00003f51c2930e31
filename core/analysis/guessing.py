"""The guessing game: a visitor beside every strategy on ten test images.

The first seed of each strategy plays: one network against one person. Always predicting the
commonest training class plays too.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.analysis.comparison import title_of
from core.analysis.evidence import ExperimentPredictions
from core.analysis.significance import holm, sign_flip_p_value, wilson_interval
from core.errors import BadInput
from core.strategies.registry import MAJORITY

IMAGES_A_ROUND = 10
VISITOR = "You"


@dataclass(frozen=True)
class GuessingRound:
    """Up to ten test images: their ``rows`` in the evidence, their positions in the dataset
    (``images``) and the true classes (``labels``, positions in the classes)."""

    number: int
    rows: tuple[int, ...]
    images: tuple[int, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Player:
    """What one strategy predicts for all N test images of the experiment.

    ``predicted`` and ``correct`` are ``(N,)``; ``confidence`` ``(N,)`` is 0 to 1, None for the
    majority class, which looks at no image.
    """

    strategy: str
    title: str
    predicted: np.ndarray
    correct: np.ndarray
    confidence: np.ndarray | None


@dataclass(frozen=True)
class PlayerScore:
    """One player in a round; the visitor's ``strategy`` is None.

    ``low`` and ``high`` (0 to 1) are the 95 % Wilson interval of ``correct`` out of ``images``.
    ``everywhere`` (0 to 1) is the accuracy of the same network on all test images, and ``p_value``
    that of McNemar's exact test against the visitor, after Holm: None for the visitor.
    """

    strategy: str | None
    title: str
    correct: int
    images: int
    low: float
    high: float
    everywhere: float | None = None
    p_value: float | None = None


def rounds_of(images: int) -> int:
    """How many rounds of different images a number of test images gives; at least one."""
    return max(1, images // IMAGES_A_ROUND)


def shuffled(count: int, key: str) -> list[int]:
    """0 to ``count`` (exclusive) in a random order that is the same for the same key."""
    order = list(range(count))
    random.Random(key).shuffle(order)
    return order


def guessing_round(evidence: ExperimentPredictions, number: int) -> GuessingRound:
    """Round ``number``, from 1: the same images for everybody who plays this experiment.

    The test images are shuffled once and dealt out ten at a time, so each round is a random sample
    of them and no image comes twice. Raises ``BadInput`` for a round that does not exist.
    """
    most = rounds_of(evidence.images)
    if not 1 <= number <= most:
        raise BadInput(f"There is no round {number}: the rounds are 1 to {most:,}.", "round")
    first = (number - 1) * IMAGES_A_ROUND
    rows = shuffled(evidence.images, evidence.experiment_id)[first : first + IMAGES_A_ROUND]
    return GuessingRound(
        number=number,
        rows=tuple(rows),
        images=tuple(int(evidence.test_indices[row]) for row in rows),
        labels=tuple(int(evidence.labels[row]) for row in rows),
    )


def players(evidence: ExperimentPredictions) -> tuple[Player, ...]:
    """The majority class, whether or not it was run, then every strategy in ladder order."""
    always = np.full(evidence.images, evidence.majority_label)
    return (
        Player(MAJORITY, title_of(MAJORITY), always, evidence.majority_correct[0], None),
        *(
            Player(
                answers.strategy,
                answers.title,
                answers.predicted[0],
                answers.correct[0],
                answers.confidence[0],
            )
            for answers in evidence.answers
            if answers.strategy != MAJORITY
        ),
    )


def round_scores(
    evidence: ExperimentPredictions, dealt: GuessingRound, guesses: Sequence[int]
) -> tuple[PlayerScore, ...]:
    """The visitor, then every strategy in the order of the ladder.

    ``guesses`` are the classes that the visitor chose, one an image; ``ValueError`` where their
    number is another.
    """
    if len(guesses) != len(dealt.rows):
        raise ValueError(f"{len(guesses)} guesses do not fit {len(dealt.rows)} images")
    own = np.array(guesses) == np.array(dealt.labels)
    others = players(evidence)
    correct = [player.correct[list(dealt.rows)] for player in others]
    p_values = holm([sign_flip_p_value(own[None], right[None]) for right in correct])
    return (
        _score(None, VISITOR, own),
        *(
            _score(player.strategy, player.title, right, float(player.correct.mean()), p_value)
            for player, right, p_value in zip(others, correct, p_values, strict=True)
        ),
    )


def _score(
    strategy: str | None,
    title: str,
    correct: np.ndarray,
    everywhere: float | None = None,
    p_value: float | None = None,
) -> PlayerScore:
    """``correct`` bool ``(images,)``: the images of the round."""
    count, images = int(correct.sum()), len(correct)
    low, high = wilson_interval(count, images)
    return PlayerScore(strategy, title, count, images, low, high, everywhere, p_value)
