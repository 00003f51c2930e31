"""Which strategies a comparison talks about: the roles they play, and the headline pair.

Pages, report, story and learning curve set the same two strategies side by side
(``docs/decisions/0009-numbers-words-and-the-headline-pair.md``).
"""

from collections.abc import Callable, Mapping
from typing import Literal

from core.analysis.evidence import ExperimentPredictions
from core.analysis.verdicts import is_told_apart
from core.errors import UnknownName
from core.strategies.registry import find_strategy

MAJORITY = "majority"
Role = Literal["baseline", "from_scratch", "linear_probe", "transfer"]
# ``is_better(strategy, over)``: whether the more accurate of two is really better.
IsBetter = Callable[[str, str], bool]


def role_of(strategy: str) -> Role:
    """What a strategy stands for; one that the registry no longer has counts as from scratch."""
    if strategy == MAJORITY:
        return "baseline"
    if strategy == "vgg16_probe":
        return "linear_probe"
    try:
        needs = find_strategy(strategy).needs
    except UnknownName:
        return "from_scratch"
    return "transfer" if "weights" in needs else "from_scratch"


def needs_pretrained(strategy: str) -> bool:
    """Whether it starts from weights made elsewhere."""
    return role_of(strategy) in ("linear_probe", "transfer")


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
    snapshots = [name for name in accuracies if role_of(name) != "baseline"]
    among = snapshots if len(snapshots) > 1 else list(accuracies)
    ranked = sorted(among, key=lambda name: -accuracies[name])
    return (ranked[1], ranked[0]) if len(ranked) > 1 else None


def best_from_scratch(accuracies: Mapping[str, float]) -> str | None:
    """The most accurate strategy that learns from the dataset alone."""
    names = (name for name in accuracies if role_of(name) == "from_scratch")
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
    probe = next((name for name in names if role_of(name) == "linear_probe"), None)
    if probe is None or best is None or best == probe:
        return best
    return best if is_better(best, probe) else probe
