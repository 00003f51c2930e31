"""Which differences are real, for every pair and against the majority class: numbers alone.

The p values come from the exact paired test over images; those of pairs are adjusted for their
number (Holm) before anything is called real. Intervals are bootstrapped over images and seeds.
``core.analysis.words.verdicts`` makes the sentences.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

import numpy as np

from core.analysis.evidence import BASELINE, ExperimentPredictions, StrategyPredictions
from core.analysis.significance import (
    SIGNIFICANCE,
    PairedTest,
    holm,
    paired_test,
    percentile_interval,
    smallest_visible_difference,
    tie_groups,
)
from core.errors import BadInput


class Outcome(StrEnum):
    """Where one strategy stands beside another; ``TIED``: the test cannot tell them apart."""

    AHEAD = "ahead"
    BEHIND = "behind"
    TIED = "tied"


def outcome_of(difference: float, is_real: bool) -> Outcome:
    if not is_real:
        return Outcome.TIED
    return Outcome.AHEAD if difference > 0 else Outcome.BEHIND


@dataclass(frozen=True)
class PairVerdict:
    """``second`` against ``first``; fractions are 0 to 1.

    ``difference`` is the mean accuracy of ``second`` minus that of ``first``; ``low`` and ``high``
    its 95 % interval over images and seeds, None where it was not asked for (``all_pairs``).
    ``adjusted_p_value`` is ``p_value`` after Holm over all ``pairs``, and ``told_apart`` whether it
    is under 5 %. ``seeds_agree`` is False where it is, but the interval holds 0: another training
    could turn it round (None: not known, or one seed each). ``fixed`` and ``regressed`` count
    images that only ``second``, and only ``first``, got right (means over seeds).
    """

    first: str
    second: str
    first_title: str
    second_title: str
    first_seeds: int
    second_seeds: int
    images: int
    pairs: int
    difference: float
    low: float | None
    high: float | None
    p_value: float
    adjusted_p_value: float
    told_apart: bool
    seeds_agree: bool | None
    fixed: float
    regressed: float

    @property
    def outcome(self) -> Outcome:
        """Where ``second`` stands beside ``first``."""
        return outcome_of(self.difference, self.told_apart)


@dataclass(frozen=True)
class MajorityVerdict:
    """One strategy against always predicting the commonest training class; fields as in a pair.

    ``p_value`` is not adjusted: each strategy is asked this one question of its own.
    ``is_the_same``: every seed predicts the commonest class for every test image.
    """

    strategy: str
    title: str
    seeds: int
    majority_name: str
    images: int
    accuracy: float
    majority_accuracy: float
    difference: float
    low: float
    high: float
    p_value: float
    is_better: bool
    is_the_same: bool

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.difference, self.p_value < SIGNIFICANCE)


@dataclass(frozen=True)
class TieGroup:
    """Neighbours in the ranking, best first, of which no two can be told apart on ``images``."""

    strategies: tuple[str, ...]
    titles: tuple[str, ...]
    images: int


def pair_verdict(evidence: ExperimentPredictions, first: str, second: str) -> PairVerdict:
    """``second`` against ``first``, with the interval.

    Raises ``UnknownName`` for a strategy without answers and ``BadInput`` for twice the same.
    """
    answers = evidence.of(first), evidence.of(second)
    if first == second:
        raise BadInput("Choose two different strategies to compare.", "pair")
    adjusted = _adjusted(evidence)
    turned = (first, second) not in adjusted
    key = (second, first) if turned else (first, second)
    test = evidence.pair_tests[key]
    if turned:
        test = _turned(test)
    interval = percentile_interval(evidence.resampled[second] - evidence.resampled[first])
    return _verdict(answers, test, adjusted[key], len(adjusted), interval)


def all_pairs(evidence: ExperimentPredictions) -> tuple[PairVerdict, ...]:
    """Every pair in ladder order, without intervals."""
    adjusted = _adjusted(evidence)
    return tuple(
        _verdict(
            (evidence.of(first), evidence.of(second)),
            evidence.pair_tests[first, second],
            p_value,
            len(adjusted),
            None,
        )
        for (first, second), p_value in adjusted.items()
    )


def against_majority(evidence: ExperimentPredictions, strategy: str) -> MajorityVerdict:
    """Is the strategy any better than always predicting the commonest training class?"""
    answers = evidence.of(strategy)
    test = paired_test(evidence.majority_right, answers.correct)
    resampled = evidence.resampled
    low, high = percentile_interval(resampled[strategy] - resampled[BASELINE])
    return MajorityVerdict(
        strategy=strategy,
        title=answers.title,
        seeds=len(answers.seeds),
        majority_name=evidence.majority_name,
        images=test.images,
        accuracy=answers.accuracy,
        majority_accuracy=evidence.majority_accuracy,
        difference=test.difference,
        low=low,
        high=high,
        p_value=test.p_value,
        is_better=test.p_value < SIGNIFICANCE and test.difference > 0,
        is_the_same=bool(np.all(answers.predicted == evidence.majority_label)),
    )


def ties(evidence: ExperimentPredictions) -> tuple[TieGroup, ...]:
    """Groups of neighbours in the ranking by accuracy of which no two can be told apart."""
    titles = {answers.strategy: answers.title for answers in evidence.ranked}
    told_apart = {
        frozenset(pair) for pair, p_value in _adjusted(evidence).items() if p_value < SIGNIFICANCE
    }
    return tuple(
        TieGroup(group, tuple(titles[name] for name in group), evidence.images)
        for group in tie_groups(list(titles), told_apart)
    )


def visible_difference(evidence: ExperimentPredictions) -> float | None:
    """The difference in accuracy that these test images show four times in five, 0 to 1.

    For two strategies that disagree as much as neighbours in the ranking do here (the middle one
    of them), at 5 % without Holm: with many pairs it is somewhat larger. None where there is
    nothing to compare, or where no difference would be seen so often.
    """
    ranked = [evidence.majority_right, *(answers.correct for answers in reversed(evidence.ranked))]
    tests = [paired_test(first, second) for first, second in pairwise(ranked)]
    disagreements = [test.disagreement for test in tests if test.disagreement > 0]
    if not tests:
        return None
    return smallest_visible_difference(
        evidence.images, median(disagreements) if disagreements else 0.0
    )


def is_told_apart(evidence: ExperimentPredictions, first: str, second: str) -> bool:
    """Whether the exact test tells two strategies apart, after Holm over all pairs."""
    adjusted = _adjusted(evidence)
    key = (first, second) if (first, second) in adjusted else (second, first)
    return adjusted[key] < SIGNIFICANCE


def _adjusted(evidence: ExperimentPredictions) -> dict[tuple[str, str], float]:
    """p values of all pairs after Holm."""
    tests = evidence.pair_tests
    return dict(zip(tests, holm([test.p_value for test in tests.values()]), strict=True))


def _turned(test: PairedTest) -> PairedTest:
    return PairedTest(
        images=test.images,
        difference=-test.difference,
        p_value=test.p_value,
        fixed=test.regressed,
        regressed=test.fixed,
        disagreement=test.disagreement,
    )


def _verdict(
    answers: tuple[StrategyPredictions, StrategyPredictions],
    test: PairedTest,
    adjusted: float,
    pairs: int,
    interval: tuple[float, float] | None,
) -> PairVerdict:
    first, second = answers
    told_apart = adjusted < SIGNIFICANCE
    seeds_agree = None
    if interval is not None and max(len(first.seeds), len(second.seeds)) > 1:
        seeds_agree = not (told_apart and interval[0] <= 0 <= interval[1])
    low, high = interval or (None, None)
    return PairVerdict(
        first=first.strategy,
        second=second.strategy,
        first_title=first.title,
        second_title=second.title,
        first_seeds=len(first.seeds),
        second_seeds=len(second.seeds),
        images=test.images,
        pairs=pairs,
        difference=test.difference,
        low=low,
        high=high,
        p_value=test.p_value,
        adjusted_p_value=adjusted,
        told_apart=told_apart,
        seeds_agree=seeds_agree,
        fixed=test.fixed,
        regressed=test.regressed,
    )
