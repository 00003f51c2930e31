"""How well probabilities rank the images of one class before all others: ROC AUC and curves.

No threshold is needed for that: ROC AUC is the chance that an image of the class gets a higher
probability for it than another image, equal ones counted by half. Shapes: S seeds, N test images,
C classes, R samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np

from core.analysis.evidence import ExperimentPredictions
from core.analysis.significance import CONFIDENCE

# What an order that knows nothing reaches, as that of always predicting the same class.
NO_SKILL = 0.5
# Narrower than rounding: every image is ranked alike, which tells nothing about other images.
_NO_SPREAD = 1e-9
_REACH = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, eq=False)
class Area:
    """A ROC AUC: ``values`` float64 ``(S,)``, one a seed, and what each image does to their mean.

    The variance of the mean over test images like these is the sum of the squares of ``influence``
    float64 ``(N,)`` (DeLong et al. 1988; seeds are scored on the same images), and ``unknown``: the
    most that a class of a single image can add, whose spread nobody knows.
    """

    values: np.ndarray
    influence: np.ndarray
    unknown: float = 0.0

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def interval(self) -> tuple[float, float] | tuple[None, None]:
        """95 % interval of the mean; None where the images cannot tell (all ranked alike).

        Computed for the logarithm of the odds, so that it stays between 0 and 1.
        """
        error, mean = sqrt(float((self.influence**2).sum()) + self.unknown), self.mean
        if error < _NO_SPREAD or not 0 < mean < 1:
            return None, None
        odds, reach = log(mean / (1 - mean)), _REACH * error / (mean * (1 - mean))
        return 1 / (1 + exp(reach - odds)), 1 / (1 + exp(-reach - odds))


@dataclass(frozen=True)
class AreaTest:
    """The paired test of DeLong et al. 1988: ``second`` minus ``first`` on the same images.

    ``low`` and ``high`` are its 95 % interval; fractions of 1.
    """

    difference: float
    low: float
    high: float
    p_value: float


def class_scores(probabilities: np.ndarray, label: int) -> np.ndarray:
    """float64 ``(..., N)`` of ``(..., N, C)``, 0 to 1: by what images are ranked for a class.

    Its probability. Of two classes the difference of both counts: float32 holds a small
    probability exactly, but rounds its counterpart near 1. So both classes have the same curve.
    """
    own = probabilities[..., label].astype(np.float64)
    return (1 + (own - probabilities[..., 1 - label])) / 2 if probabilities.shape[-1] == 2 else own


def can_rank(evidence: ExperimentPredictions) -> bool:
    """Whether the test images are of two classes at least."""
    return len(np.unique(evidence.labels)) > 1


def roc_auc(labels: np.ndarray, probabilities: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """``(S, R)``: one class against the rest, averaged over the classes that a sample has.

    ``probabilities`` is ``(S, N, C)``; ``counts`` as in ``core.analysis.metrics``.
    """
    found = []
    for of_run in probabilities:
        total, known = np.zeros(counts.shape[1]), np.zeros(counts.shape[1])
        for label in range(of_run.shape[1]):
            own, scores = labels == label, class_scores(of_run, label)
            pairs = counts[own].sum(axis=0) * counts[~own].sum(axis=0)
            below = _weight_below(scores[own], scores[~own], counts[~own])
            won = (counts[own] * below).sum(axis=0)
            total += np.divide(won, pairs, out=np.zeros_like(total), where=pairs > 0)
            known += pairs > 0
        found.append(total / known)
    return np.stack(found)


def class_area(of_class: np.ndarray, scores: np.ndarray) -> Area | None:
    """Of one class against the rest; None where all or none of the images are of it.

    ``of_class`` bool ``(N,)``, ``scores`` float64 ``(S, N)``.
    """
    own, others = int(of_class.sum()), int((~of_class).sum())
    if not own or not others:
        return None
    values = []
    influence = np.zeros(len(of_class))
    for row in scores:
        inside, outside = row[of_class], row[~of_class]
        won = np.add(*_places(inside, np.sort(outside))) / (2 * others)
        lost = np.add(*_places(outside, np.sort(inside))) / (2 * own)
        values.append(won.mean())
        influence[of_class] += (won - won.mean()) / len(scores)
        influence[~of_class] += (lost.mean() - lost) / len(scores)
    mean, unknown = float(np.mean(values)), 0.0
    for group, size in ((of_class, own), (~of_class, others)):
        if size > 1:
            influence[group] /= sqrt(size * (size - 1))
        else:
            unknown += mean * (1 - mean)
    return Area(np.array(values), influence, unknown)


def area(evidence: ExperimentPredictions, strategy: str, label: int | None = None) -> Area | None:
    """ROC AUC of one class, or with None the mean over the classes that have test images.

    None where the images are of one class alone; ``UnknownName`` for a strategy without
    predictions.
    """
    probabilities = evidence.of(strategy).probabilities()
    wanted = range(len(evidence.classes)) if label is None else [label]
    known = [
        found
        for place in wanted
        if (found := class_area(evidence.labels == place, class_scores(probabilities, place)))
    ]
    if not known:
        return None
    return Area(
        np.mean([found.values for found in known], axis=0),
        np.mean([found.influence for found in known], axis=0),
        sum(found.unknown for found in known) / len(known) ** 2,
    )


def area_test(first: Area, second: Area) -> AreaTest | None:
    """Whether two areas over the same images differ by more than luck.

    None where the images cannot tell, because they have no spread (no image is ranked wrongly).
    """
    difference = second.mean - first.mean
    apart = float(((second.influence - first.influence) ** 2).sum())
    error = sqrt(apart + first.unknown + second.unknown)
    if error < _NO_SPREAD:
        return None
    p_value = 2 * NormalDist().cdf(-abs(difference) / error)
    return AreaTest(difference, difference - _REACH * error, difference + _REACH * error, p_value)


@dataclass(frozen=True, eq=False)
class ClassCurve:
    """One run and one class: what is found, and what is called it wrongly, at every threshold.

    An image is called the class where its score (``class_scores``) is at least the threshold.
    ``thresholds`` float64 ``(T,)``, falling, the first infinite (no image is called it).
    ``found`` and ``false_alarms`` int64 ``(T,)``: of ``images`` of the class and of ``others``.
    ``own_found`` and ``own_false_alarms``: what the run itself predicted as the class.
    """

    strategy: str
    title: str
    seed: int
    images: int
    others: int
    thresholds: np.ndarray
    found: np.ndarray
    false_alarms: np.ndarray
    own_found: int
    own_false_alarms: int

    @cached_property
    def sensitivity(self) -> np.ndarray:
        """float64 ``(T,)``, 0 to 1: fraction of the class that is found, also called recall."""
        return self.found / self.images

    @cached_property
    def false_alarm_rate(self) -> np.ndarray:
        """float64 ``(T,)``, 0 to 1: fraction of the other images that is called the class."""
        return self.false_alarms / self.others

    @cached_property
    def precision(self) -> np.ndarray:
        """float64 ``(T,)``, 0 to 1: fraction of what is called the class that is; first is 1."""
        called = self.found + self.false_alarms
        return np.divide(self.found, called, out=np.ones(len(called)), where=called > 0)

    @cached_property
    def auc(self) -> float:
        """Area below the sensitivity over the false-alarm rate."""
        return float(np.trapezoid(self.sensitivity, self.false_alarm_rate))

    @cached_property
    def average_precision(self) -> float:
        """Mean precision over the images of the class, each at the threshold that finds it."""
        return float((np.diff(self.sensitivity) * self.precision[1:]).sum())


def class_curves(
    evidence: ExperimentPredictions, strategies: Sequence[str], label: int
) -> tuple[ClassCurve, ...]:
    """The curves of every seed of ``strategies`` for a class; none where it has no test images,
    or all of them. ``UnknownName`` for a strategy without predictions."""
    of_class = evidence.labels == label
    if of_class.all() or not of_class.any():
        return ()
    curves = []
    for answers in map(evidence.of, strategies):
        called = answers.predicted == label
        scores = class_scores(answers.probabilities(), label)
        for seed, row, own in zip(answers.seeds, scores, called, strict=True):
            thresholds, found, false_alarms = _steps(of_class, row)
            curves.append(
                ClassCurve(
                    strategy=answers.strategy,
                    title=answers.title,
                    seed=seed,
                    images=int(of_class.sum()),
                    others=int((~of_class).sum()),
                    thresholds=thresholds,
                    found=found,
                    false_alarms=false_alarms,
                    own_found=int((own & of_class).sum()),
                    own_false_alarms=int((own & ~of_class).sum()),
                )
            )
    return tuple(curves)


def average_precision(of_class: np.ndarray, scores: np.ndarray) -> float:
    """Of scores ``(N,)``, as ``ClassCurve.average_precision``; at least one is ``of_class``."""
    _, found, false_alarms = _steps(of_class, scores)
    gained, precision = np.diff(found), found[1:] / (found[1:] + false_alarms[1:])
    return float((gained * precision).sum() / of_class.sum())


def _steps(of_class: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds, images of the class and others at or above each; see ``ClassCurve``."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    found = np.cumsum(of_class[order])[last]
    return (np.append(np.inf, ranked[last]), np.append(0, found), np.append(0, last + 1 - found))


def _weight_below(scores: np.ndarray, others: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``(m, R)``: weight of the ``others`` ``(n,)`` below each of ``scores`` ``(m,)``.

    Those with the same score count by half; ``weights`` is ``(n, R)``.
    """
    order = np.argsort(others)
    sums = np.concatenate([np.zeros((1, weights.shape[1])), np.cumsum(weights[order], axis=0)])
    lower, upper = _places(scores, others[order])
    return (sums[lower] + sums[upper]) / 2


def _places(scores: np.ndarray, ranked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many of ``ranked``, rising, are below each of ``scores``, and how many are not above."""
    return np.searchsorted(ranked, scores, "left"), np.searchsorted(ranked, scores, "right")
