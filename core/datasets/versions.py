"""A new version of a dataset: what is left after some changes. The old one stays as it is.

Nothing is decoded or copied: both share one ``source.bin`` by a hard link, and either can be
removed without harm to the other.
"""

import errno
import os
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.datasets.add import content_id
from core.datasets.changes import Changes, Outcome, outcome_of
from core.datasets.groups import renumbered
from core.datasets.health_report import health_report
from core.datasets.model import SOURCE_FILE, Dataset
from core.datasets.reading.layout import FEWEST_CLASSES
from core.datasets.storage import (
    LONGEST_NAME,
    check_room,
    checked_name,
    incoming_folder,
    list_datasets,
    publish,
)
from core.errors import BadInput, HeadstartError
from core.text import shorten

__all__ = ["ChangePreview", "Changes", "make_version", "preview"]

_VERSION = re.compile(r", version (\d+)$")
# What file systems say that have no hard links, or not between these two places.
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)


@dataclass(frozen=True)
class ChangePreview:
    """What a version would hold. ``class_counts``: images of each class, sorted by name;
    ``sentences`` say what goes; ``problem`` why it cannot be made, or None."""

    images_kept: int
    images_dropped: int
    class_counts: dict[str, int]
    sentences: tuple[str, ...]
    problem: str | None


def preview(dataset: Dataset, changes: Changes) -> ChangePreview:
    """What ``make_version`` would do; nothing is written. Raises ``BadInput``, ``UnknownName``."""
    outcome = outcome_of(dataset, changes)
    counts = Counter(outcome.class_names)
    return ChangePreview(
        images_kept=len(outcome.kept),
        images_dropped=dataset.image_count - len(outcome.kept),
        class_counts={name: counts[name] for name in sorted(counts)},
        sentences=outcome.sentences,
        problem=_problem(sorted(counts)),
    )


def make_version(dataset: Dataset, changes: Changes, name: str | None = None) -> Dataset:
    """Store what is left of a dataset after ``changes``, as a dataset of its own.

    Without a name it is called "NAME, version 2", or 3, 4 ... The same content again, or no change
    at all, returns the stored dataset. Raises ``BadInput``: fewer than two classes left, a name
    that is taken, a class or picture that is not there.
    """
    outcome = outcome_of(dataset, changes)
    classes = sorted(set(outcome.class_names))
    problem = _problem(classes)
    if problem:
        raise BadInput(problem, "changes")
    asked_name = _next_name(dataset) if name is None else checked_name(name)
    index = _index(dataset, outcome, classes)
    file_names = [dataset.file_names[position] for position in outcome.kept]
    manifest = {
        "id": content_id(classes, index),
        "name": asked_name,
        "name_is_default": name is None,
        "provenance": dataset.provenance,
        "read_as": dataset.read_as,
        "version_of": dataset.id,
        "changes": [*dataset.changes, *outcome.sentences],
        "encoding": dataset.encoding,
        "classes": classes,
        "file_names": file_names,
        "channels": 1 if index["grey"].all() else 3,
        "health": health_report(classes, file_names, index)
        # What could not be read, and how the rest was, is told where it was read.
        | {"quarantined": [], "ignored_files": 0, "notes": []},
    }
    with incoming_folder(0) as incoming:
        _share(dataset, incoming)
        return publish(incoming, manifest, index)


def _problem(classes: list[str]) -> str | None:
    if len(classes) >= FEWEST_CLASSES:
        return None
    left = f"Only the class {shorten(classes[0])!r}" if classes else "No picture"
    return f"{left} would be left; at least {FEWEST_CLASSES} classes are needed."


def _index(dataset: Dataset, outcome: Outcome, classes: list[str]) -> dict[str, np.ndarray]:
    """The arrays of ``index.npz`` for what is kept."""
    number = {name: position for position, name in enumerate(classes)}
    kept = outcome.kept
    index = {
        "labels": np.array([number[name] for name in outcome.class_names], np.int32),
        "groups": renumbered(dataset.groups[kept]),
    }
    for name in (
        "look_alikes", "grey", "plain", "heights", "widths", "offsets", "sizes", "digests",
    ):  # fmt: skip
        index[name] = getattr(dataset, name)[kept]
    if outcome.given_sides is not None:
        index["given_sides"] = outcome.given_sides
    return index


def _share(dataset: Dataset, incoming: Path) -> None:
    """Put the images of ``dataset`` into ``incoming``: a link, or a copy where links cannot be."""
    source, target = dataset.folder / SOURCE_FILE, incoming / SOURCE_FILE
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise HeadstartError(
            f"The dataset {dataset.name!r} is no longer there; it was removed meanwhile."
        ) from None
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        check_room(incoming, source.stat().st_size, "this version")
        shutil.copyfile(source, target)


def _next_name(dataset: Dataset) -> str:
    """The first name "NAME, version N" that is free, N above the number of ``dataset``."""
    base, number = dataset.name, 1
    found = _VERSION.search(base)
    if found and dataset.version_of is not None:
        base, number = base[: found.start()], int(found.group(1))
    taken = {entry.name for entry in list_datasets()}
    while True:
        number += 1
        ending = f", version {number}"
        name = base[: LONGEST_NAME - len(ending)] + ending
        if name not in taken:
            return name
