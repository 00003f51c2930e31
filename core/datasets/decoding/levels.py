"""Images deeper than 8 bits: the levels that occur, and the one scale of a dataset.

What a level means differs from dataset to dataset: a camera of 12 bits never reaches 65,535. The
levels of all images together settle which become black and white; never those of one image, which
would make a dark image as bright as the others.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

LARGEST_16_BIT = 65535
# Pixels looked at in one image, beside its lowest and highest level; and in all together.
SAMPLED_IN_IMAGE = 1024
MOST_SAMPLED = 4_000_000
# Percentiles between which nearly all pixels are: a few broken pixels do not settle the scale.
NEARLY_ALL = (0.1, 99.9)
# Extremes count as long as they make the range no more than so many times wider.
WIDER_BY_EXTREMES = 2
# A lowest level in this fraction of the pixels, as far below the rest as this many times the
# range of the rest, stands for "nothing was measured".
FILL_FRACTION, FILL_DISTANCE, FEWEST_BESIDE_FILL = 0.001, 2, 8

Kind = Literal["whole", "floats"]
Range = tuple[float, float]


@dataclass(frozen=True)
class Levels:
    """Which levels become black and white in images deeper than 8 bits, by kind of number.

    None where whole numbers are taken as 0 to 65,535, and floats as 0 to 1 or 0 to 255, whichever
    fits the image.
    """

    whole: Range | None = None
    floats: Range | None = None

    def to_json(self) -> dict[str, Any]:
        """As a manifest and ``preprocessing.json`` have it."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any] | None) -> "Levels":
        """Read what ``to_json`` wrote; a document without levels gives the defaults.

        Raises ``TypeError`` or ``ValueError`` where it is damaged.
        """
        ranges = {kind: pair and _range(pair) for kind, pair in dict(document or {}).items()}
        return cls(**ranges)


USUAL_LEVELS = Levels()


def _range(pair: Sequence[float]) -> Range:
    low, high = (float(level) for level in pair)
    if not (low < high and math.isfinite(high - low)):
        raise ValueError(f"levels {low} to {high}")
    return low, high


@dataclass(frozen=True, slots=True)
class SeenLevels:
    """What occurs in one image: extremes, and evenly chosen pixels as float64 ``(n,)``."""

    kind: Kind
    lowest: float
    highest: float
    sample: np.ndarray


def seen_levels(bands: Iterable[np.ndarray], kind: Kind, count: int) -> SeenLevels:
    """The levels of an image of ``count`` finite numbers, which come as arrays of any shape."""
    step = max(1, count // SAMPLED_IN_IMAGE)
    # Odd, because most widths are even: else only some columns would be seen.
    step += step > 1 and step % 2 == 0
    lowest, highest, sample = np.inf, -np.inf, []
    for band in bands:
        lowest, highest = min(lowest, float(band.min())), max(highest, float(band.max()))
        sample.append(band.ravel()[::step].astype(np.float64))
    return SeenLevels(kind, lowest, highest, np.concatenate(sample))


def stretched(values: np.ndarray, levels: Range) -> np.ndarray:
    """Any numbers as uint8, black up to the first of ``levels`` and white from the second on."""
    low, high = levels
    wide = values if values.dtype == np.float32 and low == 0 else values.astype(np.float64)
    scaled = (wide - low) * (255.0 / (high - low))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


class LevelSurvey:
    """Collects the levels of the images of a dataset, to settle its scale."""

    def __init__(self) -> None:
        self._extremes: dict[Kind, list[float]] = {}
        self._samples: dict[Kind, list[np.ndarray]] = {}
        self._count = 0
        self._keep_every = 1

    def add(self, seen: SeenLevels) -> None:
        extremes = self._extremes.setdefault(seen.kind, [seen.lowest, seen.highest])
        extremes[:] = min(extremes[0], seen.lowest), max(extremes[1], seen.highest)
        sample = seen.sample[:: self._keep_every]
        self._samples.setdefault(seen.kind, []).append(sample)
        self._count += len(sample)
        if self._count > MOST_SAMPLED:
            self._keep_every *= 2
            self._samples = {
                kind: [kept[::2] for kept in samples] for kind, samples in self._samples.items()
            }
            self._count = sum(len(kept) for found in self._samples.values() for kept in found)

    def settle(self) -> tuple[Levels, list[str]]:
        """The scale for all images, and sentences that say where levels were stretched."""
        levels: dict[Kind, Range | None] = {}
        notes = []
        for kind, (lowest, highest) in self._extremes.items():
            sample = np.sort(np.concatenate(self._samples[kind]))
            low, high = _range_that_occurs(sample, lowest, highest)
            usual = _usual_range(kind, low, high)
            if usual is not None:
                levels[kind] = usual if kind == "floats" else None
            elif low < high:
                levels[kind] = low, high
                beyond = (lowest, highest) != (low, high)
                notes.append(
                    f"The images have more than 8 bits a pixel: their levels {_level(low)} to"
                    f" {_level(high)} were stretched to 0 to 255, in all images alike."
                    + (" Levels beyond became black or white." if beyond else "")
                )
        return Levels(**levels), notes


def _range_that_occurs(sample: np.ndarray, lowest: float, highest: float) -> Range:
    """From where to where nearly all pixels are; ``sample`` is sorted."""
    rest = sample[np.searchsorted(sample, sample[0], side="right") :]
    filled = len(sample) - len(rest)
    if (
        filled >= FILL_FRACTION * len(sample)
        and len(np.unique(rest)) >= FEWEST_BESIDE_FILL
        and rest[0] - sample[0] > FILL_DISTANCE * (rest[-1] - rest[0])
    ):
        sample, lowest = rest, float(rest[0])
    low, high = (float(level) for level in np.percentile(sample, NEARLY_ALL, method="nearest"))
    if low == high or highest - lowest <= WIDER_BY_EXTREMES * (high - low):
        return lowest, highest
    return low, high


def _usual_range(kind: Kind, low: float, high: float) -> Range | None:
    """The range that such levels are usually meant in, where at least half of it occurs."""
    ranges = {"whole": [LARGEST_16_BIT], "floats": [1, 255]}
    for top in ranges[kind]:
        if low >= 0 and high <= top and 2 * (high - low) >= top:
            return 0.0, float(top)
    return None


def _level(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:,.4g}"
