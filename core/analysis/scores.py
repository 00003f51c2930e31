"""How good every strategy is by every metric, with seeds and intervals; classes; reliability.

The metrics themselves are in ``core.analysis.metrics``.
"""

import statistics
from dataclasses import dataclass

import numpy as np

from core.analysis.evidence import ExperimentPredictions
from core.analysis.metrics import (
    RELIABILITY_BINS,
    Interval,
    Metric,
    find_metric,
    once,
    reliability_bin,
)
from core.analysis.ranking import average_precision, class_area, class_scores
from core.analysis.significance import drawn_counts, mean_interval, percentile_interval

# Fewer than for differences: these are sums by class or bin for every run, and only drawn.
RESAMPLES = 500
# Narrower than rounding: the samples were all alike, which tells nothing about other images.
_NO_SPREAD = 1e-12
_UNKNOWN = (None, None)


@dataclass(frozen=True)
class StrategyScore:
    """One metric of one strategy.

    ``values`` by seed in the order of ``seeds``, ``mean`` over them, ``deviation`` their sample
    standard deviation (None with one seed). ``low`` and ``high``: 95 % interval of the mean over
    test images like these; None where it was not asked for, or where the images cannot tell
    (every sample of them gives the same value). ``majority``: see ``Metric.of_majority``.
    """

    metric: str
    strategy: str
    title: str
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    mean: float
    deviation: float | None
    low: float | None
    high: float | None
    majority: float | None


def score_table(
    evidence: ExperimentPredictions, metric: str = "accuracy", with_intervals: bool = True
) -> tuple[StrategyScore, ...]:
    """One metric of every strategy, in the order of the ladder.

    Empty where these test images have no such value. Fractions have the Wilson interval of the
    rounded mean number of images, ROC AUC that of DeLong; the others that of a percentile bootstrap
    over images, moved by the bootstrap's own bias (a calibration error of drawn images is always a
    little larger). Bootstrapping takes up to a second for 50 runs on
    10,000 images: leave intervals out where they are not shown.
    """
    kind = find_metric(metric)
    if not kind.is_defined(evidence):
        return ()
    values = [
        tuple(kind.of_runs(evidence, answers, once(evidence))[:, 0].tolist())
        for answers in evidence.answers
    ]
    means = [statistics.fmean(of_seeds) for of_seeds in values]
    intervals: list[Interval] = [_UNKNOWN] * len(values)
    if with_intervals and kind.is_fraction:
        intervals = [mean_interval(of_seeds, evidence.images) for of_seeds in values]
    elif with_intervals and kind.interval_of:
        intervals = [kind.interval_of(evidence, answers.strategy) for answers in evidence.answers]
    elif with_intervals:
        intervals = _bootstrapped(evidence, kind, [float(np.mean(found)) for found in values])
    majority = kind.of_majority(evidence) if kind.of_majority and evidence.images else None
    return tuple(
        StrategyScore(
            metric=kind.name,
            strategy=answers.strategy,
            title=answers.title,
            seeds=answers.seeds,
            values=of_seeds,
            mean=mean,
            deviation=statistics.stdev(of_seeds) if len(of_seeds) > 1 else None,
            low=low,
            high=high,
            majority=majority,
        )
        for answers, of_seeds, mean, (low, high) in zip(
            evidence.answers, values, means, intervals, strict=True
        )
    )


def _bootstrapped(
    evidence: ExperimentPredictions, kind: Metric, means: list[float]
) -> list[Interval]:
    if not evidence.answers:
        return []
    found: list[list[np.ndarray]] = [[] for _ in evidence.answers]
    random = np.random.default_rng(0)
    for block in drawn_counts(evidence.images, RESAMPLES, random):
        counts = np.ascontiguousarray(block.T)
        for position, answers in enumerate(evidence.answers):
            found[position].append(kind.of_runs(evidence, answers, counts).mean(axis=0))
    return [
        _centred_interval(np.concatenate(samples), mean, kind)
        for samples, mean in zip(found, means, strict=True)
    ]


def _centred_interval(samples: np.ndarray, mean: float, kind: Metric) -> Interval:
    if np.ptp(samples) < _NO_SPREAD:
        return _UNKNOWN
    low, high = percentile_interval(samples - samples.mean() + mean)
    largest = np.inf if kind.unit == "nats" else 1.0
    return max(0.0, low), min(largest, high)


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """One class of the test images against all others: means over seeds, 0 to 1.

    ``images`` of this class are in the test split; ``named`` is how often the class was predicted.
    ``precision``: fraction of those predictions that is correct (None where no seed predicts it).
    ``recall``, also called sensitivity: fraction of the class's images that is predicted as it;
    None for a class without test images. ``specificity``: fraction of the other images that is not
    predicted as it. Each has its Wilson interval, ``low`` to ``high``. ``average_precision`` and
    ``roc_auc`` (with its interval by DeLong) come from the order in which the probability of the
    class puts the images; None where all or none of them are of the class.
    """

    label: int
    name: str
    images: int
    named: float
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None
    specificity: float | None
    specificity_low: float | None
    specificity_high: float | None
    f1: float | None
    average_precision: float | None
    roc_auc: float | None
    roc_auc_low: float | None
    roc_auc_high: float | None


def per_class_table(
    evidence: ExperimentPredictions, strategy: str | None
) -> tuple[ClassScore, ...]:
    """The classes in their order, for one strategy; None: always predicting the commonest."""
    size = len(evidence.classes)
    if strategy is None:
        predicted = np.full((1, evidence.images), evidence.majority_label)
        probabilities = np.zeros((1, evidence.images, size), np.float32)
        probabilities[:, :, evidence.majority_label] = 1.0
    else:
        answers = evidence.of(strategy)
        predicted, probabilities = answers.predicted, answers.probabilities()
    return tuple(
        _class_score(evidence, label, predicted == label, class_scores(probabilities, label))
        for label in range(size)
    )


def _class_score(
    evidence: ExperimentPredictions, label: int, predicted: np.ndarray, scores: np.ndarray
) -> ClassScore:
    """``predicted`` bool ``(S, N)``: whether each seed predicted this class for each image;
    ``scores`` float64 ``(S, N)``: its probability of it."""
    of_class = evidence.labels == label
    images, others = int(of_class.sum()), int((~of_class).sum())
    times = predicted.sum(axis=1)
    correct = (predicted & of_class).sum(axis=1)
    precisions, recalls = correct[times > 0] / times[times > 0], _fractions(correct, images)
    left_alone = _fractions(others - (times - correct), others)
    either = times + images > 0
    ranked = class_area(of_class, scores)
    precision_low, precision_high = _wilson(precisions, round(float(times.mean())))
    recall_low, recall_high = _wilson(recalls, images)
    specificity_low, specificity_high = _wilson(left_alone, others)
    auc_low, auc_high = ranked.interval if ranked else _UNKNOWN
    return ClassScore(
        label=label,
        name=evidence.classes[label],
        images=images,
        named=float(times.mean()),
        precision=_mean(precisions),
        precision_low=precision_low,
        precision_high=precision_high,
        recall=_mean(recalls),
        recall_low=recall_low,
        recall_high=recall_high,
        specificity=_mean(left_alone),
        specificity_low=specificity_low,
        specificity_high=specificity_high,
        f1=_mean(2 * correct[either] / (times + images)[either]),
        average_precision=_mean(np.array([average_precision(of_class, row) for row in scores]))
        if ranked
        else None,
        roc_auc=ranked.mean if ranked else None,
        roc_auc_low=auc_low,
        roc_auc_high=auc_high,
    )


def _fractions(counts: np.ndarray, images: int) -> np.ndarray:
    return counts / images if images else np.zeros(0)


def _wilson(fractions: np.ndarray, images: int) -> Interval:
    """Of their mean over seeds; unknown without images."""
    return mean_interval(fractions.tolist(), images) if images and len(fractions) else _UNKNOWN


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions whose probability is over ``low`` up to ``high``, over all seeds.

    ``count`` of predictions; ``confidence`` is their mean probability and ``accuracy`` the fraction
    that is correct (both None where there are none). ``accuracy_low`` and ``accuracy_high``: 95 %
    Wilson interval for the mean count a seed, since seeds are scored on the same images.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None


def reliability(evidence: ExperimentPredictions, strategy: str) -> tuple[ReliabilityBin, ...]:
    """The 15 bins of the reliability diagram, from the least to the most confident predictions."""
    answers = evidence.of(strategy)
    bins = reliability_bin(answers.confidence)
    found = []
    for number in range(RELIABILITY_BINS):
        inside = bins == number
        count = int(inside.sum())
        images = round(count / len(answers.seeds))
        accuracy = _mean(answers.correct[inside])
        known = accuracy is not None and images > 0
        low, high = mean_interval([accuracy or 0.0], images) if known else _UNKNOWN
        found.append(
            ReliabilityBin(
                low=number / RELIABILITY_BINS,
                high=(number + 1) / RELIABILITY_BINS,
                count=count,
                confidence=_mean(answers.confidence[inside]),
                accuracy=accuracy,
                accuracy_low=low,
                accuracy_high=high,
            )
        )
    return tuple(found)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean(dtype=np.float64)) if len(values) else None
