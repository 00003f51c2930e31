"""The ladder: from the majority class to the best, what each step gains and what it teaches."""

from dataclasses import dataclass

from core.analysis.evidence import BASELINE, ExperimentPredictions, StrategyPredictions
from core.analysis.significance import percentile_interval
from core.analysis.verdicts import Outcome
from core.errors import UnknownName
from core.strategies.registry import MAJORITY, find_strategy


@dataclass(frozen=True)
class LadderStep:
    """One strategy on its way up; fractions are 0 to 1.

    ``gain`` is its mean accuracy minus that of the step before (``over``, a title), with ``low``
    and ``high``, the 95 % interval over images and seeds; all four are None for the first, which
    is always predicting the commonest training class. ``over_majority`` is the gain over that
    first. ``seeds`` is how many the strategy has.
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


def ladder_steps(evidence: ExperimentPredictions) -> tuple[LadderStep, ...]:
    """The steps in the order of their accuracy, the majority class first.

    A strategy that is worse than always predicting one class comes second, with a gain below zero.
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
    return LadderStep(
        strategy=MAJORITY,
        title=evidence.majority_title,
        teaches=_teaches(MAJORITY),
        seeds=1,
        accuracy=evidence.majority_accuracy,
        over=None,
        gain=None,
        low=None,
        high=None,
        over_majority=0.0,
    )


def _step(
    evidence: ExperimentPredictions, answers: StrategyPredictions, before: str, last: LadderStep
) -> LadderStep:
    resampled = evidence.resampled
    low, high = percentile_interval(resampled[answers.strategy] - resampled[before])
    return LadderStep(
        strategy=answers.strategy,
        title=answers.title,
        teaches=_teaches(answers.strategy),
        seeds=len(answers.seeds),
        accuracy=answers.accuracy,
        over=last.title,
        gain=answers.accuracy - last.accuracy,
        low=low,
        high=high,
        over_majority=answers.accuracy - evidence.majority_accuracy,
    )


def _teaches(strategy: str) -> str:
    """The registry's sentence; nothing for a strategy that is no longer there."""
    try:
        return find_strategy(strategy).teaches
    except UnknownName:
        return ""
