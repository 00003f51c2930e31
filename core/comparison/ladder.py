"""The ladder: from the majority class to the best, what each step gains and what it teaches."""

from dataclasses import dataclass

from core.comparison.evidence import BASELINE, StrategyPredictions, ExperimentPredictions
from core.comparison.resampling import percentile_interval
from core.comparison.verdict_words import interval_words, points_words, quoted
from core.errors import UnknownName
from core.strategies.registry import find_strategy

MAJORITY = "majority"


@dataclass(frozen=True)
class LadderStep:
    """One strategy on its way up; fractions are 0 to 1.

    ``gain`` is its mean accuracy minus that of the step before (``over``, a title), with ``low``
    and ``high``, the 95 % interval over images and seeds; all four are None for the first, which
    is always saying the commonest training class. ``over_majority`` is the gain over that first.
    """

    strategy: str
    title: str
    teaches: str
    accuracy: float
    over: str | None
    gain: float | None
    low: float | None
    high: float | None
    over_majority: float
    words: str


def ladder_steps(evidence: ExperimentPredictions) -> tuple[LadderStep, ...]:
    """The steps in the order of their accuracy, the majority class first.

    A strategy that is worse than always saying one class comes second, with a gain below zero.
    The order comes from the same images as the gains: neighbours that lie close might stand the
    other way round on other images, which is what their interval says. Empty without answers.
    """
    if not evidence.answers:
        return ()
    climbing = sorted(
        (answers for answers in evidence.answers if answers.strategy != MAJORITY),
        key=lambda answers: answers.accuracy,
    )
    steps = [_first(evidence)]
    before = BASELINE
    for answers in climbing:
        steps.append(_step(evidence, answers, before, steps[-1]))
        before = answers.strategy
    return tuple(steps)


def _first(evidence: ExperimentPredictions) -> LadderStep:
    title = f"Always {quoted(evidence.majority_name)}"
    share = f"{100 * evidence.majority_accuracy:.1f} %"
    return LadderStep(
        strategy=MAJORITY,
        title=title,
        teaches=_teaches(MAJORITY),
        accuracy=evidence.majority_accuracy,
        over=None,
        gain=None,
        low=None,
        high=None,
        over_majority=0.0,
        words=f"{title} is right for {share} of the test images.",
    )


def _step(
    evidence: ExperimentPredictions, answers: StrategyPredictions, before: str, last: LadderStep
) -> LadderStep:
    resampled = evidence.resampled
    low, high = percentile_interval(resampled[answers.strategy] - resampled[before])
    gain = answers.accuracy - last.accuracy
    if low > 0:
        size = f"{points_words(gain)} more than {last.title}"
    elif high < 0:
        size = f"{points_words(-gain)} less than {last.title}"
    else:
        size = f"no clear step over {last.title}: {points_words(gain)}"
    seeds = ", one seed" if len(answers.seeds) == 1 else ""
    return LadderStep(
        strategy=answers.strategy,
        title=answers.title,
        teaches=_teaches(answers.strategy),
        accuracy=answers.accuracy,
        over=last.title,
        gain=gain,
        low=low,
        high=high,
        over_majority=answers.accuracy - evidence.majority_accuracy,
        words=f"{answers.title}: {100 * answers.accuracy:.1f} %, {size} "
        f"({interval_words(low, high)}{seeds}).",
    )


def _teaches(strategy: str) -> str:
    """The registry's sentence; nothing for a strategy that is no longer there."""
    try:
        return find_strategy(strategy).teaches
    except UnknownName:
        return ""
