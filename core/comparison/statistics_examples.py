"""Numbers of one experiment that show what each statistic does; the tests are elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.comparison.evidence import StrategyPredictions, ExperimentPredictions
from core.comparison.metrics import wilson_interval
from core.comparison.significance import holm, sign_flip_p_value
from core.comparison.verdicts import PairVerdict

# Test images of the experiments that the interval is shown for, beside the experiment's own.
USUAL_TEST_SIZES = (25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


@dataclass(frozen=True)
class WidthAt:
    """The 95 % Wilson interval of an accuracy measured on ``images``; fractions 0 to 1."""

    images: int
    low: float
    high: float
    is_own: bool


@dataclass(frozen=True)
class FourCells:
    """Two runs of one seed each on the same test images, and McNemar's exact p value."""

    both_right: int
    fixed: int
    regressed: int
    both_wrong: int
    p_value: float


@dataclass(frozen=True)
class HolmStep:
    """One pair in Holm's procedure: the ``place`` of its p value from the smallest (1)."""

    place: int
    words: str
    p_value: float
    factor: int
    adjusted: float
    told_apart: bool


def widths(accuracy: float, images: int) -> tuple[WidthAt, ...]:
    """How wide the interval of the same ``accuracy`` is with fewer and with more test images."""
    found = []
    for size in sorted({*USUAL_TEST_SIZES, images}):
        low, high = wilson_interval(round(accuracy * size), size)
        found.append(WidthAt(size, low, high, size == images))
    return tuple(found)


def four_cells(first: StrategyPredictions, second: StrategyPredictions) -> FourCells:
    """Of the first seed of each."""
    before, after = first.right[0], second.right[0]
    return FourCells(
        both_right=int((before & after).sum()),
        fixed=int((~before & after).sum()),
        regressed=int((before & ~after).sum()),
        both_wrong=int((~before & ~after).sum()),
        p_value=sign_flip_p_value(first.right[:1], second.right[:1]),
    )


def drawn_differences(evidence: ExperimentPredictions, first: str, second: str) -> np.ndarray:
    """Accuracy of ``second`` minus that of ``first`` in each bootstrap sample, float64 ``(R,)``."""
    return evidence.resampled[second] - evidence.resampled[first]


def holm_steps(pairs: Sequence[PairVerdict]) -> tuple[HolmStep, ...]:
    """The pairs from the smallest p value to the largest, each with what it is multiplied by."""
    ordered = sorted(pairs, key=lambda pair: pair.p_value)
    adjusted = holm([pair.p_value for pair in ordered])
    return tuple(
        HolmStep(
            place=place,
            words=f"{pair.second_title} against {pair.first_title}",
            p_value=pair.p_value,
            factor=len(ordered) - place + 1,
            adjusted=after,
            told_apart=pair.told_apart,
        )
        for place, (pair, after) in enumerate(zip(ordered, adjusted, strict=True), start=1)
    )
