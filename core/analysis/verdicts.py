"""Which differences are real: for every pair, against the majority class, up the ladder.

The p values come from the exact paired test over images; those of pairs are adjusted for their
number (Holm) before a difference counts as real. Intervals are bootstrapped over images and seeds.
``core.analysis.words.verdicts`` makes the sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from core.errors import BadInput, UnknownName
from core.strategies.registry import MAJORITY, find_strategy


class Outcome(StrEnum):
    """One strategy beside another; ``TIED``: the test cannot tell them apart."""

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
    its 95 % interval over images and seeds, None in ``all_pairs``. ``adjusted_p_value`` is
    ``p_value`` after Holm over the ``pairs`` tested together, and ``told_apart`` whether it is
    under 5 %.
    ``seeds_agree`` is False where it is, but the interval holds 0: training again could reverse
    the difference (None: not known, or one seed each). ``fixed`` and ``regressed`` count images
    that only ``second``, and only ``first``, got right (means over seeds).
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
        """``second`` beside ``first``."""
        return outcome_of(self.difference, self.told_apart)

    @property
    def settled_outcome(self) -> Outcome:
        """``outcome``, but tied where the seeds disagree."""
        return Outcome.TIED if self.seeds_agree is False else self.outcome

    @property
    def turned(self) -> "PairVerdict":
        """The same pair, ``first`` against ``second``."""
        return replace(
            self,
            first=self.second,
            second=self.first,
            first_title=self.second_title,
            second_title=self.first_title,
            first_seeds=self.second_seeds,
            second_seeds=self.first_seeds,
            difference=-self.difference,
            low=None if self.high is None else -self.high,
            high=None if self.low is None else -self.low,
            fixed=self.regressed,
            regressed=self.fixed,
        )


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

    titles: tuple[str, ...]
    images: int


@dataclass(frozen=True)
class LadderStep:
    """One step of the ladder from the majority class to the best; fractions are 0 to 1.

    ``gain`` is the strategy's mean accuracy minus that of the step before (``over``, a title), with
    ``low`` and ``high``, the 95 % interval over images and seeds; all four are None for the first
    step, always predicting the commonest training class. ``over_majority`` is the gain over that
    first. ``seeds`` is the number of seeds.
    """

    strategy: str
    title: str
    teaches: str
    seeds: int
    accuracy: float
    over: str | None
    gain: float | None
    low: float | None
    high: float | None
    over_majority: float

    @property
    def outcome(self) -> Outcome:
        """Beside the step before; tied where the interval of the gain holds 0, and at the start."""
        if self.low is not None and self.low > 0:
            return Outcome.AHEAD
        if self.high is not None and self.high < 0:
            return Outcome.BEHIND
        return Outcome.TIED


def pair_verdict(evidence: ExperimentPredictions, first: str, second: str) -> PairVerdict:
    """``second`` against ``first``, with the interval.

    Raises ``UnknownName`` for a strategy without predictions and ``BadInput`` for twice the same.
    """
    answers = evidence.of(first), evidence.of(second)
    if first == second:
        raise BadInput("Choose two different strategies to compare.", "pair")
    adjusted = _adjusted(evidence)
    if (first, second) not in adjusted:
        return pair_verdict(evidence, second, first).turned
    test = evidence.pair_tests[first, second]
    interval = percentile_interval(evidence.drawn_differences(first, second))
    return _verdict(answers, test, adjusted[first, second], len(adjusted), interval)


def all_pairs(evidence: ExperimentPredictions) -> tuple[PairVerdict, ...]:
    """Every pair in ladder order, without intervals."""
    return family_of_pairs(evidence, list(evidence.pair_tests))


def family_of_pairs(
    evidence: ExperimentPredictions, pairs: Sequence[tuple[str, str]], with_intervals: bool = False
) -> tuple[PairVerdict, ...]:
    """These ``pairs`` (first and second in ladder order), with Holm over them alone."""
    tests = [evidence.pair_tests[pair] for pair in pairs]
    adjusted = holm([test.p_value for test in tests])
    return tuple(
        _verdict(
            (evidence.of(first), evidence.of(second)),
            test,
            p_value,
            len(tests),
            percentile_interval(evidence.drawn_differences(first, second))
            if with_intervals
            else None,
        )
        for (first, second), test, p_value in zip(pairs, tests, adjusted, strict=True)
    )


def against_majority(evidence: ExperimentPredictions, strategy: str) -> MajorityVerdict:
    """Is the strategy any better than always predicting the commonest training class?"""
    answers = evidence.of(strategy)
    test = paired_test(evidence.majority_correct, answers.correct)
    low, high = percentile_interval(evidence.drawn_differences(BASELINE, strategy))
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
        TieGroup(tuple(titles[name] for name in group), evidence.images)
        for group in tie_groups(list(titles), told_apart)
    )


def ladder_steps(evidence: ExperimentPredictions) -> tuple[LadderStep, ...]:
    """The steps from the least accurate strategy up, the majority class first.

    A strategy that is worse than always predicting one class comes second, with a gain below zero.
    Order and gains come from the same images: neighbours that lie close might change places on
    other images, which is what the interval of their gain says. Empty without predictions.
    """
    if not evidence.answers:
        return ()
    baseline = evidence.majority_accuracy
    title = evidence.majority_title
    teaches = _teaches(MAJORITY)
    steps = [LadderStep(MAJORITY, title, teaches, 1, baseline, None, None, None, None, 0.0)]
    before = BASELINE
    learning = (answers for answers in evidence.answers if answers.strategy != MAJORITY)
    for answers in sorted(learning, key=lambda answers: answers.accuracy):
        low, high = percentile_interval(evidence.drawn_differences(before, answers.strategy))
        steps.append(
            LadderStep(
                strategy=answers.strategy,
                title=answers.title,
                teaches=_teaches(answers.strategy),
                seeds=len(answers.seeds),
                accuracy=answers.accuracy,
                over=steps[-1].title,
                gain=answers.accuracy - steps[-1].accuracy,
                low=low,
                high=high,
                over_majority=answers.accuracy - baseline,
            )
        )
        before = answers.strategy
    return tuple(steps)


def _teaches(strategy: str) -> str:
    """The registry's sentence; nothing for a strategy that is no longer there."""
    try:
        return find_strategy(strategy).teaches
    except UnknownName:
        return ""


def visible_difference(evidence: ExperimentPredictions) -> float | None:
    """The difference in accuracy that these test images show four times in five, 0 to 1.

    For two strategies that disagree as much as the median pair of neighbours in the ranking, at
    5 % without Holm: with many pairs it is somewhat larger. None where there is nothing to compare,
    or where no difference would be seen so often.
    """
    ranked = [
        evidence.majority_correct,
        *(answers.correct for answers in reversed(evidence.ranked)),
    ]
    tests = [paired_test(first, second) for first, second in pairwise(ranked)]
    if not tests:
        return None
    disagreements = [test.disagreement for test in tests if test.disagreement > 0]
    middle = median(disagreements) if disagreements else 0.0
    return smallest_visible_difference(evidence.images, middle)


def is_told_apart(evidence: ExperimentPredictions, first: str, second: str) -> bool:
    """Whether the exact test tells two strategies apart, after Holm over all pairs."""
    adjusted = _adjusted(evidence)
    key = (first, second) if (first, second) in adjusted else (second, first)
    return adjusted[key] < SIGNIFICANCE


def _adjusted(evidence: ExperimentPredictions) -> dict[tuple[str, str], float]:
    """p values of all pairs after Holm."""
    tests = evidence.pair_tests
    return dict(zip(tests, holm([test.p_value for test in tests.values()]), strict=True))


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
