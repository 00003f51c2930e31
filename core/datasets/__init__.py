"""The verbs of the room: what the other rooms call to list, open, add and remove datasets."""

from core.datasets.add import add_dataset
from core.datasets.bundled import ensure_bundled_datasets
from core.datasets.storage import list_datasets, open_dataset, remove_dataset, rename_dataset

__all__ = [
    "add_dataset",
    "ensure_bundled_datasets",
    "list_datasets",
    "open_dataset",
    "remove_dataset",
    "rename_dataset",
]
