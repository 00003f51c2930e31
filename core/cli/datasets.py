"""``datasets list | add | show | remove``."""

import argparse
from typing import Any

from core.cli.output import counter, print_json, print_table, say
from core.datasets import store as datasets
from core.datasets.model import Dataset
from core.errors import BadInput

BUNDLED = "reading the bundled images"


def list_all(arguments: argparse.Namespace) -> int:
    datasets.ensure_bundled_datasets(counter(BUNDLED))
    found = datasets.list_datasets()
    if arguments.json:
        print_json([_document(dataset) for dataset in found])
        return 0
    print_table(
        ["name", "images", "classes", "commonest class", "its share", "id"],
        [
            [
                dataset.name,
                dataset.image_count,
                len(dataset.classes),
                dataset.majority_class,
                f"{dataset.majority_share:.1%}",
                dataset.id[:12],
            ]
            for dataset in found
        ],
    )
    return 0


def add(arguments: argparse.Namespace) -> int:
    if not arguments.path.exists():
        raise BadInput(f"There is no file or folder {arguments.path}.", "path")
    dataset = datasets.add_dataset(arguments.path, arguments.name, counter("reading images"))
    return _tell(dataset, arguments.json)


def show(arguments: argparse.Namespace) -> int:
    datasets.ensure_bundled_datasets(counter(BUNDLED))
    return _tell(datasets.open_dataset(arguments.name), arguments.json)


def remove(arguments: argparse.Namespace) -> int:
    from core.runs.store import open_store

    datasets.ensure_bundled_datasets(counter(BUNDLED))
    dataset = datasets.open_dataset(arguments.name)
    users = open_store().active_runs_of_dataset(dataset.id)
    if users:
        raise BadInput(
            f"Dataset {dataset.name!r} is used by {', '.join(run.id for run in users)}; "
            "wait for these runs, or cancel them first.",
            "dataset",
        )
    datasets.remove_dataset(dataset.id)
    if arguments.json:
        print_json({"removed": dataset.name, "id": dataset.id})
    else:
        say(f"removed {dataset.name}")
    return 0


def _tell(dataset: Dataset, as_json: bool) -> int:
    if as_json:
        print_json(_document(dataset))
        return 0
    print(f"{dataset.name}: {dataset.image_count} images, {len(dataset.classes)} classes")
    print(f"id {dataset.id}, from {dataset.provenance}, added {dataset.created_at}")
    print_table(["class", "images"], list(dataset.class_counts.items()))
    for finding, value in dataset.health.items():
        count = len(value) if isinstance(value, (list, dict)) else value
        print(f"{finding.replace('_', ' ')}: {count}")
    return 0


def _document(dataset: Dataset) -> dict[str, Any]:
    return {
        "id": dataset.id,
        "name": dataset.name,
        "images": dataset.image_count,
        "classes": list(dataset.classes),
        "class_counts": dataset.class_counts,
        "majority_class": dataset.majority_class,
        "majority_share": dataset.majority_share,
        "channels": dataset.channels,
        "provenance": dataset.provenance,
        "created_at": dataset.created_at,
        "health": dataset.health,
    }
