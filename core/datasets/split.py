"""Split a dataset into train, validation and test: stratified, seeded, saved once.

scikit-learn's ``StratifiedGroupKFold`` cuts equal folds only: 7 % and 30 % would take a hundred of
them, more than a class of 49 images can fill. So groups are dealt out here. Every group goes to a
side that still has room for it, drawn in proportion to that room, large groups first: small ones
then fill the gaps exactly.

Where a dataset came with a split, its test pictures are exactly the test side. What it trains on
loses the pictures that have a near duplicate among them: they lie on no side.
"""

import hashlib
import json
import logging
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock

from core.datasets.dataset import SIDES, Dataset
from core.datasets.groups import distinct_per_class
from core.errors import BadInput
from core.settings import current_settings

SMALLEST_TRAIN = 0.05
NO_SIDE = -1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Split:
    """Which images are trained on, choose the epoch, and are scored once.

    Sorted int64 index arrays that do not overlap. They cover the dataset, but for images of a
    given split that would leak: see ``leaking_images``. ``fingerprint`` is the SHA-256 (hex) of
    the dataset's id and the three arrays.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    fingerprint: str


def make_split(
    dataset: Dataset, test: float, validation: float, seed: int, use_given: bool = True
) -> Split:
    """The split of these proportions (shares of all images, 0 to 1) and seed.

    Made the first time and kept with the dataset; read back ever after, so that all runs that
    are compared share it. Near duplicates stay on one side; every class is on every side.
    Where the dataset came with a split and ``use_given``, that is taken: ``test`` says nothing
    then, and ``validation`` is the share of its training images, unless it has validation images
    that are not in test as well.
    Raises ``BadInput``: proportions that leave nothing to train on, a class too small.
    """
    if not (test > 0 and validation > 0 and test + validation <= 1 - SMALLEST_TRAIN):
        raise BadInput(
            f"test {test:g} and validation {validation:g} must be above 0 and leave at least"
            f" {SMALLEST_TRAIN:.0%} to train on.",
            "split",
        )
    given = use_given and dataset.given_sides is not None
    origin = "given" if given else f"test{float(test)!r}"
    name = f"{origin}-validation{float(validation)!r}-seed{int(seed)}.json"
    path = dataset.folder / "splits" / name
    saved = _read(path, dataset)
    if saved is not None:
        return saved
    locks = current_settings().locks_folder
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"split-{dataset.id[:16]}.lock"):
        saved = _read(path, dataset)
        if saved is None:
            if given:
                sides = _given_sides(dataset, validation, seed)
            else:
                counts, groups = _counts_of_groups(dataset, np.arange(dataset.image_count))
                sides = _deal_out(dataset, counts, (validation, test), seed)[groups]
            saved = _as_split(dataset, sides)
            _write(path, saved)
    return saved


def leaking_images(dataset: Dataset) -> np.ndarray:
    """Images of the given split that have a near duplicate on a side that comes after theirs.

    Sorted int64 positions: training images that are also in validation or test, validation images
    that are also in test. Empty for a dataset without a split of its own.
    """
    if dataset.given_sides is None:
        return np.empty(0, np.int64)
    return leaks_of(dataset.groups, dataset.given_sides)


def leaks_of(groups: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """``leaking_images`` of arrays: the group of each image, and its side as a position in
    ``SIDES``, both int ``(N,)``."""
    last_side = np.zeros(groups.max(initial=-1) + 1, np.int8)
    np.maximum.at(last_side, groups, sides)
    return np.flatnonzero(sides < last_side[groups])


def classes_too_small(dataset: Dataset) -> dict[str, tuple[int, int]]:
    """Classes that no split can be made of: how many images they have that are no near duplicates
    of each other, and how many are needed.

    Where the dataset came with a split, images to train on are counted, without those that leak.
    """
    counted = np.arange(dataset.image_count)
    needed = len(SIDES)
    if dataset.given_sides is not None:
        sides = _given_without_leaks(dataset)
        counted = np.flatnonzero(sides == SIDES.index("train"))
        # Validation is dealt from train where it was not given.
        needed = 1 if (sides == SIDES.index("validation")).any() else 2
    distinct = distinct_per_class(
        dataset.labels[counted], dataset.groups[counted], len(dataset.classes)
    )
    sized = zip(dataset.classes, distinct, strict=True)
    return {name: (int(count), needed) for name, count in sized if count < needed}


def _given_sides(dataset: Dataset, validation: float, seed: int) -> np.ndarray:
    """Side of each image, -1 for one that leaks; validation is dealt from train if need be."""
    sides = _given_without_leaks(dataset)
    train = np.flatnonzero(sides == 0)
    trained_on = np.bincount(dataset.labels[train], minlength=len(dataset.classes))
    for name, count in zip(dataset.classes, trained_on, strict=True):
        if not count:
            raise BadInput(
                f"Class {name!r} has no image to train on in the split that came with the dataset"
                " (near duplicates of test images do not count). Add pictures of it to train,"
                " leave the class out, or let Headstart make its own split.",
                "split",
            )
    # None was given, or all of it is in test as well.
    if not (sides == 1).any():
        counts, groups = _counts_of_groups(dataset, train)
        sides[train] = _deal_out(dataset, counts, (validation, 0.0), seed)[groups]
    return sides


def _given_without_leaks(dataset: Dataset) -> np.ndarray:
    """Side of each image in the given split, int64 ``(N,)``; ``NO_SIDE`` where it leaks."""
    sides = np.array(dataset.given_sides, np.int64)
    sides[leaking_images(dataset)] = NO_SIDE
    return sides


def _as_split(dataset: Dataset, sides: np.ndarray) -> Split:
    train, validation, test = (np.flatnonzero(sides == side).astype(np.int64) for side in range(3))
    return Split(train, validation, test, _fingerprint(dataset.id, (train, validation, test)))


def _fingerprint(dataset_id: str, arrays: tuple[np.ndarray, ...]) -> str:
    digest = hashlib.sha256(dataset_id.encode())
    for array in arrays:
        digest.update(f";{len(array)};".encode())
        digest.update(array.astype("<i8").tobytes())
    return digest.hexdigest()


def _read(path: Path, dataset: Dataset) -> Split | None:
    """The saved split, or None where there is none or it is damaged (logged, made again)."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        arrays = tuple(np.array(document[side], np.int64) for side in SIDES)
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
    arrays = {side: getattr(split, side).tolist() for side in SIDES}
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    temporary.write_text(json.dumps(arrays | {"fingerprint": split.fingerprint}), encoding="utf-8")
    temporary.replace(path)


def _counts_of_groups(dataset: Dataset, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images of each class in each group, int ``(groups, classes)``, and the group of each image:
    of the ``images`` at these positions, groups numbered anew."""
    _, groups = np.unique(dataset.groups[images], return_inverse=True)
    counts = np.zeros((groups.max(initial=-1) + 1, len(dataset.classes)), np.int64)
    np.add.at(counts, (groups, dataset.labels[images]), 1)
    return counts, groups


def _deal_out(
    dataset: Dataset, group_counts: np.ndarray, held_out: tuple[float, float], seed: int
) -> np.ndarray:
    """Side of each group (0 train, 1 validation, 2 test), int ``(groups,)``.

    ``held_out`` are the shares of validation and test; a share of 0 leaves that side out.
    """
    filled = [0, *(side for side, share in zip((1, 2), held_out, strict=True) if share > 0)]
    _check_class_sizes(dataset, group_counts, len(filled))
    room = _targets(group_counts.sum(axis=0), held_out)
    random = np.random.default_rng(seed)

    sizes = group_counts.sum(axis=1)
    spread = (group_counts > 0).sum(axis=1)
    order = random.permutation(len(sizes))
    order = order[np.lexsort((-sizes[order], -spread[order]))]
    side_of_group = np.zeros(len(sizes), np.int64)
    for group in order:
        in_classes = np.flatnonzero(group_counts[group])
        counts = group_counts[group, in_classes]
        side = _draw_side(room[:, in_classes], counts, random)
        side_of_group[group] = side
        room[side, in_classes] -= counts
    _give_every_side_every_class(dataset, group_counts, side_of_group, filled)
    return side_of_group


def _draw_side(room: np.ndarray, counts: np.ndarray, random: np.random.Generator) -> int:
    """``room`` int ``(3, k)`` and ``counts`` int ``(k,)``, for the k classes of one group."""
    fits = (room >= counts).all(axis=1)
    if not fits.any():
        return int(room.min(axis=1).argmax())
    weights = np.where(fits, room.min(axis=1), 0).astype(np.float64)
    return int(random.choice(3, p=weights / weights.sum()))


def _targets(class_counts: np.ndarray, held_out: tuple[float, float]) -> np.ndarray:
    """Images wanted, int ``(3 sides, classes)``: each class in proportion, at least 1 a side."""
    targets = np.zeros((3, len(class_counts)), np.int64)
    for side, share in zip((1, 2), held_out, strict=True):
        exact = class_counts * share
        wanted = np.floor(exact).astype(np.int64)
        short = round(class_counts.sum() * share) - wanted.sum()
        # What rounding down left goes to the classes that lost most by it.
        wanted[np.argsort(wanted - exact, kind="stable")[:short]] += 1
        targets[side] = np.maximum(1, wanted) if share > 0 else 0
    targets[0] = class_counts - targets[1] - targets[2]
    return targets


def _check_class_sizes(dataset: Dataset, group_counts: np.ndarray, sides: int) -> None:
    for number, name in enumerate(dataset.classes):
        distinct = int((group_counts[:, number] > 0).sum())
        if distinct < sides:
            # Only a split that came with the dataset leaves one side as it is.
            purposes, where = "training, validation and test", ""
            if sides < len(SIDES):
                purposes, where = "training and validation", " to train on"
            raise BadInput(
                f"Class {name!r} has {int(group_counts[:, number].sum())} image(s){where},"
                f" {distinct} that are not near duplicates of each other; at least {sides} such"
                f" are needed, one each for {purposes}. Add pictures to it, or"
                " leave the class out.",
                "split",
            )


def _give_every_side_every_class(
    dataset: Dataset, group_counts: np.ndarray, side_of_group: np.ndarray, sides: list[int]
) -> None:
    """Move the smallest group that can be spared to a side that lacks a class."""
    for number in range(len(dataset.classes)):
        for side in sides:
            holders = np.flatnonzero(group_counts[:, number])
            if (side_of_group[holders] == side).any():
                continue
            spare = [
                group for group in holders if _can_be_spared(group, group_counts, side_of_group)
            ]
            if not spare:
                name = dataset.classes[number]
                raise BadInput(
                    f"Class {name!r} ({dataset.class_counts[name]} images) cannot be put on all"
                    " sides: its near duplicates tie it to other classes."
                    f" At least {len(sides)} independent images are needed.",
                    "split",
                )
            smallest = min(spare, key=lambda group: int(group_counts[group].sum()))
            side_of_group[smallest] = side


def _can_be_spared(group: np.integer, group_counts: np.ndarray, side_of_group: np.ndarray) -> bool:
    """Whether every class of the group keeps another group on the side that it would leave."""
    others = side_of_group == side_of_group[group]
    others[group] = False
    classes = np.flatnonzero(group_counts[group])
    return bool((group_counts[others][:, classes] > 0).any(axis=0).all())
