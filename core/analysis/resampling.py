"""The bootstrap's draws: the test images drawn with replacement, many times over.

``scipy.stats.bootstrap`` draws along one axis and calls its statistic for each sample. Here all
strategies must see the same draws (they are paired), and a statistic is a product with the
counts, so that 10,000 images and 50 runs take a fraction of a second.
"""

from collections.abc import Iterator

import numpy as np

CONFIDENCE = 0.95
# Numbers held at once: bounds the memory, however many images there are.
_LARGEST_BLOCK = 5_000_000


def drawn_counts(images: int, resamples: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """How often each image was drawn: float64 blocks ``(n, images)``, ``resamples`` rows in all.

    Every row sums to ``images``.
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
