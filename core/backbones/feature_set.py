"""Features as training reads them: rows of a few images at a time, from files that never change.

The images of a dataset are dealt out to shards of at most 8,192 at random, because images lie in a
dataset class by class. An epoch goes through the shards in another order each time, and within a
window of three through their images: few files are open, few have to be on this machine, and memory
does not grow with the number of images. Up to three shards that is a full shuffle. Which image is
in which shard depends on the number of images alone, so the order of an epoch does not depend on
what an earlier run had extracted.
"""

import hashlib
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.conditions import Conditions
from core.errors import CacheLost, StorageUnavailable
from core.files import make_way
from core.storage.shared import is_stored, pull_cached

SHARD_IMAGES = 8192
WINDOW_SHARDS = 3
_IN_NO_PIECE = -1

log = logging.getLogger(__name__)
# Size, time of change and digest of the files that this process has checked, by path.
_checked: dict[str, tuple[int, int, str]] = {}


@lru_cache(maxsize=8)
def shard_of_image(image_count: int) -> np.ndarray:
    """The shard of each image of a dataset, int32 ``(image_count,)``, from 0; about equally many
    images are in each."""
    shards = math.ceil(image_count / SHARD_IMAGES)
    # The seed is the count: any fixed number would do.
    dealt = np.random.default_rng(image_count).permutation(image_count) % shards
    return dealt.astype(np.int32)


@dataclass(frozen=True, eq=False)
class Piece:
    """``images``: sorted int64 positions in the dataset, one for each row of ``path``.

    ``image_count``: images of the whole dataset; ``width``: numbers for each image; ``seconds``:
    what the extraction of this piece cost, and ``conditions`` what the machine did meanwhile (None
    in old pieces); ``manifest``: the document, without the bits that tell the images.
    """

    path: Path
    images: np.ndarray
    image_count: int
    width: int
    seconds: float
    conditions: Conditions | None
    manifest: Mapping[str, Any]

    @property
    def key(self) -> str:
        return self.path.stem.partition("-")[0]

    def take(self, positions: np.ndarray) -> np.ndarray:
        """The rows of these images in their order, float16; ``CacheLost`` without the file."""
        rows = np.minimum(np.searchsorted(self.images, positions), len(self.images) - 1)
        if not np.array_equal(self.images[rows], positions):
            raise ValueError("features of images that are not in this piece")
        try:
            try:
                return self._read(rows)
            except FileNotFoundError:
                # Not yet on this machine, or it had made room for other files.
                if not pull_cached(self.path, self.manifest["sha256"]):
                    raise
                return self._read(rows)
        except (OSError, ValueError, EOFError) as error:
            raise CacheLost(
                f"Cached features were deleted or damaged while they were used ({error})."
            ) from error

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """Rows of the file. Read, not mapped: faster for a batch from several pieces, pages do not
        stay in the process, and a file that is cut short meanwhile is an error, no signal."""
        found = np.empty((len(rows), self.width), np.float16)
        start = self._data_start
        with open(self.path, "rb", buffering=0) as file:
            for target, row in zip(found, rows.tolist(), strict=True):
                file.seek(start + row * found.itemsize * self.width)
                if file.readinto(target.data) != target.nbytes:
                    raise ValueError("the file is cut short")
        return found

    def is_whole(self) -> bool:
        """Whether the file is there with the stored sha256, here or shared (then it is looked at
        when it comes); what is wrong with it is logged. A process reads a file that does not change
        once: the runs of an experiment use the same features."""
        sha256 = self.manifest["sha256"]
        try:
            with open(self.path, "rb") as file:
                status = os.fstat(file.fileno())
                mark = (status.st_size, status.st_mtime_ns, sha256)
                if _checked.get(str(self.path)) != mark:
                    if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                        raise ValueError("the file is damaged (sha256 differs)")
                    _checked[str(self.path)] = mark
            return self._data_start > 0
        except FileNotFoundError as error:
            problem: Exception = error
            if self._is_shared():
                return True
        except (OSError, ValueError, EOFError) as error:
            problem = error
            if pull_cached(self.path, sha256):
                return True
        log.warning("features %s are made anew: %s", self.path, problem)
        return False

    def _is_shared(self) -> bool:
        try:
            return is_stored(self.path, self.manifest["sha256"])
        except StorageUnavailable as error:
            log.warning("features %s cannot be fetched: %s", self.path, error)
            return False

    def discard(self) -> None:
        """Delete it; a folder in the place of the file is moved aside (logged)."""
        for path in (self.path.with_suffix(".json"), self.path):
            make_way(path)
            path.unlink(missing_ok=True)

    @cached_property
    def _data_start(self) -> int:
        """Where the rows start in the file; ``ValueError`` for an array of another kind."""
        with open(self.path, "rb") as file:
            np.lib.format.read_magic(file)
            shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
            if (shape, by_column, dtype) != ((len(self.images), self.width), False, np.float16):
                raise ValueError(f"an array of {dtype} and shape {shape}")
            return file.tell()


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Features of some images of a dataset, ``width`` numbers each.

    ``seconds`` is the cost of the extraction when it was done, for these images: of a piece that
    has more, the same fraction. ``reused_seconds`` of it were spent by others, for ``reused`` of
    the ``images``: earlier runs, and workers that extracted ``together`` images at the same time,
    for which this one waited ``waited_seconds``. ``conditions``: what the machine did during the
    extractions, None where one did not record it. A feature map is flattened from (height, width,
    channels).
    """

    pieces: tuple[Piece, ...]
    image_count: int
    width: int
    images: int
    reused: int
    seconds: float
    reused_seconds: float
    conditions: Conditions | None
    together: int = 0
    waited_seconds: float = 0.0

    @property
    def cache(self) -> Literal["hit", "part", "miss"]:
        """Whether all, some or none of the images had their features in the cache."""
        if self.reused == self.images:
            return "hit"
        return "part" if self.reused else "miss"

    @property
    def notes(self) -> tuple[str, ...]:
        """What to bear in mind where several workers extracted them."""
        if not self.together:
            return ()
        return (
            f"Other workers extracted the features of {self.together:,} of {self.images:,} images "
            "at the same time; the seconds of all of them are counted.",
        )

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Rows of the images ``indices`` in their order, ``(len(indices), width)`` float16.

        Networks widen them to float32, on the device: that is faster than here, and half as much
        has to be brought to it. Raises ``CacheLost`` where a file was deleted or cut short since.
        """
        indices = np.asarray(indices)
        if len(self.pieces) == 1:
            return self.pieces[0].take(indices)
        rows = np.empty((len(indices), self.width), np.float16)
        of_piece = self._piece_of_image[indices]
        for number in np.unique(of_piece):
            here = of_piece == number
            rows[here] = self.pieces[number].take(indices[here])
        return rows

    def shuffled(self, indices: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """The ``indices`` in the order in which an epoch trains on them."""
        shards = shard_of_image(self.image_count)
        if self._shards <= WINDOW_SHARDS:
            return random.permutation(indices)
        by_shard = self.gathered(indices)
        ends = np.cumsum(np.bincount(shards[indices], minlength=self._shards))[:-1]
        parts = np.split(indices[by_shard], ends)
        turn = random.permutation(self._shards)
        windows = (turn[at : at + WINDOW_SHARDS] for at in range(0, len(turn), WINDOW_SHARDS))
        return np.concatenate(
            [random.permutation(np.concatenate([parts[n] for n in window])) for window in windows]
        )

    def gathered(self, indices: np.ndarray) -> np.ndarray:
        """In which order to take the ``indices`` so that each file is read once: places in it."""
        if self._shards <= WINDOW_SHARDS:
            return np.arange(len(indices))
        return np.argsort(shard_of_image(self.image_count)[indices], kind="stable")

    @property
    def _shards(self) -> int:
        return math.ceil(self.image_count / SHARD_IMAGES)

    @cached_property
    def _piece_of_image(self) -> np.ndarray:
        owners = np.full(self.image_count, _IN_NO_PIECE, np.int32)
        # Backwards: an image in two pieces is taken from the first.
        for number, piece in reversed(list(enumerate(self.pieces))):
            owners[piece.images] = number
        return owners
