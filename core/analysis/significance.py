"""Is a difference between two strategies real? Tests over the test images that both predicted.

Everything is computed from ``correct`` arrays: bool ``(seeds, N)``, whether each run of a strategy
got each test image right, images in the order of the split.
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import binom, binomtest

CONFIDENCE = 0.95
# A difference with a smaller p value counts as real.
SIGNIFICANCE = 1 - CONFIDENCE
RESAMPLES = 2000
# Chance of seeing a difference of ``smallest_visible_difference``.
POWER = 0.80
# Below this the rounding of a convolution is no longer small beside the p value.
_SMALLEST_EXACT = 1e-12
# Bisection stops when the two ends are this near to each other; weights below it are left out.
_TINY = 1e-9
# Numbers held at once: bounds the memory, however many images there are.
_LARGEST_BLOCK = 5_000_000


@dataclass(frozen=True)
class PairedTest:
    """``second`` against ``first`` on the same ``images``; fractions are 0 to 1.

    ``difference``: mean accuracy of ``second`` minus that of ``first``. ``p_value``: exact
    two-sided test over images; with one seed each it is McNemar's. ``fixed`` and ``regressed``
    count images, averaged over the pairs of seeds: wrong for the first and right for the second,
    and the other way round. ``disagreement``: mean over images of the squared difference in the
    fraction of seeds that are correct; with one seed each, the fraction of images that differ.
    """

    images: int
    difference: float
    p_value: float
    fixed: float
    regressed: float
    disagreement: float


# Every page asks for the same few: SciPy takes milliseconds for each.
@lru_cache(maxsize=4096)
def wilson_interval(correct: int, images: int) -> tuple[float, float]:
    """95 % Wilson score interval (Wilson 1927) of an accuracy: ``(low, high)``, fractions 0 to 1.

    ``correct`` of ``images`` independent test images were predicted correctly. Raises
    ``ValueError`` for no images and for counts that make no sense.
    """
    interval = binomtest(correct, images).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def mean_interval(accuracies: Sequence[float], images: int) -> tuple[float, float]:
    """95 % Wilson interval of a mean accuracy over seeds scored on the same ``images``.

    It is that of the rounded mean number of correct images. Pooling the seeds would pretend that
    each seed was scored on new images.
    """
    return wilson_interval(round(statistics.fmean(accuracies) * images), images)


def paired_test(first: np.ndarray, second: np.ndarray) -> PairedTest:
    """Compare two strategies by their ``correct`` arrays over the same images."""
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"shapes {first.shape} and {second.shape} are not over the same images")
    if first.shape[1] == 0:
        raise ValueError("there are no images to compare on")
    before, after = first.mean(axis=0), second.mean(axis=0)
    return PairedTest(
        images=first.shape[1],
        difference=float(second.mean() - first.mean()),
        p_value=sign_flip_p_value(first, second),
        fixed=float(((1 - before) * after).sum()),
        regressed=float((before * (1 - after)).sum()),
        disagreement=float(((after - before) ** 2).mean()),
    )


def sign_flip_p_value(first: np.ndarray, second: np.ndarray) -> float:
    """Exact two-sided p value of a permutation test: a coin per image swaps the two strategies.

    The statistic is the sum over images of the difference in the fraction of correct seeds.
    With one seed each, only images that differ count, each by one: this is McNemar's exact test
    (McNemar 1947). With more, an image counts by how many seeds agree on the difference. The whole
    distribution is computed, none of it sampled: differences are multiples of one fraction, so it
    is a convolution of binomials. A p value below 1e-12 would drown in rounding: where Hoeffding's
    bound (Hoeffding 1963) is below that, the bound is returned, which is never smaller than p.
    """
    differences, unit = image_differences(first, second)
    sizes = np.bincount(np.abs(differences), minlength=unit + 1)
    observed = abs(int(differences.sum()))
    if observed == 0:
        return 1.0
    bound = 2 * math.exp(-(observed**2) / (2 * float((differences**2).sum())))
    if bound < _SMALLEST_EXACT:
        return bound
    distribution = np.ones(1)
    for size in range(1, unit + 1):
        count = int(sizes[size])
        if count:
            # Sum of ``count`` coins of plus or minus ``size``: steps of twice the size.
            disagreements = np.zeros(2 * size * count + 1)
            disagreements[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
            distribution = np.clip(fftconvolve(distribution, disagreements), 0.0, None)
    middle = (len(distribution) - 1) // 2
    tail = distribution[middle + observed :].sum() + distribution[: middle - observed + 1].sum()
    return float(min(1.0, tail))


def image_differences(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, int]:
    """How much more often ``second`` is correct on each image, and the number of units in 1.

    int64 ``(N,)``, in units of one part of the fraction of correct seeds: -unit to unit.
    """
    unit = math.lcm(len(first), len(second))
    before, after = first.sum(axis=0), second.sum(axis=0)
    return after * (unit // len(second)) - before * (unit // len(first)), unit


def resampled_accuracies(rights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Mean accuracy of each strategy in each of ``RESAMPLES`` bootstrap samples (Efron 1979).

    Images are drawn with replacement together for all strategies (they are paired), seeds
    within each strategy. The draws are the same each time.
    """
    random = np.random.default_rng(0)
    runs = np.concatenate(rights).T.astype(np.float64)
    # Counts, divided once at the end: equal accuracies stay equal to the last bit.
    right = np.concatenate([counts @ runs for counts in drawn_counts(len(runs), RESAMPLES, random)])
    ends = np.cumsum([len(entry) for entry in rights])[:-1]
    return [
        _drawn_sum(own, random) / (own.shape[1] * len(runs))
        for own in np.split(right, ends, axis=1)
    ]


def _drawn_sum(right: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Sum over seeds drawn with replacement: ``(resamples, seeds)`` to ``(resamples,)``."""
    drawn = random.integers(0, right.shape[1], right.shape)
    return np.take_along_axis(right, drawn, axis=1).sum(axis=1)


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for their number (Holm 1979), in the order given.

    The smallest is multiplied by their number, the next by one less, and so on; none becomes
    smaller than one before it, or larger than 1.
    """
    adjusted = [1.0] * len(p_values)
    reached = 0.0
    order = sorted(range(len(p_values)), key=lambda position: p_values[position])
    for rank, position in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = reached
    return adjusted


def tie_groups(ordered: Sequence[str], told_apart: set[frozenset[str]]) -> list[tuple[str, ...]]:
    """Groups of two or more neighbours in the ranking of which no two can be told apart.

    ``ordered`` are names from best to worst; ``told_apart`` holds the pairs that differ. A group
    inside a larger one is left out.
    """
    groups: list[tuple[str, ...]] = []
    for start in range(len(ordered)):
        end = start + 1
        while end < len(ordered) and not any(
            frozenset((ordered[end], name)) in told_apart for name in ordered[start:end]
        ):
            end += 1
        group = tuple(ordered[start:end])
        if len(group) > 1 and not (groups and set(group) <= set(groups[-1])):
            groups.append(group)
    return groups


def smallest_visible_difference(images: int, disagreement: float) -> float | None:
    """The smallest difference in accuracy (0 to 1) that ``images`` would show four times in five.

    By the exact power of McNemar's exact test at 5 %, where the two strategies differ on a fraction
    ``disagreement`` of the images; with several seeds see ``PairedTest``. None where not even a
    difference on all of these would be seen as often: fewer than six images never suffice.
    """
    if images < 1 or not 0 <= disagreement <= 1:
        raise ValueError(f"{images} images and a disagreement of {disagreement} make no sense")
    differing = np.arange(images + 1)
    weights = binom.pmf(differing, images, disagreement)
    likely = weights > _TINY
    differing, weights = differing[likely], weights[likely]
    tail = (1 - CONFIDENCE) / 2
    # The largest count on the smaller side that is significant; -1 where none is.
    limits = binom.ppf(tail, differing, 0.5)
    limits -= binom.cdf(limits, differing, 0.5) > tail

    def power(difference: float) -> float:
        favoured = (1 + difference / disagreement) / 2
        seen = binom.cdf(limits, differing, favoured) + binom.cdf(limits, differing, 1 - favoured)
        return float((weights * seen).sum())

    if disagreement == 0 or power(disagreement) < POWER:
        return None
    low, high = 0.0, disagreement
    while high - low > _TINY:
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle) < POWER else (low, middle)
    return high


def drawn_counts(images: int, resamples: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """How often each image was drawn: float64 blocks ``(n, images)``, ``resamples`` rows in all.

    Every row sums to ``images``. ``scipy.stats.bootstrap`` would call its statistic once for each
    sample. Here all strategies share the draws (they are paired) and a statistic is a product with
    the counts, so 10,000 images and 50 runs take a fraction of a second.
    """
    rows = max(1, _LARGEST_BLOCK // images)
    for start in range(0, resamples, rows):
        block = np.empty((min(rows, resamples - start), images))
        for row in block:
            row[:] = np.bincount(random.integers(0, images, images), minlength=images)
        yield block


def percentile_interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of resampled ``values``."""
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)
