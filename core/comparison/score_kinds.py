"""The registry of measures of the test images: pages, command line and charts draw from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.comparison import metrics
from core.comparison.evidence import StrategyPredictions, ExperimentPredictions
from core.errors import UnknownName

TOP = 3
TOP_SCORE = "top_3_accuracy"


@dataclass(frozen=True)
class ScoreKind:
    """One measure.

    ``unit``: ``percent`` (a share 0 to 1 shown as percent), ``points`` (a gap between shares) or
    ``nats``. ``of_runs(evidence, answers, counts)`` measures each seed in each bootstrap sample:
    counts ``(N, R)`` to ``(S, R)``. ``of_majority`` is the value of always saying the commonest
    training class, None where that means nothing. ``is_share``: the mean of a yes or no for each
    image, which has a Wilson interval; others are bootstrapped.
    """

    name: str
    title: str
    unit: Literal["percent", "points", "nats"]
    better: Literal["higher", "lower"]
    help: str
    of_runs: Callable[[ExperimentPredictions, StrategyPredictions, np.ndarray], np.ndarray]
    of_majority: Callable[[ExperimentPredictions], float] | None
    is_share: bool = False

    def shown(self, value: float) -> float:
        """``value`` in the unit in which it is shown: percent and points are hundredfold."""
        return value if self.unit == "nats" else 100 * value

    def text(self, value: float | None) -> str:
        """``66.3 %``, ``4.2 points`` or ``1.18 nats``; a dash for None."""
        if value is None:
            return "—"
        digits = 2 if self.unit == "nats" else 1
        unit = "%" if self.unit == "percent" else self.unit
        return f"{self.shown(value):.{digits}f} {unit}"


def find_score(name: str) -> ScoreKind:
    """The measure of that name, or ``UnknownName`` listing those that exist."""
    if name not in SCORES:
        raise UnknownName("measure", name, SCORES)
    return SCORES[name]


def once(evidence: ExperimentPredictions) -> np.ndarray:
    """The counts of a sample that has every image once: ``(N, 1)``."""
    return np.ones((evidence.images, 1))


def _accuracy(
    _evidence: ExperimentPredictions, answers: StrategyPredictions, counts: np.ndarray
) -> np.ndarray:
    return answers.right @ counts / counts.sum(axis=0)


def _top(
    _evidence: ExperimentPredictions, answers: StrategyPredictions, counts: np.ndarray
) -> np.ndarray:
    return (answers.true_class_rank < TOP) @ counts / counts.sum(axis=0)


def _log_loss(
    _evidence: ExperimentPredictions, answers: StrategyPredictions, counts: np.ndarray
) -> np.ndarray:
    losses = metrics.image_log_losses(answers.true_class_probability)
    # Not ``@``: its threads wait for each other when a training holds the processor.
    return np.einsum("sn,nr->sr", losses, counts) / counts.sum(axis=0)


def _balanced(
    evidence: ExperimentPredictions, answers: StrategyPredictions, counts: np.ndarray
) -> np.ndarray:
    return metrics.balanced_accuracy(
        evidence.labels, answers.predicted, len(evidence.classes), counts
    )


def _macro_f1(
    evidence: ExperimentPredictions, answers: StrategyPredictions, counts: np.ndarray
) -> np.ndarray:
    return metrics.macro_f1(evidence.labels, answers.predicted, len(evidence.classes), counts)


def _calibration(
    _evidence: ExperimentPredictions, answers: StrategyPredictions, counts: np.ndarray
) -> np.ndarray:
    return metrics.calibration_error(answers.confidence, answers.right, counts)


def _of_always(
    measure: Callable[[np.ndarray, np.ndarray, int, np.ndarray], np.ndarray],
) -> Callable[[ExperimentPredictions], float]:
    """``measure`` of always saying the commonest training class."""

    def of_majority(evidence: ExperimentPredictions) -> float:
        always = np.full((1, evidence.images), evidence.majority_label, np.int32)
        found = measure(evidence.labels, always, len(evidence.classes), once(evidence))
        return float(found[0, 0])

    return of_majority


SCORES: dict[str, ScoreKind] = {
    kind.name: kind
    for kind in (
        ScoreKind(
            "accuracy",
            "test accuracy",
            "percent",
            "higher",
            "Share of test images that were named right.",
            _accuracy,
            lambda evidence: evidence.majority_accuracy,
            is_share=True,
        ),
        ScoreKind(
            "balanced_accuracy",
            "balanced accuracy",
            "percent",
            "higher",
            "The share that was named right, taken for each class and then averaged: a rare class "
            "weighs as much as a common one.",
            _balanced,
            _of_always(metrics.balanced_accuracy),
        ),
        ScoreKind(
            "macro_f1",
            "macro F1",
            "percent",
            "higher",
            "For each class, missing its images and naming it wrongly both count against it; then "
            "averaged over the classes.",
            _macro_f1,
            _of_always(metrics.macro_f1),
        ),
        ScoreKind(
            "log_loss",
            "log loss",
            "nats",
            "lower",
            "The price of wrong confidence: 0 is perfect, and one sure mistake costs up to 16.",
            _log_loss,
            None,
        ),
        ScoreKind(
            TOP_SCORE,
            "top-3 accuracy",
            "percent",
            "higher",
            "Share of test images whose class was among the three most probable answers.",
            _top,
            None,
            is_share=True,
        ),
        ScoreKind(
            "calibration_error",
            "calibration error",
            "points",
            "lower",
            "How far the probability that was given to an answer lies from how often such answers "
            "are right, on average. With few test images it comes out a little too large.",
            _calibration,
            None,
        ),
    )
}
