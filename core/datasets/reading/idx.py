"""IDX files, as MNIST, Fashion-MNIST and EMNIST have them: images in one file, labels in another.

An IDX file begins with two zero bytes, one byte for the type of its numbers (8 is uint8), one for
the number of dimensions, then the length of each dimension as a big-endian 32-bit number.
"""

import math
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.decode import LARGEST_PIXELS, SMALLEST_EDGE
from core.datasets.reading.image_files import has_image_suffix
from core.datasets.reading.raw_files import (
    MOST_FILES,
    Listing,
    RawFile,
    bad_source,
    open_unpacked,
    unpacked_start,
)
from core.datasets.reading.reader import PixelBatch, PixelImages, Reading
from core.datasets.reading.subset_names import subset_among, words
from core.datasets.reading_choice import Choice
from core.errors import BadInput

READ_AS = "IDX files"
BOTH_NEEDED = (
    "Give images and labels together, in one folder or zip: train-images-idx3-ubyte and"
    " train-labels-idx1-ubyte (with .gz or without)"
)
BATCH_BYTES = 16 * 1024**2
MOST_IMAGES_IN_A_BATCH = 4096
_UINT8 = 0x08
_LONGEST_HEADER_BYTES = 20
_TYPES = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float", 0x0E: "double"}
_FORMAT = re.compile(r"(idx[134]?|ubyte|byte|gz|bin|dat)$")
_TEST_WORD = "t10k"  # ten thousand images to test on, as MNIST calls them
_OTHER_WORDS = words("images image imgs labels label x y data raw t10k")


@dataclass(frozen=True)
class IdxFile:
    """One IDX file by its header; ``key`` are the words of its path that name the dataset."""

    raw: RawFile
    type_code: int
    shape: tuple[int, ...]
    key: tuple[str, ...]
    subset: str | None

    @property
    def is_labels(self) -> bool:
        return len(self.shape) == 1

    @property
    def header_bytes(self) -> int:
        return 4 + 4 * len(self.shape)

    @property
    def image_shape(self) -> tuple[int, ...]:
        return self.shape[1:3] if self.shape[3:] == (1,) else self.shape[1:]


def read_idx(raw: RawFile) -> IdxFile | None:
    """The header of an IDX file, or None for any other file."""
    try:
        start = unpacked_start(raw, _LONGEST_HEADER_BYTES)
    except UnreadableImageError:
        return None
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _TYPES:
        return None
    dimensions = start[3]
    lengths = start[4 : 4 + 4 * dimensions]
    if not 1 <= dimensions <= 4 or len(lengths) < 4 * dimensions:
        return None
    shape = struct.unpack(f">{dimensions}I", lengths)
    # Also at the start of a word: "t10k-images", "train-images.idx3-ubyte".
    subsets = ["test" if _TEST_WORD in part.lower() else subset_among(part) for part in raw.parts]
    subset = next(filter(None, reversed(subsets)), None)
    return IdxFile(raw, start[2], shape, _key(raw.parts), subset)


def _key(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a path that name neither subset nor kind nor format, but the dataset."""
    found = [word for part in parts for word in re.findall(r"[^\W_]+", part.casefold())]
    return tuple(
        word
        for word in dict.fromkeys(found)
        if word not in _OTHER_WORDS and not subset_among(word) and not _FORMAT.fullmatch(word)
    )


def belong_together(one: IdxFile, other: IdxFile) -> bool:
    """Whether two files are images and labels of the same subset of the same dataset."""
    return (one.key, one.subset, one.is_labels) == (other.key, other.subset, not other.is_labels)


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """The images of IDX files; empty where there are none, or where image files outnumber them.

    Images and labels are paired by name, else by count; the class is the number as text. Train,
    t10k, test and validation in the names are subsets. Raises ``BadInput``.
    """
    candidates = [raw for raw in listing.files if not has_image_suffix(raw.name)]
    image_files = len(listing.files) - len(candidates)
    found = [idx for raw in candidates if (idx := read_idx(raw)) is not None]
    if not found or image_files > len(found) or choice != Choice(leave_out=choice.leave_out):
        return []
    listing = listing.again()
    pairs = _pair_up(_without_copies(found, listing))
    for images, labels in pairs:
        _check_images(images)
        _check_pair(images, labels)
    total = sum(images.shape[0] for images, _ in pairs)
    if total > MOST_FILES:
        raise bad_source(
            f"{pairs[0][0].raw.path}: {total:,} images in all; the limit is {MOST_FILES:,}."
        )
    listing.leave_out(len(listing.files) - len(found), "beside the IDX files")
    labelled = [
        (images, [str(label) for piece in _pieces(labels, labels.shape[0]) for label in piece])
        for images, labels in pairs
    ]

    def batches() -> Iterator[tuple[PixelBatch, int]]:
        done = 0
        for pixels, class_names in labelled:
            for batch in _batches_of(pixels, class_names):
                done += len(batch.pixels)
                yield batch, done

    expected_bytes = sum(math.prod(images.shape) for images, _ in pairs)
    found_images = PixelImages(READ_AS, total, expected_bytes, batches)
    sources = tuple(labels.raw.path for _, labels in pairs)
    return [
        Reading(
            "The classes are the numbers in the IDX files", found_images, listing, Choice(), sources
        )
    ]


def _without_copies(found: list[IdxFile], listing: Listing) -> list[IdxFile]:
    """One of each: a packed file and its unpacked copy may lie next to each other."""
    kept: dict[tuple[object, ...], IdxFile] = {}
    for idx in sorted(
        found, key=lambda entry: (entry.raw.is_gzip(), len(entry.raw.parts), entry.raw.path)
    ):
        one = kept.setdefault((idx.key, idx.subset, idx.type_code, idx.shape), idx)
        if one is not idx:
            listing.ignored += 1
            listing.notes.append(
                f"{idx.raw.path} was left out: it is the same file as {one.raw.path}."
            )
    return list(kept.values())


def _pair_up(found: Iterable[IdxFile]) -> list[tuple[IdxFile, IdxFile]]:
    """Pairs of images and labels, in the order of their names. Raises ``BadInput``."""
    files = sorted(found, key=lambda idx: idx.raw.path)
    images = [idx for idx in files if not idx.is_labels]
    labels = [idx for idx in files if idx.is_labels]
    keys = sorted({" ".join(idx.key) for idx in images})
    if len(keys) > 1:
        listed = ", ".join(key or "one without a name" for key in keys)
        raise bad_source(f"There are several datasets in it: {listed}. Give the files of one.")
    pairs = []
    for idx in images:
        named_alike = [entry for entry in labels if entry.subset == idx.subset]
        counted_alike = [entry for entry in labels if entry.shape[0] == idx.shape[0]]
        partners = named_alike if len(named_alike) == 1 else counted_alike
        if len(partners) != 1:
            raise _no_partner(idx, "images", "labels")
        labels.remove(partners[0])
        pairs.append((idx, partners[0]))
    if labels:
        raise _no_partner(labels[0], "labels", "images")
    return pairs


def _no_partner(idx: IdxFile, held: str, missing: str) -> BadInput:
    return bad_source(
        f"{idx.raw.path} contains {idx.shape[0]:,} {held}, but there is no IDX file with their"
        f" {missing} beside it. {BOTH_NEEDED}."
    )


def _check_images(idx: IdxFile) -> None:
    """Raise ``BadInput`` unless it is uint8, grey or three channels, of an allowed size."""
    count, *rest = idx.shape
    size = " x ".join(map(str, rest))
    if idx.type_code != _UINT8:
        reason = f"its numbers are {_TYPES[idx.type_code]}; only uint8 (0 to 255) is read"
    elif len(rest) == 1:
        reason = f"it contains {count:,} rows of {size} numbers, which are not images"
    elif rest[2:] not in ([], [1], [3]):
        reason = f"its images are {size}; the last number must be 1 (grey) or 3 (colour)"
    elif count == 0:
        reason = "it contains no image"
    elif min(rest[:2]) < SMALLEST_EDGE or rest[0] * rest[1] > LARGEST_PIXELS:
        reason = (
            f"its images are {size} pixels; each side must be at least {SMALLEST_EDGE}, and"
            f" {LARGEST_PIXELS // 1_000_000} megapixels are the limit"
        )
    else:
        return
    raise bad_source(f"{idx.raw.path}: {reason}. Save the images as uint8, count x rows x columns.")


def _check_pair(images: IdxFile, labels: IdxFile) -> None:
    if labels.type_code != _UINT8:
        raise bad_source(
            f"{labels.raw.path}: its numbers are {_TYPES[labels.type_code]}; only uint8 (labels 0"
            " to 255) is read. Save the labels as uint8."
        )
    if images.shape[0] != labels.shape[0]:
        raise bad_source(
            f"{images.raw.path} contains {images.shape[0]:,} images and {labels.raw.path}"
            f" {labels.shape[0]:,} labels. Give the two files that belong together."
        )
    for idx in (images, labels):
        promised = idx.header_bytes + math.prod(idx.shape)
        if not idx.raw.is_gzip() and idx.raw.size_bytes < promised:
            raise _cut_short(idx)


def _cut_short(idx: IdxFile) -> BadInput:
    return bad_source(
        f"{idx.raw.path} is cut short: its header promises {math.prod(idx.shape):,} bytes of"
        " content, but it contains fewer. Download or copy it again."
    )


def _pieces(idx: IdxFile, piece_bytes: int) -> Iterator[bytes]:
    """The content after the header, ``piece_bytes`` at a time. Raises ``BadInput``."""
    left = math.prod(idx.shape)
    try:
        with open_unpacked(idx.raw) as (stream, _):
            stream.read(idx.header_bytes)
            while left:
                data = stream.read(min(piece_bytes, left))
                if len(data) < min(piece_bytes, left):
                    raise _cut_short(idx)
                left -= len(data)
                yield data
            # Reading past the end of a gzip file compares its checksum.
            stream.read(1)
    except UnreadableImageError as error:
        raise bad_source(f"{idx.raw.path}: {error}. Download or copy it again.") from error


def _batches_of(images: IdxFile, labels: list[str]) -> Iterator[PixelBatch]:
    """All images of one file, with the labels in the same order."""
    image_bytes = math.prod(images.image_shape)
    per_batch = max(1, min(MOST_IMAGES_IN_A_BATCH, BATCH_BYTES // image_bytes))
    short_name = re.split(r"[-_.]idx", images.raw.name, maxsplit=1)[0].removesuffix(".gz")
    start = 0
    for data in _pieces(images, per_batch * image_bytes):
        pixels = np.frombuffer(data, np.uint8).reshape(-1, *images.image_shape)
        stop = start + len(pixels)
        names = [f"{short_name} {number}" for number in range(start + 1, stop + 1)]
        yield PixelBatch(pixels, labels[start:stop], names, images.subset)
        start = stop
