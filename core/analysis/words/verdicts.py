"""Who is ahead, by how much, and is it luck: words first, numbers second.

Every page, report and story takes its verdicts from here, so each rule of wording is one edit.
"""

from collections.abc import Sequence

from core.analysis.evidence import ExperimentPredictions
from core.analysis.metrics import METRICS
from core.analysis.scores import StrategyScore
from core.analysis.significance import CONFIDENCE
from core.analysis.verdicts import (
    LadderStep,
    MajorityVerdict,
    Outcome,
    PairVerdict,
    TieGroup,
    visible_difference,
)
from core.text import count_text, percent_text

# Below this p is not shown as a number: "p = 0.0000" would say that it cannot be.
SMALLEST_SHOWN_P = 1e-4
# The verdict on two strategies whose difference is more than luck.
TOLD_APART = "told apart"
TIED = f"cannot be {TOLD_APART}"
NO_TIES = f"All neighbours in the ranking can be {TOLD_APART}."
SEEDS_DISAGREE = (
    "But the seeds disagree: the interval over images and seeds includes zero, so "
    "training again could reverse it."
)
_SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def outcome_phrase(outcome: Outcome, difference: float, other: str) -> str:
    """The verb and what follows: ``is 35.0 points ahead of X``, ``cannot be told apart from X``.

    ``difference`` is one of two accuracies (0 to 1); its sign does not matter.
    """
    if outcome is Outcome.TIED:
        return f"{TIED} from {other}"
    where = "ahead of" if outcome is Outcome.AHEAD else "behind"
    return f"is {points_words(abs(difference))} {where} {other}"


def always(class_name: str) -> str:
    """The baseline inside a sentence."""
    return f"always predicting {quoted(class_name)}"


def describe_pair(verdict: PairVerdict) -> str:
    """Seen from the better one, so that the difference is never below zero."""
    pair = (verdict.first_title, verdict.first_seeds), (verdict.second_title, verdict.second_seeds)
    (worse, worse_seeds), (better, better_seeds) = pair if verdict.difference >= 0 else pair[::-1]
    size = abs(verdict.difference)
    details = [one_seed_words((worse, worse_seeds), (better, better_seeds))]
    if verdict.low is not None and verdict.high is not None:
        low, high = verdict.low, verdict.high
        details.append(interval_words(*((low, high) if verdict.difference >= 0 else (-high, -low))))
    if verdict.told_apart:
        lead = (
            f"{closed(better)} {outcome_phrase(Outcome.AHEAD, size, worse)}{_in_brackets(details)}"
        )
        doubt = f" {SEEDS_DISAGREE}" if verdict.seeds_agree is False else ""
        return f"{lead}; {luck_words(verdict.adjusted_p_value, verdict.pairs)}.{doubt}"
    whose = f" for {better}" if size else ""
    p_words = adjusted_p_words(verdict.adjusted_p_value, verdict.pairs)
    details = [f"difference {points_words(size)}{whose}", *details, p_words]
    tie = outcome_phrase(Outcome.TIED, size, closed(worse))
    return f"{closed(better)} {tie} on {verdict.images:,} test images{_in_brackets(details)}."


def describe_majority(verdict: MajorityVerdict) -> str:
    """One strategy against always predicting the commonest training class."""
    baseline, title = always(verdict.majority_name), closed(verdict.title)
    if verdict.is_the_same:
        return (
            f"{title} predicts {quoted(verdict.majority_name)} for every test image, which is the "
            "baseline itself."
        )
    details = [
        one_seed_words((verdict.title, verdict.seeds)),
        interval_words(verdict.low, verdict.high),
    ]
    found = f"{title} {outcome_phrase(verdict.outcome, verdict.difference, baseline)}"
    if verdict.outcome is Outcome.TIED:
        size = f"difference {points_words(verdict.difference)}"
        return f"{found}{_in_brackets([size, *details, p_text(verdict.p_value)])}."
    return f"{found}{_in_brackets(details)}; {luck_words(verdict.p_value)}."


def describe_ties(group: TieGroup) -> str:
    return (
        f"These {number_word(len(group.titles))} {TIED} on {group.images:,} test images: "
        f"{'; '.join(group.titles)}."
    )


def describe_step(step: LadderStep) -> str:
    """One step, judged by its interval alone and not by the paired test."""
    fraction = percent_text(step.accuracy)
    if step.over is None or step.gain is None or step.low is None or step.high is None:
        return f"{step.title} is right for {fraction} of the test images."
    details = interval_words(step.low, step.high) + (", one seed" if step.seeds == 1 else "")
    start = f"{closed(step.title)} gets {fraction} right"
    if step.outcome is Outcome.TIED:
        size = f"difference {points_words(step.gain)}"
        return f"{start}, no clear step over {step.over} ({size}, {details})."
    return f"{start} and {outcome_phrase(step.outcome, step.gain, step.over)} ({details})."


def describe_seeds(score: StrategyScore) -> str:
    """Beside a mean: ``one seed``, or the standard deviation of the seeds."""
    if score.deviation is None:
        return "one seed"
    kind = METRICS[score.metric]
    unit = "nats" if kind.unit == "nats" else "points"
    spread = f"{kind.shown(score.deviation):.{2 if kind.unit == 'nats' else 1}f}"
    return f"{len(score.seeds)} seeds, standard deviation {spread} {unit}"


def describe_power(evidence: ExperimentPredictions) -> str:
    """How large a difference must be to be seen with this number of test images."""
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


def points_text(fraction: float) -> str:
    """A difference of two fractions: ``23.8`` for 0.238; no minus sign before a zero."""
    return f"{round(100 * fraction, 1) + 0.0:.1f}"


def points_words(fraction: float) -> str:
    """``23.8 points``; also ``1.0 points``, as decimals are read."""
    return f"{points_text(fraction)} points"


def signed_points(fraction: float) -> str:
    """A difference with its direction: ``+23.8``, ``-1.2``, ``+0.0``."""
    text = points_text(fraction)
    return text if text.startswith("-") else f"+{text}"


def interval_words(low: float, high: float) -> str:
    """``95 % interval 18.9 to 28.6``, in points."""
    return f"{100 * CONFIDENCE:.0f} % interval {points_text(low)} to {points_text(high)}"


def p_text(p_value: float) -> str:
    """``p = 0.31``, ``p = 0.012``, ``p < 0.0001``, ``p = 1``: two digits, never ``p = 0.000``."""
    p_value = round(p_value, 12)  # the last bits of a convolution decide no digit
    if p_value < SMALLEST_SHOWN_P:
        return f"p < {SMALLEST_SHOWN_P:.4f}"
    if p_value >= 0.995:
        return "p = 1"
    if p_value >= 0.0995:
        return f"p = {p_value:.2f}"
    if 0.0495 <= p_value < 0.0505:
        # Two digits would not say on which side of the limit it is.
        return f"p = {p_value:.4f}"
    return f"p = {p_value:.{3 if p_value >= 0.00995 else 4}f}"


def adjusted_p_words(adjusted: float, pairs: int) -> str:
    """``p = 0.31 after Holm over 36 pairs``: the family that is tested together."""
    return p_text(adjusted) + _after_holm(pairs)


def _after_holm(pairs: int) -> str:
    return f" after Holm over {pairs:,} pairs" if pairs > 1 else ""


def holm_words(pairs: int, which: str) -> str:
    """Over which family of tests Holm's correction is taken; ``which`` names the pairs."""
    if pairs == 1:
        return f"One pair is tested, so its p value is not corrected: {which}."
    return f"Holm's correction is over {count_text(pairs, 'pair')}: {which}."


def luck_words(p_value: float, pairs: int = 1) -> str:
    """How likely luck alone gives a difference this large, as 1 in a number.

    ``pairs`` as in ``adjusted_p_words``.
    """
    if p_value < SMALLEST_SHOWN_P:
        return (
            "a difference this large by luck is less likely than "
            f"1 in {round(1 / SMALLEST_SHOWN_P):,}{_after_holm(pairs)}"
        )
    chances = float(f"{1 / p_value:.2g}")
    return (
        f"a difference this large by luck has a chance of about 1 in {chances:,.0f} "
        f"({adjusted_p_words(p_value, pairs)})"
    )


def one_seed_words(*strategies: tuple[str, int]) -> str:
    """Which of the strategies, as title and number of seeds, have one seed; "" if none has."""
    single = [title for title, seeds in strategies if seeds == 1]
    if not single:
        return ""
    if len(single) == len(strategies):
        return "one seed each" if len(strategies) > 1 else "one seed"
    return f"one seed of {single[0]}"


def closed(title: str) -> str:
    """A title inside a sentence: one that has a comma needs another behind it."""
    return f"{title}," if "," in title else title


def quoted(class_name: str) -> str:
    return f"“{class_name}”"


def number_word(count: int) -> str:
    return _SMALL_NUMBERS[count] if count < len(_SMALL_NUMBERS) else f"{count}"


def _in_brackets(details: Sequence[str]) -> str:
    """`` (a, b)``; nothing where all details are empty."""
    known = ", ".join(detail for detail in details if detail)
    return f" ({known})" if known else ""
