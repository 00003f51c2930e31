"""One dataset of the series after the other into the file of results; what is there stays."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.series.datasets import RECIPES, Recipe
from benchmarks.series.packages import Downloads
from benchmarks.series.trainings import missing_steps, trained
from core.analysis.advice.facts import Facts, default_split, measure_facts
from core.analysis.advice.series import FORMAT, Series, SeriesDataset, read_series, write_series
from core.backbones.backend import forget_networks
from core.datasets.dataset import Dataset
from core.errors import TrainingDiverged
from core.experiments.store import open_store
from core.strategies.settings import PRESETS

IMAGE_SIZE = 64
PRESET = PRESETS[0]


def work(
    name: str, downloads: Downloads, strategies: list[str], output: Path, end: float | None
) -> None:
    """Make what the file ``output`` lacks of one dataset, until the time ``end``."""
    recipe = next(one for one in RECIPES if one.name == name)
    made = _recorded(output, recipe)
    store = open_store()
    dataset = recipe.add(downloads)
    if made is None or made.dataset_id != dataset.id:
        made = _begun(recipe, dataset, measure_facts(store, dataset, print, IMAGE_SIZE))
    for step in missing_steps(dataset, strategies, made):
        if end is not None and time.time() >= end:
            return
        try:
            training, result = trained(step, dataset, IMAGE_SIZE, PRESET)
        except TrainingDiverged as error:
            print(f"{name}: {error}", flush=True)
            continue
        finally:
            forget_networks()  # the next training has the memory to itself
        made = replace(made, trainings=(*made.trainings, training))
        _keep(output, made, result.device, result.versions)
        print(
            f"{name}: {step.strategy} on {training.train_images} images: "
            f"{made.validation_accuracy(training):.3f}, {training.seconds:.1f} s",
            flush=True,
        )


def _recorded(output: Path, recipe: Recipe) -> SeriesDataset | None:
    if not output.exists():
        return None
    return next((one for one in read_series(output).datasets if one.name == recipe.name), None)


def _begun(recipe: Recipe, dataset: Dataset, facts: Facts) -> SeriesDataset:
    """A dataset without trainings."""
    split = default_split().of(dataset)
    return SeriesDataset(
        name=recipe.name,
        source=recipe.source,
        packages=tuple(one.words for one in recipe.packages),
        licence=recipe.licence,
        made=recipe.made,
        dataset_id=dataset.id,
        images=dataset.image_count,
        classes=len(dataset.classes),
        train_images=len(split.train),
        validation_images=len(split.validation),
        distinct_validation_images=len(np.unique(dataset.groups[split.validation])),
        test_images=len(split.test),
        facts=facts,
        trainings=(),
    )


def _keep(output: Path, made: SeriesDataset, machine: str, versions: dict[str, str]) -> None:
    """Put ``made`` into the file, in the order of the table."""
    known = {}
    if output.exists():
        known = {one.name: one for one in read_series(output).datasets}
    known[made.name] = made
    names = [one.name for one in RECIPES]
    series = Series(
        format=FORMAT,
        image_size=IMAGE_SIZE,
        preset=PRESET,
        machine=machine,
        versions=dict(versions),
        made_at=datetime.now(UTC).date().isoformat(),
        datasets=tuple(sorted(known.values(), key=lambda one: names.index(one.name))),
    )
    write_series(series, output)
