"""Split a dataset into train, validation and test: stratified, seeded, saved once.

scikit-learn's ``StratifiedGroupKFold`` cuts equal folds only: 7 % and 30 % would take a hundred of
them, more than a class of 49 images can fill. So groups are dealt out here. Every group goes to a
side that still has room for it, drawn in proportion to that room, large groups first: small ones
then fill the gaps exactly.
"""

import hashlib
import json
import logging
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock

from core.datasets.health import FEWEST_GROUPS_PER_CLASS
from core.datasets.model import Dataset
from core.errors import BadInput
from core.settings import current_settings

SIDES = ("train", "validation", "test")
SMALLEST_TRAIN = 0.05

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Split:
    """Which images are trained on, choose the epoch, and are scored once.

    Sorted int64 index arrays that do not overlap and cover the dataset; ``fingerprint`` is the
    SHA-256 (hex) of the dataset's id and the three arrays.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    fingerprint: str


def make_split(dataset: Dataset, test: float, validation: float, seed: int) -> Split:
    """The split of these proportions (shares of all images, 0 to 1) and seed.

    Made the first time and kept with the dataset; read back ever after, so that all runs that
    are compared share it. Near duplicates stay on one side; every class is on every side.
    Raises ``BadInput``: proportions that leave nothing to train on, a class too small.
    """
    if not (test > 0 and validation > 0 and test + validation <= 1 - SMALLEST_TRAIN):
        raise BadInput(
            f"test {test:g} and validation {validation:g} must be above 0 and leave at least"
            f" {SMALLEST_TRAIN:.0%} to train on.",
            "split",
        )
    name = f"test{float(test)!r}-validation{float(validation)!r}-seed{int(seed)}.json"
    path = dataset.folder / "splits" / name
    saved = _read(path, dataset)
    if saved is not None:
        return saved
    locks = current_settings().locks_folder
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"split-{dataset.id[:16]}.lock"):
        saved = _read(path, dataset)
        if saved is None:
            saved = _as_split(dataset, _deal_out(dataset, (validation, test), seed))
            _write(path, saved)
    return saved


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
    document = {side: getattr(split, side).tolist() for side in SIDES}
    document["fingerprint"] = split.fingerprint
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    temporary.write_text(json.dumps(document), encoding="utf-8")
    temporary.replace(path)


def _deal_out(dataset: Dataset, held_out: tuple[float, float], seed: int) -> np.ndarray:
    """Side of each image (0 train, 1 validation, 2 test), int ``(N,)``."""
    _, groups = np.unique(dataset.groups, return_inverse=True)
    group_counts = np.zeros((groups.max() + 1, len(dataset.classes)), np.int64)
    np.add.at(group_counts, (groups, dataset.labels), 1)
    _check_class_sizes(dataset, group_counts)
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
    _give_every_side_every_class(dataset, group_counts, side_of_group)
    return side_of_group[groups]


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
        targets[side] = np.maximum(1, wanted)
    targets[0] = class_counts - targets[1] - targets[2]
    return targets


def _check_class_sizes(dataset: Dataset, group_counts: np.ndarray) -> None:
    for number, name in enumerate(dataset.classes):
        distinct = int((group_counts[:, number] > 0).sum())
        if distinct < FEWEST_GROUPS_PER_CLASS:
            raise BadInput(
                f"Class {name!r} has {dataset.class_counts[name]} image(s), {distinct} that are"
                f" not near duplicates of each other; at least {FEWEST_GROUPS_PER_CLASS} such are"
                " needed, one each for training, validation and test. Add pictures to it, or"
                " leave the class out.",
                "split",
            )


def _give_every_side_every_class(
    dataset: Dataset, group_counts: np.ndarray, side_of_group: np.ndarray
) -> None:
    """Move the smallest group that can be spared to a side that lacks a class."""
    for number in range(len(dataset.classes)):
        for side in range(3):
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
                    " three sides: its near duplicates tie it to other classes."
                    f" At least {FEWEST_GROUPS_PER_CLASS} independent images are needed.",
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
