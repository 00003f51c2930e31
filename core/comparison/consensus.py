"""What the seeds of a strategy say together about each image, and which strategies know something.

With several seeds a strategy says what most of its seeds say. Of two classes with as many seeds
each, the one that they were surer of counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.comparison.evidence import StrategyPredictions, ExperimentPredictions
from core.comparison.significance import CONFIDENCE, holm, sign_flip_p_value
from core.errors import UnknownName


@dataclass(frozen=True)
class Consensus:
    """One strategy, one seed or all; arrays over the test images in the order of the split.

    ``said`` int64 ``(N,)`` is a position in the classes, ``seeds`` int64 ``(N,)`` how many seeds
    said it, ``confidence`` float64 ``(N,)`` the mean probability (0 to 1) that these gave it.
    ``true_class_probability`` float64 ``(N,)`` is the mean over all seeds of what the label got;
    ``fraction_correct`` float64 ``(N,)`` is the share of seeds that were right.
    """

    said: np.ndarray
    seeds: np.ndarray
    seed_count: int
    confidence: np.ndarray
    true_class_probability: np.ndarray
    fraction_correct: np.ndarray

    @property
    def mostly_correct(self) -> np.ndarray:
        """bool ``(N,)``: more than half of the seeds were right."""
        return self.fraction_correct > 0.5

    @property
    def mostly_wrong(self) -> np.ndarray:
        """bool ``(N,)``: more than half of the seeds were wrong."""
        return self.fraction_correct < 0.5

    @property
    def most_agree(self) -> np.ndarray:
        """bool ``(N,)``: more than half of the seeds said the same class."""
        return 2 * self.seeds > self.seed_count


def consensus(answers: StrategyPredictions, seed: int | None = None) -> Consensus:
    """Of all seeds, or of one: ``UnknownName`` if the strategy has no such seed."""
    rows = slice(None) if seed is None else [row_of_seed(answers, seed)]
    predicted = answers.predicted[rows]
    confidence = answers.confidence[rows].astype(np.float64)
    same = predicted[:, None, :] == predicted[None, :, :]
    seeds = same.sum(axis=1)
    sums = (same * confidence[None, :, :]).sum(axis=1)
    # A sum of probabilities is no more than the number of seeds, so it only settles ties.
    chosen = (seeds * (len(predicted) + 1) + sums).argmax(axis=0)[None, :]
    agreeing = np.take_along_axis(seeds, chosen, axis=0)[0]
    return Consensus(
        said=np.take_along_axis(predicted, chosen, axis=0)[0].astype(np.int64),
        seeds=agreeing,
        seed_count=len(predicted),
        confidence=np.take_along_axis(sums, chosen, axis=0)[0] / agreeing,
        true_class_probability=answers.true_class_probability[rows].mean(axis=0, dtype=np.float64),
        fraction_correct=answers.right[rows].mean(axis=0),
    )


def row_of_seed(answers: StrategyPredictions, seed: int) -> int:
    """The row of a seed in the arrays of ``answers``; ``UnknownName`` lists those there are."""
    if seed not in answers.seeds:
        raise UnknownName("seed", str(seed), [str(known) for known in answers.seeds])
    return answers.seeds.index(seed)


def good_strategies(evidence: ExperimentPredictions) -> tuple[StrategyPredictions, ...]:
    """Strategies that are clearly better than always saying the commonest training class.

    Exact test on the shared images, Holm over the strategies, at 5 %. In the order of the ladder;
    never the majority class itself, which cannot be better than itself.
    """
    if not evidence.images:
        return ()
    majority = evidence.majority_right
    return tuple(
        answers
        for answers, p_value in zip(
            evidence.answers, _p_values(majority, evidence.answers), strict=True
        )
        if p_value < 1 - CONFIDENCE and answers.accuracy > evidence.majority_accuracy
    )


def best_strategies(evidence: ExperimentPredictions) -> tuple[StrategyPredictions, ...]:
    """Of the good strategies the best, the second best, and all that are not clearly worse.

    In the order of the ladder; at most one, or none, where no more are good.
    """
    good = good_strategies(evidence)
    ranked = sorted(good, key=lambda answers: -answers.accuracy)
    if len(ranked) < 2:
        return good
    best, second = ranked[:2]
    others = [answers for answers in good if answers is not best]
    p_values = _p_values(best.right, others)
    near = {
        answers.strategy
        for answers, p_value in zip(others, p_values, strict=True)
        if p_value >= 1 - CONFIDENCE
    }
    near |= {best.strategy, second.strategy}
    return tuple(answers for answers in good if answers.strategy in near)


def _p_values(right: np.ndarray, others: Sequence[StrategyPredictions]) -> list[float]:
    """Of each of ``others`` against ``right`` ``(seeds, N)``, adjusted for their number."""
    return holm([sign_flip_p_value(right, answers.right) for answers in others])
