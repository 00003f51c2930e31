"""One extraction by several workers: each shard is made once, and all get the same features."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from core.backbones import features
from core.backbones.feature_cache import features_folder
from core.backbones.feature_set import SHARD_IMAGES, shard_of_image
from core.backbones.features import extract_features, help_to_extract
from core.errors import Cancelled
from tests.backbones.test_shards import REQUEST, Prepared

COUNT = 4 * SHARD_IMAGES
ALL = np.arange(COUNT)
PREPARED = Prepared((COUNT, 1, 1, 1))


class Names:
    """Who holds what, for workers that are threads here."""

    def __init__(self) -> None:
        self.lock, self.held = threading.Lock(), {}


class Worker:
    """``core.backbones.features.Sharing`` of one worker; what it asked for is in ``asked``."""

    def __init__(self, names: Names) -> None:
        self.names, self.asked, self.ended = names, [], False

    def take(self, choices):
        with self.names.lock:
            for place, wanted in enumerate(choices):
                if all(self.names.held.get(name, self) is self for name in wanted):
                    self.names.held.update(dict.fromkeys(wanted, self))
                    return place
        return None

    def give_back(self) -> None:
        with self.names.lock:
            self.names.held = {n: who for n, who in self.names.held.items() if who is not self}

    def ask_for_help(self, key, batch_size, most) -> None:
        self.asked.append((key, batch_size, most))

    def end(self) -> None:
        self.give_back()
        self.ended = True


@pytest.fixture(autouse=True)
def _own_home(home):
    """Each test has a home of its own."""


@pytest.fixture(autouse=True)
def extracted(monkeypatch):
    """Extraction without a network that takes its time; writes down who was given which image."""
    seen: list[tuple[str, int]] = []

    def rows(batch):
        time.sleep(0.002)
        seen.extend((threading.current_thread().name, int(image)) for image in batch.ravel())
        return np.repeat(batch.reshape(-1, 1) % 1000, REQUEST.width, axis=1).astype(np.float32)

    monkeypatch.setattr(features, "load_keras", lambda: None)
    model = SimpleNamespace(predict_on_batch=rows)
    monkeypatch.setattr(features, "build_extractor", lambda *_: model)
    monkeypatch.setattr(features, "WAIT_SECONDS", 0.01)
    return seen


def images_of(seen):
    return sorted(image for _, image in seen)


def test_two_that_need_the_same_features_make_each_shard_once(extracted):
    names = Names()
    workers = [Worker(names), Worker(names)]

    def extract(worker):
        return extract_features(PREPARED, REQUEST, ALL, sharing=worker)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(extract, workers))
    assert images_of(extracted) == ALL.tolist()
    assert len({name for name, _ in extracted}) == 2
    assert len(list(features_folder().glob("*.npy"))) == 4
    assert sum(each.images - each.together for each in found) == COUNT
    for each in found:
        assert each.take(np.array([9000, 17]))[:, 0].tolist() == [0, 17]
        assert (each.cache, each.reused) == ("part", each.together)
        assert each.seconds == pytest.approx(sum(piece.seconds for piece in each.pieces))
        assert each.notes[0].startswith(
            f"Other workers extracted the features of {each.together:,} of 32,768 images"
        )
    # Both count the work of both, and each its own as what it did now.
    assert found[0].seconds == pytest.approx(found[1].seconds)
    assert found[0].seconds - found[0].reused_seconds == pytest.approx(found[1].reused_seconds)
    assert names.held == {}


def test_one_alone_asks_for_help_and_does_all_of_it():
    worker, told = Worker(Names()), []
    found = extract_features(
        PREPARED, REQUEST, ALL, lambda *done: told.append(done), sharing=worker
    )
    ((key, batch_size, most),) = worker.asked
    assert (batch_size, most) == (REQUEST.batch_size, 3)
    assert found.pieces[0].key == key
    assert (found.cache, found.together, found.waited_seconds, found.notes) == ("miss", 0, 0, ())
    assert (told[-1], worker.ended) == ((COUNT, COUNT), True)
    again = Worker(Names())
    assert extract_features(PREPARED, REQUEST, ALL, sharing=again).cache == "hit"
    assert again.asked == []


def test_one_shard_is_held_and_nobody_is_asked(extracted):
    worker = Worker(Names())
    extract_features(Prepared((SHARD_IMAGES, 1, 1, 1)), REQUEST, ALL[:500], sharing=worker)
    assert worker.asked == []
    assert images_of(extracted) == ALL[:500].tolist()


def test_a_helper_takes_what_is_left_and_does_not_wait(extracted):
    names, told = Names(), []
    other = Worker(names)
    work = (PREPARED, REQUEST, ALL)
    key = features.key_of(features._identity(PREPARED, REQUEST))
    assert other.take([[f"features-{key[:32]}-2"]]) == 0
    done = help_to_extract(
        work, key, Worker(names), lambda: False, lambda *images: told.append(images)
    )
    mine = np.flatnonzero(shard_of_image(COUNT) != 2)
    assert (done, images_of(extracted)) == (len(mine), mine.tolist())
    assert told[-1] == (len(mine), COUNT)
    assert list(names.held.values()) == [other]


def test_a_helper_gives_way_after_its_shard():
    key = features.key_of(features._identity(PREPARED, REQUEST))
    work, waits = (PREPARED, REQUEST, ALL), iter([False, True])
    assert help_to_extract(work, key, Worker(Names()), lambda: next(waits)) == SHARD_IMAGES
    assert help_to_extract(work, key, Worker(Names()), lambda: True) == 0


def test_a_helper_on_another_device_does_nothing(extracted):
    work = (PREPARED, REQUEST, ALL)
    assert help_to_extract(work, "another key", Worker(Names()), lambda: False) == 0
    assert extracted == []


def test_who_waits_for_another_can_be_stopped_and_takes_over_what_that_one_leaves(extracted):
    names = Names()
    other, mine = Worker(names), Worker(names)
    images = np.flatnonzero(shard_of_image(COUNT) == 1)
    key = features.key_of(features._identity(PREPARED, REQUEST))
    assert other.take([[f"features-{key[:32]}-1"]]) == 0
    with pytest.raises(Cancelled):
        extract_features(PREPARED, REQUEST, images, should_stop=lambda: True, sharing=mine)
    assert extracted == []
    take = mine.take

    def lost_after_a_look(choices):
        place = take(choices)
        if place is None:
            other.give_back()
        return place

    mine.take = lost_after_a_look
    found = extract_features(PREPARED, REQUEST, images, sharing=mine)
    assert images_of(extracted) == images.tolist()
    assert (found.together, found.waited_seconds > 0) == (0, True)


@pytest.mark.parametrize("every", [3, 10])
def test_who_needs_only_some_of_the_images_makes_none_of_them_twice(extracted, every):
    """As two points of a learning curve do; few images are one piece, from whatever shards."""
    names = Names()
    some = ALL[::every]

    def extract(images):
        return extract_features(PREPARED, REQUEST, images, sharing=Worker(names))

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(extract, [ALL, some]))
    assert images_of(extracted) == ALL.tolist()
    assert found[1].take(np.array([90, 30]))[:, 0].tolist() == [90, 30]
