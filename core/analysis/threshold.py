"""Two classes: at which probability one of them counts as found, and what the mistakes cost.

The class that is looked for is the positive one. An image of it that is not found is a miss; an
image of the other class that is called it is a false alarm. Only predictions of test images are
stored, so a threshold that is chosen here is chosen on the images that it is judged on.
``careful_cost`` says how much that flatters it.
"""

from dataclasses import dataclass

import numpy as np

from core.analysis.evidence import ExperimentPredictions
from core.analysis.ranking import class_scores
from core.analysis.significance import mean_interval

STEPS = 1000
# Every threshold that is offered, 0 to 1 in steps of a tenth of a percent.
THRESHOLDS = np.arange(STEPS + 1) / STEPS
# Where the network itself decides between two classes.
USUAL = 0.5
FOLDS, REPEATS = 10, 10


@dataclass(frozen=True)
class Rate:
    """``count`` of ``total`` images (means over seeds) as a fraction, with its Wilson interval."""

    count: float
    total: float
    low: float | None
    high: float | None

    @property
    def fraction(self) -> float | None:
        return self.count / self.total if self.total else None


@dataclass(frozen=True)
class AtThreshold:
    """What happens to the test images at one threshold (0 to 1).

    ``found`` and ``missed`` are of the images of the class, ``false_alarms`` and ``left_alone`` of
    the others, ``correct_alarms`` of all alarms (sensitivity, miss rate, false-alarm rate,
    specificity and precision).
    """

    threshold: float
    found: Rate
    missed: Rate
    false_alarms: Rate
    left_alone: Rate
    correct_alarms: Rate


@dataclass(frozen=True, eq=False)
class ThresholdCosts:
    """Mistakes at every one of ``THRESHOLDS``, and their cost.

    ``false_alarms`` and ``misses`` are float64 ``(T,)``, images as means over seeds, each costing
    ``false_alarm_cost`` and ``miss_cost``. ``best`` is the place of the threshold of lowest cost;
    of equal ones the nearest to one half. ``careful_cost``: what choosing the threshold costs on
    images that it was not chosen on (cross-validation over the test images). ``never_cost`` is that
    of never calling an image the class, ``always_cost`` that of always doing so, and
    ``majority_cost`` one of the two: always predicting the commonest training class.
    """

    false_alarms: np.ndarray
    misses: np.ndarray
    false_alarm_cost: float
    miss_cost: float
    best: int
    careful_cost: float
    never_cost: float
    always_cost: float
    majority_cost: float

    @property
    def total(self) -> np.ndarray:
        """float64 ``(T,)``: the cost at each threshold."""
        return self.false_alarm_cost * self.false_alarms + self.miss_cost * self.misses

    def cost_at(self, threshold: float) -> float:
        return float(self.total[place_of(threshold)])


def place_of(threshold: float) -> int:
    """The place in ``THRESHOLDS`` of a threshold from 0 to 1."""
    return round(threshold * STEPS)


def at_threshold(
    evidence: ExperimentPredictions, strategy: str, seed: int | None, label: int, threshold: float
) -> AtThreshold:
    """The test images at one of ``THRESHOLDS``; ``label`` is looked for.

    With ``seed`` None counts are means over the seeds. ``UnknownName`` for a strategy or seed that
    is not there.
    """
    of_class = evidence.labels == label
    cut = THRESHOLDS[place_of(threshold)]
    called = _scores(evidence, strategy, seed, label) >= cut
    found = _mean_count(called & of_class)
    false_alarms = _mean_count(called & ~of_class)
    images, others = int(of_class.sum()), int((~of_class).sum())
    return AtThreshold(
        threshold=float(cut),
        found=_rate(found, images),
        missed=_rate(images - found, images),
        false_alarms=_rate(false_alarms, others),
        left_alone=_rate(others - false_alarms, others),
        correct_alarms=_rate(found, found + false_alarms),
    )


def threshold_costs(
    evidence: ExperimentPredictions,
    strategy: str,
    seed: int | None,
    label: int,
    false_alarm_cost: float,
    miss_cost: float,
) -> ThresholdCosts:
    """Mistakes and cost at every threshold; see ``at_threshold``."""
    of_class = evidence.labels == label
    scores = _scores(evidence, strategy, seed, label)
    false_alarms, misses = _mistakes(of_class, scores)
    never, always = miss_cost * of_class.sum(), false_alarm_cost * (~of_class).sum()
    return ThresholdCosts(
        false_alarms=false_alarms,
        misses=misses,
        false_alarm_cost=false_alarm_cost,
        miss_cost=miss_cost,
        best=_cheapest(false_alarm_cost * false_alarms + miss_cost * misses),
        careful_cost=_careful_cost(of_class, scores, false_alarm_cost, miss_cost),
        never_cost=float(never),
        always_cost=float(always),
        majority_cost=float(always if evidence.majority_label == label else never),
    )


def _scores(
    evidence: ExperimentPredictions, strategy: str, seed: int | None, label: int
) -> np.ndarray:
    answers = evidence.of(strategy)
    answers = answers if seed is None else answers.of_seed(seed)
    return class_scores(answers.probabilities(), label)


def _careful_cost(
    of_class: np.ndarray, scores: np.ndarray, false_alarm_cost: float, miss_cost: float
) -> float:
    """Mean of ``REPEATS`` times: each tenth of the images at the threshold that suits the others.

    The tenths are drawn anew each time, alike from both classes.
    """
    random = np.random.default_rng(0)
    found = []
    for _ in range(REPEATS):
        fold = np.empty(len(of_class), np.int64)
        for members in (np.flatnonzero(of_class), np.flatnonzero(~of_class)):
            fold[random.permutation(members)] = np.arange(len(members)) % FOLDS
        parts = []
        for number in range(FOLDS):
            here = fold == number
            false_alarms, misses = _mistakes(of_class[here], scores[:, here])
            parts.append(false_alarm_cost * false_alarms + miss_cost * misses)
        total = np.sum(parts, axis=0)
        found.append(sum(float(part[_cheapest(total - part)]) for part in parts))
    return float(np.mean(found))


def _mistakes(of_class: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False alarms and misses at every threshold, float64 ``(T,)``, means over seeds."""
    misses = [np.searchsorted(np.sort(row[of_class]), THRESHOLDS, "left") for row in scores]
    passed = [np.searchsorted(np.sort(row[~of_class]), THRESHOLDS, "left") for row in scores]
    others = int((~of_class).sum())
    return others - np.mean(passed, axis=0), np.mean(misses, axis=0)


def _cheapest(costs: np.ndarray) -> int:
    """The place of the lowest cost; of equal ones the nearest to one half."""
    places = np.flatnonzero(costs <= costs.min() + 1e-9)
    return int(places[np.abs(places - place_of(USUAL)).argmin()])


def _mean_count(hits: np.ndarray) -> float:
    """Of bool ``(S, N)``: the mean over seeds of how many images are hit."""
    return float(hits.sum(axis=1).mean())


def _rate(count: float, total: float) -> Rate:
    """With the interval of the rounded numbers of images."""
    images = round(total)
    low, high = mean_interval([count / total], images) if images else (None, None)
    return Rate(count, total, low, high)
