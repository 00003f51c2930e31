"""The registry of metrics of the test images: pages, command line and charts draw from it.

A metric is computed for many bootstrap samples at once. ``counts`` is float64 ``(N, R)``: how often
each of N test images is in each of R samples; a column of ones is the plain metric. The result is
``(S, R)``, one row for each of S seeds. To add a metric, add its entry to ``METRICS``: a function
of the predictions, of which ``StrategyPredictions.probabilities()`` has all there are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from core.analysis.evidence import ExperimentPredictions, StrategyPredictions
from core.analysis.ranking import NO_SKILL, area, can_rank, roc_auc
from core.errors import UnknownName

SMALLEST_PROBABILITY = 1e-7
RELIABILITY_BINS = 15
TOP = 3
TOP_METRIC = "top_3_accuracy"

Interval = tuple[float, float] | tuple[None, None]
_OfRuns = Callable[[ExperimentPredictions, StrategyPredictions, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Metric:
    """One metric.

    ``unit``: ``percent`` (a fraction 0 to 1 shown as percent), ``points`` (a gap between
    fractions) or ``nats``. ``of_runs(evidence, answers, counts)``: see the module.
    ``of_majority`` is the value of always predicting the commonest training class, None where
    that means nothing. ``is_fraction``: the mean of a yes or no for each image, which has a Wilson
    interval. ``interval_of`` computes that of another metric for a strategy; without it the
    interval is bootstrapped. ``is_defined``: whether these test images have such a value at all.
    ``over_classes``: a mean over the classes that have test images.
    """

    name: str
    title: str
    unit: Literal["percent", "points", "nats"]
    better: Literal["higher", "lower"]
    help: str
    of_runs: _OfRuns
    of_majority: Callable[[ExperimentPredictions], float] | None = None
    is_fraction: bool = False
    interval_of: Callable[[ExperimentPredictions, str], Interval] | None = None
    is_defined: Callable[[ExperimentPredictions], bool] = lambda _: True
    over_classes: bool = False

    @property
    def heading(self) -> str:
        """The title at the start of a line: ``Macro F1``."""
        return self.title[0].upper() + self.title[1:]

    def shown(self, value: float) -> float:
        """``value`` as it is shown: times 100 in percent and points."""
        return value if self.unit == "nats" else 100 * value

    def text(self, value: float | None) -> str:
        """``66.3 %``, ``4.2 points`` or ``1.18 nats``; a dash for None."""
        if value is None:
            return "—"
        digits = 2 if self.unit == "nats" else 1
        unit = "%" if self.unit == "percent" else self.unit
        return f"{self.shown(value):.{digits}f} {unit}"


def find_metric(name: str) -> Metric:
    """The metric of that name, or ``UnknownName`` listing those that exist."""
    if name not in METRICS:
        raise UnknownName("metric", name, METRICS)
    return METRICS[name]


def defined_metrics(evidence: ExperimentPredictions) -> dict[str, Metric]:
    """The metrics that these test images have, by name."""
    return {name: metric for name, metric in METRICS.items() if metric.is_defined(evidence)}


def once(evidence: ExperimentPredictions) -> np.ndarray:
    """The counts of a sample that has every image once: ``(N, 1)``."""
    return np.ones((evidence.images, 1))


def balanced_accuracy(
    labels: np.ndarray, predicted: np.ndarray, classes: int, counts: np.ndarray
) -> np.ndarray:
    """Mean over classes of the fraction of their images that is predicted correctly.

    Classes without an image in a sample are left out of its mean, as in scikit-learn.
    """
    images = _sums(labels, classes, np.ones(len(labels)), counts)
    return np.stack(
        [_mean_where(_sums(labels, classes, labels == row, counts), images) for row in predicted]
    )


def macro_f1(
    labels: np.ndarray, predicted: np.ndarray, classes: int, counts: np.ndarray
) -> np.ndarray:
    """Mean over classes of the F1 score: twice the correct ones over images plus predictions.

    Classes that a sample neither has nor predicts are left out of its mean, as in scikit-learn.
    """
    every = np.ones(len(labels))
    images = _sums(labels, classes, every, counts)
    found = []
    for row in predicted:
        times_predicted = _sums(row, classes, every, counts)
        correct = _sums(labels, classes, labels == row, counts)
        found.append(_mean_where(2 * correct, images + times_predicted))
    return np.stack(found)


def calibration_error(
    confidence: np.ndarray, correct: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Expected calibration error in 15 bins of equal width (Guo et al. 2017), 0 to 1.

    ``confidence`` and ``correct`` are ``(S, N)``. The gap between confidence and accuracy, averaged
    over the bins by their number of images.
    """
    found = []
    for confident, is_correct in zip(confidence.astype(np.float64), correct, strict=True):
        gaps = confident - is_correct
        of_bins = _sums(reliability_bin(confident), RELIABILITY_BINS, gaps, counts)
        found.append(np.abs(of_bins).sum(axis=0) / counts.sum(axis=0))
    return np.stack(found)


def reliability_bin(confidence: np.ndarray) -> np.ndarray:
    """The bin of each probability, 0 to 14; bin i holds those over i/15 up to (i+1)/15."""
    edges = np.arange(1, RELIABILITY_BINS) / RELIABILITY_BINS
    return np.digitize(confidence.astype(np.float64), edges, right=True)


def image_log_losses(true_class_probability: np.ndarray) -> np.ndarray:
    """float64, same shape: ``-log`` of the probability of the true class, at most 16.1 nats."""
    return -np.log(np.clip(true_class_probability.astype(np.float64), SMALLEST_PROBABILITY, 1.0))


def _log_loss(
    _evidence: ExperimentPredictions, answers: StrategyPredictions, counts: np.ndarray
) -> np.ndarray:
    losses = image_log_losses(answers.true_class_probability)
    # Not ``@``: its threads wait for each other when a training holds the processor.
    return np.einsum("sn,nr->sr", losses, counts) / counts.sum(axis=0)


_OfClasses = Callable[[np.ndarray, np.ndarray, int, np.ndarray], np.ndarray]


def _by_class(function: _OfClasses) -> _OfRuns:
    return lambda evidence, answers, counts: function(
        evidence.labels, answers.predicted, len(evidence.classes), counts
    )


def _of_always(function: _OfClasses) -> Callable[[ExperimentPredictions], float]:
    """``function`` of always predicting the commonest training class."""

    def of_majority(evidence: ExperimentPredictions) -> float:
        always = np.full((1, evidence.images), evidence.majority_label, np.int32)
        found = function(evidence.labels, always, len(evidence.classes), once(evidence))
        return float(found[0, 0])

    return of_majority


def _sums(groups: np.ndarray, size: int, values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Sum of ``values`` of the images of each group in each sample: ``(size, R)``."""
    used = np.flatnonzero(values)
    table = csr_array(
        (values[used].astype(np.float64), (groups[used], used)), shape=(size, len(groups))
    )
    return table @ counts


def _interval_of_area(evidence: ExperimentPredictions, strategy: str) -> Interval:
    found = area(evidence, strategy)
    return found.interval if found else (None, None)


def _mean_where(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Mean over rows of ``above / below``, rows with nothing below left out: ``(R,)``."""
    known = below > 0
    ratios = np.divide(above, below, out=np.zeros_like(above), where=known)
    return ratios.sum(axis=0) / known.sum(axis=0)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "accuracy",
            "test accuracy",
            "percent",
            "higher",
            "Fraction of test images that were predicted correctly.",
            lambda _, answers, counts: answers.correct @ counts / counts.sum(axis=0),
            lambda evidence: evidence.majority_accuracy,
            is_fraction=True,
        ),
        Metric(
            "balanced_accuracy",
            "balanced accuracy",
            "percent",
            "higher",
            "The fraction that was predicted correctly, taken for each class and then averaged: a "
            "rare class weighs as much as a common one.",
            _by_class(balanced_accuracy),
            _of_always(balanced_accuracy),
            over_classes=True,
        ),
        Metric(
            "macro_f1",
            "macro F1",
            "percent",
            "higher",
            "For each class, missing its images and predicting it wrongly both count against it; "
            "then averaged over the classes.",
            _by_class(macro_f1),
            _of_always(macro_f1),
        ),
        Metric(
            "roc_auc",
            "ROC AUC",
            "percent",
            "higher",
            "The chance that an image of a class gets a higher probability for it than another "
            "image, averaged over the classes: it needs no threshold, and 50 % is pure chance.",
            lambda evidence, answers, counts: roc_auc(
                evidence.labels, answers.probabilities(), counts
            ),
            lambda _: NO_SKILL,
            interval_of=_interval_of_area,
            is_defined=can_rank,
            over_classes=True,
        ),
        Metric(
            "log_loss",
            "log loss",
            "nats",
            "lower",
            "The price of wrong confidence: 0 is perfect, and one confident mistake costs up to "
            "16.",
            _log_loss,
        ),
        Metric(
            TOP_METRIC,
            "top-3 accuracy",
            "percent",
            "higher",
            "Fraction of test images whose class was among the three most probable.",
            lambda _, answers, counts: (
                (answers.true_class_rank < TOP) @ counts / counts.sum(axis=0)
            ),
            is_fraction=True,
        ),
        Metric(
            "calibration_error",
            "calibration error",
            "points",
            "lower",
            "How far confidence lies from how often such predictions are correct, on average. With "
            "few test images it comes out a little too large.",
            lambda _, answers, counts: calibration_error(
                answers.confidence, answers.correct, counts
            ),
        ),
    )
}
