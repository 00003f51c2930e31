"""What an experiment knows of the backbones that it uses: whether those of one's own are here, and
whether its runs stand on the features that would be extracted now.

The spec of an experiment keeps their records, so that its results can be shown where they are not.
"""

from collections.abc import Collection, Iterable

import numpy as np

from core.backbones.backbone import Backbone
from core.backbones.own_folder import seen_images
from core.backbones.registry import BACKBONES, own
from core.datasets.dataset import Dataset
from core.experiments.records import (
    ExperimentRecord,
    ExperimentSpec,
    RunRecord,
    UsedBackbone,
    finished_runs,
)
from core.experiments.store import Store
from core.strategies.registry import STRATEGIES
from core.strategies.strategy import Strategy


def used_backbones(
    strategies: Iterable[Strategy], dataset: Dataset, test: np.ndarray
) -> dict[str, UsedBackbone]:
    """The backbones of one's own under ``strategies``, by name; ``test`` are the positions of the
    test images in ``dataset``."""
    names = {one.backbone.name for one in strategies if one.backbone and one.backbone.origin}
    records = own().records
    return {
        name: UsedBackbone(
            record=records[name], seen_test_images=seen_test_images(name, dataset, test)
        )
        for name in sorted(names & set(records))
    }


def seen_test_images(name: str, dataset: Dataset, test: np.ndarray) -> int | None:
    """How many of the images ``test`` (positions) the backbone was trained on or chosen by, near
    duplicates of them included; None where that is not known here."""
    seen = seen_images(name)
    if seen is None:
        return None
    rows, known = (np.ascontiguousarray(one).view("V32").ravel() for one in (dataset.digests, seen))
    is_seen = np.isin(rows, known)
    return int(np.isin(dataset.groups[test], dataset.groups[is_seen]).sum())


def saw_test_images(strategy: str, spec: ExperimentSpec) -> bool:
    """Whether what a strategy starts from has seen test images of its experiment, or may have: its
    accuracy on these says too much of new ones."""
    used = used_under(strategy, spec)
    is_random = strategy in STRATEGIES and not STRATEGIES[strategy].is_pretrained
    return used is not None and used.seen_test_images != 0 and not is_random


def experiments_with(store: Store, name: str) -> list[ExperimentRecord]:
    """The experiments that have a strategy on the backbone, the newest first, and after them those
    that were removed and can still be taken back."""
    every = [*store.experiments(), *store.removed_experiments()]
    return [entry for entry in every if name in entry.spec.backbones]


def why_not_here(strategy: str, spec: ExperimentSpec) -> str | None:
    """Why a strategy of an experiment cannot be used here any more: it, or the backbone of one's
    own under it, is gone; None where both are there. Weights that are missing are told elsewhere.
    """
    used = used_under(strategy, spec)
    if used is None:
        if strategy in STRATEGIES:
            return None
        return f"This version of Headstart has no strategy named {strategy}."
    return why_gone(used)


def why_gone(used: UsedBackbone) -> str | None:
    """Why a backbone is not the one that was used, in a sentence; None where it is."""
    record = used.record
    found = BACKBONES.get(record.name)
    if found is None:
        return (
            f"The backbone {record.title} ({record.name}) is gone from this machine, so its "
            "networks cannot be used; what was measured stays."
        )
    if found.weights.digest != record.digest:
        return (
            f"The backbone {record.name} on this machine is not the one that was used here, which "
            f"was {record.title}; so its networks cannot be used, and what was measured stays."
        )
    return None


def used_under(strategy: str, spec: ExperimentSpec) -> UsedBackbone | None:
    """The backbone of one's own that a strategy of the experiment stands on."""
    entry = STRATEGIES.get(strategy)
    if entry is not None:
        return spec.backbones.get(entry.backbone.name) if entry.backbone else None
    fits = (one for name, one in spec.backbones.items() if strategy.startswith(f"{name}_"))
    return next(fits, None)


def why_other_features(
    strategies: Collection[str], spec: ExperimentSpec, runs: Iterable[RunRecord]
) -> str | None:
    """Why new runs of ``strategies`` would not stand on the features that finished ``runs`` of the
    experiment stand on, in a sentence; None where they would.

    Batch normalisation is folded into the convolutions now (docs/decisions/0004). In less than
    float32 that gives other features, and older results do not say that theirs were folded.
    """
    added = {backbone.name for name in strategies if (backbone := _normalised(name, spec))}
    for run, result in finished_runs(runs):
        backbone = _normalised(run.strategy, spec)
        if (
            backbone is not None
            and backbone.name in added
            and result.feature_seconds is not None
            and result.precision != "float32"
            and not result.features_folded
        ):
            return (
                f"Earlier runs of this experiment stand on features of {backbone.title} that an "
                "older edition of Headstart extracted; this one gives slightly other ones, so new "
                "runs could not be compared with them. Run a new experiment."
            )
    return None


def _normalised(strategy: str, spec: ExperimentSpec) -> Backbone | None:
    """The backbone under a strategy, where it has batch normalisation."""
    entry = STRATEGIES.get(strategy)
    if entry is None or entry.backbone is None:
        return None
    layers = entry.backbone.layers(spec.image_size, False)
    return entry.backbone if any(layer.normalization for layer in layers) else None
