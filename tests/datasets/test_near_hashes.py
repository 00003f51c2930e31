import numpy as np
import pytest

from core.datasets import duplicates, near_hashes
from core.datasets.duplicates import LEVELS, group_duplicates
from core.datasets.near_hashes import looking_up_pays, near_pairs
from tests.datasets.test_duplicates import families


def random_hashes(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2**64, count, np.uint64)


def changed(hashes: np.ndarray, bits: int, seed: int = 0) -> np.ndarray:
    """The hashes with so many bits of each the other way round, at places that are drawn."""
    places = np.random.default_rng(seed).permuted(np.tile(np.arange(64), (len(hashes), 1)), axis=1)
    chosen = np.uint64(1) << places[:, :bits].astype(np.uint64)
    return hashes ^ np.bitwise_xor.reduce(chosen, axis=1, initial=np.uint64(0))


def found_pairs(hashes: np.ndarray, distance: int) -> set[tuple[int, int]]:
    pairs = set()
    for left, right in near_pairs(hashes, distance):
        assert (left != right).all()
        pairs |= {
            (min(pair), max(pair)) for pair in zip(left.tolist(), right.tolist(), strict=True)
        }
    return pairs


def compared_pairs(hashes: np.ndarray, distance: int) -> set[tuple[int, int]]:
    near = np.bitwise_count(hashes[:, None] ^ hashes[None]) <= distance
    return set(zip(*(ends.tolist() for ends in np.nonzero(np.triu(near, 1))), strict=True))


@pytest.mark.parametrize("distance", [0, 1, 2, 3, 4, 8, 11, 12, 13])
def test_all_near_pairs_are_found(distance):
    some = random_hashes(150)
    hashes = np.concatenate([changed(some, bits, bits) for bits in (0, 0, 1, 2, 4, 6, 8, 12, 13)])
    hashes = np.random.default_rng(1).permutation(hashes)
    expected = compared_pairs(hashes, distance)
    assert len(expected) >= 150
    assert found_pairs(hashes, distance) == expected


def test_differences_in_one_part_and_in_all_are_found():
    one = np.uint64(0x0123456789ABCDEF)
    spread = [0x0007000700070007, 0x0FFF, 0x0FFF << 48, 0x0003000300030003, 0x000F000F000F]
    hashes = np.array([one, *(one ^ np.uint64(bits) for bits in spread)])
    assert {pair for pair in found_pairs(hashes, 12) if pair[0] == 0} == {
        (0, place) for place in range(1, 6)
    }
    assert found_pairs(hashes[:3], 11) == set()


def test_few_candidates_at_a_time_are_as_good(monkeypatch):
    hashes = np.repeat(random_hashes(20), 30)
    expected = compared_pairs(hashes, 4)
    for at_once in (1, 7, 100_000):
        monkeypatch.setattr(near_hashes, "_AT_ONCE", at_once)
        assert found_pairs(hashes, 4) == expected


def test_it_pays_unless_hashes_are_alike():
    assert looking_up_pays(random_hashes(10_000), 12)
    # All alike in three parts of four.
    assert not looking_up_pays(random_hashes(10_000) & np.uint64(0xFFFF), 12)
    # One in five has the same hash: their images would be compared one by one.
    crowd = random_hashes(10_000)
    crowd[::5] = crowd[0]
    assert not looking_up_pays(crowd, 4)


@pytest.mark.parametrize("level", LEVELS)
def test_groups_are_those_of_a_table_of_all_pairs(monkeypatch, level):
    hashes, thumbnails = families(600)
    monkeypatch.setattr(duplicates, "LEVELS", (level,))
    monkeypatch.setattr(duplicates, "looking_up_pays", lambda *_: True)
    found = []
    for fewest, few in ((10**9, 5_000), (0, 5_000), (0, 3)):
        monkeypatch.setattr(duplicates, "_FEWEST_LOOKED_UP", fewest)
        monkeypatch.setattr(duplicates, "_FEW_PAIRS", few)
        digests = [number.to_bytes(2, "big") for number in range(600)]
        labels = np.arange(600) % 2
        groups, _ = group_duplicates(digests, hashes, thumbnails, np.ones(600, bool), labels)
        found.append(groups.tolist())
    assert found[0] == found[1] == found[2]
    assert 100 < len(set(found[0])) < 600
