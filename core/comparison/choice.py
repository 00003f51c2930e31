"""Which strategies a report talks about: the best one, and the one that it is held against."""

from core.comparison.evidence import StrategyPredictions, ExperimentPredictions
from core.errors import UnknownName
from core.strategies.registry import find_strategy

MAJORITY = "majority"


def best_answers(evidence: ExperimentPredictions) -> StrategyPredictions | None:
    """The most accurate strategy; of equals the lower rung. None where nothing has answers."""
    return max(evidence.answers, key=lambda answers: answers.accuracy, default=None)


def needs_pretrained(strategy: str) -> bool:
    """Whether it starts from weights made elsewhere; no for a strategy that is no longer there."""
    try:
        return "weights" in find_strategy(strategy).needs
    except UnknownName:
        return False


def flip_pair(evidence: ExperimentPredictions) -> tuple[str, str] | None:
    """Two strategies whose pictures are worth looking at: the head start made visible.

    The second is the best; the first is the best of those that are on the other side of the
    question (without pre-trained weights where the best has them, and the other way round), or
    the runner-up where all are on one side. None with fewer than two.
    """
    best = best_answers(evidence)
    others = [
        answers
        for answers in evidence.answers
        if answers is not best and answers.strategy != MAJORITY
    ] or [answers for answers in evidence.answers if answers is not best]
    if best is None or not others:
        return None
    side = needs_pretrained(best.strategy)
    across = [answers for answers in others if needs_pretrained(answers.strategy) != side]
    first = max(across or others, key=lambda answers: answers.accuracy)
    return first.strategy, best.strategy
