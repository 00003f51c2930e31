"""A game: a visitor and every strategy name the same ten held-out pictures.

Of a strategy with several seeds the first plays: one network against one person. All that is
needed are stored predictions.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.text import percent_text
from core.comparison.evidence import ExperimentPredictions
from core.comparison.metrics import wilson_interval
from core.comparison.significance import holm, sign_flip_p_value
from core.comparison.tables import title_of
from core.comparison.verdict_words import SIGNIFICANCE, closed
from core.errors import BadInput

PICTURES = 10
MAJORITY = "majority"
VISITOR = "You"


@dataclass(frozen=True)
class GuessingRound:
    """Up to ten test images: their ``rows`` in the evidence, their positions in the dataset
    (``images``) and the true classes (``labels``, positions in the classes)."""

    number: int
    rows: tuple[int, ...]
    images: tuple[int, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Said:
    """What one strategy said about one picture; ``confidence`` is 0 to 1, None where it has none."""

    strategy: str
    title: str
    said: int
    right: bool
    confidence: float | None


@dataclass(frozen=True)
class PlayerScore:
    """How one player did in a round; the visitor's ``strategy`` is None.

    ``low`` and ``high`` (0 to 1) are the 95 % Wilson interval of ``right`` out of ``pictures``.
    ``everywhere`` (0 to 1) is the share of all test images that the same network got right, and
    ``p_value`` that of McNemar's exact test against the visitor, after Holm: None for the visitor.
    """

    strategy: str | None
    title: str
    right: int
    pictures: int
    low: float
    high: float
    everywhere: float | None = None
    p_value: float | None = None


def rounds_of(images: int) -> int:
    """How many rounds of different pictures so many test images give; at least one."""
    return max(1, images // PICTURES)


def shuffled(count: int, key: str) -> list[int]:
    """0 to ``count`` (left out) in an order that is drawn by chance, the same for the same key."""
    order = list(range(count))
    random.Random(key).shuffle(order)
    return order


def guessing_round(evidence: ExperimentPredictions, number: int) -> GuessingRound:
    """Round ``number``, from 1: the same pictures for everybody who plays this experiment.

    The test images are shuffled once and dealt out ten at a time, so each round is a random sample
    of them and no picture comes twice. Raises ``BadInput`` for a round that there is not.
    """
    most = rounds_of(evidence.images)
    if not 1 <= number <= most:
        raise BadInput(f"There is no round {number}: the rounds are 1 to {most:,}.", "round")
    first = (number - 1) * PICTURES
    rows = shuffled(evidence.images, evidence.experiment_id)[first : first + PICTURES]
    return GuessingRound(
        number=number,
        rows=tuple(rows),
        images=tuple(int(evidence.test_indices[row]) for row in rows),
        labels=tuple(int(evidence.labels[row]) for row in rows),
    )


def said_about(
    evidence: ExperimentPredictions, dealt: GuessingRound, place: int
) -> tuple[Said, ...]:
    """What every strategy said about picture ``place`` (0 to 9), in the order of the ladder.

    Always saying the commonest training class plays too, whether or not it was run.
    """
    row, label = dealt.rows[place], dealt.labels[place]
    majority = Said(
        MAJORITY,
        title_of(MAJORITY),
        evidence.majority_label,
        evidence.majority_label == label,
        None,
    )
    found = tuple(
        Said(
            answers.strategy,
            answers.title,
            int(answers.predicted[0, row]),
            bool(answers.right[0, row]),
            float(answers.confidence[0, row]),
        )
        for answers in evidence.answers
        if answers.strategy != MAJORITY
    )
    return (majority, *found)


def round_scores(
    evidence: ExperimentPredictions, dealt: GuessingRound, guesses: Sequence[int]
) -> tuple[PlayerScore, ...]:
    """The visitor, then every strategy in the order of the ladder.

    ``guesses`` are the classes that the visitor named, one a picture; ``ValueError`` where their
    number is another.
    """
    if len(guesses) != len(dealt.rows):
        raise ValueError(f"{len(guesses)} guesses do not fit {len(dealt.rows)} pictures")
    labels = np.array(dealt.labels)
    own = np.array(guesses) == labels
    everywhere = {MAJORITY: evidence.majority_accuracy} | {
        answers.strategy: float(answers.right[0].mean())
        for answers in evidence.answers
        if answers.strategy != MAJORITY
    }
    said = [said_about(evidence, dealt, place) for place in range(len(labels))]
    rights = {
        line[0].strategy: np.array([entry.right for entry in line])
        for line in zip(*said, strict=True)
    }
    p_values = holm([sign_flip_p_value(own[None], right[None]) for right in rights.values()])
    visitor = PlayerScore(None, VISITOR, *_counted(own))
    return (
        visitor,
        *(
            PlayerScore(name, title_of(name), *_counted(right), everywhere[name], p_value)
            for (name, right), p_value in zip(rights.items(), p_values, strict=True)
        ),
    )


def score_words(scores: Sequence[PlayerScore]) -> str:
    """What so few pictures can tell, and what they cannot."""
    visitor, strategies = scores[0], scores[1:]
    interval = (
        f"{visitor.right} of {visitor.pictures} right means that on very many such pictures you "
        f"would plausibly be right for {percent_text(visitor.low)} to "
        f"{percent_text(visitor.high)} of them: so few pictures make a game, not a measurement."
    )
    told_apart = [
        score for score in strategies if score.p_value is not None and score.p_value < SIGNIFICANCE
    ]
    if not told_apart:
        return f"{interval} No lead in this round is larger than luck could explain."
    behind = [score.title for score in told_apart if score.right < visitor.right]
    ahead = [score.title for score in told_apart if score.right > visitor.right]
    parts = [
        f"{word} {_listed(titles)}"
        for word, titles in (("better than", behind), ("worse than", ahead))
        if titles
    ]
    surely = f"{interval} Even so, you did {' and '.join(parts)} by more than luck would explain"
    if all(score in told_apart or score.right == visitor.right for score in strategies):
        return f"{surely}."
    return f"{surely}; the other leads may be luck."


def _counted(right: np.ndarray) -> tuple[int, int, float, float]:
    """``(right, pictures, low, high)`` of a bool ``(pictures,)``."""
    count, pictures = int(right.sum()), len(right)
    return (count, pictures, *wilson_interval(count, pictures))


def _listed(titles: Sequence[str]) -> str:
    last = closed(titles[-1])
    return last if len(titles) == 1 else f"{', '.join(titles[:-1])} and {last}"
