"""Which two strategies are worth laying against each other first."""

from collections.abc import Iterable

from core.comparison.evidence import Evidence
from core.comparison.verdicts import all_pairs
from core.strategies.registry import names_with
from core.strategies.strategy import Role


def usual_pair(names: Iterable[str]) -> tuple[str, str] | None:
    """The convolutional network from scratch and the linear probe, where both are among ``names``.

    Of several the first in the registry.
    """
    there = set(names)
    scratch = [name for name in names_with(Role.FROM_SCRATCH, convolutional=True) if name in there]
    probes = [name for name in names_with(Role.LINEAR_PROBE) if name in there]
    return (scratch[0], probes[0]) if scratch and probes else None


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
    usual = usual_pair(answers.strategy for answers in evidence.answers)
    return usual or (ranked[1].strategy, best)
