"""An experiment in short: what won and how certainly, what it costs, when less is enough."""

from dataclasses import dataclass

from core.analysis.choice import good_strategies, headline_pair, needs_pretrained
from core.analysis.evidence import ExperimentPredictions, StrategyPredictions
from core.analysis.significance import mean_interval
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
    """A strategy by its mean test accuracy (0 to 1) and the seconds of a whole run, if known, and
    whether these were disturbed."""

    strategy: str
    title: str
    accuracy: float
    seconds: float | None
    is_disturbed: bool = False


@dataclass(frozen=True)
class Summary:
    """The answer of one experiment.

    ``best`` is the most accurate strategy, ``verdict`` that against the majority class, ``lead``
    that over the next best, with the interval; None where there is no other. ``tied`` are titles
    of those that cannot be told apart from the best. Of those that are quicker than the best, by
    times that were not disturbed:
    ``quickest_good`` is the quickest that is clearly better than the majority class, ``enough``
    the quickest of these that cannot be told apart from the best, ``nearest_quicker`` the most
    accurate, with ``nearest_told_apart``. ``useless`` are titles of those that are no better than
    the majority class. ``any_good``: at least one is clearly better than that. ``best_interval`` is
    the 95 % Wilson interval of the best accuracy, of one seed's test images. ``head_start`` is the
    chosen pre-trained strategy against the best from scratch, None where either is missing.
    """

    best: Contender
    best_interval: tuple[float, float]
    verdict: MajorityVerdict
    tied: tuple[str, ...]
    lead: PairVerdict | None
    quickest_good: Contender | None
    enough: Contender | None
    nearest_quicker: Contender | None
    nearest_told_apart: bool
    useless: tuple[str, ...]
    any_good: bool
    head_start: PairVerdict | None

    @property
    def cheapest(self) -> Contender | None:
        """The quickest that cannot be told apart from the best, or the best itself; None where
        nothing is clearly better than the majority class."""
        return (self.enough or self.best) if self.any_good else None


def summary_of(evidence: ExperimentPredictions, breakdown: TimeBreakdown) -> Summary | None:
    """None where no run has finished with its predictions. Of ``evidence.fair``."""
    evidence = evidence.fair
    best = evidence.best
    if best is None:
        return None
    times = {row.strategy: row for row in breakdown.rows}
    seconds = {row.strategy: row.parts.end_to_end for row in breakdown.rows if not row.is_disturbed}

    def contender(answers: StrategyPredictions) -> Contender:
        time = times.get(answers.strategy)
        return Contender(
            answers.strategy,
            answers.title,
            answers.accuracy,
            time.parts.end_to_end if time else None,
            time.is_disturbed if time else False,
        )

    def is_quicker(answers: StrategyPredictions) -> bool:
        infinite = float("inf")
        return seconds.get(answers.strategy, infinite) < seconds.get(best.strategy, -infinite)

    def quickest(entries: list[StrategyPredictions]) -> Contender | None:
        first = min(entries, key=lambda answers: seconds[answers.strategy], default=None)
        return None if first is None else contender(first)

    learning = [answers for answers in evidence.answers if answers.strategy != MAJORITY]
    good = good_strategies(evidence)
    rivals = _rivals(evidence, best)
    quicker = [(answers, pair) for answers, pair in rivals if is_quicker(answers)]
    # On few images even a useless strategy cannot be told apart from the best.
    enough = [answers for answers, pair in quicker if not pair.told_apart and answers in good]
    return Summary(
        best=contender(best),
        best_interval=mean_interval([best.accuracy], evidence.images),
        verdict=against_majority(evidence, best.strategy),
        tied=tuple(answers.title for answers, pair in rivals if not pair.told_apart),
        lead=pair_verdict(evidence, rivals[0][0].strategy, best.strategy) if rivals else None,
        quickest_good=quickest([answers for answers in good if is_quicker(answers)]),
        enough=quickest(enough),
        nearest_quicker=contender(quicker[0][0]) if quicker else None,
        nearest_told_apart=bool(quicker) and quicker[0][1].told_apart,
        useless=tuple(
            answers.title
            for answers in learning
            if not against_majority(evidence, answers.strategy).is_better
        ),
        any_good=bool(good),
        head_start=_head_start(evidence),
    )


def _head_start(evidence: ExperimentPredictions) -> PairVerdict | None:
    first, second = headline_pair(evidence) or ("", "")
    if needs_pretrained(first) or not needs_pretrained(second) or first == MAJORITY:
        return None
    return pair_verdict(evidence, first, second)


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
