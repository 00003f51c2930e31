"""Statistics in words for people who never learned any: words first, numbers second."""

import numpy as np

from core.comparison.evidence import StrategyPredictions, ExperimentPredictions
from core.comparison.resampling import CONFIDENCE
from core.comparison.significance import PairedTest

# Below this p is not shown as a number: "p = 0.0000" would say that it cannot be.
SMALLEST_SHOWN_P = 1e-4
SIGNIFICANCE = 1 - CONFIDENCE


def points_text(fraction: float) -> str:
    """A difference of two shares: ``23.8`` for 0.238; no minus sign before a zero."""
    return f"{round(100 * fraction, 1) + 0.0:.1f}"


def points_words(fraction: float) -> str:
    """``23.8 points``; ``1.0 point`` is said as ``1.0 points``, as decimals are."""
    return f"{points_text(fraction)} points"


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


def luck_words(p_value: float) -> str:
    """How likely luck alone gives a difference this large, as one chance in so many."""
    if p_value < SMALLEST_SHOWN_P:
        return (
            "a difference this large by luck is less likely than "
            f"1 in {round(1 / SMALLEST_SHOWN_P):,}"
        )
    chances = float(f"{1 / p_value:.2g}")
    return (
        f"a difference this large by luck has a chance of about 1 in {chances:,.0f} "
        f"({p_text(p_value)})"
    )


def closed(title: str) -> str:
    """A title inside a sentence: one that has a comma needs another behind it."""
    return f"{title}," if "," in title else title


def quoted(class_name: str) -> str:
    return f"“{class_name}”"


_SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def number_word(count: int) -> str:
    return _SMALL_NUMBERS[count] if count < len(_SMALL_NUMBERS) else f"{count}"


def pair_words(
    answers: tuple[StrategyPredictions, StrategyPredictions],
    test: PairedTest,
    interval: tuple[float, float] | None,
    p_words: str,
    told_apart: bool,
) -> str:
    """Seen from the better one, so that the difference is never below zero."""
    worse, better = answers if test.difference >= 0 else answers[::-1]
    size = points_words(abs(test.difference))
    details = [one_seed_words(worse, better)]
    if interval is not None:
        low, high = interval if test.difference >= 0 else (-interval[1], -interval[0])
        details.append(interval_words(low, high))
    if told_apart:
        known = ", ".join(detail for detail in details if detail)
        return f"{closed(better.title)} beats {closed(worse.title)} by {size}" + (
            f" ({known})" if known else ""
        )
    whose = f" for {closed(better.title)}" if test.difference else ","
    details = [f"difference {size}{whose}".rstrip(","), *details, p_words]
    return (
        f"{closed(better.title)} and {closed(worse.title)} cannot be told apart on {test.images:,} "
        f"test images ({', '.join(detail for detail in details if detail)})."
    )


def adjusted_p_words(adjusted: float, pairs: int) -> str:
    return p_text(adjusted) + (" after Holm" if pairs > 1 else "")


def one_seed_words(*answers: StrategyPredictions) -> str:
    single = [entry for entry in answers if len(entry.seeds) == 1]
    if not single:
        return ""
    if len(single) == len(answers):
        return "one seed each" if len(answers) > 1 else "one seed"
    return f"one seed of {single[0].title}"


def majority_words(
    evidence: ExperimentPredictions,
    answers: StrategyPredictions,
    test: PairedTest,
    interval: tuple[float, float],
) -> str:
    always = f"always saying {quoted(evidence.majority_name)}"
    if bool(np.all(answers.predicted == evidence.majority_label)):
        return (
            f"{closed(answers.title)} says {quoted(evidence.majority_name)} for every test image: "
            "it is no better than that, because it is the same."
        )
    details = [one_seed_words(answers), interval_words(*interval)]
    if test.p_value >= SIGNIFICANCE:
        details = [f"difference {points_words(test.difference)}", *details, p_text(test.p_value)]
        known = ", ".join(detail for detail in details if detail)
        return f"{closed(answers.title)} is no better than {always} ({known})."
    known = ", ".join(detail for detail in details if detail)
    verb = "beats" if test.difference > 0 else "is worse than"
    size = points_words(abs(test.difference))
    return (
        f"{closed(answers.title)} {verb} {always} by {size} ({known}); {luck_words(test.p_value)}."
    )
