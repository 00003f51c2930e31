"""An experiment in a nutshell: what won and how surely, what it costs, when less is enough."""

from dataclasses import dataclass

from core.analysis.consensus import good_strategies
from core.analysis.evidence import ExperimentPredictions, StrategyPredictions
from core.analysis.time_breakdown import TimeBreakdown
from core.analysis.verdicts import (
    MajorityVerdict,
    PairVerdict,
    against_majority,
    all_pairs,
    pair_verdict,
)
from core.strategies.registry import MAJORITY


@dataclass(frozen=True)
class Contender:
    """A strategy by its mean test accuracy (0 to 1) and the seconds of a whole run, if known."""

    strategy: str
    title: str
    accuracy: float
    seconds: float | None


@dataclass(frozen=True)
class Summary:
    """``best`` is the most accurate strategy, ``verdict`` sets it against the majority class.

    ``tied`` are titles of those that cannot be told apart from it. ``lead`` is its verdict over
    the next best, with the interval; None where there is no other. ``quickest_good``: the quickest
    that is clearly better than the majority class, if it is quicker than the best.
    ``enough``: the quickest of the good ones that is quicker than the best and cannot be told apart
    from it. ``nearest_quicker`` is the most accurate of those that are quicker, with
    ``nearest_told_apart``. ``useless`` are titles of those that are no better than the majority
    class. ``any_good``: at least one strategy is clearly better than the majority class.
    """

    best: Contender
    verdict: MajorityVerdict
    tied: tuple[str, ...]
    lead: PairVerdict | None
    quickest_good: Contender | None
    enough: Contender | None
    nearest_quicker: Contender | None
    nearest_told_apart: bool
    useless: tuple[str, ...]
    any_good: bool


def summary_of(evidence: ExperimentPredictions, breakdown: TimeBreakdown) -> Summary | None:
    """None where no run has finished with its predictions."""
    best = evidence.best
    if best is None:
        return None
    seconds = {row.strategy: row.parts.end_to_end for row in breakdown.rows}
    own = seconds.get(best.strategy)
    good = good_strategies(evidence)
    rivals = _rivals(evidence, best)
    quicker = [
        (answers, pair)
        for answers, pair in rivals
        if own is not None and seconds.get(answers.strategy, own) < own
    ]
    quick_good = [
        answers for answers in good if own is not None and seconds.get(answers.strategy, own) < own
    ]
    # On few images even a useless strategy cannot be told apart from the best.
    enough = [answers for answers, pair in quicker if not pair.told_apart and answers in good]
    return Summary(
        best=_contender(best, seconds),
        verdict=against_majority(evidence, best.strategy),
        tied=tuple(answers.title for answers, pair in rivals if not pair.told_apart),
        lead=pair_verdict(evidence, rivals[0][0].strategy, best.strategy) if rivals else None,
        quickest_good=_quickest(quick_good, seconds),
        enough=_quickest(enough, seconds),
        nearest_quicker=_contender(quicker[0][0], seconds) if quicker else None,
        nearest_told_apart=bool(quicker) and quicker[0][1].told_apart,
        useless=tuple(
            answers.title
            for answers in evidence.answers
            if answers.strategy != MAJORITY
            and not against_majority(evidence, answers.strategy).is_better
        ),
        any_good=bool(good),
    )


def _rivals(
    evidence: ExperimentPredictions, best: StrategyPredictions
) -> list[tuple[StrategyPredictions, PairVerdict]]:
    """Every other strategy that learns, with the verdict of the pair, the most accurate first."""
    pairs = {frozenset((pair.first, pair.second)): pair for pair in all_pairs(evidence)}
    return [
        (answers, pairs[frozenset((answers.strategy, best.strategy))])
        for answers in evidence.ranked
        if answers is not best and answers.strategy != MAJORITY
    ]


def _contender(answers: StrategyPredictions, seconds: dict[str, float]) -> Contender:
    return Contender(
        answers.strategy, answers.title, answers.accuracy, seconds.get(answers.strategy)
    )


def _quickest(answers: list[StrategyPredictions], seconds: dict[str, float]) -> Contender | None:
    contenders = [_contender(entry, seconds) for entry in answers if entry.strategy in seconds]
    return min(contenders, key=lambda entry: entry.seconds or 0.0, default=None)
