"""A dataset: a named, immutable set of labelled images."""

import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.datasets.decoding.decode import decode_image
from core.errors import HeadstartError

SOURCE_FILE = "source.bin"
ENCODED, PIXELS = "encoded", "pixels"
SUBSETS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images, in an order that never changes; compared and hashed by ``id``.

    ``id``: 64 hex digits, SHA-256 over the classes, the labels and the decoded pixels.
    ``labels`` int32 ``(N,)`` are positions in ``classes`` (sorted); ``groups`` int64 ``(N,)``
    number the sets of near duplicates; ``heights`` and ``widths`` int32 ``(N,)`` are pixels of
    the upright picture. ``channels`` is 1 where every image is grey, else 3. ``health`` is what was
    noticed on the way in: ``quarantined`` (a list of ``file`` and ``reason``), ``lost_classes``
    (none of whose pictures could be read), ``ignored_files``, ``exact_duplicates``,
    ``near_duplicate_groups``, ``images_in_groups``, ``largest_group``, ``label_conflicts``,
    ``look_alike_classes`` (where near duplicates were most of the class, so that only equal pixels
    count), ``small_classes``, ``notes``. ``encoding`` tells how
    ``source.bin`` keeps the images: ``encoded`` (files as they came) or ``pixels`` (uint8);
    ``offsets`` and ``sizes`` int64 ``(N,)`` are in bytes either way. ``digests`` uint8 ``(N, 32)``
    are equal where the pixels are. Bool ``(N,)``: ``grey`` and ``one_colour`` pictures,
    ``look_alikes`` (of a near-duplicate group that was most of a class). ``predefined_subsets``
    int8 ``(N,)`` are positions in ``SUBSETS``, None without a predefined split.
    ``read_as`` names the layout it was read from; ``version_of`` is the id of the dataset that
    this is a changed version of, and ``changes`` says in sentences what was changed since it was
    read.
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
    health: dict[str, Any]
    encoding: str
    offsets: np.ndarray
    sizes: np.ndarray
    digests: np.ndarray
    grey: np.ndarray
    one_colour: np.ndarray
    look_alikes: np.ndarray
    predefined_subsets: np.ndarray | None = None
    read_as: str = ""
    version_of: str | None = None
    changes: tuple[str, ...] = ()

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
        """The commonest class; the first of them in order where several are."""
        return max(self.class_counts, key=lambda name: self.class_counts[name])

    @property
    def majority_fraction(self) -> float:
        """What "always say the commonest class" gets right on all images, 0 to 1."""
        return self.class_counts[self.majority_class] / self.image_count

    def image(self, index: int, smallest_edge: int | None = None) -> Image.Image:
        """The picture as people see it: RGB, upright, on white.

        With ``smallest_edge`` a JPEG may come back reduced, never below that side in pixels.
        """
        data = self.stored_bytes(index)
        if self.encoding == ENCODED:
            return decode_image(data, self.file_names[index], smallest_edge)
        height, width = int(self.heights[index]), int(self.widths[index])
        mode = "L" if len(data) == height * width else "RGB"
        return Image.frombytes(mode, (width, height), data).convert("RGB")

    def thumbnail(self, index: int, edge: int) -> bytes:
        """A PNG that fits a square of ``edge`` pixels, without the metadata of the original.

        Small pictures are enlarged by a whole factor, so that their pixels stay visible.
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
        """A picture as it is kept: see ``encoding``. Raises ``HeadstartError`` where it is gone."""
        size_bytes = int(self.sizes[index])
        try:
            with open(self.folder / SOURCE_FILE, "rb") as file:
                file.seek(int(self.offsets[index]))
                data = file.read(size_bytes)
        except FileNotFoundError:
            raise HeadstartError(f"The dataset {self.name!r} was removed.") from None
        if len(data) != size_bytes:
            raise HeadstartError(
                f"The stored images of dataset {self.name!r} are cut short"
                f" ({self.folder / SOURCE_FILE}). Remove the dataset and add it again."
            )
        return data
