"""Is a difference between two strategies real? Tests on the test images that both were scored on.

Everything is computed from ``right`` arrays: bool ``(seeds, N)``, whether each run of a strategy
got each test image right, images in the order of the split.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import binom, binomtest, norm

CONFIDENCE = 0.95
RESAMPLES = 2000
# Chance of seeing a difference of the size that the power sentence names.
POWER = 0.80
# Rounding of the convolution: what lies this near to the observed sum counts as reached.
_TINY = 1e-9


@dataclass(frozen=True)
class PairedDifference:
    """``second`` minus ``first`` on the same ``images``; fractions are 0 to 1.

    ``low`` and ``high``: 95 % bootstrap interval of ``difference`` over images and seeds.
    ``p_value``: exact two-sided test over images; with one seed each it is McNemar's.
    ``put_right`` and ``broken`` count images, averaged over the pairs of seeds: wrong for the
    first and right for the second, and the other way round.
    """

    images: int
    difference: float
    low: float
    high: float
    p_value: float
    put_right: float
    broken: float


def mcnemar_exact(put_right: int, broken: int) -> float:
    """Two-sided p of McNemar's exact test from the two counts of images that differ.

    Under the null hypothesis each of them is a fair coin (McNemar 1947; the binomial form is in
    Fagerland, Lydersen and Laake 2013). 1 where no image differs.
    """
    differing = put_right + broken
    if differing == 0:
        return 1.0
    return float(binomtest(min(put_right, broken), differing, 0.5).pvalue)


def paired_difference(first: np.ndarray, second: np.ndarray) -> PairedDifference:
    """Compare two strategies by their ``right`` arrays, which are over the same images."""
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"shapes {first.shape} and {second.shape} are not over the same images")
    if first.shape[1] == 0:
        raise ValueError("there are no images to compare on")
    means = first.mean(axis=0), second.mean(axis=0)
    low, high = bootstrap_interval(first, second)
    return PairedDifference(
        images=first.shape[1],
        difference=float(means[1].mean() - means[0].mean()),
        low=low,
        high=high,
        p_value=sign_flip_p_value(first, second),
        put_right=float(((1 - means[0]) * means[1]).sum()),
        broken=float((means[0] * (1 - means[1])).sum()),
    )


def sign_flip_p_value(first: np.ndarray, second: np.ndarray) -> float:
    """Exact two-sided p of a permutation test: swap the two strategies on each image by a coin.

    The statistic is the sum over images of the difference in the share of seeds that were right.
    With one seed each, only images that differ count, each by one: this is McNemar's exact test.
    With more, an image counts by how many seeds agree on the difference. The whole distribution
    is computed, none of it sampled: differences are multiples of one fraction, so it is a
    convolution of binomials.
    """
    unit = math.lcm(len(first), len(second))
    shares = second.sum(axis=0) * (unit // len(second)) - first.sum(axis=0) * (unit // len(first))
    sizes = np.bincount(np.abs(shares).astype(np.int64), minlength=unit + 1)
    if not sizes[1:].any():
        return 1.0
    distribution = np.ones(1)
    for size in range(1, unit + 1):
        count = int(sizes[size])
        if count:
            # Sum of ``count`` coins of plus or minus ``size``: steps of twice the size.
            flips = np.zeros(2 * size * count + 1)
            flips[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
            distribution = np.clip(fftconvolve(distribution, flips), 0.0, None)
    middle = (len(distribution) - 1) // 2
    observed = abs(int(shares.sum()))
    tail = distribution[middle + observed :].sum() + distribution[: middle - observed + 1].sum()
    return float(min(1.0, tail)) if observed else 1.0


def bootstrap_interval(first: np.ndarray, second: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Percentile interval of the difference in mean accuracy, images and seeds drawn anew.

    Images are drawn with replacement together for both strategies (they are paired), seeds
    within each strategy. ``scipy.stats.bootstrap`` draws along one axis only, hence our own.
    Drawing images is drawing patterns of right and wrong, of which there are few: so 10,000
    images cost no more than their patterns.
    """
    random = np.random.default_rng(seed)
    columns = np.concatenate([first, second]).T.astype(np.uint8)
    patterns, counts = np.unique(columns, axis=0, return_counts=True)
    images = first.shape[1]
    drawn = random.multinomial(images, counts / images, RESAMPLES)
    right = drawn @ patterns.astype(np.float64) / images
    accuracies = [
        _drawn_mean(right[:, : len(first)], random),
        _drawn_mean(right[:, len(first) :], random),
    ]
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(accuracies[1] - accuracies[0], [tail, 100 - tail])
    return float(low), float(high)


def _drawn_mean(right: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Mean over seeds drawn with replacement for each resample; ``right`` is (resamples, seeds)."""
    seeds = right.shape[1]
    drawn = random.integers(0, seeds, right.shape)
    return np.take_along_axis(right, drawn, axis=1).mean(axis=1)


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
    """Runs of neighbours in the ranking of which no two can be told apart, two names or more.

    ``ordered`` are names from best to worst; ``told_apart`` holds the pairs that differ. A group
    inside a larger one is not named again.
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


def smallest_visible_difference(images: int, differing_share: float) -> float:
    """The smallest difference in accuracy (0 to 1) that ``images`` would show four times in five.

    For McNemar's test at 5 %, where the two strategies differ on ``differing_share`` of the
    images (Connor 1987, solved for the difference). Never below one image, nor above the share.
    """
    if images < 1 or not 0 <= differing_share <= 1:
        raise ValueError(f"{images} images and a share of {differing_share} make no sense")
    reach = norm.ppf(1 - (1 - CONFIDENCE) / 2)
    sure = norm.ppf(POWER)
    # (reach * sqrt(s) + sure * sqrt(s - d^2))^2 = n d^2, by halving: the left side falls with d.
    low, high = 0.0, differing_share
    while high - low > _TINY:
        middle = (low + high) / 2
        needed = reach * math.sqrt(differing_share) + sure * math.sqrt(
            max(0.0, differing_share - middle**2)
        )
        low, high = (middle, high) if needed > math.sqrt(images) * middle else (low, middle)
    return max(high, 1 / images)
