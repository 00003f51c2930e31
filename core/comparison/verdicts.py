"""Which differences are real, in words and numbers, for every pair and against the majority class.

The p values come from the exact paired test over images; those of pairs are adjusted for their
number (Holm) before anything is called real. Intervals are bootstrapped over images and seeds.
"""

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from core.comparison.evidence import BASELINE, StrategyPredictions, ExperimentPredictions
from core.comparison.resampling import percentile_interval
from core.comparison.significance import (
    PairedTest,
    holm,
    paired_test,
    smallest_visible_difference,
    tie_groups,
)
from core.comparison.verdict_words import (
    SIGNIFICANCE,
    adjusted_p_words,
    luck_words,
    majority_words,
    number_word,
    pair_words,
)
from core.errors import BadInput


@dataclass(frozen=True)
class PairVerdict:
    """``second`` against ``first``; fractions are 0 to 1.

    ``difference`` is the mean accuracy of ``second`` minus that of ``first``; ``low`` and ``high``
    its 95 % interval over images and seeds, None where it was not asked for (``all_pairs``).
    ``adjusted_p_value`` is ``p_value`` after Holm over all pairs, and ``told_apart`` whether it is
    under 5 %. ``seeds_agree`` is False where it is, but the interval holds 0: another training
    could turn it round (None: not known, or one seed each). ``fixed`` and ``regressed`` count
    images that ``second`` alone, and ``first`` alone, got right (means over seeds).
    """

    first: str
    second: str
    first_title: str
    second_title: str
    images: int
    difference: float
    low: float | None
    high: float | None
    p_value: float
    adjusted_p_value: float
    told_apart: bool
    seeds_agree: bool | None
    fixed: float
    regressed: float
    words: str


@dataclass(frozen=True)
class MajorityVerdict:
    """One strategy against always saying the commonest training class; fields as in a pair.

    ``p_value`` is not adjusted: each strategy is asked this one question of its own.
    """

    strategy: str
    title: str
    images: int
    accuracy: float
    majority_accuracy: float
    difference: float
    low: float
    high: float
    p_value: float
    is_better: bool
    words: str


@dataclass(frozen=True)
class TieGroup:
    """Neighbours in the ranking, best first, of which no two can be told apart."""

    strategies: tuple[str, ...]
    titles: tuple[str, ...]
    words: str


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
    """Is the strategy any better than always saying the commonest training class?"""
    answers = evidence.of(strategy)
    test = paired_test(evidence.majority_right, answers.right)
    resampled = evidence.resampled
    low, high = percentile_interval(resampled[strategy] - resampled[BASELINE])
    return MajorityVerdict(
        strategy=strategy,
        title=answers.title,
        images=test.images,
        accuracy=answers.accuracy,
        majority_accuracy=evidence.majority_accuracy,
        difference=test.difference,
        low=low,
        high=high,
        p_value=test.p_value,
        is_better=test.p_value < SIGNIFICANCE and test.difference > 0,
        words=majority_words(evidence, answers, test, (low, high)),
    )


def ties(evidence: ExperimentPredictions) -> tuple[TieGroup, ...]:
    """Groups of neighbours in the ranking by accuracy of which no two can be told apart."""
    ranked = _ranked(evidence)
    titles = {answers.strategy: answers.title for answers in ranked}
    told_apart = {
        frozenset(pair) for pair, p_value in _adjusted(evidence).items() if p_value < SIGNIFICANCE
    }
    groups = tie_groups([answers.strategy for answers in ranked], told_apart)
    return tuple(
        TieGroup(
            strategies=group,
            titles=tuple(titles[name] for name in group),
            words=f"These {number_word(len(group))} cannot be told apart on "
            f"{evidence.images:,} test images: {'; '.join(titles[name] for name in group)}.",
        )
        for group in groups
    )


def visible_difference(evidence: ExperimentPredictions) -> float | None:
    """The difference in accuracy that these test images show four times in five, 0 to 1.

    For two strategies that disagree as much as neighbours in the ranking do here (the middle one
    of them), at 5 % without Holm: with many pairs it is somewhat larger. None where there is
    nothing to compare, or where no difference would be seen so often.
    """
    ranked = [evidence.majority_right] + [answers.right for answers in reversed(_ranked(evidence))]
    tests = [paired_test(first, second) for first, second in pairwise(ranked)]
    disagreements = [test.disagreement for test in tests if test.disagreement > 0]
    if not tests:
        return None
    return smallest_visible_difference(
        evidence.images, median(disagreements) if disagreements else 0.0
    )


def power_sentence(evidence: ExperimentPredictions) -> str:
    """How large a difference must be to be seen with so many test images."""
    if not evidence.answers:
        return "No run has finished yet, so there is nothing to compare."
    difference = visible_difference(evidence)
    if difference is None:
        return (
            f"With {evidence.images:,} test images no difference can be seen reliably between "
            "strategies that agree on as many of them as these do."
        )
    points = 100 * difference
    size = f"{points:.0f}" if points >= 1.95 else f"{points:.1f}"
    return (
        f"With {evidence.images:,} test images a difference under about {size} "
        f"point{'' if size == '1' else 's'} cannot be seen reliably: "
        "it would be missed more often than one time in five."
    )


def _ranked(evidence: ExperimentPredictions) -> list[StrategyPredictions]:
    """Best first; of equals the lower rung of the ladder."""
    return sorted(evidence.answers, key=lambda answers: -answers.accuracy)


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
    words = pair_words(answers, test, interval, adjusted_p_words(adjusted, pairs), told_apart)
    if told_apart:
        words += f"; {luck_words(adjusted)}."
    if seeds_agree is False:
        words += (
            " But the seeds disagree: over images and seeds the interval holds no difference "
            "at all, so that training again could turn it round."
        )
    return PairVerdict(
        first=first.strategy,
        second=second.strategy,
        first_title=first.title,
        second_title=second.title,
        images=test.images,
        difference=test.difference,
        low=low,
        high=high,
        p_value=test.p_value,
        adjusted_p_value=adjusted,
        told_apart=told_apart,
        seeds_agree=seeds_agree,
        fixed=test.fixed,
        regressed=test.regressed,
        words=words,
    )
