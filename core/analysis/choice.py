"""Which strategies are worth talking about: the roles they play, the best, the headline pair."""

from core.analysis.evidence import Answers, Evidence
from core.analysis.verdicts import all_pairs
from core.errors import UnknownName
from core.strategies.registry import find_strategy

MAJORITY = "majority"


def best_answers(evidence: Evidence) -> Answers | None:
    """The most accurate strategy; of equals the lower rung. None where nothing has answers."""
    return max(evidence.answers, key=lambda answers: answers.accuracy, default=None)


def needs_pretrained(strategy: str) -> bool:
    """Whether it starts from weights made elsewhere; no for a strategy that is no longer there."""
    try:
        return "weights" in find_strategy(strategy).needs
    except UnknownName:
        return False


def flip_pair(evidence: Evidence) -> tuple[str, str] | None:
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


USUAL_PAIR = ("cnn", "vgg16_probe")


def telling_pair(evidence: Evidence) -> tuple[str, str] | None:
    """The cheaper and the better one: ``(first, second)``, or None with fewer than two.

    The best strategy and the lowest rung that cannot be told apart from it, because that one
    may do; where all can be told apart, the CNN and the probe; without these, the two best.
    """
    ranked = sorted(evidence.answers, key=lambda answers: -answers.accuracy)
    if len(ranked) < 2:
        return None
    best = ranked[0].strategy
    alike = {
        name
        for pair in all_pairs(evidence)
        if not pair.told_apart and best in (pair.first, pair.second)
        for name in (pair.first, pair.second)
    }
    lowest = next((entry.strategy for entry in evidence.answers if entry.strategy in alike), best)
    if lowest != best:
        return lowest, best
    names = {answers.strategy for answers in evidence.answers}
    return USUAL_PAIR if names.issuperset(USUAL_PAIR) else (ranked[1].strategy, best)
