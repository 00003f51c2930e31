"""A dataset of arrays alone, for tests of what is computed from them: it has no pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets.dataset import PIXELS, Dataset, HealthReport


def dataset(
    labels: Sequence[int],
    classes: tuple[str, ...],
    sizes: Sequence[tuple[int, int]] | None = None,
    predefined_subsets: Sequence[int] | None = None,
    **changes: Any,
) -> Dataset:
    """``sizes`` are widths and heights in pixels; 8 x 8 without."""
    count = len(labels)
    widths, heights = np.array([(8, 8)] * count if sizes is None else sizes, np.int32).T
    values: dict[str, Any] = {
        "id": "e" * 64,
        "name": "made up",
        "classes": classes,
        "labels": np.array(labels, np.int32),
        "file_names": tuple(f"{number}.png" for number in range(count)),
        "groups": np.arange(count),
        "heights": heights,
        "widths": widths,
        "channels": 3,
        "provenance": "made for a test",
        "created_at": "2026-11-20T10:00:00+00:00",
        "folder": Path("nowhere"),
        "health": HealthReport(),
        "encoding": PIXELS,
        "offsets": np.zeros(count, np.int64),
        "sizes": np.zeros(count, np.int64),
        "digests": np.arange(count * 32).reshape(count, 32).astype(np.uint8),
        "grey": np.zeros(count, bool),
        "one_colour": np.zeros(count, bool),
        "look_alikes": np.zeros(count, bool),
        "predefined_subsets": (
            None if predefined_subsets is None else np.array(predefined_subsets, np.int8)
        ),
    }
    return Dataset(**(values | changes))
