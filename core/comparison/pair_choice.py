"""Which two strategies are worth laying against each other first."""

from core.comparison.evidence import ExperimentPredictions
from core.comparison.verdicts import all_pairs

USUAL_PAIR = ("cnn", "vgg16_probe")


def telling_pair(evidence: ExperimentPredictions) -> tuple[str, str] | None:
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
