"""Slices: the test images that have something in common, and how good each strategy is there.

A property with few values has a slice for each; one with many is cut into quarters of the test
images, or into fewer parts where these would be too small. Images of the same value are never in
two slices of a property.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.analysis.evidence import ExperimentPredictions
from core.analysis.image_properties import ImageProperty, Measurements, property_values
from core.analysis.significance import mean_interval
from core.datasets.dataset import Dataset
from core.datasets.metadata import MetadataColumn
from core.experiments.labels import OwnSlice
from core.experiments.records import ExperimentRecord

# With fewer the interval of an accuracy is wider than half of the scale.
FEWEST_IMAGES = 10
PARTS = 4
# Of a column of numbers that came with the images: whoever measured it, it is cut into terciles.
PARTS_OF_METADATA = 3
# Of the largest value: classes of 25 and of 26 images are as large as each other.
ALIKE_WITHIN = 0.1


@dataclass(frozen=True, eq=False)
class Slice:
    """Some of the test images: those that are alike in one property.

    ``place``: the label of a class; else from 0 for the smallest values to ``places`` - 1; of the
    columns of metadata it counts on over all of them.
    ``low``, ``high``: the smallest and the largest value in it. ``rows`` bool ``(N,)``: which test
    images are in it. ``name``: of one that somebody put together, or of the column of metadata,
    whose images have this ``word`` where it holds texts.
    """

    kind: ImageProperty
    place: int
    places: int
    low: float
    high: float
    rows: np.ndarray
    name: str = ""
    word: str = ""

    @property
    def key(self) -> str:
        """Its name in addresses and tables."""
        return f"{self.kind}.{self.place}"

    @property
    def images(self) -> int:
        return int(self.rows.sum())


class Reason(StrEnum):
    """Why a property, or a class, has no slice."""

    ALIKE = "alike"  # all test images have the same value, or nearly
    FEW = "few"  # there are too few images of one value or the other
    SAME = "same"  # its slices hold the same images as others before them
    UNKNOWN = "unknown"  # one of its parts is no slice here


@dataclass(frozen=True)
class LeftOut:
    """``labels``: of classes that are left out, where it is not the whole property; ``name``: of a
    slice that somebody put together, or of a column of metadata; ``is_part``: only some slices of
    the property are."""

    kind: ImageProperty
    reason: Reason
    labels: tuple[int, ...] = ()
    name: str = ""
    is_part: bool = False


@dataclass(frozen=True, eq=False)
class Slicing:
    """All slices of the test images, property by property, and what was left out."""

    slices: tuple[Slice, ...]
    left_out: tuple[LeftOut, ...]

    def of(self, kind: ImageProperty) -> tuple[Slice, ...]:
        return tuple(one for one in self.slices if one.kind is kind)


@dataclass(frozen=True)
class SliceAccuracy:
    """One strategy in one slice: mean over its seeds, 0 to 1, with the 95 % Wilson interval of the
    rounded mean number of correct images."""

    strategy: str
    title: str
    seeds: int
    key: str
    images: int
    accuracy: float
    low: float
    high: float


def experiment_slices(
    evidence: ExperimentPredictions,
    experiment: ExperimentRecord,
    dataset: Dataset | None,
    measurements: Measurements | None,
) -> Slicing:
    """All slices by what is known, with those that people named; none without predictions.

    Without the ``dataset`` there are classes alone; ``measurements`` as ``kept_measurements`` has
    them.
    """
    if not evidence.answers:
        return Slicing((), ())
    values = property_values(evidence, experiment.spec, dataset, measurements)
    columns = () if dataset is None else dataset.metadata
    slicing = with_metadata(
        slices_of(values), [column.only(evidence.test_indices) for column in columns]
    )
    return with_own_slices(slicing, experiment.labels.slices)


def slices_of(values: Mapping[ImageProperty, np.ndarray]) -> Slicing:
    """Cut the test images by each of the properties; ``values`` are those of ``property_values``.

    A slice has ``FEWEST_IMAGES`` at least: classes with fewer are left out, other parts are joined
    with their smaller neighbour. What is all the test images is no slice.
    """
    found: list[Slice] = []
    left_out: list[LeftOut] = []
    for kind, of_images in values.items():
        if _are_alike(kind, of_images):
            left_out.append(LeftOut(kind, Reason.ALIKE))
            continue
        if kind is ImageProperty.CLASS:
            places, small = _by_class(of_images)
        else:
            most = 2 if kind is ImageProperty.COLOUR else PARTS
            places, small = _by_value(of_images, most), ()
        if not places:
            left_out.append(LeftOut(kind, Reason.FEW))
            continue
        if small:
            left_out.append(LeftOut(kind, Reason.FEW, small))
        known = {one.rows.tobytes() for one in found}
        new = {place for place, rows in places.items() if rows.tobytes() not in known}
        if len(new) < len(places):
            left_out.append(LeftOut(kind, Reason.SAME, is_part=bool(new)))
        found += [
            Slice(
                kind,
                place,
                len(places),
                float(of_images[rows].min()),
                float(of_images[rows].max()),
                rows,
            )
            for place, rows in places.items()
            if place in new
        ]
    return Slicing(tuple(found), tuple(left_out))


def with_metadata(slicing: Slicing, columns: Sequence[MetadataColumn]) -> Slicing:
    """The same with those by columns that came with the images, of the test images alone.

    One for each text that has ``FEWEST_IMAGES``; of numbers terciles, or fewer parts. Images
    of which a column knows nothing are in none of its slices. What others hold is not cut again.
    """
    found, left_out = list(slicing.slices), list(slicing.left_out)
    known = {one.rows.tobytes() for one in found}
    before = 0
    for column in columns:
        # Counted with those that are left out: a saved slice names its parts by number.
        parts = [(before + at, rows, word) for at, (rows, word) in enumerate(_parts_of(column))]
        before += len(parts)
        new = [one for one in parts if one[1].tobytes() not in known and not one[1].all()]
        if len(new) < len(parts) or not parts:
            reason = Reason.SAME if parts else Reason.FEW
            left_out.append(
                LeftOut(ImageProperty.METADATA, reason, name=column.name, is_part=bool(new))
            )
        for place, rows, word in new:
            values = column.values[rows]
            low, high = float(values.min()), float(values.max())
            found.append(
                Slice(ImageProperty.METADATA, place, 0, low, high, rows, column.name, word)
            )
            known.add(rows.tobytes())
    return Slicing(tuple(found), tuple(left_out))


def with_own_slices(slicing: Slicing, own: Sequence[OwnSlice]) -> Slicing:
    """The same with those that people named: the images that are in all of their parts.

    Of several parts by the same property one is enough. One with fewer than ``FEWEST_IMAGES`` is
    left out, and one whose parts are no slices here.
    """
    known = {one.key: one for one in slicing.slices}
    found, left_out = list(slicing.slices), list(slicing.left_out)
    for place, named in enumerate(own):
        if not set(named.parts) <= set(known):
            left_out.append(LeftOut(ImageProperty.OWN, Reason.UNKNOWN, name=named.name))
            continue
        by_kind: dict[tuple[ImageProperty, str], list[np.ndarray]] = {}
        for part in map(known.__getitem__, named.parts):
            by_kind.setdefault((part.kind, part.name), []).append(part.rows)
        rows = np.all([np.any(parts, axis=0) for parts in by_kind.values()], axis=0)
        if rows.sum() < FEWEST_IMAGES:
            left_out.append(LeftOut(ImageProperty.OWN, Reason.FEW, name=named.name))
            continue
        found.append(Slice(ImageProperty.OWN, place, len(own), 0.0, 0.0, rows, named.name))
    return Slicing(tuple(found), tuple(left_out))


def slice_accuracies(
    evidence: ExperimentPredictions, slicing: Slicing
) -> tuple[SliceAccuracy, ...]:
    """Every strategy in every slice: slices in their order, strategies in that of the ladder."""
    found = []
    for one in slicing.slices:
        for answers in evidence.answers:
            by_seed = answers.correct[:, one.rows].mean(axis=1).tolist()
            low, high = mean_interval(by_seed, one.images)
            found.append(
                SliceAccuracy(
                    strategy=answers.strategy,
                    title=answers.title,
                    seeds=len(answers.seeds),
                    key=one.key,
                    images=one.images,
                    accuracy=float(np.mean(by_seed)),
                    low=low,
                    high=high,
                )
            )
    return tuple(found)


def _are_alike(kind: ImageProperty, values: np.ndarray) -> bool:
    spread = float(np.ptp(values))
    if kind is ImageProperty.CLASS:
        return spread == 0
    return spread <= ALIKE_WITHIN * float(np.abs(values).max())


def _by_class(labels: np.ndarray) -> tuple[dict[int, np.ndarray], tuple[int, ...]]:
    """Rows of each class that has enough images, and the labels of those that have some."""
    counts = np.bincount(labels)
    small = np.flatnonzero((counts > 0) & (counts < FEWEST_IMAGES))
    large = np.flatnonzero(counts >= FEWEST_IMAGES)
    return {int(label): labels == label for label in large}, tuple(small.tolist())


def _by_value(values: np.ndarray, most: int) -> dict[int, np.ndarray]:
    """Rows of at most ``most`` parts of about equal size, from small values to large ones.

    Empty where less than two would have enough images.
    """
    parts = min(most, len(values) // FEWEST_IMAGES)
    _, ranks, counts = np.unique(values, return_inverse=True, return_counts=True)
    # Images up to each value, after which a part may end.
    ends = np.cumsum(counts)[:-1]
    wanted = len(values) * np.arange(1, parts) / max(1, parts)
    cuts = np.unique([int(np.abs(ends - end).argmin()) for end in wanted])
    numbers = np.searchsorted(cuts, ranks) if len(cuts) else np.zeros(len(values), np.int64)
    groups = [numbers == number for number in range(len(cuts) + 1)]
    while len(groups) > 1 and min(rows.sum() for rows in groups) < FEWEST_IMAGES:
        groups = _smallest_joined(groups)
    return dict(enumerate(groups)) if len(groups) > 1 else {}


def _parts_of(column: MetadataColumn) -> list[tuple[np.ndarray, str]]:
    """Rows of each part with its word; empty where fewer than two have enough images."""
    parts: list[tuple[np.ndarray, str]]
    if column.words is not None:
        found = [(column.values == at, word) for at, word in enumerate(column.words)]
        parts = [(rows, word) for rows, word in found if rows.sum() >= FEWEST_IMAGES]
        return parts if len(parts) > 1 else []
    known = np.flatnonzero(~np.isnan(column.values))
    parts = []
    for inside in _by_value(column.values[known], PARTS_OF_METADATA).values():
        rows = np.zeros(len(column.values), bool)
        rows[known[inside]] = True
        parts.append((rows, ""))
    return parts


def _smallest_joined(groups: list[np.ndarray]) -> list[np.ndarray]:
    """The smallest of them is joined with the smaller one of its neighbours."""
    sizes = [int(rows.sum()) for rows in groups]
    at = sizes.index(min(sizes))
    neighbours = [place for place in (at - 1, at + 1) if 0 <= place < len(groups)]
    first, second = sorted((at, min(neighbours, key=lambda place: sizes[place])))
    joined = groups[first] | groups[second]
    return [*groups[:first], joined, *groups[second + 1 :]]
