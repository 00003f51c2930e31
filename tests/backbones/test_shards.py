"""More than 8,192 images: extracted shard by shard, read in windows, resumed where it broke off."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from core.backbones import features
from core.backbones.feature_cache import features_folder, find_stored, shards_of, write_piece
from core.backbones.feature_set import SHARD_IMAGES, WINDOW_SHARDS, FeatureSet, shard_of_image
from core.backbones.features import FeatureRequest, extract_features
from core.backbones.vgg16 import VGG16
from core.conditions import Meter
from core.errors import Cancelled

COUNT = 5 * 8000
EVERYTHING = np.arange(COUNT)
WIDTH = 2
REQUEST = FeatureRequest(VGG16, False, 32, (0.0, 0.0, 0.0), "float32", False, 500, pooled=True)
MANY = SHARD_IMAGES + 2000


@pytest.fixture(autouse=True)
def _own_home(home):
    """Each test has a home of its own."""


def of_all(count=COUNT):
    return FeatureSet((), count, WIDTH, count, 0, 0.0, 0.0, None)


def test_images_are_dealt_out_evenly_and_at_random():
    shards = shard_of_image(COUNT)
    assert np.bincount(shards).tolist() == [8000] * 5
    # Images lie class by class: of the first tenth each shard has about a tenth.
    assert np.bincount(shards[: COUNT // 10]).min() > 700
    assert np.bincount(shard_of_image(SHARD_IMAGES)).tolist() == [8192]
    assert np.bincount(shard_of_image(SHARD_IMAGES + 1)).tolist() == [4097, 4096]


def test_images_are_extracted_by_the_shards_that_they_are_in():
    assert [part.tolist() for part in shards_of(np.array([3, 9]), COUNT)] == [[3, 9]]
    assert len(shards_of(np.arange(SHARD_IMAGES), COUNT)) == 1
    parts = shards_of(EVERYTHING, COUNT)
    assert [len(part) for part in parts] == [8000] * 5
    assert np.array_equal(np.sort(np.concatenate(parts)), EVERYTHING)
    for number, part in enumerate(parts):
        assert np.array_equal(part, np.flatnonzero(shard_of_image(COUNT) == number))


def test_up_to_three_shards_an_epoch_is_a_full_shuffle():
    few = np.arange(WINDOW_SHARDS * SHARD_IMAGES)
    found = of_all(len(few)).shuffled(few, np.random.default_rng([0, 1]))
    assert np.array_equal(found, np.random.default_rng([0, 1]).permutation(few))
    assert np.array_equal(of_all(len(few)).gathered(few), few)


def test_above_that_an_epoch_reads_three_shards_at_a_time():
    wanted = EVERYTHING[::2]
    shards = shard_of_image(COUNT)
    orders = [of_all().shuffled(wanted, np.random.default_rng([0, epoch])) for epoch in (1, 2, 1)]
    assert np.array_equal(orders[0], orders[2])
    assert not np.array_equal(orders[0], orders[1])
    for order in orders:
        assert np.array_equal(np.sort(order), wanted)
        first = np.unique(shards[order[:10_000]])
        in_first = int(np.isin(shards[wanted], first).sum())
        assert len(first) == WINDOW_SHARDS
        assert set(shards[order[:in_first]]).isdisjoint(shards[order[in_first:]])
        # Mixed within the window, and by class where images lie class by class.
        assert np.bincount(shards[order[:3000]])[first].min() > 850
        assert np.bincount(order[:3000] // (COUNT // 10)).min() > 230


def test_scoring_reads_each_file_once_and_gives_the_order_back():
    wanted = EVERYTHING[5::3]
    turn = of_all().gathered(wanted)
    assert np.array_equal(np.sort(turn), np.arange(len(wanted)))
    read = shard_of_image(COUNT)[wanted[turn]]
    assert (np.diff(read) >= 0).all()


def test_features_of_shards_are_those_of_one_file():
    rows = np.random.default_rng(0).random((COUNT, WIDTH)).astype(np.float16)
    identity = {"images": "abc"}
    for part in shards_of(EVERYTHING, COUNT):
        write_piece(identity, part, (COUNT, WIDTH), [rows[part]], Meter())
    whole = write_piece({"images": "whole"}, EVERYTHING, (COUNT, WIDTH), [rows], Meter())
    found = find_stored(features.key_of(identity), EVERYTHING)
    assert len(found.pieces) == 5
    order = found.shuffled(EVERYTHING, np.random.default_rng(1))
    assert np.array_equal(found.take(order[:999]), rows[order[:999]].astype(np.float32))
    assert np.array_equal(whole.take(order[:999]), rows[order[:999]])


@dataclass(frozen=True)
class Prepared:
    """Prepared images without pixels: the number of each image is all there is."""

    shape: tuple[int, ...] = (MANY, 1, 1, 1)
    digest: str = "of these images"

    def take(self, indices: np.ndarray) -> np.ndarray:
        return indices.reshape(-1, 1, 1, 1)


@pytest.fixture
def extracted(monkeypatch):
    """Extraction without a network, which writes down the images that it was given."""
    seen: list[int] = []

    def rows(batch):
        seen.extend(batch.ravel().tolist())
        return np.repeat(batch.reshape(-1, 1) % 1000, REQUEST.width, axis=1).astype(np.float32)

    model = SimpleNamespace(predict_on_batch=rows)
    monkeypatch.setattr(features, "load_keras", lambda: None)
    monkeypatch.setattr(features, "build_extractor", lambda *_: model)
    return seen


def test_an_extraction_that_broke_off_goes_on_at_the_next_shard(extracted):
    told: list[tuple[int, int]] = []
    images = np.arange(MANY)

    def in_the_second_shard() -> bool:
        return len(extracted) > 6000

    with pytest.raises(Cancelled):
        extract_features(Prepared(), REQUEST, images, None, in_the_second_shard)
    first = np.flatnonzero(shard_of_image(MANY) == 0)
    (left,) = features_folder().glob("*.npy")
    extracted.clear()
    found = extract_features(
        Prepared(), REQUEST, images, lambda done, total: told.append((done, total))
    )
    assert sorted(extracted) == np.setdiff1d(images, first).tolist()
    assert (found.cache, found.reused, found.images) == ("part", len(first), MANY)
    assert found.pieces[0].path == left
    assert found.seconds == sum(piece.seconds for piece in found.pieces)
    assert found.reused_seconds == found.pieces[0].seconds
    assert told[-1] == (MANY - len(first), MANY - len(first))
    assert found.take(np.array([9000, 17]))[:, 0].tolist() == [0, 17]
    assert extract_features(Prepared(), REQUEST, images).cache == "hit"


def test_shards_are_counted_as_one_work(extracted):
    told: list[tuple[int, int]] = []
    found = extract_features(
        Prepared(), REQUEST, np.arange(MANY), lambda done, total: told.append((done, total))
    )
    assert len(found.pieces) == 2
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (MANY, MANY)
    assert len(extracted) == MANY
