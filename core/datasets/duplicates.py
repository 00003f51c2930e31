"""Group near-duplicate images, so that a split never puts two of them into different subsets.

A 64-bit perceptual hash proposes pairs: the DCT hash of the ImageHash library, because on flat
drawings the gradient hash (dHash) is mostly ties and proposes twice as many pairs (on themes16,
at a distance of 10: 1276 against 678), most of them false. A pair is confirmed by the correlation
of two small grey thumbnails, over the whole and over the inner part: the thin white frame that
drawings share must not make two flags near duplicates. Grey, because the same drawing in another
colour is a duplicate for this purpose.

Below 32 pixels a hash means nothing (all digits look alike), so there only equal pixels count.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from core.datasets.decoding.pool import StopCallback, raise_if_stopped
from core.datasets.groups import first_of_each, members_of, renumbered
from core.datasets.near_hashes import looking_up_pays, near_pairs

# Thumbnails that differ by less than this (root mean square, of 255) are the same even where they
# are too flat to correlate; deviations below FLAT_LEVEL grey levels count as noise.
SAME_LEVEL = 2.0
FLAT_LEVEL = 4.0
# A group larger than this fraction of its class is divided again at the next, stricter level.
LARGEST_FRACTION_OF_CLASS = 0.25
# A group larger than this at the strictest level shows a look that the whole class shares (plain
# colours, X-rays), not copies. It is dissolved: kept together, the class could not be split.
DISSOLVED_FRACTION_OF_CLASS = 0.5
SMALLEST_SUSPECT_GROUP = 8
# An image similar to more than this fraction of the dataset counts as no duplicate.
LARGEST_FRACTION_ALIKE_TO_ONE = 0.02
# Pairs are compared in tiles that fit the cache of a processor core.
_TILE_ROWS, _TILE_COLUMNS = 16, 8192
_FEW_PAIRS = 5_000
# So few images are compared in a table of all pairs as fast.
_FEWEST_LOOKED_UP = 10_000
STOPPED = "Cancelled while duplicates were looked for; nothing was stored."

_Products = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class SimilarityLevel:
    """How similar near duplicates are: hash distance at most, correlation at least."""

    distance: int
    correlation: float


LEVELS = (SimilarityLevel(12, 0.90), SimilarityLevel(8, 0.95), SimilarityLevel(4, 0.98))


def group_duplicates(
    digests: list[bytes],
    hashes: np.ndarray,
    thumbnails: np.ndarray,
    hashed: np.ndarray,
    labels: np.ndarray,
    should_stop: StopCallback | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The groups of near duplicates, int64 ``(N,)``, numbered from 0 in order of appearance.

    The second array, bool ``(N,)``, marks images of groups that were dissolved because they made up
    most of a class.

    ``digests``: equal ones are always one group. ``hashes`` uint64 ``(N,)`` and ``thumbnails``
    uint8 ``(N, 16, 16)`` are compared where ``hashed``, bool ``(N,)``. ``labels`` int ``(N,)``
    limit the part of a class that a chain of similar images may take. Raises ``Cancelled`` soon
    after ``should_stop()``.
    """
    _, first, exact = np.unique(
        np.array([digest.hex() for digest in digests]), return_index=True, return_inverse=True
    )
    groups = np.arange(len(first))
    looked_at = np.flatnonzero(hashed[first])
    class_sizes = np.bincount(labels)
    suspects = [looked_at] if len(looked_at) else []
    for level in LEVELS:
        still_suspect: list[np.ndarray] = []
        for members in suspects:
            rows = first[members]
            found = _connected(hashes[rows], thumbnails[rows], level, should_stop)
            groups[members] = members[first_of_each(found)]
            still_suspect += _too_large(
                members, found, labels[first], class_sizes * LARGEST_FRACTION_OF_CLASS
            )
        suspects = still_suspect
    dissolved = np.zeros(len(first), bool)
    for members in suspects:
        in_class = np.bincount(labels[first][members], minlength=len(class_sizes))
        if (in_class > class_sizes * DISSOLVED_FRACTION_OF_CLASS).any():
            groups[members] = members
            dissolved[members] = True
    return renumbered(groups[exact]), dissolved[exact]


def alike_to_one(
    image: tuple[int, np.ndarray], hashes: np.ndarray, thumbnails: np.ndarray
) -> np.ndarray:
    """Which images are near duplicates of one other image, bool ``(N,)``.

    ``image`` is the hash and thumbnail of the other image; ``hashes`` uint64 ``(N,)``,
    ``thumbnails`` uint8 ``(N, 16, 16)``. Where it is similar to many (plain colours, X-rays), the
    next stricter level is used, and in the end none counts as a duplicate.
    """
    hash_of_one, thumbnail = image
    distances = np.bitwise_count(hashes ^ np.uint64(hash_of_one))
    one = _prepare(thumbnail[None])
    for level in LEVELS:
        near = np.flatnonzero(distances <= level.distance)
        if len(near) == 0:
            break
        pairs = np.zeros(len(near), np.int64), np.arange(len(near))
        agreeing = near[_alike(one, _prepare(thumbnails[near]), pairs, level)]
        if len(agreeing) < max(SMALLEST_SUSPECT_GROUP, len(hashes) * LARGEST_FRACTION_ALIKE_TO_ONE):
            return np.isin(np.arange(len(hashes)), agreeing)
    return np.zeros(len(hashes), bool)


def _too_large(
    members: np.ndarray, found: np.ndarray, labels: np.ndarray, limits: np.ndarray
) -> list[np.ndarray]:
    suspects = []
    for positions in members_of(found, np.bincount(found) >= SMALLEST_SUSPECT_GROUP):
        inside = members[positions]
        in_class = np.bincount(labels[inside], minlength=len(limits))
        if (in_class > limits).any():
            suspects.append(inside)
    return suspects


def _connected(
    hashes: np.ndarray,
    thumbnails: np.ndarray,
    level: SimilarityLevel,
    should_stop: StopCallback | None,
) -> np.ndarray:
    """Component number of each image when all pairs similar at ``level`` are joined."""
    if len(hashes) < _FEWEST_LOOKED_UP or not looking_up_pays(hashes, level.distance):
        return _connected_in_tiles(hashes, thumbnails, level, should_stop)
    components = _Components(len(hashes))
    for left, right in near_pairs(hashes, level.distance):
        raise_if_stopped(should_stop, STOPPED)
        for start in range(0, len(left), _FEW_PAIRS):
            ends = np.stack([left[start : start + _FEW_PAIRS], right[start : start + _FEW_PAIRS]])
            ends = ends[:, components.numbers[ends[0]] != components.numbers[ends[1]]]
            if not ends.size:
                continue
            images, rows = np.unique(ends, return_inverse=True)
            prepared = _prepare(thumbnails[images])
            pairs = rows.reshape(ends.shape)
            agreeing = _alike(prepared, prepared, (pairs[0], pairs[1]), level)
            components.join(ends[0][agreeing], ends[1][agreeing])
    return components.settled()


def _connected_in_tiles(
    hashes: np.ndarray,
    thumbnails: np.ndarray,
    level: SimilarityLevel,
    should_stop: StopCallback | None,
) -> np.ndarray:
    """The same from a table of all pairs, a part at a time."""
    count = len(hashes)
    components = _Components(count)
    distances = _Distances(min(count, _TILE_COLUMNS))
    for column in range(0, count, _TILE_COLUMNS):
        right = slice(column, min(column + _TILE_COLUMNS, count))
        prepared_right: _Prepared | None = None
        for row in range(0, right.stop, _TILE_ROWS):
            raise_if_stopped(should_stop, STOPPED)
            left = slice(row, min(row + _TILE_ROWS, right.stop))
            near = distances.at_most(level.distance, hashes[left], hashes[right])
            if near is None:
                continue
            numbers = components.numbers
            # Skip pairs that are joined already: otherwise a hundred thousand images that are all
            # similar would take half an hour.
            if np.count_nonzero(near) > _FEW_PAIRS:
                near &= numbers[left, None] != numbers[None, right]
            rows, columns = np.divmod(np.flatnonzero(near), near.shape[1])
            new = numbers[left][rows] != numbers[right][columns]
            new &= rows + left.start < columns + right.start
            if not new.any():
                continue
            prepared_right = prepared_right or _prepare(thumbnails[right])
            pairs = rows[new], columns[new]
            agreeing = _alike(_prepare(thumbnails[left]), prepared_right, pairs, level)
            components.join(pairs[0][agreeing] + left.start, pairs[1][agreeing] + right.start)
    return components.settled()


class _Components:
    """Which images are joined, by ``numbers`` ``(N,)``: the same in one component.

    Pairs are taken in by the thousand, so those of the last calls may not be in the numbers yet.
    """

    def __init__(self, count: int) -> None:
        self.numbers = np.arange(count)
        self._found: list[tuple[np.ndarray, np.ndarray]] = []
        self._waiting = 0

    def join(self, left: np.ndarray, right: np.ndarray) -> None:
        self._found.append((left, right))
        self._waiting += len(left)
        if self._waiting > len(self.numbers):
            self.settled()

    def settled(self) -> np.ndarray:
        """The numbers with all pairs in them."""
        if self._waiting:
            self.numbers = _joined(self.numbers, self._found)
        self._found, self._waiting = [], 0
        return self.numbers


class _Distances:
    """Memory for the distances of one tile: allocating it takes longer than computing them."""

    def __init__(self, columns: int) -> None:
        self._bits = np.empty((_TILE_ROWS, columns), np.uint64)
        self._counts = np.empty((_TILE_ROWS, columns), np.uint8)

    def at_most(self, distance: int, left: np.ndarray, right: np.ndarray) -> np.ndarray | None:
        """Which hashes (uint64) of ``left`` and ``right`` are near, bool; None where none are."""
        tile = slice(len(left)), slice(len(right))
        bits, counts = self._bits[tile], self._counts[tile]
        np.bitwise_xor(left[:, None], right[None], out=bits)
        np.bitwise_count(bits, out=counts)
        return counts <= distance if counts.min() <= distance else None


class _Prepared(NamedTuple):
    """Thumbnails as rows of float32: the whole and the inner part normalised, the levels as they
    are, and the squared lengths of these."""

    whole: np.ndarray
    inner: np.ndarray
    levels: np.ndarray
    squares: np.ndarray

    def at(self, rows: np.ndarray) -> "_Prepared":
        return _Prepared(*(part[rows] for part in self))


def _prepare(thumbnails: np.ndarray) -> _Prepared:
    levels = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    inner = normalised_thumbnails(thumbnails[:, 1:-1, 1:-1])
    return _Prepared(normalised_thumbnails(thumbnails), inner, levels, (levels**2).sum(axis=1))


def _alike(
    left: _Prepared, right: _Prepared, pairs: tuple[np.ndarray, np.ndarray], level: SimilarityLevel
) -> np.ndarray:
    """Which ``pairs`` of rows of ``left`` and ``right`` have thumbnails that agree, bool.

    A few pairs are computed one by one. Many (images that all have the same hash) are taken from
    the product of all, which is then a hundred times faster.
    """
    if len(pairs[0]) <= _FEW_PAIRS:
        return _agree(left.at(pairs[0]), right.at(pairs[1]), level, _products_of_pairs)
    return _agree(left, right, level, _products_of_all)[pairs]


def _agree(
    left: _Prepared, right: _Prepared, level: SimilarityLevel, products: _Products
) -> np.ndarray:
    """Whether thumbnails show the same image, bool in the shape of ``products``."""
    correlated = products(left.whole, right.whole) >= level.correlation
    if correlated.any():
        correlated &= products(left.inner, right.inner) >= level.correlation
    paired = products(left.levels, right.levels)
    squares = left.squares if paired.ndim == 1 else left.squares[:, None]
    distances = squares + right.squares - 2 * paired
    return correlated | (distances <= SAME_LEVEL**2 * left.levels.shape[1])


def _products_of_pairs(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", left, right)


def _products_of_all(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return left @ right.T


def normalised_thumbnails(thumbnails: np.ndarray) -> np.ndarray:
    """Grey thumbnails as rows of zero mean whose dot products are correlations, float32.

    Damped for flat images: below ``FLAT_LEVEL`` their noise would decide.
    """
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    centred = flat - flat.mean(axis=1, keepdims=True)
    noise = FLAT_LEVEL**2 * flat.shape[1]
    return centred / np.sqrt((centred**2).sum(axis=1, keepdims=True) + noise)


def _joined(components: np.ndarray, found: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The components when the pairs that were ``found`` are joined as well."""
    count = len(components)
    ends = [components[np.concatenate(edge)] for edge in zip(*found, strict=True)]
    edges = coo_matrix((np.ones(len(ends[0]), np.int8), tuple(ends)), (count, count))
    _, merged = connected_components(edges, directed=False)
    return merged[components]
