"""Experiments gathered by dataset, from their kept summaries: no predictions are read.

Which experiment stands for a dataset is decided by other things than its result: a leaderboard of
the best of many would show the luckiest ones.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.analysis.listing import ListedResult, PretrainingGain
from core.experiments.records import ExperimentRecord

Listed = tuple[ExperimentRecord, ListedResult | None]


@dataclass(frozen=True)
class DatasetGain:
    """What pre-training gained on one dataset, in the ``experiment`` that stands for it.

    ``experiments``: on how many of the dataset it was tried.
    """

    dataset_id: str
    dataset: str
    experiment: str
    experiments: int
    classes: int
    training_images: int
    test_images: int
    image_size: int
    seeds: int
    gain: PretrainingGain


@dataclass(frozen=True)
class DatasetResult:
    """The best strategy of one experiment on a dataset, by its title.

    ``accuracy``, with ``low`` and ``high``: on the test images, 0 to 1. ``test_images``: which
    these are, the fingerprint of the split, "" for an old experiment. ``is_best_so_far``: no
    earlier experiment on the dataset was as accurate.
    """

    dataset_id: str
    dataset: str
    experiment: str
    created_at: str
    best: str
    accuracy: float
    low: float
    high: float
    images: int
    split_fingerprint: str
    is_best_so_far: bool


@dataclass(frozen=True)
class Winners:
    """One version of a dataset: how many of its experiments each strategy was best in, the most
    often first, and the most accurate result (the earlier one of equals)."""

    dataset_id: str
    dataset: str
    experiments: int
    wins: tuple[tuple[str, int], ...]
    best: DatasetResult


def dataset_gains(entries: Iterable[Listed]) -> tuple[DatasetGain, ...]:
    """One experiment of each dataset, the dataset with the fewest training images first.

    It is the one of the largest ``weight_of`` among those that ``counts``.
    """
    of_datasets: dict[str, list[tuple[ExperimentRecord, PretrainingGain]]] = {}
    for experiment, result in entries:
        if result is not None and result.pretraining is not None and counts(experiment):
            known = of_datasets.setdefault(experiment.spec.dataset_id, [])
            known.append((experiment, result.pretraining))
    found = []
    for known in of_datasets.values():
        experiment, gain = max(known, key=lambda entry: weight_of(entry[0]))
        spec = experiment.spec
        found.append(
            DatasetGain(
                dataset_id=spec.dataset_id,
                dataset=spec.dataset_name,
                experiment=experiment.id,
                experiments=len(known),
                classes=len(spec.classes),
                training_images=spec.images.get("train", 0),
                test_images=spec.images.get("test", 0),
                image_size=spec.image_size,
                seeds=len(spec.seeds),
                gain=gain,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.training_images, one.dataset)))


def results_over_time(entries: Iterable[Listed]) -> tuple[DatasetResult, ...]:
    """Those of these experiments that have a result, the oldest first.

    Archived experiments, and those on a fraction of the training images, do not count.
    """
    known = [
        (experiment, result)
        for experiment, result in entries
        if result is not None and counts(experiment)
    ]
    best: dict[str, float] = {}
    found = []
    for experiment, result in sorted(known, key=lambda entry: entry[0].created_at):
        spec = experiment.spec
        is_best = result.accuracy > best.get(spec.dataset_id, -1.0)
        if is_best:
            best[spec.dataset_id] = result.accuracy
        found.append(
            DatasetResult(
                dataset_id=spec.dataset_id,
                dataset=spec.dataset_name,
                experiment=experiment.id,
                created_at=experiment.created_at,
                best=result.best,
                accuracy=result.accuracy,
                low=result.low,
                high=result.high,
                images=spec.images.get("test", 0),
                split_fingerprint=spec.split_fingerprint,
                is_best_so_far=is_best,
            )
        )
    return tuple(found)


def winners_of(results: Iterable[DatasetResult]) -> tuple[Winners, ...]:
    """Each version of a dataset, in the order of its first result."""
    versions: dict[str, list[DatasetResult]] = {}
    for result in results:
        versions.setdefault(result.dataset_id, []).append(result)
    return tuple(
        Winners(
            dataset_id=dataset_id,
            dataset=own[-1].dataset,
            experiments=len(own),
            wins=tuple(Counter(result.best for result in own).most_common()),
            best=max(own, key=lambda result: result.accuracy),
        )
        for dataset_id, own in versions.items()
    )


def versions_of(dataset_id: str, made_from: Mapping[str, str | None]) -> frozenset[str]:
    """The dataset, what it was made from and what was made from these, however far.

    ``made_from``: by the id of each dataset that is here, that of the one it is a version of, which
    may be gone.
    """
    found = {dataset_id}
    while True:
        near = {
            one
            for pair in made_from.items()
            if found & set(pair)
            for one in pair
            if one is not None
        }
        if near <= found:
            return frozenset(found)
        found |= near


def counts(experiment: ExperimentRecord) -> bool:
    """Whether it may stand for its dataset: not archived, and on all training images."""
    return not experiment.labels.archived and experiment.spec.train_share == 1


def weight_of(experiment: ExperimentRecord) -> tuple[bool, int, int, int, str]:
    """The larger, the more it says of its dataset: pinned, strategies, seeds, test images, date.

    Nothing of it depends on the result: the best of several on the test images would look too good.
    """
    spec = experiment.spec
    return (
        experiment.labels.pinned,
        len(spec.strategies),
        len(spec.seeds),
        spec.images.get("test", 0),
        experiment.created_at,
    )
