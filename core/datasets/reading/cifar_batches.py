"""CIFAR-10 and CIFAR-100 as binary files: one byte or two for the labels, then 32 x 32 colours.

Each record is a label byte (CIFAR-100: the coarse, then the fine label) and 3072 bytes: all red,
then all green, then all blue.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.class_name_lists import names_in
from core.datasets.reading.columns import chosen_position
from core.datasets.reading.image_files import has_image_suffix
from core.datasets.reading.question import Question, ReadingUnclear, table_sample
from core.datasets.reading.raw_files import MOST_FILES, Listing, RawFile, bad_source
from core.datasets.reading.reader import PixelBatch, PixelImages, Reading
from core.datasets.reading.subset_names import subset_among
from core.datasets.reading_choice import Choice

READ_AS = "CIFAR binary files"
EDGE = 32
PIXEL_BYTES = 3 * EDGE * EDGE
RECORDS_AT_ONCE = 4096
LOOKED_AT_RECORDS = 50
COARSE, FINE = "coarse_label", "fine_label"
_NAME = re.compile(r"(?:data_batch_\d+|test_batch|train|test)\.bin")
_MOST_LABELS = {1: (10,), 2: (20, 100)}


@dataclass(frozen=True)
class _Batch:
    """One file; ``label_bytes`` is 1 for CIFAR-10, 2 for CIFAR-100."""

    raw: RawFile
    label_bytes: int

    @property
    def record_bytes(self) -> int:
        return self.label_bytes + PIXEL_BYTES

    @property
    def count(self) -> int:
        return self.raw.size_bytes // self.record_bytes

    @property
    def subset(self) -> str:
        return subset_among(self.raw.name) or "train"

    def records(self, most: int | None = None) -> Iterator[np.ndarray]:
        """uint8 ``(n, record_bytes)``, some at a time. Raises ``BadInput`` where it is damaged."""
        left = self.count if most is None else min(most, self.count)
        try:
            with self.raw.stream() as stream:
                while left:
                    rows = min(left, RECORDS_AT_ONCE)
                    data = stream.read(rows * self.record_bytes)
                    if len(data) < rows * self.record_bytes:
                        raise UnreadableImageError("cut short")
                    left -= rows
                    yield np.frombuffer(data, np.uint8).reshape(rows, self.record_bytes)
        except UnreadableImageError as error:
            raise bad_source(f"{self.raw.path}: {error}. Download it again.") from error


def _batch_of(raw: RawFile) -> _Batch | None:
    """A file by its name, its size and its first labels, or None for any other file."""
    if not _NAME.fullmatch(raw.name.lower()) or not raw.size_bytes:
        return None
    for label_bytes, most in _MOST_LABELS.items():
        batch = _Batch(raw, label_bytes)
        if raw.size_bytes % batch.record_bytes == 0 and all(
            (records[:, :label_bytes] < most).all() for records in batch.records(LOOKED_AT_RECORDS)
        ):
            return batch
    return None


def is_cifar_batch(raw: RawFile) -> bool:
    return _batch_of(raw) is not None


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """The images of CIFAR's binary files; empty where there are none, or image files are.

    Raises ``BadInput``, and ``ReadingUnclear`` where CIFAR-100 leaves two labels to choose from.
    """
    own_choice = Choice(leave_out=choice.leave_out, label_column=choice.label_column)
    if choice != own_choice or any(has_image_suffix(raw.name) for raw in listing.files):
        return []
    batches = [batch for raw in listing.files if (batch := _batch_of(raw)) is not None]
    if not batches:
        return []
    batches.sort(key=lambda batch: (batch.subset != "train", batch.raw.path))
    if len({batch.label_bytes for batch in batches}) > 1:
        raise bad_source("There are files of CIFAR-10 and of CIFAR-100 in it. Give those of one.")
    total = sum(batch.count for batch in batches)
    if total > MOST_FILES:
        raise bad_source(
            f"{batches[0].raw.path}: {total:,} images in all; the limit is {MOST_FILES:,}. Give"
            " some of the files."
        )
    column = _label_position(batches[0], choice)
    own = listing.again()
    names = _class_names(own, batches[0].label_bytes, column)
    own.leave_out(
        len(own.files) - len(batches) - (names is not None), "beside the CIFAR binary files"
    )
    images = PixelImages(
        READ_AS, total, total * PIXEL_BYTES, lambda: _pixel_batches(batches, column, names)
    )
    sources = tuple(batch.raw.path for batch in batches)
    title = "The classes are the labels in CIFAR's binary files"
    return [Reading(title, images, own, Choice(label_column=choice.label_column), sources)]


def _label_position(batch: _Batch, choice: Choice) -> int:
    """Which label byte is the class. Raises ``ReadingUnclear`` where there are two."""
    columns = [COARSE, FINE] if batch.label_bytes > 1 else ["label"]
    if choice.label_column is not None:
        return chosen_position(choice.label_column, columns, batch.raw.path)
    if batch.label_bytes == 1:
        return 0
    first = next(batch.records(5))
    rows = [[str(number) for number in record[:2]] for record in first]
    message = (
        f"{batch.raw.path} has two labels for each image, one of {_MOST_LABELS[2][0]} coarse and"
        f" one of {_MOST_LABELS[2][1]} fine classes. Choose {COARSE} or {FINE}."
    )
    table = table_sample(batch.raw.path, columns, rows)
    raise ReadingUnclear(Question(message=message, tables=[table]))


def _class_names(listing: Listing, label_bytes: int, column: int) -> list[str] | None:
    """The names in ``batches.meta.txt`` or ``fine_label_names.txt``, where they fit."""
    wanted = "batches.meta" if label_bytes == 1 else ("coarse", "fine")[column]
    for raw in listing.files:
        if raw.name.lower().startswith(wanted) and raw.name.lower().endswith(".txt"):
            names = names_in(raw)
            if names is not None and len(names) == _MOST_LABELS[label_bytes][column]:
                listing.notes.append(f"The names of the classes were taken from {raw.path}.")
                return names
    return None


def _pixel_batches(
    batches: Sequence[_Batch], column: int, names: Sequence[str] | None
) -> Iterator[tuple[PixelBatch, int]]:
    done = 0
    for batch in batches:
        start = 0
        most = _MOST_LABELS[batch.label_bytes][column]
        for records in batch.records():
            labels = records[:, column].tolist()
            if max(labels) >= most:
                raise bad_source(
                    f"{batch.raw.path} has the label {max(labels)}; CIFAR's are 0 to {most - 1}."
                    " Download it again."
                )
            planes = records[:, batch.label_bytes :].reshape(-1, 3, EDGE, EDGE)
            stem = batch.raw.name.removesuffix(".bin")
            yield (
                PixelBatch(
                    planes.transpose(0, 2, 3, 1),
                    [names[label] if names else str(label) for label in labels],
                    [f"{stem} {start + at + 1}" for at in range(len(labels))],
                    batch.subset,
                ),
                done + len(labels),
            )
            start += len(labels)
            done += len(labels)
