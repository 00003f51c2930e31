"""Group near-duplicate pictures, so that a split never has one on both sides.

A 64-bit perceptual hash proposes pairs: the DCT hash of the ImageHash library, because on flat
drawings the gradient hash (dHash) is mostly ties and proposes twice as many pairs (on themes16,
at a distance of 10: 1276 against 678), most of them false. A pair is confirmed by the correlation
of two small grey thumbnails, over the whole and over the inner part: the thin white frame that
drawings share must not make a flag the twin of another flag. Grey, because the same drawing in
another colour is a duplicate for our purpose.

Below 32 pixels a hash says nothing (all digits look alike), so there only equal pixels count.
"""

from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

SMALLEST_HASHED_SIDE = 32
THUMBNAIL_SIDE = 16
# Thumbnails that differ by less than this (root mean square, of 255) are the same even where too
# flat to correlate; deviations below FLAT_LEVEL grey levels count as noise in a correlation.
SAME_LEVEL = 2.0
FLAT_LEVEL = 4.0
# A group larger than this share of its class is looked at again with the next, stricter level.
LARGEST_SHARE_OF_CLASS = 0.25
# One that takes more than this even by the strictest level is no group of copies but what the
# class looks like (plain colours, X-rays); kept together, the class could not be split.
DISSOLVED_SHARE_OF_CLASS = 0.5
SMALLEST_SUSPECT_GROUP = 8
_PAIRS_AT_ONCE = 4_000_000
_FEW_PAIRS = 20_000


@dataclass(frozen=True)
class Likeness:
    """How alike two pictures must be: hash distance at most, correlation at least."""

    distance: int
    correlation: float


LEVELS = (Likeness(12, 0.90), Likeness(8, 0.95), Likeness(4, 0.98))


def perceptual_hash(image: Image.Image) -> int:
    """64-bit DCT hash of a picture as an unsigned integer."""
    bits = imagehash.phash(image, hash_size=8).hash.ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def grey_thumbnail(image: Image.Image) -> np.ndarray:
    """Grey uint8 ``(16, 16)`` thumbnail, averaged over areas, proportions not kept."""
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return np.asarray(image.resize(side, Image.Resampling.BOX).convert("L"))


def group_duplicates(
    digests: list[bytes],
    hashes: np.ndarray,
    thumbnails: np.ndarray,
    hashed: np.ndarray,
    labels: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Number the groups of near duplicates: int64 ``(N,)``, 0 upwards in order of appearance.

    The second array, bool ``(N,)``, marks pictures of a group that was dissolved because it was
    most of a class.

    ``digests`` are hashes of the decoded pixels (equal pixels are always one group); ``hashes``
    uint64 ``(N,)`` and ``thumbnails`` uint8 ``(N, 16, 16)`` are looked at where ``hashed`` (bool)
    says so. ``labels`` int ``(N,)`` bound how much of a class a chain of look-alikes may take.
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
            found = _connected(hashes[rows], thumbnails[rows], level)
            groups[members] = members[_first_of_each(found)]
            still_suspect += _too_large(
                members, found, labels[first], class_sizes * LARGEST_SHARE_OF_CLASS
            )
        suspects = still_suspect
    dissolved = np.zeros(len(first), bool)
    for members in suspects:
        in_class = np.bincount(labels[first][members], minlength=len(class_sizes))
        if (in_class > class_sizes * DISSOLVED_SHARE_OF_CLASS).any():
            groups[members] = members
            dissolved[members] = True
    return renumbered(groups[exact]), dissolved[exact]


def equal_rows(digests: np.ndarray) -> np.ndarray:
    """Number the sets of equal rows of uint8 ``(N, 32)``: int64 ``(N,)``, in order of appearance."""
    whole = np.ascontiguousarray(digests).view("V32").ravel()
    return renumbered(np.unique(whole, return_inverse=True)[1])


def _too_large(
    members: np.ndarray, found: np.ndarray, labels: np.ndarray, limits: np.ndarray
) -> list[np.ndarray]:
    suspects = []
    for group in np.flatnonzero(np.bincount(found) >= SMALLEST_SUSPECT_GROUP):
        inside = members[found == group]
        in_class = np.bincount(labels[inside], minlength=len(limits))
        if (in_class > limits).any():
            suspects.append(inside)
    return suspects


def _connected(hashes: np.ndarray, thumbnails: np.ndarray, level: Likeness) -> np.ndarray:
    """Component number of each picture when all pairs alike under ``level`` are joined."""
    count = len(hashes)
    components = np.arange(count)
    whole, inner = _normalised(thumbnails), _normalised(thumbnails[:, 1:-1, 1:-1])
    plain = thumbnails.reshape(count, -1).astype(np.float32)
    squares = (plain**2).sum(axis=1)
    largest_distance = SAME_LEVEL**2 * plain.shape[1]
    step = max(1, _PAIRS_AT_ONCE // max(1, count))
    for start in range(0, count, step):
        block = hashes[start : start + step, None] ^ hashes[None, start:]
        left, right = np.nonzero(np.bitwise_count(block) <= level.distance)
        ahead = right > left
        pairs = left[ahead] + start, right[ahead] + start
        correlated = (_products(whole, pairs, start, step) >= level.correlation) & (
            _products(inner, pairs, start, step) >= level.correlation
        )
        distances = squares[pairs[0]] + squares[pairs[1]]
        distances -= 2 * _products(plain, pairs, start, step)
        alike = correlated | (distances <= largest_distance)
        components = _joined(components, pairs[0][alike], pairs[1][alike])
    return components


def _products(
    rows: np.ndarray, pairs: tuple[np.ndarray, np.ndarray], start: int, step: int
) -> np.ndarray:
    """Dot products of the ``pairs`` of ``rows``, the first of which lie from ``start`` on.

    A few pairs are looked up one by one; many (pictures that all have one hash) are taken from
    the product of all, which is a hundred times faster for as many.
    """
    left, right = pairs
    if len(left) <= _FEW_PAIRS:
        return np.einsum("ij,ij->i", rows[left], rows[right])
    return (rows[start : start + step] @ rows[start:].T)[left - start, right - start]


def _normalised(thumbnails: np.ndarray) -> np.ndarray:
    """Rows of zero mean whose dot products are correlations, damped for flat pictures."""
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    centred = flat - flat.mean(axis=1, keepdims=True)
    noise = FLAT_LEVEL**2 * flat.shape[1]
    return centred / np.sqrt((centred**2).sum(axis=1, keepdims=True) + noise)


def _joined(components: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    if not len(left):
        return components
    count = len(components)
    edges = coo_matrix((np.ones(len(left)), (components[left], components[right])), (count, count))
    _, merged = connected_components(edges, directed=False)
    return merged[components]


def _first_of_each(groups: np.ndarray) -> np.ndarray:
    """For each entry, the position of the first entry of its group."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return first[inverse]


def renumbered(groups: np.ndarray) -> np.ndarray:
    """The same groups, int64, numbered from 0 upwards in order of appearance."""
    order = _first_of_each(groups)
    return np.unique(order, return_inverse=True)[1].astype(np.int64)
