"""The job ``advice``: what is known of a dataset before anything is trained on it.

It works on the training images of the default split alone, of many on a sample: the labels and
features of the other images are not read. Features come from the cache where it has them, whatever
device made them; then no machine-learning framework is loaded.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from core.analysis.advice.facts import (
    BLOCKS_OF,
    BackboneFacts,
    BlockFacts,
    Blocks,
    Facts,
    ProbePoint,
    default_split,
    facts_folder,
    write_facts,
)
from core.analysis.advice.made import forecast_from_facts
from core.analysis.advice.probes import (
    FRACTIONS,
    Classify,
    Sample,
    correct_by,
    difference,
    estimate,
    linear_probe,
    nearest_neighbours,
    sample_of,
)
from core.analysis.feature_map import root_normalised
from core.backbones.backbone import Backbone
from core.backbones.feature_cache import find_stored, matching_keys, stored_pieces
from core.backbones.features import FeatureRequest, extract_features, feature_identity
from core.backbones.registry import BACKBONES, find_backbone
from core.datasets.choices import RESIZES
from core.datasets.dataset import Dataset
from core.datasets.prepare import PreparedImages, prepare_images
from core.datasets.storage import open_dataset
from core.errors import HeadstartError, UnknownName
from core.experiments.store import open_store
from core.experiments.used_backbones import seen_test_images
from core.jobs.context import JobContext
from core.jobs.progress import Progress
from core.training.spec import nested_subset

# More would take longer than a minute on two cores.
MOST_IMAGES = 2000
FITTING = "Fitting small classifiers on the features"
REMOVED = "The dataset was removed, so nothing was measured."


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """Measure ``dataset`` at ``image_size`` with ``backbones``, into the file ``name``."""
    try:
        dataset = open_dataset(arguments["dataset"])
    except UnknownName as error:
        raise HeadstartError(REMOVED) from error
    found = measured(dataset, arguments["image_size"], arguments["backbones"], context)
    path = facts_folder(dataset) / Path(arguments["name"]).name
    store = open_store()
    try:
        # Before the facts: whoever reads these finds the forecasts too.
        forecast_from_facts(store, dataset, found)
        write_facts(found, path)
    except FileNotFoundError as error:
        raise HeadstartError(REMOVED) from error


def measured(
    dataset: Dataset, image_size: int, backbones: Sequence[str], context: JobContext
) -> Facts:
    """The facts of ``dataset``; ``backbones`` are names of those whose weights are here.

    Raises ``BadInput`` where it cannot be split or has too few images, ``Cancelled``, and what
    ``extract_features`` raises.
    """
    started = time.perf_counter()
    train = default_split().of(dataset).train
    images = measured_images(train, dataset.labels)
    sample = sample_of(dataset.labels[images], dataset.groups[images])
    chosen, too_small, seen = _sorted_out(backbones, dataset, images, image_size)
    source = _Source(dataset, image_size, images, context)
    pooled: dict[str, np.ndarray] = {}
    blocks: dict[str, np.ndarray] = {}
    for one in chosen:
        if one.name == BLOCKS_OF:
            blocks = source.features_of_blocks(one)
            pooled[one.name] = blocks[one.blocks[-1].name]
        else:
            pooled[one.name] = source.features(one)
    fitting = _Fitting(sample, context, len(pooled) * (2 + len(FRACTIONS)) + len(blocks))
    counts = np.bincount(dataset.labels[train], minlength=len(dataset.classes))
    return Facts(
        dataset_id=dataset.id,
        image_size=image_size,
        train_images=len(train),
        images=len(images),
        distinct_images=sample.distinct,
        folds=len(np.unique(sample.folds)),
        classes=dataset.classes,
        class_counts=tuple(counts.tolist()),
        majority_accuracy=sample.majority_accuracy,
        exact_duplicates=dataset.health.exact_duplicates,
        near_duplicate_groups=dataset.health.near_duplicate_groups,
        images_in_groups=dataset.health.images_in_groups,
        backbones=fitting.backbones(pooled),
        not_here=tuple(
            one.title
            for one in BACKBONES.values()
            if one.is_offered and one.name not in backbones and one.origin is None
        ),
        too_small=too_small,
        seen=seen,
        blocks=fitting.blocks(blocks) if blocks else None,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=time.perf_counter() - started,
        extraction_seconds=source.extraction_seconds,
    )


def measured_images(train: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Of the positions ``train`` all, or a stratified sample of about ``MOST_IMAGES``, sorted."""
    if len(train) <= MOST_IMAGES:
        return train
    return nested_subset(train, labels, MOST_IMAGES / len(train), seed=default_split().seed)


def _sorted_out(
    names: Sequence[str], dataset: Dataset, images: np.ndarray, image_size: int
) -> tuple[list[Backbone], tuple[str, ...], tuple[str, ...]]:
    """The backbones that can be measured, and the titles of those that are made for larger images
    and of those that were trained on some of these: they would look too good."""
    chosen: list[Backbone] = []
    too_small: list[str] = []
    seen: list[str] = []
    for one in map(find_backbone, names):
        if image_size < one.smallest_size:
            too_small.append(one.title)
        elif one.origin is not None and seen_test_images(one.name, dataset, images) != 0:
            seen.append(one.title)
        else:
            chosen.append(one)
    return chosen, tuple(too_small), tuple(seen)


# The features -------------------------------------------------------------------------------------


class _Source:
    """Pooled features of the ``images`` (positions, sorted), from the cache or extracted now."""

    def __init__(
        self, dataset: Dataset, image_size: int, images: np.ndarray, context: JobContext
    ) -> None:
        self.extraction_seconds = 0.0
        self._images, self._size, self._context = images, image_size, context
        self._prepared: PreparedImages = prepare_images(
            dataset,
            image_size,
            RESIZES[0],
            lambda done, total: context.report("Preparing the images", done, total),
            context.should_stop,
        )

    def features(self, backbone: Backbone, taps: tuple[str, ...] = ()) -> np.ndarray:
        """float32 ``(n, width)``, of the last feature map or of the layers ``taps``."""
        width = backbone.feature_width(self._size, pooled=True)
        if taps:
            width = backbone.tapped_width(taps)
        wanted = feature_identity(backbone, False, self._size, RESIZES[0], True, taps) | {
            "images": self._prepared.digest,
            "mean_rgb": [float(value) for value in backbone.preparation.mean_rgb],
        }
        shape = (self._prepared.shape[0], width)
        for key in matching_keys(stored_pieces(), wanted, shape, self._images):
            stored = find_stored(key, self._images)
            if stored is not None:
                return stored.take(self._images).astype(np.float32)
        return self._extracted(backbone, taps)

    def features_of_blocks(self, backbone: Backbone) -> dict[str, np.ndarray]:
        """By the last layer of each block, its pooled output."""
        blocks = backbone.blocks
        together = self.features(backbone, tuple(block.name for block in blocks))
        ends = np.cumsum([block.output[-1] for block in blocks])[:-1]
        return {
            block.name: part
            for block, part in zip(blocks, np.split(together, ends, axis=1), strict=True)
        }

    def _extracted(self, backbone: Backbone, taps: tuple[str, ...]) -> np.ndarray:
        self._context.report("Loading the libraries")
        # Imported here: these load Keras, and people should read that before.
        from core.backbones.backend import load_keras
        from core.training.engine import FEATURE_BATCH
        from core.training.policy import choose_policy

        load_keras()
        policy = choose_policy()
        request = FeatureRequest(
            backbone=backbone,
            include_top=False,
            image_size=self._size,
            mean_rgb=backbone.preparation.mean_rgb,
            precision=policy.precision,
            jit=policy.compile_with_xla,
            batch_size=FEATURE_BATCH,
            made_on=policy.made_on,
            resize=RESIZES[0],
            pooled=True,
            taps=taps,
        )
        step = f"Extracting features with {backbone.title}"
        started = time.perf_counter()
        found = extract_features(
            self._prepared,
            request,
            self._images,
            lambda done, total: self._context.report(step, done, total),
            self._context.should_stop,
        )
        self.extraction_seconds += time.perf_counter() - started
        return found.take(self._images).astype(np.float32)


# What is fitted on them ---------------------------------------------------------------------------


@dataclass
class _Fitting:
    """Fits classifiers on the features of one ``sample``; ``total`` of them will be fitted."""

    sample: Sample
    context: JobContext
    total: int
    done: int = 0

    def backbones(self, features: Mapping[str, np.ndarray]) -> tuple[BackboneFacts, ...]:
        """The facts of each backbone by its features, the best probe first."""
        normalised = {name: root_normalised(rows.copy()) for name, rows in features.items()}
        probes = {name: self._correct(linear_probe, rows) for name, rows in normalised.items()}
        ranked = sorted(probes, key=lambda name: -probes[name][0].sum())
        found = []
        for name in ranked:
            correct, images = probes[name]
            neighbours, _ = self._correct(nearest_neighbours, normalised[name])
            smaller = [
                self._correct(linear_probe, normalised[name], fraction) for fraction in FRACTIONS
            ]
            points = [*smaller, (correct, images)]
            # Where each class gives all that it has, a larger fraction has the same images.
            points = [point for point, after in pairwise(points) if point[1] < after[1]]
            points.append((correct, images))
            half = smaller[-1][0] if smaller[-1][1] < images else None
            found.append(
                BackboneFacts(
                    name=name,
                    title=find_backbone(name).title,
                    neighbours=estimate(neighbours, self.sample),
                    probe=estimate(correct, self.sample),
                    curve=tuple(
                        ProbePoint(count, estimate(one, self.sample)) for one, count in points
                    ),
                    doubling=None if half is None else difference(half, correct, self.sample),
                    behind=None
                    if name == ranked[0]
                    else difference(correct, probes[ranked[0]][0], self.sample),
                )
            )
        return tuple(found)

    def blocks(self, features: Mapping[str, np.ndarray]) -> Blocks:
        """The facts of each block by the features of its last layer, in order."""
        backbone = find_backbone(BLOCKS_OF)
        probes = [
            self._correct(linear_probe, root_normalised(rows.copy()))[0]
            for rows in features.values()
        ]
        best = max(range(len(probes)), key=lambda place: probes[place].sum())
        earlier = max(range(len(probes) - 1), key=lambda place: probes[place].sum())
        return Blocks(
            backbone=backbone.name,
            title=backbone.title,
            blocks=tuple(
                BlockFacts(
                    number=place + 1,
                    layer=layer,
                    frozen_layers=backbone.frozen_through(layer),
                    probe=estimate(correct, self.sample),
                    behind=None
                    if place == best
                    else difference(correct, probes[best], self.sample),
                )
                for place, (layer, correct) in enumerate(zip(features, probes, strict=True))
            ),
            best_earlier=earlier + 1,
            gain=difference(probes[earlier], probes[-1], self.sample),
        )

    def _correct(
        self, classify: Classify, rows: np.ndarray, fraction: float = 1.0
    ) -> tuple[np.ndarray, int]:
        self.context.check()
        self.context.report_progress(Progress(FITTING, self.done, self.total, unit=""))
        self.done += 1
        return correct_by(classify, rows, self.sample, fraction)
