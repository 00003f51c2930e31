"""Split a dataset into train, validation and test: stratified, seeded, saved once.

scikit-learn's ``StratifiedGroupKFold`` makes equal folds only: 7 % and 30 % would take a hundred of
them, more than a class of 49 images can fill. So groups of near duplicates are assigned here, large
ones first: each goes to a subset that still has room for it, drawn in proportion to that room.
Small groups then fill the gaps exactly.

Where a table says which images were taken of one patient or other thing (``Dataset.origins``),
these stay in one subset too, as long as every class can still be in every subset.

A predefined split keeps exactly its test images. Training images that have a near duplicate among
them are in no subset.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.datasets.choices import SUBSETS
from core.datasets.dataset import Dataset
from core.datasets.groups import LARGEST_SET, distinct_per_class, in_multiple_classes, joined
from core.errors import BadInput
from core.files import lock, write_json
from core.settings import current_settings
from core.storage.shared import pull_cached, push_cached
from core.text import count_text, percent_text

SMALLEST_TRAIN = 0.05
NO_SUBSET = -1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Split:
    """The images that are trained on, that choose the epoch, and that are tested once.

    Sorted int64 index arrays that do not overlap. They cover the dataset except for images of a
    predefined split that would leak: see ``leaking_images``. ``fingerprint`` is the SHA-256 (hex)
    of the dataset's id and the three arrays.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    fingerprint: str


def make_split(
    dataset: Dataset, test: float, validation: float, seed: int, use_predefined: bool = True
) -> Split:
    """The split with these fractions of all images (0 to 1) and this seed.

    It is made once and saved with the dataset, so that all runs that are compared share it. Near
    duplicates stay in one subset, and so do images of one origin where that can be; every class is
    in every subset.

    With ``use_predefined`` a predefined split is used where there is one. Then ``test`` has no
    effect, and ``validation`` is the fraction of its training images, unless it has validation
    images that are not in test as well.

    Raises ``BadInput`` where the fractions leave nothing to train on or a class is too small.
    """
    if not (test > 0 and validation > 0 and test + validation <= 1 - SMALLEST_TRAIN):
        raise BadInput(
            f"test {test:g} and validation {validation:g} must be above 0 and leave at least"
            f" {percent_text(SMALLEST_TRAIN, 0)} to train on.",
            "split",
        )
    predefined = use_predefined and dataset.predefined_subsets is not None
    origin = "given" if predefined else f"test{float(test)!r}"
    name = f"{origin}-validation{float(validation)!r}-seed{int(seed)}.json"
    path = dataset.folder / "splits" / name
    saved = _read(path, dataset)
    if saved is not None:
        return saved
    with lock(current_settings().locks_folder / f"split-{dataset.id[:16]}.lock"):
        saved = _read(path, dataset)
        if saved is None and pull_cached(path):
            saved = _read(path, dataset)
        if saved is None:
            if predefined:
                subsets = _predefined_subsets(dataset, validation, seed)
            else:
                everything = np.arange(dataset.image_count)
                subsets = _divided(dataset, everything, (validation, test), seed)
            train, held_out, tested = (
                np.flatnonzero(subsets == subset).astype(np.int64) for subset in range(3)
            )
            fingerprint = _fingerprint(dataset.id, (train, held_out, tested))
            saved = Split(train, held_out, tested, fingerprint)
            _write(path, saved)
    return saved


def leaking_images(dataset: Dataset) -> np.ndarray:
    """Images of the predefined split with a near duplicate in a later subset.

    Sorted int64 positions: training images that are also in validation or test, validation images
    that are also in test. Empty for a dataset without a predefined split.
    """
    if dataset.predefined_subsets is None:
        return np.empty(0, np.int64)
    return np.flatnonzero(leaks_of(dataset.groups, dataset.predefined_subsets))


def leaks_of(groups: np.ndarray, subsets: np.ndarray) -> np.ndarray:
    """Which images leak, bool ``(N,)``, by the group and subset of each, int ``(N,)``."""
    last_subset = np.zeros(groups.max(initial=-1) + 1, np.int8)
    np.maximum.at(last_subset, groups, subsets)
    return subsets < last_subset[groups]


def classes_too_small(dataset: Dataset) -> dict[str, tuple[int, int]]:
    """Classes too small to split: number of their distinct images, and number needed.

    Near duplicates count once. In a predefined split only training images that do not leak count.
    """
    counted = np.arange(dataset.image_count)
    needed = len(SUBSETS)
    if dataset.predefined_subsets is not None:
        subsets = _predefined_without_leaks(dataset)
        counted = np.flatnonzero(subsets == SUBSETS.index("train"))
        # Validation is drawn from train where the predefined split has none.
        needed = 1 if (subsets == SUBSETS.index("validation")).any() else 2
    distinct = distinct_per_class(
        dataset.labels[counted], dataset.groups[counted], len(dataset.classes)
    )
    sized = zip(dataset.classes, distinct, strict=True)
    return {name: (int(count), needed) for name, count in sized if count < needed}


def _predefined_subsets(dataset: Dataset, validation: float, seed: int) -> np.ndarray:
    """Subset of each image, -1 for one that leaks; validation is drawn from train if missing."""
    subsets = _predefined_without_leaks(dataset)
    train = np.flatnonzero(subsets == 0)
    trained_on = np.bincount(dataset.labels[train], minlength=len(dataset.classes))
    for name, count in zip(dataset.classes, trained_on, strict=True):
        if not count:
            raise BadInput(
                f"Class {name!r} has no image to train on in the split that came with the dataset"
                " (near duplicates of test images do not count). Add images of it to train,"
                " leave the class out, or let Headstart make its own split.",
                "split",
            )
    # Without validation images, or where all of them are in test as well.
    if not (subsets == 1).any():
        subsets[train] = _divided(dataset, train, (validation, 0.0), seed)
    return subsets


def _predefined_without_leaks(dataset: Dataset) -> np.ndarray:
    """Predefined subset of each image, int64 ``(N,)``; ``NO_SUBSET`` where it leaks."""
    subsets = np.array(dataset.predefined_subsets, np.int64)
    subsets[leaking_images(dataset)] = NO_SUBSET
    return subsets


def _fingerprint(dataset_id: str, arrays: tuple[np.ndarray, ...]) -> str:
    digest = hashlib.sha256(dataset_id.encode())
    for array in arrays:
        digest.update(f";{len(array)};".encode())
        digest.update(array.astype("<i8").tobytes())
    return digest.hexdigest()


def _read(path: Path, dataset: Dataset) -> Split | None:
    """The saved split, or None where it is missing or damaged (logged)."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        arrays = tuple(np.array(document[subset], np.int64) for subset in SUBSETS)
        fingerprint = document["fingerprint"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        logger.warning("split %s is made again: damaged (%s)", path, error)
        return None
    if _fingerprint(dataset.id, arrays) != fingerprint:
        logger.warning("split %s is made again: content changed", path)
        return None
    train, validation, test = arrays
    return Split(train, validation, test, fingerprint)


def _write(path: Path, split: Split) -> None:
    arrays = {subset: getattr(split, subset).tolist() for subset in SUBSETS}
    path.parent.mkdir(exist_ok=True)
    write_json(path, arrays | {"fingerprint": split.fingerprint})
    push_cached(path)


def kept_together(dataset: Dataset) -> np.ndarray:
    """The sets of images that a split does not divide, int64 ``(N,)``, numbered from 0.

    Near duplicates, and images of one origin; ``dataset.groups`` itself, where these are too few in
    some class, or most images are of one.
    """
    if dataset.origins is None:
        return dataset.groups
    sets = joined(dataset.groups, dataset.origins)
    distinct = distinct_per_class(dataset.labels, sets, len(dataset.classes))
    largest = np.bincount(sets).max() / dataset.image_count
    can_be = distinct.min() >= len(SUBSETS) and largest <= LARGEST_SET
    return sets if can_be else dataset.groups


def always_kept_together(dataset: Dataset) -> bool:
    """Whether no seed and no fractions make a split divide the sets of ``kept_together``.

    So it is where each class has three sets without other classes: two of them are in one subset,
    and one of these can be spared for a subset that lacks the class.
    """
    sets = kept_together(dataset)
    alone = ~in_multiple_classes(sets, dataset.labels)[sets]
    distinct = distinct_per_class(dataset.labels[alone], sets[alone], len(dataset.classes))
    return bool(distinct.min() >= len(SUBSETS))


def _divided(
    dataset: Dataset, images: np.ndarray, held_out: tuple[float, float], seed: int
) -> np.ndarray:
    """``_assign`` by what is kept together; near duplicates alone where that cannot be."""
    sets = kept_together(dataset)
    try:
        return _assign(dataset, images, held_out, seed, sets)
    except BadInput as error:
        if sets is dataset.groups:
            raise
        logger.warning("images of one origin were divided: %s", error)
        return _assign(dataset, images, held_out, seed, dataset.groups)


def _assign(
    dataset: Dataset, images: np.ndarray, held_out: tuple[float, float], seed: int, sets: np.ndarray
) -> np.ndarray:
    """Subset (0 train, 1 validation, 2 test) of the ``images`` at these positions, int ``(n,)``.

    ``held_out``: fractions of validation and test; 0 leaves that subset out. ``sets`` int ``(N,)``
    are not divided.
    """
    _, groups = np.unique(sets[images], return_inverse=True)
    # Number of images by group and class.
    group_counts = np.zeros((groups.max(initial=-1) + 1, len(dataset.classes)), np.int64)
    np.add.at(group_counts, (groups, dataset.labels[images]), 1)
    filled = [subset for subset, fraction in enumerate((1.0, *held_out)) if fraction > 0]
    _check_class_sizes(dataset, group_counts, len(filled))
    room = _targets(group_counts.sum(axis=0), held_out)
    random = np.random.default_rng(seed)

    sizes = group_counts.sum(axis=1)
    spread = (group_counts > 0).sum(axis=1)
    order = random.permutation(len(sizes))
    order = order[np.lexsort((-sizes[order], -spread[order]))]
    subset_of_group = np.zeros(len(sizes), np.int64)
    for group in order:
        in_classes = np.flatnonzero(group_counts[group])
        counts = group_counts[group, in_classes]
        subset = _draw_subset(room[:, in_classes], counts, random)
        subset_of_group[group] = subset
        room[subset, in_classes] -= counts
    _give_every_subset_every_class(dataset, group_counts, subset_of_group, filled)
    return subset_of_group[groups]


def _draw_subset(room: np.ndarray, counts: np.ndarray, random: np.random.Generator) -> int:
    """A subset with room for a group of k classes; ``room`` int ``(3, k)``, ``counts`` ``(k,)``."""
    fits = (room >= counts).all(axis=1)
    if not fits.any():
        return int(room.min(axis=1).argmax())
    weights = np.where(fits, room.min(axis=1), 0).astype(np.float64)
    return int(random.choice(3, p=weights / weights.sum()))


def _targets(class_counts: np.ndarray, held_out: tuple[float, float]) -> np.ndarray:
    """Images wanted, int ``(3, classes)``: each class in proportion, at least 1 in each subset."""
    targets = np.zeros((3, len(class_counts)), np.int64)
    for subset, fraction in zip((1, 2), held_out, strict=True):
        exact = class_counts * fraction
        wanted = np.floor(exact).astype(np.int64)
        short = round(class_counts.sum() * fraction) - wanted.sum()
        # The remainder goes to the classes that lost most by rounding down.
        wanted[np.argsort(wanted - exact, kind="stable")[:short]] += 1
        targets[subset] = np.maximum(1, wanted) if fraction > 0 else 0
    targets[0] = class_counts - targets[1] - targets[2]
    return targets


def _check_class_sizes(dataset: Dataset, group_counts: np.ndarray, subsets: int) -> None:
    for number, name in enumerate(dataset.classes):
        distinct = int((group_counts[:, number] > 0).sum())
        if distinct < subsets:
            # With a predefined split, only training images are divided.
            purposes, where = "training, validation and test", ""
            if subsets < len(SUBSETS):
                purposes, where = "training and validation", " to train on"
            count = count_text(int(group_counts[:, number].sum()), "image")
            raise BadInput(
                f"Class {name!r} has {count}{where}, {distinct} of them distinct (near duplicates"
                f" count once). At least {subsets} distinct images are needed, one each for"
                f" {purposes}. Add images to it, or leave the class out.",
                "split",
            )


def _give_every_subset_every_class(
    dataset: Dataset, group_counts: np.ndarray, subset_of_group: np.ndarray, subsets: list[int]
) -> None:
    """Move the smallest group that can be spared to a subset that lacks a class."""
    for number in range(len(dataset.classes)):
        for subset in subsets:
            holders = np.flatnonzero(group_counts[:, number])
            if (subset_of_group[holders] == subset).any():
                continue
            spare = [
                group for group in holders if _can_be_spared(group, group_counts, subset_of_group)
            ]
            if not spare:
                name = dataset.classes[number]
                raise BadInput(
                    f"Class {name!r} ({count_text(dataset.class_counts[name], 'image')}) cannot be"
                    " put into all subsets: near duplicates tie it to other classes."
                    f" At least {len(subsets)} independent images are needed.",
                    "split",
                )
            smallest = min(spare, key=lambda group: int(group_counts[group].sum()))
            subset_of_group[smallest] = subset


def _can_be_spared(
    group: np.integer, group_counts: np.ndarray, subset_of_group: np.ndarray
) -> bool:
    """Whether every class of the group has another group in the subset that it would leave."""
    others = subset_of_group == subset_of_group[group]
    others[group] = False
    classes = np.flatnonzero(group_counts[group])
    return bool((group_counts[others][:, classes] > 0).any(axis=0).all())
