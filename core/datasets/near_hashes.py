"""Pairs of 64-bit hashes that differ in few bits, without comparing each hash with all others.

A hash has four parts of 16 bits. Two hashes that differ in 12 bits at most differ in 3 bits of the
first part at most, or in 2 of another one: else they would differ in 4 + 3 + 3 + 3 = 13. So each
hash is compared only with those whose part is one of the few that are so near. That is 1,108
look-ups for each hash, and of random hashes 1.7 % of all pairs are left to compare.
Sources: Norouzi et al. 2012, "Fast search in Hamming space with multi-index hashing"; Qin et al.
2018, "GPH: similarity search in Hamming space", for radii that differ from part to part.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np

PART_BITS, PARTS = 16, 4
_VALUES = 1 << PART_BITS
_ALL_OF_PART = np.uint64(_VALUES - 1)
# Candidates that are compared in one call: they fit the cache of a processor core.
_AT_ONCE = 1 << 17
# By how many hashes it is judged whether looking up pays.
_SAMPLE = 128
# A candidate costs so much more than a pair in a table of all.
_MOST_CANDIDATES = 1 / 10
# So does a pair that is near: then its images are compared one by one.
_MOST_NEAR = 1 / 4000

Pairs = tuple[np.ndarray, np.ndarray]


def near_pairs(hashes: np.ndarray, distance: int) -> Iterator[Pairs]:
    """All pairs of ``hashes``, uint64 ``(N,)``, that differ in at most ``distance`` bits, some at a
    time: their positions, left and right. Some pairs come more than once, up to four times."""
    for shift, radius in _radii(hashes, distance):
        values = _part(hashes, shift)
        order = np.argsort(values, kind="stable")
        values, ordered = values[order], hashes[order]
        for left, first, length in _look_up(values, radius):
            for lefts, rights in _expanded(left, first, length):
                differing = np.bitwise_count(ordered[lefts] ^ ordered[rights])
                near = np.flatnonzero(differing <= distance)
                yield order[lefts[near]], order[rights[near]]


def looking_up_pays(hashes: np.ndarray, distance: int) -> bool:
    """Whether ``near_pairs`` is faster than a table of all pairs, judged by some of the hashes.

    It is not where images look alike, so that their hashes share their parts.
    """
    radii = _radii(hashes, distance)
    sample = hashes[:: max(1, len(hashes) // _SAMPLE)]
    candidates, near = 0, -len(sample)  # each is near to itself
    for one in sample:
        bits = hashes ^ one
        near += int(np.count_nonzero(np.bitwise_count(bits) <= distance))
        for shift, radius in radii:
            of_part = bits & (_ALL_OF_PART << np.uint64(shift))
            candidates += int(np.count_nonzero(np.bitwise_count(of_part) <= radius))
    pairs = len(sample) * len(hashes)
    return candidates <= pairs * _MOST_CANDIDATES and near <= pairs * _MOST_NEAR


def _radii(hashes: np.ndarray, distance: int) -> list[tuple[int, int]]:
    """Where each part begins (bits from the lowest), and in how many bits it may differ.

    Parts of which none may differ less than that are left out. The larger radii go where the hashes
    spread most.
    """
    shifts = [PART_BITS * part for part in range(PARTS)]
    alike = {
        shift: int((np.bincount(_part(hashes, shift), minlength=_VALUES) ** 2).sum())
        for shift in shifts
    }
    each, more = divmod(distance + 1, PARTS)
    radii = (each - 1 + (place < more) for place in range(PARTS))
    pairs = zip(sorted(shifts, key=alike.__getitem__), radii, strict=True)
    return [(shift, radius) for shift, radius in pairs if radius >= 0]


def _part(hashes: np.ndarray, shift: int) -> np.ndarray:
    return ((hashes >> np.uint64(shift)) & _ALL_OF_PART).astype(np.intp)


def _look_up(
    values: np.ndarray, radius: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Where in the sorted ``values`` those are that differ in ``radius`` bits at most.

    Places that have such partners, the place of the first partner, and how many follow one another
    from there. Each pair of places comes once.
    """
    counts = np.bincount(values, minlength=_VALUES)
    starts = np.cumsum(counts) - counts
    places = np.arange(len(values))
    equal = starts[values] + counts[values] - places - 1
    yield _with_partners(places, places + 1, equal)
    for highest in range(PART_BITS if radius else 0):
        # Of two values that differ there, one has this bit not set: the pair is found from it.
        left = np.flatnonzero(values & (1 << highest) == 0)
        for others in range(radius):
            for bits in combinations(range(highest), others):
                changed = (1 << highest) + sum(1 << bit for bit in bits)
                wanted = values[left] ^ changed
                yield _with_partners(left, starts[wanted], counts[wanted])


def _with_partners(
    left: np.ndarray, first: np.ndarray, length: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = np.flatnonzero(length)
    return left[found], first[found], length[found]


def _expanded(left: np.ndarray, first: np.ndarray, length: np.ndarray) -> Iterator[Pairs]:
    """Each of ``left`` with each of its ``length`` partners, the ``first`` one and those behind it;
    not many more than ``_AT_ONCE`` at a time."""
    if not len(left):
        return
    ends = np.cumsum(length)
    begins = ends - length
    cuts = np.unique(np.searchsorted(ends, np.arange(0, ends[-1], _AT_ONCE), side="right"))
    for start, stop in pairwise([*cuts.tolist(), len(left)]):
        some = slice(start, stop)
        lefts = np.repeat(left[some], length[some])
        rights = np.repeat(first[some] - begins[some], length[some])
        rights += np.arange(begins[start], ends[stop - 1])
        yield lefts, rights
