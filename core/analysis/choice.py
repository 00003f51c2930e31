"""Which strategies a comparison talks about: the roles they play, and the headline pair.

Pages, report, story and learning curve set the same two strategies side by side
(``docs/decisions/0011-numbers-words-and-the-headline-pair.md``).
"""

from collections.abc import Callable, Mapping

from core.analysis.evidence import ExperimentPredictions
from core.analysis.verdicts import is_told_apart
from core.strategies.registry import MAJORITY, STRATEGIES
from core.strategies.strategy import Role

# ``is_better(strategy, over)``: whether the more accurate of two is really better.
IsBetter = Callable[[str, str], bool]


def needs_pretrained(strategy: str) -> bool:
    """Whether it starts from weights made elsewhere; no for one that the registry lacks."""
    return strategy in STRATEGIES and STRATEGIES[strategy].is_pretrained


def is_probe(strategy: str) -> bool:
    """Whether it is a linear probe; no for one that the registry lacks."""
    return strategy in STRATEGIES and STRATEGIES[strategy].role is Role.LINEAR_PROBE


def headline_pair(evidence: ExperimentPredictions) -> tuple[str, str] | None:
    """``(first, second)``: what a pre-trained network adds to training from scratch.

    See ``headline_of``; whether a pre-trained strategy is really better than the linear probe is
    asked of the exact test over the shared images.
    """
    accuracies = {answers.strategy: answers.accuracy for answers in evidence.answers}
    return headline_of(accuracies, lambda name, over: is_told_apart(evidence, over, name))


def headline_of(
    accuracies: Mapping[str, float], is_better: IsBetter = lambda _name, _over: False
) -> tuple[str, str] | None:
    """The best from scratch and the chosen pre-trained one, by the ``accuracies`` of strategies.

    Where one kind is missing: the runner-up and the best of those that learn, else of all. None
    with fewer than two strategies. ``accuracies`` are in the order of the ladder: ties go
    to the earlier.
    """
    scratch, pretrained = best_from_scratch(accuracies), best_pretrained(accuracies, is_better)
    if scratch is not None and pretrained is not None:
        return scratch, pretrained
    learned = [name for name in accuracies if name != MAJORITY]
    among = learned if len(learned) > 1 else list(accuracies)
    ranked = sorted(among, key=lambda name: -accuracies[name])
    return (ranked[1], ranked[0]) if len(ranked) > 1 else None


def best_from_scratch(accuracies: Mapping[str, float]) -> str | None:
    """The most accurate strategy that learns from the dataset alone."""
    names = (name for name in accuracies if name != MAJORITY and not needs_pretrained(name))
    return max(names, key=lambda name: accuracies[name], default=None)


def best_pretrained(
    accuracies: Mapping[str, float], is_better: IsBetter = lambda _name, _over: False
) -> str | None:
    """The linear probe, or the most accurate pre-trained strategy where that is really better.

    The probe is the simplest use of a pre-trained network. So the highest of several numbers that
    differ by luck is not chosen for being the highest.
    """
    names = [name for name in accuracies if needs_pretrained(name)]
    best = max(names, key=lambda name: accuracies[name], default=None)
    probe = next(filter(is_probe, names), None)
    if probe is None or best is None or best == probe:
        return best
    return best if is_better(best, probe) else probe
