"""A dataset: a named, immutable set of labelled images, with its health report."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from pydantic import BaseModel

from core.datasets.decoding.decode import decode_image
from core.datasets.decoding.levels import USUAL_LEVELS, Levels
from core.datasets.metadata import MetadataColumn, SharedOrigin
from core.datasets.reading_choice import Choice
from core.errors import HeadstartError
from core.storage.shared import pull, pull_cached

SOURCE_FILE = "source.bin"
ENCODED, PIXELS = "encoded", "pixels"


class LeftOut(NamedTuple):
    """A file, or a line of a table, that could not be used, and the reason in plain words."""

    file: str
    reason: str


@dataclass(frozen=True)
class HealthReport:
    """What was noticed about a dataset when it was added; empty where there was nothing.

    quarantined: files and lines that could not be used.
    lost_classes: classes of which no image could be read.
    ignored_files: number of files passed over, such as hidden files.
    exact_duplicates: number of images whose pixels equal those of an earlier image.
    near_duplicate_groups, images_in_groups, largest_group: number of groups of near duplicates,
        of images in them, and of images in the largest group of all (1 without near duplicates).
    label_conflicts: file names of equal images in more than one class, at most 200 sets.
    look_alike_classes: classes so uniform that only equal pixels count as duplicates.
    small_classes: classes with fewer than three distinct images.
    levels: the lowest and the highest level that nearly all images stay within, 0 to 255.
    notes: what was decided while reading, in sentences.
    shared_origins: columns that say which images belong together, such as those of one patient.
    """

    quarantined: tuple[LeftOut, ...] = ()
    lost_classes: tuple[str, ...] = ()
    ignored_files: int = 0
    exact_duplicates: int = 0
    near_duplicate_groups: int = 0
    images_in_groups: int = 0
    largest_group: int = 0
    label_conflicts: tuple[tuple[str, ...], ...] = ()
    look_alike_classes: tuple[str, ...] = ()
    small_classes: tuple[str, ...] = ()
    levels: tuple[int, int] = (0, 255)
    notes: tuple[str, ...] = ()
    shared_origins: tuple[SharedOrigin, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The report as the manifest and ``datasets show --json`` have it."""
        return asdict(self) | {"quarantined": [entry._asdict() for entry in self.quarantined]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "HealthReport":
        """Read what ``to_json`` wrote; older manifests lack some fields.

        Raises ``TypeError`` where it is damaged.
        """
        known = {
            field.name: _tuples(document[field.name])
            for field in fields(cls)
            if field.name in document
        }
        left_out = tuple(LeftOut(**entry) for entry in known.pop("quarantined", ()))
        origins = tuple(SharedOrigin(*entry) for entry in known.pop("shared_origins", ()))
        return cls(left_out, **known, shared_origins=origins)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


class OtherReading(BaseModel, frozen=True):
    """Another way to read the same files, and what to choose to get it."""

    title: str
    choice: Choice


class DatasetReading(BaseModel, frozen=True):
    """How the files of a dataset were read: see ``core.datasets.reading.reader.Reading``.

    ``choice`` repeats it. ``others`` are the ways that were not taken.
    """

    title: str
    sources: tuple[str, ...] = ()
    choice: Choice
    others: tuple[OtherReading, ...] = ()


def content_id(classes: Sequence[str], index: Mapping[str, np.ndarray]) -> str:
    """The id of a dataset: 64 hex digits, SHA-256 over all that decides how it is split.

    Classes, labels, pixels, the predefined split, and which images are of one origin.
    """
    digest = hashlib.sha256(json.dumps(classes).encode())
    digest.update(index["labels"].astype("<i4").tobytes())
    digest.update(index["digests"].tobytes())
    if "predefined_subsets" in index:
        digest.update(b"sides")  # the first edition's word: ids must not change
        digest.update(index["predefined_subsets"].astype("<i1").tobytes())
    if "origins" in index:
        digest.update(b"origins")
        digest.update(index["origins"].astype("<i8").tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images in a fixed order; compared and hashed by ``id``.

    id: 64 hex digits, see ``content_id``.
    classes: names, sorted. labels: int32 ``(N,)``, positions in ``classes``.
    groups: int64 ``(N,)``, the number of the set of near duplicates that an image belongs to.
    heights, widths: int32 ``(N,)``, pixels of the upright image.
    channels: 1 where every image is grey, else 3.
    health: what was noticed when the dataset was added.
    encoding: how ``source.bin`` keeps the images: ``encoded`` (files as they came) or ``pixels``
        (uint8). offsets, sizes: int64 ``(N,)``, bytes in that file.
    digests: uint8 ``(N, 32)``, equal exactly where the pixels are equal.
    grey, one_colour: bool ``(N,)``, images without colour, images of a single colour.
    look_alikes: bool ``(N,)``, images whose near-duplicate group was dissolved because it made up
        most of a class.
    predefined_subsets: int8 ``(N,)``, positions in ``SUBSETS``; None without a predefined split.
    origins: int64 ``(N,)``, the same number for images that a table says were taken of one patient
        or other thing, numbered in order of appearance; None where no table does.
    levels: those that become black and white in images deeper than 8 bits.
    read_as: the layout that it was read from, for people.
    reading: how its files were read; None where it was not read from files, or long ago.
    version_of: id of the dataset that this one was made from; changes: how, in sentences.
    metadata: what came with the images beside their classes; nothing is trained on it.
    """

    id: str
    name: str
    classes: tuple[str, ...]
    labels: np.ndarray
    file_names: tuple[str, ...]
    groups: np.ndarray
    heights: np.ndarray
    widths: np.ndarray
    channels: int
    provenance: str
    created_at: str
    folder: Path
    health: HealthReport
    encoding: str
    offsets: np.ndarray
    sizes: np.ndarray
    digests: np.ndarray
    grey: np.ndarray
    one_colour: np.ndarray
    look_alikes: np.ndarray
    predefined_subsets: np.ndarray | None = None
    origins: np.ndarray | None = None
    levels: Levels = USUAL_LEVELS
    read_as: str = ""
    reading: DatasetReading | None = None
    version_of: str | None = None
    changes: tuple[str, ...] = ()
    metadata: tuple[MetadataColumn, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dataset) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def image_count(self) -> int:
        return len(self.labels)

    @cached_property
    def class_counts(self) -> dict[str, int]:
        """Images of each class, in the order of ``classes``."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return {name: int(count) for name, count in zip(self.classes, counts, strict=True)}

    @property
    def majority_class(self) -> str:
        """The class with the most images; ties go to the first in order."""
        return max(self.class_counts, key=lambda name: self.class_counts[name])

    @property
    def majority_fraction(self) -> float:
        """Fraction of all images in the majority class: the accuracy of always guessing it."""
        return self.class_counts[self.majority_class] / self.image_count

    @cached_property
    def source_path(self) -> Path:
        """The file with the images, which is pulled to this machine first where files are shared.

        Raises what ``pull`` raises.
        """
        path = self.folder / SOURCE_FILE
        pull(path)
        return path

    def image(self, index: int, smallest_edge: int | None = None) -> Image.Image:
        """The image as people see it: RGB, upright, transparency on white.

        With ``smallest_edge`` (pixels) a JPEG may come back reduced, but no smaller than that.
        """
        data = self.stored_bytes(index)
        if self.encoding == ENCODED:
            return decode_image(data, self.file_names[index], smallest_edge, self.levels)
        height, width = int(self.heights[index]), int(self.widths[index])
        mode = "L" if len(data) == height * width else "RGB"
        return Image.frombytes(mode, (width, height), data).convert("RGB")

    def thumbnail(self, index: int, edge: int) -> bytes:
        """A PNG that fits a square of ``edge`` pixels, without the metadata of the original.

        Small images are enlarged by a whole factor, so that their pixels stay visible.
        """
        image = self.image(index, smallest_edge=edge)
        factor = edge // max(image.size)
        if factor > 1:
            size = (image.width * factor, image.height * factor)
            image = image.resize(size, Image.Resampling.NEAREST)
        image.thumbnail((edge, edge), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return buffer.getvalue()

    def stored_bytes(self, index: int) -> bytes:
        """An image as it is stored (see ``encoding``). Raises ``HeadstartError`` if it is gone."""
        size_bytes = int(self.sizes[index])
        try:
            data = self._read(int(self.offsets[index]), size_bytes)
        except FileNotFoundError:
            if not pull_cached(self.source_path):  # it had made room for others on this machine
                raise HeadstartError(f"The dataset {self.name!r} was removed.") from None
            data = self._read(int(self.offsets[index]), size_bytes)
        if len(data) != size_bytes:
            raise HeadstartError(
                f"The stored images of dataset {self.name!r} are cut short"
                f" ({self.folder / SOURCE_FILE}). Remove the dataset and add it again."
            )
        return data

    def _read(self, offset: int, size_bytes: int) -> bytes:
        with open(self.source_path, "rb") as file:
            file.seek(offset)
            return file.read(size_bytes)
