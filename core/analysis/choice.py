"""Which strategies a comparison talks about: by role, the headline pair, the good and the best.

Pages, report, story and learning curve set the same two strategies side by side
(``docs/decisions/0011-numbers-words-and-the-headline-pair.md``).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from core.analysis.evidence import ExperimentPredictions, StrategyPredictions
from core.analysis.significance import SIGNIFICANCE, holm, sign_flip_p_value
from core.analysis.verdicts import is_told_apart
from core.backbones.backbone import Backbone
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

    See ``headline_of``; the exact test over the shared images decides whether a pre-trained
    strategy is really better than the linear probe. A strategy that has seen test images is in no
    such pair, unless there is none without it.
    """
    if len(evidence.fair.answers) > 1:
        evidence = evidence.fair
    accuracies = {answers.strategy: answers.accuracy for answers in evidence.answers}
    return headline_of(accuracies, lambda name, over: is_told_apart(evidence, over, name))


def headline_of(
    accuracies: Mapping[str, float], is_better: IsBetter | None = None
) -> tuple[str, str] | None:
    """The best from scratch and the chosen pre-trained one, by the ``accuracies`` of strategies.

    Where one kind is missing: the second best and the best of those that learn, else of all. None
    with fewer than two strategies. ``accuracies`` are in the order of the ladder: ties go to the
    earlier.
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


def best_pretrained(accuracies: Mapping[str, float], is_better: IsBetter | None) -> str | None:
    """The linear probe, or the most accurate pre-trained strategy where that is really better.

    The probe is the simplest use of a pre-trained network. Where several accuracies differ by luck
    alone, the highest of them is no reason to prefer its strategy. Of several backbones it is the
    probe of the smallest network that the most accurate strategy is not really better than; where
    ``is_better`` is None nothing can be tested, and it is the most accurate probe.
    """
    names = [name for name in accuracies if needs_pretrained(name)]
    best = max(names, key=lambda name: accuracies[name], default=None)
    probes = [name for name in names if is_probe(name)]
    if best is None or not probes:
        return best
    if is_better is None:
        return max(probes, key=lambda name: accuracies[name])
    for probe in smallest_first(probes):
        if probe == best or not is_better(best, probe):
            return probe
    return best


def backbone_of(strategy: str) -> Backbone | None:
    """The backbone that it stands on; None without one, and for one that the registry lacks."""
    return STRATEGIES[strategy].backbone if strategy in STRATEGIES else None


def smallest_first(strategies: Sequence[str]) -> list[str]:
    """By the multiply-adds of the backbone, fewest first; ties keep their order."""
    return sorted(strategies, key=_multiply_adds)


def _multiply_adds(strategy: str) -> int:
    backbone = backbone_of(strategy)
    return backbone.multiply_adds if backbone else 0


def good_strategies(evidence: ExperimentPredictions) -> tuple[StrategyPredictions, ...]:
    """Strategies that are clearly better than always predicting the commonest training class.

    Exact test on the shared images, Holm over the strategies, at 5 %. In the order of the ladder;
    never the majority class itself, which cannot be better than itself, and none that has seen test
    images.
    """
    evidence = evidence.fair
    if not evidence.images:
        return ()
    p_values = _p_values(evidence.majority_correct, evidence.answers)
    return tuple(
        answers
        for answers, p_value in zip(evidence.answers, p_values, strict=True)
        if p_value < SIGNIFICANCE and answers.accuracy > evidence.majority_accuracy
    )


def best_strategies(evidence: ExperimentPredictions) -> tuple[StrategyPredictions, ...]:
    """Of the good strategies the best, the second best, and all that are not clearly worse.

    In the order of the ladder; fewer than two where no more are good.
    """
    evidence = evidence.fair
    good = good_strategies(evidence)
    ranked = [answers for answers in evidence.ranked if answers in good]
    if len(ranked) < 2:
        return good
    best, second = ranked[:2]
    others = [answers for answers in good if answers is not best]
    p_values = _p_values(best.correct, others)
    worse = {
        answers.strategy
        for answers, p_value in zip(others, p_values, strict=True)
        if p_value < SIGNIFICANCE and answers is not second
    }
    return tuple(answers for answers in good if answers.strategy not in worse)


def _p_values(right: np.ndarray, others: Sequence[StrategyPredictions]) -> list[float]:
    """Of each of ``others`` against ``right`` bool ``(seeds, N)``, adjusted for their number."""
    return holm([sign_flip_p_value(right, answers.correct) for answers in others])
